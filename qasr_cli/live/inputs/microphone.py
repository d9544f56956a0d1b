"""A microphone as an input, and the list of microphones.

In goes a name, or "" for the system's; out come samples, and the time during which the device was gone.
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterator

import numpy as np

from qasr_cli.errors import QasrError, UnavailableError
from qasr_cli.live.inputs.reconnecting import Reconnecting
from qasr_cli.live.protocols import Missing
from qasr_cli.media import microphones, probe
from qasr_cli.media.live_stream import Command, LiveStream
from qasr_cli.media.microphones import Microphone, Recorder
from qasr_cli.timebase import SAMPLE_RATE_HZ

_SILENCE_S = 5.0  # a device sends samples always, in a silent room too
_LONGEST_PAUSE_S = 1.0
_DIGITAL_SILENCE_S = 5
_LIST = "see qasr live --list-devices"

_log = logging.getLogger(__name__)


def list_devices() -> list[Microphone]:
    """Return the microphones that `--mic` takes.

    Raises:
        UnavailableError: There is no program that reads one.
    """
    return list(microphones.find().microphones)


def chosen(name: str) -> MicrophoneInput:
    """Return the microphone of a name or a description, or of the largest part of one; "" is the system's.

    Raises:
        UnavailableError: There is none, or none of this name.
    """
    recorder = microphones.find()
    found = recorder.microphones
    if not found:
        raise UnavailableError("no microphone on this machine", "plug one in, or pipe sound into qasr live -")
    if not name:
        default = next((one for one in found if one.is_default), None)
        return MicrophoneInput(recorder, recorder.default, default or found[0])
    matches = [one for one in found if name in {one.name, one.description}]
    matches = matches or [one for one in found if name.casefold() in one.label.casefold()]
    if len(matches) == 1:
        return MicrophoneInput(recorder, matches[0].name, matches[0])
    if matches:
        several = ", ".join(one.name for one in matches)
        raise UnavailableError(f"--mic {name!r} fits several: {several}", "give one of them", flag="--mic")
    names = [text for one in found for text in (one.name, one.description)]
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
    raise UnavailableError(
        f"no microphone is called {name!r}",
        f"did you mean {near[0]!r}? {_LIST}" if near else _LIST,
        flag="--mic",
    )


class MicrophoneInput:
    """A live input; see `LiveInput`."""

    is_real_time = True
    lost = "the microphone was gone"

    def __init__(self, recorder: Recorder, device: str, microphone: Microphone) -> None:
        self.name = microphone.description or microphone.name
        self._recorder = recorder
        arguments = recorder.command(device)
        command = Command(arguments, _SILENCE_S, microphones.environment(), is_of_media=False)
        self._stream = Reconnecting(self, command, _LONGEST_PAUSE_S)
        self._n_zeros = 0

    def blocks(self) -> Iterator[np.ndarray | Missing]:
        """Yield the samples.

        Raises:
            UnavailableError: The device gives none.
        """
        for block in self._stream.blocks():
            if not isinstance(block, Missing):
                self._watch_level(block)
            yield block

    def stop(self) -> None:
        """End the iterator soon."""
        self._stream.stop()

    def arrived(self, stream: LiveStream) -> None:
        """Log which device it is, and its rate."""
        tracks = probe.read(stream.stderr_text).tracks
        rate_hz = tracks[0].sample_rate_hz if tracks else SAMPLE_RATE_HZ
        _log.info("microphone: %s (%s, %d Hz)", self.name, self._recorder.label, rate_hz)

    def has_ended(self, reason: str) -> bool:
        """A device has no end."""
        return False

    def plain(self, reason: str) -> str:
        """Return a reason without the activity of ffmpeg."""
        return reason.removeprefix("error during demuxing: ")

    def failed(self, reason: str, _: LiveStream) -> QasrError:
        """Return the error of a device that has given no sound."""
        return UnavailableError(f"microphone {self.name}: {reason or 'no sound'}", _LIST)

    def _watch_level(self, block: np.ndarray) -> None:
        """Warn once about a device that gives nothing but zeros: it is muted, or the wrong one."""
        limit = _DIGITAL_SILENCE_S * SAMPLE_RATE_HZ
        if block.any():
            self._n_zeros = 0
            return
        was_below = self._n_zeros < limit
        self._n_zeros += len(block)
        if was_below and self._n_zeros >= limit:
            _log.warning(
                "microphone %s: nothing but digital silence for %d seconds; is it muted? %s",
                self.name,
                _DIGITAL_SILENCE_S,
                _LIST,
            )
