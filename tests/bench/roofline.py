"""What a Qwen3-ASR model must compute and read at least, and what a device can at most.

In go a configuration and a batch; out come floating-point operations and bytes. Products and attention are
counted, norms and the like are not: they are below 2 %.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

TOKENS_PER_S = 13
_WINDOW_TOKENS = 104
_BANDS = (64, 32, 16)  # mel bands after each convolution; frames are 50, 25 and 13


def encoder_flop(config: Any, seconds: float) -> float:
    """Return the operations of convolutions, encoder layers and projector."""
    audio, text = config.audio_config, config.text_config
    channels, width = audio.downsample_hidden_size, audio.d_model
    cells = [frames * bands for frames, bands in zip((50, 25, TOKENS_PER_S), _BANDS, strict=True)]
    convolutions = 2 * 9 * channels * (cells[0] + channels * (cells[1] + cells[2]))
    product = 2 * TOKENS_PER_S * channels * _BANDS[2] * width
    layer = 2 * (4 * width**2 + 2 * width * audio.encoder_ffn_dim) + 4 * _WINDOW_TOKENS * width
    projector = 2 * (width**2 + width * text.hidden_size)
    per_token = audio.encoder_layers * layer + projector
    return float(seconds * (convolutions + product + TOKENS_PER_S * per_token))


def layer_parameters(config: Any) -> int:
    """Return the weights of all layers of the language model."""
    text = config.text_config
    heads = (text.num_attention_heads + text.num_key_value_heads) * 2 * text.head_dim
    return int(text.num_hidden_layers * text.hidden_size * (heads + 3 * text.intermediate_size))


def prefill_flop(config: Any, n_tokens: int) -> float:
    """Return the operations of the language model's layers over one prompt."""
    text = config.text_config
    attention = 2 * n_tokens * text.num_attention_heads * text.head_dim * text.num_hidden_layers
    return float(n_tokens * (2 * layer_parameters(config) + attention))


def step_bytes(config: Any, n_rows: int, n_keys: float, item_bytes: int) -> float:
    """Return the bytes that a step reads: weights and head once, keys and values of every row."""
    text = config.text_config
    weights = layer_parameters(config) + text.vocab_size * text.hidden_size
    cached = 2 * text.num_hidden_layers * text.num_key_value_heads * text.head_dim
    return float(item_bytes * (weights + n_rows * n_keys * cached))


@dataclass(frozen=True)
class Peak:
    """What the device reaches in one large product and in one large copy.

    Attributes:
        flop_per_s: Operations a second.
        bytes_per_s: Bytes read and written a second.
    """

    flop_per_s: float
    bytes_per_s: float


def measure_peak(device: torch.device, dtype: torch.dtype) -> Peak:
    """Return the peaks, measured: a data sheet's are never reached."""
    is_cpu = device.type == "cpu"
    n, n_bytes = (512, 2**24) if is_cpu else (8192, 2**32)
    one = torch.randn(n, n, device=device, dtype=dtype)
    source = torch.zeros(n_bytes, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    product_s = best_s(lambda: torch.mm(one, one), device, 10)
    copy_s = best_s(lambda: target.copy_(source), device, 10)
    return Peak(2 * n**3 / product_s, 2 * n_bytes / copy_s)


def best_s(work: Callable[[], object], device: torch.device, n_times: int) -> float:
    """Return the shortest of some runs, the device's work included; one more run comes before."""
    times = []
    for _ in range(n_times + 1):
        _wait(device)
        begin_s = time.perf_counter()
        work()
        _wait(device)
        times.append(time.perf_counter() - begin_s)
    return min(times[1:])


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
