"""`qasr align`: the words of a script get their times, whatever script and recording make of each other."""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import srt

from tests.e2e.conftest import CLIP, ECHO, SAMPLES, Qasr
from tests.media_factory import make_silence

MAX_OFF_MS = 200
TALK = SAMPLES / "talk.mp4"
AD_LIB = "The library is open every day."  # of the talk's fourth paragraph; taken out of the script
UNSPOKEN = (
    "In the spring of that year the council sold both theatres to a company from Norway. Nobody in the "
    "village was asked, and many people wrote angry letters to the newspaper."
)


def truth() -> list[dict[str, Any]]:
    words: list[dict[str, Any]] = json.loads((SAMPLES / "talk.truth.json").read_text("utf-8"))["words"]
    return words


def sentences(words: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    found: list[list[dict[str, Any]]] = [[]]
    for word in words:
        found[-1].append(word)
        if re.search(r"[.?!]$", word["text"]):
            found.append([])
    return [sentence for sentence in found if sentence]


def _json_words(path: Path) -> list[dict[str, Any]]:
    segments = json.loads(path.read_text("utf-8"))["segments"]
    return [word for segment in segments for word in segment["words"]]


def test_a_script_that_was_edited_after_the_talk(qasr: Qasr, tmp_path: Path) -> None:
    """Five words in a hundred changed, a sentence left out, a paragraph that nobody says."""
    rng = random.Random(3)
    lines, kept = [], []
    for number, sentence in enumerate(sentences(truth())):
        if " ".join(word["text"] for word in sentence) == AD_LIB:
            continue
        said = []
        for word in sentence:
            is_changed = rng.random() < 0.05
            said.append("elsewhere" if is_changed else word["text"])
            if not is_changed:
                kept.append(word)
        lines.append(" ".join(said))
        if number == 30:
            lines.append(UNSPOKEN)
    script = tmp_path / "script.txt"
    script.write_text("\n".join(lines), "utf-8")
    report = tmp_path / "report.json"
    result = qasr("align", TALK, script, "--model", "demo", "--json", "-o", tmp_path, "--report", report)
    assert result.returncode == 0, result.stderr
    words = [word for word in _json_words(tmp_path / "talk.json") if word["text"] != "elsewhere"]
    assert [word["text"] for word in words] == [word["text"] for word in kept]
    off = [
        max(abs(word["start_ms"] - true["start_ms"]), abs(word["end_ms"] - true["end_ms"]))
        for word, true in zip(words, kept, strict=True)
    ]
    assert sum(error <= MAX_OFF_MS for error in off) / len(off) >= 0.98
    told = json.loads(report.read_text("utf-8"))
    assert [one["text"] for one in told["unspoken"]] == [UNSPOKEN]
    assert len(told["ad_libs"]) == 1
    assert told["timed_words"] == told["words"] - len(UNSPOKEN.split())
    assert "are not spoken" in result.stderr


def test_bad_subtitles_keep_their_cues_and_get_new_times(qasr: Qasr, tmp_path: Path) -> None:
    cues = [words[i : i + 5] for words in sentences(truth()) for i in range(0, len(words), 5)]
    bad = "\n".join(
        f"{n}\n00:59:{n % 60:02d},000 --> 00:59:{n % 60:02d},100\n<i>{cue[0]['text']}</i>"
        + ("\n" + " ".join(word["text"] for word in cue[1:]) if cue[1:] else "")
        + "\n"
        for n, cue in enumerate(cues, 1)
    )
    (tmp_path / "bad.srt").write_text(bad, "utf-8")
    result = qasr("align", TALK, tmp_path / "bad.srt", "--model", "demo", "-o", tmp_path)
    assert result.returncode == 0, result.stderr
    found = list(srt.parse((tmp_path / "talk.srt").read_text("utf-8")))
    assert len(found) == len(cues)
    for cue, words in zip(found, cues, strict=True):
        assert cue.content.split() == [word["text"] for word in words]
        assert cue.content.split("\n")[0] == words[0]["text"]
    off = [
        abs(cue.start.total_seconds() * 1000 - words[0]["start_ms"])
        for cue, words in zip(found, cues, strict=True)
    ]
    assert sum(error <= 300 for error in off) / len(off) >= 0.95


SUNG = ("♪", "One two", "* * *", "three four.", "...")  # and what a fake hears in the clip
CUT = "Nobody says this any more"


def as_srt(cues: Sequence[str], first: int = 1) -> str:
    return "\n".join(
        f"{n}\n00:00:{n % 60:02d},000 --> 00:00:{n % 60:02d},900\n{cue}\n"
        for n, cue in enumerate(cues, first)
    )


@pytest.mark.parametrize("engine", [ECHO, "tests.fakes:unaligned"])
def test_music_between_what_is_said_keeps_its_cues(qasr: Qasr, tmp_path: Path, engine: str) -> None:
    (tmp_path / "script.srt").write_text(as_srt(SUNG), "utf-8")
    result = qasr("align", CLIP, "script.srt", "--engine", engine, "--srt", "--json", "-o", "out")
    assert result.returncode == 0, result.stderr
    assert [cue.content for cue in srt.parse((tmp_path / "out/clip-01.srt").read_text("utf-8"))] == [*SUNG]
    marks = [word for word in _json_words(tmp_path / "out/clip-01.json") if not word["text"][0].isalpha()]
    assert [(word["text"], word["timing"]) for word in marks] == [
        (mark, "interpolated") for mark in ("♪", "* * *", "...")
    ]


@pytest.mark.parametrize(
    ("name", "text", "told", "where"),
    [
        ("a.txt", f"{SUNG[1]}\n\n\n{CUT}\n\n{SUNG[3]}\n", "in line 4", {"line": 4}),
        ("a.srt", as_srt([SUNG[1], CUT, SUNG[3]], 12), "in cue 13", {"line": 5, "cue": 13}),
        (
            "a.vtt",
            "WEBVTT\n\n" + re.sub(r"(?m)^\d+$\n", "", as_srt([SUNG[1], CUT, SUNG[3]], 1)).replace(",", "."),
            "in cue 2",
            {"line": 6, "cue": 2},
        ),
    ],
)
def test_what_nobody_says_is_found_in_the_script_s_file(
    qasr: Qasr, tmp_path: Path, name: str, text: str, told: str, where: dict[str, int]
) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    result = qasr("align", CLIP, name, "--engine", ECHO, "-o", "out", "--report", "report.json")
    assert result.returncode == 0, result.stderr
    assert f"{len(CUT.split())} words of the script are not spoken, {told}\n" in result.stderr
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert report["unspoken"] == [{**where, "text": CUT}]


def test_the_run_ends_with_a_summary(qasr: Qasr, tmp_path: Path) -> None:
    """An empty one, at level error, stands for a run that was interrupted."""
    (tmp_path / "script.txt").write_text("One two three four.")
    arguments = (tmp_path / "script.txt", "--engine", ECHO, "-o", tmp_path / "out", "--progress", "json")
    result = qasr("align", CLIP, *arguments)
    assert result.returncode == 0, result.stderr
    end = json.loads(result.stderr.splitlines()[-1])
    assert (end["event"], end["level"]) == ("end", "info")
    assert end["summary"].startswith("1 done; ")


@pytest.mark.parametrize(
    ("script", "media", "code", "says"),
    [
        ("♪\n\n* * *\n", CLIP, 65, "has no words"),
        ("1\n00:00:01,000 --> 00:00:02,000\n♪\n", CLIP, 65, "has no words"),
        ("", CLIP, 65, "the file is empty"),
        (" \n\n", CLIP, 65, "the file is empty"),
        ("junk\n\n1\n00:00:01,000 --> 00:00:02,000\nGood\n", CLIP, 65, "broken SRT"),
        ("Entirely different words about quantum physics.", CLIP, 4, "belongs to another recording"),
        ("오늘은 우리 마을과 항구에 대해 말씀드릴게요.", CLIP, 4, "another recording or language"),
        ("word " * 5000, CLIP, 4, "which is impossibly fast"),
        ("Hello there.", "silence", 65, "no speech found"),
        (None, CLIP, 66, "no such file"),
        ("Hello there.", CLIP.parent, 2, "a folder, but a script belongs to one recording"),
        ("Hello there.", CLIP.parent / "*.wav", 2, "files, but a script belongs to one recording"),
        ("Hello there.", "gone.mp4", 66, "no such file"),
    ],
)
def test_what_does_not_belong_together_is_one_line(
    qasr: Qasr, tmp_path: Path, script: str | None, media: object, code: int, says: str
) -> None:
    if media == "silence":
        media = make_silence(tmp_path / "silence.wav", 3)
    if script is not None:
        (tmp_path / "script.txt").write_text(script, "utf-8")
    result = qasr("align", media, tmp_path / "script.txt", "--engine", ECHO, "-o", tmp_path / "out", "-q")
    assert result.returncode == code, result.stderr
    assert says in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not list(tmp_path.glob("out/[!.]*"))


def test_a_binary_script_is_refused(qasr: Qasr, tmp_path: Path) -> None:
    (tmp_path / "script.txt").write_bytes(bytes(range(256)) * 9)
    result = qasr("align", CLIP, tmp_path / "script.txt", "--engine", ECHO)
    assert result.returncode == 65
    assert "not a text file" in result.stderr


def test_existing_results_are_not_touched(qasr: Qasr, tmp_path: Path) -> None:
    (tmp_path / "script.txt").write_text("Where is the yellow bicycle?", "utf-8")
    (tmp_path / "report.json").write_text("mine", "utf-8")
    given = ("align", CLIP, "script.txt", "--engine", ECHO, "-o", tmp_path)
    result = qasr(*given, "--report", "report.json")
    assert result.returncode == 73
    assert (tmp_path / "report.json").read_text("utf-8") == "mine"
    (tmp_path / "clip-01.srt").write_text("mine", "utf-8")
    assert qasr(*given).returncode == 73
    assert (tmp_path / "clip-01.srt").read_text("utf-8") == "mine"


def test_inputs_are_never_replaced_not_even_when_asked(qasr: Qasr, tmp_path: Path) -> None:
    media = Path(shutil.copy(CLIP, tmp_path))
    script = media.with_suffix(".srt")
    script.write_text("1\n00:00:00,000 --> 00:00:02,000\nWhere is the yellow bicycle?\n", "utf-8")
    before = {path: path.read_bytes() for path in (media, script)}
    given = ("align", media, script, "--engine", ECHO, "--overwrite")
    assert qasr(*given).returncode == 73
    for path in before:
        assert qasr(*given, "-o", tmp_path / "out", "--report", path).returncode == 2
    assert {path: path.read_bytes() for path in before} == before


def test_a_report_is_never_the_result(qasr: Qasr, tmp_path: Path) -> None:
    (tmp_path / "script.txt").write_text("Hello there.", "utf-8")
    arguments = ("--json", "-o", "out", "--report", "out/clip-01.json", "--overwrite", "--engine", ECHO)
    result = qasr("align", CLIP, "script.txt", *arguments)
    assert result.returncode == 2
    assert "is also the path of a result of clip-01.wav" in result.stderr


def test_a_script_from_stdin_is_read_as_a_file_is(qasr: Qasr) -> None:
    given = ("align", CLIP, "-", "--engine", ECHO, "-o", "out")
    result = qasr(*given, stdin=bytes(range(256)) * 9)
    assert (result.returncode, "stdin: not a text file" in result.stderr) == (65, True)
    result = qasr(*given, stdin=b"one two caf\xe9\n")
    assert "stdin: read as cp1252, which is a guess; --encoding names another" in result.stderr
    result = qasr(*given, "--encoding", "utf8x", stdin=b"one two\n")
    assert (result.returncode, "did you mean utf8" in result.stderr) == (2, True)


def test_a_web_page_is_no_script(qasr: Qasr, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(
        "<html><body><p>Where is the yellow bicycle?</p></body></html>", "utf-8"
    )
    result = qasr("align", CLIP, "page.html", "--engine", ECHO, "-o", "out")
    assert (result.returncode, "page.html: it is HTML" in result.stderr) == (65, True)


def test_a_script_may_be_subtitles_of_any_format_and_encoding(qasr: Qasr, tmp_path: Path) -> None:
    page = "<SAMI><BODY><SYNC Start=9000><P Class=ENCC>Where is<br>the yellow bicycle?</BODY></SAMI>"
    (tmp_path / "script.smi").write_bytes(page.encode("utf-16"))
    result = qasr("align", CLIP, "script.smi", "--model", "demo", "--srt", "-o", "-")
    (cue,) = srt.parse(result.stdout)
    assert cue.content == "Where is\nthe yellow bicycle?"


def test_a_script_from_stdin_and_words_to_stdout(qasr: Qasr) -> None:
    result = qasr(
        *("align", CLIP, "-", "--model", "demo", "--txt", "-o", "-"), stdin=b"Where is the yellow bicycle?\n"
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == "Where is the yellow bicycle?\n"
