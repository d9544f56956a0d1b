"""The models computed by our own loop on a GPU: prompts packed, steps without waiting for the host.

In go features and prompt ids; out come tokens or scores, those of `loop_backend` up to rounding. Where torch
has no kernel for packed prompts, they are computed one at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from qasr_cli.engines.device import Placement
from qasr_cli.engines.qwen3.decoding.answer import Answer
from qasr_cli.engines.qwen3.decoding.device_loop import DeviceLoop, PromptPool, most_packed_tokens
from qasr_cli.engines.qwen3.decoding.logits_processors import LogitsProcessor, NotFiniteError
from qasr_cli.engines.qwen3.loading import OpenModel
from qasr_cli.engines.qwen3.loop_backend import LoopClassifier, LoopDecoder
from qasr_cli.engines.qwen3.prompts import Features
from qasr_cli.speech.inference import stopping

_MOST_ROWS = 256  # at the 0.6B shapes an H200 gains 4 % from 128 rows to 256, by its bandwidth


class DeviceDecoder(LoopDecoder):
    """`Decoder` by the device's loop.

    Attributes:
        loop: The loop.

    Args:
        opened: A recognizer whose configuration is supported.
        placement: Device and number format.
        stop_ids: Tokens that end an answer.
        n_rows: Maximum rows of a step.
    """

    def __init__(
        self, opened: OpenModel, placement: Placement, stop_ids: Sequence[int], n_rows: int | None = None
    ) -> None:
        super().__init__(opened, placement, stop_ids)
        n_rows = min(n_rows or _MOST_ROWS, _MOST_ROWS)
        self.loop = DeviceLoop(self._model.language_model, self._loop.head, self._embed, stop_ids, n_rows)

    def write(
        self,
        features: Sequence[Features],
        ids: Sequence[Sequence[int]],
        budgets: Sequence[int],
        processors: Sequence[LogitsProcessor],
    ) -> list[Answer]:
        """Return the answers; see `Decoder`."""

        def embed(group: Sequence[int]) -> torch.Tensor:
            if len(group) == 1:
                return self._model.embeddings(features[group[0]], ids[group[0]], self._embed)
            return self._model.packed_embeddings(
                [features[prompt] for prompt in group], [ids[prompt] for prompt in group], self._embed
            )

        with torch.inference_mode():
            return self.loop.run(PromptPool([len(row) for row in ids], budgets, embed), processors)


class DeviceClassifier(LoopClassifier):
    """`Classifier` by one pass over packed prompts.

    Attributes:
        most_packed_tokens: Prompts are computed together up to so many tokens; 0 for one at a time.

    Args:
        opened: An aligner whose configuration is supported.
        placement: Device and number format.
    """

    def __init__(self, opened: OpenModel, placement: Placement) -> None:
        super().__init__(opened, placement)
        self.most_packed_tokens = most_packed_tokens(self._model.language_model.formats)

    def slot_scores(
        self, features: Sequence[Features], ids: Sequence[Sequence[int]], slot_id: int
    ) -> list[torch.Tensor]:
        """Return the scores; see `Classifier`."""
        scores: list[torch.Tensor] = []
        with torch.inference_mode():
            for begin, end in _groups([len(row) for row in ids], self.most_packed_tokens):
                stopping.check()
                scores += self._packed_scores(features[begin:end], ids[begin:end], slot_id)
        if not all(torch.isfinite(part).all() for part in scores):
            raise NotFiniteError
        return scores

    def _packed_scores(
        self, features: Sequence[Features], ids: Sequence[Sequence[int]], slot_id: int
    ) -> list[torch.Tensor]:
        if len(ids) == 1:
            return [self._scores(features[0], ids[0], slot_id)]
        hidden = self._model.packed_embeddings(features, ids, self._embed)
        hidden = self._model.language_model.prefill_packed(hidden, [len(row) for row in ids])
        is_slot = torch.tensor([token == slot_id for row in ids for token in row])
        scores = self._head(hidden[is_slot.to(hidden.device)]).float().cpu()
        return list(torch.split(scores, [sum(token == slot_id for token in row) for row in ids]))


def _groups(lengths: Sequence[int], most_tokens: int) -> Iterator[tuple[int, int]]:
    """Yield begin and end of runs of prompts, each of one prompt or of at most so many tokens."""
    begin, n_tokens = 0, 0
    for index, length in enumerate(lengths):
        if index > begin and n_tokens + length > most_tokens:
            yield begin, index
            begin, n_tokens = index, 0
        n_tokens += length
    if lengths:
        yield begin, len(lengths)
