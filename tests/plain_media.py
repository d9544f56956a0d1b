"""What a run sees of a media file: to compare the ways in which it may be decoded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from qasr_cli.errors import QasrError
from qasr_cli.media import decode
from qasr_cli.media.plain_stream import PlainStream
from qasr_cli.options import MediaOptions


def answer(opener: Callable[..., Any], path: Path) -> tuple[object, ...]:
    """Return all that a run sees of a file, or its error."""
    try:
        with opener(path, MediaOptions()) as audio:
            samples = np.concatenate(list(audio)).tobytes()
            return audio.track, audio.probed, audio.warnings, audio.other_reading, samples
    except QasrError as error:
        return type(error).__name__, str(error)


def is_plain(path: Path) -> bool:
    """Whether a file needs no ffmpeg."""
    try:
        with decode.open_audio(path, MediaOptions()) as audio:
            return isinstance(audio, PlainStream)
    except QasrError:
        return False
