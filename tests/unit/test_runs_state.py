"""What a run leaves for the next: identity, ledger, patience, lock, roots, checkpoints."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qasr_cli.errors import (
    CannotCreateError,
    LockedError,
    QasrError,
)
from qasr_cli.operating_system import file_lease, files, refusals
from qasr_cli.records import Chunk, Finish, Hypothesis, Segment, Source, Status, Timing, Word
from qasr_cli.runs.files.file_identity import Identity, identify
from qasr_cli.runs.state import backoff, checkpoints, ledger, locking
from qasr_cli.runs.state.ledger import LedgerEntry, LedgerOutput
from qasr_cli.runs.state.roots import OutputRoots
from qasr_cli.speech.recognition.recognize import RecognizedChunk

MEDIA = Identity(5, 7, "ab")
ENTRY = LedgerEntry(
    "a.mp4", 1_000.0, Status.DONE, MEDIA, "f" * 16, (LedgerOutput("a.srt", MEDIA),), "en", 1.5, 0.25
)
DAY_S = 86_400


class TestIdentity:
    def test_a_copy_with_another_time_is_the_same(self, tmp_path: Path) -> None:
        path = tmp_path / "a"
        path.write_bytes(b"content")
        known = identify(path)
        assert known is not None
        os.utime(path, (1, 1))
        assert known.is_of(path)
        path.write_bytes(b"c0ntent")
        assert not known.is_of(path)
        path.unlink()
        assert not known.is_of(path)

    def test_any_byte_of_an_output_counts(self, tmp_path: Path) -> None:
        path = tmp_path / "long.json"
        content = bytearray(b"x" * 1_000_000)
        path.write_bytes(content)
        known = identify(path)
        content[300_001] = ord("y")  # neither at the begin nor in the middle nor at the end
        path.write_bytes(content)
        os.utime(path, (1, 1))
        assert known is not None
        assert not known.is_of(path)

    def test_what_is_no_file_has_none(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "fifo")
        assert [identify(tmp_path / name) for name in (".", "fifo", "missing")] == [None, None, None]


class TestLedger:
    def test_an_entry_comes_back_as_it_was(self) -> None:
        assert ledger.from_line(ledger.to_line(ENTRY)) == ENTRY

    def test_a_line_names_its_schema_and_older_lines_without_one_are_read(self) -> None:
        fields = json.loads(ledger.to_line(ENTRY))
        assert fields.pop("schema") == "qasr.ledger.v1"
        assert ledger.from_line(json.dumps(fields).encode()) == ENTRY

    def test_a_line_of_another_schema_is_passed_over(self) -> None:
        line = ledger.to_line(ENTRY)
        assert ledger.from_line(line.replace(b"qasr.ledger.v1", b"qasr.ledger.v2")) is None

    @given(
        name=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1),
        raw=st.binary(),
        n=st.integers(0, 99),
    )
    def test_any_name_and_reason(self, name: str, raw: bytes, n: int) -> None:
        file = name + raw.decode("utf-8", "surrogateescape")
        entry = LedgerEntry(file, 5.125, Status.FAILED, None, "", reason=name, exit_code=65, n_failures=n)
        line = ledger.to_line(entry)
        assert b"\n" not in line
        back = ledger.from_line(line)
        assert back is not None
        assert os.fsencode(back.file) == os.fsencode(file)
        assert (back.reason, back.n_failures, back.at_s) == (name, n, 5.125)

    @given(cut=st.integers(0), garbage=st.binary(max_size=40))
    def test_a_torn_line_hides_no_other(
        self, tmp_path_factory: pytest.TempPathFactory, cut: int, garbage: bytes
    ) -> None:
        folder = tmp_path_factory.mktemp("state")
        line = ledger.to_line(ENTRY)
        torn = line[: cut % len(line)] + garbage.replace(b"\n", b"")
        (folder / "ledger.jsonl").write_bytes(line + b"\n" + torn)
        later = LedgerEntry("b.mp4", 2_000.0, Status.SKIPPED, MEDIA, "", reason="why")
        ledger.load(folder).add(later)
        assert list(ledger.read(folder / "ledger.jsonl")) == [ENTRY, later]

    def test_the_last_line_of_a_file_counts_whatever_its_clock_said(self, tmp_path: Path) -> None:
        known = ledger.load(tmp_path)
        known.add(ENTRY)
        again = LedgerEntry("a.mp4", 500.0, Status.FAILED, MEDIA, "f" * 16, reason="later, by a slow clock")
        known.add(again)
        assert ledger.load(tmp_path).entries == {"a.mp4": again}

    def test_parts_write_apart_and_are_read_together(self, tmp_path: Path) -> None:
        ledger.load(tmp_path, ".1-of-2").add(ENTRY)
        ledger.load(tmp_path, ".2-of-2").add(LedgerEntry("b.mp4", 1.0, Status.DONE, MEDIA, ""))
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            "ledger.1-of-2.jsonl",
            "ledger.2-of-2.jsonl",
        ]
        assert set(ledger.load(tmp_path).entries) == {"a.mp4", "b.mp4"}


class TestBackoff:
    def test_the_next_runs_try_again_and_then_ever_more_rarely(self) -> None:
        pauses = [backoff.next_try_s(0.0, n, 2) / DAY_S for n in range(1, 12)]
        assert pauses[:2] == [0, 0]
        assert pauses[2] < 1  # a run at the same time of the next night is in time
        assert all(later == min(2 * sooner, 32) for sooner, later in pairwise(pauses[2:]))
        assert backoff.next_try_s(0.0, 10_000, 0) == 32 * DAY_S

    def test_a_clock_that_jumped_back_makes_nobody_wait(self) -> None:
        assert backoff.is_waiting(1_000.0, 9, 2, 1_001.0)
        assert not backoff.is_waiting(1_000.0, 9, 2, 999.0)


HOLD = """
import sys
from pathlib import Path
from qasr_cli.runs.state import locking
with locking.holding(Path(sys.argv[1]), sys.argv[2], is_waiting=False, notify=print):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize(
    ("theirs", "ours", "is_free"),
    [
        ("", "", False),
        (".1-of-2", "", False),
        ("", ".1-of-2", False),
        (".1-of-2", ".1-of-2", False),
        (".1-of-2", ".2-of-2", True),
    ],
)
def test_one_run_in_one_place(tmp_path: Path, theirs: str, ours: str, is_free: bool) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path, theirs],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    said: list[str] = []

    def hold() -> None:
        with locking.holding(tmp_path, ours, is_waiting=False, notify=said.append):
            pass

    if is_free:
        hold()
    else:
        with pytest.raises(LockedError, match="is locked by another qasr process"):
            hold()
    holder.kill()
    holder.communicate()
    hold()  # a killed run leaves no lock behind


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL, errno.EPERM])
@pytest.mark.parametrize("call", ["flock", "open"])
def test_a_file_system_without_locks_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, number: int, call: str
) -> None:
    monkeypatch.setattr(refusals, "_said", set())
    refused: list[object] = []

    def refuse(*arguments: object, **_: object) -> NoReturn:
        refused.append(arguments)
        raise OSError(number, os.strerror(number))

    if call == "flock":
        monkeypatch.setattr(fcntl, "flock", refuse)
    else:
        monkeypatch.setattr(files, "open_at_once", refuse)
        if number == errno.EPERM:  # no permission is no lack of locks
            with (
                pytest.raises(CannotCreateError),
                locking.holding(tmp_path, "", is_waiting=False, notify=print),
            ):
                pass
            return
    with locking.holding(tmp_path, ".1-of-2", is_waiting=False, notify=print):
        pass
    assert len(refused) == 2
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path}: the file system has no locks ({os.strerror(number)}); do not start a second run here"
    ]


