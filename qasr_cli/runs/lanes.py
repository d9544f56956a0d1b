"""A run: three lanes over many sources, joined by bounded queues, with one pool of chunks for all of them.

    prepare (threads)        engine (the calling thread)            finish (one thread)
    decode, find speech  ->  windows of chunks of all sources,  ->  transcript, cues, files
    a few sources ahead      batched by length, heard, timed        as soon as its last chunk is back

The pool is a window over the chunks in source order, sized in batches: chunks of like length from many
sources share a batch, so a folder of short clips fills the device as one film does. What is in a window
depends on the sources alone and not on which thread was faster, so a run repeats itself exactly.
"""

from __future__ import annotations

import logging
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from qasr_cli import pipeline
from qasr_cli.errors import QasrError, from_os_error
from qasr_cli.media.ffmpeg import find_tools
from qasr_cli.options import Options
from qasr_cli.pipeline import Prepared
from qasr_cli.records import Chunk, Outcome, Segment, Source, Status, Transcript
from qasr_cli.runs import outputs
from qasr_cli.runs.delivery import Delivery
from qasr_cli.runs.outputs import Plan
from qasr_cli.runs.prefetch import Prefetch
from qasr_cli.runs.report import Report
from qasr_cli.speech import batching, chunking
from qasr_cli.speech.protocols import Engines
from qasr_cli.speech.transcribe import transcribe
from qasr_cli.terminal.progress import Reporter
from qasr_cli.terminal.stdio import ReaderGone

logger = logging.getLogger(__name__)

_BATCHES_PER_WINDOW = 4  # enough to sort by length; more would only delay each source's result
_MAX_WAITING_SOURCES = 256  # of a folder of clips: decoded, not yet heard
_MAX_WAITING_MS = 4 * 3_600_000  # of audio on disk ahead of the engine: 460 MB

Value = TypeVar("Value")


