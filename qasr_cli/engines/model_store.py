"""The model store: a name on the command line becomes a folder with weights on this machine.

In goes `--model` or `--aligner`; out comes a folder that transformers can load, and an id that identifies the
weights exactly. Never runs code from a model, never opens weights other than safetensors.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from qasr_cli.engines import downloads, hub_adapter, layouts, model_files, weights
from qasr_cli.engines.hub_adapter import HubFailure
from qasr_cli.errors import QasrError, UnavailableError, UsageError, from_os_error
from qasr_cli.operating_system.files import open_regular, read_regular, real_path

logger = logging.getLogger(__name__)

DEMO = "demo"
_DEMO_FOLDER = Path(str(files("qasr_cli"))) / "demo"
_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES)
_MODEL_FILES = ["*.json", "*.safetensors", "*.txt", "*.jinja"]  # of a hub repository: no code, no pickles
_HEX = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_REFUSALS = {
    *(HubFailure.BAD_NAME, HubFailure.NO_REVISION, HubFailure.GATED, HubFailure.NO_REPOSITORY),
}
# Messages for network errors, and when to try again.
_REASONS = {
    HubFailure.OFFLINE: ("HF_HUB_OFFLINE is set", "without it"),
    HubFailure.UNREACHABLE: ("the hub cannot be reached", "with a network"),
    HubFailure.BROKEN: ("the connection to the hub broke", "to resume the download"),
}


@dataclass(frozen=True, slots=True)
class Model:
    """A short name of a model, and its location."""

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
        DEMO, str(_DEMO_FOLDER / "asr"), str(_DEMO_FOLDER / "aligner"), "14 MB", "to try qasr; ships with it"
    ),
)
_BY_NAME = {model.name: model for model in MODELS}
# whisper's sizes, so that scripts for whisper run: the two large ones mean "best", the others "fast".
WHISPER_SIZES = dict.fromkeys(("tiny", "base", "small", "medium"), "0.6b") | dict.fromkeys(
    ("turbo", "large", "large-v1", "large-v2", "large-v3", "large-v3-turbo"), "1.7b"
)


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A folder with a config and weights.

    Attributes:
        id: Identifies the weights exactly; part of every transcript's fingerprint.
        max_chunk_ms: Longest chunk for the model, if its config has one.
    """

    folder: Path
    id: str
    max_chunk_ms: int | None


def named(model: str) -> Model | None:
    """Return the model of a short name (`0.6b`, `1.7b`, `demo`, whisper's sizes), or None."""
    name = model.lower()
    return _BY_NAME.get(WHISPER_SIZES.get(name, name))


def recognizer_location(model: str) -> str:
    """Return the folder or hub id of the recognizer for a value of `--model`."""
    short = named(model)
    return short.recognizer if short else model


def aligner_location(aligner: str, model: str) -> str | None:
    """Return the folder or hub id of the aligner, or None for `none`; `auto` is the model's aligner."""
    if aligner.lower() == "none":
        return None
    short = named(model if aligner.lower() == "auto" else aligner)
    if short:
        return short.aligner
    return _ALIGNER if aligner.lower() == "auto" else aligner


def find(location: str, revision: str | None = None) -> StoredModel | None:
    """Return the model in a folder or in the hub's cache, without using the network.

    Raises:
        UnavailableError: The model is incomplete, or of another architecture.
    """
    folder = Path(location)
    if os.path.isdir(folder):
        if revision:
            raise UsageError(
                f"--revision {revision}: {location} is a folder", "leave --revision out", flag="--revision"
            )
        return _read(folder, location)
    if not _looks_like_hub_id(location):
        return None
    cached = hub_adapter.cached_snapshot(location, revision, _MODEL_FILES)
    return _read(cached, location) if cached and os.path.isfile(cached / "config.json") else None


def cache_folder() -> Path:
    """Return the folder of downloaded models; it need not exist yet."""
    return hub_adapter.cache_folder()


