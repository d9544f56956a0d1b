"""The interface between the engine and what computes its models.

A backend computes a model on tensors: `transformers_backend` with transformers' classes, `loop_backend` with
our own loop. Both give the same tokens, in bf16 but for near ties. Text, languages and times are the engine's
matter and never theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

from qasr_cli.engines.qwen3.audio.conv_front_end import KnownBlocks
from qasr_cli.engines.qwen3.decoding.answer import Answer
from qasr_cli.engines.qwen3.decoding.kv_cache import Prefix
from qasr_cli.engines.qwen3.decoding.logits_processors import LogitsProcessor
from qasr_cli.engines.qwen3.decoding.step_loop import Prompt
from qasr_cli.engines.qwen3.prompts import Features


@dataclass(frozen=True, slots=True)
class Continuation:
    """A prompt whose begin has been computed before, with a draft of its answer.

    Attributes:
        ids: The whole prompt.
        features: The audio behind the prefix, from a window's begin on.
        known: Blocks of these features that were convolved before; may be changed.
        prefix: Keys and values of the prompt's first tokens, if they are known.
        draft: Tokens that the answer may begin with, fewer than the budget and without a stop token.
        n_kept: The answer comes with the keys and values of so many first tokens of the prompt.
        budget: Maximum tokens of the answer.
    """

    ids: Sequence[int]
    features: Features
    known: KnownBlocks
    prefix: Prefix | None
    draft: Sequence[int]
    n_kept: int
    budget: int

    @property
    def new_ids(self) -> list[int]:
        """The tokens to compute: those behind the prefix, and the draft."""
        return [*self.ids[self.prefix.n_tokens if self.prefix else 0 :], *self.draft]

    def prompt(self, embed: Callable[[], torch.Tensor]) -> Prompt:
        """Return the prompt for the loop; `embed` returns the embeddings of `new_ids`."""
        return Prompt(len(self.ids), embed, self.budget, self.prefix, self.draft, self.n_kept)


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
    ) -> list[Answer]:
        """Return each chunk's answer, up to its budget; what follows a stop token is undefined.

        Args:
            features: Of each chunk.
            ids: Prompt of each chunk.
            budgets: Maximum tokens of each answer.
            processors: Applied to the scores in order.

        Raises:
            NotFiniteError: The scores are not all numbers.
        """

    def write_continuations(
        self, continuations: Sequence[Continuation], processors: Sequence[LogitsProcessor]
    ) -> list[Answer]:
        """Return the answer to each prompt: the tokens that `write` would, without the draft too.

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