def test_a_lock_that_another_machine_holds_on_cifs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> NoReturn:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(fcntl, "flock", refuse)
    monkeypatch.setattr(os, "pread", refuse)  # where locks are mandatory
    with (
        pytest.raises(LockedError, match="is locked by another qasr process"),
        locking.holding(tmp_path, "", is_waiting=False, notify=print),
    ):
        pass


class TestRoots:
    def test_each_kind_of_source(self, tmp_path: Path) -> None:
        found = Source(0, tmp_path / "shows/deep/a.mkv", Path("deep/a.mkv"), is_found=True)
        named = Source(1, tmp_path / "shows/b.mkv", Path("b.mkv"))
        assert OutputRoots([found, named], None).of(found) == tmp_path / "shows"
        assert OutputRoots([found, named], None).of(named) == tmp_path / "shows"
        assert OutputRoots([found], Path("out")).of(found) == Path.cwd() / "out"

    def test_a_part_of_an_archive_belongs_to_it(self, tmp_path: Path) -> None:
        part = Source(0, tmp_path / "archive/new/a.mkv", Path("a.mkv"), is_found=True)
        assert OutputRoots([part], None).of(part) == tmp_path / "archive/new"
        (tmp_path / "archive/.qasr").mkdir(parents=True)
        assert OutputRoots([part], None).of(part) == tmp_path / "archive"


