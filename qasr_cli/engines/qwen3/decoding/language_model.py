"""Qwen3's decoder layers over weights of our own choice of number format.

In go embeddings; out come hidden states, after a whole prompt or after one token a row. Products are fused
(query, key and value; gate and up), and keys and values go into a static cache. A row's result never depends
on the other rows, if the products' do not.

Method: Qwen3 (arXiv 2505.09388), with the operations and the order of transformers' `modeling_qwen3.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from qasr_cli.engines.cpu.attention_kernel import Heads
from qasr_cli.engines.qwen3.decoding import cached_attention, causal_attention
from qasr_cli.engines.qwen3.decoding.causal_attention import Attention
from qasr_cli.engines.qwen3.decoding.kv_cache import CacheShape, KeyValueCache
from qasr_cli.engines.qwen3.tensors.dense_linear import pad_to_bucket

Linear = Callable[[torch.Tensor], torch.Tensor]  # [n_rows, n_in] -> [n_rows, n_out]
TensorByName = Callable[[str], torch.Tensor]

PREFIX = "model.language_model."
TABLE = f"{PREFIX}embed_tokens.weight"
HEAD = "lm_head.weight"
MOST_STEP_ROWS = 32  # of a CPU: beyond, a step of rows with short clips costs as much for each
_SHARED_NUMBERS = 32_768  # threads share so many (`at::internal::GRAIN_SIZE`); fewer are one's
_MOST_GROUPED_TOKENS = 1536  # scores of 16 heads in float32: 151 MB


def products(n_layers: int) -> dict[str, tuple[str, ...]]:
    """Return the weights of each fused product of the layers, by the product's name."""
    found: dict[str, tuple[str, ...]] = {}
    for layer in range(n_layers):
        attention, mlp = f"{PREFIX}layers.{layer}.self_attn.", f"{PREFIX}layers.{layer}.mlp."
        found[f"{layer}.qkv"] = tuple(f"{attention}{part}_proj.weight" for part in "qkv")
        found[f"{layer}.o"] = (f"{attention}o_proj.weight",)
        found[f"{layer}.gate_up"] = (f"{mlp}gate_proj.weight", f"{mlp}up_proj.weight")
        found[f"{layer}.down"] = (f"{mlp}down_proj.weight",)
    return found


def decoder_products(n_layers: int, *, is_tied: bool) -> dict[str, tuple[str, ...]]:
    """Return the products of a recognizer: those of its layers and its head, which may be the embedding."""
    return products(n_layers) | {HEAD: (TABLE if is_tied else HEAD,)}


def supports(config: Any) -> bool:
    """Whether the layers here compute what transformers' would for this text configuration."""
    is_plain = config.hidden_act == "silu" and not config.attention_bias
    is_causal = all(kind == "full_attention" for kind in config.layer_types)
    # Other kinds of rotary embedding change with the length of the text.
    return is_plain and is_causal and config.rope_parameters["rope_type"] == "default"


@dataclass(frozen=True, slots=True)
class Formats:
    """Number formats of activations, and of keys and values; and the device of all of them."""

    activation: torch.dtype
    cache: torch.dtype
    device: torch.device


@dataclass(frozen=True, slots=True)
class _Layer:
    input_norm: torch.Tensor
    qkv: Linear
    query_norm: torch.Tensor
    key_norm: torch.Tensor
    o: Linear
    mlp_norm: torch.Tensor
    gate_up: Linear
    down: Linear


