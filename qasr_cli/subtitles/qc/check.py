"""Quality of subtitles, from qasr or not: all rules, and the figures of a whole file.

In go captions of a file and the limits of a profile; out come findings, by time, and figures. Pure; repairs
nothing, see `fix`.

    findings     the table of rules and their severity
    check_times  order, gaps, durations, reading speed, shots
    check_text   lines, characters, breaks
    check_words  against the words of a transcript
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from qasr_cli.records import Caption, Cue, Transcript
from qasr_cli.subtitles.qc import caption_atoms, check_text, check_times, check_words
from qasr_cli.subtitles.qc.findings import RULES, Finding
from qasr_cli.subtitles.rules.limits import Limits
from qasr_cli.timebase import MS_PER_S

_MS_PER_MINUTE = 60 * MS_PER_S
_PERCENTILE = 0.95
_WARNING_WEIGHT = 0.2  # relative to an error, in the score


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of a whole file.

    Attributes:
        cps_share: Share of cues within the hard reading speed, 0 to 1; `cpl_share` and `lines_share` are the
            same for the width of lines and their number (IWSLT's three measures of compliance).
        words_per_minute: While text is shown; None in languages without spaces.
        score: 100 less the errors, and a fifth of the warnings, of a hundred cues; at least 0.
    """

    n_cues: int
    n_errors: int
    n_warnings: int
    cps_share: float
    cpl_share: float
    lines_share: float
    mean_cps: float
    high_cps: float
    words_per_minute: float | None
    score: float
    hard_cps: float


@dataclass(frozen=True, slots=True)
class Checked:
    """The findings and figures of one file."""

    findings: tuple[Finding, ...]
    figures: Figures

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that are errors."""
        return tuple(finding for finding in self.findings if finding.is_error)

    @property
    def hard(self) -> tuple[Finding, ...]:
        """The findings of hard rules."""
        return tuple(finding for finding in self.findings if RULES[finding.rule].is_hard)


def check(
    captions: Sequence[Caption],
    limits: Limits,
    language: str | None,
    transcript: Transcript | None = None,
    faults: Sequence[Finding] = (),
    *,
    is_sorted: bool = True,
) -> Checked:
    """Check captions.

    Args:
        captions: Captions in the order of the file; findings refer to them by index.
        limits: Limits of the captions.
        language: Code; None uses no function words.
        transcript: The words of the captions with times, if there are any.
        faults: Findings of the file's reader.
        is_sorted: The format requires captions in the order of time.
    """
    order = sorted(range(len(captions)), key=lambda index: captions[index].start_ms)
    timed = [captions[index] for index in order]
    text = caption_atoms.of_captions(timed, language, limits)
    findings = [*check_times.check(timed, limits), *check_text.check(timed, text, limits)]
    if transcript is not None:
        findings += check_words.check(timed, transcript, limits)
    named = [_renamed(finding, order) for finding in findings]
    if is_sorted:
        named += _order(captions)
    # The file's own findings come first, then by time, the worst of one place before the others.
    ranked = sorted(
        [*faults, *named],
        key=lambda finding: (finding.time_ms is not None, finding.time_ms or 0, not finding.is_error),
    )
    return Checked(tuple(ranked), _figures(timed, ranked, limits, len(text.atoms)))


def _renamed(finding: Finding, order: Sequence[int]) -> Finding:
    """Return a finding with the caption's index in the file instead of that in time."""
    if finding.caption is None or order[finding.caption] == finding.caption:
        return finding
    return replace(finding, caption=order[finding.caption])


def _order(captions: Sequence[Caption]) -> list[Finding]:
    findings, latest_ms = [], None
    for index, caption in enumerate(captions):
        if latest_ms is not None and caption.start_ms < latest_ms:
            behind_s = (latest_ms - caption.start_ms) / MS_PER_S
            comment = f"starts {behind_s:g} s before an earlier cue of the file"
            findings.append(Finding("order", comment, index, caption.start_ms))
        latest_ms = caption.start_ms if latest_ms is None else max(latest_ms, caption.start_ms)
    return findings


def _figures(
    captions: Sequence[Caption], findings: Sequence[Finding], limits: Limits, n_atoms: int
) -> Figures:
    n_cues = len(captions)
    broken = Counter(finding.rule for finding in findings)
    n_errors = sum(finding.is_error for finding in findings)
    speeds = sorted(speed for caption in captions if (speed := check_times.cps(caption, limits)))
    shown_ms = sum(max(0, check_times.length_ms(caption)) for caption in captions)
    # The soft speed is a target for cues with room, and no rule that counts in the score.
    weight = n_errors + _WARNING_WEIGHT * (len(findings) - n_errors - broken["cps_soft"])

    def share(rule: str) -> float:
        return 1 - broken[rule] / n_cues if n_cues else 1.0

    return Figures(
        n_cues=n_cues,
        n_errors=n_errors,
        n_warnings=len(findings) - n_errors,
        cps_share=share("cps"),
        cpl_share=share("cpl"),
        lines_share=share("lines"),
        mean_cps=sum(speeds) / len(speeds) if speeds else 0.0,
        high_cps=speeds[min(len(speeds) - 1, int(_PERCENTILE * len(speeds)))] if speeds else 0.0,
        words_per_minute=n_atoms * _MS_PER_MINUTE / shown_ms if limits.is_spaced and shown_ms else None,
        score=max(0.0, 100 - 100 * weight / max(n_cues, 1)),
        hard_cps=limits.hard_cps,
    )


def of_cues(cues: Sequence[Cue]) -> tuple[Caption, ...]:
    """Return qasr's cues as captions."""
    return tuple(
        Caption(cue.start_ms, cue.end_ms, cue.lines, str(number), marked=cue.lines, word_range=cue.word_range)
        for number, cue in enumerate(cues, 1)
    )
