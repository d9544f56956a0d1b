"""One clip, recognised once: no voice detection, no second try, no times.

In go an upload of at most one chunk's length; out comes a hypothesis. This is what a client wants that has
the rest of the pipeline itself, as `qasr transcribe --server` has.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qasr_cli.errors import QasrError, UndecodableError
from qasr_cli.media import decode
from qasr_cli.media.waveform import WaveformWriter
from qasr_cli.options import Options
from qasr_cli.pipeline.containment import attempt
from qasr_cli.pipeline.open_source import OpenSource
from qasr_cli.pipeline.prepare import Prepared
from qasr_cli.records import Chunk, Hypothesis, Source, Track, Waveform
from qasr_cli.serving.ask import Upload
from qasr_cli.serving.batch_queue import Request
from qasr_cli.serving.refusals import of_client
from qasr_cli.speech.audio.vad import SpeechMap
from qasr_cli.speech.inference.protocols import Capacity
from qasr_cli.timebase import SAMPLE_RATE_HZ

_MAX_SAMPLES = 60 * SAMPLE_RATE_HZ  # no model takes more at once; the rest need not be decoded


@dataclass(frozen=True, slots=True)
class RecognizedClip:
    """A clip's hypothesis, and the length of its audio."""

    hypothesis: Hypothesis
    audio_ms: int


class Clip:
    """`Request` for one clip.

    Args:
        upload: Its file, which is removed with the clip.
        options: The whole tree; its decoding options are the client's.
        number: Its number in this server, for the names of scratch files.
        recognize: Hands a prepared source to the request lane.

    Attributes:
        future: Gets the result, or a `QasrError`.
    """

    is_urgent = False  # its sender has many more

    def __init__(
        self, upload: Upload, options: Options, number: int, recognize: Callable[[OpenSource[Request]], None]
    ) -> None:
        self.future: Future[RecognizedClip] = Future()
        self._upload = upload
        self._options = options
        self._source = Source(number, upload.path, Path(upload.name))
        self._target = upload.path.with_name(f"{number}.s16le")
        self._recognize = recognize
        self._ending = threading.Lock()
        self._is_over = False

    @property
    def is_cancelled(self) -> bool:
        """Whether its client is gone."""
        return self.future.cancelled()

    def prepare(self) -> None:
        """Decode the upload and hand it on; on a thread of `preparing`."""
        read = attempt(self._source.relative, self._read)
        with contextlib.suppress(OSError):
            self._upload.path.unlink()
        if isinstance(read, QasrError):
            self._end(read)
            return
        track, waveform = read
        nothing_known = SpeechMap((), np.zeros(1, np.float32), waveform.duration_ms)
        prepared = Prepared(self._source, track, waveform, nothing_known)
        self._recognize(OpenSource(self, prepared, time.monotonic(), self._options, is_reviewed=False))

    def _read(self) -> tuple[Track, Waveform]:
        with (
            decode.open_audio(self._source.path, self._options.media) as audio,
            WaveformWriter(self._target) as writer,
        ):
            n_samples = 0
            for block in audio:
                n_samples += len(block)
                if n_samples > _MAX_SAMPLES:
                    raise self._too_long("more than a minute", "one chunk")
                writer.append(block)
            return audio.track, writer.close()

    def _too_long(self, length: str, most: str) -> UndecodableError:
        return UndecodableError.about(
            self._source.relative,
            f"{length} of audio; a clip has at most {most}",
            "send it to /v1/audio/transcriptions, which cuts long audio",
        )

    def begun(self) -> None:
        """Nothing is noted."""

    def plan(self, opened: OpenSource[Request], capacity: Capacity) -> list[Chunk]:
        """Return the clip as one chunk.

        Raises:
            UndecodableError: It is longer than the model takes at once.
        """
        duration_ms = opened.prepared.waveform.duration_ms
        if duration_ms > capacity.max_chunk_ms:
            raise self._too_long(f"{duration_ms / 1000:.1f} s", f"{capacity.max_chunk_ms / 1000:g} s")
        return [Chunk(self._source.id, 0, 0, max(1, duration_ms))]

    def progressed(self, opened: OpenSource[Request]) -> None:
        """Nothing happens before its only chunk is back."""

    def settled(self, opened: OpenSource[Request]) -> None:
        """Give the result to who waits for it."""
        (result,) = opened.recognized or [None]
        if opened.error is not None or result is None:
            self._end(opened.error or QasrError.about(self._source.relative, "no result"))
        else:
            self._end(RecognizedClip(result.hypothesis, opened.prepared.waveform.duration_ms))

    def fail(self, error: QasrError) -> None:
        """End it with an error, if it is not over; from any thread."""
        self._end(error)

    def _end(self, result: RecognizedClip | QasrError) -> None:
        with contextlib.suppress(OSError):
            self._target.unlink(missing_ok=True)
        with self._ending:  # the lane's thread and the end of the server may both be here
            is_over, self._is_over = self._is_over, True
        if is_over or not self.future.set_running_or_notify_cancel():
            return
        if isinstance(result, QasrError):
            self.future.set_exception(of_client(result, self._source))
        else:
            self.future.set_result(result)
