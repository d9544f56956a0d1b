"""The table of output formats; the rest of the program uses formats only through it.

In goes a format's name; out comes its row. Switches, help, `all`, and which files beside a film count as
subtitles follow from this table. A row names its writer as text, and the writer is imported when it first
renders: the command line uses this table, and must not load a subtitle library to print its help.

A new format is one module and one row:
    1. `writers/<name>.py` with `render(transcript, cues, options) -> str`, whose docstring describes what
       the format cannot express and how it is replaced;
    2. a row in `FORMATS`.
Its tests are a round trip through a reader that is not ours (`tests/property/test_formats_roundtrip.py`) and
its golden files (`python -m tests.golden.regenerate` writes them).
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:  # records import numpy, which the command line's help must not load
    from qasr_cli.options import OutputOptions
    from qasr_cli.records import Cue, Transcript

    Render = Callable[[Transcript, Sequence[Cue], OutputOptions], str]
    Append = Callable[[Transcript, Sequence[Cue], OutputOptions, int], str]


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of output file.

    Attributes:
        name: Its name for the user, its switch (`--srt`) and, with a dot, its extension.
        summary: Help text of its switch, one sentence.
        renderer: Its writer as `module:function` below `qasr_cli.formats.writers`.
        appender: The same for cues behind others in the same file; "" where a file cannot grow.
        header: Text of a file without cues.
        is_cue_based: Its text depends on the cues; otherwise they may be empty.
        is_line: One line for each source, for a stream rather than a file of its own; not part of `all`.
        is_subtitle: Players show it; a film with subtitles in another format needs no second file.
        is_readable: `qasr check` reads it back.
        is_common: Part of `all`, which a newer format is not: the results of a folder would change.
        suffix: Extension, if it is not the name.
    """

    name: str
    summary: str
    renderer: str
    appender: str = ""
    header: str = ""
    is_cue_based: bool = True
    is_line: bool = False
    is_subtitle: bool = False
    is_readable: bool = False
    is_common: bool = True
    suffix: str = ""

    @property
    def extension(self) -> str:
        """The file name's extension, with its dot."""
        return f".{self.suffix or self.name}"

    def render(self, transcript: Transcript, cues: Sequence[Cue], options: OutputOptions) -> str:
        """Return the whole text of a file; it is empty or ends with a newline."""
        return cast("Render", _load(self.renderer))(transcript, cues, options)

    def append(
        self, transcript: Transcript, cues: Sequence[Cue], options: OutputOptions, n_before: int
    ) -> str:
        """Return the text of cues that follow `n_before` others in a file; the whole file is as by `render`.

        Args:
            transcript: Holds the words of these cues.
            cues: Later than those before.
            options: As for `render`.
            n_before: Cues that the file has; with highlighted words, its blocks.
        """
        return cast("Append", _load(self.appender))(transcript, cues, options, n_before)


@functools.cache
def _load(writer: str) -> object:
    module, _, function = writer.partition(":")
    return getattr(importlib.import_module(f"qasr_cli.formats.writers.{module}"), function)


FORMATS: dict[str, Format] = {
    row.name: row
    for row in (
        Format(
            "srt",
            "SubRip subtitles (the default).",
            "srt:render",
            "srt:append",
            is_subtitle=True,
            is_readable=True,
        ),
        Format(
            "vtt",
            "WebVTT subtitles with a timestamp before every word.",
            "vtt:render",
            "vtt:append",
            "WEBVTT\n",
            is_subtitle=True,
            is_readable=True,
        ),
        Format(
            "json",
            "The whole transcript: words with times, segments, cues.",
            "transcript_json:render",
            is_readable=True,
        ),
        Format("txt", "Plain text without times.", "txt:render", is_cue_based=False),
        Format(
            "tsv",
            "One row per cue: start and end in milliseconds, text.",
            "tsv:render",
            is_readable=True,
        ),
        Format(
            "ass",
            "ASS subtitles with a colour for each speaker.",
            "ass:render",
            is_subtitle=True,
            is_readable=True,
            is_common=False,
        ),
        Format(
            "html",
            "A page to read: paragraphs by speaker, words that play where the media lies beside it.",
            "html:render",
            is_cue_based=False,
            is_common=False,
        ),
        Format(
            "textgrid",
            "Praat's TextGrid: tiers of words, segments and speakers.",
            "textgrid:render",
            is_cue_based=False,
            is_common=False,
            suffix="TextGrid",
        ),
        Format(
            "rttm",
            "Turns of speakers for scoring tools (NIST). Empty without --speakers.",
            "nist:render_rttm",
            is_cue_based=False,
            is_common=False,
        ),
        Format(
            "ctm",
            "Words with times and confidence for scoring tools (NIST).",
            "nist:render_ctm",
            is_cue_based=False,
            is_common=False,
        ),
        Format("jsonl", "The JSON of each source as one line.", "transcript_json:render_line", is_line=True),
    )
}

FILE_FORMATS = tuple(name for name, row in FORMATS.items() if not row.is_line)
COMMON_FORMATS = tuple(name for name in FILE_FORMATS if FORMATS[name].is_common)  # what `all` stands for

# Text subtitles that players (VLC, Kodi, Jellyfin) show and qasr does not write. Pictures of text (.sup,
# and .sub beside an .idx) do not count; nor do lyrics (.lrc), which are not what is said in a film.
_FOREIGN_SUBTITLES = (".ssa", ".sub", ".smi", ".sami", ".ttml", ".dfxp", ".sbv")
SUBTITLE_EXTENSIONS = frozenset(
    {*(row.extension for row in FORMATS.values() if row.is_subtitle), *_FOREIGN_SUBTITLES}
)
