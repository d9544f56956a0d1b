"""State that somebody else wrote: what counts, and what is passed over with one warning."""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qasr_cli.errors import CannotCreateError, QasrError
from qasr_cli.options import Options, OutputOptions, RunOptions
from qasr_cli.records import Chunk, Finish, Hypothesis, Outcome, Segment, Source, Status, Word
from qasr_cli.runs.files.file_identity import Identity, identify
from qasr_cli.runs.planning import output_plan
from qasr_cli.runs.planning.output_names import OutputLayout
from qasr_cli.runs.state import checkpoints, journal, ledger, locking, roots, trusted_files
from qasr_cli.runs.state.ledger import LedgerEntry, LedgerOutput
from qasr_cli.runs.state.roots import OutputRoots
from qasr_cli.speech.recognition.recognize import RecognizedChunk

STRANGER, OWNER = 12_345, 23_456
MEDIA = Identity(5, 7, "ab")
ENTRY = LedgerEntry("a.mp4", 1_000.0, Status.DONE, MEDIA, "f" * 16, (LedgerOutput("a.srt", MEDIA),), "en")
CHUNK = Chunk(0, 0, 0, 900)
PIECE = RecognizedChunk(
    CHUNK,
    Hypothesis("Hi.", "English", Finish.COMPLETE, 2),
    ("loop",),
    Segment(0, 900, "en", "Hi.", (Word("", "Hi.", 10, 500),)),
)
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@pytest.fixture(autouse=True)
def no_hang() -> Iterator[None]:
    """End the test process if anything waits for a FIFO."""
    watchdog = threading.Timer(60, os._exit, (1,))
    watchdog.start()
    yield
    watchdog.cancel()


def state_of(folder: Path, *lines: bytes) -> Path:
    """Make a state folder with a ledger."""
    state = folder / ".qasr"
    state.mkdir(parents=True)
    (state / "ledger.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
    return state


def give(path: Path, uid: int) -> None:
    """Give a file, or a folder with all that is in it, to a user."""
    for each in (path, *path.rglob("*")):
        os.chown(each, uid, uid, follow_symlinks=False)


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(3 * 1024**3)


def _folder(path: Path) -> None:
    path.mkdir()


def _link(path: Path) -> None:
    elsewhere = path.parent.parent / "elsewhere"
    elsewhere.write_bytes(ledger.to_line(ENTRY) + b"\n")
    path.symlink_to(elsewhere)


def _hard_link(path: Path) -> None:
    elsewhere = path.parent.parent / "elsewhere"
    elsewhere.write_bytes(ledger.to_line(ENTRY) + b"\n")
    path.hardlink_to(elsewhere)


@pytest.mark.parametrize("make", [_fifo, _device, _sparse, _folder, _link, _hard_link])
@pytest.mark.parametrize("name", ["ledger.jsonl", "ledger.1-of-2.jsonl", "checkpoint", "lock"])
def test_what_is_no_file_of_qasr_is_passed_over(
    tmp_path: Path, make: Callable[[Path], None], name: str, caplog: pytest.LogCaptureFixture
) -> None:
    state = tmp_path / ".qasr"
    checkpoint = checkpoints.checkpoint(state, "a.mp4", MEDIA, "f")
    checkpoint.path.parent.mkdir(parents=True)
    path = checkpoint.path if name == "checkpoint" else state / name
    make(path)
    assert ledger.load(state).entries == {}
    assert checkpoint.load([CHUNK]) == {}
    if name == "lock":
        if make is _sparse:  # a lock file may have any content
            return
        hold = locking.holding(state, "", is_waiting=False, notify=print)
        with pytest.raises(CannotCreateError, match=r"\.qasr/lock: ") as caught, hold:
            pass
        assert "remove it" in caught.value.hint
    else:
        assert [record.getMessage().split(": ")[0] for record in caplog.records] == [str(path)]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a device")
def test_a_device_is_not_read(tmp_path: Path) -> None:
    state = state_of(tmp_path)
    (state / "ledger.jsonl").unlink()
    os.mknod(state / "ledger.jsonl", 0o20666, os.makedev(1, 5))
    assert ledger.load(state).entries == {}


def test_a_state_folder_that_is_a_link_is_not_followed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    theirs = state_of(tmp_path / "theirs", ledger.to_line(ENTRY))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/.qasr").symlink_to(theirs)
    assert not trusted_files.counts(tmp_path / "mine/.qasr")
    assert ledger.load(tmp_path / "mine/.qasr").entries == {}
    checkpoints.checkpoint(tmp_path / "mine/.qasr", "a.mp4", MEDIA, "f").add([PIECE])
    assert sorted(path.name for path in theirs.iterdir()) == ["ledger.jsonl"]
    (record,) = caplog.records
    assert record.getMessage().startswith(f"{tmp_path}/mine/.qasr: is a link")
    assert "--state DIR" in record.getMessage()


def test_a_link_to_nothing_makes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / ".qasr").symlink_to("gone")
    assert not roots.can_keep_state(tmp_path / ".qasr")
    assert "is a link" in caplog.text
    assert not (tmp_path / "gone").exists()


