"""Subtitles and scripts of the user: files, pipes or stdin, in any encoding and format that is read.

In goes a path and what the user says about it; out come captions, or the blocks of a script. `check`,
`render` and `align` read only through this module. A guessed encoding is reported, since its text may be
wrong.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from qasr_cli.errors import UndecodableError, naming
from qasr_cli.formats.readers import captions, encodings, script_reading
from qasr_cli.formats.readers.caption_file import CaptionFile
from qasr_cli.formats.readers.script_reading import ScriptFile
from qasr_cli.operating_system import streams
from qasr_cli.tasks.text_input import read_bytes

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the user says about a text.

    Attributes:
        encoding: Python's name of its encoding; "" detects it.
        language: Code of its language; None if the user does not say.
        frame_rate: Frames a second, for formats that count frames.
    """

    encoding: str = ""
    language: str | None = None
    frame_rate: Fraction | None = None

    def __post_init__(self) -> None:
        encodings.require_known(self.encoding)


def read_captions(path: Path, reading: Reading) -> CaptionFile:
    """Read a subtitle file.

    Raises:
        NoInputError: There is no such file.
        UndecodableError: It is not a subtitle file, or too large to be one.
        QasrError: It cannot be read.
    """
    return _captions(path, _bytes(path), reading)


def read_reference(path: Path, reading: Reading) -> CaptionFile:
    """Read a subtitle file to compare with; what the user says is about another file, too.

    So a Unicode text is read as such, whatever encoding was named.

    Raises:
        QasrError: As for `read_captions`.
    """
    raw = _bytes(path)
    if encodings.is_unicode(raw):
        reading = replace(reading, encoding="")
    file = _captions(path, raw, reading)
    if file.is_guess:
        say_guess(path, file.encoding)
    return file


def _bytes(path: Path) -> bytes:
    return read_bytes(path, streams.shown(path), captions.MAX_JSON_BYTES)


def _captions(path: Path, raw: bytes, reading: Reading) -> CaptionFile:
    with naming(streams.shown(path)):
        return captions.read(
            raw, path.name, reading.encoding, language=reading.language, frame_rate=reading.frame_rate
        )


def read_script(path: Path, reading: Reading) -> ScriptFile:
    """Read a script: a text, or subtitles.

    Raises:
        NoInputError: There is no such file.
        UndecodableError: It has no words, is a damaged subtitle file, or not a text.
    """
    raw = _bytes(path)
    with naming(streams.shown(path)):
        decoded = captions.decode(raw, path.name, reading.encoding, reading.language)
        if decoded.loss:  # letters would be missing
            raise UndecodableError(decoded.loss, "name its encoding with --encoding, or save it as UTF-8")
        if decoded.is_guess:
            say_guess(path, decoded.encoding)
        return script_reading.parse_script(decoded.text, path.name, reading.language)


def say_guess(path: Path, encoding: str) -> None:
    """Tell the user which encoding was guessed."""
    logger.warning(
        "%s: read as %s, which is a guess; --encoding names another", streams.shown(path), encoding
    )
