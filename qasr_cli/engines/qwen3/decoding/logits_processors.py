"""Logits processors of the recognizer, called at every decoding step.

In go the tokens that each row of a batch has written so far, without its prompt, and the scores of its next
token; out come the scores, changed or not. Works on token ids only, never on text or languages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

# Tokens written so far, a list a row, and scores `float32[n_rows, n_vocabulary]` -> scores
LogitsProcessor = Callable[[Sequence[Sequence[int]], torch.Tensor], torch.Tensor]


class NotFiniteError(ArithmeticError):
    """A model's scores hold NaN or an infinite value."""


class AllowedTags:
    """Restricts the language tag at the begin of every answer to the allowed ones.

    Args:
        tags: The tokens of each tag, its end mark included.
    """

    def __init__(self, tags: Sequence[Sequence[int]]) -> None:
        self._longest = max(map(len, tags))
        self._next: dict[tuple[int, ...], list[int]] = {}  # by the tokens of a tag so far
        for tag in tags:
            for length, token in enumerate(tag):
                next_tokens = self._next.setdefault(tuple(tag[:length]), [])
                if token not in next_tokens:
                    next_tokens.append(token)

    def __call__(self, written: Sequence[Sequence[int]], scores: torch.Tensor) -> torch.Tensor:
        """Return `float32[n_rows, n_vocabulary]` with all but the tags' next tokens at minus infinity.

        A row with a complete tag is left unchanged.
        """
        masked = scores
        for row, tokens in enumerate(written):
            next_tokens = self._next.get(tuple(tokens)) if len(tokens) < self._longest else None
            if next_tokens is not None:
                masked = scores.clone() if masked is scores else masked
                masked[row] = -torch.inf
                masked[row, next_tokens] = scores[row, next_tokens]
        return masked


class RepetitionPenalty:
    """Makes tokens that an answer has already less likely (CTRL, arXiv 1909.05858).

    Args:
        penalty: Positive scores are divided by it and negative ones multiplied.
    """

    def __init__(self, penalty: float) -> None:
        self._penalty = penalty

    def __call__(self, written: Sequence[Sequence[int]], scores: torch.Tensor) -> torch.Tensor:
        """Return `float32[n_rows, n_vocabulary]` with the penalty for the written tokens of each row."""
        changed = scores.clone()
        for row, tokens in enumerate(written):
            seen = torch.tensor(sorted(set(tokens)), dtype=torch.long, device=scores.device)
            values = scores[row, seen]
            changed[row, seen] = torch.where(values < 0, values * self._penalty, values / self._penalty)
        return changed
