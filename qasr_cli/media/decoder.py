"""The ffmpeg that decodes a track, and the ones that replace it.

In go a path and an audio track; out come its first samples and a child process that gives the others. One
ffmpeg process a file; a second one replaces it only if the first misread the container's clock or the
channels, and after a change of the audio's format two run in a pipe.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path

from qasr_cli.errors import UnavailableError, UndecodableError
from qasr_cli.media import ffmpeg_arguments, probe
from qasr_cli.media.ffmpeg_arguments import Sound
from qasr_cli.media.probe import Probe
from qasr_cli.media.process import Child, running
from qasr_cli.timebase import BYTES_PER_MS

BLOCK_BYTES = 2_000 * BYTES_PER_MS
_NO_MIX = "Rematrix is needed"  # for known layouts without a mixing table (22.2, spheres)


class Decoder:
    """The ffmpeg process that decodes an audio track; another one may replace it.

    Attributes:
        child: The current process; not set before the first `begin`.
        sound: The audio track that it decodes.
    """

    child: Child
    sound: Sound

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack

    def begin(self, sound: Sound, build: Callable[[Sound], list[str]]) -> bytes:
        """Start a process in place of the current one, and return its first samples."""
        self.sound, self._build = sound, build
        return self._replace(build(sound))

    def resume_after_change(self, n_bytes: int) -> bytes:
        """Return the samples after the first `n_bytes`, at which the audio's format changed.

        The whole file is decoded again, into one format. If it has times, a second ffmpeg fills the gaps.
        """
        changing = self._build(dataclasses.replace(self.sound, is_changing=True))
        block = (
            self._replace(ffmpeg_arguments.fill_gaps(), changing)
            if self.sound.has_clock
            else self._replace(changing)
        )
        while n_bytes >= len(block) > 0:
            n_bytes -= len(block)
            block = self.child.read(BLOCK_BYTES)
        return block[n_bytes:]

    def _replace(self, arguments: list[str], source: list[str] | None = None) -> bytes:
        self._stack.pop_all().close()
        try:
            self.child = self._stack.enter_context(running(arguments, probe.STDERR_FILTER, source))
        except OSError as error:
            raise UnavailableError(
                f"ffmpeg {arguments[0]} does not start: {error.strerror}", path=Path(arguments[0])
            ) from error
        return self.child.read(BLOCK_BYTES)


def begin_as_probed(
    decoder: Decoder, path: Path, probed: Probe, sound: Sound, first: bytes
) -> tuple[bytes, tuple[str, ...]]:
    """Replace the first process if it misread the clock or the channels.

    Args:
        decoder: Its process has described the file.
        path: The media.
        probed: That description.
        sound: The audio track as the first process decodes it.
        first: The samples that it has given.

    Returns:
        The first samples, and warnings.

    Raises:
        UndecodableError: It has more channels than can be mixed.
    """
    number = sound.audio_track
    known = dataclasses.replace(sound, n_unmapped=probed.n_unmapped[number], has_clock=probed.has_clock)
    if not first and _is_unmixed(decoder.child):
        known = dataclasses.replace(known, n_unmapped=probed.tracks[number].channels)
    _refuse_many_channels(path, known)
    if _may_misread_clock(probed, number):
        return _begin_on_container_clock(decoder, path, probed, known)
    if known.n_unmapped:
        return decoder.begin(known, functools.partial(ffmpeg_arguments.decode, path)), ()
    decoder.sound = known
    return first, ()


def _begin_on_container_clock(
    decoder: Decoder, path: Path, probed: Probe, sound: Sound
) -> tuple[bytes, tuple[str, ...]]:
    """Restart the decoder if the clock was misread, and return the first samples and warnings."""
    build = functools.partial(
        ffmpeg_arguments.decode_on_container_clock, path, has_discontinuities=probed.has_discontinuities
    )
    first = decoder.begin(sound, build)
    if first or has_changed(decoder.child):
        return first, ()
    # the picture's header is unreadable: decode the audio alone
    delay_ms = probed.tracks[sound.audio_track].start_ms if probed.has_discontinuities else 0
    first = decoder.begin(sound, functools.partial(ffmpeg_arguments.decode, path, delay_ms=delay_ms))
    if delay_ms:
        return first, ()
    return first, ("its picture is unreadable; if its audio starts later, subtitles are early",)


def has_changed(child: Child) -> bool:
    """Whether ffmpeg, whose samples are at an end, ended because the audio's format changed."""
    child.finish()
    return probe.has_changed(child.stderr_text)


def _refuse_many_channels(path: Path, sound: Sound) -> None:
    if sound.n_unmapped > ffmpeg_arguments.MAX_UNMAPPED:
        raise UndecodableError.about(
            path,
            f"{sound.n_unmapped} channels in its audio, at most {ffmpeg_arguments.MAX_UNMAPPED} can be mixed",
            "mix it down, or extract the channels with voices, with an audio editor",
        )


def _is_unmixed(child: Child) -> bool:
    child.finish()
    return _NO_MIX in child.stderr_text


def _may_misread_clock(probed: Probe, audio_track: int) -> bool:
    """Whether ffmpeg may have used another time than the container's start as 0."""
    if probed.has_discontinuities:
        is_alone = probed.n_streams == 1
        return not is_alone and probed.track_starts_ms[audio_track] != probed.start_ms
    return probed.has_video and probed.start_ms != 0
