"""Inputs of live sessions, without a process: addresses, lists of microphones, what is saved."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from qasr_cli.errors import CannotCreateError, NoInputError, QasrError, UsageError
from qasr_cli.live import inputs
from qasr_cli.live.inputs import addresses
from qasr_cli.live.inputs.saving import Saved
from qasr_cli.live.protocols import Missing
from qasr_cli.media import live_arguments, microphones, saved_sound
from qasr_cli.media.microphones import Microphone
from qasr_cli.options import LiveOptions

# As ffmpeg 5.1 to 9 print them.
PULSE = """Auto-detected sources for pulse:
  hall.monitor [Monitor of Hall] (none)
* alsa_input.usb-Blue-00.mono [Yeti [USB] Mono] (none)
"""
AVFOUNDATION = """[AVFoundation indev @ 0x7f8] AVFoundation video devices:
[AVFoundation indev @ 0x7f8] [0] FaceTime HD Camera
[AVFoundation indev @ 0x7f8] AVFoundation audio devices:
[AVFoundation indev @ 0x7f8] [0] MacBook Pro Microphone
[AVFoundation indev @ 0x7f8] [1] Yeti: USB
: Input/output error
"""
ALSA = """00-00: ALC257 Analog : ALC257 Analog : playback 1 : capture 1
00-03: HDMI 0 : HDMI 0 : playback 1
02-00: USB Audio : USB Audio : capture 1
"""


def test_lists_of_microphones_are_parsed() -> None:
    assert microphones.pulse_microphones(PULSE) == (
        Microphone("alsa_input.usb-Blue-00.mono", "Yeti [USB] Mono", is_default=True),
        Microphone("hall.monitor", "Monitor of Hall"),
    )
    assert microphones.avfoundation_microphones(AVFOUNDATION) == (
        Microphone("MacBook Pro Microphone", is_default=True),
        Microphone("Yeti: USB"),
    )
    assert microphones.alsa_microphones(ALSA) == (
        Microphone("plughw:0,0", "ALC257 Analog", is_default=True),
        Microphone("plughw:2,0", "USB Audio"),
    )
    assert microphones.pulse_microphones("Cannot list sources: Connection refused\n") == ()


@pytest.mark.parametrize(
    ("where", "name"),
    [
        ("rtsp://user:secret@camera.example/stream?secret=1", "rtsp://camera.example"),
        ("HTTP://radio.example:8000/a.mp3", "http://radio.example:8000"),
        ("srt://:9000?mode=listener&passphrase=secret", "srt://:9000"),
        ("udp://@239.0.0.1:1234", "udp://239.0.0.1:1234"),
        ("https://[::1]:8443/live.m3u8", "https://[::1]:8443"),
    ],
)
def test_an_address_is_named_by_scheme_host_and_port(where: str, name: str) -> None:
    found = addresses.parse(where, is_allowed=True)
    assert found.name == name
    assert "secret" not in repr(found)
    assert found.url.partition("://") == (found.scheme, "://", where.partition("://")[2])


@pytest.mark.parametrize(
    ("where", "is_allowed", "hint"),
    [
        ("https://user:secret@radio.example/", False, "--allow-network"),
        ("file:///etc/passwd", True, "rtsp, srt, udp, http, https"),
        ("concat://a|b", True, "rtsp, srt, udp, http, https"),
        ("srt://host", True, "srt://HOST:PORT"),
        ("http://", True, "http://HOST:PORT"),
        ("http://secret host/", True, "http://HOST:PORT"),
        ("http://host:secret/", True, "http://HOST:PORT"),
    ],
)
def test_other_addresses_are_refused_without_their_secrets(where: str, is_allowed: bool, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        addresses.parse(where, is_allowed=is_allowed)
    assert hint in caught.value.hint
    assert "secret" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize("scheme", live_arguments.SCHEMES)
def test_no_address_opens_local_files(scheme: str) -> None:
    arguments = live_arguments.address(f"{scheme}://host:1/a.m3u8", 10)
    protocols = arguments[arguments.index("-protocol_whitelist") + 1].split(",")
    assert not {"file", "pipe", "concat", "subfile", "data", "fd", "unix"} & set(protocols)
    formats = arguments[arguments.index("-format_whitelist") + 1].split(",")
    assert not {"sdp", "rtp", "concat", "dash", "image2", "imf"} & set(formats)
    assert scheme == "udp" or "udp" not in protocols  # a camera's description cannot open ports
    assert "-codec_whitelist" in arguments


@pytest.mark.parametrize(
    ("where", "options", "kind"),
    [
        ("", LiveOptions(pcm_hz=16_000), UsageError),
        ("talk.mp4", LiveOptions(pcm_hz=16_000), UsageError),
        ("-", LiveOptions(mic="Yeti"), UsageError),
        ("no-such-file.mp4", LiveOptions(), NoInputError),
        ("-", LiveOptions(save=Path("talk.mp3")), UsageError),
        (__file__, LiveOptions(save=Path(__file__), overwrite=True), UsageError),
        (__file__, LiveOptions(write=(Path(__file__),), overwrite=True), UsageError),
        (__file__, LiveOptions(caption_file=Path(__file__), overwrite=True), UsageError),
    ],
)
def test_what_does_not_fit_together_is_refused(
    where: str, options: LiveOptions, kind: type[QasrError]
) -> None:
    with pytest.raises(kind), inputs.opened(where, options):
        pass


class Given:
    """An input that gives some blocks."""

    name = "given"
    is_real_time = True

    def __init__(self, *given: np.ndarray | Missing) -> None:
        self._given = given

    def blocks(self) -> Iterator[np.ndarray | Missing]:
        yield from self._given

    def stop(self) -> None:
        pass


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".WAV"])
def test_what_is_missing_is_saved_as_silence(suffix: str, tmp_path: Path) -> None:
    soundfile = pytest.importorskip("soundfile")
    path = tmp_path / f"saved{suffix}"
    block = np.arange(-800, 800, dtype="<i2")
    source = Given(block, Missing(2_345, "gone"), block[:7])
    with saved_sound.opened(path, overwrite=False) as sound:
        assert sound is not None
        given = list(Saved(source, sound).blocks())
    assert len(given) == 3
    found, rate_hz = soundfile.read(path, dtype="int16")
    assert rate_hz == 16_000
    assert np.array_equal(found, np.concatenate([block, np.zeros(2_345 * 16, np.int16), block[:7]]))


def test_a_file_that_exists_is_kept_until_there_is_sound(tmp_path: Path) -> None:
    path, other = tmp_path / "old.flac", tmp_path / "new.wav"
    path.write_bytes(b"old")
    with pytest.raises(CannotCreateError), saved_sound.opened(path, overwrite=False):
        pass
    with saved_sound.opened(path, overwrite=True), saved_sound.opened(other, overwrite=False):
        assert os.path.isfile(other)
    assert path.read_bytes() == b"old"
    assert not os.path.lexists(other)
    with pytest.raises(CannotCreateError) as caught, saved_sound.opened(path / "a.wav", overwrite=True):
        pass
    assert "-o DIR" not in caught.value.hint  # a flag of other commands
    with saved_sound.opened(tmp_path / "folder" / "a.wav", overwrite=False) as sound:
        assert sound is not None
        sound.write(np.zeros(1, np.int16))
    assert os.path.isfile(tmp_path / "folder" / "a.wav")
