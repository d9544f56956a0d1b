"""The rows of a batch as tensors on the device: which token each writes next, where, and whether it is done.

In go the rows as the host knows them; out come the tokens of the steps since. Everything between is computed
on the device, so that the host waits for it once in several steps. Never allocates after it is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

NOT_FINITE = -1  # in the place of a token whose score is no number


@dataclass(frozen=True, slots=True)
class Row:
    """One row at the begin of a step.

    Attributes:
        token: The last token, whose keys and values are not in the cache yet.
        position: Its position.
        limit: The position after the last token that may be asked for.
    """

    token: int
    position: int
    limit: int


class DeviceRows:
    """Static tensors of `n_rows` rows.

    Attributes:
        tokens: `int64[n_rows]`, the tokens to compute next.
        positions: `int64[n_rows]`, their positions; they stand still once a row is done.
        state: All tensors that a step changes.

    Args:
        n_rows: Maximum rows.
        n_steps: Maximum steps between two looks.
        stop_ids: Tokens that end an answer.
        device: Where the tensors are.
    """

    def __init__(self, n_rows: int, n_steps: int, stop_ids: Sequence[int], device: torch.device) -> None:
        self.tokens = torch.zeros(n_rows, dtype=torch.int64, device=device)
        self.positions = torch.zeros_like(self.tokens)
        self._limits = torch.zeros_like(self.tokens)
        self._is_done = torch.ones(n_rows, dtype=torch.bool, device=device)
        self._written = torch.zeros(n_rows, n_steps, dtype=torch.int64, device=device)
        self._posteriors = torch.zeros(n_rows, n_steps, dtype=torch.float32, device=device)
        self._n_steps = torch.zeros(1, dtype=torch.int64, device=device)
        self._stop_ids = torch.tensor(sorted(stop_ids), dtype=torch.int64, device=device)
        self.state = (
            self.tokens,
            self.positions,
            self._is_done,
            self._written,
            self._posteriors,
            self._n_steps,
        )

    def load(self, rows: Sequence[Row], n_rows: int) -> None:
        """Take over the rows, and idle ones up to `n_rows`; counts steps from 0."""
        idle = [Row(0, 0, 0)] * (n_rows - len(rows))
        table = torch.tensor([(row.token, row.position, row.limit) for row in (*rows, *idle)])
        tokens, positions, limits = table.to(self.tokens.device).unbind(1)
        self.tokens[:n_rows] = tokens
        self.positions[:n_rows] = positions
        self._limits[:n_rows] = limits
        self._is_done[:n_rows] = positions >= limits
        self._n_steps.zero_()

    def advance(self, scores: torch.Tensor, raw: torch.Tensor | None = None) -> None:
        """Write the best token of each of the first rows, and its posterior.

        Args:
            scores: `float32[n_rows, n_vocabulary]`.
            raw: The scores before logits processors, if there were any.
        """
        n_rows = len(scores)
        tokens, positions, is_done = self.tokens[:n_rows], self.positions[:n_rows], self._is_done[:n_rows]
        best = scores.argmax(dim=-1, keepdim=True)  # of NaN, if there is one
        is_number = torch.isfinite(scores.gather(1, best))
        # `torch.where` with a number would copy it from the host, which a graph does not allow.
        self._written[:n_rows].index_copy_(1, self._n_steps, best.masked_fill(~is_number, NOT_FINITE))
        posteriors = (scores if raw is None else raw).softmax(dim=-1).gather(1, best)
        self._posteriors[:n_rows].index_copy_(1, self._n_steps, posteriors)
        self._n_steps.add_(1)
        positions.add_(~is_done)
        is_last = (
            (best == self._stop_ids).any(dim=1) | ~is_number[:, 0] | (positions >= self._limits[:n_rows])
        )
        is_done.logical_or_(is_last)
        tokens.copy_(torch.where(is_done, tokens, best[:, 0]))

    def written(self, n_rows: int, n_steps: int) -> list[list[int]]:
        """Return the tokens that the first rows wrote in the first steps; the host waits here.

        What a row wrote after its end is undefined. `NOT_FINITE` is no token.
        """
        tokens: list[list[int]] = self._written[:n_rows, :n_steps].tolist()
        return tokens

    def posteriors(self, n_rows: int, n_steps: int) -> list[list[float]]:
        """Return the posteriors of the tokens that `written` returns."""
        posteriors: list[list[float]] = self._posteriors[:n_rows, :n_steps].tolist()
        return posteriors
