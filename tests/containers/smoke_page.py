"""The page's `docker run` lines, as they stand there, with the toy model in the place of a download.

Left out are those for NVIDIA's cards. Where podman runs containers, it answers to the name of docker.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.containers.__main__ import ROOT
from tests.containers.conftest import give
from tests.containers.container_tool import Container, ContainerTool
from tests.containers.waiting import wait_for

PAGE = (ROOT / "docs/how-to/docker.md").read_text("utf-8")
LINES = [line for line in re.findall(r"^docker run .*$", PAGE, re.M) if " qasr:cpu" in line]
AT_ONCE = [line for line in LINES if " -d " not in line]
SERVICES = {match[1]: line for line in LINES if (match := re.search(r"--name (\S+)", line))}


@pytest.fixture
def desk(media: Path, tmp_path: Path, tool: ContainerTool) -> Path:
    """A folder as the page imagines the reader's."""
    commands = tmp_path / "bin"
    commands.mkdir()
    docker = commands / "docker"
    docker.write_text(f'#!/bin/sh\nexec {tool.name} "$@"\n', "utf-8")
    docker.chmod(0o755)
    (media / "qasr.key").write_text("a-key-of-thirty-two-letters-or-so\n", "utf-8")
    (tmp_path / "config/qasr").mkdir(parents=True)
    give(media, 1000, 1000)
    return tmp_path


def run(line: str, desk: Path, tool: ContainerTool, models: str) -> subprocess.CompletedProcess[str]:
    """Run a line of the page in the folder of media, which is /srv/media, too."""
    line = line.replace("/srv/", f"{desk}/").replace("qasr-models", models)
    line = line.replace("docker run ", "docker run -e QASR_MODEL=demo ")
    path = f"{desk / 'bin'}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", line],
        cwd=desk / "media", env={**tool.environment, "PATH": path},
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip


def test_the_page_has_both_kinds() -> None:
    assert len(AT_ONCE) >= 2
    assert set(SERVICES) == {"qasr", "qasr-watch"}


@pytest.mark.parametrize("line", AT_ONCE)
def test_a_line_runs(line: str, desk: Path, tool: ContainerTool, image: str, models: str) -> None:
    done = run(line, desk, tool, models)
    assert done.returncode == 0, done.stderr
    if "sample.wav" in line:
        (said,) = re.findall(r"This prints `(.*?)`", PAGE)
        assert done.stdout.strip() == said
    elif "--srt" in line:
        assert (desk / "media/clip.srt").stat().st_uid == 1000


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_becomes_healthy_and_ends_in_order(
    name: str, desk: Path, tool: ContainerTool, image: str, models: str
) -> None:
    done = run(SERVICES[name], desk, tool, models)
    assert done.returncode == 0, done.stderr
    container = Container(tool, done.stdout.strip().splitlines()[-1])
    try:
        assert tool.run("exec", name, "python", "-c", "").returncode == 0  # the name of the line
        wait_for(container, container.is_healthy)
        if name == "qasr-watch":
            wait_for(container, lambda: os.path.exists(desk / "media/clip.srt"))
        assert container.stop() in {0, 143}, container.logs()
    finally:
        tool.run("rm", "--force", "--volumes", container.ident)
