"""Any media file as mono 16 kHz samples, with sample 0 at container time 0.

In go a path and an audio track's number; out come `int16` blocks, and what was promised and not decoded.
ffmpeg decodes, but for the plainest of WAV files, whose samples are the file's own bytes, and for short
FLAC files in a run with many. Media is not trusted: only files, only known containers and audio codecs,
nothing with references to other files (such as playlists), and a maximum length. Recordings that were
joined in one file follow each other.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from qasr_cli.errors import UndecodableError, UsageError, printable
from qasr_cli.media import ffmpeg_arguments, plain_flac, plain_wave, probe, promises, recordings
from qasr_cli.media.byte_window import Extent
from qasr_cli.media.decoder import BLOCK_BYTES, Decoder, begin_as_probed, has_changed
from qasr_cli.media.failure_reason import failure_reason
from qasr_cli.media.ffmpeg_arguments import Clock, Reading, Sound
from qasr_cli.media.file_checks import (
    changed,
    check_file,
    failing,
    refuse_unfinished,
    refuse_unread,
    size_bytes,
    too_long,
)
from qasr_cli.media.plain_stream import PlainStream
from qasr_cli.media.probe import Probe
from qasr_cli.media.process import Child, running
from qasr_cli.media.recording_source import AS_STORED, RecordingSource, clock
from qasr_cli.options import MediaOptions
from qasr_cli.records import Track
from qasr_cli.timebase import BYTES_PER_MS, BYTES_PER_SAMPLE, MS_PER_S

_MS_PER_HOUR = 3_600_000
_SHORT_MS = 1_000  # less than the container's own duration: its clock is rarely that far off
_LINK_CHANGES = "channel change is not supported"  # of Ogg with several recordings in a row
_HUGE_GAP = "ailed to compensate for timestamp delta"  # of over 20 minutes; ffmpeg ends there
_EMPTY_WORDS = {"invalid argument", "invalid data found when processing input"}


class AudioStream:
    """The samples of one track; iterate it once.

    Attributes:
        track: The audio track.
        probed: The container's properties.
        warnings: Defects of the media; complete when the iteration has ended.
        other_reading: How to read the track once more, because its times do not fit its samples; None if they
            do. Known when the iteration has ended.
    """

    def __init__(
        self, source: RecordingSource, decoder: Decoder, probed: Probe, first: bytes, options: MediaOptions
    ) -> None:
        self._source = source
        self._path = source.path
        self._size_bytes = size_bytes(source.path)
        self._decoder = decoder
        self._first = first
        self._options = options
        self.probed = probed
        track = probed.tracks[options.audio_track]
        self._whole_ms = track.duration_ms
        self.track = dataclasses.replace(track, duration_ms=None) if source.others else track
        self.warnings: tuple[str, ...] = ()
        self.other_reading: Reading | None = None

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield `int16[n_samples]` blocks of two seconds.

        Raises:
            UndecodableError: The track is empty or too long, or ffmpeg got stuck.
            InputOutputError: ffmpeg was killed, the file changed or its disk failed: samples are missing.
        """
        n_bytes, max_hours = 0, self._options.max_hours
        for block in self._recorded():
            n_bytes += len(block)
            if n_bytes > max_hours * _MS_PER_HOUR * BYTES_PER_MS:
                raise too_long(self._path, max_hours)
            yield np.frombuffer(block[: len(block) // BYTES_PER_SAMPLE * BYTES_PER_SAMPLE], dtype="<i2")

    @property
    def reading(self) -> Reading:
        """How the track is read."""
        return self._source.reading

    @property
    def first_extent(self) -> Extent | None:
        """The bytes of the first recording, if the file is not one recording alone."""
        return self._source.extent

    @property
    def is_clock_derived(self) -> bool:
        """Whether the container's times are not those of samples: AVI has a rate, ASF times of packets."""
        formats, has_video = self.probed.formats, self.probed.has_video
        return formats == "avi" or (formats == "asf" and not has_video)

    @property
    def _child(self) -> Child:
        return self._decoder.child

    def _recorded(self) -> Iterator[bytes]:
        """Yield the blocks of this recording, and of those behind it in the same file."""
        n_bytes = 0
        try:
            for block in self._checked_blocks():
                n_bytes += len(block)
                yield block
        except UndecodableError as error:
            if not self._source.others:
                raise
            self.warnings += (f"{self._source.name(0)}, is missing: {error.reason}",)
        for source in self._source.split_others():
            name = source.name(n_bytes)
            try:
                with _opened(source, self._options) as audio:
                    for block in audio._checked_blocks():
                        n_bytes += len(block)
                        yield block
                self.warnings += tuple(f"{name}: {warning}" for warning in audio.warnings)
                self.other_reading = self.other_reading or audio.other_reading
            except (UndecodableError, UsageError) as error:
                self.warnings += (f"{name}, is missing: {error.reason}",)
        if not n_bytes:
            raise UndecodableError.about(self._path, "no sound in any of its recordings")

    def _checked_blocks(self) -> Iterator[bytes]:
        n_bytes = 0
        for block in self._blocks():
            n_bytes += len(block)
            yield block
        self._check_completeness(n_bytes)

    def _blocks(self) -> Iterator[bytes]:
        n_bytes = 0
        block = self._first
        while block:
            yield block
            n_bytes += len(block)
            block = self._child.read(BLOCK_BYTES)
        if not has_changed(self._child):
            return
        # The file is opened again; if it is gone by now, that is not the end of the audio
        check_file(self._path)
        block = self._decoder.resume_after_change(n_bytes)
        while block:
            yield block
            block = self._child.read(BLOCK_BYTES)

    def _check_completeness(self, n_bytes: int) -> None:
        """Check at the end of the samples whether ffmpeg decoded the whole recording.

        A damaged file is decoded as far as possible, since there will never be more. If another attempt may
        give more, the incomplete result is an error.
        """
        refuse_unfinished(self._path, self._child)
        if n_bytes and size_bytes(self._path) not in {self._size_bytes, None}:
            raise changed(self._path)
        promised_ms = self._missing(n_bytes)
        is_tagged = not self.probed.has_clock  # frames of sound, and no header but a tag
        is_whole = promised_ms is None and (self.probed.is_duration_promised or is_tagged)
        reason = failure_reason(self._path, self._child, is_whole=is_whole)
        if reason:
            self._refuse_failing_disk(n_bytes)
            self._source.refuse_encrypted(reason)
        if not n_bytes and "not on whitelist" in self._child.stderr_text and "opening decoder" in reason:
            reason = f"its sound is {self.track.codec}, which qasr does not decode"
        if not n_bytes:
            raise UndecodableError.about(self._path, reason or "no sound in its audio track")
        self._warn(n_bytes, reason, promised_ms)
        self.other_reading = self._other_reading(n_bytes)

    def _warn(self, n_bytes: int, reason: str, promised_ms: int | None) -> None:
        if reason:
            self.warnings += (printable(_warning(clock(n_bytes), reason)),)
        if promised_ms is not None:
            decoded_ms = n_bytes // BYTES_PER_MS
            self.warnings += (
                f"cut off or damaged: {_seconds(promised_ms)} promised, {_seconds(decoded_ms)} decoded",
            )
        elif self._source.promise.is_torn and not reason:
            self.warnings += (f"cut off, decoded to {clock(n_bytes)}: its last page is incomplete",)
        extent, counted_ms = self._source.extent, self._source.promise.sound_ms
        is_exceeded = extent and extent.is_length_wrong and self._source.promise.is_exceeded
        if is_exceeded and counted_ms is not None:
            behind_ms = max(0, n_bytes // BYTES_PER_MS - counted_ms)
            self.warnings += (
                f"its header counts {_seconds(counted_ms)} of samples; the bytes behind them were decoded as "
                f"{_seconds(behind_ms)} more",
            )
        if self._source.n_unread and self._size_bytes:
            share = self._source.n_unread / self._size_bytes
            self.warnings += (
                f"{share:.0%} of the file was not read: what begins at byte "
                f"{self._size_bytes - self._source.n_unread:,} is no recording",
            )

    def _missing(self, n_bytes: int) -> int | None:
        """Return the promised length if less was decoded, or None.

        The length of a container is that of its longest track. So it says something about the sound only if
        there is nothing else, or if the file is known to be cut off or damaged.
        """
        promise, probed = self._source.promise, self.probed
        has_reason = bool(failure_reason(self._path, self._child))
        is_sound = probed.is_sound_alone or promise.is_cut or has_reason
        if self.reading.clock is not Clock.CONTAINER and not promise.is_clock_wrong:
            is_sound = promise.is_cut  # a length by wrong times is wrong, too
            if self.is_clock_derived and self.probed.formats == "avi":
                return None
        whole_ms = probed.length_ms if probed.is_duration_promised and is_sound else None
        return promise.missing_of(n_bytes // BYTES_PER_MS, whole_ms)

    def _other_reading(self, n_bytes: int) -> Reading | None:
        """Return how to read the track so that its times fit its samples; None if they do.

        A gap in the times is silence, unless the container's duration does not include it. Where the times
        go back, samples are dropped.
        """
        sound, reading = self._decoder.sound, self._source.reading
        if sound.is_changing or not sound.has_clock or reading.clock is not Clock.CONTAINER:
            return None
        start_ms = 0 if self.is_clock_derived else max(0, self.track.start_ms)
        counted = dataclasses.replace(reading, clock=Clock.COUNTED, start_ms=start_ms)
        if _HUGE_GAP in self._child.stderr_text:
            return counted
        decoded_ms = probe.decoded_ms(self._child.stderr_text, self.track.stream_index)
        if decoded_ms is None:
            return None
        timed_ms = n_bytes / BYTES_PER_MS - start_ms
        if not promises.is_drifting(decoded_ms, timed_ms):
            return None
        if self.is_clock_derived or self._exceeds_promise(n_bytes, decoded_ms):
            return counted
        return dataclasses.replace(reading, clock=Clock.NEVER_BACK) if timed_ms < decoded_ms else None

    def _exceeds_promise(self, n_bytes: int, decoded_ms: float) -> bool:
        """Whether silence makes the sound longer than its container, and without it it fits."""
        whole_ms = self._whole_ms
        if whole_ms is None or not self.probed.is_duration_promised or decoded_ms > whole_ms + _SHORT_MS:
            return False
        timed_ms = n_bytes / BYTES_PER_MS
        return timed_ms > whole_ms and promises.is_drifting(timed_ms, whole_ms)

    def _refuse_failing_disk(self, n_bytes: int) -> None:
        """Raise if the file only seems damaged because of a failing disk or network.

        Not every demuxer of ffmpeg reports a read error. The file is read again only if one is likely: for a
        day's recording with a bad packet it would take too long.
        """
        is_of_disk = probe.may_be_of_disk(self._child.stderr_text)
        duration_ms = self._whole_ms
        is_short = duration_ms is None or n_bytes // BYTES_PER_MS < duration_ms - _SHORT_MS
        if is_of_disk or (n_bytes and is_short):
            refuse_unread(self._path)
        if is_of_disk and self._differs_when_reread(n_bytes):
            raise failing(self._path, "not all of it could be read at once")

    def _differs_when_reread(self, n_bytes: int) -> bool:
        """Whether another attempt gives a different number of samples: a damaged file gives the same."""
        n_bytes_again, source = 0, self._child.source
        with running(self._child.command, probe.STDERR_FILTER, source.command if source else None) as child:
            while n_bytes_again <= n_bytes and (block := child.read(BLOCK_BYTES)):
                n_bytes_again += len(block)
        return n_bytes_again != n_bytes


OpenAudio = AudioStream | PlainStream


@contextlib.contextmanager
def open_audio(path: Path, options: MediaOptions, reading: Reading = AS_STORED) -> Iterator[OpenAudio]:
    """Decode an audio track of a file for as long as the context lasts.

    Args:
        path: The file.
        options: The audio track, and the maximum length.
        reading: How to read it; an `AudioStream` may ask for another than its container's.

    Raises:
        NoInputError: There is no such file.
        UndecodableError: Not a regular file, empty, not media, encrypted, or without audio.
        UsageError: The file has no such audio track; the hint lists its tracks.
        InputOutputError: The file cannot be read, or ffmpeg was killed.
        UnavailableError: There is no ffmpeg.
    """
    check_file(path)
    with contextlib.ExitStack() as stack:
        plain = None
        if reading == AS_STORED:
            plain = stack.enter_context(plain_wave.opened(path, options)) or plain_flac.opened(path, options)
        yield plain or stack.enter_context(open_with_ffmpeg(path, options, reading))


@contextlib.contextmanager
def open_with_ffmpeg(
    path: Path, options: MediaOptions, reading: Reading = AS_STORED
) -> Iterator[AudioStream]:
    """Do the same with ffmpeg, whatever the file is."""
    found = recordings.find(path)
    sources = [
        RecordingSource(
            path,
            reading,
            None if found.is_whole_file else extent,
            found.extents[number:],
            found.n_unread,
            number,
        )
        for number, extent in enumerate(found.extents, start=1)
    ]
    with contextlib.ExitStack() as stack:
        yield _open_first(stack, sources, options)


def _open_first(
    stack: contextlib.ExitStack, sources: list[RecordingSource], options: MediaOptions
) -> AudioStream:
    """Return the first recording that can be opened, with a warning for those before it."""
    missing: list[str] = []
    for source in sources[:-1]:
        try:
            audio = stack.enter_context(_opened(source, options))
        except UndecodableError as error:
            missing.append(f"{source.name(0)}, is missing: {error.reason}")
        else:
            break
    else:
        audio = stack.enter_context(_opened(sources[-1], options))
    audio.warnings = (*missing, *audio.warnings)
    return audio


@contextlib.contextmanager
def _opened(source: RecordingSource, options: MediaOptions) -> Iterator[AudioStream]:
    source = source.with_promise(options.audio_track)
    path, audio_track = source.path, options.audio_track
    with contextlib.ExitStack() as stack:
        decoder = Decoder(stack)
        sound = Sound(audio_track, reading=source.reading, extent=source.extent)
        first = decoder.begin(sound, functools.partial(ffmpeg_arguments.decode, path))
        probed = probe.read(decoder.child.stderr_until_match())
        _choose(source, decoder.child, probed, audio_track)
        first, warnings = begin_as_probed(decoder, path, probed, sound, first)
        audio = AudioStream(source, decoder, probed, first, options)
        audio.warnings = warnings
        yield audio


def _seconds(time_ms: int) -> str:
    return f"{time_ms / MS_PER_S:,.1f} s"


def _warning(until: str, reason: str) -> str:
    if _LINK_CHANGES in reason.lower():
        return (
            f"decoded only to {until}: its channels change there, where ffmpeg cannot follow, and the rest "
            "is missing; convert it to WAV with another tool"
        )
    return f"damaged media, decoded to {until}: {reason}"


def _choose(source: RecordingSource, child: Child, probed: Probe, audio_track: int) -> Track:
    path = source.path
    if audio_track < len(probed.tracks):
        return probed.tracks[audio_track]
    if not probed.tracks:
        refuse_unfinished(path, child)
        if probe.may_be_of_disk(child.stderr_text):
            refuse_unread(path)
        reason = failure_reason(path, child)
        source.refuse_encrypted(reason)
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
