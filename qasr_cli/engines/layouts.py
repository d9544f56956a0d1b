"""The two layouts that Qwen3-ASR models come in, and how transformers loads either.

In goes a model's `config.json`; out come a configuration for transformers' native classes and the names of
the weights in them. Pure dictionaries, no torch. transformers itself reads the original layout (`thinker.*`)
as if it were its own: with default shapes, no weights, and random values without an error.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from qasr_cli.engines import model_files
from qasr_cli.engines.weights import AGAIN
from qasr_cli.errors import UnavailableError

_MODEL_TYPES = ("qwen3_asr", "qwen3_forced_aligner")
_ALIGNER_TYPE = "qwen3_forced_aligner"
_DEFAULT_BIN_MS = 80
_MAX_BIN_MS = 10_000
_MAX_OFFSET_MS = 10_000
_LEAST_CHUNK_MS, _MOST_CHUNK_MS = 1_000, 24 * 3_600_000
_MAX_SHOWN_CHARS = 60
# Others begin with `_` or end in `_implementation`: transformers takes an attention of the form `org/name`
# for code on the hub, and runs it.
_CODE_KEYS = frozenset({"auto_map", "quantization_config", "custom_pipelines"})
_MAX_CHUNK_KEY = "qasr_max_chunk_ms"  # of a model that fails on long chunks
OFFSET_KEY = "qasr_time_offset_ms"  # of an aligner: measured by tools.calibrate_aligner
# Keys that a native configuration copies from an original one. All of them change shapes or results, so none
# is guessed.
_AUDIO_KEYS = (
    *("num_mel_bins", "encoder_layers", "encoder_attention_heads", "encoder_ffn_dim", "d_model"),
    *("n_window", "n_window_infer", "output_dim", "downsample_hidden_size"),
)
_TEXT_KEYS = (
    *("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"),
    *("num_key_value_heads", "head_dim", "rms_norm_eps", "max_position_embeddings"),
)
_AUDIO_OPTIONS = {"activation_function": "gelu", "scale_embedding": False}
_TEXT_OPTIONS = {"hidden_act": "silu", "attention_bias": False}


class Kind(StrEnum):
    """Whether a model recognises or aligns."""

    RECOGNIZER = "recognizer"
    ALIGNER = "aligner"


@dataclass(frozen=True, slots=True)
class Layout:
    """How a model is loaded.

    Attributes:
        kind: Recognizer or aligner.
        config: Arguments of transformers' `Qwen3ASRConfig`.
        renames: Prefixes of the weights' names: in the files, in transformers' classes. The first match
            counts; empty if the names are the same.
        max_chunk_ms: Longest chunk for the model, if its configuration has one.
        bin_ms: Width of an aligner's time classes.
        offset_ms: Measured correction, added to the times of an aligner; otherwise 0.
    """

    kind: Kind
    config: dict[str, Any]
    renames: tuple[tuple[str, str], ...]
    max_chunk_ms: int | None = None
    bin_ms: int = _DEFAULT_BIN_MS
    offset_ms: int = 0

    @property
    def is_original(self) -> bool:
        """Whether the official package wrote it, and not transformers."""
        return bool(self.renames)

    def native_name(self, name: str) -> str:
        """Return the name in transformers' classes of the weight `name` in the file."""
        for old, new in self.renames:
            if name.startswith(old):
                return new + name.removeprefix(old)
        return name


def read(folder: Path) -> Layout:
    """Return the layout of the model in a folder.

    Raises:
        UnavailableError: No readable `config.json`, or one of another architecture.
    """
    try:
        config = model_files.load_json(folder / "config.json")
        if not isinstance(config, dict):
            raise TypeError("not an object")
    except (OSError, ValueError, TypeError) as error:
        raise UnavailableError(
            f"no readable config.json in {folder}", "give a folder with a model", path=folder
        ) from error
    offset_ms = _ms(config.get(OFFSET_KEY, 0), OFFSET_KEY, folder, -_MAX_OFFSET_MS, _MAX_OFFSET_MS)
    layout = replace(layout_of(config, folder), offset_ms=offset_ms)
    return layout if layout.is_original else replace(layout, bin_ms=_native_bin_ms(folder))


def _ms(value: object, key: str, folder: Path, least: int, most: int) -> int:
    """Return a value of a configuration.

    Raises:
        UnavailableError: It is not a whole number in the range.
    """
    if type(value) is not int or not least <= value <= most:
        raise UnavailableError.about(
            folder,
            f"{key} in its configuration is {_short(value)}",
            f"it must be whole milliseconds from {least} to {most}",
        )
    return value


def _short(value: object) -> str:
    try:
        text = repr(value)
    except ValueError:  # a number of thousands of digits
        return type(value).__name__
    return text if len(text) <= _MAX_SHOWN_CHARS else f"{text[:_MAX_SHOWN_CHARS]}..."


