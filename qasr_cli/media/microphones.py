"""The microphones of this machine, and the program that reads them.

In goes nothing; out come names, and the command for each. ffmpeg is preferred, whichever has the devices: a
static build often lacks them, the system's has them. Where none has, recorders of the system are used. A
server of sound (PulseAudio, PipeWire) comes before ALSA: it shares the device with other programs.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from qasr_cli.errors import UnavailableError
from qasr_cli.media import live_arguments
from qasr_cli.media.ffmpeg import find_tools
from qasr_cli.media.process import Terms, running
from qasr_cli.timebase import SAMPLE_RATE_HZ

_LIST_S = 10.0
_TEXT_BYTES = 1 << 20
# What leads to the user's server of sound, and its key.
_VARIABLES = (
    *("HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"),
    *("PULSE_SERVER", "PULSE_COOKIE", "PULSE_RUNTIME_PATH", "ALSA_CONFIG_PATH"),
)
_DEVICE = re.compile(r"^ ?D[E ]?\s+(\S+)", re.M)
_SOURCE = re.compile(r"^(?P<default>[* ]) (?P<name>\S+) \[(?P<description>.*)\]", re.M)
_AVFOUNDATION = re.compile(r"^\[[^\]]*\] \[(?P<number>\d+)\] (?P<name>.*)$", re.M)
_CAPTURE = re.compile(r"^(?P<card>\d+)-(?P<device>\d+): (?P<name>[^:]*):.*capture", re.M)
_ALSA_PCM = Path("/proc/asound/pcm")
_HINT = "install ffmpeg with your system's packages (Debian: apt install ffmpeg), or pulseaudio-utils"


@dataclass(frozen=True, slots=True)
class Microphone:
    """A device.

    Attributes:
        name: What the system calls it; `--mic` takes it.
        description: A name for people, or "".
        is_default: The system uses it unless another one is named.
    """

    name: str
    description: str = ""
    is_default: bool = False

    @property
    def label(self) -> str:
        """Both names."""
        return f"{self.name} {self.description}"


@dataclass(frozen=True, slots=True)
class Recorder:
    """A way to read microphones.

    Attributes:
        label: For people.
        microphones: Those that it can read.
        default: Its name of the system's microphone, whichever that is at the time.
        command: Returns the command that writes a device's samples to stdout.
    """

    label: str
    microphones: tuple[Microphone, ...]
    default: str
    command: Callable[[str], list[str]]


def environment() -> dict[str, str]:
    """Return the variables that a program needs to reach the user's sound."""
    return {name: os.environ[name] for name in _VARIABLES if name in os.environ}


def find() -> Recorder:
    """Return the first way that has microphones; one without, if there is no other.

    Raises:
        UnavailableError: No program on this machine reads microphones.
    """
    empty = None
    for recorder in _recorders():
        if recorder.microphones:
            return recorder
        empty = empty or recorder
    if empty is None:
        raise UnavailableError("no program on this machine reads microphones", _HINT)
    return empty


def _recorders() -> Iterator[Recorder]:
    programs = [(ffmpeg, _devices(ffmpeg)) for ffmpeg in _ffmpegs()]
    for ffmpeg, devices in programs:
        if "avfoundation" in devices:
            yield _of_macos(ffmpeg)
        if "pulse" in devices:
            yield _of_pulse(ffmpeg)
    if shutil.which("parec") and shutil.which("pactl"):
        yield _of_parec()
    for ffmpeg, devices in programs:
        if "alsa" in devices:
            command = _of_ffmpeg(ffmpeg, "alsa")
            yield Recorder("ffmpeg, ALSA", alsa_microphones(_alsa_text()), "default", command)
    if shutil.which("arecord"):
        yield Recorder("arecord, ALSA", alsa_microphones(_alsa_text()), "default", _arecord)


