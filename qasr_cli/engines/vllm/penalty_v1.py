"""Our repetition penalty in vLLM's model runner 1, which computes on CPUs.

vLLM's own penalty counts the prompt: there, the mark that ends an answer is part of it, so that answers would
not end. Ours counts the answer alone. A module for each of vLLM's interfaces: number 1 is to be removed, and
an import of a missing one is an error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from vllm.v1.sample.logits_processor import AdapterLogitsProcessor

from qasr_cli.engines.qwen3.decoding.logits_processors import RepetitionPenalty

NAME = "qasr_repetition_penalty"  # in a request's `extra_args`


class PenaltyV1(AdapterLogitsProcessor):  # type: ignore[misc] # vLLM ships its types, which are not read here
    """Applies the penalty to the requests that ask for one."""

    def is_argmax_invariant(self) -> bool:
        """Whether the likeliest token stays the same."""
        return False

    def new_req_logits_processor(
        self, params: Any
    ) -> Callable[[list[int], torch.Tensor], torch.Tensor] | None:
        """Return what changes the scores of a new request; None if nothing does."""
        penalty = (params.extra_args or {}).get(NAME)
        if penalty is None:
            return None
        process = RepetitionPenalty(float(penalty))
        return lambda written, scores: process([written], scores[None])[0]
