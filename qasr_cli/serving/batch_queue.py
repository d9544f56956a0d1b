"""The queue of a server's engine: which chunks of which requests make the next batch.

In go requests with their chunks; out come batches, either of short requests or of one chunk of each other
request in turn, those of like length together. Not locked: the request lane holds its lock when it calls.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from qasr_cli.pipeline.open_source import OpenSource
from qasr_cli.pipeline.pooled_batch import PooledChunk
from qasr_cli.records import Chunk
from qasr_cli.speech.inference.protocols import Capacity

_URGENT_MS = 15_000  # a dictated sentence; a longer recording can wait for others
# Prompts are padded to the longest of their batch: one client's context costs all of them memory and time.
_CHAR_MS = 40  # of audio that takes as many tokens as a character of a context: 13 a second, and half a one
_MOST_SHARED_CHARS = 4_000  # a longer context goes with others of its length only
_LOOKED_AT = 4  # batches' worth of chunks among which those of like length are chosen


class Request(Protocol):
    """What owns a source in the lane; the lane's threads call it."""

    @property
    def is_cancelled(self) -> bool:
        """Whether nobody wants the rest."""

    @property
    def is_urgent(self) -> bool:
        """Whether it goes first if it is short."""

    def begun(self) -> None:
        """Its first chunk is about to be computed; called for every batch."""

    def plan(self, opened: OpenSource[Request], capacity: Capacity) -> list[Chunk]:
        """Return the chunks to recognise."""

    def progressed(self, opened: OpenSource[Request]) -> None:
        """Some chunks of the source are recognised."""

    def settled(self, opened: OpenSource[Request]) -> None:
        """The source is final: `opened.text`, `opened.alignment` or `opened.error`.

        Called once for each source that was added; must not raise.
        """


@dataclass(slots=True)
class Ticket:
    """One request's place in the queue.

    Attributes:
        opened: Its source.
        waiting: Its chunks that are in no batch yet, in order.
        is_urgent: It goes before the others.
    """

    opened: OpenSource[Request]
    waiting: deque[Chunk]
    is_urgent: bool = False

    @classmethod
    def of(cls, opened: OpenSource[Request], chunks: list[Chunk]) -> Ticket:
        """Return the ticket of a source with these chunks, at least one."""
        return cls(opened, deque(chunks), goes_first(PooledChunk(opened, chunks[0])))

    @property
    def n_context_chars(self) -> int:
        """Length of the text in its prompts."""
        return len(self.opened.options.decode.context)

    def pooled(self, chunk: Chunk) -> PooledChunk[Request]:
        """Return a chunk with its source."""
        return PooledChunk(self.opened, chunk)


def goes_first(pooled: PooledChunk[Request]) -> bool:
    """Whether a chunk is all of a short request."""
    opened = pooled.opened
    is_short = len(opened.recognized) == 1 and pooled.chunk.duration_ms <= _URGENT_MS
    return is_short and opened.owner.is_urgent


