"""Folders of media files that hold nothing, for tests of what is found in them."""

from __future__ import annotations

import os
import time
from pathlib import Path

from qasr_cli.runs.inputs.discovery import Discovered

WAVE = b"RIFF\x24\x00\x00\x00WAVEfmt "
LONG_AGO_S = time.time() - 3600


def make(folder: Path, *names: str, content: bytes = b"") -> Path:
    """Make files that have been still for an hour."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (LONG_AGO_S, LONG_AGO_S))
    return folder


def names(found: Discovered) -> list[str]:
    return [source.relative.as_posix() for source in found.sources]


def reasons(found: Discovered) -> dict[str, str]:
    return {one.relative.as_posix(): one.reason for one in found.left_out}
