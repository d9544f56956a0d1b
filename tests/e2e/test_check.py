"""`qasr check` through a real process: every kind of file, broken in every way; nothing is overwritten."""

from __future__ import annotations

import codecs
import contextlib
import csv
import hashlib
import io
import json
import os
import pty
import re
import shutil
from pathlib import Path

import pytest

from tests.e2e.conftest import ECHO, ROOT, Qasr, StartQasr

GOLDEN = ROOT / "tests" / "golden"
GOOD = (
    "1\n00:00:01,000 --> 00:00:03,000\nThis is a good line.\n\n"
    "2\n00:00:03,083 --> 00:00:05,000\nAnd one more.\n"
)
KOREAN = GOOD.replace("This is a good line.", "안녕하세요.\n오늘은 날씨가 좋습니다.").replace(
    "And one more.", "네."
)
BAD = """\
1
00:00:01,000 --> 00:00:04,000
<i>Well, this is a perfectly good cue with two lines.</i>

2
00:00:03,500 --> 00:00:05,500
- Who is there?
- It is me.

4
00:00:02,000 --> 00:00:02,900
Back in time

5
00:00:20,000 --> 00:00:19,000
Backwards.
"""
ASS = "[Script Info]\nScriptType: v4.00+\n\n[Events]\n" + (
    "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
    "Dialogue: 0,0:00:01.00,0:00:04.00,Default,,0,0,0,,{\\i1}Still here{\\i0}\n"
    "Dialogue: 0,0:00:03.00,0:00:05.00,Default,,0,0,0,,And one more.\n"
)


