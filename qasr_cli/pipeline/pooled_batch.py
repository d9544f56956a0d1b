"""A batch of chunks of any sources, on its way through a device and back to its sources.

In go chunks with their sources, and the future of their results; out come sources with the results in them
and in their stores. Only the engine lane's thread calls it.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Generic

from qasr_cli.errors import QasrError
from qasr_cli.pipeline.open_source import OpenSource, Owner
from qasr_cli.records import Chunk
from qasr_cli.speech.recognition.recognize import RecognizedChunk


@dataclass(frozen=True, slots=True)
class PooledChunk(Generic[Owner]):
    """One chunk in the pool, and the source that waits for it."""

    opened: OpenSource[Owner]
    chunk: Chunk

    @property
    def relative(self) -> Path:
        """The source's name in errors."""
        return self.opened.relative

    @property
    def is_resumed(self) -> bool:
        """Whether an earlier run recognised it."""
        return self.chunk.index in self.opened.resumed


@dataclass(frozen=True, slots=True)
class PooledBatch(Generic[Owner]):
    """A batch, planned and submitted.

    Attributes:
        chunks: Chunks of any sources.
        asked: Those of them that are computed.
        results: Their results; None if an earlier run recognised all of them.
        is_last: Whether the window ends with this batch.
    """

    chunks: Sequence[PooledChunk[Owner]]
    asked: Sequence[PooledChunk[Owner]]
    results: Future[list[RecognizedChunk | QasrError]] | None
    is_last: bool

    @property
    def is_done(self) -> bool:
        """Whether nothing is to be waited for."""
        return self.results is None or self.results.done()

    @property
    def sources(self) -> list[OpenSource[Owner]]:
        """The sources of its chunks, each once, in order."""
        return list({id(pooled.opened): pooled.opened for pooled in self.chunks}.values())

    def take_results(self) -> None:
        """Give the results, or those of an earlier run, to the sources; wait for them if necessary."""
        results: Sequence[RecognizedChunk | QasrError] = (
            [pooled.opened.resumed[pooled.chunk.index] for pooled in self.asked]
            if self.results is None
            else self.results.result()
        )
        for pooled, result in zip(self.asked, results, strict=True):
            if isinstance(result, QasrError):
                pooled.opened.error = pooled.opened.error or result
            else:
                pooled.opened.recognized[pooled.chunk.index] = result
        for pooled in self.chunks:
            pooled.opened.n_left -= 1

    def store(self) -> None:
        """Store the chunks of sources that are not finished with this batch.

        A source with a script is not finished: its script is still to be aligned, and may be of another
        recording.
        """
        for opened in self.sources:
            is_finished = not (opened.n_left or opened.is_doubtful or opened.script)
            if opened.store is None or opened.error is not None or is_finished:
                continue
            recognized = [
                opened.recognized[pooled.chunk.index]
                for pooled in self.chunks
                if pooled.opened is opened and not pooled.is_resumed
            ]
            if recognized:
                opened.store.add([chunk for chunk in recognized if chunk is not None])
