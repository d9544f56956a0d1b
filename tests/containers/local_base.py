"""The base image of the Dockerfile, made here where no image registry can be reached.

In go Debian's packages (debootstrap) and the Python that runs this; out comes an image with the name and tag
that the Dockerfile starts from. It is near enough to the official one to try everything above it: the same
Debian, Python in /usr/local, the same three extra packages, no documentation. It is not for publishing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.containers.container_tool import ContainerTool

# What Python's own modules are linked with, and what the official image has besides.
_PACKAGES = (
    *("ca-certificates", "netbase", "tzdata"),
    *("libbz2-1.0", "libexpat1", "libffi8", "libgdbm6t64", "liblzma5", "libncursesw6", "libreadline8t64"),
    *("libsqlite3-0", "libssl3t64", "libuuid1", "zlib1g"),
)
# As Debian's slim images have it.
_NO_DOCUMENTATION = "".join(
    f"path-exclude /usr/share/{what}/*\n" for what in ("doc", "info", "lintian", "linda", "locale", "man")
)
_NO_ARCHIVES = """DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
"""
_PATH = "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"


def can_make() -> bool:
    """Return whether this machine can: as root, with debootstrap and a Python of the Dockerfile's version."""
    return os.getuid() == 0 and shutil.which("debootstrap") is not None and sys.version_info[:2] == (3, 11)


def make(tool: ContainerTool, image: str) -> None:
    """Make an image of that name, such as docker.io/library/python:3.11-slim-trixie.

    Raises:
        subprocess.CalledProcessError: A step failed.
    """
    suite = image.rpartition("-")[2]
    with tempfile.TemporaryDirectory(prefix="qasr-base-") as name:
        root = Path(name, "root")
        include = f"--include={','.join(_PACKAGES)}"
        _run(["debootstrap", "--variant=minbase", include, suite, str(root), "http://deb.debian.org/debian"])
        _trim(root)
        _add_python(root)
        archive = Path(name, "root.tar")
        _run(["tar", "-C", str(root), "--one-file-system", "-cf", str(archive), "."])
        changes = [f"ENV PATH={_PATH}", "ENV LANG=C.UTF-8", 'CMD ["python3"]']
        tool.call("import", *(word for one in changes for word in ("--change", one)), str(archive), image)


def _trim(root: Path) -> None:
    """Leave out what the official images leave out."""
    (root / "etc/dpkg/dpkg.cfg.d/docker").write_text(_NO_DOCUMENTATION, "utf-8")
    (root / "etc/apt/apt.conf.d/docker-clean").write_text(_NO_ARCHIVES, "utf-8")
    for what in ("usr/share/doc", "usr/share/info", "usr/share/locale", "usr/share/man"):
        shutil.rmtree(root / what, ignore_errors=True)
    for what in ("var/cache/apt/archives", "var/lib/apt/lists"):
        for path in (root / what).glob("*"):
            if path.is_file():
                path.unlink()
    suite = (root / "etc/apt/sources.list").read_text("utf-8").split()[2]
    (root / "etc/apt/sources.list").write_text(
        f"deb http://deb.debian.org/debian {suite} main\n"
        f"deb http://deb.debian.org/debian {suite}-updates main\n"
        f"deb http://deb.debian.org/debian-security {suite}-security main\n",
        "utf-8",
    )


def _add_python(root: Path) -> None:
    """Copy the Python that runs this to /usr/local, without its packages, and give it pip."""
    prefix, version = Path(sys.base_prefix), f"python{sys.version_info[0]}.{sys.version_info[1]}"
    parts = [f"bin/{version}", f"lib/{version}"]
    parts += [str(path.relative_to(prefix)) for path in (prefix / "lib").glob(f"lib{version}.so*")]
    without = ["site-packages/*", f"{version}/test", "__pycache__", "*.a"]
    archive = root.parent / "python.tar"
    _run(["tar", "-C", str(prefix), *(f"--exclude={one}" for one in without), "-cf", str(archive), *parts])
    _run(["tar", "-C", str(root / "usr/local"), "-xf", str(archive)])
    for link, target in (("python3", version), ("python", "python3")):
        (root / "usr/local/bin" / link).symlink_to(target)
    _run(["chroot", str(root), "ldconfig"])
    _run(["chroot", str(root), "python", "-m", "ensurepip", "--default-pip"])


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