@pytest.mark.parametrize("make", [Path.symlink_to, Path.hardlink_to])
@pytest.mark.parametrize("name", ["lock", "ledger.jsonl", "checkpoint"])
def test_a_link_in_a_state_folder_is_not_followed(
    tmp_path: Path, name: str, make: Callable[[Path, Path], None]
) -> None:
    folder, theirs = tmp_path / ".qasr", tmp_path / "secret"
    theirs.write_text("secret\n")
    checkpoint = checkpoints.checkpoint(folder, "a.mp4", MEDIA, "f")
    checkpoint.path.parent.mkdir(parents=True)
    make(checkpoint.path if name == "checkpoint" else folder / name, theirs)
    if name == "checkpoint":
        checkpoint.add([piece(0)])
    elif name == "lock":
        hold = locking.holding(folder, "", is_waiting=False, notify=print)
        with pytest.raises(QasrError, match="is a link"), hold:
            pass
    else:
        with pytest.raises(QasrError, match="is a link"):
            ledger.load(folder).add(ENTRY)
    assert theirs.read_text() == "secret\n"


def test_an_entry_finds_its_folder_gone_with_the_last_checkpoint(tmp_path: Path) -> None:
    folder = tmp_path / "out" / ".qasr"
    killed = checkpoints.checkpoint(folder, "a.mp4", MEDIA, "f")
    (tmp_path / "out").mkdir()
    killed.add([piece(0)])
    known = ledger.load(folder)
    killed.remove()
    assert not folder.exists()
    known.add(ENTRY)
    assert ledger.load(folder).entries == {"a.mp4": ENTRY}
    (folder / "ledger.jsonl").unlink()
    folder.rmdir()
    (tmp_path / "out").rmdir()
    with pytest.raises(QasrError):  # the disk is not mounted any more: nothing is made in its place
        known.add(ENTRY)
    assert not (tmp_path / "out").exists()


def piece(index: int) -> RecognizedChunk:
    chunk = Chunk(0, index, index * 1_000, index * 1_000 + 900)
    words = (
        Word("", "Hé", chunk.start_ms, chunk.start_ms + 120, Timing.ALIGNED, 0.123456789),
        Word(" ", "you\u2028.", chunk.start_ms + 120, chunk.end_ms, Timing.REPAIRED, None),
    )
    segment = Segment(chunk.start_ms, chunk.end_ms, "en", "Hé you\u2028.", words, ("loop",))
    answer = Hypothesis("Hé you\u2028.", "English", Finish.TRUNCATED, 7)
    return RecognizedChunk(chunk, answer, ("loop",), segment if index % 2 else None)


