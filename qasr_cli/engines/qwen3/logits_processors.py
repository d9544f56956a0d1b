"""Logits processors of the recognizer, called at every decoding step.

In go the ids so far and the scores of the next token, both of a whole batch; out come the scores, changed or
not. Works on token ids only, never on text or languages.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from qasr_cli.speech.inference import stopping


class FiniteWatch:
    """Detects NaN in the logits of every step and changes none, so that NaN never becomes text.

    It is also where a computation ends that nobody waits for any more.
    """

    def __init__(self) -> None:
        self._seen: torch.Tensor | None = None

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return the scores as they are; `float32[n_chunks, n_vocabulary]`."""
        stopping.check()
        now = torch.isfinite(scores).all()
        # Stays on the device: no synchronisation
        self._seen = now if self._seen is None else self._seen & now
        return scores

    def is_finite(self) -> bool:
        """Whether all logits so far were numbers."""
        return self._seen is None or bool(self._seen)


class AllowedTags:
    """Restricts the language tag at the begin of every answer to the allowed ones.

    Args:
        tags: The tokens of each tag, its end mark included.
        n_prompt_tokens: Where the answers begin.
    """

    def __init__(self, tags: Sequence[Sequence[int]], n_prompt_tokens: int) -> None:
        self._n_prompt_tokens = n_prompt_tokens
        self._longest = max(map(len, tags))
        self._next: dict[tuple[int, ...], list[int]] = {}  # by the tokens of a tag so far
        for tag in tags:
            for length, token in enumerate(tag):
                next_tokens = self._next.setdefault(tuple(tag[:length]), [])
                if token not in next_tokens:
                    next_tokens.append(token)

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return `float32[n_chunks, n_vocabulary]` with all but the tags' next tokens at minus infinity.

        A row with a complete tag is left unchanged; after the longest tag all rows are, at no cost.
        """
        if input_ids.shape[1] - self._n_prompt_tokens >= self._longest:
            return scores
        masked = scores.clone()
        for row, written in enumerate(input_ids[:, self._n_prompt_tokens :].tolist()):
            next_tokens = self._next.get(tuple(written))
            if next_tokens is not None:
                masked[row] = -torch.inf
                masked[row, next_tokens] = scores[row, next_tokens]
        return masked