def fetch(location: str, revision: str | None = None, *, is_offline: bool = False) -> StoredModel:
    """Return the model, downloading the files that are not on this machine yet.

    Complete files of an earlier attempt are reused.

    Raises:
        UnavailableError: The model is not on this machine and cannot be downloaded.
        InputOutputError: The disk is full.
    """
    try:
        stored = find(location, revision)
    except UnavailableError:
        if is_offline or not _looks_like_hub_id(location) or os.path.isdir(location):
            raise
        stored = None
    if stored is not None:
        return stored
    if is_offline or not _looks_like_hub_id(location):
        raise not_here(location, revision)
    logger.warning("model %s is not on this machine yet; downloading it once", location)
    return pull(location, revision)


def refuse_missing(location: str, revision: str | None = None, *, is_offline: bool = False) -> None:
    """Refuse a model that `fetch` would neither find nor download; nothing is downloaded.

    Raises:
        UnavailableError: The model is not on this machine, or incomplete.
    """
    if is_offline or not _looks_like_hub_id(location) or os.path.isdir(location):
        fetch(location, revision, is_offline=True)


def _name_of(location: str) -> str:
    """Return the name that pulls a recognizer together with its aligner, if there is one."""
    return next((model.name for model in MODELS if model.recognizer == location), location)


def not_here(location: str, revision: str | None = None) -> UnavailableError:
    """Return the error for a model that is not on this machine, with the command to get it."""
    if _looks_like_hub_id(location):
        return UnavailableError(
            f"model {_with_revision(location, revision)} is not on this machine",
            f"with a network: qasr models pull {_name_of(location)}; or try qasr with --model demo",
        )
    names = ", ".join(model.name for model in MODELS)
    return UnavailableError(
        f"model {location}: no such folder", f"known: {names}; or a folder, or a hub id such as org/name"
    )


def pull(location: str, revision: str | None = None) -> StoredModel:
    """Download a hub repository's model, or its missing files, and verify all files.

    A damaged file, new or old, is downloaded once more.

    Raises:
        UnavailableError: The hub cannot be reached, refuses the model, or sent damaged files.
        InputOutputError: The disk is full.
    """
    if not _looks_like_hub_id(location) or os.path.isdir(location):
        stored = find(location, revision)  # the demo pair or a folder of the user's: nothing to download
        if stored is None:
            raise not_here(location)
        return stored
    try:
        folder, damaged = _download(location, revision)
        if damaged:
            logger.warning("%s of %s is damaged; downloading it again", damaged[0], location)
            folder, damaged = _download(location, revision)
    except Exception as error:
        # All exceptions: the hub library passes on its HTTP client's errors, and that client changes.
        logger.debug("download of %s failed", location, exc_info=True)
        raise _download_error(error, location, revision) from error
    if damaged:
        raise UnavailableError(f"{damaged[0]} arrived damaged and was removed", "pull it again")
    return _read(folder, location)


def _download(location: str, revision: str | None) -> tuple[Path, list[str]]:
    """Download missing files; return the folder, and the damaged files, which were removed from it."""
    downloads.fetch_weights(location, revision)
    folder = hub_adapter.snapshot(location, revision, _MODEL_FILES)
    damaged = _damaged(folder)
    for path in damaged:
        real_path(path).unlink()  # or the next download would keep it
    return folder, [path.name for path in damaged]


def _download_error(error: Exception, location: str, revision: str | None) -> QasrError:
    failure, status = hub_adapter.failure(error)
    if failure in _REFUSALS:
        return _refusal(failure, location, revision)
    if isinstance(error, OSError) and error.errno in _DISK_ERRORS:
        return from_os_error(error, f"downloading {location}")
    model = _with_revision(location, revision)
    reason, when = _REASONS.get(failure, (type(error).__name__, "with a network"))
    if failure is HubFailure.STATUS:
        reason, when = f"the hub answered {status}", "later"
    if _is_whole(location, revision):
        return UnavailableError(
            f"model {model} is on this machine but could not be compared with the hub: {reason}",
            f"it can be used as it is; {when}: qasr models pull {location}",
        )
    return UnavailableError(
        f"model {model} is not on this machine and cannot be downloaded: {reason}",
        f"{when}: qasr models pull {location}; or try qasr with --model demo",
    )


