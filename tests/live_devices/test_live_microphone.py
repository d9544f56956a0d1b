"""`qasr live` with a microphone, from sound to text, with the demo model."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from qasr_cli.media.decode import open_audio
from qasr_cli.options import MediaOptions
from tests.live_devices.conftest import RATE_HZ, SoundServer

TALK = Path(__file__).parents[2] / "samples/talk.mp4"
SAID = "Good morning, everyone, and welcome. My name is Helen, and I am from Dublin."


@contextmanager
def live(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run `qasr live` in a folder."""
    command = [sys.executable, "-m", "qasr_cli", "live", "-m", "demo", "--json-lines", *arguments]
    with (
        (folder / "stderr").open("w", encoding="utf-8") as log,
        subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as child,
    ):
        try:
            yield child
        finally:
            child.kill()


def until(child: subprocess.Popen[str], kind: str, most: int = 400) -> dict[str, Any]:
    """Return the next event of a kind."""
    assert child.stdout is not None
    for _ in range(most):
        event: dict[str, Any] = json.loads(child.stdout.readline() or '{"type": "nothing more"}')
        if event["type"] == kind:
            return event
    raise AssertionError(f"no event {kind}")


def talk(duration_s: float) -> np.ndarray:
    with open_audio(TALK, MediaOptions()) as audio:
        return np.concatenate(list(audio))[: round(duration_s * RATE_HZ)]


def test_what_is_said_is_on_the_screen_and_saved(sound_server: SoundServer, tmp_path: Path) -> None:
    with live(tmp_path, "--save", "talk.flac") as child:
        assert until(child, "start")["source"] == "Lectern"
        with sound_server.playing(talk(20)):
            until(child, "partial")
            time.sleep(7)
        child.send_signal(signal.SIGINT)
        final = until(child, "final")
        until(child, "end")
        assert child.wait(30) == 130
    text = " ".join(segment["text"] for segment in final["segments"])
    assert text.startswith(SAID)
    done = subprocess.run(
        [sys.executable, "-m", "qasr_cli", "transcribe", "-m", "demo", "talk.flac", "--txt", "-o", "-"],
        cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.startswith(SAID)


def test_a_device_that_returns_is_listened_to_again(sound_server: SoundServer, tmp_path: Path) -> None:
    with live(tmp_path) as child:
        until(child, "silence")
        sound_server.stop()
        time.sleep(2)
        sound_server.start()
        gap = until(child, "gap")
        assert gap["end_ms"] - gap["start_ms"] > 2_000
        with sound_server.playing(talk(10)):
            assert until(child, "partial")["start_ms"] >= gap["end_ms"]
        child.send_signal(signal.SIGINT)
        until(child, "end")
        assert child.wait(30) == 130
    assert "trying again until it is back" in (tmp_path / "stderr").read_text("utf-8")