def test_a_state_folder_that_is_named_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "link").symlink_to("kept")
    ledger.load(tmp_path / "link").add(ENTRY)
    assert ledger.load(tmp_path / "link").entries == {"a.mp4": ENTRY}


@as_root
class TestOwners:
    """Root's state, the user's own, and that of the folder's owner count."""

    @pytest.mark.parametrize(
        ("folder", "state", "is_counted"),
        [
            (0, 0, True),
            (OWNER, OWNER, True),
            (OWNER, 0, True),
            (OWNER, STRANGER, False),
            (0, STRANGER, False),
        ],
    )
    def test_of_a_folder(self, tmp_path: Path, folder: int, state: int, *, is_counted: bool) -> None:
        place = state_of(tmp_path / "shared", ledger.to_line(ENTRY))
        give(place, state)
        os.chown(tmp_path / "shared", folder, folder)
        assert trusted_files.counts(place) == is_counted
        assert bool(ledger.load(place).entries) == is_counted

    @pytest.mark.parametrize(
        ("uid", "is_counted"), [(STRANGER, False), (0, True), (1234, True), (OWNER, True)]
    )
    def test_of_a_user_without_root_s_rights(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uid: int, *, is_counted: bool
    ) -> None:
        place = state_of(tmp_path / "shared", ledger.to_line(ENTRY))
        give(place, uid)
        os.chown(tmp_path / "shared", OWNER, OWNER)
        monkeypatch.setattr(os, "geteuid", lambda: 1234)
        assert trusted_files.counts(place) == is_counted
        assert bool(ledger.load(place).entries) == is_counted

    @pytest.mark.parametrize("uid", [STRANGER, OWNER, 0])
    def test_of_a_file_in_a_folder_that_everybody_may_write_to(
        self, tmp_path: Path, uid: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        place = state_of(tmp_path / "shared", ledger.to_line(ENTRY))
        give(tmp_path / "shared", OWNER)
        os.chown(place / "ledger.jsonl", uid, uid)
        assert bool(ledger.load(place).entries) == (uid != STRANGER)
        if uid == STRANGER:
            assert f"belongs to user {STRANGER}, so it does not count" in caplog.text
            with pytest.raises(QasrError, match="does not count"):
                ledger.load(place).add(ENTRY)

    def test_the_owner_of_a_folder_that_is_named_counts(self, tmp_path: Path) -> None:
        ledger.load(tmp_path).add(ENTRY)
        give(tmp_path, STRANGER)
        assert ledger.load(tmp_path).entries == {"a.mp4": ENTRY}

    @pytest.mark.parametrize("make", [_fifo, _device, _folder, _link])
    def test_whatever_a_stranger_puts_in_the_lock_s_place_stops_nobody(
        self, tmp_path: Path, make: Callable[[Path], None]
    ) -> None:
        place = state_of(tmp_path)
        make(place / "lock")
        os.chown(place / "lock", STRANGER, STRANGER, follow_symlinks=False)
        with locking.holding(place, "", is_waiting=False, notify=print):
            pass

    def test_a_lock_of_a_stranger_locks_nothing(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        place = state_of(tmp_path)
        with locking.holding(place, "", is_waiting=False, notify=print):
            os.chown(place / "lock", STRANGER, STRANGER)
            with locking.holding(place, "", is_waiting=False, notify=print):
                pass
        assert "nothing is locked" in caplog.text

    def test_new_files_belong_to_the_folder_s_owner(self, tmp_path: Path) -> None:
        os.chown(tmp_path, OWNER, OWNER)
        one = checkpoints.checkpoint(tmp_path / ".qasr", "a.mp4", MEDIA, "f")
        one.add([PIECE])
        ledger.load(tmp_path / ".qasr").add(ENTRY)
        assert {path.stat().st_uid for path in (tmp_path / ".qasr").rglob("*")} == {OWNER}

    def test_a_file_that_a_stranger_keeps_open_is_not_given_away(self, tmp_path: Path) -> None:
        place = state_of(tmp_path)
        (place / "ledger.jsonl").touch()
        os.chown(place / "ledger.jsonl", STRANGER, STRANGER)
        with pytest.raises(QasrError, match="does not count"):
            ledger.load(place).add(ENTRY)
        assert (place / "ledger.jsonl").stat().st_uid == STRANGER


def test_nobody_else_may_hold_the_lock(tmp_path: Path) -> None:
    place = state_of(tmp_path)
    (place / "lock").touch(0o644)
    with locking.holding(place, "", is_waiting=False, notify=print):
        assert not (place / "lock").stat().st_mode & 0o007


@as_root
class TestJournal:
    """A stranger's state in a shared folder: nothing is skipped, replaced or waited for."""

    OPTIONS = Options(run=RunOptions(retries=0), output=OutputOptions(("srt",)))

    def source(self, folder: Path) -> Source:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "a.mp4"
        path.write_bytes(b"media")
        return Source(0, path, Path("a.mp4"), is_found=True)

    def plan(self, source: Source, run_journal: journal.Journal) -> output_plan.Plan:
        layout = OutputLayout.of(self.OPTIONS.output, {"srt": ".srt"})
        (plan,) = run_journal.decide(output_plan.plan([source], layout))
        return plan

    def entry(self, source: Source, name: str, **fields: object) -> bytes:
        plain = LedgerEntry(
            name, 5.0, Status.SKIPPED, identify(source.path), self.OPTIONS.request_fingerprint()
        )
        return ledger.to_line(dataclasses.replace(plain, **fields))  # type: ignore[arg-type]

    def test_in_a_folder_above(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        source = self.source(tmp_path / "shared/mine")
        place = state_of(tmp_path / "shared", self.entry(source, "mine/a.mp4", reason="because"))
        assert OutputRoots([source], None).of(source) == tmp_path / "shared"
        with journal.opened([source], self.OPTIONS, print) as believed:
            assert self.plan(source, believed).skip == "because"
        give(place, STRANGER)
        (tmp_path / "shared").chmod(0o1777)
        assert OutputRoots([source], None).of(source) == tmp_path / "shared/mine"
        with locking.holding(tmp_path / "shared/mine", "", is_waiting=False, notify=print):
            pass
        with journal.opened([source], self.OPTIONS, print) as own:
            assert self.plan(source, own).targets
            own.begin(source)
            own.enter(Outcome(source, Status.DONE))
        assert set(ledger.load(tmp_path / "shared/mine/.qasr").entries) == {"a.mp4"}
        message = f"{place}: belongs to user {STRANGER}, so it does not count; --state DIR"
        assert caplog.text.count(message) == 1

    def test_a_hand_made_subtitle_is_not_replaced(self, tmp_path: Path) -> None:
        source = self.source(tmp_path)
        by_hand = tmp_path / "a.srt"
        by_hand.write_text("by hand\n")
        written = identify(by_hand)
        assert written is not None
        other = Identity(1, 1, "f" * 16)
        place = state_of(
            tmp_path,
            self.entry(
                source, "a.mp4", status=Status.DONE, media=other, outputs=(LedgerOutput("a.srt", written),)
            ),
        )
        with journal.opened([source], self.OPTIONS, print) as believed:
            assert self.plan(source, believed).may_replace(by_hand)
        give(place, STRANGER)
        for run_journal in (journal.opened([source], self.OPTIONS, print),):
            with run_journal as own:
                plan = self.plan(source, own)
                assert plan.skip == output_plan.DONE
                assert not plan.may_replace(by_hand)
                own.begin(source)
                assert own.checkpoint(source, "f") is None
                own.announce(source, {by_hand: "text"})
                own.enter(Outcome(source, Status.DONE))
        assert sorted(path.name for path in place.iterdir()) == ["ledger.jsonl", "lock"]
        assert not self.plan(source, journal.consulted([source], self.OPTIONS)).may_replace(by_hand)

    def test_the_lock_of_a_stranger_s_folder_below(self, tmp_path: Path) -> None:
        inner = self.source(tmp_path / "inner")
        source = dataclasses.replace(inner, relative=Path("inner/a.mp4"))
        place = state_of(tmp_path / "inner")
        with locking.holding(place, "", is_waiting=False, notify=print):
            give(place, STRANGER)
            with journal.opened([source], self.OPTIONS, print) as own:
                assert self.plan(source, own).targets


def test_subtitles_elsewhere_are_not_looked_for(tmp_path: Path) -> None:
    options = Options(output=OutputOptions(("srt",)))
    path = tmp_path / "films/a.mp4"
    path.parent.mkdir()
    path.write_bytes(b"media")
    source = Source(0, path, Path("films/a.mp4"), is_found=True)
    layout = OutputLayout.of(options.output, {"srt": ".srt"})
    (tmp_path / "films/a.en.srt").touch()
    (tmp_path / "other.srt").touch()
    entry = LedgerEntry(
        "films/a.mp4", 5.0, Status.SKIPPED, identify(path), options.request_fingerprint(), reason="has"
    )
    state = state_of(tmp_path)
    for subtitles, is_skipped in (
        ("films/a.en.srt", True),
        ("films/a.mp4", True),
        ("other.srt", False),
        ("/etc/passwd", False),
        ("films/gone.srt", False),
    ):
        line = ledger.to_line(dataclasses.replace(entry, subtitles=subtitles))
        (state / "ledger.jsonl").write_bytes(line + b"\n")
        (plan,) = journal.consulted([source], options).decide(output_plan.plan([source], layout))
        assert bool(plan.skip) == is_skipped, subtitles


def test_an_output_that_became_a_fifo_is_not_read(tmp_path: Path) -> None:
    written = tmp_path / "a.srt"
    written.touch()
    known = identify(written)
    assert known is not None
    written.unlink()
    os.mkfifo(written)
    assert not known.is_of(written)
