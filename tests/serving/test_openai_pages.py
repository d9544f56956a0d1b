"""The pages about curl and OpenAI's library: their commands and programs run, and make what they say."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import CLIP, ROOT, SAMPLES
from tests.serving.server import Served

ON_PAGES = "http://127.0.0.1:8000"
CURL = ROOT / "docs/how-to/curl.md"
PYTHON = ROOT / "docs/how-to/openai-python.md"
# curl ends with 0 whatever the server answers, unless it is told otherwise
STRICT = 'set -euo pipefail\ncurl() { command curl -sS --fail-with-body "$@"; }\n'


def blocks(page: Path, kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", page.read_text(encoding="utf-8"), re.S)


SHOWN = blocks(CURL, "bash")
# What the block with a word in it must print, and leave behind.
PRINTS = {
    "file=@talk.mp4\n": '"text":',
    "languages[]=en": '"language":',
    "stream=true": "transcript.text.done",
    "respond-async": '"status":',
    "script=@script.txt": '"words":',
    "chat/completions": "language English<asr_text>",
}
LEAVES = {
    "talk.srt": "00:00:0",
    "talk.vtt": "WEBVTT",
    "talk.json": '"words":',
    "headers.txt": "ocation: /v1/jobs/",
    "timed.srt": "00:00:0",
}


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with what the pages speak of; the talk is a short one."""
    shutil.copy(SAMPLES / "two-tracks.mkv", tmp_path / "talk.mp4")
    shutil.copy(CLIP, tmp_path / "clip.wav")
    truth = json.loads((SAMPLES / "two-tracks.truth.json").read_text(encoding="utf-8"))
    (tmp_path / "script.txt").write_text(truth["tracks"][0]["text"], encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("block", SHOWN)
def test_commands_run(demo_server: Served, desk: Path, block: str) -> None:
    done = subprocess.run(
        ["bash", "-c", STRICT + block.replace(ON_PAGES, demo_server.url)],
        cwd=desk, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    for word, printed in PRINTS.items():
        assert word not in block or printed in done.stdout
    for name, content in LEAVES.items():
        assert f" {name}\n" not in block or content in (desk / name).read_text(encoding="utf-8")


def test_what_stands_here_is_shown() -> None:
    everything = "".join(SHOWN)
    assert len(SHOWN) >= 8
    assert [word for word in PRINTS if word not in everything] == []
    assert [name for name in LEAVES if f" {name}\n" not in everything] == []


def test_the_program_runs(demo_server: Served, desk: Path) -> None:
    program = "".join(blocks(PYTHON, "python")).replace(ON_PAGES, demo_server.url)
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=desk, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Where is the yellow bicycle?" in done.stdout
    assert "notes.txt" in done.stdout
    assert "00:00:0" in (desk / "talk.srt").read_text(encoding="utf-8")
