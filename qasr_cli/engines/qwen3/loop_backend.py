"""The models computed by our own loop: encoder and prefill clip by clip, steps of several rows together.

In go features and prompt ids; out come tokens or scores. A clip's result depends on nothing but the clip.
Configurations that `supports` refuses are left to transformers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.nn import functional

from qasr_cli.engines.device import Placement
from qasr_cli.engines.layouts import Kind
from qasr_cli.engines.qwen3 import loading, preloading
from qasr_cli.engines.qwen3.audio import encoder
from qasr_cli.engines.qwen3.audio.conv_front_end import KnownBlocks
from qasr_cli.engines.qwen3.audio.encoder import AudioEncoder
from qasr_cli.engines.qwen3.backend import Continuation
from qasr_cli.engines.qwen3.decoding import language_model
from qasr_cli.engines.qwen3.decoding.answer import Answer
from qasr_cli.engines.qwen3.decoding.language_model import Formats, LanguageModel, Linear
from qasr_cli.engines.qwen3.decoding.logits_processors import LogitsProcessor, NotFiniteError
from qasr_cli.engines.qwen3.decoding.step_loop import Prompt, StepLoop
from qasr_cli.engines.qwen3.loading import OpenModel
from qasr_cli.engines.qwen3.prompts import Features
from qasr_cli.engines.qwen3.tensors.checkpoint import Checkpoint
from qasr_cli.engines.qwen3.tensors.dense_linear import DenseLinear, RowwiseLinear
from qasr_cli.speech.inference import preemption, stopping

# In a step on a CPU, where weights are read once for all rows. 16 would take a sixth off the steps, which is
# too little of a whole clip to be measured, and 0.5 GB more of cache for chunks of 30 s.
_N_ROWS = 8


def supports(config: Any, placement: Placement) -> bool:
    """Whether the loop computes what transformers would for a model's configuration, at this placement."""
    is_format = placement.dtype in (torch.float32, torch.bfloat16)
    return is_format and language_model.supports(config.text_config) and encoder.supports(config.audio_config)


class LoopDecoder:
    """`Decoder` by the step loop.

    Args:
        opened: A recognizer whose configuration is supported.
        placement: Device and number format.
        stop_ids: Tokens that end an answer.
    """

    def __init__(self, opened: OpenModel, placement: Placement, stop_ids: Sequence[int]) -> None:
        self._model = _AudioLanguageModel(opened, placement)
        head = self._model.linears[language_model.HEAD]
        self._embed = self._model.embedding()
        self._loop = StepLoop(self._model.language_model, head, self._embed, stop_ids, _N_ROWS)

    def encode(self, features: Sequence[Features]) -> list[torch.Tensor]:
        """Return the audio embeddings; see `Decoder`."""
        with torch.inference_mode():
            return [self._model.encode(item) for item in features]

    def write(
        self,
        features: Sequence[Features],
        ids: Sequence[Sequence[int]],
        budgets: Sequence[int],
        processors: Sequence[LogitsProcessor],
    ) -> list[Answer]:
        """Return the answers; see `Decoder`."""
        prompts = [
            Prompt(len(row), self._embedder(item, row), budget)
            for item, row, budget in zip(features, ids, budgets, strict=True)
        ]
        with torch.inference_mode():
            return self._loop.run(prompts, processors)

    def write_continuations(
        self, continuations: Sequence[Continuation], processors: Sequence[LogitsProcessor]
    ) -> list[Answer]:
        """Return the answers; see `Decoder`."""
        prompts = [one.prompt(self._embedder(one.features, one.new_ids, one.known)) for one in continuations]
        with torch.inference_mode():
            return self._loop.run(prompts, processors)

    def _embedder(
        self, item: Features, ids: Sequence[int], known: KnownBlocks | None = None
    ) -> Callable[[], torch.Tensor]:
        return lambda: self._model.embeddings(item, ids, self._embed, known)


