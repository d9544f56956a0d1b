"""A source's final text to the texts of its files: cues, their quality, and each format.

In go a transcript, or a source in the words of its script; out comes all that is to be written. Pure: on this
machine the finish lane calls it, on a cluster each worker, so that the machine that writes has little to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from qasr_cli import formats
from qasr_cli.options import Options
from qasr_cli.pipeline import finish
from qasr_cli.pipeline.script import AlignedScript
from qasr_cli.records import Cue, Quality, Transcript
from qasr_cli.subtitles.rules import limits


@dataclass(frozen=True, slots=True)
class FinishedSource:
    """The results of a finished source.

    Attributes:
        cues: Empty where no format of the run needs them.
        aligned: The timed words of the source's script; None without a script.
    """

    transcript: Transcript
    cues: tuple[Cue, ...] = ()
    quality: Quality | None = None
    aligned: AlignedScript | None = None


@dataclass(frozen=True, slots=True)
class ComposedSource:
    """A source's results, and the text of each format by its name."""

    finished: FinishedSource
    texts: Mapping[str, str]


def compose(text: Transcript | AlignedScript, options: Options) -> ComposedSource:
    """Return the texts of a source's files."""
    finished = _finished(text, options)
    return ComposedSource(
        finished, finish.render(finished.transcript, options.cue, options.output, finished.cues)
    )


def _finished(text: Transcript | AlignedScript, options: Options) -> FinishedSource:
    """Return the transcript, with cues where a format needs them."""
    if isinstance(text, AlignedScript):
        return FinishedSource(text.transcript, text.cues, aligned=text)
    if not any(formats.FORMATS[name].is_cue_based for name in options.output.formats):
        return FinishedSource(text)
    cue_limits = limits.of_transcript(text, options.cue)
    laid_out = finish.lay_out(text, cue_limits)
    quality = finish.assess(text, laid_out, cue_limits) if laid_out else None
    return FinishedSource(text, laid_out, quality)
