"""Build the image as a user does, with this machine's pip configuration where it has one.

What pip is told here (a mirror, a folder of wheels, a certificate) reaches the build as a secret and mounts
that are not part of any layer. Nothing of it is written into the repository.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.containers import local_base
from tests.containers.container_tool import ContainerTool, has_image

BASE = re.compile(r"^FROM (\S+) AS system$", re.M)
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")  # the same place on this machine and in the image
_SETTING = re.compile(r"(?:global|:env:)\.([\w-]+)='(.*)'")
_PATH = re.compile(r"(?:file://)?(/[^\s']+)")


def base_image(root: Path) -> str:
    """Return the whole name of the image that the Dockerfile starts from."""
    return f"docker.io/library/{BASE.findall((root / 'Dockerfile').read_text('utf-8'))[0]}"


def provide_base(tool: ContainerTool, root: Path) -> str:
    """Make sure that the base image is here; return where it comes from.

    Raises:
        RuntimeError: It can neither be pulled nor made.
    """
    image = base_image(root)
    if has_image(tool, image):
        return "pulled, or here already"
    if not tool.is_podman or not local_base.can_make():
        raise RuntimeError(
            f"{image} cannot be pulled; making it needs root, podman, debootstrap and Python 3.11"
        )
    local_base.make(tool, image)
    return "made here with debootstrap"


def pip_settings() -> dict[str, str]:
    """Return this machine's pip configuration by key; a variable has priority over the files."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    ).stdout
    found: dict[str, str] = {}
    for line in sorted(listed.splitlines(), key=lambda one: one.startswith(":env:")):
        match = _SETTING.match(line)
        if match:
            found[match[1]] = match[2].replace("\\n", " ")
    return found


def build(tool: ContainerTool, root: Path, image: str, scratch: Path) -> None:
    """Build the image for CPUs.

    Raises:
        subprocess.CalledProcessError: A step failed.
    """
    settings = pip_settings()
    arguments = ["build", "--tag", image]
    if tool.is_podman:  # chroot: no bridge is needed, and pip uses this machine's network
        arguments += ["--format", "docker", "--layers", "--isolation", "chroot", "--network", "host"]
    if settings:
        secret = scratch / "pip.conf"
        secret.write_text(
            "[global]\n" + "".join(f"{key} = {text}\n" for key, text in settings.items()), "utf-8"
        )
        secret.chmod(0o600)
        arguments += ["--secret", f"id=pip.conf,src={secret}"]
        if tool.is_podman:
            arguments += [word for path in _mounts(settings) for word in ("--volume", f"{path}:{path}:ro")]
    if {"find-links", "index-url"} & set(settings):  # torch comes from where this machine's pip has it
        arguments += ["--build-arg", "TORCH_INDEX="]
    tool.call(*arguments, str(root))


def _mounts(settings: dict[str, str]) -> list[str]:
    """Return the files and folders of this machine that pip's settings name, and its certificates.

    The pages of a local index link to files beside its folder `simple`.
    """
    found = {
        path.removesuffix("/simple")
        for text in settings.values()
        for path in _PATH.findall(text)
        if not text.startswith("http")
    }
    found |= {str(_CERTIFICATES)} if "cert" in settings else set()
    return sorted(path for path in found if os.path.exists(path))
