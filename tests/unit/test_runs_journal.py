"""What a run makes of what the ledger says: finished, to be made anew, or left to somebody."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from qasr_cli.errors import ExitCode, LockedError, QualityError, UndecodableError, from_os_error
from qasr_cli.options import CueOptions, EngineOptions, Options, OutputOptions, RunOptions
from qasr_cli.records import Outcome, Source, Status
from qasr_cli.runs.planning import output_plan
from qasr_cli.runs.planning.output_names import OutputLayout
from qasr_cli.runs.state import journal


class TestJournal:
    """Decisions, by entering outcomes and asking again."""

    def options(self, **more: object) -> Options:
        return Options(run=RunOptions(retries=0), **more)  # type: ignore[arg-type]

    def source(self, folder: Path, content: bytes = b"media") -> Source:
        path = folder / "a.mp4"
        path.write_bytes(content)
        return Source(0, path, Path("a.mp4"), is_found=True)

    def run(self, source: Source, options: Options, outcome: Outcome | None = None) -> output_plan.Plan:
        """Plan, enter the outcome, and return the plan."""
        with journal.opened([source], options, lambda text: None) as kept:
            (plan,) = kept.decide(
                output_plan.plan([source], OutputLayout.of(options.output, {"srt": ".srt", "vtt": ".vtt"}))
            )
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
        assert self.run(source, self.options()).skip == output_plan.DONE

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
        assert self.run(source, faster).skip == output_plan.DONE
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
        with journal.opened([source], options, lambda text: None) as kept:
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
        assert [self.run(source, each).skip for each in (ours, theirs)] == [output_plan.DONE] * 2
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
        with journal.opened([part], self.options(), print):
            hold = journal.opened([whole], self.options(), print)
            with pytest.raises(LockedError, match="sub is locked by another qasr process"), hold:
                pass
        with journal.opened([whole], self.options(), print):
            hold = journal.opened([part], self.options(), print)
            with pytest.raises(LockedError, match="is locked by another qasr process"), hold:
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
        changed = Options(run=RunOptions(retries=1), cue=CueOptions(max_cps=9))
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
        assert self.run(source, self.options()).skip == output_plan.DONE

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
