"""What a run leaves for the next: identity, ledger, patience, lock, roots, checkpoints."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qasr_cli.errors import (
    ExitCode,
    LockedError,
    QasrError,
    QualityError,
    UndecodableError,
    from_os_error,
)
from qasr_cli.options import CueOptions, EngineOptions, Options, OutputOptions, RunOptions
from qasr_cli.records import Chunk, Finish, Hypothesis, Outcome, Segment, Source, Status, Timing, Word
from qasr_cli.runs import outputs
from qasr_cli.runs.identity import Identity, identify
from qasr_cli.runs.state import books, checkpoints, ledger, locking, patience
from qasr_cli.runs.state.ledger import Entry, Output
from qasr_cli.runs.state.roots import Roots
from qasr_cli.speech.transcribe import Piece

MEDIA = Identity(5, 7, "ab")
ENTRY = Entry("a.mp4", 1_000.0, Status.DONE, MEDIA, "f" * 16, (Output("a.srt", MEDIA),), "en", 1.5, 0.25)
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

    @given(
        name=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1),
        raw=st.binary(),
        n=st.integers(0, 99),
    )
    def test_any_name_and_reason(self, name: str, raw: bytes, n: int) -> None:
        file = name + raw.decode("utf-8", "surrogateescape")
        entry = Entry(file, 5.125, Status.FAILED, None, "", reason=name, exit_code=65, n_failures=n)
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
        later = Entry("b.mp4", 2_000.0, Status.SKIPPED, MEDIA, "", reason="why")
        ledger.load(folder).add(later)
        assert list(ledger.read(folder / "ledger.jsonl")) == [ENTRY, later]

    def test_the_last_line_of_a_file_counts_whatever_its_clock_said(self, tmp_path: Path) -> None:
        known = ledger.load(tmp_path)
        known.add(ENTRY)
        again = Entry("a.mp4", 500.0, Status.FAILED, MEDIA, "f" * 16, reason="later, by a slow clock")
        known.add(again)
        assert ledger.load(tmp_path).entries == {"a.mp4": again}

    def test_parts_write_apart_and_are_read_together(self, tmp_path: Path) -> None:
        ledger.load(tmp_path, ".1-of-2").add(ENTRY)
        ledger.load(tmp_path, ".2-of-2").add(Entry("b.mp4", 1.0, Status.DONE, MEDIA, ""))
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            "ledger.1-of-2.jsonl",
            "ledger.2-of-2.jsonl",
        ]
        assert set(ledger.load(tmp_path).entries) == {"a.mp4", "b.mp4"}


class TestPatience:
    def test_the_next_runs_try_again_and_then_ever_more_rarely(self) -> None:
        pauses = [patience.next_try_s(0.0, n, 2) / DAY_S for n in range(1, 12)]
        assert pauses[:2] == [0, 0]
        assert pauses[2] < 1  # a run at the same time of the next night is in time
        assert all(later == min(2 * sooner, 32) for sooner, later in pairwise(pauses[2:]))
        assert patience.next_try_s(0.0, 10_000, 0) == 32 * DAY_S

    def test_a_clock_that_jumped_back_makes_nobody_wait(self) -> None:
        assert patience.is_waiting(1_000.0, 9, 2, 1_001.0)
        assert not patience.is_waiting(1_000.0, 9, 2, 999.0)


HOLD = """
import sys
from pathlib import Path
from qasr_cli.runs.state import locking
with locking.holding(Path(sys.argv[1]), sys.argv[2], is_waiting=False, tell=print):
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
        with locking.holding(tmp_path, ours, is_waiting=False, tell=said.append):
            pass

    if is_free:
        hold()
    else:
        with pytest.raises(LockedError, match="at work here"):
            hold()
    holder.kill()
    holder.communicate()
    hold()  # a killed run leaves no lock behind


class TestRoots:
    def test_each_kind_of_source(self, tmp_path: Path) -> None:
        found = Source(0, tmp_path / "shows/deep/a.mkv", Path("deep/a.mkv"), is_found=True)
        named = Source(1, tmp_path / "shows/b.mkv", Path("b.mkv"))
        assert Roots([found, named], None).of(found) == tmp_path / "shows"
        assert Roots([found, named], None).of(named) == tmp_path / "shows"
        assert Roots([found], Path("out")).of(found) == Path.cwd() / "out"

    def test_a_part_of_an_archive_belongs_to_it(self, tmp_path: Path) -> None:
        part = Source(0, tmp_path / "archive/new/a.mkv", Path("a.mkv"), is_found=True)
        assert Roots([part], None).of(part) == tmp_path / "archive/new"
        (tmp_path / "archive/.qasr").mkdir(parents=True)
        assert Roots([part], None).of(part) == tmp_path / "archive"


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
        hold = locking.holding(folder, "", is_waiting=False, tell=print)
        with pytest.raises(QasrError, match="is a link"), hold:
            pass
    else:
        with pytest.raises(QasrError, match="is a link"):
            ledger.load(folder).add(ENTRY)
    assert theirs.read_text() == "secret\n"


