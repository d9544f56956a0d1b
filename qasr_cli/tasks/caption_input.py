"""Subtitles and scripts of the user: files, pipes or stdin, in any encoding and format that is read.

In goes a path and what the user says about it; out come captions, or the blocks of a script. `check`,
`render` and `align` read only through this module. An encoding that was guessed is said, since its text may
be wrong.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from qasr_cli.errors import UndecodableError, naming
from qasr_cli.formats.readers import captions, encodings, script_reading
from qasr_cli.formats.readers.caption_file import CaptionFile
from qasr_cli.formats.readers.script_reading import ScriptFile
from qasr_cli.tasks.text_input import STDIN, read_bytes

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


def name_of(path: Path) -> str:
    """Return the name of an input in messages."""
    return "stdin" if path == STDIN else str(path)


def read_captions(path: Path, reading: Reading) -> CaptionFile:
    """Read a subtitle file.

    Raises:
        NoInputError: There is no such file.
        UndecodableError: It is not a subtitle file, or too large to be one.
        QasrError: It cannot be read.
    """
    raw = read_bytes(path, name_of(path), captions.MAX_JSON_BYTES)
    with naming(name_of(path)):
        return captions.read(
            raw, path.name, reading.encoding, language=reading.language, frame_rate=reading.frame_rate
        )


def read_script(path: Path, reading: Reading) -> ScriptFile:
    """Read a script: a text, or subtitles.

    Raises:
        NoInputError: There is no such file.
        UndecodableError: It has no words, is a damaged subtitle file, or not a text.
    """
    raw = read_bytes(path, name_of(path), captions.MAX_JSON_BYTES)
    with naming(name_of(path)):
        decoded = captions.decode(raw, path.name, reading.encoding, reading.language)
        require_whole(decoded.n_broken, decoded.encoding)
        if decoded.is_guess:
            say_guess(path, decoded.encoding)
        return script_reading.parse_script(decoded.text, path.name, reading.language)


def require_whole(n_broken: int, encoding: str) -> None:
    """Refuse a text with letters that were lost.

    Raises:
        UndecodableError: Some characters are invalid in the encoding.
    """
    if n_broken:
        noun = "character is" if n_broken == 1 else "characters are"
        raise UndecodableError(
            f"{n_broken} {noun} not {encoding.upper()}",
            "name its encoding with --encoding, or save it as UTF-8",
        )


def say_guess(path: Path, encoding: str) -> None:
    """Tell the user which encoding was guessed."""
    logger.warning("%s: read as %s, which is a guess; --encoding names another", name_of(path), encoding)
