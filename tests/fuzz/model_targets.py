"""Targets that are files of a model's folder, as far as they are read without torch."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from pathlib import Path

from qasr_cli.engines import layouts, model_store, weights
from tests.fuzz.target import Target

_AUDIO = {
    "num_mel_bins": 128, "encoder_layers": 2, "encoder_attention_heads": 2, "encoder_ffn_dim": 64,
    "d_model": 32, "n_window": 50, "n_window_infer": 800, "output_dim": 48, "downsample_hidden_size": 8,
}  # fmt: skip
_TEXT = {
    "vocab_size": 4096, "hidden_size": 48, "intermediate_size": 96, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "rms_norm_eps": 1e-6,
    "max_position_embeddings": 65_536, "rope_theta": 1e6,
}  # fmt: skip
_THINKER = {"audio_config": _AUDIO, "text_config": _TEXT, "audio_token_id": 5}
_NATIVE = {"model_type": "qwen3_asr", "architectures": ["Qwen3ASRForConditionalGeneration"], **_THINKER}


def _config_seeds(tmp: Path) -> Sequence[bytes]:
    original = {"model_type": "qwen3_asr", "thinker_config": _THINKER, "timestamp_segment_time": 80}
    of_qasr = {**_NATIVE, "qasr_max_chunk_ms": 30_000, layouts.OFFSET_KEY: -20}
    return json.dumps(_NATIVE).encode(), json.dumps(original, indent=1).encode(), json.dumps(of_qasr).encode()


def _processor_seeds(tmp: Path) -> Sequence[bytes]:
    return (json.dumps({"timestamp_segment_time": 80, "processor_class": "a"}).encode(),)


def _index_seeds(tmp: Path) -> Sequence[bytes]:
    return (json.dumps({"metadata": {"total_size": 8}, "weight_map": {"a": "model.safetensors"}}).encode(),)


def _weight_seeds(tmp: Path) -> Sequence[bytes]:
    tensors = {
        "a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
        "b": {"dtype": "BF16", "shape": [1, 2], "data_offsets": [8, 12]},
        "__metadata__": {"format": "pt"},
    }
    header = json.dumps(tensors).encode()
    return (struct.pack("<Q", len(header)) + header + bytes(12),)


def _model(path: Path) -> None:
    """Read a folder in which one file is the fuzzed one, and the others are right."""
    folder = path.parent / "model"
    folder.mkdir(exist_ok=True)
    for file in folder.iterdir():
        file.unlink()
    whole = {"config.json": _config_seeds, "model.safetensors": _weight_seeds}
    for name, seeds in whole.items():
        (folder / name).write_bytes(seeds(folder)[0])
    (folder / path.name).write_bytes(path.read_bytes())
    model_store.find(str(folder))
    layout = layouts.read(folder)
    for name in weights.tensors(folder):
        layout.native_name(name)


MODEL_TARGETS = (
    Target("config", ("config.json",), _config_seeds, _model, 4),
    Target("processor", ("processor_config.json",), _processor_seeds, _model, 1),
    Target("index", ("model.safetensors.index.json",), _index_seeds, _model, 2),
    Target("weights", ("model.safetensors",), _weight_seeds, _model, 3),
)