def _refusal(failure: HubFailure, location: str, revision: str | None) -> UnavailableError:
    """Return the error for a model that the hub refuses, as opposed to a hub that does not work."""
    if failure is HubFailure.BAD_NAME:
        return UnavailableError(f"model {location}: no model can have that name", "see: qasr models")
    if failure is HubFailure.NO_REVISION:
        return UnavailableError(
            f"model {location} has no revision {revision}",
            "give a commit, tag or branch of its repository",
            flag="--revision",
        )
    if failure is HubFailure.GATED:
        return UnavailableError(
            f"model {location} needs access rights on the hub, and a token",
            f"ask at {hub_adapter.endpoint()}/{location}, then set HF_TOKEN to a token of that account",
        )
    return UnavailableError(f"the hub has no model {location}", "check the name, or see: qasr models")


def _is_whole(location: str, revision: str | None) -> bool:
    try:
        stored = find(location, revision)
        return stored is not None and not _damaged(stored.folder)
    except (QasrError, OSError):
        return False


def _damaged(folder: Path) -> list[Path]:
    """Return the files of a snapshot whose content does not match the digest in their names."""
    paths = sorted(path for pattern in _MODEL_FILES for path in folder.rglob(pattern))
    blobs = (path for path in paths if os.path.islink(path) and os.path.isfile(path))
    return [path for path in blobs if not _has_its_digest(path)]


def _has_its_digest(path: Path) -> bool:
    """Compare a cached file with its name there: SHA-256 of a large file, git's blob id of a small one."""
    expected = path.readlink().name  # of the first link: a second one may lead to a store with other names
    if not _HEX.fullmatch(expected):
        return True
    with path.open("rb") as file:
        if len(expected) == hashlib.sha256().digest_size * 2:
            return hashlib.file_digest(file, "sha256").hexdigest() == expected
        prefix = b"blob %d\0" % path.stat().st_size
        digest = hashlib.file_digest(file, lambda: hashlib.sha1(prefix, usedforsecurity=False))
    return digest.hexdigest() == expected


def _with_revision(location: str, revision: str | None) -> str:
    return f"{location}@{revision}" if revision else location


def _looks_like_hub_id(location: str) -> bool:
    return location.count("/") == 1 and not location.startswith(("/", ".", "~"))


def _read(folder: Path, location: str) -> StoredModel:
    model_files.refuse_foreign(folder)
    layout = layouts.read(folder)
    weights.files(folder)
    try:
        return StoredModel(folder, f"{_short_name(location)}@{_revision(folder)}", layout.max_chunk_ms)
    except OSError as error:
        raise UnavailableError.about(folder, f"cannot be read: {error.strerror}", weights.AGAIN) from error


def _short_name(location: str) -> str:
    folder = Path(location)
    return f"{DEMO}/{folder.name}" if folder.parent == _DEMO_FOLDER else folder.name


def _revision(folder: Path) -> str:
    """Return 12 hex digits: the hub's commit, or a digest of the config and the weights' headers."""
    if folder.parent.name == "snapshots":
        return folder.name[:12]
    digest = hashlib.sha256(read_regular(folder / "config.json", model_files.MAX_JSON_BYTES))
    for path in sorted(folder.glob("*.safetensors")):
        with os.fdopen(open_regular(path), "rb") as file:
            digest.update(file.read(1 << 20))  # header and first tensors: they differ between two trainings
        digest.update(str(path.stat().st_size).encode())
    return digest.hexdigest()[:12]