class BatchQueue:
    """Requests that wait for the engine, in the order in which they came."""

    def __init__(self) -> None:
        self._urgent: deque[Ticket] = deque()
        self._others: deque[Ticket] = deque()  # whose turn it is comes first

    def __len__(self) -> int:
        return sum(len(ticket.waiting) for ticket in (*self._urgent, *self._others))

    @property
    def has_urgent(self) -> bool:
        """Whether a short request waits."""
        return bool(self._urgent)

    @property
    def waiting_ms(self) -> int:
        """Milliseconds of audio in waiting chunks."""
        tickets = (*self._urgent, *self._others)
        return sum(chunk.duration_ms for ticket in tickets for chunk in ticket.waiting)

    def add(self, ticket: Ticket) -> None:
        """Add a request with at least one waiting chunk."""
        (self._urgent if ticket.is_urgent else self._others).append(ticket)

    def add_first(self, ticket: Ticket) -> None:
        """Put a short request back, before all others."""
        self._urgent.appendleft(ticket)

    def clear(self) -> list[Ticket]:
        """Remove and return all requests."""
        tickets = [*self._urgent, *self._others]
        self._urgent, self._others = deque(), deque()
        return tickets

    def drop(self, opened: OpenSource[Request]) -> None:
        """Remove the rest of a source's chunks, if some wait."""
        self._urgent = deque(ticket for ticket in self._urgent if ticket.opened is not opened)
        self._others = deque(ticket for ticket in self._others if ticket.opened is not opened)

    def drop_cancelled(self) -> list[Ticket]:
        """Remove and return the requests that nobody wants any more."""
        dropped = [ticket for ticket in (*self._urgent, *self._others) if ticket.opened.owner.is_cancelled]
        self._urgent = deque(ticket for ticket in self._urgent if ticket not in dropped)
        self._others = deque(ticket for ticket in self._others if ticket not in dropped)
        return dropped

    def take_urgent(self, capacity: Capacity, max_size: int) -> list[PooledChunk[Request]]:
        """Return the chunks of the oldest short requests, at most `max_size`."""
        batch = _Batch(capacity, max_size)
        while self._urgent and batch.takes(self._urgent[0], self._urgent[0].waiting[0]):
            ticket = self._urgent.popleft()
            batch.add(ticket, ticket.waiting.popleft())
        return batch.chunks

    def take(self, capacity: Capacity, *, is_urgent_turn: bool = True) -> list[PooledChunk[Request]]:
        """Return the next batch; empty if nothing waits.

        Args:
            capacity: Of the engines.
            is_urgent_turn: Whether short requests come before others that wait.
        """
        size = capacity.max_batch_size
        if not self._others or (self._urgent and is_urgent_turn):
            return self.take_urgent(capacity, size)
        batch = _Batch(capacity, size)
        candidates = list(islice(self._in_turn(), _LOOKED_AT * size))
        leader_ms = candidates[0][1].duration_ms
        # The sort is stable, so that chunks of equal length stay in turn; the leader is always taken.
        candidates.sort(key=lambda item: abs(item[1].duration_ms - leader_ms))
        taken = [batch.add(ticket, chunk) for ticket, chunk in candidates if batch.takes(ticket, chunk)]
        for ticket, chunk in taken:
            ticket.waiting.remove(chunk)
        self._others.rotate(-1)  # whoever led goes to the end
        self._others = deque(ticket for ticket in self._others if ticket.waiting)
        return batch.chunks

    def _in_turn(self) -> Iterator[tuple[Ticket, Chunk]]:
        """Yield the waiting chunks, one of each request in turn."""
        for turn in range(max(len(ticket.waiting) for ticket in self._others)):
            for ticket in self._others:
                if turn < len(ticket.waiting):
                    yield ticket, ticket.waiting[turn]


class _Batch:
    """A batch in the making: its size and its padded length are limited."""

    def __init__(self, capacity: Capacity, max_size: int) -> None:
        self.chunks: list[PooledChunk[Request]] = []
        self._max_size = max_size
        self._max_ms = capacity.max_batch_ms
        self._longest_ms = 1
        self._n_context_chars = 0

    def takes(self, ticket: Ticket, chunk: Chunk) -> bool:
        """Whether the chunk fits; the first one always does."""
        if not self.chunks:
            return True
        n_chars = ticket.n_context_chars
        if n_chars != self._n_context_chars and max(self._n_context_chars, n_chars) > _MOST_SHARED_CHARS:
            return False
        size = len(self.chunks) + 1
        return size <= self._max_size and self._padded_ms(ticket, chunk) * size <= self._max_ms

    def _padded_ms(self, ticket: Ticket, chunk: Chunk) -> int:
        """Return the length of the longest prompt with this chunk, as audio."""
        n_chars = max(self._n_context_chars, ticket.n_context_chars)
        return max(self._longest_ms, chunk.duration_ms) + n_chars * _CHAR_MS

    def add(self, ticket: Ticket, chunk: Chunk) -> tuple[Ticket, Chunk]:
        """Add a chunk that fits, and return both."""
        self.chunks.append(ticket.pooled(chunk))
        self._longest_ms = max(self._longest_ms, chunk.duration_ms)
        self._n_context_chars = max(self._n_context_chars, ticket.n_context_chars)
        return ticket, chunk