def _native_bin_ms(folder: Path) -> int:
    """Return the bin width, which transformers stores with the processor and not in the model's config."""
    try:
        bin_ms = model_files.load_json(folder / "processor_config.json")["timestamp_segment_time"]
    except (OSError, ValueError, LookupError, TypeError):
        return _DEFAULT_BIN_MS
    return _ms(bin_ms, "timestamp_segment_time", folder, 1, _MAX_BIN_MS)


def _max_chunk_ms(config: dict[str, Any], folder: Path) -> int | None:
    value = config.get(_MAX_CHUNK_KEY)
    return None if value is None else _ms(value, _MAX_CHUNK_KEY, folder, _LEAST_CHUNK_MS, _MOST_CHUNK_MS)


def _without_code(config: Any) -> Any:
    """Return a configuration without the keys that name code, on the hub or in the folder, to be run."""
    if isinstance(config, list):
        return [_without_code(value) for value in config]
    if not isinstance(config, dict):
        return config
    return {
        key: _without_code(value)
        for key, value in config.items()
        if not (key.startswith("_") or key.endswith("_implementation") or key in _CODE_KEYS)
    }


def layout_of(config: dict[str, Any], folder: Path) -> Layout:
    """Return the layout that a configuration describes; errors name its folder.

    Raises:
        UnavailableError: Another architecture, or an original configuration that lacks a value.
    """
    model_type = config.get("model_type")
    thinker = config.get("thinker_config")
    if model_type not in _MODEL_TYPES:
        raise UnavailableError(
            f"{folder} is not a Qwen3-ASR model (model_type {_short(model_type)} in its config.json)",
            "known: 0.6b, 1.7b, demo, or a folder or hub id of Qwen3-ASR or Qwen3-ForcedAligner",
            path=folder,
        )
    if isinstance(thinker, dict):
        return _original(config, thinker, folder)
    architectures = config.get("architectures")
    is_aligner = isinstance(architectures, list) and any(
        isinstance(name, str) and "TokenClassification" in name for name in architectures
    )
    kind = Kind.ALIGNER if is_aligner else Kind.RECOGNIZER
    return Layout(kind, _without_code(config), (), _max_chunk_ms(config, folder))


def _original(config: dict[str, Any], thinker: dict[str, Any], folder: Path) -> Layout:
    is_aligner = thinker.get("model_type") == _ALIGNER_TYPE or "classify_num" in thinker
    audio = _taken(thinker, "audio_config", _AUDIO_KEYS, _AUDIO_OPTIONS, folder)
    text = _taken(thinker, "text_config", (*_TEXT_KEYS, "rope_theta"), _TEXT_OPTIONS, folder)
    # Audio has one position axis: the three of a multimodal rotary embedding are always equal.
    text["rope_parameters"] = {"rope_type": "default", "rope_theta": text.pop("rope_theta")}
    native: dict[str, Any] = {
        "model_type": "qwen3_asr",
        "audio_config": audio | {"model_type": "qwen3_asr_encoder"},
        "text_config": text | {"model_type": "qwen3", "tie_word_embeddings": not is_aligner},
        "tie_word_embeddings": not is_aligner,
        "audio_token_id": thinker.get("audio_token_id"),
    }
    bin_ms = config.get("timestamp_segment_time", thinker.get("timestamp_segment_time", _DEFAULT_BIN_MS))
    bin_ms = _ms(bin_ms, "timestamp_segment_time", folder, 1, _MAX_BIN_MS)
    if is_aligner:
        native["num_labels"] = thinker.get("classify_num")
        native["timestamp_token_id"] = config.get("timestamp_token_id", thinker.get("timestamp_token_id"))
    lacking = [key for key, value in native.items() if value is None]
    if lacking:
        raise UnavailableError.about(folder, f"config.json lacks {lacking[0]}", AGAIN)
    renames = (
        ("thinker.audio_tower.proj1.", "model.multi_modal_projector.linear_1."),
        ("thinker.audio_tower.proj2.", "model.multi_modal_projector.linear_2."),
        ("thinker.audio_tower.", "model.audio_tower."),
        ("thinker.model.", "model.language_model."),
        ("thinker.lm_head.", "score." if is_aligner else "lm_head."),
    )
    kind = Kind.ALIGNER if is_aligner else Kind.RECOGNIZER
    return Layout(kind, _without_code(native), renames, _max_chunk_ms(config, folder), bin_ms)


def _taken(
    thinker: dict[str, Any], name: str, keys: tuple[str, ...], options: dict[str, Any], folder: Path
) -> dict[str, Any]:
    """Return the keys that a native configuration needs from an original part; `options` may be absent."""
    part = thinker.get(name)
    given = part if isinstance(part, dict) else {}
    lacking = [key for key in keys if given.get(key) is None]
    if lacking:
        raise UnavailableError.about(folder, f"{name} lacks {lacking[0]}", AGAIN)
    return {key: given[key] for key in keys} | {key: given.get(key, value) for key, value in options.items()}