def _ffmpegs() -> list[Path]:
    """Return ffmpeg as qasr uses it, and the one on PATH if that is another."""
    found = [find_tools().ffmpeg]
    on_path = shutil.which("ffmpeg")
    if on_path and Path(on_path) not in found:
        found.append(Path(on_path))
    return found


def _devices(ffmpeg: Path) -> set[str]:
    return {
        name
        for row in _DEVICE.findall(_said(str(ffmpeg), "-hide_banner", "-devices"))
        for name in row.split(",")
    }


def _of_ffmpeg(ffmpeg: Path, form: str, prefix: str = "") -> Callable[[str], list[str]]:
    return lambda name: live_arguments.device(ffmpeg, form, prefix + name)


def _of_pulse(ffmpeg: Path) -> Recorder:
    found = pulse_microphones(_said(str(ffmpeg), "-hide_banner", "-sources", "pulse"))
    return Recorder("ffmpeg, PulseAudio", found, "default", _of_ffmpeg(ffmpeg, "pulse"))


def _of_macos(ffmpeg: Path) -> Recorder:
    arguments = ("-hide_banner", "-f", "avfoundation", "-list_devices", "true", "-i", "")
    found = avfoundation_microphones(_said(str(ffmpeg), *arguments))
    return Recorder("ffmpeg, AVFoundation", found, "default", _of_ffmpeg(ffmpeg, "avfoundation", ":"))


def _of_parec() -> Recorder:
    default = "".join(re.findall(r"^Default Source: (\S+)", _said("pactl", "info"), re.M))
    rows = [line.split("\t") for line in _said("pactl", "list", "short", "sources").splitlines()]
    names = [row[1] for row in rows if len(row) > 2]
    found = [Microphone(name, is_default=name == default) for name in names]
    return Recorder("parec", tuple(found), "@DEFAULT_SOURCE@", _parec)


def _parec(name: str) -> list[str]:
    form = ["--raw", "--format=s16le", f"--rate={SAMPLE_RATE_HZ}", "--channels=1", "--latency-msec=20"]
    return ["parec", f"--device={name}", *form]


def _arecord(name: str) -> list[str]:
    return ["arecord", "-q", "-D", name, "-t", "raw", "-f", "S16_LE", "-r", str(SAMPLE_RATE_HZ), "-c", "1"]


def pulse_microphones(text: str) -> tuple[Microphone, ...]:
    """Parse `ffmpeg -sources pulse`; what a loudspeaker plays (its monitor) comes last."""
    found = [
        Microphone(row["name"], row["description"], row["default"] == "*") for row in _SOURCE.finditer(text)
    ]
    return tuple(sorted(found, key=lambda one: one.name.endswith(".monitor")))


def avfoundation_microphones(text: str) -> tuple[Microphone, ...]:
    """Parse the list of devices of AVFoundation, where the cameras come first."""
    _, _, audio = text.partition("AVFoundation audio devices")
    names = [row["name"] for row in _AVFOUNDATION.finditer(audio)]
    return tuple(Microphone(name, is_default=number == 0) for number, name in enumerate(names))


def alsa_microphones(text: str) -> tuple[Microphone, ...]:
    """Parse `/proc/asound/pcm`; the first card is the default unless the user's settings name another."""
    found = [
        Microphone(f"plughw:{int(row['card'])},{int(row['device'])}", row["name"].strip(), number == 0)
        for number, row in enumerate(_CAPTURE.finditer(text))
    ]
    return tuple(found)


def _alsa_text() -> str:
    try:
        return _ALSA_PCM.read_text("utf-8", "replace")
    except OSError:
        return ""


def _said(*command: str) -> str:
    """Return what a short program prints to stdout and stderr; "" if it does not start."""
    terms = Terms(_LIST_S, environment(), is_limited=False)
    try:
        with running(command, None, None, terms) as child:
            out = child.read(_TEXT_BYTES)
            child.finish()
            return out.decode("utf-8", "replace") + child.stderr_text
    except OSError:
        return ""
