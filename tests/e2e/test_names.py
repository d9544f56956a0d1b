"""Names, replacing and keeping of results, through a real process."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.e2e.conftest import CLIP, ECHO, Qasr, copy_old
from tests.media_factory import ffmpeg
from tests.permissions import obey_permissions

BY_LANGUAGE = "{stem}.{lang}{tag}.{ext}"


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """Return a folder with a film whose name holds braces."""
    (tmp_path / "films").mkdir()
    copy_old(CLIP, tmp_path / "films" / "a {lang}.wav")
    return tmp_path / "films"


def subtitles(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.suffix not in {".wav", ""})


def test_a_name_that_tells_the_language_is_found_again(qasr: Qasr, films: Path) -> None:
    run = ("transcribe", "films", "--name", BY_LANGUAGE, "--tag", "ai", "--srt", "--vtt")
    preview = qasr(*run, "--dry-run")
    assert "-> films/a {lang}.{lang}.ai.srt, films/a {lang}.{lang}.ai.vtt" in preview.stdout
    assert qasr(*run, "--engine", ECHO).returncode == 0
    assert subtitles(films) == ["a {lang}.en.ai.srt", "a {lang}.en.ai.vtt"]
    again = qasr(*run, "--engine", "no.such:thing")
    assert (again.returncode, "1 skipped" in again.stderr) == (0, True), again.stderr
    named = qasr("transcribe", "films/a {lang}.wav", "--name", BY_LANGUAGE, "--tag", "ai", "--engine", ECHO)
    assert named.returncode == 73
    assert "a {lang}.en.ai.srt already exists" in named.stderr


def test_what_is_made_anew_takes_its_old_file_away(qasr: Qasr, films: Path) -> None:
    run = ("transcribe", "films", "--name", BY_LANGUAGE, "--engine", ECHO)
    assert qasr(*run).returncode == 0
    assert subtitles(films) == ["a {lang}.en.srt"]
    ffmpeg("-f", "lavfi", "-i", "anullsrc=r=16000:cl=mono", "-t", 2, films / "a {lang}.wav")
    again = qasr(*run)
    assert (again.returncode, "1 done" in again.stderr) == (0, True), again.stderr
    assert subtitles(films) == ["a {lang}.und.srt"]  # nobody says a word any more


def test_replacing_its_own_keeps_them_too(qasr: Qasr, films: Path) -> None:
    run = ("transcribe", "films", "--engine", ECHO)
    assert qasr(*run).returncode == 0
    before = (films / "a {lang}.srt").read_bytes()
    again = qasr(*run, "--max-words", 2, "--backup")
    assert (again.returncode, "1 done" in again.stderr) == (0, True), again.stderr
    assert (films / "a {lang}.srt.bak").read_bytes() == before
    assert (films / "a {lang}.srt").read_bytes() != before


def test_mistakes_are_a_line_and_2(qasr: Qasr, films: Path) -> None:
    for arguments, why in (
        (["--name", "{stem}.{foo}"], "unknown field {foo}; known: {stem} {lang}"),
        (["--name", "{stem}.sub", "-f", "all"], "gives two formats one name"),
        (["--name", "x/{stem}.{ext}"], "holds a slash"),
        (["--name", ""], "is an empty name"),
    ):
        result = qasr("transcribe", "films", *arguments, "--engine", ECHO)
        assert (result.returncode, len(result.stderr.splitlines())) == (2, 1), result.stderr
        assert why in result.stderr


def test_render_names_after_what_the_transcript_says(qasr: Qasr, films: Path) -> None:
    (films / "talk.mp4").write_bytes(CLIP.read_bytes())
    assert qasr("transcribe", "films/talk.mp4", "--json", "--engine", ECHO).returncode == 0
    told = json.loads((films / "talk.json").read_text())
    for arguments, stdin in ((["films/talk.json"], None), (["-", "-o", "out"], json.dumps(told).encode())):
        result = qasr("render", *arguments, "--name", BY_LANGUAGE, stdin=stdin)
        assert result.returncode == 0, result.stderr
    assert (films / "talk.en.srt").exists()
    assert (films.parent / "out" / "-.en.srt").exists()
    (films / "talk.en.srt").rename(films / "talk.ko.srt")
    assert qasr("render", "films/talk.json", "--name", BY_LANGUAGE).returncode == 0
    assert qasr("render", "films/talk.json", "--name", BY_LANGUAGE).returncode == 73


def test_a_backup_never_loses_an_older_one(qasr: Qasr, films: Path) -> None:
    old = films / "a {lang}.srt"
    for text in ("first", "second"):
        old.write_text(text)
        result = qasr("transcribe", "films", "--backup", "--engine", ECHO)
        assert (result.returncode, "1 done" in result.stderr) == (0, True), result.stderr
    assert subtitles(films) == ["a {lang}.srt", "a {lang}.srt.bak", "a {lang}.srt.bak1"]
    assert [(films / f"a {{lang}}.srt.bak{n}").read_text() for n in ("", "1")] == ["first", "second"]
    assert "-->" in old.read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_makes_belongs_to_the_folder_s_owner(qasr: Qasr, films: Path, tmp_path: Path) -> None:
    os.chown(films, 1234, 2345)
    out = tmp_path / "out"
    out.mkdir(mode=0o770)
    out.chmod(0o770)
    os.chown(out, 1235, 2346)
    assert qasr("transcribe", "films", "--engine", ECHO).returncode == 0
    (films / "deep" / "er").mkdir(parents=True)
    copy_old(CLIP, films / "deep" / "er" / "b.wav")
    assert qasr("transcribe", "films", "-r", "-o", "out/new", "--engine", ECHO).returncode == 0
    for path, owner in (
        *((path, (1234, 2345)) for path in (films / "a {lang}.srt", films / ".qasr", films / ".qasr/lock")),
        (films / ".qasr" / "ledger.jsonl", (1234, 2345)),
        *((path, (1235, 2346)) for path in (out / "new", *(out / "new").rglob("*"))),
    ):
        status = path.stat()
        assert (status.st_uid, status.st_gid) == owner, path
        if path.is_dir() and path.name in {"new", "deep", "er"}:
            assert status.st_mode & 0o777 == 0o770


def test_a_folder_that_cannot_be_written_is_known_at_once(qasr: Qasr, films: Path) -> None:
    films.chmod(0o500)
    try:
        done = qasr("transcribe", "films", "--engine", "no.such:thing", prepare=obey_permissions)
    finally:
        films.chmod(0o700)
    assert done.returncode == 73, done.stderr
    assert "folder films is not writable; check the folder and its permissions" in done.stderr


def test_where_nothing_can_be_written_nothing_is_heard(qasr: Qasr, films: Path) -> None:
    (films.parent / "file").touch()
    result = qasr("transcribe", "films", "-o", "file/sub", "--engine", "no.such:thing")
    assert result.returncode == 73
    assert "file is not a folder; check" in result.stderr