@dataclass(slots=True)
class OpenSource:
    """A source that is past the prepare lane, and what is back from the engine so far."""

    plan: Plan
    prepared: Prepared
    begun_s: float
    segments: list[Segment | None] = field(default_factory=list)
    n_left: int = 0
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One chunk in the pool, and the source that waits for it."""

    owner: OpenSource
    chunk: Chunk


class Run:
    """One run over many sources.

    Args:
        options: The whole tree; each stage is given its group.
        load_engines: Called once, when there is something to do.
        reporter: Told what happens.
        deliver: Called in source order with each source's text when results go to stdout.
    """

    def __init__(
        self,
        options: Options,
        load_engines: Callable[[], Engines],
        reporter: Reporter,
        deliver: Callable[[str], None],
    ) -> None:
        self._options = options
        self._load_engines = load_engines
        self._reporter = reporter
        self._delivery = Delivery(deliver)
        self._stop = threading.Event()
        self.report = Report(is_strict=options.run.is_strict)

    def execute(self, plans: Sequence[Plan]) -> Report:
        """Transcribe every plan's source; one source's failure never stops the others.

        Raises:
            UnavailableError: There is no ffmpeg, or the engines cannot be loaded; nothing has been done then.
        """
        self._reporter.begin(len(plans))
        todo = [plan for plan in plans if not self._is_settled(plan)]
        if todo:
            with tempfile.TemporaryDirectory(prefix="qasr-", ignore_cleanup_errors=True) as folder:
                self._work(todo, Path(folder))
        return self.report

    def _is_settled(self, plan: Plan) -> bool:
        if plan.error is not None:
            self._close(Outcome(plan.source, Status.FAILED, error=plan.error))
        elif plan.is_done:
            self._close(Outcome(plan.source, Status.SKIPPED))
        return plan.error is not None or plan.is_done

    def _work(self, plans: Sequence[Plan], folder: Path) -> None:
        find_tools()  # without ffmpeg the run fails at once, and not every source in its turn
        prefetch = Prefetch(
            plans,
            lambda plan: self._prepare(plan, folder),
            _waiting_ms,
            n_workers=self._options.run.n_prepare_workers,
            max_waiting=_MAX_WAITING_SOURCES,
            max_cost=_MAX_WAITING_MS,
        )
        with ThreadPoolExecutor(1, thread_name_prefix="finish") as finisher, prefetch as results:
            try:
                self._reporter.stage("loading the model")
                engines = self._load_engines()
                self._reporter.stage("reading media")
                finishing: list[Future[None]] = []
                for opened in self._engine_lane(results, engines):
                    finishing.append(finisher.submit(self._finish, opened, engines))
                    finishing = [future for future in finishing if not _is_over(future)]
                for future in finishing:
                    future.result()
            except BaseException:
                self._stop.set()  # ends the decoders, which leaving the prefetch waits for
                raise

    # ── prepare lane ────────────────────────────────────────────────────────────────────────────────────

    def _prepare(self, plan: Plan, folder: Path) -> OpenSource | Outcome:
        begun_s = time.monotonic()
        source = plan.source
        prepared = _attempt(source, lambda: pipeline.prepare(source, folder, self._options, self._stop))
        if isinstance(prepared, Exception):
            return Outcome(source, Status.FAILED, wall_s=time.monotonic() - begun_s, error=prepared)
        self._reporter.prepared(source, prepared.speech_ms)
        return OpenSource(plan, prepared, begun_s)

    # ── engine lane ─────────────────────────────────────────────────────────────────────────────────────

    def _engine_lane(self, results: Iterable[OpenSource | Outcome], engines: Engines) -> Iterator[OpenSource]:
        """Yield each source when its last chunk is back."""
        capacity = engines.recognizer.capacity
        limits = self._options.chunk.limited_to(capacity.max_chunk_ms)
        fullest_ms = min(capacity.max_batch_ms, capacity.max_batch_size * limits.max_ms)
        window: list[Job] = []
        window_ms = 0
        for opened in results:
            if isinstance(opened, Outcome):
                self._close(opened)
                continue
            chunks = chunking.plan(opened.prepared.source.id, opened.prepared.speech, limits)
            opened.segments, opened.n_left = [None] * len(chunks), len(chunks)
            if not chunks:
                yield opened
            for chunk in chunks:
                window.append(Job(opened, chunk))
                window_ms += chunk.duration_ms
                if window_ms >= _BATCHES_PER_WINDOW * fullest_ms:
                    yield from self._hear_window(window, engines)
                    window, window_ms = [], 0
        yield from self._hear_window(window, engines)

    def _hear_window(self, window: Sequence[Job], engines: Engines) -> Iterator[OpenSource]:
        capacity = engines.recognizer.capacity
        for batch in batching.plan([job.chunk.duration_ms for job in window], capacity):
            jobs = [window[index] for index in batch]
            self._hear([job for job in jobs if job.owner.error is None], engines)
            self._reporter.recognized(sum(span.duration_ms for job in jobs for span in job.chunk.speech))
            for job in jobs:
                job.owner.n_left -= 1
                if not job.owner.n_left:
                    yield job.owner

    def _hear(self, jobs: Sequence[Job], engines: Engines) -> None:
        """Fill in the segments of one batch; when it fails, find out whose chunk it was."""
        if not jobs:
            return
        audio = [job.owner.prepared.waveform.read(job.chunk.start_ms, job.chunk.end_ms) for job in jobs]
        segments = _attempt(
            jobs[0].owner.prepared.source,
            lambda: transcribe(
                audio, [job.chunk for job in jobs], engines, self._options.decode, self._options.align
            ),
        )
        if not isinstance(segments, Exception):
            for job, segment in zip(jobs, segments, strict=True):
                job.owner.segments[job.chunk.index] = segment
        elif len(jobs) == 1:
            jobs[0].owner.error = segments
        else:
            for job in jobs:
                self._hear([job] if job.owner.error is None else [], engines)

    # ── finish lane ─────────────────────────────────────────────────────────────────────────────────────

    def _finish(self, opened: OpenSource, engines: Engines) -> None:
        source, waveform = opened.prepared.source, opened.prepared.waveform
        waveform.path.unlink(missing_ok=True)
        result = _attempt(source, lambda: self._put_out(opened, engines))
        wall_s = time.monotonic() - opened.begun_s
        if isinstance(result, Exception):
            self._close(Outcome(source, Status.FAILED, waveform.duration_ms, wall_s, error=result))
            return
        self._close(
            Outcome(
                source,
                Status.DONE,
                waveform.duration_ms,
                wall_s,
                outputs=tuple(opened.plan.targets.values()),
                warnings=(*opened.prepared.warnings, *_doubts(result)),
            )
        )

    def _put_out(self, opened: OpenSource, engines: Engines) -> Transcript:
        if opened.error is not None:
            raise opened.error
        transcript = pipeline.finish(opened.prepared, opened.segments, engines, self._options)
        texts = pipeline.render(transcript, self._options.cue, self._options.output)
        for name, path in opened.plan.targets.items():
            outputs.write(path, texts[name], is_overwrite=self._options.output.is_overwrite)
        if self._options.output.is_stdout:
            self._delivery.settle(opened.plan.source.id, "".join(texts.values()))
        return transcript

    def _close(self, outcome: Outcome) -> None:
        self.report.add(outcome)
        self._reporter.finished(outcome)
        self._delivery.settle(outcome.source.id)


def _attempt(source: Source, work: Callable[[], Value]) -> Value | Exception:
    """Return what `work` returns, or why it could not; whatever happens to a source stays with it."""
    try:
        return work()
    except ReaderGone:  # ends the run, not the source
        raise
    except QasrError as error:
        return error
    except OSError as error:
        return from_os_error(error, str(source.relative))
    except Exception as error:
        logger.debug("%s failed", source.relative, exc_info=True)
        return QasrError(f"{source.relative}: unexpected {type(error).__name__}: {error}")


def _doubts(transcript: Transcript) -> tuple[str, ...]:
    n_cut = sum("truncated" in segment.flags for segment in transcript.segments)
    return (f"{n_cut} of {len(transcript.segments)} segments may be cut short",) if n_cut else ()


def _waiting_ms(result: OpenSource | Outcome) -> int:
    return 0 if isinstance(result, Outcome) else result.prepared.waveform.duration_ms


def _is_over(future: Future[None]) -> bool:
    """Whether the source is put out; raises what ended the finish lane, if something did."""
    if future.done():
        future.result()
    return future.done()
