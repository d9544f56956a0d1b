"""The image and the folders that all smoke tests start from."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.containers import container_tool
from tests.containers.__main__ import ROOT, SCRATCH
from tests.containers.container_tool import ContainerTool

# As in compose.yaml.
HARDENED = (
    *("--read-only", "--tmpfs", "/tmp:mode=1777"),
    *("--security-opt", "no-new-privileges", "--cap-drop", "ALL"),
    *(
        word
        for one in ("CHOWN", "DAC_OVERRIDE", "SETGID", "SETPCAP", "SETUID")
        for word in ("--cap-add", one)
    ),
)


@pytest.fixture(scope="session")
def tool() -> ContainerTool:
    """What runs containers here."""
    found = container_tool.find(SCRATCH / "containers.conf")
    assert found is not None, "neither docker nor podman"
    return found


@pytest.fixture(scope="session")
def image(tool: ContainerTool) -> str:
    """The image's name; `python -m tests.containers` has built it."""
    name = os.environ["QASR_IMAGE"]
    assert tool.run("image", "inspect", name).returncode == 0, f"no image {name}: make container"
    return name


@pytest.fixture(scope="session")
def models(tool: ContainerTool) -> Iterator[str]:
    """A volume for /models, which keeps what qasr finds out about the processor: a minute a run."""
    name = "qasr-smoke-models"
    tool.run("volume", "create", name)
    yield name
    tool.run("volume", "rm", "--force", name)


@pytest.fixture
def media(tmp_path: Path) -> Path:
    """A folder with one recording, which the default user of the image may write to."""
    folder = tmp_path / "media"
    folder.mkdir()
    shutil.copy(ROOT / "samples/clips/clip-01.wav", folder / "clip.wav")
    give(folder, 1000, 1000)
    return folder


def give(folder: Path, user: int, group: int) -> None:
    """Change the owner of a folder and what is in it; set times as of files that nobody writes any more."""
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (1_700_000_000, 1_700_000_000))
        os.chown(path, user, group)
