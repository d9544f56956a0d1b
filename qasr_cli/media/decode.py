"""Any media file as mono 16 kHz samples, with sample 0 at container time 0.

In go a path and an audio track's number; out come `int16` blocks. Media is not trusted: only files, only
known containers and audio codecs, nothing that points elsewhere (playlists do), and no more than so many
hours. One ffmpeg process a file; another in its place only where the first misread the container's clock or
the channels, and two in a row from where the sound changes.
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
from qasr_cli.media import command, probe
from qasr_cli.media.command import Sound
from qasr_cli.media.failure_reason import failure_reason, kill_reason
from qasr_cli.media.probe import Probe
from qasr_cli.media.process import Child, running
from qasr_cli.options import MediaOptions
from qasr_cli.records import Track
from qasr_cli.timebase import BYTES_PER_MS, BYTES_PER_SAMPLE, format_clock

_BLOCK_BYTES = 2_000 * BYTES_PER_MS
_MS_PER_HOUR = 3_600_000
_SHORT_MS = 1_000  # less than the container's own duration: its clock is rarely that far off
_NO_MIX = "Rematrix is needed"  # from channels that are placed, but where no table knows (22.2, spheres)
_LINK_CHANGES = "channel change is not supported"  # of Ogg with several recordings in a row
_EMPTY_WORDS = {"invalid argument", "invalid data found when processing input"}


class _Decoder:
    """The ffmpeg at work on a sound; others may take its place until one does it right.

    Attributes:
        child: The one at work; none before the first `begin`.
        sound: The sound that it decodes.
    """

    child: Child
    sound: Sound

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack

    def begin(self, sound: Sound, build: Callable[[Sound], list[str]]) -> bytes:
        """Start one in place of the one before, and return its first samples."""
        self.sound, self._build = sound, build
        return self._replace(build(sound))

    def go_on(self, n_bytes: int) -> bytes:
        """Return the samples that come after the first so many, in which the sound changed.

        All is decoded again, into one kind of sound. Where that has times, a second ffmpeg fills in what is
        missing.
        """
        changing = self._build(dataclasses.replace(self.sound, is_changing=True))
        block = self._replace(command.fill(), changing) if self.sound.has_clock else self._replace(changing)
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
        track: Which track this is.
        probed: What ffmpeg printed about the container.
        warnings: What was wrong with the media; complete when the iteration has ended.
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
            UndecodableError: There is no sound in the track, or more than allowed, or ffmpeg got stuck.
            InputOutputError: ffmpeg was killed, the file changed or its disk failed: this is not all of it.
        """
        n_bytes = 0
        for block in self._blocks():
            n_bytes += len(block)
            if n_bytes > self._max_hours * _MS_PER_HOUR * BYTES_PER_MS:
                raise UndecodableError.about(
                    self._path, f"decodes to over {self._max_hours:g} hours", "raise --max-hours"
                )
            yield np.frombuffer(block[: len(block) // BYTES_PER_SAMPLE * BYTES_PER_SAMPLE], dtype="<i2")
        self._judge(n_bytes)

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
        _check_file(self._path)  # it is opened again; what is gone by now must not pass for its end
        block = self._decoder.go_on(n_bytes)
        while block:
            yield block
            block = self._child.read(_BLOCK_BYTES)

    def _judge(self, n_bytes: int) -> None:
        """Decide at the end of the samples whether ffmpeg decoded all of it.

        What is damaged is decoded as far as it goes: nobody will ever get more of it. Where more is to be had
        another time, a part must not pass for the whole.
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
        """Refuse what only seems damaged, because its disk or network does not give it whole.

        Not every reader of ffmpeg's says that it could not read on. The file is read again only where that
        may be so: a day's recording with a bad packet in it is not worth the time.
        """
        is_of_disk = probe.may_be_of_disk(self._child.stderr_text)
        duration_ms = self.track.duration_ms
        is_short = duration_ms is None or n_bytes // BYTES_PER_MS < duration_ms - _SHORT_MS
        if is_of_disk or (n_bytes and is_short):
            _refuse_unread(self._path)
        if is_of_disk and self._comes_otherwise(n_bytes):
            raise _failing(self._path, "not all of it could be read at once")

    def _comes_otherwise(self, n_bytes: int) -> bool:
        """Tell whether another try gives more samples or fewer: what is damaged ends where it did."""
        again, source = 0, self._child.source
        with running(self._child.command, probe.STDERR_FILTER, source.command if source else None) as child:
            while again <= n_bytes and (block := child.read(_BLOCK_BYTES)):
                again += len(block)
        return again != n_bytes


@contextlib.contextmanager
def open_audio(path: Path, options: MediaOptions, *, is_turned: bool = False) -> Iterator[AudioStream]:
    """Decode an audio track of a file for as long as the context lasts.

    With `is_turned` it gives what two channels differ in; they are mixed otherwise.

    Raises:
        NoInputError: No such file.
        UndecodableError: Not a regular file, empty, not media, or without audio.
        UsageError: The file has no such audio track; its tracks are named.
        InputOutputError: The file may not be read, or somebody killed ffmpeg.
        UnavailableError: There is no ffmpeg.
    """
    _check_file(path)
    wanted = options.audio_track
    with contextlib.ExitStack() as stack:
        decoder = _Decoder(stack)
        first = decoder.begin(Sound(wanted, is_turned=is_turned), functools.partial(command.decode, path))
        probed = probe.read(decoder.child.stderr_until_match())
        track = _choose(path, decoder.child, probed, wanted)
        sound = Sound(wanted, probed.n_unplaced[wanted], probed.has_clock, is_turned=is_turned)
        if not first and _is_unmixed(decoder.child):
            sound = dataclasses.replace(sound, n_unplaced=track.channels)
        _refuse_many_channels(path, sound)
        warnings: tuple[str, ...] = ()
        if _may_misread_clock(probed, wanted):
            first, warnings = _begin_on_the_clock_of_all(decoder, path, probed, sound)
        elif sound.n_unplaced:
            first = decoder.begin(sound, functools.partial(command.decode, path))
        else:
            decoder.sound = sound
        audio = AudioStream(path, decoder, probed, first, options)
        audio.warnings = warnings
        yield audio


def _begin_on_the_clock_of_all(
    decoder: _Decoder, path: Path, probed: Probe, sound: Sound
) -> tuple[bytes, tuple[str, ...]]:
    """Start again where the clock was misread, and return the first samples with what is uncertain."""
    build = functools.partial(command.decode_on_the_clock_of_all, path, is_jumping=probed.is_jumping)
    first = decoder.begin(sound, build)
    if first or _has_changed(decoder.child):
        return first, ()
    # its picture cannot even be described: better its sound alone than nothing
    late_ms = probed.tracks[sound.audio_track].start_ms if probed.is_jumping else 0
    first = decoder.begin(sound, functools.partial(command.decode, path, late_ms=late_ms))
    if late_ms:
        return first, ()
    return first, ("its picture is unreadable; if its sound starts later, subtitles are early",)


def _has_changed(child: Child) -> bool:
    """Tell whether ffmpeg, whose samples are at an end, ended because its sound changed."""
    child.finish()
    return probe.has_changed(child.stderr_text)


def _refuse_many_channels(path: Path, sound: Sound) -> None:
    if sound.n_unplaced > command.MAX_UNPLACED:
        raise UndecodableError.about(
            path,
            f"{sound.n_unplaced} channels in its audio, at most {command.MAX_UNPLACED} can be mixed",
            "mix it down, or take the channels with voices out of it, with an audio editor",
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
    """Refuse what is no file before ffmpeg sees it: it would wait for ever at a pipe."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UndecodableError.about(path, "not a regular file", "give a media file, or - for stdin")
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))  # it may have become a pipe just now
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NoInputError.about(path, "no such file") from error
    except OSError as error:
        raise InputOutputError.about(
            path, error.strerror or "it cannot be read", "check its permissions"
        ) from error
    if status.st_size == 0:
        raise UndecodableError.about(path, "the file is empty")


