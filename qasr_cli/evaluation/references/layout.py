"""What a reader of a layout is: where its parts are, and how their utterances are read.

In go a path and options; out come parts and streamed utterances. A reader opens texts only: sound that is
missing is found when it is decoded.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from qasr_cli import languages
from qasr_cli.errors import QasrError, UndecodableError, UsageError, from_read_error
from qasr_cli.evaluation.utterances import Utterance
from qasr_cli.operating_system.files import open_regular
from qasr_cli.options import ReferenceOptions
from qasr_cli.records import Span
from qasr_cli.timebase import seconds_to_ms

MAX_LINE_CHARS = 8_000_000  # of a manifest: a cut of Lhotse with an hour of words has 2 million
MAX_SECONDS = 1e7  # of a recording: four months
HINT = "compare it with the layout's documentation, or name another with --layout"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a corpus, such as a split.

    Attributes:
        name: As `--split` takes it.
        path: The file or folder that is read.
        language: Code; None if the part does not say.
    """

    name: str
    path: Path
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """One layout of references.

    Attributes:
        name: As `--layout` takes it.
        looks_for: What it is recognised by, for people.
        find: Returns the parts below a path; none if it has another layout.
        read: Yields the utterances of a part.
        is_long: Its texts belong to whole recordings, and their times are no cuts.
    """

    name: str
    looks_for: str
    find: Callable[[Path], list[Part]]
    read: Callable[[Part, ReferenceOptions], Iterator[Utterance]]
    is_long: bool = False


def text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of a UTF-8 text, which may be gzipped, with their numbers from 1, but no empty ones.

    Raises:
        QasrError: It cannot be read, or a line is no UTF-8 or longer than any manifest's.
    """
    number = 0
    try:
        with os.fdopen(open_regular(path), "rb") as raw, _unpacked(path, raw) as file:
            while line := file.readline(MAX_LINE_CHARS + 1):
                number += 1
                if len(line) > MAX_LINE_CHARS:
                    raise damaged(path, number, "the line is too long")
                text = line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
                if text.strip():
                    yield number, text
    except UnicodeDecodeError:
        raise damaged(path, number, "not UTF-8") from None
    except EOFError:
        raise damaged(path, number, "the file is cut off") from None
    except zlib.error:
        raise damaged(path, number + 1, "the compressed file is damaged") from None
    except (gzip.BadGzipFile, OSError) as error:
        raise from_read_error(error, path) from error


def keyed_lines(path: Path) -> Iterator[tuple[int, str, str]]:
    """Yield line number, first word and the rest of each line, as Kaldi's tables are written.

    Raises:
        QasrError: As `text_lines`.
    """
    for line, text in text_lines(path):
        key, _, rest = text.replace("\t", " ").partition(" ")
        yield line, key, rest.strip()


def first_line(path: Path) -> str:
    """Return the first line of a text that is not empty; "" if it is no file, no text, or cannot be read."""
    if not is_file(path):
        return ""
    try:
        return next((text for _, text in text_lines(path)), "")
    except QasrError:  # not this layout
        return ""


def is_path(place: str) -> bool:
    """Whether a text can be the path of a file: manifests hold what no file system takes."""
    try:
        return b"\0" not in os.fsencode(place)
    except UnicodeEncodeError:  # a lone surrogate that stands for no byte
        return False


def first_base(bases: Iterable[Path], place: str) -> Path | None:
    """Return the first folder below which a relative path is there."""
    return next((base for base in bases if os.path.lexists(base / place)), None) if is_path(place) else None


def refuse_remote(manifest: Path, line: int, place: str) -> None:
    """Refuse a sound that is no file.

    Raises:
        UsageError: It is a command, which is never started, or an address.
    """
    if place.startswith("|") or place.rstrip().endswith("|"):
        reason = f"line {line}: {place[:80]!r} is a command, which qasr does not start"
        raise UsageError.about(manifest, reason, "write its sound to a file")
    if "://" in place:
        raise UsageError.about(
            manifest, f"line {line}: {place[:80]} is an address, and no file", "download it first"
        )


def _unpacked(path: Path, raw: IO[bytes]) -> IO[bytes]:
    return cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if path.suffix == ".gz" else raw


def damaged(path: Path, line: int, reason: str) -> QasrError:
    """Return the error of a line that cannot be read."""
    return UndecodableError.about(path, f"line {line}: {reason}", HINT)


def listed(folder: Path) -> list[str]:
    """Return the names in a folder, sorted; none if it is no folder or may not be read."""
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208 - names only
    except OSError:
        return []


def is_file(path: Path) -> bool:
    """Whether a path is a regular file, or a link to one."""
    return os.path.isfile(path)


def has_name(path: Path) -> bool:
    """Whether something of this name is there."""
    return os.path.lexists(path)


def code(spelling: str) -> str | None:
    """Return the code of a language in any spelling, such as `cmn_hans_cn`; None if it is unknown."""
    found = languages.find(spelling)
    return found.code if found else None


def spoken(value: object) -> str:
    """Return the text of a row; null is no text, and not the word `None`."""
    return "" if value is None else str(value)


def span(path: Path, line: int, start_s: float, end_s: float) -> Span:
    """Return a span in ms of times in seconds.

    Raises:
        UndecodableError: They are no times, or the end is not after the start.
    """
    if 0 <= start_s < end_s <= MAX_SECONDS:  # NaN is in no range
        with contextlib.suppress(ValueError):  # shorter than a millisecond
            return Span(seconds_to_ms(start_s), seconds_to_ms(end_s))
    raise damaged(path, line, f"{start_s} to {end_s} seconds is no span")


def number(path: Path, line: int, text: str) -> float:
    """Return a number of a column.

    Raises:
        UndecodableError: It is none.
    """
    try:
        return float(text)
    except ValueError:
        raise damaged(path, line, f"{text[:40]!r} is no number") from None
