"""The ffmpeg in use: the user's choice, the system's, or the one that is installed with qasr."""

from __future__ import annotations

import functools
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from qasr_cli.errors import UnavailableError
from qasr_cli.media import process

_VARIABLE = "QASR_FFMPEG"
_COPYRIGHT = re.compile(r"Copyright \(c\) (?:\d{4}-)?(\d{4})")


@dataclass(frozen=True, slots=True)
class FfmpegTools:
    """A working ffmpeg.

    Attributes:
        ffmpeg: Path of the program.
        version: Its version text.
        origin: Where it comes from, as text.
        year: Year of its source, from its copyright line; None without one.
    """

    ffmpeg: Path
    version: str
    origin: str
    year: int | None = None


@functools.cache
def find_tools() -> FfmpegTools:
    """Return the ffmpeg to use: `$QASR_FFMPEG`, else the one on PATH, else imageio-ffmpeg's.

    Raises:
        UnavailableError: There is no ffmpeg, or it does not run.
    """
    path, origin = _find()
    try:
        output = process.capture([str(path), "-hide_banner", "-version"])
    except OSError as error:
        raise UnavailableError(f"ffmpeg {path} does not run: {error.strerror}", _hint(), path=path) from error
    first = output.splitlines()[0] if output else ""
    if not first.startswith("ffmpeg version"):
        raise UnavailableError(f"{path} is not a working ffmpeg", _hint(), path=path)
    year = _COPYRIGHT.search(first)
    return FfmpegTools(path, first.split()[2], origin, int(year[1]) if year else None)


def _find() -> tuple[Path, str]:
    chosen = os.environ.get(_VARIABLE)
    if chosen:
        return Path(os.path.expanduser(chosen)), f"${_VARIABLE}"  # noqa: PTH111 - an unknown user is no error
    on_path = shutil.which("ffmpeg")
    if on_path:
        return Path(on_path), "system"
    import imageio_ffmpeg

    try:
        return Path(imageio_ffmpeg.get_ffmpeg_exe()), "imageio-ffmpeg"
    except RuntimeError as error:
        raise UnavailableError("no ffmpeg on this machine", _hint()) from error


def _hint() -> str:
    return f"install ffmpeg with your system's packages, or set {_VARIABLE} to one"