def _refuse_unfinished(path: Path, child: Child) -> None:
    """Refuse what an ffmpeg wrote that did not come to its own end."""
    if killed := kill_reason(child):
        raise InputOutputError.about(
            path,
            f"{killed} before it was done",
            "run the same command again; a system that is out of memory kills programs",
        )
    if child.was_stuck:
        raise UndecodableError.about(
            path, failure_reason(path, child), "check the file with a media player, and its disk"
        )


def _refuse_unread(path: Path) -> None:
    """Refuse a file that its disk, or the network, does not give whole: what seems damaged may not be."""
    try:
        with path.open("rb", buffering=0) as file:
            while file.read(_BLOCK_BYTES):
                pass
    except FileNotFoundError:
        pass  # gone, and read whole by whoever had it open
    except OSError as error:
        raise _failing(path, error.strerror or "it cannot be read") from error


def _failing(path: Path, reason: str) -> InputOutputError:
    return InputOutputError.about(path, reason, "check its disk or network, then run the same command again")


def _size_bytes(path: Path) -> int | None:
    """Return how large a file is; None for one that is gone, which whoever has it open still reads whole."""
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return None


def _choose(path: Path, child: Child, probed: Probe, wanted: int) -> Track:
    if wanted < len(probed.tracks):
        return probed.tracks[wanted]
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
    reason = f"no audio track {wanted}"
    raise UsageError.about(path, reason, f"its audio tracks: {rows}", flag="--audio-track")


def _may_misread_clock(probed: Probe, wanted: int) -> bool:
    """Tell whether ffmpeg may have used another moment than the container's start as 0."""
    if probed.is_jumping:
        is_alone = probed.n_streams == 1
        return not is_alone and probed.track_starts_ms[wanted] != probed.start_ms
    return probed.has_video and probed.start_ms != 0
