"""Each format that is read: what a test writes comes back equal, and no mutation of it ends in a crash."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qasr_cli import formats
from qasr_cli.errors import QasrError
from qasr_cli.formats import parse_script
from qasr_cli.formats.readers import captions
from qasr_cli.options import OutputOptions
from qasr_cli.tasks import foreign_transcript

Rows = Sequence[tuple[int, int, tuple[str, ...]]]
RATE = Fraction(25)
NAMES = {
    "sami": "a.smi", "microdvd": "a.sub", "mpl2": "a.txt", "ttml": "a.ttml", "lrc": "a.lrc", "sbv": "a.sbv",
    "labels": "a.txt", "tsv": "a.tsv", "json": "a.json",
}  # fmt: skip


def _sami(rows: Rows) -> str:
    body = "".join(
        f"<SYNC Start={start}><P Class=KRCC>{'<br>'.join(map(html.escape, lines))}\n"
        f"<SYNC Start={end}><P Class=KRCC>&nbsp;\n"
        for start, end, lines in rows
    )
    return f"<SAMI>\n<BODY>\n{body}</BODY></SAMI>\n"


def _ttml(rows: Rows) -> str:
    body = "".join(
        f'<p begin="{start}ms" end="{end / 1000:.3f}s">{"<br/>".join(map(escape, lines))}</p>\n'
        for start, end, lines in rows
    )
    return f'<tt xmlns="http://www.w3.org/ns/ttml"><body><div>{body}</div></body></tt>'


def _frames(rows: Rows) -> str:
    return "".join(f"{{{start // 40}}}{{{end // 40}}}{'|'.join(lines)}\n" for start, end, lines in rows)


def _tenths(rows: Rows) -> str:
    return "".join(f"[{start // 100}][{end // 100}]{'|'.join(lines)}\n" for start, end, lines in rows)


def _clock(time_ms: int) -> str:
    return (
        f"{time_ms // 3_600_000}:{time_ms // 60_000 % 60:02d}:{time_ms // 1000 % 60:02d}.{time_ms % 1000:03d}"
    )


def _sbv(rows: Rows) -> str:
    return "".join(
        f"{_clock(start)},{_clock(end)}\n" + "\n".join(lines) + "\n\n" for start, end, lines in rows
    )


def _lrc(rows: Rows) -> str:
    stamps = [
        (time, text) for start, end, lines in rows for time, text in ((start, " ".join(lines)), (end, ""))
    ]
    return "".join(
        f"[{time // 60_000:02d}:{time // 1000 % 60:02d}.{time % 1000:03d}]{text}\n" for time, text in stamps
    )


def _labels(rows: Rows) -> str:
    return "".join(f"{start / 1000:.6f}\t{end / 1000:.6f}\t{' '.join(lines)}\n" for start, end, lines in rows)


def _tsv(rows: Rows) -> str:
    return "start\tend\ttext\n" + "".join(
        f"{start}\t{end}\t{' '.join(lines)}\n" for start, end, lines in rows
    )


def _json(rows: Rows) -> str:
    segments = [
        {"start": start / 1000, "end": end / 1000, "text": " " + " ".join(lines)}
        for start, end, lines in rows
    ]
    return json.dumps({"segments": segments})


WRITERS: dict[str, Callable[[Rows], str]] = {
    "sami": _sami, "microdvd": _frames, "mpl2": _tenths, "ttml": _ttml, "lrc": _lrc, "sbv": _sbv,
    "labels": _labels, "tsv": _tsv, "json": _json,
}  # fmt: skip
HAS_LINES = {"sami", "microdvd", "mpl2", "ttml", "sbv"}
WORDS = st.text("abcdefgäöüßéñ한국어今日はПриветαβγ.,!?&", min_size=1, max_size=9).map(
    lambda word: "x" + word
)
LINES = st.lists(WORDS, min_size=1, max_size=5).map(" ".join)


@st.composite
def tables(draw: st.DrawFn) -> Rows:
    """Return captions in order, with times that frames and tenths of a second can say."""
    rows, at = [], 0
    for lines in draw(st.lists(st.lists(LINES, min_size=1, max_size=3), min_size=1, max_size=6)):
        start = at + 200 * draw(st.integers(1, 50))
        at = start + 200 * draw(st.integers(1, 40))
        rows.append((start, at, tuple(lines)))
    return rows


@pytest.mark.parametrize("kind", WRITERS)
@given(written=tables())
def test_what_is_written_is_read(kind: str, written: Rows) -> None:
    text = WRITERS[kind](written)
    found = captions.read(text.encode(), NAMES[kind], frame_rate=RATE)
    expected = [
        (start, end, lines if kind in HAS_LINES else (" ".join(lines),)) for start, end, lines in written
    ]
    assert (found.kind, found.faults) == (kind, ())
    assert [(one.start_ms, one.end_ms, one.lines) for one in found.captions] == expected
    lines_of = [one.line for one in found.captions]
    assert lines_of == sorted(lines_of)
    assert lines_of[0] > 0
    assert [" ".join(block) for block in parse_script(text, NAMES[kind]).blocks] == [
        " ".join(lines) for _, _, lines in written
    ]


NOISE = st.sampled_from([
    "<", ">", "{", "}", "[", "]", "\n", "\t", "|", '"', "\\", "&", "&nbsp;", "<br>", "<p>", "</p>",
    "<SYNC Start=", "Class=", "-1", "99999999999999", "1e400", "null", "begin", "00:", ":", ",", ".",
    "\x00", "\ufffd", "-->", "/", "start", "end", "<!--", "<!DOCTYPE x>", "]]>", "\ufeff", "\u2028", "\x85",
])  # fmt: skip


@pytest.mark.parametrize("kind", WRITERS)
@settings(max_examples=50)
@given(written=tables(), data=st.data())
def test_a_mutated_file_is_read_or_refused(kind: str, written: Rows, data: st.DataObject) -> None:
    text = WRITERS[kind](written)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        text = text[:at] + data.draw(NOISE) + text[at + data.draw(st.integers(0, 6)) :]
    for encoding in ("utf-8", "utf-16", "cp949"):
        _use(text.encode(encoding, "replace"), NAMES[kind])


@given(raw=st.binary(max_size=300), name=st.sampled_from([*NAMES.values(), "film.ko.srt", "a.xml", "a"]))
def test_any_bytes_are_read_or_refused(raw: bytes, name: str) -> None:
    _use(raw, name)


def _use(raw: bytes, name: str) -> None:
    """Read bytes as each command does, and write them in every format."""
    try:
        decoded = captions.decode(raw, name)
        parse_script(decoded.text, name)
    except QasrError:
        pass
    try:
        file = captions.read(raw, name, frame_rate=RATE)
        transcript, cues = foreign_transcript.convert(Path(name), file, "en")
    except QasrError:
        return
    for form in formats.FORMATS.values():
        form.render(transcript, cues or (), OutputOptions()).encode()
