"""The greedy decoding loop: rows of a batch take steps together, and a finished row takes the next prompt.

In go prompts as embeddings, each made when a row is free; out come token ids. A prompt is prefilled alone and
its steps do not depend on the other rows, so its tokens depend on nothing but itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch

from qasr_cli.engines.qwen3.decoding.kv_cache import KeyValueCache
from qasr_cli.engines.qwen3.decoding.language_model import MOST_STEP_ROWS, LanguageModel, Linear
from qasr_cli.engines.qwen3.decoding.logits_processors import LogitsProcessor, NotFiniteError
from qasr_cli.speech.inference import preemption, stopping

_ROW_TOKENS = 1024  # of a clip of 30 s, prompt and longest answer


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt.

    Attributes:
        n_tokens: Its length.
        embed: Returns its embeddings `activation[n_tokens, hidden]`; called once, when a row is free.
        budget: Maximum number of tokens to write.
    """

    n_tokens: int
    embed: Callable[[], torch.Tensor]
    budget: int


@dataclass(slots=True)
class _Row:
    """The answer in one row: which prompt it is of, and the position of its next token."""

    prompt: int
    position: int
    tokens: list[int] = field(default_factory=list)


class StepLoop:
    """Greedy decoding with one language model.

    Args:
        model: The decoder layers.
        head: Returns `[n_rows, n_vocabulary]` scores of hidden states.
        embed: Returns `activation[n_rows, hidden]` of token ids `int64[n_rows]`.
        stop_ids: Tokens that end an answer.
        n_rows: Maximum number of rows that take steps together, if a row has `_ROW_TOKENS`; more if it has
            fewer, up to `MOST_STEP_ROWS`.
    """

    def __init__(
        self,
        model: LanguageModel,
        head: Linear,
        embed: Linear,
        stop_ids: Sequence[int],
        n_rows: int,
    ) -> None:
        self.model = model
        self.head = head
        self.embed = embed
        self.stop_ids = frozenset(stop_ids)
        self.n_rows = n_rows

    def run(self, prompts: Sequence[Prompt], processors: Sequence[LogitsProcessor] = ()) -> list[list[int]]:
        """Return the tokens of each prompt's answer: up to its stop token, which is included, or its budget.

        Raises:
            NotFiniteError: The scores of a step are not all numbers.
        """
        return _Run(self, prompts, processors).finish() if prompts else []


class _Run:
    """The rows, the cache and the answers of one call."""

    def __init__(
        self, loop: StepLoop, prompts: Sequence[Prompt], processors: Sequence[LogitsProcessor]
    ) -> None:
        self._loop = loop
        self._prompts = prompts
        self._processors = processors
        most_tokens = max(prompt.n_tokens + prompt.budget for prompt in prompts)
        n_rows = max(loop.n_rows, min(MOST_STEP_ROWS, loop.n_rows * _ROW_TOKENS // most_tokens))
        self._n_rows = min(n_rows, len(prompts))
        self._cache = KeyValueCache(
            loop.model.cache_shape,
            self._n_rows,
            most_tokens,
            loop.model.formats.cache,
            loop.model.formats.device,
        )
        self._rows: list[_Row] = []
        self._answers: list[list[int]] = [[] for _ in prompts]

    def finish(self) -> list[list[int]]:
        """Return all answers."""
        waiting = iter(range(len(self._prompts)))
        while True:
            stopping.check()
            preemption.pause()
            while len(self._rows) < self._n_rows and (index := next(waiting, None)) is not None:
                preemption.pause()
                self._start(index)
                self._release()
            if not self._rows:
                return self._answers
            self._step()
            self._release()

    def _start(self, index: int) -> None:
        """Prefill a prompt into the first free row, and write its first token."""
        prompt, row = self._prompts[index], _Row(index, self._prompts[index].n_tokens)
        hidden = self._loop.model.prefill(prompt.embed(), self._cache, len(self._rows))
        row.tokens += self._next_tokens(hidden[-1:], [row])
        self._rows.append(row)

    def _step(self) -> None:
        """Write one more token in every row."""
        device = self._loop.model.formats.device
        tokens = torch.tensor([row.tokens[-1] for row in self._rows], device=device)
        positions = [row.position for row in self._rows]
        hidden = self._loop.model.step(
            self._loop.embed(tokens),
            self._cache,
            torch.tensor(positions, device=device),
            max(positions) + 1,
        )
        for row, token in zip(self._rows, self._next_tokens(hidden, self._rows), strict=True):
            row.position += 1
            row.tokens.append(token)

    def _next_tokens(self, hidden: torch.Tensor, rows: Sequence[_Row]) -> list[int]:
        """Return the best next token of each row, from the rows' hidden states."""
        scores = self._loop.head(hidden).float()
        for process in self._processors:
            scores = process([row.tokens for row in rows], scores)
        tokens = scores.argmax(dim=-1, keepdim=True)  # of NaN, if there is one
        if not torch.isfinite(scores.gather(1, tokens)).all():
            raise NotFiniteError
        return tokens[:, 0].tolist()

    def _release(self) -> None:
        """Take the finished rows out; the last row moves into each gap."""
        for index in reversed(range(len(self._rows))):
            row = self._rows[index]
            is_stopped = row.tokens[-1] in self._loop.stop_ids
            if not is_stopped and len(row.tokens) < self._prompts[row.prompt].budget:
                continue
            self._answers[row.prompt] = row.tokens
            last = self._rows.pop()
            if index < len(self._rows):
                self._cache.copy_row(len(self._rows), index, last.position)
                self._rows[index] = last