VTT = "WEBVTT\n\n00:00:01.000 --> 00:00:03.000\nThis is a good line.\n"
WHISPER = '{"segments": [{"start": 0, "end": 2.5, "text": "Hello there."}]}'


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def put(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


BAD_INPUT = [
    # name, file, content, code, what stdout or stderr says
    ("good", "a.srt", GOOD, 0, "0 errors, 0 warnings"),
    ("a mark of byte order", "a.srt", codecs.BOM_UTF8 + GOOD.encode(), 0, "0 errors, 0 warnings"),
    ("line ends of Windows", "a.srt", GOOD.replace("\n", "\r\n"), 0, "0 errors, 0 warnings"),
    ("UTF-16", "a.srt", KOREAN.encode("utf-16"), 0, "warning encoding: is in utf-16-le"),
    ("CP949", "a.srt", KOREAN.encode("cp949"), 0, "read as cp949, which is a guess"),
    ("CP1252", "a.srt", GOOD.replace("line", "café").encode("cp1252"), 0, "read as cp1252"),
    ("two encodings", "a.srt", KOREAN.encode() * 2 + b"\n9\n00:01:00,000 --> 00:01:01,000\nCaf\xe9\n", 4,
        "error malformed: 1 character is not UTF-8"),
    ("CP1251", "a.srt", GOOD.replace("good", "Здравствуйте").replace(
        "line", "друзья").replace("This is a", "как дела").encode("cp1251"), 0, "read as cp1251"),
    ("an encoding that nobody can tell", "a.srt", "1\n00:00:01,000 --> 00:00:02,000\nДа\n".encode("cp1251"),
        65, "--encoding"),
    ("malformed", "a.srt", GOOD + "\n3\n00:00:xx --> 00:00:09,000\nlost\n", 4,
        "a.srt:9: error malformed: no time"),
    ("nothing but junk", "a.srt", "junk\n\njunk\n", 65, "no subtitles in it"),
    ("a film", "a.srt", bytes(range(256)) * 99, 65, "not a text file"),
    ("empty", "a.srt", b"", 65, "the file is empty"),
    ("white space", "a.srt", "\n \n", 65, "the file is empty"),
    ("WebVTT without cues", "a.vtt", "WEBVTT\n", 65, "no subtitles in it"),
    ("overlapping", "a.srt", GOOD.replace("00:00:03,000", "00:00:04,000"), 4, "error overlap"),
    ("unsorted", "a.srt", "\n\n".join(GOOD.rstrip().split("\n\n")[::-1]) + "\n", 4, "error order"),
    ("numbers", "a.srt", GOOD.replace("2\n00:00:03", "7\n00:00:03"), 0, "numbering: cue 2 of the file"),
    ("negative", "a.srt", GOOD.replace("00:00:01,000", "-00:00:01,000"), 4, "1 s before the media"),
    ("backwards", "a.srt", GOOD.replace("00:00:01,000", "00:00:03,500"), 4, "0.5 s before it starts"),
    ("100 MB", "a.srt", b"1\n" * 50_000_000, 65, "larger than 10 MB"),
    ("control characters", "a.srt", GOOD.replace("good", "\x1b[31mred"), 4, "U+001B"),
    ("ASS that overlaps", "a.ass", ASS, 4, "error overlap"),
    ("JSON of nobody", "a.json", '{"a": 1}', 65, "no schema"),
    ("broken JSON", "a.json", '{"segments": [', 65, "no valid JSON"),
    ("whisper's JSON", "a.json", WHISPER, 0, "1 cue"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "code", "says"), [case[1:] for case in BAD_INPUT], ids=[case[0] for case in BAD_INPUT]
)
def test_bad_input(qasr: Qasr, tmp_path: Path, name: str, content: str | bytes, code: int, says: str) -> None:
    put(tmp_path, name, content)
    before = hashes(tmp_path)
    result = qasr("check", name)
    assert result.returncode == code, result.stderr
    assert says in result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    assert "\x1b" not in result.stdout + result.stderr
    if code == 65:
        assert (result.stdout, len(result.stderr.splitlines())) == ("", 1)
        assert name in result.stderr
    assert hashes(tmp_path) == before


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["gone.srt"], 66, "gone.srt: no such file"),
        (["."], 65, "a folder"),
        (["a.srt", "--profile", "netfix"], 2, "did you mean netflix"),
        (["a.srt", "--min-duration", "9"], 2, "give --min-duration and --max-duration that agree"),
        (["a.srt", "--encoding", "cp0815"], 2, "no such encoding"),
        (["a.srt", "--language", "Klingon"], 2, "no language"),
        (["a.srt", "--csv", "--json"], 2, "give one of them"),
        (["a.srt", "b.srt", "--csv"], 2, "--csv takes one file"),
        (["a.srt", "--against", "gone.srt"], 66, "gone.srt: no such file"),
        (["-", "--fix"], 2, "give -o DIR"),
        (["a.srt", "bad.srt"], 3, "bad.srt: the file is empty"),
    ],
)
def test_wrong_calls(qasr: Qasr, tmp_path: Path, arguments: list[str], code: int, says: str) -> None:
    for name, content in (("a.srt", GOOD), ("b.srt", GOOD), ("bad.srt", "")):
        put(tmp_path, name, content)
    result = qasr("check", *arguments)
    assert result.returncode == code, result.stderr
    assert says in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_each_finding_is_a_line_that_editors_know(qasr: Qasr, tmp_path: Path) -> None:
    put(tmp_path, "bad.srt", BAD)
    result = qasr("check", "bad.srt")
    assert result.returncode == 4
    lines = result.stdout.splitlines()
    assert lines[0].startswith("bad.srt:10: warning numbering: ")
    assert any(line.startswith("bad.srt:1: 00:00:01.000 error overlap: ") for line in lines)
    assert any(line.startswith("bad.srt (SRT, English): 4 cues, ") for line in lines)
    assert qasr("check", "bad.srt", "-q").stdout == ""


def test_csv_is_subtitle_edits(qasr: Qasr, tmp_path: Path) -> None:
    put(tmp_path, "bad.srt", BAD)
    result = qasr("check", "bad.srt", "--csv", "--fps", "25")
    assert result.returncode == 4
    rows = list(csv.reader(io.StringIO(result.stdout)))
    assert rows[0] == ["LineNumber", "TimeCode", "Context", "Comment"]
    assert ["2", "00:00:03:13"] in [row[:2] for row in rows] or ["1", "00:00:01:00"] in [
        row[:2] for row in rows
    ]
    assert all(len(row) == 4 for row in rows)
    assert len(qasr("check", put(tmp_path, "good.srt", GOOD), "--csv").stdout.splitlines()) == 1


