"""Paths that lead nowhere: rings of links, folders that may not be searched, files in place of folders.

Python's own questions about a path raise for these, in the middle of the work.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e.conftest import CLIP, ECHO, ROOT, Qasr, copy_old
from tests.permissions import obey_permissions

SRT = "1\n00:00:01,000 --> 00:00:03,000\nHello there\n"
RUN = ("transcribe", "clip.wav", "--engine", ECHO)
# Arguments, of which {} is the path, and the exit code.
COMMANDS = (
    ((*RUN, "-o", "{}/x"), 73),
    ((*RUN, "-o", "{}/x", "--dry-run"), 0),
    ((*RUN, "--report", "{}/x.json"), 73),
    (("transcribe", "clip.wav", "--model", "{}/x"), 69),
    (("render", "talk.srt", "--vtt", "-o", "{}/x"), 73),
    (("check", "talk.srt", "--fix", "-o", "{}/x"), 73),
    (("runs", "show", "{}"), 66),
    (("config", "trust", "{}"), 66),
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Path:
    copy_old(CLIP, tmp_path / "clip.wav")
    (tmp_path / "talk.srt").write_text(SRT)
    (tmp_path / "ring").symlink_to("ring")
    (tmp_path / "dangling").symlink_to("nothing")
    (tmp_path / "file").touch()
    (tmp_path / "closed").mkdir(mode=0)
    return tmp_path


@pytest.mark.parametrize("place", ["ring", "dangling", "file"])
def test_a_folder_that_is_none(qasr: Qasr, place: str) -> None:
    for arguments, code in COMMANDS:
        result = qasr(*(argument.format(place) for argument in arguments))
        assert result.returncode == code, (arguments, result.stderr)
        assert "already exists" not in result.stderr
        assert "unexpected" not in result.stderr


@pytest.mark.slow
def test_a_folder_that_may_not_be_searched(qasr: Qasr, folder: Path) -> None:
    try:
        for arguments, code in COMMANDS:
            named = (argument.format("closed") for argument in arguments)
            result = qasr(*named, prepare=obey_permissions)
            assert result.returncode == code, (arguments, result.stderr)
            assert "unexpected" not in result.stderr
    finally:
        (folder / "closed").chmod(0o700)


@pytest.mark.parametrize(
    ("name", "code", "reason"),
    [
        ("ring", 66, "symbolic links"),
        ("file/talk.srt", 66, "no such file"),
        ("x" * 300, 66, "too long"),
        ("nothing.srt", 66, "no such file"),
    ],
)
def test_a_text_that_cannot_be_opened(qasr: Qasr, name: str, code: int, reason: str) -> None:
    for arguments in (("check", name), ("render", name, "--vtt"), ("check", "talk.srt", "--against", name)):
        result = qasr(*arguments)
        assert result.returncode == code, result.stderr
        assert reason in result.stderr


def test_a_text_that_may_not_be_read(qasr: Qasr, folder: Path) -> None:
    (folder / "talk.srt").chmod(0)
    result = qasr("check", "talk.srt", prepare=obey_permissions)
    assert (result.returncode, "check its permissions" in result.stderr) == (74, True), result.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("transcribe", "--files-from", "/dev/zero", "-n"), 2),
        (("transcribe", "clip.wav", "--context", "@/dev/zero", "-n"), 65),
        (("check", "/dev/zero"), 65),
    ],
)
def test_what_has_no_end_is_not_read_for_ever(qasr: Qasr, arguments: tuple[str, ...], code: int) -> None:
    result = qasr(*arguments)
    assert (result.returncode, "larger than" in result.stderr) == (code, True), result.stderr


def test_no_question_about_a_path_can_raise() -> None:
    """`Path.resolve` raises for a loop of links, and the others without permission: see `os.path`'s."""
    # Those of an os.DirEntry are another matter.
    question = re.compile(r"(?<!entry)\.(resolve|exists|is_dir|is_file|is_symlink)\(\)")
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sorted((ROOT / "qasr_cli").rglob("*.py"))
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if question.search(line)
    ]
    assert found == []
