"""`qasr check` of files as others write them: what is left out is listed, what would be mixed is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.conftest import Qasr

GOOD = (
    "1\n00:00:01,000 --> 00:00:03,000\nThis is a good line.\n\n"
    "2\n00:00:03,083 --> 00:00:05,000\nAnd one more.\n"
)


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("a.srt", GOOD + "\n3\n00:00:06,000 --> 00:00:07,000\n<i></i>\n", 9),
        (
            "a.vtt",
            "WEBVTT\n\n" + GOOD.replace(",0", ".0") + "\nx\n00:06.000 --> 00:07.000\n<i></i>\n",
            11,
        ),
    ],
)
def test_dropped_cues_are_listed(qasr: Qasr, tmp_path: Path, name: str, content: str, line: int) -> None:
    (tmp_path / name).write_text(content)
    result = qasr("check", name, "--fix")
    assert f"dropped: cue 3 (line {line}, 00:00:06.000), which shows no text" in result.stdout
    (found,) = json.loads(qasr("check", name, "--fix", "--overwrite", "--json").stdout)["files"]
    assert found["fixed"]["dropped"] == [
        {"cue": 3, "line": line, "time_ms": 6_000, "reason": "shows no text"}
    ]


def test_parts_that_begin_again_are_not_mixed(qasr: Qasr, tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text(GOOD + "\n" + GOOD)
    result = qasr("check", "a.srt", "--fix")
    assert result.returncode == 65
    assert "a.srt: not fixed: line 9: the times begin again 2.083 s earlier" in result.stderr


def test_every_finding_has_its_line(qasr: Qasr, tmp_path: Path) -> None:
    files = {
        "a.srt": ("1\n00:00:01,000 --> 00:00:01,100\nOne.\n", 1),
        "a.vtt": ("WEBVTT\n\n00:01.000 --> 00:01.100\nOne.\n", 3),
        "a.ass": ("[Script Info]\n[Events]\nDialogue: 0,0:00:01.00,0:00:01.10,D,,0,0,0,,One.\n", 3),
        "a.json": ('{"segments": [\n{"start": 1,\n"end": 1.1, "text": "One."}]}\n', 2),
        "b.json": ('{"words": [\n\n{"word": "One.", "start": 1, "end": 1.1}]}\n', 3),
        "a.ttml": (
            '<tt><body><div>\n<p begin="1s" dur="0.1s">One.</p></div></body></tt>',
            2,
        ),
        "a.smi": ("<SAMI><BODY>\n\n<SYNC Start=1000><P>One.\n<SYNC Start=1100><P>&nbsp;\n", 3),
        "a.sub": ("{1}{1}10\n{10}{11}One.\n", 2),
        "a.mpl": ("\n[10][11]One.\n", 2),
        "a.lrc": ("[ti:One]\n[00:01.00]One.\n[00:01.10]\n", 2),
        "a.sbv": ("\n\n0:00:01.000,0:00:01.100\nOne.\n", 3),
        "a.txt": ("1.0\t1.1\tOne.\n", 1),
        "a.tsv": ("start\tend\ttext\n1000\t1100\tOne.\n", 2),
    }
    for name, (content, _) in files.items():
        (tmp_path / name).write_text(content, "utf-8")
    said = qasr("check", *files).stdout
    read = json.loads(qasr("check", *files, "--json").stdout)["files"]
    for (name, (_, line)), file in zip(files.items(), read, strict=True):
        assert f"{name}:{line}: 00:00:01.000 error dur_min" in said
        assert {finding["line"] for finding in file["findings"]} == {line}