def test_json_is_one_object(qasr: Qasr, tmp_path: Path) -> None:
    put(tmp_path, "bad.srt", BAD)
    put(tmp_path, "good.srt", GOOD)
    result = qasr("check", "bad.srt", "good.srt", "--json")
    assert result.returncode == 4
    whole = json.loads(result.stdout)
    assert whole["schema"] == "qasr.check.v1"
    bad, good = whole["files"]
    assert (good["findings"], good["figures"]["score"]) == ([], 100.0)
    overlap = next(one for one in bad["findings"] if one["rule"] == "overlap")
    assert {"cue": 1, "line": 1, "time_ms": 1_000, "severity": "error"}.items() <= overlap.items()
    assert bad["figures"]["n_errors"] == sum(one["severity"] == "error" for one in bad["findings"])


@pytest.mark.parametrize("columns", [60, 140])
def test_on_a_terminal_there_is_a_table_that_fits(
    start_qasr: StartQasr, tmp_path: Path, columns: int
) -> None:
    put(tmp_path, "bad.srt", BAD.replace("Backwards", "Back\x1b]0;title\x07wards"))
    leader, follower = pty.openpty()
    process = start_qasr(
        *("check", "bad.srt"),
        stdin=follower, stdout=follower, stderr=follower,
        env={"TERM": "xterm-256color", "COLUMNS": str(columns)},
    )  # fmt: skip
    os.close(follower)
    written = b""
    with contextlib.suppress(OSError):  # how a terminal says that nobody is left on the other side
        while block := os.read(leader, 65536):
            written += block
    os.close(leader)
    assert process.wait(timeout=60) == 4
    text = written.decode()
    assert "finding" in text
    assert "how to fix" in text
    assert "\x1b]0" not in text
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    assert max(map(len, plain.splitlines())) <= columns


