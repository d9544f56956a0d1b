"""Every microphone is heard, whatever ffmpeg takes its channel for."""

from __future__ import annotations

import threading
import wave
from pathlib import Path

import numpy as np
import pytest

from qasr_cli.errors import UndecodableError
from qasr_cli.media import decode
from qasr_cli.options import MediaOptions, Options
from qasr_cli.pipeline.prepare import Prepared, prepare
from qasr_cli.records import Source
from tests.media_factory import ffmpeg, find_clicks_ms, make_click

RATE_HZ = 16_000
CLICK_MS = 500
SPEECH = Path(__file__).parents[2] / "samples/clips/clip-01.wav"


def recorder(path: Path, n_channels: int, heard: list[int]) -> Path:
    """Write a WAV without a channel mask and with a click in the channels `heard`."""
    samples = np.zeros((RATE_HZ, n_channels), dtype="<i2")
    start = CLICK_MS * RATE_HZ // 1000
    tone = np.sin(2 * np.pi * 1000 / RATE_HZ * (np.arange(800) + 0.5)) * 32_000
    samples[start : start + 800, heard] = tone.astype("<i2")[:, None]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(n_channels)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(samples.tobytes())
    return path


def listen(path: Path) -> np.ndarray:
    with decode.open_audio(path, MediaOptions()) as audio:
        samples = np.concatenate(list(audio))
        assert audio.warnings == ()
        return samples


def prepared(path: Path, folder: Path) -> Prepared:
    folder.mkdir()
    return prepare(Source(0, path, Path(path.name)), folder, Options(), threading.Event())


@pytest.mark.parametrize(
    ("n_channels", "microphone"),
    [(3, 2), (4, 3), (5, 4), (6, 3), (7, 6), (8, 3), (9, 8), (11, 0), (13, 12), (32, 31), (64, 63)],
)
def test_a_click_in_one_channel_is_heard(tmp_path: Path, n_channels: int, microphone: int) -> None:
    samples = listen(recorder(tmp_path / "field.wav", n_channels, [microphone]))
    assert len(samples) == RATE_HZ
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > 1000)
    assert loud[0] / 16 == pytest.approx(CLICK_MS, abs=2)
    assert np.abs(samples.astype(np.int32)).max() > 3500


@pytest.mark.parametrize("n_channels", [3, 6, 8])
def test_the_same_in_all_channels_does_not_clip(tmp_path: Path, n_channels: int) -> None:
    samples = listen(recorder(tmp_path / "field.wav", n_channels, list(range(n_channels))))
    assert find_clicks_ms(samples) == pytest.approx([CLICK_MS], abs=2)
    assert 28_000 < np.abs(samples.astype(np.int32)).max() < 32_700


def test_more_channels_than_can_be_mixed_are_said(tmp_path: Path) -> None:
    with pytest.raises(UndecodableError, match="72 channels in its audio, at most 64") as caught:
        listen(recorder(tmp_path / "field.wav", 72, [0]))
    assert "mix it down" in (caught.value.hint or "")


@pytest.mark.parametrize("name", ["film.wav", "film.flac", "film.ac3"])
def test_the_low_effects_of_a_film_stay_out(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    source = "|".join(["0"] * 3 + ["0.8*sin(2*PI*100*t)"] + ["0"] * 2)
    ffmpeg("-f", "lavfi", "-i", f"aevalsrc='{source}':c=5.1:s=48000:d=1", path)
    assert np.abs(listen(path).astype(np.int32)).max() < 300


def test_a_chain_whose_channels_change_is_decoded_whole(tmp_path: Path) -> None:
    click = make_click(tmp_path / "click.wav")
    links = [tmp_path / "one.opus", tmp_path / "two.opus"]
    for n_channels, link in enumerate(links, start=1):
        ffmpeg("-i", click, "-ac", n_channels, link)
    path = tmp_path / "chain.opus"
    path.write_bytes(b"".join(link.read_bytes() for link in links))
    with decode.open_audio(path, MediaOptions()) as audio:
        clicks = find_clicks_ms(np.concatenate(list(audio)))
    assert audio.warnings == ()
    assert clicks == pytest.approx([CLICK_MS, 2000 + CLICK_MS], abs=50)


class TestChannelsThatCancelEachOtherOut:
    """A balanced microphone in a stereo socket: left is the voice, right is the same upside down."""

    @staticmethod
    def turned(path: Path, rest: float = 0.0) -> Path:
        """Write a sample with its right channel turned, and so much of the voice left in the mix."""
        ffmpeg("-i", SPEECH, "-af", f"pan=stereo|c0=0.5*c0|c1={rest - 0.5}*c0", path)
        return path

    @pytest.mark.parametrize(("name", "rest"), [("interview.wav", 0.0), ("interview.m4a", 0.002)])
    def test_what_they_differ_in_is_heard_and_said(self, tmp_path: Path, name: str, rest: float) -> None:
        heard, upright = (
            prepared(self.turned(tmp_path / name, rest), tmp_path / "work"),
            prepared(SPEECH, tmp_path / "upright"),
        )
        assert any("channels are out of phase" in line for line in heard.warnings)
        assert heard.speech.spans[0].start_ms == pytest.approx(upright.speech.spans[0].start_ms, abs=100)
        assert heard.speech_ms == pytest.approx(upright.speech_ms, rel=0.1)
        assert [path.name for path in (tmp_path / "work").iterdir()] == [heard.waveform.path.name]

    def test_what_is_only_quiet_stays_a_mix(self, tmp_path: Path) -> None:
        path = tmp_path / "quiet.wav"
        ffmpeg("-i", SPEECH, "-af", "pan=stereo|c0=0.01*c0|c1=0.008*c0", path)
        heard = prepared(path, tmp_path / "work")
        assert heard.warnings == ()
        assert [path.name for path in (tmp_path / "work").iterdir()] == ["0.s16le"]

    def test_silence_stays_silence(self, tmp_path: Path) -> None:
        path = tmp_path / "silence.wav"
        ffmpeg("-f", "lavfi", "-i", "anullsrc=channel_layout=stereo:sample_rate=16000:duration=2", path)
        heard = prepared(path, tmp_path / "work")
        assert (heard.warnings, heard.speech.spans) == ((), ())
