"""The interface between the engine and what computes its models.

A backend computes a model on tensors: `transformers_backend` with transformers' classes, `loop_backend` with
our own loop. Both give the same tokens, in bf16 but for near ties. Text, languages and times are the engine's
matter and never theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch

from qasr_cli.engines.qwen3.decoding.logits_processors import LogitsProcessor
from qasr_cli.engines.qwen3.prompts import Features


class Decoder(Protocol):
    """Writes answers with a recognizer's weights."""

    def encode(self, features: Sequence[Features]) -> list[torch.Tensor]:
        """Return the audio embeddings `[n_tokens, hidden]` of each chunk."""

    def write(
        self,
        features: Sequence[Features],
        ids: Sequence[Sequence[int]],
        budgets: Sequence[int],
        processors: Sequence[LogitsProcessor],
    ) -> list[list[int]]:
        """Return the tokens of each chunk's answer, up to its budget; what follows a stop token is undefined.

        Args:
            features: Of each chunk.
            ids: Prompt of each chunk.
            budgets: Maximum tokens of each answer.
            processors: Applied to the scores in order.

        Raises:
            NotFiniteError: The scores are not all numbers.
        """


class Classifier(Protocol):
    """Scores time slots with an aligner's weights."""

    def slot_scores(
        self, features: Sequence[Features], ids: Sequence[Sequence[int]], slot_id: int
    ) -> list[torch.Tensor]:
        """Return `float32[n_slots, n_classes]` for each chunk, of the prompt's tokens that are `slot_id`.

        Raises:
            NotFiniteError: The scores are not all numbers.
        """
