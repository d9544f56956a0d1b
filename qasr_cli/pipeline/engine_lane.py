"""The engine lane: the chunks of all sources in full batches, and a review of each source as it completes.

In go prepared sources; out they come with their text. The pool is a window over the chunks in source order,
sized in batches: chunks of like length from many sources share a batch, so a folder of short clips fills the
device as one film does. A source without a doubtful chunk is done with its last chunk; at the end of a window
its doubtful sources are reviewed together, so that what must be recognised again shares batches, too. What is
in a window depends on the sources alone and not on which thread was faster, so a run repeats itself exactly.

With several devices the batches of one window, and of the next ones, are computed at once (`device_pool`).
Their results are taken in the order of the batches, so that every result, checkpoint and ledger is that of a
single device. The thread that runs the lane alone plans batches and changes sources: nothing here is locked.
"""

from __future__ import annotations

import hashlib
import logging
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import Generic

from qasr_cli.errors import QasrError
from qasr_cli.options import ChunkOptions
from qasr_cli.pipeline import batch_work
from qasr_cli.pipeline.device_pool import DevicePool
from qasr_cli.pipeline.open_source import ChunkStore, OpenSource, Owner
from qasr_cli.pipeline.pooled_batch import PooledBatch, PooledChunk
from qasr_cli.pipeline.prepare import Prepared
from qasr_cli.records import Chunk, Source
from qasr_cli.speech.audio import chunking
from qasr_cli.speech.inference import batching
from qasr_cli.speech.inference.session import Session

logger = logging.getLogger(__name__)

_BATCHES_PER_WINDOW = 4  # enough to sort by length; more would only delay each source's result


