"""Packages of Debian, downloaded and unpacked in a folder of ours; nothing is installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path


def fetch(folder: Path, *packages: str) -> None:
    """Download and unpack packages into ``folder``; one that is there is not downloaded again.

    Raises:
        SystemExit: this is no Debian, or its packages cannot be reached.
    """
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise SystemExit("real people and flite come from Debian: use one, or add --without-debian")
    folder.mkdir(parents=True, exist_ok=True)
    for package in packages:
        try:
            if not list(folder.glob(f"{package}_*.deb")):
                subprocess.run(["apt-get", "download", package], cwd=folder, check=True)
            (deb,) = folder.glob(f"{package}_*.deb")
            subprocess.run(["dpkg-deb", "-x", deb.name, "."], cwd=folder, check=True)
        except subprocess.CalledProcessError as error:
            raise SystemExit(
                f"Debian's {package} cannot be had ({error}): run apt-get update, or add --without-debian"
            ) from None
