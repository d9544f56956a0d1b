"""Plain WAV read in the process itself: whatever the file, the answer is ffmpeg's, byte for byte."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import numpy as np
import pytest

from qasr_cli.errors import InputOutputError, UndecodableError, UsageError
from qasr_cli.media import decode
from qasr_cli.media.plain_stream import PlainStream
from qasr_cli.options import MediaOptions
from tests.media_factory import ffmpeg
from tests.plain_media import answer, is_plain

SPEECH = Path(__file__).parents[2] / "samples/clips/clip-01.wav"
MONO = (1, 1, 16_000, 32_000, 2, 16)
STEREO = (1, 2, 16_000, 64_000, 4, 16)
FLOAT = (3, 1, 16_000, 64_000, 4, 32)
N_MUTATIONS = 60


def chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def wave(*chunks: bytes) -> bytes:
    content = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(content)) + content


def form(*fields: int) -> bytes:
    return chunk(b"fmt ", struct.pack("<HHIIHH", *fields))


def data(samples: np.ndarray) -> bytes:
    return chunk(b"data", samples.astype("<i2").tobytes())


def title(name: bytes = b"INAM", text: bytes = b"a talk\0") -> bytes:
    return chunk(b"LIST", b"INFO" + chunk(name, text))


def floats(samples: np.ndarray) -> bytes:
    return chunk(b"data", samples.astype("<f4").tobytes())


def speech(n_samples: int = 1600) -> np.ndarray:
    return np.frombuffer(SPEECH.read_bytes()[44 : 44 + 2 * n_samples], "<i2")


def extremes(channels: int) -> np.ndarray:
    """Every pair of values at which a mix may round or overflow."""
    values = np.array([-32768, -32766, -3, -2, -1, 0, 1, 2, 3, 32766, 32767])
    return np.stack(np.meshgrid(values, values), axis=-1).reshape(-1) if channels == 2 else values


def halves() -> np.ndarray:
    """Values between two of 16 bits, around them, and beyond the ends."""
    whole = np.array([-65536.0, -32769, -32768, -32767, -2, -1, 0, 1, 2, 32766, 32767, 32768, 1e9])
    steps = np.array([-0.5000001, -0.5, -0.4999999, -1e-20, 0, 1e-40, 0.25, 0.4999999, 0.5, 0.5000001])
    values: np.ndarray = (whole[:, None] + steps).reshape(-1) / 32768
    return values


def _floats_of(**places: float) -> bytes:
    samples = NOISE[:900] / 40_000
    samples[700] = places["at_700"]
    return wave(form(*FLOAT), floats(samples))


NOISE = np.random.default_rng(7).integers(-32768, 32768, 2 * 16_000 + 6)
PLAIN = {
    "speech": wave(form(*MONO), data(speech())),
    "one sample": wave(form(*MONO), data(speech(1))),
    "rounded length": wave(form(*MONO), data(speech(1520))),
    "over two blocks": wave(form(*MONO), data(np.tile(NOISE, 3))),
    "extremes": wave(form(*MONO), data(extremes(1))),
    "stereo extremes": wave(form(*STEREO), data(extremes(2))),
    "stereo noise": wave(form(*STEREO), data(NOISE)),
    "titled": wave(form(*MONO), title(), data(speech())),
    "titled behind": wave(form(*MONO), data(speech()), title(b"ILNG", b"eng\0")),
    "silence": wave(form(*MONO), data(np.zeros(4000))),
    "floats": wave(form(*FLOAT), floats(speech() / 32768)),
    "floats of noise": wave(form(*FLOAT), floats(NOISE * 1.3e-5)),
    "floats to be rounded": wave(form(*FLOAT), floats(halves())),
    "floats by libsndfile": wave(
        form(*FLOAT),
        chunk(b"fact", struct.pack("<I", 1600)),
        chunk(b"PEAK", struct.pack("<IIfI", 1, 1_700_000_000, 0.5, 7)),
        floats(speech() / 40_000),
    ),
    "floats by ffmpeg": wave(
        chunk(b"fmt ", struct.pack("<HHIIHHH", *FLOAT, 0)),
        chunk(b"fact", struct.pack("<I", 1600)),
        title(b"ISFT", b"Lavf59.27.100\0"),
        floats(speech() / 40_000),
    ),
    "integers that are called floats": wave(form(*FLOAT), data(speech())),
    "floats with a wrong count": wave(
        form(*FLOAT), chunk(b"fact", struct.pack("<I", 7)), floats(speech() / 40_000)
    ),
    "extended format": wave(chunk(b"fmt ", struct.pack("<HHIIHHH", *MONO, 0)), data(speech())),
}
LEFT_TO_FFMPEG = {
    "8 kHz": wave(form(1, 1, 8_000, 16_000, 2, 16), data(speech())),
    "24 bits": wave(form(1, 1, 16_000, 48_000, 3, 24), data(speech(1500))),
    "three channels": wave(form(1, 3, 16_000, 96_000, 6, 16), data(speech(1500))),
    "floats of two channels": wave(form(3, 2, 16_000, 128_000, 8, 32), floats(NOISE[:800] / 40_000)),
    "floats of 64 bits": wave(form(3, 1, 16_000, 128_000, 8, 64), floats(NOISE[:800] / 40_000)),
    "floats at 8 kHz": wave(form(3, 1, 8_000, 32_000, 4, 32), floats(NOISE[:800] / 40_000)),
    "no number": _floats_of(at_700=float("nan")),
    "no end": _floats_of(at_700=float("-inf")),
    "another scale": _floats_of(at_700=32768.0),
    "long floats": wave(form(*FLOAT), floats(np.zeros(120 * 16_000 + 1))),
    "wrong rate of bytes": wave(form(1, 1, 16_000, 32_001, 2, 16), data(speech())),
    "no samples": wave(form(*MONO), data(speech(0))),
    "half a sample": wave(form(*STEREO), data(speech(1601))),
    "two of samples": wave(form(*MONO), data(speech(800)), data(speech(800))),
    "a count": wave(form(*MONO), chunk(b"fact", struct.pack("<I", 1600)), data(speech())),
    "a broadcast's": wave(form(*MONO), chunk(b"bext", bytes(602)), data(speech())),
    "a broken title": wave(form(*MONO), chunk(b"LIST", b"INFOINAM\xff\0\0\0a"), data(speech())),
    "cut off": wave(form(*MONO), data(speech()))[:-7],
    "bytes behind": wave(form(*MONO), data(speech())) + NOISE[:9].tobytes(),
    "two files": wave(form(*MONO), data(speech())) * 2,
    "of a pipe": wave(form(*MONO), data(speech())).replace(struct.pack("<I", 3200), b"\xff" * 4),
    "S/PDIF": wave(form(*STEREO), chunk(b"data", (b"\x72\xf8\x1f\x4e\x01\0\0\x30" + bytes(6136)) * 8)),
}


@pytest.mark.parametrize("name", PLAIN)
def test_plain_files_need_no_process_and_give_ffmpegs_answer(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(PLAIN[name])
    assert is_plain(path)
    assert answer(decode.open_audio, path) == answer(decode.open_with_ffmpeg, path)


@pytest.mark.parametrize("name", LEFT_TO_FFMPEG)
def test_what_is_unusual_is_left_to_ffmpeg(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(LEFT_TO_FFMPEG[name])
    assert not is_plain(path)
    assert answer(decode.open_audio, path) == answer(decode.open_with_ffmpeg, path)


@pytest.mark.parametrize("name", ["a.mp3", "a.ac3", "a.dts", "a.aac"])
def test_compressed_sound_that_is_labelled_as_samples_is_decoded(tmp_path: Path, name: str) -> None:
    raw, path = tmp_path / name, tmp_path / "a.wav"
    ffmpeg("-i", SPEECH, "-strict", -2, "-ar", 48_000, "-ac", 2, "-id3v2_version", 0, raw)
    frames = raw.read_bytes()
    path.write_bytes(wave(form(*STEREO), chunk(b"data", frames[: len(frames) // 4 * 4])))
    assert not is_plain(path)
    assert answer(decode.open_audio, path) == answer(decode.open_with_ffmpeg, path)


def test_mutated_files_give_ffmpegs_answer(tmp_path: Path) -> None:
    chance, path, n_plain = random.Random(2026), tmp_path / "a.wav", 0
    for _ in range(N_MUTATIONS):
        raw = bytearray(PLAIN[chance.choice(["speech", "titled", "titled behind", "floats by libsndfile"])])
        at = chance.randrange(90)
        raw[at] = chance.choice([0, 1, 255, raw[at] ^ 1 << chance.randrange(8)])
        if chance.random() < 0.2:
            del raw[chance.randrange(1, len(raw)) :]
        path.write_bytes(raw)
        n_plain += is_plain(path)
        assert answer(decode.open_audio, path) == answer(decode.open_with_ffmpeg, path), bytes(raw[:100])
    assert 5 < n_plain < N_MUTATIONS - 5


@pytest.mark.parametrize("audio_track", [1, 7])
def test_a_track_that_is_not_there(tmp_path: Path, audio_track: int) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(PLAIN["speech"])
    options = MediaOptions(audio_track=audio_track)
    with (
        pytest.raises(UsageError, match=f"no audio track {audio_track}"),
        decode.open_audio(path, options),
    ):
        pass


@pytest.fixture
def long(tmp_path: Path) -> Path:
    path = tmp_path / "long.wav"
    path.write_bytes(wave(form(*MONO), data(np.tile(NOISE, 10))))
    return path


def test_a_length_over_the_limit(long: Path) -> None:
    with decode.open_audio(long, MediaOptions(max_hours=0.001)) as audio:
        assert isinstance(audio, PlainStream)
        with pytest.raises(UndecodableError, match=r"decodes to over 0\.001 hours"):
            list(audio)


def test_a_file_that_grows_meanwhile_is_not_whole(long: Path) -> None:
    with decode.open_audio(long, MediaOptions()) as audio:
        with long.open("ab") as file:
            file.write(bytes(100))
        with pytest.raises(InputOutputError, match="changed while it was read"):
            list(audio)


def test_a_file_that_shrinks_meanwhile_is_not_whole(long: Path) -> None:
    with decode.open_audio(long, MediaOptions()) as audio:
        samples = iter(audio)
        next(samples)
        with long.open("r+b") as file:
            file.truncate(100_000)
        with pytest.raises(InputOutputError, match="changed while it was read"):
            list(samples)


def test_a_file_that_is_removed_meanwhile_is_read_to_its_end(long: Path) -> None:
    with decode.open_audio(long, MediaOptions()) as audio:
        long.unlink()
        assert sum(map(len, audio)) == 10 * len(NOISE)