class TestCheckpoint:
    def kept(
        self, folder: Path, *, media: Identity = MEDIA, fingerprint: str = "f"
    ) -> checkpoints.Checkpoint:
        return checkpoints.checkpoint(folder / ".qasr", "a.mp4", media, fingerprint)

    def test_pieces_come_back_as_they_were(self, tmp_path: Path) -> None:
        pieces = [piece(index) for index in range(4)]
        one = self.kept(tmp_path)
        one.add(pieces[:3])
        one.add(pieces[3:])
        chunks = [each.chunk for each in pieces]
        assert self.kept(tmp_path).load(chunks) == dict(enumerate(pieces))

    def test_other_media_options_or_chunks_know_nothing(self, tmp_path: Path) -> None:
        pieces = [piece(0), piece(1)]
        self.kept(tmp_path).add(pieces)
        chunks = [each.chunk for each in pieces]
        assert self.kept(tmp_path, media=Identity(5, 8, "ab")).load(chunks) == {}
        assert self.kept(tmp_path, fingerprint="g").load(chunks) == {}
        assert set(self.kept(tmp_path).load([chunks[0], Chunk(0, 1, 1_000, 1_950)])) == {0}

    @given(cut=st.integers(0))
    def test_a_torn_line_costs_its_batch_only(
        self, tmp_path_factory: pytest.TempPathFactory, cut: int
    ) -> None:
        folder = tmp_path_factory.mktemp("root")
        pieces = [piece(index) for index in range(3)]
        one = self.kept(folder)
        one.add(pieces[:1])
        whole = one.path.read_bytes()
        one.add(pieces[1:2])
        content = one.path.read_bytes()
        one.path.write_bytes(content[: len(whole) + cut % (len(content) - len(whole) - 1)])
        again = self.kept(folder)
        assert set(again.load([each.chunk for each in pieces])) == {0}
        again.add(pieces[2:])
        assert set(self.kept(folder).load([each.chunk for each in pieces])) == {0, 2}

    def test_it_goes_with_the_folders_that_it_made(self, tmp_path: Path) -> None:
        one = self.kept(tmp_path)
        one.add([piece(0)])
        one.remove()
        assert list(tmp_path.iterdir()) == []

    def test_runs_with_other_options_do_not_mix(self, tmp_path: Path) -> None:
        ours, theirs = self.kept(tmp_path), self.kept(tmp_path, fingerprint="g")
        ours.add([piece(0)])
        theirs.add([piece(1)])
        ours.add([piece(2)])
        chunks = [piece(index).chunk for index in range(3)]
        assert set(self.kept(tmp_path).load(chunks)) == {0, 2}
        assert set(self.kept(tmp_path, fingerprint="g").load(chunks)) == {1}

    def test_what_other_options_left_long_ago_goes_too(self, tmp_path: Path) -> None:
        left, recent, one = (self.kept(tmp_path, fingerprint=text) for text in "ghf")
        for each in (left, recent, one):
            each.add([piece(0)])
        os.utime(left.path, (5, 5))
        one.remove()
        assert list(one.path.parent.iterdir()) == [recent.path]

    def test_a_full_disk_is_no_failure(self, tmp_path: Path) -> None:
        (tmp_path / ".qasr").write_text("in the way")
        self.kept(tmp_path).add([piece(0)])


class TestFileLease:
    def test_one_that_is_taken_away_is_made_again(self, tmp_path: Path) -> None:
        n_made = 0

        def create() -> tuple[Path, int]:
            nonlocal n_made
            n_made += 1
            if n_made == 1:
                raise FileNotFoundError  # its folder was taken away
            path = tmp_path / f"held{n_made}"
            descriptor = os.open(path, os.O_CREAT | os.O_RDWR)
            if n_made == 2:
                path.unlink()
            return path, descriptor

        path, descriptor = file_lease.make(create)
        os.close(descriptor)
        assert path.name == "held3"

    def test_one_that_cannot_be_made_is_given_up(self, tmp_path: Path) -> None:
        def create() -> tuple[Path, int]:
            return tmp_path, os.open(tmp_path / "gone" / "file", os.O_CREAT)

        with pytest.raises(FileNotFoundError):
            file_lease.make(create)
