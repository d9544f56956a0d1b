"""Figures of subtitles against those of a reference, over all recordings of a set.

SubER and the breaks are those of `qasr check --reference`; rules are those of its check. A set's figures are
the means of its recordings, weighted by their captions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qasr_cli import languages
from qasr_cli.evaluation.figures import SubtitleFigures
from qasr_cli.options import CueOptions
from qasr_cli.records import Caption
from qasr_cli.subtitles.qc import check, comparison
from qasr_cli.subtitles.qc.comparison import Comparison
from qasr_cli.subtitles.rules import limits


@dataclass(frozen=True, slots=True)
class Compared:
    """One recording's comparison.

    Attributes:
        n_captions: Captions of the reference.
        n_own: Captions of the system; `n_readable` of them are within the reading speed.
        n_broken: Hard rules that they break.
    """

    n_captions: int
    comparison: Comparison
    n_own: int
    n_readable: float
    n_broken: int


def compare(system: Sequence[Caption], reference: Sequence[Caption], language: str | None) -> Compared:
    """Compare the captions of one recording."""
    entry = languages.find(language) if language else None
    is_spaced = entry is None or entry.is_spaced
    texts = (line for caption in system for line in caption.lines)
    checked = check.check(system, limits.resolve(CueOptions(), language, texts), language)
    return Compared(
        len(reference),
        comparison.compare(system, reference, is_spaced=is_spaced),
        len(system),
        checked.figures.cps_share * len(system),
        len(checked.hard),
    )


def figures(compared: Sequence[Compared]) -> SubtitleFigures | None:
    """Return the figures of a set; None without captions."""
    n = sum(one.n_captions for one in compared)
    if not n:
        return None
    shifts = [
        (one.comparison.shift_ms, one.n_captions) for one in compared if one.comparison.shift_ms is not None
    ]
    n_shifted = sum(weight for _, weight in shifts)
    return SubtitleFigures(
        n_captions=n,
        edit_rate=sum(one.comparison.edit_rate * one.n_captions for one in compared) / n,
        cue_f1=sum(one.comparison.cue_f1 * one.n_captions for one in compared) / n,
        shift_ms=sum(shift * weight for shift, weight in shifts) / n_shifted if n_shifted else None,
        readable_share=sum(one.n_readable for one in compared) / max(sum(one.n_own for one in compared), 1),
        n_broken=sum(one.n_broken for one in compared),
    )
