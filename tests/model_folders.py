"""Model folders that the tests write themselves: any shape, both layouts.

In goes a shape, out comes a model of random weights in transformers' layout, with the demo pair's tokenizer.
In goes a folder that transformers wrote; out comes the same model as the official package keeps it
(`thinker.*` weights, a nested configuration, the tokenizer as a vocabulary and merges).
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.numpy import load_file, save_file
from transformers import Qwen3ASRConfig
from transformers.models.qwen3_asr.modeling_qwen3_asr import (
    Qwen3ASRForConditionalGeneration,
    Qwen3ASRForTokenClassification,
)

from qasr_cli.engines import model_store
from qasr_cli.engines.layouts import Kind

# As in the native classes, as in the official package's; the first that fits counts.
_PREFIXES = (
    ("model.multi_modal_projector.linear_1.", "thinker.audio_tower.proj1."),
    ("model.multi_modal_projector.linear_2.", "thinker.audio_tower.proj2."),
    ("model.audio_tower.", "thinker.audio_tower."),
    ("model.language_model.", "thinker.model."),
    ("lm_head.", "thinker.lm_head."),
    ("score.", "thinker.lm_head."),
)
_NAMED_TOKENS = {
    "audio_token": "<|audio_pad|>",
    "audio_bos_token": "<|audio_start|>",
    "audio_eos_token": "<|audio_end|>",
}
_FEATURES = {
    "feature_extractor_type": "WhisperFeatureExtractor", "processor_class": "Qwen3ASRProcessor",
    "chunk_length": 30, "feature_size": 128, "hop_length": 160, "n_fft": 400, "n_samples": 480_000,
    "nb_max_frames": 3000, "padding_side": "right", "padding_value": 0.0, "return_attention_mask": True,
    "sampling_rate": 16_000, "dither": 0.0,
}  # fmt: skip
CHAT_TEMPLATE = (
    "{% for m in messages %}{% if m.role == 'system' %}<|im_start|>system\n{{ m.content }}<|im_end|>\n"
    "{% else %}<|im_start|>user\n<|audio_start|><|audio_pad|><|audio_end|><|im_end|>\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@dataclass(frozen=True)
class Shape:
    """The sizes of a model; the rest of its configuration is the family's.

    Attributes:
        encoder: Layers, width, heads and inner width of the audio encoder.
        text: Layers, width, inner width, heads, key-value heads and head width of the text model.
        channels: Of the encoder's convolutions.
        n_words: Size of the vocabulary.
        n_classes: Of an aligner's times.
    """

    encoder: tuple[int, int, int, int]
    text: tuple[int, int, int, int, int, int]
    channels: int
    n_words: int
    n_classes: int = 5000


TINY = Shape(encoder=(2, 32, 2, 64), text=(2, 48, 96, 4, 2, 16), channels=8, n_words=4096, n_classes=500)
REAL_ASR_06B = Shape((18, 896, 14, 3584), (28, 1024, 3072, 16, 8, 128), 480, 151_936)
REAL_ASR_17B = Shape((24, 1024, 16, 4096), (28, 2048, 6144, 16, 8, 128), 480, 151_936)
REAL_ALIGNER = Shape((24, 1024, 16, 4096), (28, 1024, 3072, 16, 8, 128), 480, 152_064)


_ID_KEYS = ("audio_token_id", "timestamp_token_id", "pad_token_id", "eos_token_id")


def configuration(kind: Kind, shape: Shape) -> Qwen3ASRConfig:
    """Return the configuration of a model of this shape, with the demo pair's token ids."""
    demo = json.loads((_demo(kind) / "config.json").read_text("utf-8"))
    layers, width, heads, inner = shape.encoder
    text_layers, text_width, text_inner, text_heads, kv_heads, head_width = shape.text
    labels = {"num_labels": shape.n_classes} if kind is Kind.ALIGNER else {}
    return Qwen3ASRConfig(
        audio_config={
            "model_type": "qwen3_asr_encoder", "encoder_layers": layers, "d_model": width,
            "encoder_attention_heads": heads, "encoder_ffn_dim": inner, "output_dim": text_width,
            "downsample_hidden_size": shape.channels,
        },
        text_config={
            "model_type": "qwen3", "vocab_size": shape.n_words, "hidden_size": text_width,
            "intermediate_size": text_inner, "num_hidden_layers": text_layers,
            "num_attention_heads": text_heads, "num_key_value_heads": kv_heads, "head_dim": head_width,
            "max_position_embeddings": 65_536, "rms_norm_eps": 1e-6, "tie_word_embeddings": True,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1_000_000.0},
        },
        **{name: demo[name] for name in _ID_KEYS},
        **labels,
    )  # fmt: skip


def write_random(folder: Path, kind: Kind, shape: Shape, seed: int = 1) -> Path:
    """Write a model of random float32 weights in transformers' layout; returns the folder."""
    torch.manual_seed(seed)
    of: Any = Qwen3ASRForTokenClassification if kind is Kind.ALIGNER else Qwen3ASRForConditionalGeneration
    of(configuration(kind, shape)).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "processor_config.json"):
        shutil.copyfile(_demo(kind) / name, folder / name)
    return folder


