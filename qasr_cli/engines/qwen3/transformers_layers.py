"""A language model of transformers' classes as layers whose cache is ours.

In go embeddings and the cache; out come hidden states, and the cache has the new keys and values.
transformers appends new keys and values to those before, so each call gets a view of the cache, and only what
is new is written back. That moves more memory than `language_model` does, and works with all configurations.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import DynamicCache

from qasr_cli.engines.device import Placement
from qasr_cli.engines.qwen3.decoding.kv_cache import CacheShape, KeyValueCache
from qasr_cli.engines.qwen3.decoding.language_model import Formats


class TransformersLayers:
    """`Layers` of transformers' text model.

    Attributes:
        formats: Number formats and device.
        cache_shape: Sizes of its cache.

    Args:
        model: The text model, with its final norm and without a head.
        placement: Device and number format.
    """

    def __init__(self, model: Any, placement: Placement) -> None:
        self._model = model
        config = model.config
        self.formats = Formats(placement.dtype, placement.dtype, placement.device)
        self.cache_shape = CacheShape(config.num_hidden_layers, config.num_key_value_heads, config.head_dim)

    def prefill(self, hidden: torch.Tensor, cache: KeyValueCache, row: int) -> torch.Tensor:
        """Return the normed hidden states of a prompt; see `language_model.LanguageModel.prefill`."""
        return self._extend(hidden, cache, row, 0)

    def extend(
        self, hidden: torch.Tensor, cache: KeyValueCache, row: int, position: int, n_steps: int = 0
    ) -> torch.Tensor:
        """Return hidden states of a prompt's end and a draft; see `language_model.LanguageModel.extend`."""
        return self._extend(hidden, cache, row, position)[-1 - n_steps :]

    def _extend(self, hidden: torch.Tensor, cache: KeyValueCache, row: int, position: int) -> torch.Tensor:
        known = self._view(cache, slice(row, row + 1), position)
        positions = torch.arange(position, position + len(hidden), device=hidden.device)[None]
        found = self._pass(hidden[None], known, positions, None)[0]
        for index, layer in enumerate(known.layers):
            cache.write_prompt(
                index, row, layer.keys[0, :, position:], layer.values[0, :, position:], position
            )
        return found

    def step(
        self, hidden: torch.Tensor, cache: KeyValueCache, positions: torch.Tensor, n_keys: int
    ) -> torch.Tensor:
        """Return the normed hidden states after a token a row; see `language_model.LanguageModel.step`.

        The new keys are behind those of the longest row; a mask leaves out what is between.
        """
        n_before = n_keys - 1
        known = self._view(cache, slice(0, len(hidden)), n_before)
        mask = torch.arange(n_keys, device=hidden.device) < positions[:, None]
        mask[:, n_before] = True
        found = self._pass(hidden[:, None], known, positions[:, None], mask.long())[:, 0]
        for index, layer in enumerate(known.layers):
            cache.write_step(index, positions, layer.keys[:, :, n_before], layer.values[:, :, n_before])
        return found

    def _pass(
        self, hidden: torch.Tensor, known: DynamicCache, positions: torch.Tensor, mask: torch.Tensor | None
    ) -> torch.Tensor:
        out = self._model(
            inputs_embeds=hidden,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=known,
            use_cache=True,
        )
        found: torch.Tensor = out.last_hidden_state
        return found

    def _view(self, cache: KeyValueCache, rows: slice, n_tokens: int) -> DynamicCache:
        """Return the first tokens of rows as a cache of transformers."""
        known = DynamicCache()
        if n_tokens:
            for index, (keys, values) in enumerate(zip(cache.keys, cache.values, strict=True)):
                known.update(keys[rows, :, :n_tokens], values[rows, :, :n_tokens], index)
        return known
