"""Causal attention of several prompts that lie one after the other, by torch's varlen attention.

In go queries, keys and values of all prompts; out comes what each prompt attends to, within itself. Only
where torch has a kernel for it: elsewhere prompts are computed one at a time.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import cast

import torch

# queries `[n_tokens, n_heads, head_dim]`, keys and values `[n_tokens, n_key_heads, head_dim]` -> like queries
Attention = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
_VARLEN_TYPES = (torch.bfloat16, torch.float16)  # of FlashAttention, which is behind it


def has_kernel(dtype: torch.dtype, device: torch.device) -> bool:
    """Whether torch computes the attention of packed prompts here: on CUDA, in half precision."""
    return device.type == "cuda" and dtype in _VARLEN_TYPES and _has_grouped_varlen()


def of_prompts(lengths: Sequence[int], device: torch.device) -> Attention:
    """Return the attention of prompts of these lengths; `has_kernel` must hold."""
    from torch.nn.attention.varlen import varlen_attn

    longest = max(lengths)
    bounds = torch.tensor([0, *lengths]).cumsum(0).to(device, torch.int32)

    def attend(queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        causal = (-1, 0)  # all keys to the left, none to the right
        attended = varlen_attn(
            queries, keys, values, bounds, bounds, longest, longest, window_size=causal, enable_gqa=True
        )
        return cast(torch.Tensor, attended)  # a tuple only where more is asked for

    return attend


@functools.cache
def _has_grouped_varlen() -> bool:
    """Whether torch's varlen attention is there, with key heads that several query heads share."""
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:
        return False
    return {"window_size", "enable_gqa"} <= inspect.signature(varlen_attn).parameters.keys()
