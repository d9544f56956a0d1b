"""The engine lane: the chunks of all sources in full batches, and a review of each source as it completes.

In go prepared sources; out they come with their text. The pool is a window over the chunks in source order,
sized in batches: chunks of like length from many sources share a batch, so a folder of short clips fills the
device as one film does. A source without a doubtful chunk is done with its last chunk; at the end of a window
its doubtful sources are reviewed together, so that what must be recognised again shares batches, too. What is
in a window depends on the sources alone and not on which thread was faster, so a run repeats itself exactly.

One thread a device runs the lane: nothing here is locked, and the engines are asked by nobody else meanwhile.
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
    def is_known(self) -> bool:
        """Whether an earlier run recognised it."""
        return self.chunk.index in self.opened.known


class EngineLane(Generic[Owner]):
    """One lane over many sources.

    Args:
        session: To work with.
        options: The whole tree; each stage is given its group.
        on_recognized: Called with the milliseconds of speech of each batch that is back.
        store_of: Returns where a source's chunks are kept, by the transcript's fingerprint.
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
        """Yield each source when its last chunk is back and its text is final.

        A None among the sources empties the window: whoever feeds the lane as requests come in sends one when
        none is waiting, so that nobody waits for a full window. A run over files sends none.
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
        """Find what an earlier run recognised of the source."""
        opened.store = self._store_of(opened.prepared.source, self._fingerprint)
        opened.known = opened.store.load(chunks) if opened.store else {}
        if opened.known:
            logger.info("%s: %d of %d chunks are known", opened.relative, len(opened.known), len(chunks))

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
        """Fill in what one batch gives; when it fails, find out whose chunk it was.

        A batch of which some is known is recognised all the same: among other chunks a chunk's times could
        differ in the last digit, and a resumed run must come to the same bytes as one that never stopped.
        """
        if not batch:
            return
        if all(pooled.is_known for pooled in batch):
            for pooled in batch:
                pooled.opened.recognized[pooled.chunk.index] = pooled.opened.known[pooled.chunk.index]
            return
        recognized = batching.try_each(
            batch, lambda some: attempt(some[0].opened.relative, lambda: self._recognize_batch(some))
        )
        for pooled, piece in zip(batch, recognized, strict=True):
            if isinstance(piece, QasrError):
                pooled.opened.error = pooled.opened.error or piece
            else:
                pooled.opened.recognized[pooled.chunk.index] = piece

    def _recognize_batch(self, batch: Sequence[PooledChunk[Owner]]) -> list[RecognizedChunk]:
        """Return what is recognised in each chunk, with times where it can get them now.

        A doubtful chunk gets none yet, since it will be recognised again. When the aligner fails, the whole
        batch gets none: the review times all that is left, finds out what it fails on, estimates those times
        and says so. A checkpoint therefore holds no estimate, and the resumed run asks the aligner again.
        """
        audio = [
            pooled.opened.prepared.waveform.read(pooled.chunk.start_ms, pooled.chunk.end_ms)
            for pooled in batch
        ]
        shares = [(pooled.opened.stage_times, pooled.chunk.duration_ms) for pooled in batch]
        with timed(Stage.RECOGNIZE, shares):
            chunks = [pooled.chunk for pooled in batch]
            pieces = recognize.recognize_batch(audio, chunks, self._session, self._options.decode)
        clean = [index for index, piece in enumerate(pieces) if not piece.flags]
        with timed(Stage.ALIGN, [shares[index] for index in clean]):
            with_times = contain(
                lambda: recognize.align_batch(
                    [audio[index] for index in clean],
                    [pieces[index] for index in clean],
                    self._session,
                    self._options.align,
                )
            )
        if not isinstance(with_times, QasrError):
            for index, piece in zip(clean, with_times, strict=True):
                pieces[index] = piece
        return pieces

    def _review(self, complete: Sequence[OpenSource[Owner]]) -> None:
        """Make the sources' text final; when that fails, find out whose it was."""
        if not complete:
            return
        texts = batching.try_each(
            complete, lambda some: attempt(some[0].relative, lambda: self._review_together(some))
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
        """Time the words of a source's script, where it has one."""
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
    """Keep what a batch gave for sources that are not finished with it.

    A source with a script is not: its words are still to be timed, and may turn out to be of another script.
    """
    for opened in _sources_of(batch):
        is_finished = not (opened.n_left or opened.is_doubtful or opened.script)
        if opened.store is None or opened.error is not None or is_finished:
            continue
        pieces = [
            opened.recognized[pooled.chunk.index]
            for pooled in batch
            if pooled.opened is opened and not pooled.is_known
        ]
        if pieces:
            opened.store.add([piece for piece in pieces if piece is not None])


def _sources_of(batch: Sequence[PooledChunk[Owner]]) -> list[OpenSource[Owner]]:
    """Return the sources of a batch, each once, in order."""
    return list({id(pooled.opened): pooled.opened for pooled in batch}.values())
