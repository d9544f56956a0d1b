"""The greedy decoding loop for a device that is not the CPU: the host looks once in several steps.

In go prompts, whose embeddings are made when rows are free; out come token ids, those of `step_loop`. Cache
and tensors of a step stay on the device as long as the loop, so that steps can be captured as graphs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from qasr_cli.engines.qwen3.decoding import captured_step, causal_attention
from qasr_cli.engines.qwen3.decoding.answer import Answer, Written
from qasr_cli.engines.qwen3.decoding.captured_step import CapturedStep
from qasr_cli.engines.qwen3.decoding.device_rows import NOT_FINITE, DeviceRows, Row
from qasr_cli.engines.qwen3.decoding.kv_cache import CacheShape, KeyValueCache, round_up
from qasr_cli.engines.qwen3.decoding.language_model import Formats, LanguageModel, Linear
from qasr_cli.engines.qwen3.decoding.logits_processors import LogitsProcessor, NotFiniteError
from qasr_cli.speech.inference import stopping

_LOOKS_EVERY = 8  # steps: a row that is done is computed for nothing until the next look
_CACHE_SHARE = 0.5  # of the free memory; the rest is for encoder, prompts and graphs
_N_ROWS_UNMEASURED = 8  # on a device that does not say how much memory is free
_MOST_PACKED_TOKENS = 16_384  # 20 TFLOP at the 0.6B shapes: a GPU is busy long before


@dataclass(frozen=True, slots=True)
class PromptPool:
    """Prompts by their numbers from 0.

    Attributes:
        lengths: Tokens of each prompt.
        budgets: Maximum tokens to write for each.
        embed: Returns the embeddings `activation[n_tokens, hidden]` of some prompts, one after the other;
            called once for each prompt, when a row is free.
    """

    lengths: Sequence[int]
    budgets: Sequence[int]
    embed: Callable[[Sequence[int]], torch.Tensor]


def row_bytes(shape: CacheShape, n_tokens: int, dtype: torch.dtype) -> int:
    """Return the size of the keys and values of one row."""
    n_values = shape.n_layers * shape.n_heads * round_up(n_tokens) * shape.head_dim
    return 2 * n_values * dtype.itemsize


def rows_that_fit(free_bytes: int | None, bytes_per_row: int, n_most: int) -> int:
    """Return how many rows half of the free memory holds: at least 1, and at most `n_most`.

    Args:
        free_bytes: None if the device does not say.
        bytes_per_row: From `row_bytes`.
        n_most: The most that is asked for.
    """
    if free_bytes is None:
        return min(n_most, _N_ROWS_UNMEASURED)
    return max(1, min(n_most, int(free_bytes * _CACHE_SHARE) // bytes_per_row))


def free_bytes(device: torch.device) -> int | None:
    """Return the memory that no program uses and what torch has cached; None if the device does not say."""
    if device.type != "cuda":
        return None
    free, _ = torch.cuda.mem_get_info(device)
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


def most_packed_tokens(formats: Formats) -> int:
    """Return up to how many tokens prompts are computed together: 0 where torch has no kernel for it."""
    return _MOST_PACKED_TOKENS if causal_attention.has_kernel(formats.activation, formats.device) else 0


@dataclass(slots=True)
class _Room:
    """What stays on the device: the cache, the rows and the steps over them."""

    cache: KeyValueCache
    rows: DeviceRows
    step: CapturedStep


@dataclass(slots=True)
class _Answer:
    """The answer in one row: which prompt it is of, and the position of its last token."""

    prompt: int
    position: int
    limit: int
    written: Written


class DeviceLoop:
    """Greedy decoding with one language model.

    Attributes:
        most_packed_tokens: Prompts are computed together up to so many tokens; 0 for one at a time.
        capture: Records a step and returns its replay; None where the device has no graphs.

    Args:
        model: The decoder layers.
        head: Returns `[n_rows, n_vocabulary]` scores of hidden states.
        embed: Returns `activation[n_rows, hidden]` of token ids `int64[n_rows]` on the device.
        stop_ids: Tokens that end an answer.
        n_rows: Maximum rows that take steps together; fewer if the memory holds fewer.
        looks_every: Steps between two looks of the host.
    """

    def __init__(
        self,
        model: LanguageModel,
        head: Linear,
        embed: Linear,
        stop_ids: Sequence[int],
        n_rows: int,
        looks_every: int = _LOOKS_EVERY,
    ) -> None:
        self.model = model
        self.head = head
        self.embed = embed
        self.stop_ids = frozenset(stop_ids)
        self.n_rows = n_rows
        self.looks_every = looks_every
        self.most_packed_tokens = most_packed_tokens(model.formats)
        self.capture = captured_step.cuda_graphs(model.formats.device)
        self._room: _Room | None = None

    def run(self, pool: PromptPool, processors: Sequence[LogitsProcessor] = ()) -> list[Answer]:
        """Return each prompt's answer: up to its stop token, which is included, or its budget.

        Raises:
            NotFiniteError: The scores of a step are not all numbers.
        """
        if not pool.lengths:
            return []
        try:
            room = self._room_for(max(map(sum, zip(pool.lengths, pool.budgets, strict=True))))
            return _Run(self, room, pool, processors).finish()
        except BaseException as error:
            self._room = None  # what is half written or NaN must not meet another prompt
            if isinstance(error, torch.OutOfMemoryError):
                self.n_rows = max(1, self.n_rows // 2)
            raise

    def _room_for(self, n_tokens: int) -> _Room:
        """Return the room if its rows are long enough, and else a new one."""
        if self._room is None or self._room.cache.n_tokens < n_tokens:
            self._room = None  # before the free memory is measured
            self._room = self._make_room(captured_step.width(n_tokens))
        return self._room

    def _make_room(self, n_tokens: int) -> _Room:
        formats, shape = self.model.formats, self.model.cache_shape
        n_fitting = self.n_rows
        if formats.device.type != "cpu":
            bytes_per_row = row_bytes(shape, n_tokens, formats.cache)
            n_fitting = rows_that_fit(free_bytes(formats.device), bytes_per_row, self.n_rows)
        cache = KeyValueCache(shape, n_fitting, n_tokens, formats.cache, formats.device)
        n_steps = max(self.looks_every, captured_step.N_WARM_UPS)  # both write
        rows = DeviceRows(n_fitting, n_steps, list(self.stop_ids), formats.device)
        self.model.prepare_positions(n_tokens)  # a graph keeps the addresses of these tables

        def step(n_stepping: int, n_keys: int) -> None:
            rows.advance(self.scores(cache, rows, n_stepping, n_keys))

        return _Room(cache, rows, CapturedStep(step, rows.state, self.capture))

    def scores(self, cache: KeyValueCache, rows: DeviceRows, n_rows: int, n_keys: int) -> torch.Tensor:
        """Return `float32[n_rows, n_vocabulary]` for the next token of the first rows."""
        hidden = self.embed(rows.tokens[:n_rows])
        return self.head(self.model.step(hidden, cache, rows.positions[:n_rows], n_keys)).float()


class _Run:
    """The answers of one call."""

    def __init__(
        self, loop: DeviceLoop, room: _Room, pool: PromptPool, processors: Sequence[LogitsProcessor]
    ) -> None:
        self._loop = loop
        self._room = room
        self._pool = pool
        self._processors = processors
        self._n_rows = min(loop.n_rows, len(room.cache.keys[0]))
        self._waiting = deque(range(len(pool.lengths)))
        self._rows: list[_Answer] = []
        self._answers: dict[int, Answer] = {}

    def finish(self) -> list[Answer]:
        """Return all answers."""
        while True:
            stopping.check()
            while self._waiting and len(self._rows) < self._n_rows:
                self._start(self._next_group())
                self._release()
            if not self._rows:
                return [self._answers[prompt] for prompt in range(len(self._pool.lengths))]
            self._step()
            self._release()

    def _next_group(self) -> list[int]:
        """Take prompts for free rows out of the waiting ones: as many as are computed together."""
        group = [self._waiting.popleft()]
        n_tokens = self._pool.lengths[group[0]]
        while self._waiting and len(self._rows) + len(group) < self._n_rows:
            n_tokens += self._pool.lengths[self._waiting[0]]
            if n_tokens > self._loop.most_packed_tokens:
                break
            group.append(self._waiting.popleft())
        return group

    def _start(self, group: Sequence[int]) -> None:
        """Prefill prompts into the first free rows, and write their first tokens."""
        model, cache, first = self._loop.model, self._room.cache, len(self._rows)
        hidden = self._pool.embed(group)
        lengths = [self._pool.lengths[prompt] for prompt in group]
        if len(group) == 1:
            last = model.prefill(hidden, cache, first)[-1:]
        else:
            ends = torch.tensor(lengths).cumsum(0) - 1
            last = model.prefill_packed(hidden, lengths, cache, first)[ends.to(hidden.device)]
        raw = scores = self._loop.head(last).float()
        for process in self._processors:
            scores = process([[] for _ in group], scores)
        best = scores.argmax(dim=-1, keepdim=True)
        tokens = best.masked_fill(~torch.isfinite(scores.gather(1, best)), NOT_FINITE)[:, 0].tolist()
        posteriors = raw.softmax(dim=-1).gather(1, best)[:, 0].tolist()
        for prompt, n_tokens, token, posterior in zip(group, lengths, tokens, posteriors, strict=True):
            limit = n_tokens + self._pool.budgets[prompt] - 1
            row = _Answer(prompt, n_tokens - 1, limit, Written([], []))
            self._take(row, Written([token], [posterior]))
            self._rows.append(row)

    def _step(self) -> None:
        """Take steps up to the next look."""
        rows, n_live = self._room.rows, len(self._rows)
        n_left = max(row.limit - row.position for row in self._rows)
        n_steps = 1 if self._processors else min(self._loop.looks_every, n_left)
        n_keys = max(row.position for row in self._rows) + n_steps
        n_rows = captured_step.size(n_live, len(self._room.cache.keys[0]))
        width = min(captured_step.width(n_keys), self._room.cache.n_tokens)
        rows.load([Row(row.written.tokens[-1], row.position, row.limit) for row in self._rows], n_rows)
        if self._processors:  # they need the tokens so far on the host
            raw = scores = self._loop.scores(self._room.cache, rows, n_rows, width)[:n_live]
            for process in self._processors:
                scores = process([row.written.tokens for row in self._rows], scores)
            rows.advance(scores, raw)
        else:
            for _ in range(n_steps):
                self._room.step(n_rows, width)
        new = zip(rows.written(n_live, n_steps), rows.posteriors(n_live, n_steps), strict=True)
        for row, (tokens, posteriors) in zip(self._rows, new, strict=True):
            self._take(row, Written(tokens, posteriors))

    def _take(self, row: _Answer, new: Written) -> None:
        """Append tokens up to the answer's end; what the device wrote beyond is dropped."""
        for token, posterior in zip(new.tokens, new.posteriors, strict=True):
            if token == NOT_FINITE:
                raise NotFiniteError
            row.written.tokens.append(token)
            row.written.posteriors.append(posterior)
            row.position += 1
            if self._is_done(row):
                return

    def _is_done(self, row: _Answer) -> bool:
        return row.written.tokens[-1] in self._loop.stop_ids or row.position >= row.limit

    def _release(self) -> None:
        """Take the finished rows out; the last row moves into each gap."""
        for index in reversed(range(len(self._rows))):
            row = self._rows[index]
            if not self._is_done(row):
                continue
            self._answers[row.prompt] = Answer(row.written.tokens, None, row.written.posteriors)
            last = self._rows.pop()
            if index < len(self._rows):
                self._room.cache.copy_row(len(self._rows), index, last.position)
                self._rows[index] = last
