"""Hostile names and texts on a terminal: no command that prints one sends what the terminal would obey."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import CLIP, ECHO, Qasr, StartQasr, copy_old

Shown = Callable[..., bytes]
# Colour, cursor, title, link, clipboard; C1; direction; separators; markup of rich.
EVIL = (
    "\x1b[35mE\x1b[2J\x1b[9A\x1b]0;t\x07\x1b]8;;http:x\x1b\\\x9b2J\x85\x9d0;t\x9c\x7f\u202egpj\u2066\u200f"
    "\u2028\ufeff[red][link=x]["
)
NAME = f"{EVIL}\n\r\x08"
# What qasr's tables and progress bars write themselves.
OWN = re.compile(r"\x1b\[(?:[0-9;]*[Km]|1A|\?25[hl])")


@pytest.fixture
def shown(start_qasr: StartQasr) -> Shown:
    """Run `qasr ARGUMENTS` on a terminal; return what arrives there, as its bytes."""

    def call(*arguments: object, folder: Path | None = None, code: int | None = 0, **env: str) -> bytes:
        master, slave = pty.openpty()
        parts: list[bytes] = []

        def drain() -> None:
            with contextlib.suppress(OSError):  # EIO: all writers have closed it
                while part := os.read(master, 65_536):
                    parts.append(part)

        reader = threading.Thread(target=drain)
        reader.start()
        full = {"TERM": "xterm-256color", "COLUMNS": "140", "LC_ALL": "C.UTF-8", **env}
        process = start_qasr(*arguments, folder=folder, env=full, stdout=slave, stderr=slave)
        os.close(slave)
        returned = process.wait(120)
        reader.join(20)
        os.close(master)
        output = b"".join(parts)
        assert code is None or returned == code, output
        return output

    return call


def assert_tame(output: bytes) -> None:
    text = output.decode("utf-8")  # bytes that are not UTF-8 would be C1 to some terminals
    assert "\x1b[35m" not in text
    assert "\x1b[2J" not in text
    rest = OWN.sub("", text)
    bad = re.findall(
        "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]", rest
    )
    assert bad == [], rest
    assert "E" in text  # it has been printed


@pytest.fixture
def media(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return copy_old(CLIP, tmp_path / "in" / f"{NAME}.wav")


@pytest.mark.parametrize(
    "style",
    ["bar", pytest.param("plain", marks=pytest.mark.slow), pytest.param("json", marks=pytest.mark.slow)],
)
def test_a_run_over_a_hostile_name(shown: Shown, media: Path, style: str) -> None:
    flags = ("--engine", ECHO, "--progress", style, "-v")
    assert_tame(shown("transcribe", media, "--dry-run"))
    assert_tame(shown("transcribe", media.parent, *flags))
    assert_tame(shown("transcribe", media.parent, *flags))  # skipped
    assert_tame(shown("transcribe", media, *flags, code=73))
    assert_tame(shown("runs", "show", media.parent))
    assert_tame(shown("runs", "show", media.parent, "--json"))
    media.write_bytes(b"no media")
    assert_tame(shown("transcribe", media, "-y", *flags, "-vv", code=65))


def test_hostile_words_of_a_model_and_of_files(shown: Shown, qasr: Qasr, clip: Path, tmp_path: Path) -> None:
    assert qasr("transcribe", clip, "--engine", ECHO, "--json").returncode == 0
    transcript = json.loads(clip.with_suffix(".json").read_text("utf-8"))
    for segment in transcript["segments"]:
        for word in segment["words"]:
            word["text"] = f"E{EVIL}"
        segment["text"] = "".join(word.get("lead", "") + word["text"] for word in segment["words"])
    evil = tmp_path / f"{NAME}.json"
    evil.write_text(json.dumps(transcript), "utf-8")
    for form in ("srt", "vtt", "txt", "tsv", "json"):
        assert_tame(shown("render", evil, f"--{form}", "-o", "-", code=None))
    piped = qasr("render", evil, "--json", "-o", "-")
    assert "\u202e" in piped.stdout  # a pipe gets what the words are
    evil.write_text("{", "utf-8")
    assert_tame(shown("render", evil, "--srt", "-o", "-", code=65))
    captions = tmp_path / f"{NAME}.srt"
    captions.write_text(f"1\n00:00:01,000 --> 00:00:01,100\nE{EVIL} E{EVIL * 3}\n", "utf-8")
    for flags in ([], ["--csv"], ["--json"], ["--fix", "-y"]):
        assert_tame(shown("check", captions, *flags, code=None))
    assert_tame(shown("align", clip, captions, "--engine", ECHO, "-o", "-", code=None))


def test_hostile_folders_settings_and_arguments(shown: Shown, qasr: Qasr, tmp_path: Path) -> None:
    folder = tmp_path / f"E{EVIL}"
    folder.mkdir()
    value = json.dumps(f"E{EVIL}")
    (folder / "qasr.toml").write_text(f"context = {value}\nlog-file = {value}\n".replace("\x7f", "\\u007f"))
    for arguments in (
        ("config", "show"),
        ("config", "show", "--json"),
        ("config", "path"),
        ("config", "trust"),
    ):
        assert_tame(shown(*arguments, folder=folder, HOME=str(tmp_path)))
    assert_tame(shown("config", "trust", "--list", HOME=str(tmp_path)))
    assert_tame(shown("doctor", folder=folder, code=None, HOME=str(tmp_path)))
    (folder / "qasr.toml").write_text(f"{value} = 1\n".replace("\x7f", "\\u007f"))
    assert_tame(shown("transcribe", "E.wav", folder=folder, code=78))
    assert_tame(shown(f"E{EVIL}", code=2))
    assert_tame(shown("transcribe", f"--{EVIL}E", code=2))
    shutil.rmtree(folder)


def test_a_path_that_is_not_utf8_goes_through_a_pipe_as_its_bytes(spawn: Qasr, tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    (folder / "qasr.toml").touch()
    result = spawn("--config", folder / "qasr.toml", "config", "path")
    assert (result.returncode, result.stdout) == (0, f"{tmp_path}/caf\\xe9/qasr.toml\n"), result.stderr
