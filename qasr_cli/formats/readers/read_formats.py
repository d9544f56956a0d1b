"""The table of formats that are read: `check`, `render` and `align` recognise a file only through it.

In go the lines of a file and its name; out comes its row. The content decides; the name only where the
content fits several.

A new format is one module and one row:
    1. `<name>.py` with `is_like(lines) -> bool` and `read(lines, context) -> CaptionFile`, whose docstring
       says what is left out;
    2. a row in `READ_FORMATS`, and its place in `find`.
Its tests are a round trip and mutated texts (`tests/property/test_formats_read.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from qasr_cli.formats.readers import (
    ass_text,
    cued_text,
    frame_text,
    lyrics,
    other_content,
    sami,
    time_lines,
    timed_rows,
    ttml,
    webvtt_captions,
)
from qasr_cli.formats.readers.caption_file import CaptionFile, FileContext
from qasr_cli.formats.readers.webvtt_blocks import SIGNATURE

Lines = Sequence[str]


@dataclass(frozen=True, slots=True)
class ReadFormat:
    """A format that is read.

    Attributes:
        kind: Its name in results.
        title: Its name for people.
        suffixes: Usual extensions.
        summary: What is read and what is left out, one sentence.
        is_like: Whether lines are of this format.
        read: Reads them; None for JSON, which is no format of lines.
        is_rewritten: `check --fix` writes the format itself; otherwise it writes SRT.
    """

    kind: str
    title: str
    suffixes: tuple[str, ...]
    summary: str
    is_like: Callable[[Lines], bool]
    read: Callable[[Lines, FileContext], CaptionFile] | None
    is_rewritten: bool = False


def _is_signed(lines: Lines) -> bool:
    return bool(lines) and lines[0].startswith(SIGNATURE)


def _has_time_lines(lines: Lines) -> bool:
    return any(map(time_lines.is_time_line, lines))


READ_FORMATS: tuple[ReadFormat, ...] = (
    ReadFormat(
        "json",
        "JSON",
        (".json",),
        "Transcripts of qasr, whisper, whisperX, stable-ts, faster-whisper, whisper.cpp, Transformers and "
        "OpenAI's verbose_json; words keep their times.",
        lambda _: False,  # recognised before the text is cut into lines
        None,
        is_rewritten=True,
    ),
    ReadFormat(
        "vtt",
        "WebVTT",
        (".vtt",),
        "All of it; styles, notes and positions stay in a fixed copy.",
        _is_signed,
        lambda lines, _: webvtt_captions.read(lines),
        is_rewritten=True,
    ),
    ReadFormat(
        "ass",
        "ASS and SSA",
        (".ass", ".ssa"),
        "Dialogue; the rest of the script stays in a fixed copy.",
        ass_text.is_script,
        lambda lines, _: ass_text.read(lines),
        is_rewritten=True,
    ),
    ReadFormat(
        "ttml",
        "TTML, DFXP",
        (".ttml", ".dfxp", ".xml", ".itt"),
        "Paragraphs and timed spans; clocks, frames, ticks and offsets. A document type is refused.",
        ttml.is_like,
        ttml.read,
    ),
    ReadFormat(
        "sami",
        "SAMI",
        (".smi", ".sami"),
        "One class: that of `--language`, or else the first.",
        sami.is_like,
        sami.read,
    ),
    ReadFormat(
        "microdvd",
        "MicroDVD",
        (".sub", ".txt"),
        "Frames; the rate is that of the first caption (`{1}{1}23.976`) or of `--fps`.",
        frame_text.is_microdvd,
        frame_text.read_microdvd,
    ),
    ReadFormat(
        "mpl2",
        "MPL2",
        (".txt", ".mpl"),
        "Tenths of a second.",
        frame_text.is_mpl2,
        frame_text.read_mpl2,
    ),
    ReadFormat(
        "srt",
        "SubRip",
        (".srt",),
        "All of it; styling stays in a fixed copy.",
        _has_time_lines,
        lambda lines, _: cued_text.read(lines),
        is_rewritten=True,
    ),
    ReadFormat(
        "sbv",
        "SBV, SubViewer",
        (".sbv", ".sub"),
        "Times and text.",
        timed_rows.is_sbv,
        timed_rows.read_sbv,
    ),
    ReadFormat(
        "lrc",
        "LRC",
        (".lrc",),
        "Lines; a line lasts until the next one. Times of words are left out.",
        lyrics.is_like,
        lyrics.read,
    ),
    ReadFormat(
        "labels",
        "Audacity's labels",
        (".txt",),
        "Labels with text.",
        timed_rows.is_labels,
        timed_rows.read_labels,
    ),
    ReadFormat(
        "tsv",
        "whisper's TSV",
        (".tsv",),
        "Rows of start and end in milliseconds, and text.",
        timed_rows.is_tsv,
        timed_rows.read_tsv,
    ),
)
_BY_KIND = {row.kind: row for row in READ_FORMATS}
TITLES = "SRT, WebVTT, ASS, TTML, SAMI, MicroDVD, SBV, LRC, TSV, Audacity's labels or a transcript as JSON"


def of_kind(kind: str) -> ReadFormat:
    """Return the row of a kind."""
    return _BY_KIND[kind]


def find(lines: Lines, name: str = "") -> ReadFormat | None:
    """Return the format of a text's lines; None if it is a text without times.

    Raises:
        UndecodableError: It is markup of another kind, or an index of pictures.
    """
    signed = ("vtt", "ass", "ttml", "sami", "microdvd", "mpl2")
    found = next((_BY_KIND[kind] for kind in signed if _BY_KIND[kind].is_like(lines)), None)
    if found is not None:
        return found
    suffix = PurePath(name).suffix.lower()
    is_cued = _has_time_lines(lines)
    if not is_cued or suffix not in {".srt", ".vtt"}:
        # A subtitle file may be about HTML; its name then says what it is.
        other_content.refuse_text(lines)
    if is_cued:
        # A signature that browsers reject counts, too; without any the name decides.
        return _BY_KIND["vtt" if webvtt_captions.has_signature(lines) or suffix == ".vtt" else "srt"]
    return next(
        (_BY_KIND[kind] for kind in ("tsv", "labels", "sbv", "lrc") if _BY_KIND[kind].is_like(lines)), None
    )


def suffixes_of_others() -> frozenset[str]:
    """Return the extensions whose files get a fixed copy in SRT."""
    own = {suffix for row in READ_FORMATS if row.is_rewritten for suffix in row.suffixes}
    return frozenset(suffix for row in READ_FORMATS for suffix in row.suffixes) - own
