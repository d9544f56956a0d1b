"""What came of a run: counts, the summary line, and the exit code, which is computed here only."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from qasr_cli.errors import ExitCode, QasrError
from qasr_cli.records import Outcome, Status, Transcript
from qasr_cli.speech.review import Reviewed
from qasr_cli.speech.suspicion import Flag
from qasr_cli.timebase import MS_PER_S, format_clock

_IN_WORDS = {
    Flag.LANGUAGE: "in another language",
    Flag.SCRIPT: "in the wrong script",
    Flag.TRUNCATED: "cut short",
    Flag.RATE: "at an impossible pace",
    Flag.CONTEXT: "repeating the context",
    Flag.LOOP: "looping",
}


def doubts(transcript: Transcript) -> tuple[str, ...]:
    """Return what is doubtful about a transcript: nothing, or one short line."""
    flagged = [segment for segment in transcript.segments if segment.flags]
    parts: list[str] = []
    if flagged:
        counts = Counter(flag for segment in flagged for flag in segment.flags)
        kinds = [f"{counts[flag]} {text}" for flag, text in _IN_WORDS.items() if counts[flag]]
        parts.append(f"{len(flagged)} of {len(transcript.segments)} segments doubtful ({', '.join(kinds)})")
    if transcript.uncovered:
        lost_ms = sum(span.duration_ms for span in transcript.uncovered)
        first = format_clock(transcript.uncovered[0].start_ms)[:-4]
        parts.append(f"{lost_ms / MS_PER_S:.1f} s of speech without words, first at {first}")
    return ("; ".join(parts),) if parts else ()


def failures(text: Reviewed) -> tuple[str, ...]:
    """Return what could not be heard again: nothing, or one short line with the first of the reasons."""
    if not text.failures:
        return ()
    n_failures = len(text.failures)
    what = "1 retry" if n_failures == 1 else f"{n_failures} retries"
    return (f"{what} failed, what was heard first is kept: {text.failures[0]}",)


@dataclass(slots=True)
class Report:
    """The outcomes of a run so far."""

    is_strict: bool = False
    outcomes: list[Outcome] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Count an outcome."""
        self.outcomes.append(outcome)

    def count(self, status: Status) -> int:
        """Return how many sources ended so."""
        return sum(outcome.status is status for outcome in self.outcomes)

    @property
    def exit_code(self) -> ExitCode:
        """One source: its own code. Several: 0, or 3 when some failed. --strict turns warnings into 4."""
        failed = [outcome.error for outcome in self.outcomes if outcome.status is Status.FAILED]
        if failed and len(self.outcomes) > 1:
            return ExitCode.PARTIAL
        if failed:
            error = failed[0]
            return error.exit_code if isinstance(error, QasrError) else ExitCode.INTERNAL
        if self.is_strict and any(outcome.warnings for outcome in self.outcomes):
            return ExitCode.QUALITY
        return ExitCode.OK

    def summary(self, wall_s: float) -> str:
        """Return one line: how many, how long, how fast."""
        audio_ms = sum(outcome.audio_ms for outcome in self.outcomes if outcome.status is Status.DONE)
        counts = [
            f"{n} {name}"
            for name, n in (
                ("done", self.count(Status.DONE)),
                ("skipped", self.count(Status.SKIPPED)),
                ("failed", self.count(Status.FAILED)),
            )
            if n
        ]
        speed = audio_ms / MS_PER_S / max(wall_s, 1e-3)
        clock = format_clock(audio_ms)[:-4]
        pace = f"; {clock} of media in {wall_s:.1f} s, RTFx {speed:.0f}" if audio_ms else ""
        return f"{', '.join(counts)}{pace}"