class EngineLane(Generic[Owner]):
    """One lane over many sources; it runs once.

    Args:
        session: The engines, on one device or several.
        on_recognized: Called after each batch with its milliseconds of speech.
        store_of: Returns a source's chunk store, by the transcript's fingerprint.
    """

    def __init__(
        self,
        session: Session,
        on_recognized: Callable[[int], None],
        store_of: Callable[[Source, str], ChunkStore | None] = lambda source, fingerprint: None,
    ) -> None:
        self._pool = DevicePool(session)
        self._capacity = session.capacity
        self._on_recognized = on_recognized
        self._store_of = store_of
        self._model_ids = (session.recognizer.model_id, session.engines.aligner_id)
        self._doubtful: list[OpenSource[Owner]] = []

    def run(self, sources: Iterable[OpenSource[Owner] | None]) -> Generator[OpenSource[Owner], None, None]:
        """Yield each source when its last chunk is recognised and its text is final.

        A None among the sources empties the window: a server sends one when no request is waiting, so that no
        request waits for a full window. A run over files sends none. Close the iterator if it is not read to
        its end: the devices compute until then.
        """
        with self._pool:
            ahead: deque[PooledBatch[Owner] | OpenSource[Owner]] = deque()
            for step in self._steps(sources):
                if step is not None:
                    ahead.append(step)
                while ahead and (step is None or len(ahead) >= self._pool.n_ahead or _is_done(ahead[0])):
                    yield from self._settle(ahead.popleft())
            for step in ahead:
                yield from self._settle(step)

    def _steps(
        self, sources: Iterable[OpenSource[Owner] | None]
    ) -> Iterator[PooledBatch[Owner] | OpenSource[Owner] | None]:
        """Yield each batch as it is submitted, each source without chunks, and None for an emptied window."""
        window: list[PooledChunk[Owner]] = []
        window_ms = 0
        for opened in sources:
            if opened is None:
                yield from self._window_steps(window)
                yield None
                window, window_ms = [], 0
                continue
            limits = opened.options.chunk.limited_to(self._capacity.max_chunk_ms)
            fullest_ms = min(self._capacity.max_batch_ms, self._capacity.max_batch_size * limits.max_ms)
            chunks = _chunks(opened.prepared, limits)
            opened.recognized, opened.n_left = [None] * len(chunks), len(chunks)
            self._recall(opened, chunks)
            if not chunks:
                yield opened
            for chunk in chunks:
                window.append(PooledChunk(opened, chunk))
                window_ms += chunk.duration_ms
                if window_ms >= _BATCHES_PER_WINDOW * fullest_ms:
                    yield from self._window_steps(window)
                    window, window_ms = [], 0
        yield from self._window_steps(window)

    def _window_steps(self, window: Sequence[PooledChunk[Owner]]) -> Iterator[PooledBatch[Owner]]:
        batches = batching.plan([pooled.chunk.duration_ms for pooled in window], self._capacity)
        for number, indices in enumerate(batches, 1):
            batch = [window[index] for index in indices]
            yield self._submit(batch, is_last=number == len(batches))

    def _recall(self, opened: OpenSource[Owner], chunks: Sequence[Chunk]) -> None:
        """Load the chunks of the source that an earlier run recognised."""
        source = opened.prepared.source
        fingerprint = _with_spans(opened.options.fingerprint(*self._model_ids), source)
        opened.store = self._store_of(source, fingerprint)
        opened.resumed = opened.store.load(chunks) if opened.store else {}
        if opened.resumed:
            logger.info("%s: %d of %d chunks are resumed", opened.relative, len(opened.resumed), len(chunks))

    def _submit(self, batch: Sequence[PooledChunk[Owner]], *, is_last: bool) -> PooledBatch[Owner]:
        """Submit a batch, without the chunks of sources that have failed.

        A batch of which only a part is resumed is recognised as a whole: among other chunks a chunk's times
        could differ in the last digit, and a resumed run must give the same bytes as an uninterrupted one.
        """
        asked = [pooled for pooled in batch if pooled.opened.error is None]
        is_resumed = all(pooled.is_resumed for pooled in asked)
        results = None if is_resumed else self._pool.submit(asked, batch_work.recognize_batch)
        return PooledBatch(batch, asked, results, is_last)

    def _settle(self, step: PooledBatch[Owner] | OpenSource[Owner]) -> Iterator[OpenSource[Owner]]:
        """Take a batch's results, and yield the sources that are final with them."""
        if isinstance(step, OpenSource):
            self._align_script(step)
            yield step
            return
        step.take_results()
        self._on_recognized(sum(span.duration_ms for pooled in step.chunks for span in pooled.chunk.speech))
        step.store()
        complete = [opened for opened in step.sources if not opened.n_left]
        clean = [opened for opened in complete if not opened.is_doubtful]
        self._review([opened for opened in clean if opened.error is None])
        yield from clean
        self._doubtful += [opened for opened in complete if opened.is_doubtful]
        if step.is_last:
            doubtful, self._doubtful = self._doubtful, []
            self._review(doubtful)
            yield from doubtful

    def _review(self, complete: Sequence[OpenSource[Owner]]) -> None:
        """Make the sources' text final; if that fails, find the source that caused it."""
        if not complete:
            return
        texts = self._pool.call(complete, batch_work.review_together)
        for opened, text in zip(complete, texts, strict=True):
            if isinstance(text, QasrError):
                opened.error = text
            else:
                opened.text = text
                self._tell_speakers(opened)
                self._align_script(opened)

    def _tell_speakers(self, opened: OpenSource[Owner]) -> None:
        """Find out who speaks when in a source, by its channels or, if that is wanted, by voices."""
        if opened.prepared.channels is not None:
            opened.text = opened.prepared.channels.merged(opened.text)
            return
        if not opened.wants_speakers:
            return
        (text,) = self._pool.call([opened], lambda _, session: [batch_work.tell_speakers(opened, session)])
        if isinstance(text, QasrError):
            opened.error = text
        else:
            opened.text = text

    def _align_script(self, opened: OpenSource[Owner]) -> None:
        """Align the words of a source's script, if it has one."""
        script_file = opened.script
        if script_file is None:
            return
        (alignment,) = self._pool.call(
            [opened], lambda _, session: [batch_work.align_script(opened, script_file, session)]
        )
        if isinstance(alignment, QasrError):
            opened.error = alignment
        else:
            opened.alignment = alignment


def _chunks(prepared: Prepared, limits: ChunkOptions) -> tuple[Chunk, ...]:
    source, speech = prepared.source, prepared.speech
    if source.spans:
        return chunking.plan_spans(source.id, source.spans, speech, limits)
    return chunking.plan(source.id, speech, limits)


def _with_spans(fingerprint: str, source: Source) -> str:
    """Return what a source's recognised chunks depend on: the options, and the spans that it is cut into."""
    if not source.spans:
        return fingerprint
    edges = " ".join(f"{span.start_ms}-{span.end_ms}" for span in source.spans)
    return f"{fingerprint}-{hashlib.sha256(edges.encode()).hexdigest()[:16]}"


def _is_done(step: PooledBatch[Owner] | OpenSource[Owner]) -> bool:
    """Whether nothing is to be waited for."""
    return isinstance(step, OpenSource) or step.is_done
