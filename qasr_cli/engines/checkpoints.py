"""Where weights are: a name on the command line becomes a folder on this machine.

In goes `--model` or `--aligner`; out comes a folder that transformers can load, and an id that names the
weights exactly. Never runs code that comes with a checkpoint, never opens anything but safetensors.
"""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from qasr_cli.errors import UnavailableError

logger = logging.getLogger(__name__)

DEMO = "demo"
_DEMO_FOLDER = Path(str(files("qasr_cli"))) / "demo"
_MAX_CHUNK_KEY = "qasr_max_chunk_ms"  # in config.json of a model that is not good for long chunks
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


def find(location: str) -> Checkpoint | None:
    """Return the checkpoint at a folder or in the hub's cache, without asking the network."""
    folder = Path(location)
    if folder.is_dir():
        return _read(folder, location)
    if not _looks_like_hub_id(location):
        return None
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        cached = snapshot_download(location, local_files_only=True, allow_patterns=_WANTED_FILES)
    except (LocalEntryNotFoundError, HFValidationError, FileNotFoundError):
        return None
    return _read(Path(cached), location) if (Path(cached) / "config.json").is_file() else None


def fetch(location: str) -> Checkpoint:
    """Return the checkpoint, downloading it from the hub when it is not on this machine yet.

    Raises:
        UnavailableError: Not here and not to be had.
    """
    found = find(location)
    if found is not None:
        return found
    if not _looks_like_hub_id(location):
        names = ", ".join(model.name for model in MODELS)
        raise UnavailableError(
            f"model {location}: no such folder",
            f"known: {names}; or a folder, or a hub id such as org/name",
        )
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    logger.warning("model %s is not on this machine yet; downloading it once", location)
    try:
        folder = snapshot_download(location, allow_patterns=_WANTED_FILES, etag_timeout=10)
    except (OSError, ValueError, HfHubHTTPError, RuntimeError) as error:
        # The hub library lets its HTTP client's own errors through, which are RuntimeError or OSError.
        logger.debug("download of %s failed", location, exc_info=True)
        raise UnavailableError(
            f"model {location} is not on this machine and cannot be downloaded ({type(error).__name__})",
            "connect to the network once, give a folder as --model, or try qasr with --model demo",
        ) from error
    return _read(Path(folder), location)


def _looks_like_hub_id(location: str) -> bool:
    return location.count("/") == 1 and not location.startswith(("/", ".", "~"))


def _read(folder: Path, location: str) -> Checkpoint:
    config_path = folder / "config.json"
    try:
        raw = config_path.read_bytes()
        config = json.loads(raw)
    except (OSError, ValueError) as error:
        raise UnavailableError(
            f"model {location}: no readable config.json in {folder}", "give a folder that holds a checkpoint"
        ) from error
    if "thinker_config" in config:
        raise UnavailableError(
            f"model {location} is in the original layout, which transformers would load wrongly",
            "use the same model's -hf repository, for example Qwen/Qwen3-ASR-0.6B-hf",
        )
    if not any(folder.glob("*.safetensors")):
        raise UnavailableError(f"model {location}: no .safetensors weights in {folder}", "download it again")
    return Checkpoint(folder, f"{_short_name(location)}@{_revision(folder, raw)}", config.get(_MAX_CHUNK_KEY))


def _short_name(location: str) -> str:
    folder = Path(location)
    return f"{DEMO}/{folder.name}" if folder.parent == _DEMO_FOLDER else folder.name


def _revision(folder: Path, config: bytes) -> str:
    """Return 12 hex digits: the hub's commit, or a digest of the config and the weights' headers."""
    if folder.parent.name == "snapshots":
        return folder.name[:12]
    digest = hashlib.sha256(config)
    for weights in sorted(folder.glob("*.safetensors")):
        with weights.open("rb") as file:
            digest.update(file.read(1 << 20))  # header and first tensors: enough to tell two trainings apart
        digest.update(str(weights.stat().st_size).encode())
    return digest.hexdigest()[:12]
