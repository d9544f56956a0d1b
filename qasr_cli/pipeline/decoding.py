"""A source's samples on disk and the speech in them, read in another way where the first one fails.

In goes a path; out come samples, speech and warnings. A track is decoded once. It is decoded once more if
its times do not fit its samples, if its two channels cancel each other out, or if it is too faint for speech
to be found; the better of the two readings is kept. Shots and subtitles are not its matter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from qasr_cli.errors import QasrError
from qasr_cli.media import decode
from qasr_cli.media.decode import OpenAudio
from qasr_cli.media.ffmpeg_arguments import Clock, Reading
from qasr_cli.media.recording_source import AS_STORED
from qasr_cli.media.waveform import WaveformWriter
from qasr_cli.options import Options
from qasr_cli.records import INT16_SCALE, Waveform
from qasr_cli.speech.audio.vad import SpeechDetector, SpeechMap
from qasr_cli.timebase import MS_PER_S, SAMPLES_PER_MS

_QUIET = 10 ** (-50 / 20)  # of full scale, root mean square; speech has a tenth of it
_CANCELLED = 10  # 20 dB: the channels' difference must be louder than their mix by this factor
_OUT_OF_PHASE = "stereo channels are out of phase; used their difference instead of the downmix"
_FRAME_SAMPLES = 20 * SAMPLES_PER_MS  # about as long as a vowel's steady part
_LOUD_SHARE = 0.01  # of the frames, by which the level of a voice is measured: pauses and clicks do not count
# The same talk at several levels: silero-vad finds all of it down to -56 dB of full scale, four fifths at
# -61 dB, an eighth at -68 dB and nothing at -75 dB. Noise, music and knocks stay without speech at any level
# (tests/sounds.py), so a second look with gain invents nothing.
_FAINT_DB = -56
_SPOKEN_DB = -17  # the level of a voice in an ordinary recording
_MAX_GAIN_DB = 70  # 16 bits have nothing but rounding below
_SILENT_DB = -120  # less than half of the least significant bit
_MORE = 1.1  # as much speech must be found with gain, and half a second
_MORE_MS = 500


@dataclass(frozen=True, slots=True)
class Decoded:
    """Samples on disk and the speech in them.

    Attributes:
        waveform: The samples.
        speech: The speech in them.
        loudness: The root mean square, of full scale.
        level_db: The level of the loudest hundredth, in dB of full scale; about that of a voice's vowels.
        reading: How the track was read.
        warnings: Defects of the media.
    """

    waveform: Waveform
    speech: SpeechMap
    loudness: float
    level_db: int = 0
    reading: Reading = AS_STORED
    warnings: tuple[str, ...] = ()

    @property
    def speech_ms(self) -> int:
        """Milliseconds of speech."""
        return sum(span.duration_ms for span in self.speech.spans)


@dataclass(frozen=True, slots=True)
class Decoding:
    """How to decode one source.

    Attributes:
        path: The media.
        target: Path of the samples, without their suffix.
        options: The whole tree.
        check: Called with every block; ends the work by raising.
    """

    path: Path
    target: Path
    options: Options
    check: Callable[[], None]

    def run(self, audio: OpenAudio) -> Decoded:
        """Return the samples of an open track, in the reading that fits it."""
        decoded = self._read(audio, self.target.with_name(f"{self.target.name}.s16le"), audio.reading)
        if audio.other_reading is not None:
            decoded = self._with_times_that_fit(decoded, audio.other_reading, audio)
        is_mixed = audio.track.channels == 2 and audio.reading.channel is None
        if is_mixed and decoded.loudness < _QUIET:
            decoded = self._prefer_difference(decoded)
        if _SILENT_DB < decoded.level_db < _FAINT_DB:
            decoded = self._prefer_amplified(decoded)
        return decoded

    def _read(self, audio: OpenAudio, path: Path, reading: Reading) -> Decoded:
        """Write the samples to `path`, and find speech in them at the same time."""
        levels = _Levels()
        with WaveformWriter(path) as writer:
            detector = SpeechDetector(self.options.vad)
            for block in audio:
                self.check()
                writer.append(block)
                detector.feed(block)
                levels.add(block)
            waveform = writer.close()
        loudness = levels.loudness(waveform.n_samples)
        return Decoded(waveform, detector.finish(), loudness, levels.level_db(), reading, audio.warnings)

    def _read_again(self, reading: Reading, name: str) -> Decoded | None:
        """Return the track in another reading; None if that fails, since one is there already."""
        path = self.target.with_name(f"{self.target.name}.{name}.s16le")
        try:
            with decode.open_audio(self.path, self.options.media, reading) as audio:
                return self._read(audio, path, reading)
        except QasrError:
            return None

    def _with_times_that_fit(self, stored: Decoded, reading: Reading, audio: OpenAudio) -> Decoded:
        """Return the track with times that drop no samples, or add no silence without end."""
        fitted = self._read_again(reading, "timed")
        if fitted is None:
            return stored
        stored.waveform.path.unlink()
        if reading.clock is Clock.COUNTED and audio.is_clock_derived:
            return fitted
        before_s, after_s = (one.waveform.duration_ms / MS_PER_S for one in (stored, fitted))
        warning = (
            f"its times do not fit its samples ({before_s:,.1f} s by the times, {after_s:,.1f} s by the "
            "samples); followed the samples, so subtitles may not fit the picture"
        )
        return replace(fitted, warnings=(*fitted.warnings, warning))

    def _prefer_difference(self, downmix: Decoded) -> Decoded:
        """Return the difference of two channels if one is inverted, and the downmix otherwise.

        A balanced microphone in a stereo socket gives such channels, and their mix is silence.
        """
        reading = replace(downmix.reading, is_out_of_phase=True)
        difference = self._read_again(reading, "turned")
        is_louder = difference is not None and difference.loudness > _CANCELLED * downmix.loudness
        return self._choose(downmix, difference, _OUT_OF_PHASE, is_other_better=is_louder)

    def _prefer_amplified(self, faint: Decoded) -> Decoded:
        """Return the sound amplified if more speech is found in it then, and as it is otherwise.

        ffmpeg applies the gain before it rounds to 16 bits, so that nothing of 24 bits is lost, and nothing
        of lossy codecs, which decode to floats. Samples that are rounded already would have a few steps left.
        """
        gain_db = float(min(_MAX_GAIN_DB, _SPOKEN_DB - faint.level_db))
        amplified = self._read_again(replace(faint.reading, gain_db=gain_db), "amplified")
        is_found = amplified is not None and amplified.speech_ms > _MORE * faint.speech_ms + _MORE_MS
        warning = (
            f"its sound is very faint ({faint.level_db} dB of full scale), too faint to find all speech; "
            f"amplified it by {gain_db:.0f} dB"
        )
        return self._choose(faint, amplified, warning, is_other_better=is_found)

    def _choose(self, one: Decoded, other: Decoded | None, warning: str, *, is_other_better: bool) -> Decoded:
        """Return the better reading, and remove the samples of the worse."""
        if other is None:
            return one
        if not is_other_better:
            other.waveform.path.unlink()
            return one
        one.waveform.path.unlink()
        return replace(other, warnings=(*one.warnings, warning))


@dataclass(slots=True)
class _Levels:
    """Levels of frames, counted by whole decibels, so that a day of sound takes no more than a second."""

    power: float = 0.0
    counts: np.ndarray = field(default_factory=lambda: np.zeros(1 - _SILENT_DB, dtype=np.int64))

    def add(self, block: np.ndarray) -> None:
        """Count the frames of `int16[n_samples]`."""
        squares = np.square(block, dtype=np.float64)
        self.power += float(squares.sum())
        frames = squares[: len(squares) // _FRAME_SAMPLES * _FRAME_SAMPLES].reshape(-1, _FRAME_SAMPLES)
        power = np.maximum(frames.mean(axis=1) * float(INT16_SCALE) ** 2, 10 ** (_SILENT_DB / 10))
        decibels = np.clip(np.rint(10 * np.log10(power)), _SILENT_DB, 0).astype(np.int64)
        self.counts += np.bincount(decibels - _SILENT_DB, minlength=len(self.counts))

    def loudness(self, n_samples: int) -> float:
        """Return the root mean square, of full scale."""
        return float((self.power / max(1, n_samples)) ** 0.5 * float(INT16_SCALE))

    def level_db(self) -> int:
        """Return the level that the loudest hundredth of the frames reaches."""
        above = np.cumsum(self.counts[::-1])
        if not above[-1]:
            return _SILENT_DB
        return -int(np.searchsorted(above, max(1, _LOUD_SHARE * above[-1])))