class TestFix:
    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("bad.srt", BAD),
            ("bad.vtt", "WEBVTT\n\nNOTE x\n\n" + BAD.replace(",", ".")),
            ("bad.ass", ASS),
        ],
    )
    def test_a_copy_is_repaired_and_the_file_is_left_alone(
        self, qasr: Qasr, tmp_path: Path, name: str, content: str
    ) -> None:
        path = put(tmp_path, name, content)
        before = hashes(tmp_path)
        result = qasr("check", name, "--fix", "--max-cps", "100")
        copy = path.with_name(f"bad.fixed{path.suffix}")
        assert result.returncode == 0, result.stdout + result.stderr
        assert "fixed: " in result.stdout
        assert hashes(tmp_path).items() > before.items()
        assert sorted(re.findall(r"[A-Za-z]{2,}", copy.read_text())) == sorted(
            re.findall(r"[A-Za-z]{2,}", content)
        )
        assert qasr("check", copy, "--max-cps", "100").returncode == 0
        again = qasr("check", copy.name, "--fix", "--max-cps", "100")
        assert again.returncode == 0
        assert copy.with_name(f"bad.fixed.fixed{path.suffix}").read_bytes() == copy.read_bytes()

    def test_styling_stays_around_new_breaks(self, qasr: Qasr, tmp_path: Path) -> None:
        put(tmp_path, "bad.srt", BAD)
        qasr("check", "bad.srt", "--fix")
        text = (tmp_path / "bad.fixed.srt").read_text()
        assert "<i>Well, this is a perfectly\ngood cue with two lines.</i>" in text

    def test_nothing_is_replaced_unasked(self, qasr: Qasr, tmp_path: Path) -> None:
        put(tmp_path, "bad.srt", BAD)
        put(tmp_path, "bad.fixed.srt", "mine")
        before = hashes(tmp_path)
        result = qasr("check", "bad.srt", "--fix")
        assert (result.returncode, result.stdout) == (73, "")
        assert "bad.fixed.srt already exists" in result.stderr
        assert hashes(tmp_path) == before
        qasr("check", "bad.srt", "--fix", "--overwrite")
        assert "-->" in (tmp_path / "bad.fixed.srt").read_text()

    def test_into_a_folder_and_never_onto_each_other(self, qasr: Qasr, tmp_path: Path) -> None:
        for folder in ("one", "two"):
            (tmp_path / folder).mkdir()
            put(tmp_path / folder, "a.srt", BAD)
        assert qasr("check", "one/a.srt", "--fix", "-o", "out/deep").returncode in {0, 4}
        assert (tmp_path / "out/deep/a.fixed.srt").exists()
        clash = qasr("check", "one/a.srt", "two/a.srt", "--fix", "-o", "other")
        assert clash.returncode == 73
        assert not (tmp_path / "other").exists()

    def test_what_would_lose_words_is_not_fixed(self, qasr: Qasr, tmp_path: Path) -> None:
        put(tmp_path, "a.srt", GOOD + "\n3\n00:00:xx --> 00:00:09,000\nlost\n")
        result = qasr("check", "a.srt", "--fix")
        assert result.returncode == 65
        assert "not fixed: line 9" in result.stderr
        assert sorted(hashes(tmp_path)) == ["a.srt"]

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            (GOOD.replace("03,000", "03,000 Hello there"), "line 2: text on the time line: 'Hello there'"),
            (GOOD.replace("\n\n2", "\n1945"), "line 4: '1945' may be the cue's number or spoken"),
            ("1\n00:00:01,000 --> 00:00:03,000\n<b></b>\n", "no caption would be left"),
        ],
    )
    def test_no_text_is_lost_unseen(self, qasr: Qasr, tmp_path: Path, text: str, says: str) -> None:
        put(tmp_path, "a.srt", text)
        result = qasr("check", "a.srt", "--fix")
        assert result.returncode == 65
        assert f"not fixed: {says}" in result.stderr
        assert sorted(hashes(tmp_path)) == ["a.srt"]

    def test_a_guess_that_may_be_wrong_is_not_written_as_utf_8(self, qasr: Qasr, tmp_path: Path) -> None:
        text, encoding = "Xyzzy, café!", "cp1252"
        content = GOOD.replace("This is a good line.", text).replace("And one more.", "")
        put(tmp_path, "a.srt", content.encode(encoding))
        result = qasr("check", "a.srt", "--fix", "-q")
        assert result.returncode == 65
        assert "not fixed: read as cp1252, which is a guess" in result.stderr
        assert f"{encoding} (" in result.stderr
        assert sorted(hashes(tmp_path)) == ["a.srt"]
        qasr("check", "a.srt", "--fix", "--encoding", encoding)
        assert text.rsplit(maxsplit=1)[-1] in (tmp_path / "a.fixed.srt").read_text("utf-8")

    def test_a_guess_that_fits_the_language_is_fixed(self, qasr: Qasr, tmp_path: Path) -> None:
        put(tmp_path, "a.srt", GOOD.replace("line", "café").encode("cp1252"))
        assert qasr("check", "a.srt", "--fix").returncode == 0
        assert "café" in (tmp_path / "a.fixed.srt").read_text("utf-8")

    def test_our_json_is_fixed_as_such_and_whispers_as_srt(self, qasr: Qasr, tmp_path: Path) -> None:
        shutil.copy(GOLDEN / "english-talk.json", tmp_path / "talk.json")
        assert qasr("check", "talk.json", "--fix").returncode == 0
        fixed = json.loads((tmp_path / "talk.fixed.json").read_text())
        assert fixed["segments"] == json.loads((tmp_path / "talk.json").read_text())["segments"]
        put(tmp_path, "w.json", WHISPER)
        result = qasr("check", "w.json", "--fix")
        assert (result.returncode, "-> w.fixed.srt" in result.stdout) == (0, True)
        assert "Hello there." in (tmp_path / "w.fixed.srt").read_text("utf-8")

    @pytest.mark.parametrize(
        ("name", "content"), [("stdin.fixed.srt", GOOD), ("stdin.fixed.vtt", VTT), ("stdin.fixed.ass", ASS)]
    )
    def test_stdin_into_a_folder(self, qasr: Qasr, tmp_path: Path, name: str, content: str) -> None:
        result = qasr("check", "-", "--fix", "-o", ".", stdin=content.encode())
        assert result.returncode == 0, result.stderr
        assert list(hashes(tmp_path)) == [name]
        assert qasr("check", name).returncode == 0

    def test_an_input_is_never_replaced_whatever_it_is_called(self, qasr: Qasr, tmp_path: Path) -> None:
        put(tmp_path, "a.srt", BAD)
        other = put(tmp_path, "a.fixed.srt", GOOD)
        result = qasr("check", "a.srt", other, "--fix", "--overwrite")
        assert result.returncode == 73
        assert "would replace the input" in result.stderr
        assert other.read_text() == GOOD

    def test_a_late_time_can_be_read_again(self, qasr: Qasr, tmp_path: Path) -> None:
        put(tmp_path, "a.srt", "1\n9999:59:59,999 --> 9999:59:59,999\nHello there.\n")
        assert qasr("check", "a.srt", "--fix").returncode == 0
        assert qasr("check", "a.fixed.srt").returncode == 0


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("Lost.in.Space.srt", "en"),
        ("film.de.srt", "de"),
        ("film.de.forced.srt", "de"),
        ("film.fr.hi.fixed.srt", "fr"),
        ("film.ko.srt", "en"),
        ("film.pob.srt", "pt"),
        ("film.se.srt", "sv"),
        ("Kill.Me.srt", "en"),
    ],
)
def test_a_name_may_say_the_language(qasr: Qasr, tmp_path: Path, name: str, language: str) -> None:
    put(tmp_path, name, GOOD)
    (found,) = json.loads(qasr("check", name, "--json").stdout)["files"]
    assert found["language"] == language


