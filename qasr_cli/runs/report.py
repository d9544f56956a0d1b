"""What came of a run: counts, the summary line, and the exit code, which is computed here only."""

from __future__ import annotations

from dataclasses import dataclass, field

from qasr_cli.errors import ExitCode, QasrError
from qasr_cli.records import Outcome, Status
from qasr_cli.timebase import MS_PER_S, format_clock


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
