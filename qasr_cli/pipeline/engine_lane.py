"""The engine lane: the chunks of all sources in full batches, and a review of each source as it completes.

In go prepared sources; out they come with their text. The pool is a window over the chunks in source order,
sized in batches: chunks of like length from many sources share a batch, so a folder of short clips fills the
device as one film does. A source without a doubtful chunk is done with its last chunk; at the end of a window
its doubtful sources are reviewed together, so that what must be recognised again shares batches, too. What is
in a window depends on the sources alone and not on which thread was faster, so a run repeats itself exactly.

One thread a device runs the lane: nothing here is locked, and no other thread uses the engines meanwhile.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic

from qasr_cli.errors import QasrError, without_frames
from qasr_cli.options import Options
from qasr_cli.pipeline import script
from qasr_cli.pipeline.containment import attempt, contain
from qasr_cli.pipeline.open_source import ChunkStore, OpenSource, Owner
from qasr_cli.pipeline.stage_timer import timed
from qasr_cli.records import Chunk, Source, Stage
from qasr_cli.speech.audio import chunking
from qasr_cli.speech.fallback.review import ReviewedSource, review
from qasr_cli.speech.inference import batching
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.recognition import recognize
from qasr_cli.speech.recognition.recognize import RecognizedChunk

logger = logging.getLogger(__name__)

_BATCHES_PER_WINDOW = 4  # enough to sort by length; more would only delay each source's result


@dataclass(frozen=True, slots=True)
class PooledChunk(Generic[Owner]):
    """One chunk in the pool, and the source that waits for it."""

    opened: OpenSource[Owner]
    chunk: Chunk

    @property
    def is_resumed(self) -> bool:
        """Whether an earlier run recognised it."""
        return self.chunk.index in self.opened.resumed


class EngineLane(Generic[Owner]):
    """One lane over many sources.

    Args:
        session: The engines.
        options: The whole tree; each stage takes its group.
        on_recognized: Called after each batch with its milliseconds of speech.
        store_of: Returns a source's chunk store, by the transcript's fingerprint.
    """

    def __init__(
        self,
        session: Session,
        options: Options,
        on_recognized: Callable[[int], None],
        store_of: Callable[[Source, str], ChunkStore | None] = lambda source, fingerprint: None,
    ) -> None:
        self._session = session
        self._options = options
        self._on_recognized = on_recognized
        self._store_of = store_of
        self._fingerprint = options.fingerprint(session.recognizer.model_id, session.engines.aligner_id)

    def run(self, sources: Iterable[OpenSource[Owner] | None]) -> Iterator[OpenSource[Owner]]:
        """Yield each source when its last chunk is recognised and its text is final.

        A None among the sources empties the window: a server sends one when no request is waiting, so that no
        request waits for a full window. A run over files sends none.
        """
        capacity = self._session.recognizer.capacity
        limits = self._options.chunk.limited_to(capacity.max_chunk_ms)
        fullest_ms = min(capacity.max_batch_ms, capacity.max_batch_size * limits.max_ms)
        window: list[PooledChunk[Owner]] = []
        window_ms = 0
        for opened in sources:
            if opened is None:
                yield from self._run_window(window)
                window, window_ms = [], 0
                continue
            chunks = chunking.plan(opened.prepared.source.id, opened.prepared.speech, limits)
            opened.recognized, opened.n_left = [None] * len(chunks), len(chunks)
            self._recall(opened, chunks)
            if not chunks:
                self._align_script(opened)
                yield opened
            for chunk in chunks:
                window.append(PooledChunk(opened, chunk))
                window_ms += chunk.duration_ms
                if window_ms >= _BATCHES_PER_WINDOW * fullest_ms:
                    yield from self._run_window(window)
                    window, window_ms = [], 0
        yield from self._run_window(window)

    def _recall(self, opened: OpenSource[Owner], chunks: Sequence[Chunk]) -> None:
        """Load the chunks of the source that an earlier run recognised."""
        opened.store = self._store_of(opened.prepared.source, self._fingerprint)
        opened.resumed = opened.store.load(chunks) if opened.store else {}
        if opened.resumed:
            logger.info("%s: %d of %d chunks are resumed", opened.relative, len(opened.resumed), len(chunks))

    def _run_window(self, window: Sequence[PooledChunk[Owner]]) -> Iterator[OpenSource[Owner]]:
        doubtful: list[OpenSource[Owner]] = []
        for indices in batching.plan(
            [pooled.chunk.duration_ms for pooled in window], self._session.recognizer.capacity
        ):
            batch = [window[index] for index in indices]
            self._recognize([pooled for pooled in batch if pooled.opened.error is None])
            self._on_recognized(sum(span.duration_ms for pooled in batch for span in pooled.chunk.speech))
            for pooled in batch:
                pooled.opened.n_left -= 1
            _store(batch)
            complete = [opened for opened in _sources_of(batch) if not opened.n_left]
            clean = [opened for opened in complete if not opened.is_doubtful]
            self._review([opened for opened in clean if opened.error is None])
            yield from clean
            doubtful += [opened for opened in complete if opened.is_doubtful]
        self._review(doubtful)
        yield from doubtful

    def _recognize(self, batch: Sequence[PooledChunk[Owner]]) -> None:
        """Recognise one batch; if it fails, find the chunk that caused it.

        A batch of which only a part is resumed is recognised as a whole: among other chunks a chunk's times
        could differ in the last digit, and a resumed run must give the same bytes as an uninterrupted one.
        """
        if not batch:
            return
        if all(pooled.is_resumed for pooled in batch):
            for pooled in batch:
                pooled.opened.recognized[pooled.chunk.index] = pooled.opened.resumed[pooled.chunk.index]
            return
        recognized = batching.try_each(
            batch, lambda part: attempt(part[0].opened.relative, lambda: self._recognize_batch(part))
        )
        for pooled, result in zip(batch, recognized, strict=True):
            if isinstance(result, QasrError):
                pooled.opened.error = pooled.opened.error or result
            else:
                pooled.opened.recognized[pooled.chunk.index] = result

    def _recognize_batch(self, batch: Sequence[PooledChunk[Owner]]) -> list[RecognizedChunk]:
        """Return the recognised chunks, with times for those that are not doubtful.

        A doubtful chunk has no times yet, since it will be recognised again. If the aligner fails, the whole
        batch has none: the review aligns what is left, finds the chunk that fails, interpolates its times and
        warns. A checkpoint therefore holds no interpolated times, and a resumed run aligns again.
        """
        audio = [
            pooled.opened.prepared.waveform.read(pooled.chunk.start_ms, pooled.chunk.end_ms)
            for pooled in batch
        ]
        shares = [(pooled.opened.stage_times, pooled.chunk.duration_ms) for pooled in batch]
        with timed(Stage.RECOGNIZE, shares):
            chunks = [pooled.chunk for pooled in batch]
            recognized = recognize.recognize_batch(audio, chunks, self._session, self._options.decode)
        clean = [index for index, chunk in enumerate(recognized) if not chunk.flags]
        with timed(Stage.ALIGN, [shares[index] for index in clean]):
            with_times = contain(
                lambda: recognize.align_batch(
                    [audio[index] for index in clean],
                    [recognized[index] for index in clean],
                    self._session,
                    self._options.align,
                )
            )
        if not isinstance(with_times, QasrError):
            for index, chunk in zip(clean, with_times, strict=True):
                recognized[index] = chunk
        return recognized

    def _review(self, complete: Sequence[OpenSource[Owner]]) -> None:
        """Make the sources' text final; if that fails, find the source that caused it."""
        if not complete:
            return
        texts = batching.try_each(
            complete, lambda part: attempt(part[0].relative, lambda: self._review_together(part))
        )
        for opened, text in zip(complete, texts, strict=True):
            if isinstance(text, QasrError):
                opened.error = text
            else:
                opened.text = text
                self._align_script(opened)

    def _review_together(self, complete: Sequence[OpenSource[Owner]]) -> list[ReviewedSource]:
        options = self._options
        with timed(Stage.REVIEW, [(opened.stage_times, opened.doubtful_ms) for opened in complete]):
            return review(
                [opened.recording for opened in complete],
                self._session,
                options.decode,
                options.guard,
                options.align,
                contain,
            )

    def _align_script(self, opened: OpenSource[Owner]) -> None:
        """Align the words of a source's script, if it has one."""
        script_file = opened.script
        if script_file is None:
            return
        with timed(Stage.ALIGN, [(opened.stage_times, 1)]):
            alignment = attempt(
                opened.relative,
                lambda: script.align(
                    opened.recording, opened.text.segments, script_file, self._session, self._options.decode
                ),
            )
        if isinstance(alignment, QasrError):
            opened.error = without_frames(alignment)
        else:
            opened.alignment = alignment


def _store(batch: Sequence[PooledChunk[Owner]]) -> None:
    """Store a batch's chunks for sources that are not finished with it.

    A source with a script is not finished: its script is still to be aligned, and may be of another
    recording.
    """
    for opened in _sources_of(batch):
        is_finished = not (opened.n_left or opened.is_doubtful or opened.script)
        if opened.store is None or opened.error is not None or is_finished:
            continue
        recognized = [
            opened.recognized[pooled.chunk.index]
            for pooled in batch
            if pooled.opened is opened and not pooled.is_resumed
        ]
        if recognized:
            opened.store.add([chunk for chunk in recognized if chunk is not None])


def _sources_of(batch: Sequence[PooledChunk[Owner]]) -> list[OpenSource[Owner]]:
    """Return the sources of a batch, each once, in order."""
    return list({id(pooled.opened): pooled.opened for pooled in batch}.values())