class LoopClassifier:
    """`Classifier` by one pass of the layers, clip by clip.

    Args:
        opened: An aligner whose configuration is supported.
        placement: Device and number format.
    """

    def __init__(self, opened: OpenModel, placement: Placement) -> None:
        self._model = _AudioLanguageModel(opened, placement)
        self._embed = self._model.embedding()
        has_bias = opened.config.token_classification_bias
        self._head = DenseLinear(
            self._model.tensor("score.weight"), self._model.tensor("score.bias") if has_bias else None
        )

    def slot_scores(
        self, features: Sequence[Features], ids: Sequence[Sequence[int]], slot_id: int
    ) -> list[torch.Tensor]:
        """Return the scores; see `Classifier`."""
        with torch.inference_mode():
            scores = [self._scores(item, row, slot_id) for item, row in zip(features, ids, strict=True)]
        if not all(torch.isfinite(part).all() for part in scores):
            raise NotFiniteError
        return scores

    def _scores(self, item: Features, ids: Sequence[int], slot_id: int) -> torch.Tensor:
        stopping.check()
        preemption.pause()
        hidden = self._model.language_model.prefill(self._model.embeddings(item, ids, self._embed))
        is_slot = torch.tensor(ids, device=hidden.device) == slot_id
        return self._head(hidden[is_slot].to(self._model.dtype)).float().cpu()


class _AudioLanguageModel:
    """An encoder and a language model of one checkpoint."""

    def __init__(self, opened: OpenModel, placement: Placement) -> None:
        config = opened.config
        self._checkpoint = Checkpoint(opened.stored, opened.layout)
        self._device, self.dtype = placement.device, placement.dtype
        n_layers: int = config.text_config.num_hidden_layers
        parts = language_model.products(n_layers)
        if opened.kind is Kind.RECOGNIZER:
            parts = language_model.decoder_products(n_layers, is_tied=config.tie_word_embeddings)
        packed = preloading.packed(opened.stored, tuple(parts)) if placement.int8_bits else None
        activation = torch.float32 if packed else placement.dtype
        self._activation = activation
        self._audio_id: int = config.audio_token_id
        self._encoder = AudioEncoder(
            config.audio_config, self._checkpoint.tensor, placement.dtype, device=placement.device
        )
        self.linears: Mapping[str, Linear] = (
            packed.linears(lambda name: self._fused(parts[name]))
            if packed
            else {name: self._dense(names) for name, names in parts.items()}
        )
        self.language_model = LanguageModel(
            config.text_config,
            self._checkpoint.tensor,
            self.linears.__getitem__,
            lambda n_positions: loading.rotary_angles(config.text_config, n_positions),
            Formats(activation, placement.dtype, placement.device),
        )

    def encode(self, item: Features, known: KnownBlocks | None = None) -> torch.Tensor:
        """Return the audio embeddings `[n_tokens, hidden]` of one clip; see `AudioEncoder.encode`."""
        return self._encoder.encode(item.mel, item.n_frames, known)

    def embeddings(
        self, item: Features, ids: Sequence[int], embed: Linear, known: KnownBlocks | None = None
    ) -> torch.Tensor:
        """Return a prompt's embeddings: the audio's in the place of its placeholders."""
        tokens = torch.tensor(ids, device=self._device)
        hidden = embed(tokens)
        hidden[tokens == self._audio_id] = self.encode(item, known).to(hidden.dtype)
        return hidden

    def packed_embeddings(
        self, items: Sequence[Features], ids: Sequence[Sequence[int]], embed: Linear
    ) -> torch.Tensor:
        """Return the embeddings of several prompts one after the other; their audio is encoded together."""
        tokens = torch.tensor([token for row in ids for token in row], device=self._device)
        hidden = embed(tokens)
        hidden[tokens == self._audio_id] = torch.cat(self._encoder.encode_many(items)).to(hidden.dtype)
        return hidden

    def embedding(self) -> Linear:
        """Return the lookup of token embeddings; on a CPU in the file itself, as few rows are ever read."""
        rows = self._checkpoint.mapped(language_model.TABLE).to(self._device)
        return lambda tokens: functional.embedding(tokens, rows).to(self._activation)

    def tensor(self, name: str) -> torch.Tensor:
        """Return a weight on the device, in the placement's number format."""
        return self._checkpoint.tensor(name).to(self._device, self.dtype)

    def _fused(self, names: Sequence[str]) -> torch.Tensor:
        """Return the weight of a product `[n_out, n_in]`, as stored."""
        parts = [self._checkpoint.tensor(name) for name in names]
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _dense(self, names: Sequence[str]) -> Linear:
        weight = self._fused(names).to(self._device, self.dtype)
        return RowwiseLinear(DenseLinear(weight, is_packed=True), self.dtype)
