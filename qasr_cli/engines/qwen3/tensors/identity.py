"""What a model's weights are known by in the cache: a digest of their content, and a name for their place.

In goes a folder with a model; out come short texts. Reads samples of the weights and never all of them.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from qasr_cli.engines import model_files, weights
from qasr_cli.engines.model_store import StoredModel
from qasr_cli.operating_system import files

_SAMPLES, _SAMPLE_BYTES = 64, 4096  # of each weights file: 8 ms, and any training changes all of them


def digest(folder: Path) -> str:
    """Return a digest of a model's weights that is cheap and changes with them.

    Of each file it has name, size, time of change, header and 64 blocks of 4 kB; of the config all.

    Raises:
        UnavailableError: Weights are missing.
        OSError: A file cannot be read.
    """
    found = hashlib.sha256(files.read_regular(folder / "config.json", model_files.MAX_JSON_BYTES))
    for path in weights.files(folder):
        descriptor = files.open_regular(path)
        try:
            status = os.fstat(descriptor)
            found.update(f"{path.name} {status.st_size} {status.st_mtime_ns}\n".encode())
            for offset in _offsets(status.st_size):
                found.update(files.read_at(descriptor, _SAMPLE_BYTES, offset))
        finally:
            os.close(descriptor)
    return found.hexdigest()


def _offsets(size: int) -> Iterator[int]:
    """Yield where the samples of a file begin; the first is the header's, the last one ends the file."""
    room = max(0, size - _SAMPLE_BYTES)
    yield from dict.fromkeys(room * n // (_SAMPLES - 1) for n in range(_SAMPLES))


def slug(stored: StoredModel) -> str:
    """Return a model's part of a file's name, the same for all its revisions in one place."""
    folder = stored.folder
    place = folder.parent.parent if folder.parent.name == "snapshots" else folder
    readable = re.sub(r"[^A-Za-z0-9.]+", "-", stored.id.partition("@")[0])[:60]
    return f"{readable}-{hashlib.sha256(str(files.real_path(place)).encode()).hexdigest()[:8]}"
