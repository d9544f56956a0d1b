"""What a run came to: exit codes, doubts, broken rules, the summary line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from qasr_cli.errors import (
    ExitCode,
    NoInputError,
    QasrError,
    QualityError,
    UndecodableError,
)
from qasr_cli.options import CueOptions
from qasr_cli.records import Outcome, Quality, Segment, Source, Span, Status, Track, Transcript
from qasr_cli.runs.inputs.passed_over import PassedOver
from qasr_cli.runs.reports.summary import RunReport, quality_warnings, rules_broken


class TestRunReport:
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
        assert quality_warnings(clean) == ()
        assert quality_warnings(replace(clean, segments=segments)) == (
            "2 of 3 segments doubtful (1 cut short, 2 looping)",
        )
        uncovered = (Span(62_000, 65_500), Span(70_000, 72_000))
        assert quality_warnings(replace(clean, segments=segments, uncovered=uncovered)) == (
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

    def test_the_summary_says_what_was_passed_over(self) -> None:
        report = RunReport(passed_over=PassedOver(n_links=2, n_special=1))
        over = "passed over: 2 links (--follow-links); 1 special file (FIFO, socket or device)"
        assert report.summary(4.0) == over
        report.add(self.outcome(Status.SKIPPED))
        assert report.summary(4.0) == f"1 skipped; {over}"
