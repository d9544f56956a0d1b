"""The result of a run: counts, the summary line, and the exit code, which is computed here only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from qasr_cli import formats
from qasr_cli.errors import ExitCode, QasrError, QualityError, printable
from qasr_cli.options import CueOptions
from qasr_cli.records import FlaggedSpan, Outcome, Quality, Status, Transcript
from qasr_cli.runs.inputs.passed_over import PassedOver
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.recognition.hallucination import Flag
from qasr_cli.timebase import MS_PER_S, format_clock, format_speed

_IN_WORDS = {
    Flag.LANGUAGE: "in another language",
    Flag.SCRIPT: "in the wrong script",
    Flag.TRUNCATED: "cut short",
    Flag.RATE: "at an impossible pace",
    Flag.CONTEXT: "repeating the context",
    Flag.LOOP: "looping",
}


def quality_warnings(transcript: Transcript) -> tuple[str, ...]:
    """Return a transcript's warning: one short line, or nothing."""
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


# Beside the flags of `speech.recognition.hallucination`: speech that no words were found for
UNCOVERED = "uncovered"


def flagged_spans(transcript: Transcript) -> tuple[FlaggedSpan, ...]:
    """Return the doubtful spans of a transcript, in order."""
    flagged = [
        FlaggedSpan(segment.start_ms, segment.end_ms, segment.flags, segment.text)
        for segment in transcript.segments
        if segment.flags
    ]
    uncovered = [FlaggedSpan(span.start_ms, span.end_ms, (UNCOVERED,)) for span in transcript.uncovered]
    return tuple(sorted((*flagged, *uncovered), key=lambda span: span.start_ms))


_MAX_NAMED = 3  # broken rules in one error line
_CHECKABLE = tuple(form.extension for form in formats.FORMATS.values() if form.is_readable)


def rules_broken(outputs: Sequence[Path], quality: Quality, limits: CueOptions) -> QualityError:
    """Return the error for a source whose cues break hard rules: which ones, and where to see all."""
    named = ", ".join(quality.broken[:_MAX_NAMED])
    more = len(quality.broken) - _MAX_NAMED
    rest = f" and {more} more" if more > 0 else ""
    n_rules = f"{len(quality.broken)} hard rule{'s' if len(quality.broken) > 1 else ''}"
    checkable = _checkable(outputs)
    same = " with the same --profile, --max-..., --min-... and --fps" if limits != CueOptions() else ""
    hint = (
        f"qasr check {checkable}{same} lists them" if checkable else "write a file and run qasr check on it"
    )
    return QualityError(f"{n_rules} broken: {named}{rest}", hint)


def _checkable(outputs: Sequence[Path]) -> Path | None:
    return next((path for path in outputs if path.suffix in _CHECKABLE), None)


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """The engines of a run, and how long they took to load."""

    model: str
    aligner: str
    device: str
    batch_size: int
    load_s: float

    @classmethod
    def of(cls, session: Session, load_s: float) -> EngineFacts:
        """Describe engines that have just been loaded."""
        return cls(
            session.recognizer.model_id,
            session.engines.aligner_id,
            session.device,
            session.capacity.max_batch_size,
            load_s,
        )


@dataclass(slots=True)
class RunReport:
    """The outcomes of a run so far; `engines` is None until they are loaded.

    `passed_over` is what the search of folders did not take. Not locked: `Run._close` adds one outcome at a
    time, and it is read when the run is over.
    """

    is_strict: bool = False
    outcomes: list[Outcome] = field(default_factory=list)
    engines: EngineFacts | None = None
    passed_over: PassedOver = field(default_factory=PassedOver)

    def add(self, outcome: Outcome) -> None:
        """Count an outcome."""
        self.outcomes.append(outcome)

    def count(self, status: Status) -> int:
        """Return how many sources have this status."""
        return sum(outcome.status is status for outcome in self.outcomes)

    @property
    def exit_code(self) -> ExitCode:
        """One source: its own code. Several: 0, or 3 when some failed. --strict turns warnings into 4."""
        failed = [outcome.error for outcome in self.outcomes if outcome.status is Status.FAILED]
        if failed and all(isinstance(error, QualityError) for error in failed):
            return ExitCode.QUALITY
        if failed and len(self.outcomes) > 1:
            return ExitCode.PARTIAL
        if failed:
            error = failed[0]
            return error.exit_code if isinstance(error, QasrError) else ExitCode.INTERNAL
        if self.is_strict and any(outcome.warnings for outcome in self.outcomes):
            return ExitCode.QUALITY
        return ExitCode.OK

    @property
    def quality(self) -> str:
        """One line on the cues of all sources: count, share within reading speed, errors; "" without cues."""
        with_cues = [(outcome, outcome.quality) for outcome in self.outcomes if outcome.quality]
        n_cues = sum(quality.n_cues for _, quality in with_cues)
        if not n_cues:
            return ""
        speeds = {quality.max_cps for _, quality in with_cues}
        share = sum(quality.n_readable for _, quality in with_cues) / n_cues
        within = f"{speeds.pop():g} cps" if len(speeds) == 1 else "their language's cps"
        n_errors = sum(len(quality.broken) for _, quality in with_cues)
        worst = max(with_cues, key=lambda pair: len(pair[1].broken))[0]
        checkable = _checkable(worst.outputs)
        where = f" (qasr check {printable(checkable)})" if n_errors and checkable else ""
        cues, errors = (
            f"{number:,} {noun}{'' if number == 1 else 's'}"
            for number, noun in ((n_cues, "cue"), (n_errors, "error"))
        )
        return f"quality: {cues}, {share:.1%} within {within}, {errors}{where}"

    def summary(self, wall_s: float) -> str:
        """Return one line: counts, length of the media, speed, what was passed over."""
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
        pace = f"; {clock} of media in {wall_s:.1f} s, RTFx {format_speed(speed)}" if audio_ms else ""
        over = self.passed_over.words()
        return "; ".join(filter(None, (f"{', '.join(counts)}{pace}", over and f"passed over: {over}")))
