"""A WebVTT file without findings shows in browsers what is read here, whatever it is made of.

The oracle is the standard's algorithm once more, character by character ("collect a WebVTT block").
"""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from qasr_cli.errors import UndecodableError
from qasr_cli.formats.readers import captions

LINES = st.sampled_from([
    "", "", "", " ", "00:01.000 --> 00:02.000", "00:00:03.000 --> 00:04.000 line:0", "0:01.000 --> 00:02.000",
    "00:01,000 --> 00:02,000", "00:01.000 -> 00:02.000", "00:60.000-->00:61.000",
    "120:00:00.000-->120:00:01.000", "-->", "a --> b", "1", "2", "3", "text", "<b>x</b>", "<v Bob>y", "a < b",
    "I <3 you", "&amp z", "NOTE", "NOTE a", "STYLE", "REGION", "id:a",
    "WEBVTT", "\ufeff2", "\ufeffWEBVTT", "\x00",
])  # fmt: skip


def browsers_cues(text: str) -> list[tuple[str, str, str]]:
    """Return the identifier, the time line and the text of each cue."""
    text = text.replace("\x00", "\ufffd")
    at = text.find("\n") + 1
    cues = []
    is_header = not text.startswith("\n", at)
    while 0 < at < len(text):
        if text[at] == "\n":
            at, is_header = at + 1, False
            continue
        at, found = _block(text, at, is_header=is_header)
        cues += [found] if found else []
        is_header = False
    return cues


def _block(text: str, at: int, *, is_header: bool) -> tuple[int, tuple[str, str, str] | None]:
    buffer, times, name, before, n_lines, has_arrow = "", "", "", at, 0, False
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        line, at, n_lines = text[at:end], end + 1, n_lines + 1
        if "-->" in line:
            if is_header or not (n_lines == 1 or (n_lines == 2 and not has_arrow)):
                at = before
                break
            has_arrow, before, name = True, at, buffer
            if _is_valid(line):
                times, buffer = line, ""
        elif not line:
            break
        else:
            buffer += ("\n" if buffer else "") + line
            before = at
    return at, (name, times, buffer) if times else None


def _is_valid(line: str) -> bool:
    stamp = r"(\d+:[0-5]\d|[0-5]\d):[0-5]\d\.\d{3}(?!\d)"
    return re.match(rf"\s*{stamp}\s*-->\s*{stamp}", line) is not None


@given(st.lists(LINES, max_size=14))
def test_without_findings_browsers_show_the_same(lines: list[str]) -> None:
    text = "\n".join(["WEBVTT", *lines])
    try:
        found = captions.parse(text)
    except UndecodableError:
        assert not browsers_cues(text)
        return
    if not found.faults:
        assert shown(text) == [(one.number, "\n".join(one.marked).strip()) for one in found.captions]
    # What browsers show is never missed, at least.
    assert len(found.captions) >= len(browsers_cues(text))
    # Written again, the file shows in browsers what was read, if every finding can be repaired.
    if all(fault.is_fixable for fault in found.faults):
        written = captions.write(found, found.captions)
        again = captions.parse(written)
        assert again.faults == ()
        assert [one.lines for one in again.captions] == [one.lines for one in found.captions]
        assert len(browsers_cues(written)) == len(found.captions)


def shown(text: str) -> list[tuple[str, str]]:
    lines = ((name, written.split("\n")) for name, _, written in browsers_cues(text))
    return [(name, "\n".join(line.rstrip() for line in written).strip()) for name, written in lines]
