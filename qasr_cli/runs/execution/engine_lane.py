"""The engine lane: the chunks of all sources in full batches, and a review of each file as it completes.

In go prepared sources; out they come with their text. The pool is a window over the chunks in source order,
sized in batches: chunks of like length from many sources share a batch, so a folder of short clips fills the
device as one film does. A file without a doubt is done with its last chunk; when a window is heard, the files
of it that hold doubts are reviewed together, so that what must be heard again shares batches, too. What is in
a window depends on the sources alone and not on which thread was faster, so a run repeats itself exactly.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from qasr_cli.errors import DeviceLostError, QasrError, from_os_error
from qasr_cli.options import Options
from qasr_cli.pipeline import Prepared
from qasr_cli.records import Chunk, Source, Stage
from qasr_cli.runs.execution.stage_timer import StageTimes, spending
from qasr_cli.runs.planning.output_plan import Plan
from qasr_cli.runs.state.checkpoints import Checkpoint
from qasr_cli.speech.audio import chunking
from qasr_cli.speech.fallback.review import Reviewed, review
from qasr_cli.speech.inference import batching
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.recognition import recognize
from qasr_cli.speech.recognition.passes import Recording
from qasr_cli.speech.recognition.recognize import RecognizedChunk
from qasr_cli.terminal.stdio import ReaderGone

logger = logging.getLogger(__name__)

_BATCHES_PER_WINDOW = 4  # enough to sort by length; more would only delay each source's result

Value = TypeVar("Value")


@dataclass(slots=True)
class OpenSource:
    """A source that is past the prepare lane, and what is back from the engine so far.

    Attributes:
        pieces: What was heard in each chunk; None until it was.
        known: What an earlier run heard, by the chunk's index.
        checkpoint: Where to keep what is heard; None where nothing is kept.
        text: What it all comes to, once every chunk was heard and the whole was reviewed.
        account: Where its time went.
    """

    plan: Plan
    prepared: Prepared
    begun_s: float
    pieces: list[RecognizedChunk | None] = field(default_factory=list)
    n_left: int = 0
    known: Mapping[int, RecognizedChunk] = field(default_factory=dict)
    checkpoint: Checkpoint | None = None
    text: Reviewed = field(default_factory=lambda: Reviewed(()))
    error: Exception | None = None
    account: StageTimes = field(default_factory=StageTimes)

    @property
    def is_doubtful(self) -> bool:
        """Whether something in it must be heard again, which it does together with other sources."""
        return self.error is None and any(piece.flags for piece in self.pieces if piece)

    @property
    def doubtful_ms(self) -> int:
        """How long the chunks are that must be heard again."""
        return sum(piece.chunk.duration_ms for piece in self.pieces if piece and piece.flags)

    @property
    def recording(self) -> Recording:
        """The source as speech knows it."""
        heard = tuple(piece for piece in self.pieces if piece is not None)
        return Recording(self.prepared.waveform, self.prepared.speech, heard)


@dataclass(frozen=True, slots=True)
class Job:
    """One chunk in the pool, and the source that waits for it."""

    owner: OpenSource
    chunk: Chunk

    @property
    def is_known(self) -> bool:
        """Whether an earlier run heard it."""
        return self.chunk.index in self.owner.known


class EngineLane:
    """One lane over many sources.

    Args:
        session: To work with.
        options: The whole tree; each stage is given its group.
        on_heard: Told how much more speech was heard, in milliseconds.
        checkpoint_of: Says where to keep what is heard of a source, by the transcript's fingerprint.
    """

    def __init__(
        self,
        session: Session,
        options: Options,
        on_heard: Callable[[int], None],
        checkpoint_of: Callable[[Source, str], Checkpoint | None] = lambda source, fingerprint: None,
    ) -> None:
        self._session = session
        self._options = options
        self._on_heard = on_heard
        self._checkpoint_of = checkpoint_of
        self._fingerprint = options.fingerprint(session.recognizer.model_id, session.engines.aligner_id)

    def run(self, sources: Iterable[OpenSource]) -> Iterator[OpenSource]:
        """Yield each source when its last chunk is back and its text is final."""
        capacity = self._session.recognizer.capacity
        limits = self._options.chunk.limited_to(capacity.max_chunk_ms)
        fullest_ms = min(capacity.max_batch_ms, capacity.max_batch_size * limits.max_ms)
        window: list[Job] = []
        window_ms = 0
        for opened in sources:
            chunks = chunking.plan(opened.prepared.source.id, opened.prepared.speech, limits)
            opened.pieces, opened.n_left = [None] * len(chunks), len(chunks)
            self._recall(opened, chunks)
            if not chunks:
                yield opened
            for chunk in chunks:
                window.append(Job(opened, chunk))
                window_ms += chunk.duration_ms
                if window_ms >= _BATCHES_PER_WINDOW * fullest_ms:
                    yield from self._hear_window(window)
                    window, window_ms = [], 0
        yield from self._hear_window(window)

    def _recall(self, opened: OpenSource, chunks: Sequence[Chunk]) -> None:
        """Find what an earlier run heard of the source."""
        source = opened.prepared.source
        opened.checkpoint = self._checkpoint_of(source, self._fingerprint)
        opened.known = opened.checkpoint.load(chunks) if opened.checkpoint else {}
        if opened.known:
            logger.info("%s: %d of %d chunks are known", source.relative, len(opened.known), len(chunks))

    def _hear_window(self, window: Sequence[Job]) -> Iterator[OpenSource]:
        doubtful: list[OpenSource] = []
        for batch in batching.plan(
            [job.chunk.duration_ms for job in window], self._session.recognizer.capacity
        ):
            jobs = [window[index] for index in batch]
            self._hear([job for job in jobs if job.owner.error is None])
            self._on_heard(sum(span.duration_ms for job in jobs for span in job.chunk.speech))
            for job in jobs:
                job.owner.n_left -= 1
            _keep(jobs)
            complete = [owner for owner in _owners(jobs) if not owner.n_left]
            settled = [opened for opened in complete if not opened.is_doubtful]
            self._review([opened for opened in settled if opened.error is None])
            yield from settled
            doubtful += [opened for opened in complete if opened.is_doubtful]
        self._review(doubtful)
        yield from doubtful

    def _hear(self, jobs: Sequence[Job]) -> None:
        """Fill in the pieces of one batch; when it fails, find out whose chunk it was.

        A batch of which some is known is heard all the same: in another company a chunk's times could differ
        in the last digit, and a run that goes on must come to the same bytes as one that never stopped.
        """
        if not jobs:
            return
        if all(job.is_known for job in jobs):
            for job in jobs:
                job.owner.pieces[job.chunk.index] = job.owner.known[job.chunk.index]
            return
        heard = batching.try_each(
            jobs, lambda some: attempt(_path(some[0].owner), lambda: self._hear_batch(some))
        )
        for job, piece in zip(jobs, heard, strict=True):
            if isinstance(piece, QasrError):
                job.owner.error = job.owner.error or piece
            else:
                job.owner.pieces[job.chunk.index] = piece

    def _hear_batch(self, jobs: Sequence[Job]) -> list[RecognizedChunk]:
        """Return a piece for each job, with times where it can get them now.

        What is in doubt gets none yet, since it will be heard again. When the aligner fails, the whole batch
        gets none: the review times all that is left, finds out what it fails on, estimates those times and
        says so. A checkpoint therefore holds no estimate, and the run that goes on asks the aligner anew.
        """
        audio = [job.owner.prepared.waveform.read(job.chunk.start_ms, job.chunk.end_ms) for job in jobs]
        shares = [(job.owner.account, job.chunk.duration_ms) for job in jobs]
        with spending(Stage.RECOGNIZE, shares):
            pieces = recognize.hear(audio, [job.chunk for job in jobs], self._session, self._options.decode)
        clean = [index for index, piece in enumerate(pieces) if not piece.flags]
        with spending(Stage.ALIGN, [shares[index] for index in clean]):
            timed = contain(
                lambda: recognize.add_times(
                    [audio[index] for index in clean],
                    [pieces[index] for index in clean],
                    self._session,
                    self._options.align,
                )
            )
        if not isinstance(timed, QasrError):
            for index, piece in zip(clean, timed, strict=True):
                pieces[index] = piece
        return pieces

    def _review(self, complete: Sequence[OpenSource]) -> None:
        """Make the sources' text final; when that fails, find out whose it was."""
        if not complete:
            return
        texts = batching.try_each(
            complete, lambda some: attempt(_path(some[0]), lambda: self._review_together(some))
        )
        for opened, text in zip(complete, texts, strict=True):
            if isinstance(text, QasrError):
                opened.error = text
            else:
                opened.text = text

    def _review_together(self, complete: Sequence[OpenSource]) -> list[Reviewed]:
        options = self._options
        with spending(Stage.REVIEW, [(opened.account, opened.doubtful_ms) for opened in complete]):
            return review(
                [opened.recording for opened in complete],
                self._session,
                options.decode,
                options.guard,
                options.align,
                contain,
            )