def piece(index: int) -> Piece:
    chunk = Chunk(0, index, index * 1_000, index * 1_000 + 900)
    words = (
        Word("", "Hé", chunk.start_ms, chunk.start_ms + 120, Timing.ALIGNED, 0.123456789),
        Word(" ", "you\u2028.", chunk.start_ms + 120, chunk.end_ms, Timing.REPAIRED, None),
    )
    segment = Segment(chunk.start_ms, chunk.end_ms, "en", "Hé you\u2028.", words, ("loop",))
    answer = Hypothesis("Hé you\u2028.", "English", Finish.TRUNCATED, 7)
    return Piece(chunk, answer, ("loop",), segment if index % 2 else None)


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


class TestBooks:
    """Decisions, by entering outcomes and asking again."""

    def options(self, **more: object) -> Options:
        return Options(run=RunOptions(n_retries=0), **more)  # type: ignore[arg-type]

    def source(self, folder: Path, content: bytes = b"media") -> Source:
        path = folder / "a.mp4"
        path.write_bytes(content)
        return Source(0, path, Path("a.mp4"), is_found=True)

    def run(self, source: Source, options: Options, outcome: Outcome | None = None) -> outputs.Plan:
        """Plan, enter the outcome, and return the plan."""
        with books.opened([source], options, lambda text: None) as kept:
            (plan,) = kept.decide(outputs.plan([source], options.output, {"srt": ".srt", "vtt": ".vtt"}))
            if outcome is not None:
                kept.begin(source)
                for path in outcome.outputs:
                    path.write_text("1\n")
                kept.enter(outcome)
        return plan

    def done(self, source: Source) -> Outcome:
        return Outcome(source, Status.DONE, outputs=(source.path.with_suffix(".srt"),))

    def test_finished_is_finished(self, tmp_path: Path) -> None:
        source = self.source(tmp_path)
        assert self.run(source, self.options(), self.done(source)).targets
        os.utime(source.path, (5, 5))  # copied elsewhere and back
        assert self.run(source, self.options()).skip == outputs.DONE

    def test_other_media_or_options_make_it_anew(self, tmp_path: Path) -> None:
        source = self.source(tmp_path)
        self.run(source, self.options(), self.done(source))
        for changed in (
            self.options(cue=CueOptions(max_cps=9)),
            self.options(engine=EngineOptions(model="1.7b")),
        ):
            plan = self.run(source, changed)
            assert (plan.skip, plan.note) == ("", "options changed")
            assert plan.may_replace(tmp_path / "a.srt")
        faster = self.options(engine=EngineOptions(device="cuda", batch_size=3))
        assert self.run(source, faster).skip == outputs.DONE
        self.source(tmp_path, b"other")
        assert self.run(source, self.options()).note == "media changed"

    def test_what_somebody_edited_is_kept(self, tmp_path: Path) -> None:
        source = self.source(tmp_path)
        self.run(source, self.options(), self.done(source))
        (tmp_path / "a.srt").write_text("2\n")
        self.source(tmp_path, b"other")
        assert "a.srt was edited since" in self.run(source, self.options()).skip

    def test_a_kill_between_two_formats_leaves_nothing_foreign(self, tmp_path: Path) -> None:
        source, options = self.source(tmp_path), self.options(output=OutputOptions(("srt", "vtt")))
        paths = (tmp_path / "a.srt", tmp_path / "a.vtt")
        self.run(source, options, Outcome(source, Status.DONE, outputs=paths))
        self.source(tmp_path, b"other")
        with books.opened([source], options, lambda text: None) as kept:
            kept.begin(source)
            kept.announce(source, dict.fromkeys(paths, "2\n"))
            paths[0].write_text("2\n")
        plan = self.run(source, options, Outcome(source, Status.FAILED, error=from_os_error(OSError(), "x")))
        assert (plan.skip, plan.note) == ("", "media changed")
        assert all(map(plan.may_replace, paths))
        assert all(map(self.run(source, options).may_replace, paths))
        paths[1].write_text("mine\n")
        assert "a.vtt was edited since" in self.run(source, options).skip

    def test_an_edit_after_planning_is_kept_too(self, tmp_path: Path) -> None:
        source = self.source(tmp_path)
        self.run(source, self.options(), self.done(source))
        plan = self.run(source, self.options(cue=CueOptions(max_cps=9)))
        (tmp_path / "a.srt").write_text("edited meanwhile\n")
        assert not plan.may_replace(tmp_path / "a.srt")

    def test_another_format_is_added_and_both_are_known(self, tmp_path: Path) -> None:
        source = self.source(tmp_path)
        self.run(source, self.options(), self.done(source))
        both = self.options(output=OutputOptions(("srt", "vtt")))
        more = Outcome(source, Status.DONE, outputs=(tmp_path / "a.vtt",))
        assert list(self.run(source, both, more).targets) == ["vtt"]
        plan = self.run(source, self.options(output=both.output, cue=CueOptions(max_cps=9)))
        assert plan.note == "options changed"
        assert {path.name for path in plan.replacing} == {"a.srt", "a.vtt"}

    def test_lines_of_a_crontab_with_other_options_leave_each_other_alone(self, tmp_path: Path) -> None:
        source = self.source(tmp_path)
        ours = self.options()
        theirs = self.options(output=OutputOptions(("vtt",)), cue=CueOptions(max_cps=9))
        made = Outcome(source, Status.DONE, outputs=(tmp_path / "a.vtt",))
        self.run(source, ours, self.done(source))
        assert self.run(source, theirs, made).targets
        assert [self.run(source, each).skip for each in (ours, theirs)] == [outputs.DONE] * 2
        self.source(tmp_path, b"other")
        for each, name in ((ours, "a.srt"), (theirs, "a.vtt")):
            plan = self.run(source, each)
            assert (plan.note, list(plan.replacing)) == ("media changed", [tmp_path / name])
        self.run(source, theirs, made)
        assert self.run(source, ours).may_replace(tmp_path / "a.srt")

    def test_a_run_over_a_part_that_began_first_keeps_the_whole_out(self, tmp_path: Path) -> None:
        (tmp_path / "sub").mkdir()
        part = self.source(tmp_path / "sub")
        whole = Source(0, part.path, Path("sub/a.mp4"), is_found=True)
        with books.opened([part], self.options(), print):
            hold = books.opened([whole], self.options(), print)
            with pytest.raises(LockedError, match="sub: another run"), hold:
                pass
        with books.opened([whole], self.options(), print):
            hold = books.opened([part], self.options(), print)
            with pytest.raises(LockedError, match="at work here"), hold:
                pass

    def test_what_fails_is_not_tried_every_night(self, tmp_path: Path) -> None:
        source = self.source(tmp_path)
        failed = Outcome(source, Status.FAILED, error=UndecodableError("a.mp4: broken"))
        self.run(source, self.options(), failed)
        assert self.run(source, self.options()).skip.startswith(
            "failed once: a.mp4: broken; tried again from"
        )
        self.source(tmp_path, b"mended")
        assert not self.run(source, self.options()).skip

    def test_what_could_not_be_made_anew_is_tried_again(self, tmp_path: Path) -> None:
        source = self.source(tmp_path)
        self.run(source, self.options(), self.done(source))
        changed = Options(run=RunOptions(n_retries=1), cue=CueOptions(max_cps=9))
        failed = Outcome(source, Status.FAILED, error=UndecodableError("a.mp4: broken"))
        assert self.run(source, changed, failed).note == "options changed"
        plan = self.run(source, changed, failed)
        assert plan.note == "failed before: a.mp4: broken"
        assert plan.may_replace(tmp_path / "a.srt")
        assert self.run(source, changed).skip.startswith("failed 2 times")
        (tmp_path / "a.srt").unlink()
        assert self.run(source, changed).skip.startswith("failed 2 times")

    def test_a_doubtful_result_is_one(self, tmp_path: Path) -> None:
        source = self.source(tmp_path)
        doubtful = Outcome(
            source, Status.FAILED, outputs=(tmp_path / "a.srt",), error=QualityError("1 hard rule broken")
        )
        self.run(source, self.options(), doubtful)
        assert self.run(source, self.options()).skip == outputs.DONE

    def test_what_was_skipped_for_its_content_is_not_opened_again(self, tmp_path: Path) -> None:
        source = self.source(tmp_path)
        self.run(source, self.options(), Outcome(source, Status.SKIPPED, reason="has subtitles in en inside"))
        assert self.run(source, self.options()).skip == "has subtitles in en inside"

    def test_a_failure_of_the_machine_is_no_failure_of_the_file(self, tmp_path: Path) -> None:
        source = self.source(tmp_path)
        for _ in range(3):
            broken = OSError("disk")
            error = from_os_error(broken, "writing a.srt")
            assert error.exit_code is ExitCode.IO
            self.run(source, self.options(), Outcome(source, Status.FAILED, error=error))
            assert not self.run(source, self.options()).skip
