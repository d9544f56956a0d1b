"""From any subtitle file to captions, and back: this module picks the reader.

In go bytes or text from any source; out comes a `CaptionFile`. Faults are listed and not corrected; only a
file without subtitles is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from qasr_cli.errors import UndecodableError
from qasr_cli.formats.readers import (
    ass_text,
    cued_text,
    encodings,
    json_captions,
    markup,
    other_content,
    read_formats,
    time_lines,
)
from qasr_cli.formats.readers.caption_file import CaptionFile, Fault, FileContext
from qasr_cli.formats.readers.encodings import Decoded
from qasr_cli.records import Caption

# A film's subtitles are 100 kB. Sixty hours of them fit; a file that is not a subtitle file, or that was made
# to fill the memory, is refused: in memory a caption takes fifty times its size in the file.
MAX_TEXT_BYTES = 10_000_000
# The length of a long chapter: a longer caption lost its time lines, or is hostile
MAX_CAPTION_CHARS = 20_000
MAX_JSON_BYTES = 64_000_000  # qasr's JSON has times for each word
_HEAD_CHARS = 4_096  # enough to recognise JSON
_OBJECT = re.compile(r'\{\s*+(?:["}]|\Z)|\[\s*+(?:\{\s*+"|\Z)')
_HINT = f"give {read_formats.TITLES}"
_DECLARED = re.compile(
    rb"""\b(?:encoding|charset)\s*+=\s*+["']?+([A-Za-z][A-Za-z0-9_.:-]{0,40})""", re.IGNORECASE
)


def read(
    raw: bytes,
    name: str,
    encoding: str = "",
    *,
    language: str | None = None,
    frame_rate: Fraction | None = None,
) -> CaptionFile:
    """Read the bytes of a subtitle file.

    Args:
        raw: The whole file, or enough of it to show that it is too large.
        name: Name of the file; its extension decides if the content does not.
        encoding: The user's choice, or "" to detect it.
        language: Code of the user's language; None if it is not known.
        frame_rate: Frames a second, for files that count frames.

    Raises:
        UndecodableError: It is empty, too large, not text, or has no subtitles or endless ones.
    """
    decoded = decode(raw, name, encoding, language)
    return of_decoded(decoded, FileContext(name, language, frame_rate))


def decode(raw: bytes, name: str, encoding: str = "", language: str | None = None) -> Decoded:
    """Return the text of a subtitle file or a script; see `read`."""
    is_json = _is_json(raw.lstrip(b"\xef\xbb\xbf \t\r\n")[:_HEAD_CHARS].decode("latin-1"), name)
    limit = MAX_JSON_BYTES if is_json else MAX_TEXT_BYTES
    if len(raw) > limit:
        raise UndecodableError(
            f"larger than {limit // 1_000_000} MB, too large for a subtitle file", "split it"
        )
    if not raw.strip(b"\x00 \t\r\n"):
        raise UndecodableError("the file is empty", _HINT)
    if not encoding:
        other_content.refuse_bytes(raw)
    return encodings.decode(
        raw, encoding, encodings.languages_of(name, language), declared=_declared_encoding(raw)
    )


def _declared_encoding(raw: bytes) -> str:
    """Return the encoding that an XML declaration or a meta tag names, or ""."""
    head = raw[:2_000]
    found = _DECLARED.search(head) if head.lstrip().startswith(b"<") else None
    return found[1].decode("ascii") if found else ""


def of_decoded(decoded: Decoded, context: FileContext) -> CaptionFile:
    """Return the captions of a decoded text; see `read`."""
    file = parse(decoded.text, context.name, language=context.language, frame_rate=context.frame_rate)
    _require_short(file)
    faults = file.faults
    if decoded.loss:
        faults = (Fault(0, decoded.loss), *faults)
    return replace(file, faults=faults, encoding=decoded.encoding, is_guess=decoded.is_guess)


def _require_short(file: CaptionFile) -> None:
    for number, caption in enumerate(file.captions, 1):
        n_chars = sum(map(len, caption.marked))
        if n_chars > MAX_CAPTION_CHARS:
            where = f"line {caption.line}" if caption.line else f"cue {number}"
            raise UndecodableError(
                f"{where}: a caption of {n_chars:,} characters, more than {MAX_CAPTION_CHARS:,}", _HINT
            )


def parse(
    text: str, name: str = "", *, language: str | None = None, frame_rate: Fraction | None = None
) -> CaptionFile:
    """Parse the text of a subtitle file; see `read`.

    Raises:
        UndecodableError: It has no subtitles; qasr's own transcript of silence is one.
    """
    file = parse_if_timed(text, FileContext(name, language, frame_rate))
    if file is None or not (file.captions or file.transcript):
        fault = next(iter(file.faults), None) if file else None
        where = f": line {fault.line}: {fault.text}" if fault else _arrow(text)
        raise UndecodableError(f"no subtitles in it{where}", _HINT)
    return file


def _arrow(text: str) -> str:
    """Return what an error says of the first line that looks like times and is none; "" without one."""
    arrow = next((number for number, line in enumerate(text.splitlines(), 1) if "-->" in line), None)
    return f": line {arrow} has no readable times" if arrow else ""


def parse_if_timed(text: str, context: FileContext) -> CaptionFile | None:
    """Parse a text; None if it is words without times. A file without captions is returned as such.

    Raises:
        UndecodableError: It is markup of another kind, or JSON that is no transcript.
    """
    if _OBJECT.match(text.lstrip("\ufeff \t\r\n")[:_HEAD_CHARS]):
        return json_captions.read(text)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    row = read_formats.find(lines, context.name)
    if row is None and context.name.lower().endswith(".json"):
        return json_captions.read(text)  # says where it is no JSON
    return None if row is None or row.read is None else row.read(lines, context)


def _is_json(head: str, name: str) -> bool:
    r"""Return whether a text that begins like this is JSON; `{\an8}` and MicroDVD's `{0}{25}` are not."""
    return name.lower().endswith(".json") or _OBJECT.match(head) is not None


def grid_ms(file: CaptionFile) -> int:
    """Return the resolution of times in the file's format."""
    return ass_text.GRID_MS if file.kind == "ass" else 1


def write(file: CaptionFile, captions: Sequence[Caption]) -> str:
    """Return the text of the file with `captions` in place of its own, all else unchanged (not for JSON).

    Captions whose `lines` have other breaks than their `marked` ones are written with the new breaks, as
    `rebroken` has them.
    """
    broken = [rebroken(caption, file.kind) for caption in captions]
    return ass_text.write(file, broken) if file.kind == "ass" else cued_text.write(file, broken)


def rebroken(caption: Caption, kind: str) -> Caption:
    """Return a caption of a file with its styling broken as its `lines` are, if that changes no word.

    Brackets on two lines are text in some formats, and on one line they would be a tag that hides what is
    between them; then the caption keeps its breaks.
    """
    before = markup.visible_lines(caption.marked, kind)
    if not caption.lines or before == caption.lines:
        return caption
    marked = markup.rebroken(caption.marked, caption.lines, kind)
    is_same = markup.visible_lines(marked, kind) == caption.lines
    # A text about subtitles: a line of its own would begin another caption.
    if not is_same or (kind != "ass" and any(map(time_lines.is_time_line, marked))):
        return replace(caption, lines=before)
    return replace(caption, marked=marked)
