"""Any media file as mono 16 kHz samples, with sample 0 at container time 0.

In go a path and an audio track's number; out come `int16` blocks. Media is not trusted: only files, only
known containers and audio codecs, nothing with references to other files (such as playlists), and a maximum
length. One ffmpeg process a file; a second one replaces it only if the first misread the container's clock or
the channels, and after a change of the audio's format two run in a pipe.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from qasr_cli.errors import (
    InputOutputError,
    NoInputError,
    UnavailableError,
    UndecodableError,
    UsageError,
    printable,
)
from qasr_cli.media import ffmpeg_arguments, probe
from qasr_cli.media.failure_reason import failure_reason, kill_reason
from qasr_cli.media.ffmpeg_arguments import Sound
from qasr_cli.media.probe import Probe
from qasr_cli.media.process import Child, running
from qasr_cli.operating_system import files
from qasr_cli.options import MediaOptions
from qasr_cli.records import Track
from qasr_cli.timebase import BYTES_PER_MS, BYTES_PER_SAMPLE, format_clock

_BLOCK_BYTES = 2_000 * BYTES_PER_MS
_MS_PER_HOUR = 3_600_000
_SHORT_MS = 1_000  # less than the container's own duration: its clock is rarely that far off
_NO_MIX = "Rematrix is needed"  # for known layouts without a mixing table (22.2, spheres)
_LINK_CHANGES = "channel change is not supported"  # of Ogg with several recordings in a row
_EMPTY_WORDS = {"invalid argument", "invalid data found when processing input"}


class _Decoder:
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
            block = self.child.read(_BLOCK_BYTES)
        return block[n_bytes:]

    def _replace(self, arguments: list[str], source: list[str] | None = None) -> bytes:
        self._stack.pop_all().close()
        try:
            self.child = self._stack.enter_context(running(arguments, probe.STDERR_FILTER, source))
        except OSError as error:
            raise UnavailableError(
                f"ffmpeg {arguments[0]} does not start: {error.strerror}", path=Path(arguments[0])
            ) from error
        return self.child.read(_BLOCK_BYTES)


class AudioStream:
    """The samples of one track; iterate it once.

    Attributes:
        track: The audio track.
        probed: The container's properties.
        warnings: Defects of the media; complete when the iteration has ended.
    """

    def __init__(
        self, path: Path, decoder: _Decoder, probed: Probe, first: bytes, options: MediaOptions
    ) -> None:
        self._path = path
        self._size_bytes = _size_bytes(path)
        self._decoder = decoder
        self._first = first
        self._max_hours = options.max_hours
        self.probed = probed
        self.track = probed.tracks[options.audio_track]
        self.warnings: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield `int16[n_samples]` blocks of two seconds.

        Raises:
            UndecodableError: The track is empty or too long, or ffmpeg got stuck.
            InputOutputError: ffmpeg was killed, the file changed or its disk failed: samples are missing.
        """
        n_bytes = 0
        for block in self._blocks():
            n_bytes += len(block)
            if n_bytes > self._max_hours * _MS_PER_HOUR * BYTES_PER_MS:
                raise UndecodableError.about(
                    self._path, f"decodes to over {self._max_hours:g} hours", "raise --max-hours"
                )
            yield np.frombuffer(block[: len(block) // BYTES_PER_SAMPLE * BYTES_PER_SAMPLE], dtype="<i2")
        self._check_completeness(n_bytes)

    @property
    def _child(self) -> Child:
        return self._decoder.child

    def _blocks(self) -> Iterator[bytes]:
        n_bytes = 0
        block = self._first
        while block:
            yield block
            n_bytes += len(block)
            block = self._child.read(_BLOCK_BYTES)
        if not _has_changed(self._child):
            return
        # The file is opened again; if it is gone by now, that is not the end of the audio
        _check_file(self._path)
        block = self._decoder.resume_after_change(n_bytes)
        while block:
            yield block
            block = self._child.read(_BLOCK_BYTES)

    def _check_completeness(self, n_bytes: int) -> None:
        """Check at the end of the samples whether ffmpeg decoded the whole file.

        A damaged file is decoded as far as possible, since there will never be more. If another attempt may
        give more, the incomplete result is an error.
        """
        _refuse_unfinished(self._path, self._child)
        if n_bytes and _size_bytes(self._path) not in {self._size_bytes, None}:
            raise InputOutputError.about(
                self._path, "changed while it was read", "run the same command again once it is whole"
            )
        reason = failure_reason(self._path, self._child)
        if reason:
            self._refuse_failing_disk(n_bytes)
        if not n_bytes and "not on whitelist" in self._child.stderr_text and "opening decoder" in reason:
            reason = f"its sound is {self.track.codec}, which qasr does not decode"
        if not n_bytes:
            raise UndecodableError.about(self._path, reason or "no sound in its audio track")
        if reason:
            until = format_clock(n_bytes // BYTES_PER_MS)[:-4]
            self.warnings += (printable(_warning(until, reason)),)

    def _refuse_failing_disk(self, n_bytes: int) -> None:
        """Raise if the file only seems damaged because of a failing disk or network.

        Not every demuxer of ffmpeg reports a read error. The file is read again only if one is likely: for a
        day's recording with a bad packet it would take too long.
        """
        is_of_disk = probe.may_be_of_disk(self._child.stderr_text)
        duration_ms = self.track.duration_ms
        is_short = duration_ms is None or n_bytes // BYTES_PER_MS < duration_ms - _SHORT_MS
        if is_of_disk or (n_bytes and is_short):
            _refuse_unread(self._path)
        if is_of_disk and self._differs_when_reread(n_bytes):
            raise _failing(self._path, "not all of it could be read at once")

    def _differs_when_reread(self, n_bytes: int) -> bool:
        """Whether another attempt gives a different number of samples: a damaged file gives the same."""
        n_bytes_again, source = 0, self._child.source
        with running(self._child.command, probe.STDERR_FILTER, source.command if source else None) as child:
            while n_bytes_again <= n_bytes and (block := child.read(_BLOCK_BYTES)):
                n_bytes_again += len(block)
        return n_bytes_again != n_bytes


@contextlib.contextmanager
def open_audio(path: Path, options: MediaOptions, *, is_out_of_phase: bool = False) -> Iterator[AudioStream]:
    """Decode an audio track of a file for as long as the context lasts.

    With `is_out_of_phase` the result is the difference of two channels; otherwise their downmix.

    Raises:
        NoInputError: There is no such file.
        UndecodableError: Not a regular file, empty, not media, or without audio.
        UsageError: The file has no such audio track; the hint lists its tracks.
        InputOutputError: The file cannot be read, or ffmpeg was killed.
        UnavailableError: There is no ffmpeg.
    """
    _check_file(path)
    audio_track = options.audio_track
    with contextlib.ExitStack() as stack:
        decoder = _Decoder(stack)
        first = decoder.begin(
            Sound(audio_track, is_out_of_phase=is_out_of_phase),
            functools.partial(ffmpeg_arguments.decode, path),
        )
        probed = probe.read(decoder.child.stderr_until_match())
        track = _choose(path, decoder.child, probed, audio_track)
        sound = Sound(
            audio_track, probed.n_unmapped[audio_track], probed.has_clock, is_out_of_phase=is_out_of_phase
        )
        if not first and _is_unmixed(decoder.child):
            sound = dataclasses.replace(sound, n_unmapped=track.channels)
        _refuse_many_channels(path, sound)
        warnings: tuple[str, ...] = ()
        if _may_misread_clock(probed, audio_track):
            first, warnings = _begin_on_container_clock(decoder, path, probed, sound)
        elif sound.n_unmapped:
            first = decoder.begin(sound, functools.partial(ffmpeg_arguments.decode, path))
        else:
            decoder.sound = sound
        audio = AudioStream(path, decoder, probed, first, options)
        audio.warnings = warnings
        yield audio


def _begin_on_container_clock(
    decoder: _Decoder, path: Path, probed: Probe, sound: Sound
) -> tuple[bytes, tuple[str, ...]]:
    """Restart the decoder if the clock was misread, and return the first samples and warnings."""
    build = functools.partial(
        ffmpeg_arguments.decode_on_container_clock, path, has_discontinuities=probed.has_discontinuities
    )
    first = decoder.begin(sound, build)
    if first or _has_changed(decoder.child):
        return first, ()
    # the picture's header is unreadable: decode the audio alone
    delay_ms = probed.tracks[sound.audio_track].start_ms if probed.has_discontinuities else 0
    first = decoder.begin(sound, functools.partial(ffmpeg_arguments.decode, path, delay_ms=delay_ms))
    if delay_ms:
        return first, ()
    return first, ("its picture is unreadable; if its audio starts later, subtitles are early",)


def _has_changed(child: Child) -> bool:
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


def _warning(until: str, reason: str) -> str:
    if _LINK_CHANGES in reason.lower():
        return (
            f"decoded only to {until}: its channels change there, where ffmpeg cannot follow, and the rest "
            "is missing; convert it to WAV with another tool"
        )
    return f"damaged media, decoded to {until}: {reason}"


def _check_file(path: Path) -> None:
    """Raise if the path is not a regular file: ffmpeg would wait for ever at a pipe."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UndecodableError.about(path, "not a regular file", "give a media file, or - for stdin")
        os.close(os.open(path, os.O_RDONLY | files.NO_BLOCK))  # it may have become a pipe just now
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NoInputError.about(path, "no such file") from error
    except OSError as error:
        raise InputOutputError.about(
            path, error.strerror or "it cannot be read", "check its permissions"
        ) from error
    if status.st_size == 0:
        raise UndecodableError.about(path, "the file is empty")


def _refuse_unfinished(path: Path, child: Child) -> None:
    """Raise if ffmpeg did not end by itself."""
    if killed := kill_reason(child):
        raise InputOutputError.about(
            path,
            f"{killed} before it was done",
            "run the same command again; a system without free memory kills programs",
        )
    if child.was_stuck:
        raise UndecodableError.about(
            path, failure_reason(path, child), "check the file with a media player, and its disk"
        )


def _refuse_unread(path: Path) -> None:
    """Raise if the file cannot be read to its end: it may seem damaged and not be."""
    try:
        with path.open("rb", buffering=0) as file:
            while file.read(_BLOCK_BYTES):
                pass
    except FileNotFoundError:
        pass  # deleted, but ffmpeg had it open and read all of it
    except OSError as error:
        raise _failing(path, error.strerror or "it cannot be read") from error


def _failing(path: Path, reason: str) -> InputOutputError:
    return InputOutputError.about(path, reason, "check its disk or network, then run the same command again")


def _size_bytes(path: Path) -> int | None:
    """Return a file's size; None if it was deleted, which does not affect a process that has it open."""
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return None


def _choose(path: Path, child: Child, probed: Probe, audio_track: int) -> Track:
    if audio_track < len(probed.tracks):
        return probed.tracks[audio_track]
    if not probed.tracks:
        _refuse_unfinished(path, child)
        if probe.may_be_of_disk(child.stderr_text):
            _refuse_unread(path)
        reason = failure_reason(path, child)
        if probed.formats:
            raise UndecodableError.about(path, "no audio track in it")
        more = f": {reason}" if reason and reason not in _EMPTY_WORDS else ""
        raise UndecodableError.about(path, f"not media that qasr can read{more}")
    rows = "; ".join(
        f"{number}: {track.language or 'unknown language'}, {track.codec}, {track.channels} channels"
        for number, track in enumerate(probed.tracks)
    )
    reason = f"no audio track {audio_track}"
    raise UsageError.about(path, reason, f"its audio tracks: {rows}", flag="--audio-track")


def _may_misread_clock(probed: Probe, audio_track: int) -> bool:
    """Whether ffmpeg may have used another time than the container's start as 0."""
    if probed.has_discontinuities:
        is_alone = probed.n_streams == 1
        return not is_alone and probed.track_starts_ms[audio_track] != probed.start_ms
    return probed.has_video and probed.start_ms != 0
