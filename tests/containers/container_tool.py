"""The program that builds and runs containers here: docker if its daemon answers, else podman.

In go image names and arguments; out come processes. Containers get no network but their own loopback: nothing
that runs in one can reach, or be reached by, anything outside.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

# Without systemd as process 1 podman needs cgroupfs, and limits that are no higher than this machine's.
_PODMAN_SETTINGS = """\
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
{runtime}
[containers]
netns = "none"
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
"""


# As in the Dockerfile; the daemon that would call it need not be here.
HEALTH_CHECK = ("python", "/usr/local/lib/qasr/healthcheck.py")


@dataclass(frozen=True, slots=True)
class ContainerTool:
    """A program that works here.

    Attributes:
        name: docker or podman.
        environment: What it is started with.
    """

    name: str
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    @property
    def is_podman(self) -> bool:
        """Whether it is podman, which needs no daemon and mounts folders while it builds."""
        return self.name == "podman"

    def run(self, *arguments: str, timeout_s: float = 600.0) -> subprocess.CompletedProcess[str]:
        """Run it to its end; return what it printed."""
        return subprocess.run(
            [self.name, *arguments],
            env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=timeout_s, check=False,
        )  # fmt: skip

    def call(self, *arguments: str) -> None:
        """Run it with its output shown.

        Raises:
            subprocess.CalledProcessError: It failed.
        """
        subprocess.run([self.name, *arguments], env=self.environment, stdin=subprocess.DEVNULL, check=True)


def find(settings: Path) -> ContainerTool | None:
    """Return the program that works here; `settings` is a file for those of podman. None: there is none."""
    if shutil.which("docker") and ContainerTool("docker").run("info").returncode == 0:
        return ContainerTool("docker")
    if not shutil.which("podman"):
        return None
    runtime = 'runtime = "runc"' if shutil.which("runc") else ""
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(_PODMAN_SETTINGS.format(runtime=runtime), "utf-8")
    return ContainerTool("podman", {**os.environ, "CONTAINERS_CONF": str(settings)})


def has_image(tool: ContainerTool, image: str) -> bool:
    """Return whether an image is here, or can be pulled within a minute."""
    if tool.run("image", "inspect", image).returncode == 0:
        return True
    try:
        return tool.run("pull", image, timeout_s=60).returncode == 0
    except subprocess.TimeoutExpired:
        return False


@dataclass(frozen=True, slots=True)
class Container:
    """A container that runs, or has run.

    Attributes:
        tool: What it was started with.
        ident: Its id.
    """

    tool: ContainerTool
    ident: str

    def execute(self, *command: str, user: str = "0:0") -> subprocess.CompletedProcess[str]:
        """Run a command in it, past the entrypoint."""
        return self.tool.run("exec", "--user", user, self.ident, *command)

    def python(self, code: str) -> str:
        """Run Python in it; return what it printed.

        Raises:
            AssertionError: It failed.
        """
        done = self.execute("python", "-c", code)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def is_healthy(self) -> bool:
        """Return what the image's health check says now."""
        return self.execute(*HEALTH_CHECK).returncode == 0

    def logs(self) -> str:
        """Return what its program wrote."""
        done = self.tool.run("logs", self.ident)
        return done.stdout + done.stderr

    def state(self, template: str) -> str:
        """Return a part of its description, such as {{.State.ExitCode}}."""
        return self.tool.run("inspect", "--format", template, self.ident).stdout.strip()

    def stop(self, wait_s: int = 240) -> int:
        """Send its stop signal, wait, return its exit code."""
        self.tool.run("stop", "--time", str(wait_s), self.ident)
        return int(self.state("{{.State.ExitCode}}"))


@contextmanager
def started(tool: ContainerTool, image: str, options: Sequence[str], *command: str) -> Iterator[Container]:
    """Start a container in the background, and remove it in the end with its volumes."""
    done = tool.run("run", "--detach", "--network", "none", *options, image, *command)
    assert done.returncode == 0, done.stderr
    container = Container(tool, done.stdout.strip().splitlines()[-1])
    try:
        yield container
    finally:
        tool.run("rm", "--force", "--volumes", container.ident)


def run_once(
    tool: ContainerTool, image: str, options: Sequence[str], *command: str
) -> subprocess.CompletedProcess[str]:
    """Run a container to its end and remove it; return what its program printed."""
    return tool.run("run", "--rm", "--network", "none", *options, image, *command)
