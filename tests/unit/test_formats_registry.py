"""The table of formats: cheap to read, complete, and what else follows from it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from qasr_cli.formats import FORMATS, SUBTITLE_EXTENSIONS
from qasr_cli.formats.readers import captions
from qasr_cli.formats.registry import Format
from qasr_cli.options import OutputOptions
from qasr_cli.records import Track, Transcript
from qasr_cli.runs.inputs.selection import OTHER_SUFFIXES

EMPTY = Transcript("talk.wav", Track(0, "pcm", 1, 16_000, 0, 0, None), 0, (), "", "model", "aligner")


@pytest.mark.parametrize("name", FORMATS)
def test_each_row_names_a_writer_that_exists(name: str) -> None:
    text = FORMATS[name].render(EMPTY, (), OutputOptions())
    assert text == "" or text.endswith("\n")
    assert FORMATS[name].summary.endswith(".")


def test_a_row_that_names_no_writer_fails_when_it_renders() -> None:
    with pytest.raises(AttributeError):
        Format("xyz", "Nothing.", "srt:no_such_function").render(EMPTY, (), OutputOptions())


def test_reading_the_table_loads_no_writer_and_no_library() -> None:
    code = (
        "import sys; before = set(sys.modules); from qasr_cli.formats import FORMATS\n"
        "heavy = ('numpy', 'srt', 'webvtt', 'regex', 'json')\n"
        "cheap = {'qasr_cli', 'qasr_cli.version', 'qasr_cli.formats', 'qasr_cli.formats.registry'}\n"
        "loaded = set(sys.modules) - before - cheap\n"
        "print(sorted(name for name in loaded if name.split('.')[0] in (*heavy, 'qasr_cli')))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert run.stdout == "[]\n"


def test_what_qasr_writes_beside_media_is_never_taken_for_media() -> None:
    assert {form.extension.lower() for form in FORMATS.values()} | SUBTITLE_EXTENSIONS <= OTHER_SUFFIXES


def test_subtitles_are_what_players_show() -> None:
    assert {
        ".srt", ".vtt", ".ass", ".ssa", ".sub", ".smi", ".sami", ".ttml", ".dfxp", ".sbv"
    } == SUBTITLE_EXTENSIONS  # fmt: skip


def test_readable_formats_are_read() -> None:
    cue = "00:00:01.000 --> 00:00:02.000\nHello.\n"
    texts = {
        "srt": "1\n" + cue.replace(".000", ",000"),
        "vtt": "WEBVTT\n\n" + cue,
        "ass": "[Events]\nDialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,Hello.\n",
        "json": '{"segments": [{"start": 1.0, "end": 2.0, "text": "Hello."}]}',
        "tsv": "start\tend\ttext\n1000\t2000\tHello.\n",
    }
    assert set(texts) == {name for name, form in FORMATS.items() if form.is_readable}
    for name, text in texts.items():
        (caption,) = captions.parse(text, "talk" + FORMATS[name].extension).captions
        assert (caption.start_ms, caption.lines) == (1_000, ("Hello.",))
