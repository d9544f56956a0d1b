"""A microphone as an input, with a real sound server."""

from __future__ import annotations

import logging
import threading
import time

import numpy as np
import pytest

from qasr_cli.errors import UnavailableError
from qasr_cli.live import inputs
from qasr_cli.live.protocols import Missing
from qasr_cli.media import microphones
from qasr_cli.media.microphones import Microphone
from qasr_cli.options import LiveOptions
from tests.live_devices.conftest import RATE_HZ, SoundServer
from tests.stream_servers import listen, sound

TONE_HZ = 440
TONE = (8_000 * np.sin(np.arange(30 * RATE_HZ) * 2 * np.pi * TONE_HZ / RATE_HZ)).astype("<i2")


def loudest_hz(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples.astype(np.float64)))
    return float(np.argmax(spectrum) * RATE_HZ / len(samples))


def test_microphones_are_listed_and_the_default_is_first(sound_server: SoundServer) -> None:
    assert inputs.list_devices() == [
        Microphone("mic", "Lectern", is_default=True),
        Microphone("hall.monitor", "Monitor of Hall"),
    ]


@pytest.mark.parametrize("mic", ["", "mic", "Lectern", "lect"])
def test_a_microphone_is_read(mic: str, sound_server: SoundServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with sound_server.playing(TONE[: 15 * RATE_HZ]), inputs.opened("", LiveOptions(mic=mic)) as source:
        assert source.is_real_time
        assert source.name == "Lectern"
        found = sound(listen(source, until_s=2))
    assert loudest_hz(found[-RATE_HZ:]) == pytest.approx(TONE_HZ, abs=2)
    # As loud as it was played: nothing is missing and nothing doubled
    assert np.abs(found[-RATE_HZ:]).max() == pytest.approx(8_000, rel=0.1)
    assert "microphone: Lectern (ffmpeg, PulseAudio, 48000 Hz)" in caplog.text


def test_without_such_an_ffmpeg_the_system_s_recorder_is_used(
    sound_server: SoundServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(microphones, "_ffmpegs", list)
    assert [one.name for one in inputs.list_devices() if one.is_default] == ["mic"]
    with sound_server.playing(TONE[: 15 * RATE_HZ]), inputs.opened("", LiveOptions()) as source:
        found = sound(listen(source, until_s=2))
    assert loudest_hz(found[-RATE_HZ:]) == pytest.approx(TONE_HZ, abs=2)


def test_another_name_has_a_next_step(sound_server: SoundServer) -> None:
    with pytest.raises(UnavailableError) as caught, inputs.opened("", LiveOptions(mic="Lecturn")):
        pass
    assert "did you mean 'Lectern'?" in caught.value.hint
    with pytest.raises(UnavailableError, match="fits several"), inputs.opened("", LiveOptions(mic="l")):
        pass


def test_without_a_microphone_there_is_one_line(sound_server: SoundServer) -> None:
    sound_server.stop()
    with pytest.raises(UnavailableError, match="no microphone"), inputs.opened("", LiveOptions()):
        pass


def test_a_device_that_vanishes_and_returns_is_a_gap(
    sound_server: SoundServer, caplog: pytest.LogCaptureFixture
) -> None:
    def interrupt() -> None:
        time.sleep(3)
        sound_server.stop()
        time.sleep(2)
        sound_server.start()

    threading.Thread(target=interrupt).start()
    with inputs.opened("", LiveOptions()) as source:
        first_s = heard_s = missing_s = 0.0
        items: list[np.ndarray | Missing] = []
        for block in source.blocks():
            first_s = first_s or time.monotonic()
            items.append(block)
            heard_s = len(sound(items)) / RATE_HZ
            missing_s = sum(one.duration_ms for one in items if isinstance(one, Missing)) / 1000
            if missing_s and heard_s > 4:
                source.stop()
        passed_s = time.monotonic() - first_s
    assert sum(isinstance(one, Missing) for one in items) == 1
    assert missing_s > 2
    assert heard_s + missing_s == pytest.approx(passed_s, abs=0.5)
    assert "trying again until it is back" in caplog.text
    assert "back after" in caplog.text


def test_a_muted_microphone_is_reported(sound_server: SoundServer, caplog: pytest.LogCaptureFixture) -> None:
    with inputs.opened("", LiveOptions()) as source:
        listen(source, until_s=5.5)
    assert caplog.text.count("nothing but digital silence for 5 seconds") == 1
