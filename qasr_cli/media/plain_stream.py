"""The samples of a file that needed no ffmpeg: 16 kHz, 16 bits, one or two channels.

In go interleaved samples and what is known of their file; out come the same track, blocks and errors as from
ffmpeg. Reads no file itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qasr_cli.media.byte_window import Extent
from qasr_cli.media.ffmpeg_arguments import Reading
from qasr_cli.media.file_checks import changed, size_bytes, too_long
from qasr_cli.media.probe import Probe
from qasr_cli.media.recording_source import AS_STORED
from qasr_cli.options import MediaOptions
from qasr_cli.records import Track
from qasr_cli.timebase import MS_PER_S, SAMPLE_RATE_HZ

BLOCK_SAMPLES = 2 * SAMPLE_RATE_HZ
_S_PER_HOUR = 3600


@dataclass(frozen=True, slots=True)
class PlainSound:
    """What a plain file holds.

    Attributes:
        container: ffmpeg's name of its container.
        codec: ffmpeg's name of its codec.
        channels: One or two.
        n_samples: Of each channel.
        is_duration_promised: ffmpeg has its length from a header.
    """

    container: str
    codec: str
    channels: int
    n_samples: int
    is_duration_promised: bool = False

    def probe(self) -> Probe:
        """Return what `probe.read` makes of ffmpeg's description of such a file."""
        # ffmpeg prints a length in hundredths of a second
        hundredths = (2 * self.n_samples * 100 + SAMPLE_RATE_HZ) // (2 * SAMPLE_RATE_HZ)
        duration_ms = hundredths * MS_PER_S // 100
        return Probe(
            formats=self.container,
            start_ms=0,
            has_video=False,
            tracks=(Track(0, self.codec, self.channels, SAMPLE_RATE_HZ, 0, duration_ms, None),),
            track_starts_ms=(0,),
            n_unmapped=(0,),
            n_streams=1,
            is_sound_alone=True,
            is_duration_promised=self.is_duration_promised,
            length_ms=duration_ms,
        )


class PlainStream:
    """The samples of a plain file; iterate it once. The attributes are those of `decode.AudioStream`.

    Args:
        path: The file.
        size: Its bytes when it was opened.
        sound: What it holds.
        blocks: Its interleaved samples, 16-bit little endian; may raise.
        options: The maximum length.

    Attributes:
        track: The audio track.
        probed: The container's properties.
        warnings: None: a file with defects is left to ffmpeg.
        reading: As it is stored.
        other_reading: None: its times are its samples.
        first_extent: None: the file is one recording.
        is_clock_derived: False.
    """

    reading: Reading = AS_STORED
    other_reading: Reading | None = None
    first_extent: Extent | None = None
    is_clock_derived = False

    def __init__(
        self, path: Path, size: int, sound: PlainSound, blocks: Iterable[bytes], options: MediaOptions
    ) -> None:
        self._path = path
        self._size_bytes = size
        self._sound = sound
        self._blocks = blocks
        self._max_hours = options.max_hours
        self.warnings: tuple[str, ...] = ()
        self.probed = sound.probe()
        self.track = self.probed.tracks[0]

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield `int16[n_samples]` blocks of about two seconds.

        Raises:
            UndecodableError: The track is too long.
            InputOutputError: The file changed, or its disk failed: samples are missing.
        """
        if self._sound.n_samples > self._max_hours * _S_PER_HOUR * SAMPLE_RATE_HZ:
            raise too_long(self._path, self._max_hours)
        for block in self._blocks:
            yield _mixed(np.frombuffer(block, dtype="<i2"), self._sound.channels)
        if size_bytes(self._path) not in {self._size_bytes, None}:
            raise changed(self._path)


def _mixed(samples: np.ndarray, channels: int) -> np.ndarray:
    """Return `int16[n_samples]`; of two channels the mean, a half rounded up as ffmpeg's mixer does."""
    if channels == 1:
        return samples
    left, right = samples[::2].astype(np.int32), samples[1::2]
    mean: np.ndarray = ((left + right + 1) >> 1).astype(np.int16)
    return mean
