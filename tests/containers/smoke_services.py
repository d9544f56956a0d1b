"""Services in a container: privileges, health, the orderly end."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from tests.containers.conftest import HARDENED
from tests.containers.container_tool import HEALTH_CHECK, Container, ContainerTool, started
from tests.containers.waiting import wait_for

TERMINATED = 143


def status_of(container: Container, number: str) -> dict[str, str]:
    """Return what the kernel says of a process of the container."""
    lines = container.execute("cat", f"/proc/{number}/status").stdout.splitlines()
    return {name: text.strip() for name, _, text in (line.partition(":") for line in lines)}


def test_a_watch_does_its_work_without_privileges_and_ends_in_order(
    tool: ContainerTool, image: str, models: str, media: Path
) -> None:
    line = (
        "watch",
        "/media",
        "--srt",
        "--model",
        "demo",
        "--settle",
        "0.1",
        "--status",
        "/config/watch.json",
    )
    with started(
        tool, image, [*HARDENED, "-v", f"{models}:/models", "-v", f"{media}:/media"], *line
    ) as container:
        wait_for(container, lambda: os.path.exists(media / "clip.srt"))
        status = status_of(container, "1")
        assert status["Name"] == "qasr"
        assert status["Uid"].split() == ["1000"] * 4
        assert status["Groups"] == "1000"
        assert {int(status[f"Cap{kind}"], 16) for kind in ("Eff", "Prm", "Inh", "Amb", "Bnd")} == {0}
        assert status["NoNewPrivs"] == "1"
        healthy = container.execute(*HEALTH_CHECK)
        assert (healthy.returncode, healthy.stdout.strip()) == (0, "no server in this container")
        begin_s = time.monotonic()
        assert container.stop() == TERMINATED, container.logs()
        assert time.monotonic() - begin_s < 20
    assert (media / "clip.srt").stat().st_uid == 1000


def test_the_image_brings_its_health_check_and_signal(tool: ContainerTool, image: str) -> None:
    (found,) = json.loads(tool.run("image", "inspect", image).stdout)
    config = found["Config"]
    check = config.get("Healthcheck") or found["Healthcheck"]  # docker's place, and podman's
    assert check["Test"] == ["CMD", *HEALTH_CHECK]
    assert config["StopSignal"] in {"SIGTERM", "15"}
    assert config["Cmd"] == ["serve", "--host", "0.0.0.0"]
    assert set(config["Volumes"]) == {"/config", "/models"}
