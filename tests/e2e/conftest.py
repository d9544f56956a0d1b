"""Real processes: what a user's shell would see of qasr."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "samples"
CLIP = SAMPLES / "clips" / "clip-01.wav"
ECHO = "tests.fakes:echo"  # says made-up words; needs no torch, so a run takes a second

Result = subprocess.CompletedProcess[str]
Qasr = Callable[..., Result]


def environment(**more: str) -> dict[str, str]:
    """Return what `env -i` would leave, and what finds the checkout's modules."""
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", **more}


@pytest.fixture
def qasr(tmp_path: Path) -> Qasr:
    """Run `qasr ARGS` in an empty folder under a bare environment."""

    def call(
        *arguments: object,
        stdin: bytes | None = None,
        env: dict[str, str] | None = None,
        file_limit: int | None = None,  # bytes; no file may grow beyond
    ) -> Result:
        def limit() -> None:
            if file_limit is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))

        done = subprocess.run(
            [sys.executable, "-m", "qasr_cli", *map(str, arguments)],
            input=b"" if stdin is None else stdin,
            capture_output=True,
            cwd=tmp_path,
            env=environment(**(env or {})),
            timeout=300,
            check=False,
            preexec_fn=limit,
        )
        out, err = (stream.decode("utf-8", "backslashreplace") for stream in (done.stdout, done.stderr))
        return subprocess.CompletedProcess(done.args, done.returncode, out, err)

    return call


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Return a short clip of real (synthetic) speech in the folder that `qasr` runs in."""
    return Path(shutil.copy(CLIP, tmp_path / "clip.wav"))
