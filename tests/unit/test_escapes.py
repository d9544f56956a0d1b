"""Foreign text on terminals: what becomes an escape, what stays readable, what a pipe gets."""

from __future__ import annotations

import json
import os
import pty
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qasr_cli import escapes
from qasr_cli.terminal import events, stdio

HARMFUL = [
    *map(chr, (*range(0x20), *range(0x7F, 0xA0))),
    *"\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff",
    *("\ud800", "\udc9b", "\udfff"),
]
TEXTS = st.text(st.one_of(st.characters(), st.sampled_from([*HARMFUL, "[", "m", "3", ";", "\u200d"])))


def test_every_control_and_direction_character_becomes_an_escape() -> None:
    for char in HARMFUL:
        assert escapes.printable(f"a{char}b").isprintable()
        assert escapes.printable(f"a{char}b") != f"a{char}b"
        if char not in "\n\t":
            assert escapes.for_terminal(f"a{char}b") == f"a\\u{ord(char):04x}b"
        if char not in "\n\t\r":
            assert escapes.styled(f"a{char}b") == f"a\\u{ord(char):04x}b"


@pytest.mark.parametrize(
    "name",
    [
        "می\u200cخواهم.mp4",
        "क्\u200dष.wav",
        "👩\u200d👩\u200d👧 ❤\ufe0f.mkv",
        "東京\u3000大阪.srt",
        "a\u00a0b",
        "né.wav",
    ],
)
def test_names_of_the_world_stay_readable(name: str) -> None:
    assert escapes.printable(name) == escapes.for_terminal(name) == escapes.styled(name) == name


@given(TEXTS)
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    whole = (escapes.printable(text), escapes.for_terminal(text).replace("\n", "").replace("\r", ""))
    for shown in (*whole, re.sub(r"\x1b\[[0-9;]*[A-GJKm]|\x1b\[\?25[hl]|[\r\n]", "", escapes.styled(text))):
        bad = [
            char for char in shown.replace("\t", "") if unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"}
        ]
        assert bad == []
        assert not set(shown) & set("\u061c\u200e\u200f\u202a\u202e\u2066\u2069\ufeff")


@given(st.recursive(TEXTS, lambda inner: st.lists(inner, max_size=3), max_leaves=5))
def test_json_stays_what_it_is(value: object) -> None:
    line = json.dumps(value, ensure_ascii=False)
    assert json.loads(escapes.for_json(line)) == json.loads(escapes.for_terminal(line)) == value


def test_own_colours_stay_and_titles_links_and_queries_go() -> None:
    own = "\x1b[1m\x1b[31mred\x1b[0m\x1b[2K\x1b[1A\x1b[?25l\r"
    assert escapes.styled(own) == own
    for foreign in (
        "\x1b]0;title\x07",
        "\x1b]8;;http://x\x1b\\",
        "\x1b[?1049h",
        "\x1b[6n",
        "\x1bc",
        "\x1bP+q\x1b\\",
    ):
        assert "\x1b" not in escapes.styled(foreign)


def test_long_texts_take_linear_time() -> None:
    for unit in ("\x1b[", "\x1b[1;", "1;", "\r", "\u202e", "\x1b"):
        text = "\x1b[" + unit * (100_000 // len(unit))
        assert escapes.styled(text)
        assert escapes.for_terminal(text)


def test_a_log_line_in_json_has_no_raw_direction_character() -> None:
    line = events.json_line("finished", "info", {"source": "a\u202eb\u009b\x7f"})
    assert not set(line) & set("\u202e\u009b\x7f")
    assert json.loads(line)["source"] == "a\u202eb\u009b\x7f"


def test_a_pipe_gets_every_byte_and_a_terminal_none_that_it_obeys() -> None:
    text = "a\x1b]0;x\x07\u009b\u202e\udcff\n"
    reading, writing = os.pipe()
    stdio.DataStream(writing).write(text)
    assert os.read(reading, 100) == text.encode("utf-8", "surrogateescape")
    master, slave = pty.openpty()
    stdio.DataStream(slave).write(text)
    assert os.read(master, 100) == b"a\\u001b]0;x\\u0007\\u009b\\u202e\\udcff\r\n"
    stdio.DataStream(slave).write_page("\x1b[1mtitle\x1b[0m\u202e\n")
    assert os.read(master, 100) == b"\x1b[1mtitle\x1b[0m\\u202e\r\n"
    for descriptor in (reading, writing, master, slave):
        os.close(descriptor)
