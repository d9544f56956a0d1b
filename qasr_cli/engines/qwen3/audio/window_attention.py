"""Attention of the audio encoder within windows of 8 s: for one clip, for padded windows, for packed ones.

In go queries, keys and values as the columns of one matrix, `[n_tokens, 3 * d_model]`; out comes
`[n_tokens, d_model]`. A window never attends to another: the models were trained so, and the cost of a long
clip grows with its length and not with the square.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch.nn import functional

Attention = Callable[[torch.Tensor], torch.Tensor]
_VARLEN_TYPES = (torch.bfloat16, torch.float16)  # of FlashAttention, which is behind it


def lengths(n_tokens: int, window_tokens: int) -> list[int]:
    """Return the windows of a clip: full ones, then what is left."""
    n_full, rest = divmod(n_tokens, window_tokens)
    return [window_tokens] * n_full + [rest] * (rest > 0)


def of_clip(n_heads: int, window_tokens: int) -> Attention:
    """Return the attention of one clip: full windows in one call without a mask, the last one apart."""

    def attend(qkv: torch.Tensor) -> torch.Tensor:
        n_full = len(qkv) // window_tokens * window_tokens
        parts = [_attend(part, n_heads, window_tokens) for part in (qkv[:n_full],) if n_full]
        if n_full < len(qkv):
            parts.append(_attend(qkv[n_full:], n_heads, len(qkv) - n_full))
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    return attend


def of_windows(n_heads: int, windows: Sequence[int], like: torch.Tensor) -> Attention:
    """Return the attention of windows of many clips, on the device and for the type of `like`.

    On CUDA in half precision that is torch's varlen attention, which computes no padding; elsewhere the
    windows are padded and their padding is masked.
    """
    if like.device.type == "cuda" and like.dtype in _VARLEN_TYPES:
        try:
            return _packed(n_heads, windows, like.device)
        except ImportError:  # torch before 2.10
            pass
    return _padded(n_heads, windows, like.device)


def _attend(qkv: torch.Tensor, n_heads: int, n_tokens: int) -> torch.Tensor:
    """Return attention within runs of `n_tokens` rows."""
    width = qkv.shape[1] // 3
    query, key, value = qkv.view(-1, n_tokens, 3, n_heads, width // n_heads).permute(2, 0, 3, 1, 4)
    if qkv.dtype == torch.bfloat16 and qkv.device.type == "cpu":
        out = _by_products(query, key, value)
    else:
        out = functional.scaled_dot_product_attention(query, key, value)
    return out.transpose(1, 2).reshape(-1, width)


def _by_products(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """Return attention as two products with a softmax in fp32 between, for `[n, n_heads, n_tokens, width]`.

    On a CPU in bf16 that takes half as long as torch's fused attention, and is as close to fp32.
    """
    scores = torch.matmul(query * query.shape[-1] ** -0.5, key.transpose(2, 3))
    weights = torch.softmax(scores, dim=-1, dtype=torch.float32).to(value.dtype)
    return torch.matmul(weights, value)


def _padded(n_heads: int, windows: Sequence[int], device: torch.device) -> Attention:
    longest = max(windows)
    is_token = torch.arange(longest)[None] < torch.tensor(windows)[:, None]
    slots = is_token.flatten().nonzero().flatten().to(device)
    mask = is_token.to(device)[:, None, None]

    def attend(qkv: torch.Tensor) -> torch.Tensor:
        width = qkv.shape[1] // 3
        padded = qkv.new_zeros(len(windows) * longest, 3 * width).index_copy(0, slots, qkv)
        query, key, value = padded.view(-1, longest, 3, n_heads, width // n_heads).permute(2, 0, 3, 1, 4)
        out = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return out.transpose(1, 2).reshape(-1, width).index_select(0, slots)

    return attend


def _packed(n_heads: int, windows: Sequence[int], device: torch.device) -> Attention:
    from torch.nn.attention.varlen import varlen_attn

    longest = max(windows)
    bounds = torch.tensor([0, *windows]).cumsum(0).to(device, torch.int32)

    def attend(qkv: torch.Tensor) -> torch.Tensor:
        width = qkv.shape[1] // 3
        query, key, value = qkv.view(-1, 3, n_heads, width // n_heads).unbind(1)
        out = varlen_attn(query, key, value, bounds, bounds, longest, longest)
        return cast(torch.Tensor, out).reshape(-1, width)  # a tuple only where more is asked for

    return attend
