"""Subtitles of other programs through the program itself: `check`, `check --fix`, `render`."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import jsonschema
import pytest
import srt

from tests.e2e.conftest import Qasr

ROOT = Path(__file__).parents[2]
SAMI = """\
<SAMI><HEAD><STYLE><!-- .KRCC { lang:ko-KR; } .ENCC { lang:en-US; } --></STYLE></HEAD><BODY>
<SYNC Start=1000><P Class=KRCC>안녕하세요, 여러분.<br>만나서 반갑습니다.<P Class=ENCC>Hello, everybody.
<SYNC Start=3500><P Class=KRCC>&nbsp;<P Class=ENCC>&nbsp;
</BODY></SAMI>
"""
WHISPER = {"language": "en", "segments": [{"start": 0.5, "end": 2.5, "text": " One < two."}]}


def test_a_fixed_copy_of_another_format_is_srt_in_utf_8(qasr: Qasr, tmp_path: Path) -> None:
    (tmp_path / "film.ko.smi").write_bytes(SAMI.encode("cp949"))
    result = qasr("check", "film.ko.smi", "--fix")
    assert result.returncode == 0, result.stderr
    assert "film.ko.smi (SAMI, Korean): 1 cue" in result.stdout
    (cue,) = srt.parse((tmp_path / "film.ko.fixed.srt").read_text("utf-8"))
    assert cue.content == "안녕하세요, 여러분.\n만나서 반갑습니다."
    assert sorted(path.name for path in tmp_path.iterdir()) == ["film.ko.fixed.srt", "film.ko.smi"]
    assert qasr("check", "film.ko.smi", "--fix").returncode == 73


def test_a_copy_has_the_format_of_the_content_whatever_the_name_says(qasr: Qasr, tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text(SAMI, "utf-8")
    (tmp_path / "b.json").write_text(json.dumps(WHISPER), "utf-8")
    (tmp_path / "c").write_text(SAMI, "utf-8")
    assert qasr("check", "a.srt", "b.json", "c", "--fix").returncode == 0
    written = {path.name for path in tmp_path.iterdir()} - {"a.srt", "b.json", "c"}
    assert written == {"a.fixed.srt", "b.fixed.srt", "c.fixed.srt"}


def test_a_copy_of_another_format_replaces_no_input_and_no_other_copy(qasr: Qasr, tmp_path: Path) -> None:
    (tmp_path / "a.fixed.srt").write_text(
        content := "1\n00:00:01,000 --> 00:00:03,000\nHello there.\n", "utf-8"
    )
    (tmp_path / "a.json").write_text(json.dumps(WHISPER), "utf-8")
    result = qasr("check", "a.json", "a.fixed.srt", "--fix", "--overwrite")
    assert (result.returncode, "its copy would replace a.fixed.srt, an input" in result.stderr) == (3, True)
    assert (tmp_path / "a.fixed.srt").read_text("utf-8") == content
    (tmp_path / "b.json").write_text(json.dumps(WHISPER), "utf-8")
    (tmp_path / "b.smi").write_text(SAMI, "utf-8")
    for files in (("b.smi", "b.json"), ("b.json", "b.smi")):
        result = qasr("check", *files, "--fix", "--overwrite")
        assert (result.returncode, "b.json: its copy would replace b.fixed.srt" in result.stderr) == (3, True)
        assert "안녕하세요" in (tmp_path / "b.fixed.srt").read_text("utf-8")


def test_an_encoding_counts_for_the_reference_unless_it_is_unicode(qasr: Qasr, tmp_path: Path) -> None:
    text = "1\n00:00:01,000 --> 00:00:03,000\nДа.\n"
    (tmp_path / "a.srt").write_bytes(text.encode("koi8-r"))
    for encoding in ("koi8-r", "utf-8", "utf-16"):
        (tmp_path / "b.srt").write_bytes(text.encode(encoding))
        result = qasr("check", "a.srt", "--against", "b.srt", "--encoding", "koi8-r")
        assert (result.returncode, "SubER 0.0 %" in result.stdout) == (0, True), encoding
    (tmp_path / "b.srt").write_bytes(
        "1\n00:00:01,000 --> 00:00:03,000\n안녕하세요, 여러분.\n".encode("cp949")
    )
    result = qasr("check", "a.srt", "--against", "b.srt", "--encoding", "utf-8")
    assert result.returncode == 65
    (tmp_path / "a.srt").write_text("1\n00:00:01,000 --> 00:00:03,000\n안녕하세요, 여러분.\n", "utf-8")
    result = qasr("check", "a.srt", "--against", "b.srt")
    assert "b.srt: read as cp949, which is a guess" in result.stderr


def test_render_converts_and_says_what_it_guessed(qasr: Qasr, tmp_path: Path) -> None:
    (tmp_path / "film.smi").write_bytes(SAMI.encode("cp949"))
    result = qasr("render", "film.smi", "--vtt", "-o", "-")
    assert "film.smi: read as cp949, which is a guess; --encoding names another" in result.stderr
    assert "00:00:01.000 --> 00:00:03.500\n안녕하세요, 여러분.\n만나서" in result.stdout  # no invented times
    english = qasr("render", "film.smi", "--srt", "-o", "-", "--language", "en", "--encoding", "cp949")
    assert (english.stdout.splitlines()[2], english.stderr) == ("Hello, everybody.", "")
    named = qasr("render", "film.smi", "--name", "{stem}.{lang}.{ext}", "-q")
    assert (named.returncode, (tmp_path / "film.ko.srt").is_file()) == (0, True)


def test_render_never_replaces_what_it_reads(qasr: Qasr, tmp_path: Path) -> None:
    text = "1\n00:00:01,000 --> 00:00:03,000\n<i>Hello there.</i>\n"
    (tmp_path / "a.srt").write_text(text, "utf-8")
    result = qasr("render", "a.srt", "--srt", "--overwrite")
    assert (result.returncode, "would replace the input" in result.stderr) == (73, True)
    assert (tmp_path / "a.srt").read_text("utf-8") == text


def test_a_pipe_is_read_as_a_file_is(qasr: Qasr, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(SAMI.encode("utf-16"),))
    writer.start()
    result = qasr("render", "pipe", "--srt", "-o", "-", "-q")
    writer.join()
    assert next(srt.parse(result.stdout)).content == "안녕하세요, 여러분.\n만나서 반갑습니다."


def test_render_lays_out_transcripts_of_others(qasr: Qasr, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(WHISPER), "utf-8")
    result = qasr("render", "a.json", "-f", "srt,vtt,json,txt,tsv", "-o", "out")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "out/a.txt").read_text("utf-8") == "One < two.\n"
    schema = json.loads((ROOT / "docs/reference/schemas/transcript.schema.json").read_text("utf-8"))
    jsonschema.validate(json.loads((tmp_path / "out/a.json").read_text("utf-8")), schema)
    again = qasr("render", "out/a.json", "--txt", "-o", "-")
    assert again.stdout == "One < two.\n"


def test_render_names_the_speakers_of_others_in_every_format(qasr: Qasr, tmp_path: Path) -> None:
    words = [
        {"word": "Go", "start": 0.5, "end": 0.9, "score": 0.9, "speaker": "SPEAKER_1"},
        {"word": "now.", "start": 0.9, "end": 1.5, "score": 0.2, "speaker": "SPEAKER_1"},
        {"word": "Why?", "start": 3.0, "end": 3.9, "speaker": "SPEAKER_0"},
    ]
    whisperx = {"segments": [{"start": 0.5, "end": 4.0, "text": " Go now. Why?", "words": words}]}
    (tmp_path / "a.json").write_text(json.dumps(whisperx), "utf-8")
    looks = ("--speaker-names", "Anna,Ben", "--low-confidence", 0.5)
    result = qasr("render", "a.json", "-f", "all,ass,html,textgrid,rttm,ctm", "-o", "out", *looks)
    assert result.returncode == 0, result.stderr
    out = {path.name: path.read_text("utf-8") for path in (tmp_path / "out").iterdir()}
    assert sorted(out) == sorted(
        f"a.{suffix}"
        for suffix in ("srt", "vtt", "json", "txt", "tsv", "ass", "html", "TextGrid", "rttm", "ctm")
    )
    assert [block.content for block in srt.parse(out["a.srt"])] == ["[Anna] Go now.", "[Ben] Why?"]
    assert "<v Anna>Go <00:00:00.900>now.</v>" in out["a.vtt"]
    assert out["a.txt"] == "Anna: Go now.\nBen: Why?\n"
    assert ",Speaker1,Anna,0,0,0,,[Anna] Go {\\u1}now.{\\u0}\n" in out["a.ass"]
    schema = json.loads((ROOT / "docs/reference/schemas/transcript.schema.json").read_text("utf-8"))
    jsonschema.validate(json.loads(out["a.json"]), schema)
    checked = qasr("check", "out/a.srt", "out/a.vtt", "out/a.ass", "out/a.json", "--language", "en")
    assert checked.returncode == 0, checked.stdout
    assert qasr("check", "out/a.json", "--fix", "-o", "fixed").returncode == 0
    fixed = json.loads((tmp_path / "fixed/a.fixed.json").read_text("utf-8"))
    assert [cue["speakers"] for cue in fixed["cues"]] == [["SPEAKER_1"], ["SPEAKER_0"]]
    refused = qasr("render", "a.json", "--srt", "-o", "-", "--speaker-style", "loud")
    assert (refused.returncode, "auto, name, dash, none" in refused.stderr) == (2, True)


@pytest.mark.parametrize("command", ["check", "render"])
def test_frames_need_a_rate_and_a_misspelt_encoding_is_a_usage_error(
    qasr: Qasr, tmp_path: Path, command: str
) -> None:
    (tmp_path / "a.sub").write_text("{25}{75}Hello there.\n", "utf-8")
    refused = qasr(command, "a.sub")
    assert (refused.returncode, "--fps" in refused.stderr) == (65, True)
    assert qasr(command, "a.sub", "--fps", 25).returncode == 0
    wrong = qasr(command, "a.sub", "--encoding", "latn1")
    assert (wrong.returncode, "did you mean latin1" in wrong.stderr) == (2, True)


def test_lost_characters_are_counted_and_never_written(qasr: Qasr, tmp_path: Path) -> None:
    text = srt.compose(
        [
            srt.Subtitle(
                1, srt.timedelta(seconds=1), srt.timedelta(seconds=5), "뭐라고 했어? 잠깐만 기다려 주세요."
            )
        ]
    )
    (tmp_path / "a.srt").write_bytes(text.encode("cp949").replace("잠".encode("cp949"), b"\xff"))
    checked = qasr("check", "a.srt")
    assert (checked.returncode, "1 character is not CP949" in checked.stdout) == (4, True)
    assert qasr("check", "a.srt", "--fix").returncode == 65
    assert qasr("render", "a.srt", "--vtt").returncode == 65
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.srt"]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Nie wiem, co się stało. Myślę, że to był błąd.", "cp1250"),
        ("Ne olduğunu bilmiyorum. Bu bir hataydı ve çok geç.", "cp1254"),
    ],
)
def test_a_guess_that_fits_the_letters_of_the_language_is_fixed(
    qasr: Qasr, tmp_path: Path, text: str, encoding: str
) -> None:
    content = srt.compose([srt.Subtitle(1, srt.timedelta(seconds=1), srt.timedelta(seconds=6), text)])
    (tmp_path / "a.srt").write_bytes(content.encode(encoding))
    result = qasr("check", "a.srt", "--fix")
    assert f"read as {encoding}, which is a guess" in result.stdout
    assert text.rsplit(maxsplit=1)[-1] in (tmp_path / "a.fixed.srt").read_text("utf-8")
