"""The greedy decoding loop: rows of a batch take steps together, and a finished row takes the next prompt.

In go prompts as embeddings, each made when a row is free; out come token ids. A prompt is prefilled alone and
its steps do not depend on the other rows, so its tokens depend on nothing but itself.

A prompt may come with a prefix, whose keys and values are known, and with a draft of its answer. The draft
goes through the layers with the prompt and is kept up to the first token that is not the best one, so that
the answer is the same as without it (speculative decoding, arXiv 2211.17192, with a known draft).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

from qasr_cli.engines.qwen3.decoding.answer import Answer, Written
from qasr_cli.engines.qwen3.decoding.kv_cache import CacheShape, KeyValueCache, Prefix
from qasr_cli.engines.qwen3.decoding.language_model import MOST_STEP_ROWS, Formats, Linear
from qasr_cli.engines.qwen3.decoding.logits_processors import LogitsProcessor, NotFiniteError
from qasr_cli.speech.inference import preemption, stopping

_ROW_TOKENS = 1024  # of a clip of 30 s, prompt and longest answer
_SCORED_AT_ONCE = 32  # tokens of a draft: their scores for 151,936 words are 19 MB


class Layers(Protocol):
    """The layers of a language model, with the cache outside of it; see `language_model.LanguageModel`."""

    @property
    def formats(self) -> Formats:
        """Number formats and device."""

    @property
    def cache_shape(self) -> CacheShape:
        """Sizes of its cache."""

    def prefill(self, hidden: torch.Tensor, cache: KeyValueCache, row: int) -> torch.Tensor:
        """Return the normed hidden states `[n_tokens, hidden]` of a whole prompt."""

    def extend(
        self, hidden: torch.Tensor, cache: KeyValueCache, row: int, position: int, n_steps: int = 0
    ) -> torch.Tensor:
        """Return the normed hidden states `[1 + n_steps, hidden]` of a prompt's last token, and of a draft's.

        What is computed is the prompt's end from a position, and the draft behind it.
        """

    def step(
        self, hidden: torch.Tensor, cache: KeyValueCache, positions: torch.Tensor, n_keys: int
    ) -> torch.Tensor:
        """Return the normed hidden states `[n_rows, hidden]` after one more token a row."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt.

    Attributes:
        n_tokens: Its length, with the prefix and without the draft.
        embed: Returns the embeddings `activation[n, hidden]` of what is behind the prefix, with the draft;
            called once, when a row is free.
        budget: Maximum number of tokens to write.
        prefix: Keys and values of its first tokens, if they are known.
        draft: Tokens that the answer may begin with, fewer than the budget and without a stop token.
        n_kept: The answer comes with the keys and values of so many first tokens of the prompt.
    """

    n_tokens: int
    embed: Callable[[], torch.Tensor]
    budget: int
    prefix: Prefix | None = None
    draft: Sequence[int] = ()
    n_kept: int = 0


@dataclass(slots=True)
class _Row:
    """The answer in one row: which prompt it is of, and the position of its next token."""

    prompt: int
    prefix: Prefix | None
    position: int
    written: Written


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
        model: Layers,
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

    def run(self, prompts: Sequence[Prompt], processors: Sequence[LogitsProcessor] = ()) -> list[Answer]:
        """Return the answer to each prompt.

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
        self._answers: dict[int, Answer] = {}

    def finish(self) -> list[Answer]:
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
                return [self._answers[index] for index in range(len(self._prompts))]
            self._step()
            self._release()

    def _start(self, index: int) -> None:
        """Prefill a prompt into the first free row; write what holds of its draft, and one token."""
        prompt, place = self._prompts[index], len(self._rows)
        prefix, position = prompt.prefix, 0
        if prefix is not None:
            self._cache.write_prefix(place, prefix)
            position = prefix.n_tokens
        embeddings, draft = prompt.embed(), prompt.draft
        if position or draft:
            hidden = self._loop.model.extend(embeddings, self._cache, place, position, len(draft))
        else:
            hidden = self._loop.model.prefill(embeddings, self._cache, place)[-1:]
        if prompt.n_kept != position:
            prefix = self._cache.copy_prefix(place, prompt.n_kept)
        written = self._verify(hidden, draft)
        # What the cache holds behind these tokens is never attended to before it is overwritten
        self._rows.append(_Row(index, prefix, prompt.n_tokens + len(written.tokens) - 1, written))

    def _verify(self, hidden: torch.Tensor, draft: Sequence[int]) -> Written:
        """Return the draft up to the first token that is not the best one, and the best one in its place.

        Args:
            hidden: `[n_draft + 1, hidden]`, of the prompt's last token and the draft's.
            draft: The tokens.
        """
        written = Written([], [])
        for begin in range(0, len(hidden), _SCORED_AT_ONCE):
            part = hidden[begin : begin + _SCORED_AT_ONCE]
            best = self._best(part, [draft[: begin + n] for n in range(len(part))])
            written.extend(best)
            holds = [one == other for one, other in zip(best.tokens, draft[begin:], strict=False)]
            if not all(holds):
                return written.first(begin + holds.index(False) + 1)
        return written

    def _step(self) -> None:
        """Write one more token in every row."""
        device = self._loop.model.formats.device
        tokens = torch.tensor([row.written.tokens[-1] for row in self._rows], device=device)
        positions = [row.position for row in self._rows]
        hidden = self._loop.model.step(
            self._loop.embed(tokens),
            self._cache,
            torch.tensor(positions, device=device),
            max(positions) + 1,
        )
        best = self._best(hidden, [row.written.tokens for row in self._rows])
        for row, token, posterior in zip(self._rows, best.tokens, best.posteriors, strict=True):
            row.position += 1
            row.written.tokens.append(token)
            row.written.posteriors.append(posterior)

    def _best(self, hidden: torch.Tensor, written: Sequence[Sequence[int]]) -> Written:
        """Return the best next token for each hidden state, by what is written before it."""
        raw = scores = self._loop.head(hidden).float()
        for process in self._processors:
            scores = process(written, scores)
        tokens = scores.argmax(dim=-1, keepdim=True)  # of NaN, if there is one
        if not torch.isfinite(scores.gather(1, tokens)).all():
            raise NotFiniteError
        # One pass: `logsumexp` would take several, and on 151,936 scores as long as the choice itself.
        posteriors = raw.softmax(dim=-1).gather(1, tokens)
        return Written(tokens[:, 0].tolist(), posteriors[:, 0].tolist())

    def _release(self) -> None:
        """Take the finished rows out; the last row moves into each gap."""
        for index in reversed(range(len(self._rows))):
            row = self._rows[index]
            tokens, posteriors = row.written.tokens, row.written.posteriors
            is_stopped = tokens[-1] in self._loop.stop_ids
            if not is_stopped and len(tokens) < self._prompts[row.prompt].budget:
                continue
            self._answers[row.prompt] = Answer(tokens, row.prefix, posteriors)
            last = self._rows.pop()
            if index < len(self._rows):
                self._cache.copy_row(len(self._rows), index, last.position)
                self._rows[index] = last
