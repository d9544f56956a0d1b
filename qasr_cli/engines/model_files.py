"""The files of a model's folder, which may come from anybody: regular, inside the folder, of a usual size.

In go a folder and names in it; out come contents. Nothing leads out of the folder, neither names nor links.
Snapshots in the hub's cache are links to its blobs, so links into that cache are followed. Reads no weights.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qasr_cli import bounded_json
from qasr_cli.engines import hub_adapter
from qasr_cli.errors import UnavailableError
from qasr_cli.operating_system import files

MAX_JSON_BYTES = 16_000_000  # an aligner's config.json with its 5,000 labels has 0.3 MB
_MAX_TEXT_BYTES = 128_000_000  # ten times the largest, Qwen's tokenizer.json with 11 MB
WEIGHTS = ".safetensors"
_TEXTS = (".json", ".txt", ".jinja", ".model")
_HINT = "put the file itself there, or give another folder"


def load_json(path: Path) -> Any:
    """Return the content of a JSON file.

    Raises:
        OSError: It does not exist, is not a regular file or is too large.
        ValueError: It is not JSON, or nested too deeply.
    """
    return bounded_json.loads(files.read_regular(path, MAX_JSON_BYTES))


def refuse_foreign(folder: Path) -> None:
    """Check every file that may be read when the model is loaded, also by the libraries.

    Raises:
        UnavailableError: One is not a regular file, leads out of the folder, or is too large.
    """
    try:
        for path in _candidates(folder):
            reason = _objection(path, folder)
            if reason:
                raise UnavailableError.about(path, reason, _HINT)
    except OSError as error:
        raise UnavailableError.about(folder, f"cannot be read: {error.strerror}", _HINT) from error


def _candidates(folder: Path) -> Iterator[Path]:
    """Yield the files that could be read, with those one folder deeper, such as further chat templates."""
    for path in sorted((*folder.iterdir(), *folder.glob("*/*"))):
        if path.suffix in (*_TEXTS, WEIGHTS):
            yield path


def _objection(path: Path, folder: Path) -> str:
    """Return what is wrong with a file; "" if nothing is."""
    if os.path.islink(path) and not _is_inside(path, folder):
        return f"leads out of the model's folder, to {files.real_path(path)}"
    try:
        status = path.stat()
    except FileNotFoundError:  # a broken link: missing if it is needed
        return ""
    if stat.S_ISDIR(status.st_mode):
        return ""
    if not stat.S_ISREG(status.st_mode):
        return "is not a regular file"
    is_large = path.suffix != WEIGHTS and status.st_size > _MAX_TEXT_BYTES
    return f"is larger than {_MAX_TEXT_BYTES / 1e6:.0f} MB" if is_large else ""


def _is_inside(link: Path, folder: Path) -> bool:
    """Whether a link stays in the folder or leads into the hub's cache.

    The first step counts for a snapshot: its blobs may be links to a store of the user's.
    """
    if folder.parent.name == "snapshots":
        step = Path(os.path.normpath(link.parent / link.readlink()))
        if step.is_relative_to(folder.parent.parent):
            return True
    target = files.real_path(link)
    places = map(files.real_path, (folder, hub_adapter.cache_folder()))
    return any(map(target.is_relative_to, places))