class LanguageModel:
    """The decoder layers and the final norm of one model.

    Args:
        config: transformers' text configuration; `supports(config)` must hold.
        tensor: Returns a stored weight by its name.
        linear: Returns a product by its name in `products`.
        rotary: Returns `float32[n_positions, head_dim]` cosines and sines for a number of positions.
        formats: Number formats and device.
    """

    def __init__(
        self,
        config: Any,
        tensor: TensorByName,
        linear: Callable[[str], Linear],
        rotary: Callable[[int], tuple[torch.Tensor, torch.Tensor]],
        formats: Formats,
    ) -> None:
        self._n_heads: int = config.num_attention_heads
        self._n_key_heads: int = config.num_key_value_heads
        self._head_dim: int = config.head_dim
        self._eps: float = config.rms_norm_eps
        self.formats = formats
        self._heads = Heads(self._n_heads, self._n_key_heads, self._head_dim, formats.cache)
        self.cache_shape = CacheShape(config.num_hidden_layers, self._n_key_heads, self._head_dim)
        self._rotary = rotary
        self._angles = (torch.empty(0), torch.empty(0))
        self._norm = self._weight(tensor, "norm.weight")
        self._layers = [
            _Layer(
                self._weight(tensor, f"layers.{index}.input_layernorm.weight"),
                linear(f"{index}.qkv"),
                self._weight(tensor, f"layers.{index}.self_attn.q_norm.weight"),
                self._weight(tensor, f"layers.{index}.self_attn.k_norm.weight"),
                linear(f"{index}.o"),
                self._weight(tensor, f"layers.{index}.post_attention_layernorm.weight"),
                linear(f"{index}.gate_up"),
                linear(f"{index}.down"),
            )
            for index in range(config.num_hidden_layers)
        ]

    def _weight(self, tensor: TensorByName, name: str) -> torch.Tensor:
        return tensor(PREFIX + name).to(self.formats.device, self.formats.activation)

    def prefill(self, hidden: torch.Tensor, cache: KeyValueCache | None = None, row: int = 0) -> torch.Tensor:
        """Return the normed hidden states `[n_tokens, hidden]` of a whole prompt.

        Args:
            hidden: `activation[n_tokens, hidden]`, embeddings.
            cache: Gets the keys and values, if there is one.
            row: The cache's row.
        """
        cos, sin = (table[: len(hidden), None] for table in self._angles_up_to(len(hidden)))
        for index, layer in enumerate(self._layers):
            queries, keys, values = self._project(layer, hidden, cos, sin)
            keys, values = keys.transpose(0, 1), values.transpose(0, 1)
            if cache is not None:
                cache.write_prompt(index, row, keys, values)
            attended = self._attend_causally(queries.transpose(0, 1), keys, values)
            hidden = self._finish_layer(layer, hidden, attended.transpose(0, 1).flatten(1))
        return functional.rms_norm(hidden, self._norm.shape, self._norm, self._eps)

    def extend(
        self, hidden: torch.Tensor, cache: KeyValueCache, row: int, position: int, n_steps: int = 0
    ) -> torch.Tensor:
        """Return the normed hidden states `[1 + n_steps, hidden]` of a prompt's last token, and of a draft's.

        The last layer computes no other ones, so the last bits may differ from those of `prefill`.

        Args:
            hidden: `activation[n_tokens, hidden]`, embeddings of the prompt's end and of the draft.
            cache: Holds the keys and values of all tokens before; gets those of these tokens.
            row: The cache's row.
            position: Of the first of the tokens.
            n_steps: Tokens of the draft. They attend as in `step`: that differs in the last bits.
        """
        n_tokens, first = len(hidden), 0  # of the tokens whose hidden states are computed
        n_end, end = n_tokens - n_steps, position + n_tokens
        hidden = pad_to_bucket(hidden)
        last = position + len(hidden)
        cos, sin = (table[position:last, None] for table in self._angles_up_to(last))
        positions = torch.arange(position + n_end, end, device=hidden.device)
        attend = cached_attention.of_step(self._heads, positions, end) if n_steps else None
        for index, layer in enumerate(self._layers):
            projected = self._project(layer, hidden, cos, sin)
            queries, keys, values = (part[:n_tokens] for part in projected)
            cache.write_prompt(index, row, keys.transpose(0, 1), values.transpose(0, 1), position)
            prompt: Sequence[torch.Tensor] = (keys[:n_end].transpose(0, 1), values[:n_end].transpose(0, 1))
            if position:
                known = (part[index, row, :, :position] for part in (cache.keys, cache.values))
                prompt = [
                    torch.cat([old.to(new.dtype), new], dim=1) for old, new in zip(known, prompt, strict=True)
                ]
            if index == len(self._layers) - 1:
                first = n_end - 1
            attended = self._attend_causally(queries[first:n_end].transpose(0, 1), *prompt).transpose(0, 1)
            if attend is not None:
                cached = (part[index, row].expand(n_steps, -1, -1, -1) for part in (cache.keys, cache.values))
                attended = torch.cat([attended, attend(queries[n_end:], *cached)])
            before, attended = hidden[first:n_tokens], attended.flatten(1)
            hidden = self._finish_layer(layer, pad_to_bucket(before), pad_to_bucket(attended))
        wanted = hidden[: n_tokens - first]
        return functional.rms_norm(wanted, self._norm.shape, self._norm, self._eps)

    def prefill_packed(
        self, hidden: torch.Tensor, lengths: Sequence[int], cache: KeyValueCache | None = None, row: int = 0
    ) -> torch.Tensor:
        """Return the normed hidden states `[n_tokens, hidden]` of several prompts, computed as one.

        The products' kernels may depend on the number of tokens, so the last bits may differ from those of
        `prefill`.

        Args:
            hidden: `activation[n_tokens, hidden]`, embeddings of the prompts one after the other.
            lengths: Tokens of each prompt.
            cache: Gets the keys and values, if there is one.
            row: The cache's row of the first prompt; the others follow.
        """
        counts = torch.tensor(lengths)
        positions = torch.cat([torch.arange(n) for n in lengths]).to(hidden.device)
        rows = torch.repeat_interleave(torch.arange(row, row + len(lengths)), counts).to(hidden.device)
        cos, sin = (table[positions, None] for table in self._angles_up_to(max(lengths)))
        attend = self._packed_attention(lengths)
        for index, layer in enumerate(self._layers):
            queries, keys, values = self._project(layer, hidden, cos, sin)
            if cache is not None:
                cache.write_tokens(index, rows, positions, keys, values)
            hidden = self._finish_layer(layer, hidden, attend(queries, keys, values).flatten(1))
        return functional.rms_norm(hidden, self._norm.shape, self._norm, self._eps)

    def prepare_positions(self, n_positions: int) -> None:
        """Compute the angles of so many positions now, so that their tables stay where they are."""
        self._angles_up_to(n_positions)

    def step(
        self, hidden: torch.Tensor, cache: KeyValueCache, positions: torch.Tensor, n_keys: int
    ) -> torch.Tensor:
        """Return the normed hidden states `[n_rows, hidden]` after one more token a row.

        Args:
            hidden: `activation[n_rows, hidden]`, embeddings of the tokens.
            cache: Holds the keys and values of all earlier tokens; gets those of these tokens.
            positions: `int64[n_rows]`, the tokens' positions.
            n_keys: More than the largest position.
        """
        cos, sin = (table[positions, None] for table in self._angles_up_to(n_keys))
        attend = cached_attention.of_step(self._heads, positions, n_keys)
        for index, layer in enumerate(self._layers):
            queries, keys, values = self._project(layer, hidden, cos, sin)
            cache.write_step(index, positions, keys, values)
            attended = attend(queries, cache.keys[index], cache.values[index])
            hidden = self._finish_layer(layer, hidden, attended.flatten(1))
        return functional.rms_norm(hidden, self._norm.shape, self._norm, self._eps)

    def _angles_up_to(self, n_positions: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return cosines and sines of at least so many positions, kept for later calls."""
        if len(self._angles[0]) < n_positions:
            cosines, sines = self._rotary(2 * n_positions)
            place = (self.formats.device, self.formats.activation)
            self._angles = (cosines.to(*place), sines.to(*place))
        return self._angles

    def _project(
        self, layer: _Layer, hidden: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor
    ) -> Sequence[torch.Tensor]:
        """Return queries, keys and values, each `[n_rows, n_heads, head_dim]`, turned to their positions."""
        normed = functional.rms_norm(hidden, layer.input_norm.shape, layer.input_norm, self._eps)
        heads = layer.qkv(normed).view(len(hidden), -1, self._head_dim)
        sizes = [self._n_heads, self._n_key_heads, self._n_key_heads]
        queries, keys, values = torch.split(heads, sizes, dim=1)
        size = (self._head_dim,)
        queries = functional.rms_norm(queries, size, layer.query_norm, self._eps)
        keys = functional.rms_norm(keys, size, layer.key_norm, self._eps)
        return _rotate(queries, cos, sin), _rotate(keys, cos, sin), values

    def _attend_causally(
        self, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor
    ) -> torch.Tensor:
        """Return causal attention over one prompt, all `[n_heads, n_tokens, head_dim]`.

        The queries may be those of the prompt's end alone.
        """
        n_heads, n_tokens, head_dim = queries.shape
        n_keys = keys.shape[1]
        is_grouped = queries.device.type == "cpu" and queries.dtype == torch.bfloat16
        if not is_grouped or n_keys > _MOST_GROUPED_TOKENS:
            group = n_heads // len(keys)
            keys, values = (part.repeat_interleave(group, dim=0) for part in (keys, values))
            mask = None if n_keys == n_tokens else ~_later_keys(n_tokens, n_keys, queries.device)
            attended = functional.scaled_dot_product_attention(
                queries[None], keys[None], values[None], attn_mask=mask, is_causal=mask is None
            )
            return attended[0]
        # A third of the time of a CPU's fused kernel, whose bf16 products use no bf16 units.
        grouped = queries.reshape(len(keys), -1, head_dim) * head_dim**-0.5
        scores = torch.bmm(grouped, keys.transpose(1, 2)).view(n_heads, n_tokens, n_keys)
        later = _later_keys(n_tokens, n_keys, queries.device)
        shares = scores.float().masked_fill_(later, -torch.inf).softmax(-1).to(queries.dtype)
        return torch.bmm(shares.view(len(keys), -1, n_keys), values).view(n_heads, n_tokens, head_dim)

    def _packed_attention(self, lengths: Sequence[int]) -> Attention:
        """Return causal attention of packed prompts; where torch has no kernel for it, one at a time."""
        if causal_attention.has_kernel(self.formats.activation, self.formats.device):
            return causal_attention.of_prompts(lengths, self.formats.device)

        def attend(*packed: torch.Tensor) -> torch.Tensor:
            prompts = zip(
                *(torch.split(part.transpose(0, 1), list(lengths), dim=1) for part in packed), strict=True
            )
            return torch.cat([self._attend_causally(*prompt) for prompt in prompts], dim=1).transpose(0, 1)

        return attend

    def _finish_layer(self, layer: _Layer, hidden: torch.Tensor, attended: torch.Tensor) -> torch.Tensor:
        hidden = hidden + layer.o(attended)
        normed = functional.rms_norm(hidden, layer.mlp_norm.shape, layer.mlp_norm, self._eps)
        return hidden + layer.down(swiglu(layer.gate_up(normed)))


def _later_keys(n_queries: int, n_keys: int, device: torch.device) -> torch.Tensor:
    """Return `bool[n_queries, n_keys]`: the keys behind each query, which is one of the last `n_queries`."""
    is_any = torch.ones(n_queries, n_keys, dtype=torch.bool, device=device)
    return is_any.triu_(1 + n_keys - n_queries)


def swiglu(rows: torch.Tensor) -> torch.Tensor:
    """Return `silu(gate) * up` for `[n_rows, 2 * width]`, the same bits for a row whatever the others are.

    A CPU's threads share many numbers at places that need not be a vector's end; what is left of a vector
    there is computed by another exponential function, which differs in the last bit. So rows that may share a
    step are computed in parts that PyTorch gives to one thread. More rows are one prompt's.
    """
    n_rows, width = rows.shape[0], rows.shape[1] // 2
    if rows.device.type == "cpu" and n_rows <= MOST_STEP_ROWS and n_rows * width >= _SHARED_NUMBERS:
        n_part = max(1, (_SHARED_NUMBERS - 1) // width)
        return torch.cat([_swiglu(part) for part in torch.split(rows, n_part)])
    return _swiglu(rows)


def _swiglu(rows: torch.Tensor) -> torch.Tensor:
    gate, up = rows.chunk(2, dim=-1)
    return functional.silu(gate) * up


def _rotate(heads: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Turn `[n_rows, n_heads, head_dim]` by the angles `[n_rows, 1, head_dim]` (RoPE, arXiv 2104.09864)."""
    low, high = heads.chunk(2, dim=-1)
    return heads * cos + torch.cat((-high, low), dim=-1) * sin
