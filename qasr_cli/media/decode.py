"""Any media file as mono 16 kHz samples, with sample 0 at container time 0.

In go a path and an audio track's number; out come `int16` blocks. Media is not trusted: only files, only
known containers and audio codecs, nothing that points elsewhere (playlists do), and no more than so many
hours. One ffmpeg process a file, a second one only where the first misread the container's clock.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
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
from qasr_cli.media import banner, command
from qasr_cli.media.banner import Banner
from qasr_cli.media.process import Child, running
from qasr_cli.media.verdict import was_killed, what_went_wrong
from qasr_cli.options import MediaOptions
from qasr_cli.records import Track
from qasr_cli.timebase import BYTES_PER_MS, BYTES_PER_SAMPLE, format_clock

_BLOCK_BYTES = 2_000 * BYTES_PER_MS
_MS_PER_HOUR = 3_600_000
_SHORT_MS = 1_000  # less than the container says: its clock is rarely that far off
_EMPTY_WORDS = {"invalid argument", "invalid data found when processing input"}


class AudioStream:
    """The samples of one track; iterate it once.

    Attributes:
        track: Which track this is.
        known: What the container says of itself.
        warnings: What was wrong with the media; complete when the iteration has ended.
    """

    def __init__(self, path: Path, child: Child, known: Banner, first: bytes, options: MediaOptions) -> None:
        self._path = path
        self._size_bytes = _size_bytes(path)
        self._child = child
        self._first = first
        self._max_hours = options.max_hours
        self.known = known
        self.track = known.tracks[options.audio_track]
        self.warnings: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield `int16[n_samples]` blocks of two seconds.

        Raises:
            UndecodableError: There is no sound in the track, or more than allowed, or ffmpeg got stuck.
            InputOutputError: ffmpeg was killed, the file changed or its disk failed: this is not all of it.
        """
        n_bytes = 0
        block = self._first
        while block:
            n_bytes += len(block)
            if n_bytes > self._max_hours * _MS_PER_HOUR * BYTES_PER_MS:
                raise UndecodableError(
                    f"{self._path}: decodes to over {self._max_hours:g} hours", "raise --max-hours"
                )
            yield np.frombuffer(block[: len(block) // BYTES_PER_SAMPLE * BYTES_PER_SAMPLE], dtype="<i2")
            block = self._child.read(_BLOCK_BYTES)
        self._judge(n_bytes)

    def _judge(self, n_bytes: int) -> None:
        """Decide at the end of the samples whether ffmpeg was content.

        What is damaged is decoded as far as it goes: nobody will ever get more of it. Where more is to be had
        another time, a part must not pass for the whole.
        """
        _refuse_unfinished(self._path, self._child)
        if n_bytes and _size_bytes(self._path) not in {self._size_bytes, None}:
            raise InputOutputError(
                f"{self._path}: changed while it was read", "run the same command again once it is whole"
            )
        reason = what_went_wrong(self._path, self._child)
        if reason:
            self._refuse_failing_disk(n_bytes)
        if not n_bytes and "not on whitelist" in self._child.said and "opening decoder" in reason:
            reason = f"its sound is {self.track.codec}, which qasr does not decode"
        if not n_bytes:
            raise UndecodableError(f"{self._path}: {reason or 'no sound in its audio track'}")
        if reason:
            until = format_clock(n_bytes // BYTES_PER_MS)[:-4]
            self.warnings += (printable(f"damaged media, decoded to {until}: {reason}"),)

    def _refuse_failing_disk(self, n_bytes: int) -> None:
        """Refuse what only seems damaged, because its disk or network does not give it whole.

        Not every reader of ffmpeg's says that it could not read on. The file is read again only where that
        may be so: a day's recording with a bad packet in it is not worth the time.
        """
        is_of_disk = banner.may_be_of_disk(self._child.said)
        duration_ms = self.track.duration_ms
        is_short = duration_ms is None or n_bytes // BYTES_PER_MS < duration_ms - _SHORT_MS
        if is_of_disk or (n_bytes and is_short):
            _refuse_unread(self._path)
        if is_of_disk and self._comes_otherwise(n_bytes):
            raise _failing(self._path, "not all of it could be read at once")

    def _comes_otherwise(self, n_bytes: int) -> bool:
        """Tell whether another try gives more samples or fewer: what is damaged ends where it did."""
        again = 0
        with running(self._child.command, banner.EARS) as child:
            while again <= n_bytes and (block := child.read(_BLOCK_BYTES)):
                again += len(block)
        return again != n_bytes


@contextlib.contextmanager
def open_audio(path: Path, options: MediaOptions) -> Iterator[AudioStream]:
    """Decode an audio track of a file for as long as the context lasts.

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
        child, first = _begin(stack, command.decode(path, wanted))
        known = banner.read(child.said_so_far)
        track = _choose(path, child, known, wanted)
        warnings: tuple[str, ...] = ()
        if _may_misread_clock(known, wanted):
            again = command.decode_on_the_clock_of_all(path, wanted, is_jumping=known.is_jumping)
            child, first = _begin(stack, again)
            if not first:  # its picture cannot even be described: better its sound alone than nothing
                late_ms = track.start_ms if known.is_jumping else 0
                child, first = _begin(stack, command.decode(path, wanted, late_ms))
                if not late_ms:
                    warnings = ("its picture is unreadable; if its sound starts later, subtitles are early",)
        audio = AudioStream(path, child, known, first, options)
        audio.warnings = warnings
        yield audio


def _begin(stack: contextlib.ExitStack, arguments: list[str]) -> tuple[Child, bytes]:
    """Start ffmpeg in place of the one before, and return it with its first samples."""
    stack.pop_all().close()
    try:
        child = stack.enter_context(running(arguments, banner.EARS))
    except OSError as error:
        raise UnavailableError(f"ffmpeg {arguments[0]} does not start: {error.strerror}") from error
    return child, child.read(_BLOCK_BYTES)


def _check_file(path: Path) -> None:
    """Refuse what is no file before ffmpeg sees it: it would wait for ever at a pipe."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UndecodableError(f"{path}: not a regular file", "give a media file, or - for stdin")
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))  # it may have become a pipe just now
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NoInputError(f"{path}: no such file") from error
    except OSError as error:
        raise InputOutputError(f"{path}: {error.strerror}", "check its permissions") from error
    if status.st_size == 0:
        raise UndecodableError(f"{path}: the file is empty")


def _refuse_unfinished(path: Path, child: Child) -> None:
    """Refuse what an ffmpeg wrote that did not come to its own end."""
    if killed := was_killed(child):
        raise InputOutputError(
            f"{path}: {killed} before it was done",
            "run the same command again; a system that is out of memory kills programs",
        )
    if child.was_stuck:
        raise UndecodableError(
            f"{path}: {what_went_wrong(path, child)}", "check the file with a media player, and its disk"
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
    return InputOutputError(f"{path}: {reason}", "check its disk or network, then run the same command again")


def _size_bytes(path: Path) -> int | None:
    """Return how large a file is; None for one that is gone, which whoever has it open still reads whole."""
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return None


def _choose(path: Path, child: Child, known: Banner, wanted: int) -> Track:
    if wanted < len(known.tracks):
        return known.tracks[wanted]
    if not known.tracks:
        _refuse_unfinished(path, child)
        if banner.may_be_of_disk(child.said):
            _refuse_unread(path)
        reason = what_went_wrong(path, child)
        if known.formats:
            raise UndecodableError(f"{path}: no audio track in it")
        more = f": {reason}" if reason and reason not in _EMPTY_WORDS else ""
        raise UndecodableError(f"{path}: not media that qasr can read{more}")
    rows = "; ".join(
        f"{number}: {track.language or 'unknown language'}, {track.codec}, {track.channels} channels"
        for number, track in enumerate(known.tracks)
    )
    raise UsageError(f"{path}: no audio track {wanted}", f"its audio tracks: {rows}")


def _may_misread_clock(known: Banner, wanted: int) -> bool:
    """Tell whether ffmpeg may have used another moment than the container's start as 0."""
    if known.is_jumping:
        is_alone = not known.has_video and len(known.tracks) == 1
        return not is_alone and known.track_starts_ms[wanted] != known.start_ms
    return known.has_video and known.start_ms != 0
