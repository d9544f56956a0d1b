"""The commands on the pages about the server's clients run against a server."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.serving.asr_client import samples_of
from tests.serving.in_process import LOCAL, InProcess

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
PORTS = {"9000": "port", "10300": "wyoming"}


def commands(page: str) -> list[str]:
    """Return the commands in the `bash` blocks of a page."""
    blocks = re.findall(r"```bash\n(.*?)```", (HOW_TO / f"{page}.md").read_text("utf-8"), re.S)
    return [line for block in blocks for line in block.splitlines()]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Path:
    """Return a folder with what the commands send."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "film.s16le").write_bytes(samples_of(samples / "clips" / "clip-01.wav"))
    (folder / "talk.mp3").write_bytes((samples / "clips" / "clip-02.mp3").read_bytes())
    return folder


def run(command: str, desk: Path, running: InProcess) -> str:
    """Return what a command prints, its ports replaced by those of the server."""
    for shown, name in PORTS.items():
        command = re.sub(
            rf"{re.escape(LOCAL)}([:/]){shown}\b", rf"{LOCAL}\g<1>{getattr(running, name)}", command
        )
    done = subprocess.run(
        ["bash", "-c", command], cwd=desk, capture_output=True, text=True, timeout=120, check=True
    )
    return done.stdout


def test_commands_of_bazarrs_page(desk: Path, bazarr: InProcess) -> None:
    detected, subtitles, media, words = (run(one, desk, bazarr) for one in commands("bazarr"))
    assert json.loads(detected)["language_code"] == "en"
    assert subtitles == media == ""
    assert (desk / "film.srt").read_text("utf-8").startswith("1\n00:00:00,")
    assert (desk / "talk.vtt").read_text("utf-8").startswith("WEBVTT\n")
    assert json.loads(words)["segments"][0]["words"][0]["word"] == " The"


def test_commands_of_home_assistants_page(desk: Path, bazarr: InProcess) -> None:
    (described,) = (run(one, desk, bazarr) for one in commands("home-assistant"))
    assert json.loads(described)["type"] == "info"
