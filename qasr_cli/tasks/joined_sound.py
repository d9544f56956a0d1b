"""Sound that is put together for an evaluation, as WAV: headerless samples, or clips behind each other.

In go samples, or the clips of a join; out comes a file of 16-bit mono samples at 16 kHz. Each clip is filled
up with silence to whole milliseconds, so that the times of the next ones are exact.
"""

from __future__ import annotations

import functools
import wave
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from qasr_cli.errors import UsageError
from qasr_cli.evaluation.suites.joins import Join
from qasr_cli.evaluation.utterances import Utterance
from qasr_cli.media import decode
from qasr_cli.media.ffmpeg_arguments import Reading
from qasr_cli.options import MediaOptions
from qasr_cli.runs.files.file_identity import Identity, identify_once
from qasr_cli.timebase import BYTES_PER_MS, BYTES_PER_SAMPLE, SAMPLE_RATE_HZ, samples_to_ms


def write_wave(path: Path, blocks: Iterable[bytes]) -> None:
    """Write 16-bit mono samples at 16 kHz as WAV.

    Raises:
        OSError: The file cannot be written.
    """
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(BYTES_PER_SAMPLE)
        file.setframerate(SAMPLE_RATE_HZ)
        for block in blocks:
            file.writeframes(block[: len(block) // BYTES_PER_SAMPLE * BYTES_PER_SAMPLE])


def write_channel(path: Path, recording: Path, channel: int) -> None:
    """Write one channel of a recording: its references are of that speaker alone.

    Raises:
        QasrError: It cannot be decoded, or has no such channel.
        OSError: The file cannot be written.
    """
    with decode.open_audio(recording, MediaOptions(), Reading(channel=channel)) as audio:
        if channel >= audio.track.channels:
            raise UsageError.about(
                recording, f"it has no channel {channel}", f"its channels are 0 to {audio.track.channels - 1}"
            )
        write_wave(path, (block.tobytes() for block in audio))


def write(path: Path, join: Join) -> None:
    """Write the clips of a join behind each other.

    Raises:
        QasrError: A clip cannot be decoded.
        OSError: The file cannot be written.
    """
    write_wave(path, _joined(join))


def _joined(join: Join) -> Iterator[bytes]:
    for clip, _ in join.parts:
        assert clip.audio is not None  # noqa: S101 - `timed` has decoded it
        samples = b"".join(_blocks(clip.audio.path))
        yield samples + bytes((clip.duration_ms or 0) * BYTES_PER_MS - len(samples))


def _blocks(path: Path) -> Iterator[bytes]:
    with decode.open_audio(path, MediaOptions()) as audio:
        for block in audio:
            yield block.tobytes()


def timed(clips: Iterable[Utterance]) -> Iterator[Utterance]:
    """Yield clips with their lengths, which their references need not say; each is decoded for that.

    Raises:
        QasrError: A clip cannot be decoded.
    """
    for clip in clips:
        if clip.audio is not None and clip.audio.content is None:
            yield replace(clip, duration_ms=_length_ms(clip.audio.path, identify_once(clip.audio.path)))


@functools.lru_cache(maxsize=200_000)  # of each system, and once more for the scores
def _length_ms(path: Path, identity: Identity | None) -> int:
    del identity  # of a file that has changed it is another
    return samples_to_ms(sum(map(len, _blocks(path))) // BYTES_PER_SAMPLE)
