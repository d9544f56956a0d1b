"""Where weights are: a name on the command line becomes a folder on this machine.

In goes `--model` or `--aligner`; out comes a folder that transformers can load, and an id that names the
weights exactly. Never runs code that comes with a checkpoint, never opens anything but safetensors.
"""

from __future__ import annotations

import errno
import hashlib
import logging
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from qasr_cli.engines import downloads, layouts, weights
from qasr_cli.errors import QasrError, UnavailableError, UsageError, from_os_error

logger = logging.getLogger(__name__)

DEMO = "demo"
_DEMO_FOLDER = Path(str(files("qasr_cli"))) / "demo"
_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES)
_WANTED_FILES = ["*.json", "*.safetensors", "*.txt", "*.jinja"]  # of a hub repository: no code, no pickles


@dataclass(frozen=True, slots=True)
class Model:
    """A name on the command line and what it stands for."""

    name: str
    recognizer: str  # hub id, or a folder inside the package
    aligner: str
    size: str
    remark: str


_ALIGNER = "Qwen/Qwen3-ForcedAligner-0.6B-hf"
MODELS: tuple[Model, ...] = (
    Model("0.6b", "Qwen/Qwen3-ASR-0.6B-hf", _ALIGNER, "1.6 + 1.8 GB", "default; fast"),
    Model("1.7b", "Qwen/Qwen3-ASR-1.7B-hf", _ALIGNER, "4.1 + 1.8 GB", "fewest errors"),
    Model(
        DEMO, str(_DEMO_FOLDER / "asr"), str(_DEMO_FOLDER / "aligner"), "10 MB", "to try qasr; ships with it"
    ),
)
_BY_NAME = {model.name: model for model in MODELS}
# whisper's sizes, so that a script written for it runs: the two large ones mean "best", the rest "fast".
WHISPER_SIZES = dict.fromkeys(("tiny", "base", "small", "medium"), "0.6b") | dict.fromkeys(
    ("turbo", "large", "large-v1", "large-v2", "large-v3", "large-v3-turbo"), "1.7b"
)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A folder with a config and weights.

    Attributes:
        id: Names the weights exactly; part of every transcript's fingerprint.
        max_chunk_ms: The longest chunk the model is good for, if its config says so.
    """

    folder: Path
    id: str
    max_chunk_ms: int | None


def named(model: str) -> Model | None:
    """Return what a short name (`0.6b`, `1.7b`, `demo`, whisper's sizes) stands for, or None."""
    name = model.lower()
    return _BY_NAME.get(WHISPER_SIZES.get(name, name))


def recognizer_location(model: str) -> str:
    """Return the folder or hub id of the recognizer that `--model` asks for."""
    known = named(model)
    return known.recognizer if known else model


def aligner_location(aligner: str, model: str) -> str | None:
    """Return the folder or hub id of the aligner, or None for `none`; `auto` is the one of the model."""
    if aligner.lower() == "none":
        return None
    known = named(model if aligner.lower() == "auto" else aligner)
    if known:
        return known.aligner
    return _ALIGNER if aligner.lower() == "auto" else aligner


def find(location: str, revision: str | None = None) -> Checkpoint | None:
    """Return the checkpoint at a folder or in the hub's cache, without asking the network.

    Raises:
        UnavailableError: It is here and not whole, or no checkpoint of ours.
    """
    folder = Path(location)
    if folder.is_dir():
        if revision:
            raise UsageError(f"--revision {revision}: {location} is a folder", "leave --revision out")
        return _read(folder, location)
    if not _looks_like_hub_id(location):
        return None
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        cached = snapshot_download(
            location, revision=revision, local_files_only=True, allow_patterns=_WANTED_FILES
        )
    except (LocalEntryNotFoundError, HFValidationError, FileNotFoundError):
        return None
    return _read(Path(cached), location) if (Path(cached) / "config.json").is_file() else None


def cache_folder() -> Path:
    """Return where models go that are downloaded; it need not exist yet."""
    from huggingface_hub.constants import HF_HUB_CACHE

    return Path(HF_HUB_CACHE)


def fetch(location: str, revision: str | None = None, *, is_offline: bool = False) -> Checkpoint:
    """Return the checkpoint, downloading what is not on this machine yet.

    Files that came whole in an earlier try are kept.

    Raises:
        UnavailableError: Not here and not to be had.
        InputOutputError: The disk is full.
    """
    try:
        found = find(location, revision)
    except UnavailableError:
        if is_offline or not _looks_like_hub_id(location) or Path(location).is_dir():
            raise
        found = None
    if found is not None:
        return found
    if is_offline or not _looks_like_hub_id(location):
        raise not_here(location, revision)
    logger.warning("model %s is not on this machine yet; downloading it once", location)
    return pull(location, revision)


def not_here(location: str, revision: str | None = None) -> UnavailableError:
    """Return the error of a model that is not on this machine, with the way to get it."""
    if _looks_like_hub_id(location):
        return UnavailableError(
            f"model {_with_revision(location, revision)} is not on this machine",
            f"with a network: qasr models pull {location}; or try qasr with --model demo",
        )
    names = ", ".join(model.name for model in MODELS)
    return UnavailableError(
        f"model {location}: no such folder", f"known: {names}; or a folder, or a hub id such as org/name"
    )


def pull(location: str, revision: str | None = None) -> Checkpoint:
    """Download a hub repository's checkpoint, or what is missing of it, and verify what came.

    Raises:
        UnavailableError: The hub cannot be reached, has no such model or revision, or sent something else.
        InputOutputError: The disk is full.
    """
    if not _looks_like_hub_id(location) or Path(location).is_dir():
        found = find(location, revision)  # the demo pair or a folder of the user's: nothing to download
        if found is None:
            raise not_here(location)
        return found
    from huggingface_hub import snapshot_download

    try:
        downloads.fetch_weights(location, revision)
        folder = Path(
            snapshot_download(location, revision=revision, allow_patterns=_WANTED_FILES, etag_timeout=10)
        )
    except Exception as error:
        # Everything: the hub library lets its HTTP client's own errors through, and that client changes.
        logger.debug("download of %s failed", location, exc_info=True)
        raise _download_error(error, location, revision) from error
    for path in weights.files(folder):
        _verify(path)
    return _read(folder, location)


def _download_error(error: Exception, location: str, revision: str | None) -> QasrError:
    from huggingface_hub.errors import (
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    if isinstance(error, RevisionNotFoundError):
        return UnavailableError(
            f"model {location} has no revision {revision}", "give a commit, tag or branch of its repository"
        )
    if isinstance(error, RepositoryNotFoundError):
        return UnavailableError(f"the hub has no model {location}", "check the name, or see: qasr models")
    if isinstance(error, OSError) and error.errno in _DISK_ERRORS:
        return from_os_error(error, f"downloading {location}")
    is_unreachable = isinstance(error, LocalEntryNotFoundError)
    reason = "the hub cannot be reached" if is_unreachable else type(error).__name__
    return UnavailableError(
        f"model {_with_revision(location, revision)} is not on this machine and cannot be downloaded: "
        f"{reason}",
        f"with a network: qasr models pull {location}; or try qasr with --model demo",
    )


def _verify(path: Path) -> None:
    """Compare a cached file with its name: the hub's cache calls large files by their SHA-256."""
    expected = path.resolve().name
    if len(expected) != hashlib.sha256().digest_size * 2:
        return
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != expected:
            path.resolve().unlink()  # or the next download would take it for good
            raise UnavailableError(f"{path.name} arrived damaged and was removed", "pull it again")


def _with_revision(location: str, revision: str | None) -> str:
    return f"{location}@{revision}" if revision else location


def _looks_like_hub_id(location: str) -> bool:
    return location.count("/") == 1 and not location.startswith(("/", ".", "~"))


def _read(folder: Path, location: str) -> Checkpoint:
    layout = layouts.read(folder)
    weights.files(folder)
    return Checkpoint(folder, f"{_short_name(location)}@{_revision(folder)}", layout.max_chunk_ms)


def _short_name(location: str) -> str:
    folder = Path(location)
    return f"{DEMO}/{folder.name}" if folder.parent == _DEMO_FOLDER else folder.name


def _revision(folder: Path) -> str:
    """Return 12 hex digits: the hub's commit, or a digest of the config and the weights' headers."""
    if folder.parent.name == "snapshots":
        return folder.name[:12]
    digest = hashlib.sha256((folder / "config.json").read_bytes())
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            digest.update(file.read(1 << 20))  # header and first tensors: enough to tell two trainings apart
        digest.update(str(path.stat().st_size).encode())
    return digest.hexdigest()[:12]
