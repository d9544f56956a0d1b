"""One recording on its way through the lanes: decoded, planned, finished.

In go a job and its upload; out comes the job's result. The threads of `preparing`, the request lane and the
finishing threads call it, one at a time. Removes the scratch files when the recording is over.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from qasr_cli.errors import QasrError
from qasr_cli.options import Options
from qasr_cli.pipeline import finish
from qasr_cli.pipeline.containment import attempt
from qasr_cli.pipeline.open_source import OpenSource
from qasr_cli.pipeline.prepare import Cancelled, Prepared, prepare
from qasr_cli.records import Chunk, Source
from qasr_cli.serving.ask import Purpose, Upload
from qasr_cli.serving.batch_queue import Request
from qasr_cli.serving.jobs import Job, JobResult, JobState
from qasr_cli.serving.refusals import CancelledError, of_client
from qasr_cli.speech.audio import chunking
from qasr_cli.speech.fallback import language_vote, settled
from qasr_cli.speech.inference.protocols import Capacity, Engines


@dataclass(frozen=True, slots=True)
class Lanes:
    """What the service does for its recordings.

    Attributes:
        engines: Returns the loaded engines.
        recognize: Hands a prepared source to the request lane.
        finish: Calls a function on a finishing thread.
        over: Notes that a recording is over.
        begun: Notes that the first chunk of a job is about to be computed.
    """

    engines: Callable[[], Engines]
    recognize: Callable[[OpenSource[Request]], None]
    finish: Callable[[Callable[[], None]], None]
    over: Callable[[Recording], None]
    begun: Callable[[Job], None]


_N_PROBED = 3  # chunks for the detection of a language: opening music and a guest's sentence mislead one


class Recording:
    """`Request` for one upload.

    Args:
        job: Gets the result.
        upload: Its file, which is removed with the recording.
        number: Its number in this server, for the names of scratch files.
        lanes: What to call next.
    """

    def __init__(self, job: Job, upload: Upload, number: int, lanes: Lanes) -> None:
        self.job = job
        self._upload = upload
        self._source = Source(number, upload.path, Path(upload.name))
        self._lanes = lanes
        self._settled: settled.SettledText | None = None
        self._waveform: Path | None = None

    @property
    def options(self) -> Options:
        """The options of the request."""
        return self.job.ask.options

    @property
    def is_cancelled(self) -> bool:
        """Whether nobody wants the result any more: it is cancelled, or the server ends."""
        return self.job.is_final

    @property
    def is_urgent(self) -> bool:
        """Whether it goes first if it is short."""
        return self.job.ask.is_urgent

    def prepare(self) -> None:
        """Decode the upload and hand it on; on a thread of `preparing`."""
        begun_s = time.monotonic()
        self.job.enter(JobState.DECODING)
        folder = self._upload.path.parent
        prepared = attempt(
            self._source.relative, lambda: _prepare(self._source, folder, self.options, self.job.stop)
        )
        with contextlib.suppress(OSError):
            self._upload.path.unlink()
        if isinstance(prepared, QasrError):
            self._end(lambda: prepared)
            return
        self._waveform = prepared.waveform.path
        self.job.audio_ms = prepared.waveform.duration_ms
        self.job.speech_ms = prepared.speech_ms
        ask = self.job.ask
        is_reviewed = ask.purpose is not Purpose.DETECT_LANGUAGE
        opened: OpenSource[Request] = OpenSource(
            self, prepared, begun_s, ask.options, ask.script, is_reviewed
        )
        self._lanes.recognize(opened)

    def plan(self, opened: OpenSource[Request], capacity: Capacity) -> list[Chunk]:
        """Return the chunks of the recording; for the detection of its language three, spread over it."""
        limits = self.options.chunk.limited_to(capacity.max_chunk_ms)
        chunks = list(chunking.plan(self._source.id, opened.prepared.speech, limits))
        if self.job.ask.purpose is Purpose.DETECT_LANGUAGE:
            places = {round(number * (len(chunks) - 1) / (_N_PROBED - 1)) for number in range(_N_PROBED)}
            return [chunk for place, chunk in enumerate(chunks) if place in places]
        self._settled = settled.SettledText(chunks, self.options.decode, self.options.guard)
        return chunks

    def begun(self) -> None:
        """Note when the first chunk is computed."""
        if self.job.begun_s is None:
            self.job.begun_s = time.monotonic()
            self.job.enter(JobState.RECOGNIZING)
            self._lanes.begun(self.job)

    def progressed(self, opened: OpenSource[Request]) -> None:
        """Note how far the recording is, and the text that is final."""
        results = [result for result in opened.recognized if result is not None]
        self.job.done_ms = sum(result.chunk.speech_ms for result in results)
        if self._settled is not None:
            self.job.text = self._settled.update(opened.recognized)
        self.job.tell()

    def settled(self, opened: OpenSource[Request]) -> None:
        """Finish the recording on another thread: cues of a film take a second."""
        error = opened.error
        if error is not None:  # there may be no engines: perhaps they could not be loaded
            self._lanes.finish(lambda: self._end(lambda: error))
            return
        engines = self._lanes.engines()
        self._lanes.finish(lambda: self._end(lambda: self._conclude(opened, engines)))

    def _conclude(self, opened: OpenSource[Request], engines: Engines) -> JobResult:
        transcript = finish.transcribed(opened, engines, self.options)
        results = [result for result in opened.recognized if result is not None]
        language = transcript.language
        if self.job.ask.purpose is Purpose.DETECT_LANGUAGE:
            language = language_vote.majority_language(results)
        return JobResult(
            transcript,
            finish.aligned(opened, engines, self.options),
            language,
            (*opened.prepared.warnings, *opened.text.warnings),
            sum(result.hypothesis.n_tokens for result in results),
        )

    def _end(self, conclude: Callable[[], JobResult | QasrError]) -> None:
        """Remove the scratch files, and give the job its result or what ended it."""
        for path in filter(None, (self._upload.path, self._waveform)):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        result = attempt(self._source.relative, conclude)
        if isinstance(result, QasrError):
            self.job.fail(of_client(result, self._source))
        else:
            self.job.done_ms = self.job.speech_ms
            self.job.succeed(result)
        self._lanes.over(self)


def _prepare(source: Source, folder: Path, options: Options, stop: threading.Event) -> Prepared | QasrError:
    try:
        return prepare(source, folder, options, stop)
    except Cancelled:  # the job has said so to its clients
        return CancelledError(f"{source.relative}: cancelled")
