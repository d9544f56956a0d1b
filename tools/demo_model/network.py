"""The two tiny networks, in transformers' own classes, and how they are written to disk.

In: a tokenizer. Out: ``Qwen3ASRForConditionalGeneration`` and ``Qwen3ASRForTokenClassification`` with the
real models' shape rules (13 tokens a second, windows of 8 s, 128 mel bands) but few and narrow layers.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import torch
from transformers import (
    AttentionInterface,
    AttentionMaskInterface,
    GenerationConfig,
    PreTrainedModel,
    Qwen2Tokenizer,
    Qwen3ASRConfig,
    Qwen3ASRForConditionalGeneration,
    Qwen3ASRForTokenClassification,
    Qwen3ASRProcessor,
)
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from tools.demo_model.tokens import N_CLASSES, PromptIds

WIDTH = 160
TEXT_HEADS = 5
TEXT_FFN = 5 * WIDTH  # wider than the encoder's: how thousands of words sound is kept here
# The recogniser's text model first hears, then writes: at the sound's places its lower layers gather phonemes
# to pieces of text, from which the upper two write. The aligner has nothing to write.
HEARING_LAYERS = 3
ASR_LAYERS = HEARING_LAYERS + 2
ALIGNER_LAYERS = 3
ALIGNER_FFN = 3 * WIDTH
# Which attention heads are taught where to look, as (layer from the end, head): where the token just written
# was spoken, where the next one is, and where in the context the next one is spelt.
GUIDED = ((2, 0), (1, 0), (1, 1))


def configuration(tokenizer: Qwen2Tokenizer, text_layers: int, text_ffn: int) -> Qwen3ASRConfig:
    """The pair's common configuration; only widths and depths differ from the real models'."""
    ids = PromptIds(tokenizer)
    return Qwen3ASRConfig(
        audio_config={
            "model_type": "qwen3_asr_encoder", "encoder_layers": 4, "d_model": WIDTH, "output_dim": WIDTH,
            "encoder_attention_heads": 4, "encoder_ffn_dim": 3 * WIDTH, "downsample_hidden_size": 32,
        },
        text_config={
            "model_type": "qwen3", "vocab_size": len(tokenizer), "hidden_size": WIDTH,
            "num_hidden_layers": text_layers,
            "intermediate_size": text_ffn, "head_dim": WIDTH // TEXT_HEADS,
            "num_attention_heads": TEXT_HEADS, "num_key_value_heads": TEXT_HEADS,
            "max_position_embeddings": 2048, "tie_word_embeddings": True,
            # Clips are short: a small base keeps more of the rotary bands inside 20 s.
            "rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0},
            "bos_token_id": None, "eos_token_id": ids.end, "pad_token_id": ids.pad,
        },
        audio_token_id=ids.audio,
        timestamp_token_id=ids.timestamp,
        pad_token_id=ids.pad,
        eos_token_id=[ids.pad, ids.end],
    )  # fmt: skip


def _watched_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    *rest: object,
    **more: object,
) -> tuple[torch.Tensor, None]:
    """Plain attention that also keeps the guided heads' rotated queries and keys, for the guidance loss."""
    module.seen = {head: (query[:, head], key[:, head]) for head in module.guided}
    return sdpa_attention_forward(module, query, key, value, *rest, **more)


def watch_attention(model: PreTrainedModel) -> Callable[[], list[tuple[torch.Tensor, torch.Tensor]]]:
    """Make the text model keep what :func:`_watched_attention` keeps.

    Returns:
        A function that gives, after a forward pass, each guided head's query and key,
        float[batch, length, head].
    """
    AttentionInterface.register("watched", _watched_attention)
    AttentionMaskInterface.register("watched", sdpa_mask)
    text_model = model.model.language_model
    text_model.config._attn_implementation = "watched"
    for number, layer in enumerate(text_model.layers):
        from_end = len(text_model.layers) - number
        layer.self_attn.guided = [head for layer_from_end, head in GUIDED if layer_from_end == from_end]
    return lambda: [text_model.layers[-layer].self_attn.seen[head] for layer, head in GUIDED]


def new_asr(tokenizer: Qwen2Tokenizer) -> Qwen3ASRForConditionalGeneration:
    """An untrained recogniser."""
    model = Qwen3ASRForConditionalGeneration(configuration(tokenizer, ASR_LAYERS, TEXT_FFN))
    model.generation_config = GenerationConfig(
        eos_token_id=list(model.config.eos_token_id), pad_token_id=model.config.pad_token_id, do_sample=False,
        max_new_tokens=256,
    )  # fmt: skip
    return model


def new_aligner(tokenizer: Qwen2Tokenizer) -> Qwen3ASRForTokenClassification:
    """An untrained aligner: the recogniser's body and a head of N_CLASSES times."""
    config = configuration(tokenizer, ALIGNER_LAYERS, ALIGNER_FFN)
    config.num_labels = N_CLASSES
    model = Qwen3ASRForTokenClassification(config)
    model.dropout.p = 0.0
    return model


def save(model: PreTrainedModel, processor: Qwen3ASRProcessor, folder: Path, max_chunk_ms: int) -> None:
    """Write a checkpoint in fp16 with its processor, and the longest chunk it is good for in config.json."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in model.modules():
        if getattr(getattr(part, "config", None), "_attn_implementation", "") == "watched":
            part.config._attn_implementation = "sdpa"
    model.to(torch.float16).save_pretrained(folder)
    processor.save_pretrained(folder)
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["qasr_max_chunk_ms"] = max_chunk_ms
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    for file in folder.iterdir():
        file.chmod(0o644)
