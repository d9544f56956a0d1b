"""Edits of a valid file: by token, line and number, so that most of the structure survives.

In goes a file's content, out comes another. Every edit is a value that hypothesis draws, so that a finding
shrinks to the edits that matter.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import TypeVar

from hypothesis import strategies as st

_T = TypeVar("_T")
_TOKENS = re.compile(rb"[A-Za-z_]+|[0-9]+|\s+|[\x80-\xff]+|[^\sA-Za-z0-9_\x80-\xff]")
_MAX_BYTES = 60_000  # more only shows that a copy of a copy is large
_PARTS = 1_000  # a place in a file is drawn as a fraction of it, and stays in place when the file shrinks
_COUNTS = (2, 100, 100_000)

NUMBERS = (
    *(b"0", b"-1", b"00", b"1e400", b"-1e400", b"1e99", b"NaN", b"Infinity", b"0x10", b"1_0", b"0.1", b"+5"),
    *(b"60", b"99", b"4294967296", b"9223372036854775808", b"9" * 400, "\u0663".encode(), "\u00b2".encode()),
)
PIECES = (
    *(b"\x00", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\x1b[31m", b"\x1a", b"\r", b"\n", b"\n\n", b" "),
    *(char.encode() for char in ("\u202e", "\u009b", "\u2028", "\u0301" * 9, "\U0001f469\u200d")),
    *(b"-->", b"<i>", b"</i>", b"<00:00:01.000>", b"{\\an8}", b"{\\p1}", b"\\N", b"&amp", b"&#x110000;"),
    *(b"null", b"true", b'"\\ud800"', b"{}", b"[]", b'{"a":', b'"', b"'", b"\\", b"../", b"/dev/zero", b"~"),
    *(b"WEBVTT\n", b"[Events]\n", b"NOTE\n", b"STYLE\n", b"<SYNC Start=1>", b"<!DOCTYPE a [", b"<![CDATA["),
    *(b"&#0;", b"%s", b"<!--", b"\\ud800", b"\\u0000", b"\\u202e", b"\\n"),
)  # fmt: skip
OPENERS = (b"[", b"{", b'{"a":', b"(", b"<b>", b"<p>", b"a.", b"{\\", b"- ", b"[[", b"&")
# What JSON and TOML can write in a text, and no path, terminal or encoding takes; or takes too well.
STRINGS = (
    *(
        b"\\u0000",
        b"\\ud800",
        b"a\\u0000b",
        b"/\\ud800",
        b"\\u202e\\u009b\\u001b[31m",
        b"\\n",
        b"",
        b" ",
        b"-",
    ),
    *(b"..", b"../../a", b"/", b"/dev/zero", b"~", b"~a", b"a" * 5_000, b"-->", b"{}", b"%s", b"\\", b"\xff"),
    *(b"1", b"1e400", b"null", b"9999-12-31T23:59:59+00:00", b"<b>", b"{\\an8}", b"https://a:b@c", b"utf-16"),
)
VALUES = (
    *(b"null", b"true", b"false", b"0", b"-1", b"1e400", b"-1e400", b"NaN", b"0.1", b"9" * 400, b"9" * 5_000),
    *(
        b"[]",
        b"{}",
        b"[1]",
        b'["a"]',
        b'{"a": 1}',
        b'""',
        b'"\\ud800"',
        b"9223372036854775808",
        b"1979-05-27",
    ),
)
_STRING = re.compile(rb'"(?:[^"\\\n]|\\.)*+"')
_VALUE = re.compile(rb'(?<=[:=])\s*+(?:"(?:[^"\\\n]|\\.)*+"|[-+.\w]++)')
# Sizes and counts that lie, as headers of media and weights hold them; both ends first.
SIZES = tuple(
    number.to_bytes(n_bytes, order)
    for n_bytes in (2, 4, 8)
    for number in (0, 1, 7, 255, (1 << 8 * n_bytes - 1) - 1, 1 << 8 * n_bytes - 1, (1 << 8 * n_bytes) - 1)
    for order in ("little", "big")
)
ENCODINGS = ("utf-16", "utf-16-le", "utf-32", "cp949", "cp1252", "shift-jis", "utf-7", "utf-8-sig")


class _Kind(Enum):
    REMOVE = auto()
    REPEAT = auto()
    MOVE = auto()
    NUMBER = auto()
    INSERT = auto()
    NEST = auto()
    CUT = auto()
    SPLICE = auto()
    BYTE = auto()
    ENCODE = auto()
    SIZE = auto()
    JOIN = auto()
    STRING = auto()
    VALUE = auto()


@dataclass(frozen=True)
class Edit:
    """One edit.

    Attributes:
        kind: What is done.
        place: Where, in thousandths of the file; a size is at this byte, since headers come first.
        length: Of how many tokens, or lines if `is_line`.
        choice: Which number, piece, count or other file.
        is_line: Lines are edited, and not tokens.
    """

    kind: _Kind
    place: int
    length: int
    choice: int
    is_line: bool

    def of(self, content: bytes, others: Sequence[bytes]) -> bytes:
        """Return the content after the edit; `others` are files to splice with."""
        match self.kind:
            case _Kind.BYTE:
                edited = self._byte(content)
            case _Kind.SIZE:
                size = _pick(SIZES, self.choice)
                edited = content[: self.place] + size + content[self.place + len(size) :]
            case _Kind.STRING:
                edited = self._exchanged(content, _STRING, b'"%s"' % _pick(STRINGS, self.choice))
            case _Kind.VALUE:
                edited = self._exchanged(content, _VALUE, _pick(VALUES, self.choice))
            case _Kind.JOIN:
                edited = content + _pick(others, self.choice)
            case _Kind.ENCODE:
                text = content.decode("utf-8", "replace")
                edited = text.encode(_pick(ENCODINGS, self.choice), "replace")
            case _:
                edited = self._of_parts(content, others)
        return edited[:_MAX_BYTES]

    def _of_parts(self, content: bytes, others: Sequence[bytes]) -> bytes:
        """Return the content after an edit of tokens or lines."""
        parts = content.splitlines(keepends=True) if self.is_line else _TOKENS.findall(content)
        return b"".join(self._edited(parts, others))

    def _exchanged(self, content: bytes, pattern: re.Pattern[bytes], new: bytes) -> bytes:
        spans = [match.span() for match in pattern.finditer(content)]
        begin, end = spans[self.place * len(spans) // (_PARTS + 1)] if spans else (0, 0)
        return content[:begin] + new + content[end:] if spans else content

    def _byte(self, content: bytes) -> bytes:
        place = self.place * len(content) // _PARTS
        return content[:place] + bytes([self.choice % 256]) * self.length + content[place + self.length :]

    def _edited(self, parts: list[bytes], others: Sequence[bytes]) -> list[bytes]:
        begin = self.place * len(parts) // _PARTS
        end = begin + self.length
        before, chosen, after = parts[:begin], parts[begin:end], parts[end:]
        match self.kind:
            case _Kind.REMOVE:
                middle = []
            case _Kind.REPEAT:
                size = max(1, sum(map(len, chosen)))
                middle = chosen * min(_pick(_COUNTS, self.choice), _MAX_BYTES // size)
            case _Kind.MOVE:
                rest = before + after
                place = self.choice % (len(rest) + 1)
                before, middle, after = rest[:place], chosen, rest[place:]
            case _Kind.NUMBER:
                number = _pick(NUMBERS, self.choice)
                middle = [number if part.isdigit() else part for part in chosen]
            case _Kind.INSERT:
                middle = [_pick(PIECES, self.choice) * self.length, *chosen]
            case _Kind.NEST:
                middle = [_pick(OPENERS, self.choice) * _pick(_COUNTS, self.length), *chosen]
            case _Kind.CUT:
                middle, after = [], []
            case _:
                other = _pick(others, self.choice)
                middle, after = [other[len(other) * self.place // _PARTS :]], []
        return before + middle + after


def _pick(values: Sequence[_T], choice: int) -> _T:
    return values[choice % len(values)]


EDITS = st.builds(
    Edit,
    st.sampled_from([*_Kind, _Kind.STRING, _Kind.STRING, _Kind.VALUE]),  # few break a file's structure
    st.integers(0, _PARTS),
    st.integers(1, 9),
    st.integers(0, 999),
    st.booleans(),
)


@dataclass(frozen=True)
class Mutant:
    """An edited file; hypothesis prints no more of it than its size."""

    content: bytes

    def __repr__(self) -> str:
        return f"<{len(self.content)} bytes>"


def mutants(seeds: Sequence[bytes]) -> st.SearchStrategy[Mutant]:
    """Return a strategy of files: one of the valid ones with an edit, or with up to six.

    A file with one edit is often still read as far as the edit.
    """
    edits = st.lists(EDITS, min_size=1, max_size=1) | st.lists(EDITS, max_size=6)
    return st.builds(partial(_mutant, tuple(seeds)), st.sampled_from(seeds), edits)


def _mutant(others: Sequence[bytes], seed: bytes, edits: Sequence[Edit]) -> Mutant:
    content = seed
    for edit in edits:
        content = edit.of(content, others)
    return Mutant(content)
