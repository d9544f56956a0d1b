"""Sources, outputs, prefetch, delivery and report, each without media or models."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qasr_cli.errors import (
    CannotCreateError,
    ExitCode,
    NoInputError,
    QasrError,
    QualityError,
    UndecodableError,
)
from qasr_cli.options import CueOptions, OutputOptions
from qasr_cli.records import Outcome, Quality, Segment, Source, Span, Status, Track, Transcript
from qasr_cli.runs.execution.finish_lane import OrderedStdout
from qasr_cli.runs.execution.prefetch import Prefetch
from qasr_cli.runs.files import atomic_write
from qasr_cli.runs.planning import output_plan
from qasr_cli.runs.planning.output_names import OutputLayout
from qasr_cli.runs.reports.summary import RunReport, doubts, rules_broken

SUFFIXES = {"srt": ".srt", "vtt": ".vtt"}


class TestOutputs:
    def plan(self, *found: Source, **options: object) -> list[output_plan.Plan]:
        return output_plan.plan(
            found,
            OutputLayout.of(OutputOptions(formats=("srt", "vtt"), **options), SUFFIXES),  # type: ignore[arg-type]
        )

    def source(self, path: Path, relative: str, number: int = 0, *, is_found: bool = True) -> Source:
        return Source(number, path, Path(relative), is_found)

    def test_results_lie_beside_the_media_or_mirror_its_tree(self, tmp_path: Path) -> None:
        source = self.source(tmp_path / "in/sub/a.b.mp4", "sub/a.b.mp4")
        assert self.plan(source)[0].targets["srt"].path() == tmp_path / "in/sub/a.b.srt"
        assert self.plan(source, folder=tmp_path / "o")[0].targets["vtt"].path() == tmp_path / "o/sub/a.b.vtt"

    def test_two_sources_never_share_a_path(self, tmp_path: Path) -> None:
        first = self.source(tmp_path / "a.mp4", "a.mp4")
        second = self.source(tmp_path / "a.mkv", "a.mkv", 1)
        plans = self.plan(first, second)
        assert plans[0].error is None
        assert plans[1].error is not None
        assert "a.mp4 is transcribed to the same a.srt" in str(plans[1].error)

    def test_the_same_path_in_another_spelling_is_the_same(self, tmp_path: Path) -> None:
        (tmp_path / "sub").mkdir()
        first = self.source(tmp_path / "a.mp4", "a.mp4")
        second = self.source(tmp_path / "sub" / ".." / "a.mkv", "a.mkv", 1)
        assert self.plan(first, second, overwrite=True)[1].error is not None

    def test_a_result_never_replaces_the_input(self, tmp_path: Path) -> None:
        path = tmp_path / "film.srt"  # media under a misleading name
        path.touch()
        plan = self.plan(self.source(path, "film.srt", is_found=False), overwrite=True)[0]
        assert "replace the input" in str(plan.error)
        assert not plan.targets

    def test_nor_any_other(self, tmp_path: Path) -> None:
        first = self.source(tmp_path / "a.mkv", "a.mkv")
        second = self.source(tmp_path / "a.mkv.wav", "a.mkv.wav", 1)
        options = OutputOptions(formats=("srt",), name="{stem}", overwrite=True)
        plans = output_plan.plan([first, second], OutputLayout.of(options, SUFFIXES))
        assert plans[0].error is None
        assert "would replace the input a.mkv" in str(plans[1].error)

    @pytest.mark.parametrize(("n_bytes", "is_fine"), [(248, True), (249, False)])
    def test_a_name_that_no_file_can_have_is_refused_before_the_work(
        self, tmp_path: Path, n_bytes: int, is_fine: bool
    ) -> None:
        source = self.source(tmp_path / f"{'a' * n_bytes}.x", f"{'a' * n_bytes}.x")
        options = OutputOptions(formats=("srt",), name="{stem}.{lang}.{ext}")  # .en.srt
        (plan,) = output_plan.refuse_unwritable(
            output_plan.plan([source], OutputLayout.of(options, SUFFIXES))
        )
        assert (plan.error is None) is is_fine

    def test_a_finished_one_of_a_folder_is_done_and_a_half_finished_one_is_completed(
        self, tmp_path: Path
    ) -> None:
        source = self.source(tmp_path / "a.mp4", "a.mp4")
        (tmp_path / "a.srt").touch()
        assert set(self.plan(source)[0].targets) == {"vtt"}
        (tmp_path / "a.vtt").touch()
        assert self.plan(source)[0].skip
        assert set(self.plan(source, overwrite=True)[0].targets) == {"srt", "vtt"}

    def test_a_named_one_whose_result_exists_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "a.srt").symlink_to("nowhere")
        plan = self.plan(self.source(tmp_path / "a.mp4", "a.mp4", is_found=False))[0]
        assert isinstance(plan.error, CannotCreateError)
        assert "--overwrite" in plan.error.hint

    def test_a_file_appears_whole_with_the_folder_s_usual_mode(self, tmp_path: Path) -> None:
        path = tmp_path / "new" / "a.srt"
        atomic_write.write(path, "text ✓\n", is_overwrite=False)
        assert path.read_text(encoding="utf-8") == "text ✓\n"
        assert [entry.name for entry in path.parent.iterdir()] == ["a.srt"]
        probe = tmp_path / "probe"
        probe.touch()
        assert path.stat().st_mode == probe.stat().st_mode

    def test_one_that_exists_is_never_touched_without_overwrite(self, tmp_path: Path) -> None:
        path = tmp_path / "a.srt"
        path.write_text("mine")
        with pytest.raises(CannotCreateError, match="exists already"):
            atomic_write.write(path, "theirs", is_overwrite=False)
        assert path.read_text() == "mine"
        atomic_write.write(path, "theirs", is_overwrite=True)
        assert path.read_text() == "theirs"
        assert [entry.name for entry in tmp_path.iterdir()] == ["a.srt"]

    def test_what_cannot_be_created_is_said_and_leaves_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(CannotCreateError):
            atomic_write.write(tmp_path / "file" / "a.srt", "x", is_overwrite=True)
        (tmp_path / "a.srt").mkdir()
        with pytest.raises(CannotCreateError):
            atomic_write.write(tmp_path / "a.srt", "x", is_overwrite=True)
        assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.srt", "file"]


class TestPrefetch:
    @given(
        st.lists(st.integers(0, 50), max_size=30), st.integers(1, 4), st.integers(1, 5), st.integers(1, 60)
    )
    def test_results_come_in_order_and_none_is_lost(
        self, items: list[int], n_workers: int, max_waiting: int, max_cost: int
    ) -> None:
        with Prefetch(
            items,
            lambda item: item * 2,
            lambda n: n,
            n_workers=n_workers,
            max_waiting=max_waiting,
            max_cost=max_cost,
        ) as results:
            assert list(results) == [item * 2 for item in items]

    def test_it_runs_no_further_ahead_than_allowed(self) -> None:
        started: list[int] = []
        settled = threading.Semaphore(0)

        def work(item: int) -> int:
            started.append(item)
            settled.release()
            return item

        with Prefetch(range(20), work, lambda _: 1, n_workers=4, max_waiting=3, max_cost=99) as results:
            for _ in range(3):
                assert settled.acquire(timeout=10)
            assert sorted(started) == [0, 1, 2]  # the next may only start once one has been taken
            assert next(iter(results)) == 0
            assert settled.acquire(timeout=10)
            assert sorted(started) == [0, 1, 2, 3]

    def test_leaving_early_starts_nothing_more(self) -> None:
        with Prefetch(
            range(1000), lambda n: n, lambda _: 1, n_workers=2, max_waiting=4, max_cost=9
        ) as results:
            assert next(iter(results)) == 0
        assert all(not thread.is_alive() for thread in results._threads)


class TestDelivery:
    @given(st.permutations(range(8)))
    def test_whatever_the_order_of_arrival_the_output_is_in_order(self, order: list[int]) -> None:
        written: list[str] = []
        delivery = OrderedStdout(written.append)
        for number in order:
            delivery.settle(number, "" if number == 3 else str(number))
            delivery.settle(number)  # a source is also settled when its outcome is known
        assert written == ["0", "1", "2", "4", "5", "6", "7"]


class TestReport:
    def outcome(self, status: Status, error: Exception | None = None, **more: object) -> Outcome:
        return Outcome(Source(0, Path("a"), Path("a")), status, error=error, **more)  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("outcomes", "code"),
        [
            ([], ExitCode.OK),
            (["done", "skipped"], ExitCode.OK),
            ([UndecodableError("x")], ExitCode.DATA),
            ([RuntimeError("x")], ExitCode.INTERNAL),
            (["done", UndecodableError("x")], ExitCode.PARTIAL),
            ([QasrError("x"), QasrError("y")], ExitCode.PARTIAL),
        ],
    )
    def test_the_exit_code_follows_from_the_outcomes(self, outcomes: list[object], code: ExitCode) -> None:
        report = RunReport()
        for item in outcomes:
            failed = isinstance(item, Exception)
            report.add(self.outcome(Status.FAILED if failed else Status(str(item)), item if failed else None))  # type: ignore[arg-type]
        assert report.exit_code is code

    def test_strict_turns_a_warning_into_4_and_nothing_else_does(self) -> None:
        doubtful = self.outcome(Status.DONE, warnings=("cut short",))
        assert RunReport(is_strict=True, outcomes=[doubtful]).exit_code is ExitCode.QUALITY
        assert RunReport(outcomes=[doubtful]).exit_code is ExitCode.OK

    def test_all_doubts_of_a_source_are_one_short_line(self) -> None:
        def segment(at_ms: int, *flags: str) -> Segment:
            return Segment(at_ms, at_ms + 9, "en", "", (), flags)

        track = Track(0, "aac", 2, 48_000)
        segments = (segment(0), segment(10, "loop", "truncated"), segment(20, "loop"))
        clean = Transcript("a", track, 99_000, segments[:1], "f")
        assert doubts(clean) == ()
        assert doubts(replace(clean, segments=segments)) == (
            "2 of 3 segments doubtful (1 cut short, 2 looping)",
        )
        uncovered = (Span(62_000, 65_500), Span(70_000, 72_000))
        assert doubts(replace(clean, segments=segments, uncovered=uncovered)) == (
            "2 of 3 segments doubtful (1 cut short, 2 looping); "
            "5.5 s of speech without words, first at 00:01:02",
        )

    def test_sources_that_break_hard_rules_are_4_however_many(self) -> None:
        quality = Quality(3, 2, 20, ("cps at 00:00:01.000", *["gap_min at 00:00:02.000"] * 4))
        error = rules_broken((Path("a.txt"), Path("a.vtt")), quality, CueOptions())
        assert str(error).endswith("broken: cps at 00:00:01.000, gap_min at 00:00:02.000, "
                                   "gap_min at 00:00:02.000 and 2 more")  # fmt: skip
        assert error.hint == "qasr check a.vtt lists them"
        own = rules_broken((Path("a.vtt"),), quality, CueOptions(max_cps=6))
        assert own.hint.startswith("qasr check a.vtt with the same --profile")
        broken = self.outcome(Status.FAILED, error)
        assert isinstance(error, QualityError)
        assert RunReport(outcomes=[broken, self.outcome(Status.DONE)]).exit_code is ExitCode.QUALITY
        other = self.outcome(Status.FAILED, NoInputError("gone"))
        assert RunReport(outcomes=[broken, other]).exit_code is ExitCode.PARTIAL

    def test_the_quality_of_all_sources_is_one_line(self) -> None:
        first = self.outcome(Status.DONE, quality=Quality(99, 99, 20), outputs=(Path("a.srt"),))
        second = self.outcome(
            Status.DONE, quality=Quality(101, 100, 20, ("x", "y")), outputs=(Path("b.srt"),)
        )
        assert RunReport(outcomes=[first, second]).quality == (
            "quality: 200 cues, 99.5% within 20 cps, 2 errors (qasr check b.srt)"
        )
        assert RunReport(outcomes=[self.outcome(Status.SKIPPED)]).quality == ""
        korean = self.outcome(Status.DONE, quality=Quality(1, 1, 14))
        assert "within their language's cps, 0 errors" in RunReport(outcomes=[first, korean]).quality

    def test_the_summary_counts_and_gives_the_pace(self) -> None:
        done = self.outcome(Status.DONE, audio_ms=100_000)
        report = RunReport(outcomes=[done, self.outcome(Status.SKIPPED)])
        assert report.summary(4.0) == "1 done, 1 skipped; 00:01:40 of media in 4.0 s, RTFx 25"
