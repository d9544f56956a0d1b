"""Attention of one token a row to the keys and values of all tokens so far.

In go a step's positions; out comes a function for one layer after the other. On a CPU it is LLVM's kernel,
where `attention_kernel` finds one, and PyTorch's elsewhere. A row's result never depends on the other rows.
"""

from __future__ import annotations

import torch
from torch.nn import functional

from qasr_cli.engines.cpu import attention_kernel
from qasr_cli.engines.cpu.attention_kernel import Attention, Heads
from qasr_cli.engines.qwen3.decoding.kv_cache import round_up


def of_step(heads: Heads, positions: torch.Tensor, n_keys: int) -> Attention:
    """Return a step's attention.

    Args:
        heads: Sizes of a layer's attention, and the cache's type.
        positions: `int64[n_rows]`, the tokens' positions; a row attends to them and all before.
        n_keys: More than the largest position.
    """
    kernel = attention_kernel.find(heads) if positions.device.type == "cpu" else None
    return kernel.at(positions, n_keys) if kernel else of_pytorch(heads, positions, n_keys)


def of_pytorch(heads: Heads, positions: torch.Tensor, n_keys: int) -> Attention:
    """Return a step's attention by PyTorch; see `of_step`.

    The query heads of a group are rows of one attention, so that their keys are read once.
    """
    width, n_rows, group = round_up(n_keys), len(positions), heads.n_heads // heads.n_key_heads
    is_later = torch.arange(width, device=positions.device) > positions[:, None]
    # Also where no key is masked: with and without a mask attention takes different kernels.
    mask = torch.zeros(is_later.shape, dtype=heads.cache, device=positions.device)
    mask = mask.masked_fill_(is_later, -torch.inf)[:, None, None].expand(-1, heads.n_key_heads, group, -1)

    def attend(queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        attended = functional.scaled_dot_product_attention(
            queries.reshape(n_rows, heads.n_key_heads, group, heads.head_dim).to(heads.cache),
            keys[:n_rows, :, :width],
            values[:n_rows, :, :width],
            attn_mask=mask,
        )
        return attended.to(queries.dtype).reshape(queries.shape)

    return attend