def test_against_a_reference(qasr: Qasr, tmp_path: Path) -> None:
    shutil.copy(GOLDEN / "english-talk.srt", tmp_path / "ours.srt")
    same = qasr("check", "ours.srt", "--against", GOLDEN / "english-talk.vtt")
    assert same.returncode == 0
    assert "SubER 0.0 %; same breaks (F1): cues 100.0%" in same.stdout
    assert "median +0 ms" in same.stdout
    found = json.loads(qasr("check", "ours.srt", "--against", GOLDEN / "english-fast.srt", "--json").stdout)
    assert found["files"][0]["against"]["edit_rate"] > 50


def test_our_own_subtitles_break_no_hard_rule_unless_the_speech_does(qasr: Qasr) -> None:
    names = sorted(path.name for path in GOLDEN.glob("*.srt") if "." not in path.stem)
    assert len(names) >= 13
    result = qasr("check", *(GOLDEN / name for name in names), "--json")
    assert result.returncode == 3
    assert "silence.srt: the file is empty" in result.stderr
    found = {Path(one["file"]).name: one["figures"]["n_errors"] for one in json.loads(result.stdout)["files"]}
    too_fast = {"collapsed.srt", "english-fast.srt", "japanese.srt"}
    with_names = {"dialogue.srt", "dialogue-japanese.srt"}  # names take reading time, too
    assert {name for name, n in found.items() if n} == too_fast | with_names


class TestTranscribe:
    def test_a_run_ends_with_a_line_on_quality(self, qasr: Qasr, clip: Path) -> None:
        result = qasr("transcribe", clip, "--engine", ECHO)
        assert result.returncode == 0
        assert result.stderr.splitlines()[-1] == "quality: 1 cue, 100.0% within 20 cps, 0 errors"
        assert "quality" not in qasr("transcribe", clip, "--engine", ECHO, "--txt").stderr

    def test_errors_are_counted_and_strict_refuses_them(self, qasr: Qasr, clip: Path) -> None:
        loose = qasr("transcribe", clip, "--engine", ECHO, "--max-cps", "3")
        assert loose.returncode == 0
        assert loose.stderr.splitlines()[-1].endswith(
            f"within 3 cps, 1 error (qasr check {clip.with_suffix('.srt')})"
        )
        strict = qasr("transcribe", clip, "--engine", ECHO, "--max-cps", "3", "--strict", "--overwrite", "-q")
        assert strict.returncode == 4
        assert "1 hard rule broken: cps at 00:00:00.016" in strict.stderr
        assert "clip.srt with the same --profile" in strict.stderr
        assert clip.with_suffix(".srt").exists()