def _demo(kind: Kind) -> Path:
    known = model_store.named(model_store.DEMO)
    assert known is not None
    return Path(known.aligner if kind is Kind.ALIGNER else known.recognizer)


def write_original(native: Path, original: Path) -> Path:
    """Write the model in `native` to `original` as the official package would have it.

    Returns:
        `original`.
    """
    original.mkdir(parents=True, exist_ok=True)
    config = json.loads((native / "config.json").read_text("utf-8"))
    is_aligner = "TokenClassification" in config["architectures"][0]
    weights: dict[str, Any] = {}
    for path in sorted(native.glob("*.safetensors")):
        for name, value in load_file(path).items():
            weights[original_name(name)] = value
    if not is_aligner:  # the official files carry the tied head a second time
        weights["thinker.lm_head.weight"] = weights["thinker.model.embed_tokens.weight"].copy()
    save_file(weights, original / "model.safetensors", metadata={"format": "pt"})
    bin_ms = json.loads((native / "processor_config.json").read_text("utf-8")).get(
        "timestamp_segment_time", 80
    )
    tokenizer = json.loads((native / "tokenizer.json").read_text("utf-8"))
    write_original_settings(original, config, tokenizer, bin_ms if is_aligner else None)
    return original


def write_original_settings(
    folder: Path, config: dict[str, Any], tokenizer: dict[str, Any], bin_ms: int | None
) -> None:
    """Write all files of the original layout but the weights.

    Args:
        folder: Where they go.
        config: As transformers' classes have it.
        tokenizer: The content of a `tokenizer.json`.
        bin_ms: Width of an aligner's time classes; None for a recognizer.
    """
    _write(folder / "config.json", _original_config(config, bin_ms))
    _write(folder / "preprocessor_config.json", _FEATURES)
    _write(folder / "chat_template.json", {"chat_template": CHAT_TEMPLATE})
    _write_tokenizer(tokenizer, folder)


def original_name(name: str) -> str:
    """Return the original layout's name of a weight in transformers' classes."""
    return next(old + name.removeprefix(new) for new, old in _PREFIXES if name.startswith(new))


def _original_config(config: dict[str, Any], bin_ms: int | None) -> dict[str, Any]:
    text, audio = dict(config["text_config"]), dict(config["audio_config"])
    half = text["head_dim"] // 2
    rope = text.pop("rope_parameters")
    text.pop("layer_types", None)
    text |= {
        "model_type": "qwen3_asr_text",
        "tie_word_embeddings": bin_ms is None,
        "rope_theta": rope["rope_theta"],
        "rope_scaling": {
            "rope_type": "default",
            "mrope_interleaved": True,
            "mrope_section": [half - 2 * (half // 3), half // 3, half // 3],
        },
    }
    audio |= {"model_type": "qwen3_asr_audio_encoder", "max_source_positions": 1500, "conv_chunksize": 500}
    audio.pop("max_position_embeddings", None)
    audio_id = config["audio_token_id"]
    ids = {
        "audio_token_id": audio_id,
        "audio_start_token_id": config.get("audio_start_token_id", audio_id + 1),
    }
    thinker: dict[str, Any] = {
        "model_type": "qwen3_asr_thinker",
        "audio_config": audio,
        "text_config": text,
        **ids,
    }
    whole: dict[str, Any] = {
        "architectures": ["Qwen3ASRForConditionalGeneration"],
        "model_type": "qwen3_asr",
        "support_languages": ["English", "Korean", "Spanish"],
        "thinker_config": thinker,
    }
    if bin_ms is not None:
        thinker |= {"model_type": "qwen3_forced_aligner", "classify_num": len(config["id2label"])}
        whole |= {"timestamp_token_id": config["timestamp_token_id"], "timestamp_segment_time": bin_ms}
    whole |= {key: value for key, value in config.items() if key.startswith("qasr_")}
    return whole


def _write_tokenizer(tokenizer: dict[str, Any], folder: Path) -> None:
    """Write one `tokenizer.json` as the older three files."""
    _write(folder / "vocab.json", tokenizer["model"]["vocab"])
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in tokenizer["model"]["merges"]]
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", "utf-8")
    added = {
        str(token["id"]): {k: v for k, v in token.items() if k != "id"} for token in tokenizer["added_tokens"]
    }
    special = [token["content"] for token in tokenizer["added_tokens"] if token["special"]]
    _write(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "Qwen2Tokenizer",
            "processor_class": "Qwen3ASRProcessor",
            "added_tokens_decoder": added,
            "additional_special_tokens": special,
            "model_max_length": 131_072,
            "eos_token": "<|im_end|>",
            "pad_token": "<|endoftext|>",
            "extra_special_tokens": _NAMED_TOKENS,
        },
    )


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")
