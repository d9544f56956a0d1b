"""Text for a client of Wyoming while it speaks: a live session beside its recording.

In go the samples as they come; out comes the text that is certain by then. It is extra: an engine without
streams, a server without a seat left, or samples that only ffmpeg reads, mean no text before the end. The
transcript is always that of the whole recording, as of any other client.
"""

from __future__ import annotations

import contextlib
import logging
from types import TracebackType
from typing import Self

import numpy as np

from qasr_cli.errors import QasrError
from qasr_cli.options import Options, StreamOptions
from qasr_cli.serving.growing_text import GrowingText
from qasr_cli.serving.http.raw_samples import RawShape
from qasr_cli.serving.live_sessions import Seat, Talk
from qasr_cli.serving.resampling import RATES_HZ, Resampler
from qasr_cli.serving.service import Service
from qasr_cli.speech.inference.streaming import StreamingRecognizer
from qasr_cli.speech.streaming.events import Final, LiveEvent, Partial, SpeechStarted

logger = logging.getLogger(__name__)

_WIDTH = 2


class WyomingLive:
    """The live session of one recording; a context manager in the client's loop.

    Args:
        service: Has the live sessions.
        options: Of the recording.
        shape: Of its samples.

    Attributes:
        text: All that `feed` has returned.
    """

    def __init__(self, service: Service, options: Options, shape: RawShape) -> None:
        self.text = ""
        self._service = service
        self._options = options
        self._channels = shape.channels
        self._rest = b""
        self._resampler = Resampler(shape.rate_hz) if _is_plain(shape) else None
        self._place = contextlib.ExitStack()
        self._seat: Seat | None = None
        self._talk: Talk | None = None
        self._growing = GrowingText()

    def __enter__(self) -> Self:
        """Take a seat, if there is one."""
        engines = self._service.lane.engines
        is_streaming = engines is not None and isinstance(engines.recognizer, StreamingRecognizer)
        if self._resampler is not None and is_streaming:
            with contextlib.suppress(QasrError):
                self._seat = self._place.enter_context(self._service.live.seat())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the seat."""
        self.leave()

    def leave(self) -> None:
        """End the session: nothing more is wanted of it."""
        self._seat = self._talk = None
        self._place.close()

    async def feed(self, payload: bytes) -> str:
        """Add samples, and return the text that has become certain."""
        if self._seat is None or self._resampler is None:
            return ""
        given = self._rest + payload
        n_whole = len(given) - len(given) % (_WIDTH * self._channels)
        self._rest = given[n_whole:]
        frames = np.frombuffer(given[:n_whole], "<i2").reshape(-1, self._channels)
        mono = frames.mean(axis=1).astype(np.int16) if self._channels > 1 else frames[:, 0].astype(np.int16)
        try:
            if self._talk is None:
                self._talk = await self._seat.talk(self._options, StreamOptions(), self._handle, "a client")
            if self._talk.is_far_behind:  # a whole recording, which is not spoken now
                self.leave()
                return ""
            await self._talk.feed(self._resampler.feed(mono))
        except QasrError as error:
            logger.debug("no text while it is spoken: %s", error)
            self.leave()
        grown = self._growing.grown()
        self.text += grown
        return grown

    def _handle(self, event: LiveEvent) -> None:
        match event:
            case SpeechStarted(utterance):
                self._growing.begin((0, utterance))
            case Partial() as partial:
                self._growing.show((0, partial.utterance), partial)
            case Final() as final:
                self._growing.conclude((0, final.utterance), final)
            case _:
                pass


def _is_plain(shape: RawShape) -> bool:
    return shape.width == _WIDTH and shape.rate_hz in RATES_HZ
