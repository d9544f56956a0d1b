"""What looks at the logits of every step while the recognizer writes.

In go the ids so far and the scores of the next token, both of a whole batch; out come the scores, changed or
not. Knows token ids only, neither text nor languages.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch


class FiniteWatch:
    """Looks at every step's logits and changes none; a number that is none must never become text."""

    def __init__(self) -> None:
        self._seen: torch.Tensor | None = None

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return the scores as they are; `float32[n_chunks, n_vocabulary]`."""
        now = torch.isfinite(scores).all()
        self._seen = now if self._seen is None else self._seen & now  # stays on the device: no waiting
        return scores

    def is_finite(self) -> bool:
        """Whether every number so far was one."""
        return self._seen is None or bool(self._seen)


class AllowedTags:
    """Keeps the language tag, which every answer begins with, to those that are allowed.

    Args:
        tags: The tokens of each tag, its end mark included.
        n_prompt_tokens: Where the answers begin.
    """

    def __init__(self, tags: Sequence[Sequence[int]], n_prompt_tokens: int) -> None:
        self._n_prompt_tokens = n_prompt_tokens
        self._longest = max(map(len, tags))
        self._next: dict[tuple[int, ...], list[int]] = {}  # by what of a tag is written already
        for tag in tags:
            for length, token in enumerate(tag):
                following = self._next.setdefault(tuple(tag[:length]), [])
                if token not in following:
                    following.append(token)

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return `float32[n_chunks, n_vocabulary]` with all but the tags' next tokens at minus infinity.

        A row whose tag is written is left alone, and after the longest tag all are, at no cost.
        """
        if input_ids.shape[1] - self._n_prompt_tokens >= self._longest:
            return scores
        kept = scores.clone()
        for row, written in enumerate(input_ids[:, self._n_prompt_tokens :].tolist()):
            following = self._next.get(tuple(written))
            if following is not None:
                kept[row] = -torch.inf
                kept[row, following] = scores[row, following]
        return kept