def _path(opened: OpenSource) -> Path:
    return opened.prepared.source.relative


def _keep(jobs: Sequence[Job]) -> None:
    """Put what a batch said of unfinished sources into their checkpoints."""
    for owner in _owners(jobs):
        if owner.checkpoint is None or owner.error is not None or not (owner.n_left or owner.is_doubtful):
            continue
        heard = [owner.pieces[job.chunk.index] for job in jobs if job.owner is owner and not job.is_known]
        if heard:
            owner.checkpoint.add([piece for piece in heard if piece is not None])


def _owners(jobs: Sequence[Job]) -> list[OpenSource]:
    """Return the sources of the jobs, each once, in order."""
    return list({id(job.owner): job.owner for job in jobs}.values())


def attempt(path: Path | None, work: Callable[[], Value]) -> Value | QasrError:
    """Return what `work` returns, or why it could not; whatever happens to the file stays with it."""
    try:
        return work()
    except ReaderGone:  # ends the run, not the source
        raise
    except QasrError as error:
        return error
    except OSError as error:
        return from_os_error(error, "" if path else "the engine", path=path)
    except Exception as error:
        logger.debug("%s failed", path or "the engine", exc_info=True)
        reason = f"unexpected {type(error).__name__}: {error}"
        return QasrError.about(path, reason) if path else QasrError(f"the engine: {reason}")


def contain(work: Callable[[], Value]) -> Value | QasrError:
    """Return what hearing again, or timing, returns, or why it could not: the text that there is, is kept.

    Raises:
        DeviceLostError: The trouble is not this work's, since nothing more can be computed.
    """
    result = attempt(None, work)
    if isinstance(result, DeviceLostError):
        raise result
    return result
