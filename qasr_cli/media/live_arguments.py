"""Argument lists of ffmpeg for sound that never ends: pipes, capture devices, addresses.

In go names and addresses; out come argument lists whose stdout is mono 16 kHz samples as soon as they arrive.
The restrictions are those of `ffmpeg_arguments`; an address adds the protocols of its scheme and no other, so
that no playlist can name a local file. Runs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from qasr_cli.media.ffmpeg_arguments import CODECS, FORMATS, NEVER_BACK, sandboxed
from qasr_cli.timebase import SAMPLE_RATE_HZ

# What is lost is silence, so that times stay true; where times go back, all that follows is later.
_TRUE_TIMES = f"{NEVER_BACK},aresample=async=1:min_hard_comp=0.1"
# A device's times are those of a clock, smoothed, and half a second wrong in the first seconds.
_DEVICE_TIMES = f"{NEVER_BACK},aresample=async=1:min_hard_comp=1"
_US_PER_S = 1_000_000
# The default analyses five seconds before the first sample. Half a second is enough for sound. The bytes may
# be many: with 32 KB the sound of television at 8 Mbit/s is not found. WAV reads all its packets for a codec
# that calls itself PCM (DTS on a CD), at 4 KB a packet: four are half a second of 16 kHz. (`-fflags nobuffer`
# is no faster, and loses what was analysed.)
_LOW_DELAY = ["-probesize", "1000000", "-analyzeduration", "500000", "-max_probe_packets", "4"]
# 20 ms at 48 kHz. A server sends 2 s at once if it may.
_FRAGMENT_BYTES = 1920
_DEVICE_HZ = 48_000  # of nearly every sound card, so that samples are converted once, by ffmpeg


@dataclass(frozen=True, slots=True)
class _Scheme:
    """How addresses of a scheme are read.

    Attributes:
        protocols: All that may be opened, by redirects and playlists too.
        formats: Containers.
        options: Further options; `{us}` is the longest wait in microseconds.
    """

    protocols: str
    formats: str
    options: tuple[str, ...]


# Of a broadcast: without a probe for its container.
_TRANSPORT_STREAM = ("-timeout", "{us}", "-f", "mpegts")
_HTTP = _Scheme("http,https,tcp,tls,crypto", f"hls,{FORMATS}", ("-rw_timeout", "{us}"))
_CHECKED = ("-tls_verify", "1")  # the default only since ffmpeg 8
_SCHEMES: Mapping[str, _Scheme] = {
    # Over TCP: cameras lose packets of UDP, and firewalls close its ports. No picture is asked for.
    "rtsp": _Scheme(
        "rtsp,tcp",
        "rtsp",
        ("-timeout", "{us}", "-rtsp_transport", "tcp", "-allowed_media_types", "audio"),
    ),
    "srt": _Scheme("srt", "mpegts", _TRANSPORT_STREAM),
    "udp": _Scheme("udp", "mpegts", _TRANSPORT_STREAM),
    "http": _HTTP,
    "https": _HTTP,
}
SCHEMES = tuple(_SCHEMES)
_PLAYLISTS = (".m3u8", ".m3u")


def pipe(pcm_hz: int | None = None) -> list[str]:
    """Return the command that reads stdin: any container, or raw `s16le` mono of a sample rate."""
    if pcm_hz is None:
        form = [*_LOW_DELAY, "-format_whitelist", FORMATS]
    else:
        form = ["-format_whitelist", "s16le", "-f", "s16le", "-ar", str(pcm_hz), "-ac", "1"]
    return _command([*form, "-protocol_whitelist", "pipe", "-codec_whitelist", CODECS, "-i", "pipe:0"])


def address(url: str, wait_s: float, ca_file: str | None = None) -> list[str]:
    """Return the command that reads an address of one of `SCHEMES`.

    Args:
        url: The address, with its credentials.
        wait_s: How long a connection may be silent before ffmpeg ends.
        ca_file: Certificates of authorities, for https; None for those that ffmpeg knows.
    """
    scheme = _SCHEMES[url.partition("://")[0].lower()]
    options = [option.format(us=round(wait_s * _US_PER_S)) for option in scheme.options]
    if is_playlist(url):
        options += ["-live_start_index", "-1"]  # else it starts three segments back
    if url.lower().startswith("https:"):
        options += [*_CHECKED, *(["-ca_file", ca_file] if ca_file else [])]
    limits = ["-protocol_whitelist", scheme.protocols, "-format_whitelist", scheme.formats]
    return _command([*_LOW_DELAY, *options, *limits, "-codec_whitelist", CODECS, "-i", url])


def is_playlist(url: str) -> bool:
    """Whether an address is that of an HLS playlist, by its name."""
    path = url.partition("?")[0].lower()
    return path.startswith("http") and path.endswith(_PLAYLISTS)


def device(ffmpeg: Path, form: str, name: str) -> list[str]:
    """Return the command that captures a device.

    Args:
        ffmpeg: A program that has the format.
        form: `pulse`, `alsa` or `avfoundation`.
        name: The device in the words of the format.
    """
    options = {
        "pulse": ["-sample_rate", str(_DEVICE_HZ), "-channels", "1", "-fragment_size", str(_FRAGMENT_BYTES)],
        "alsa": ["-sample_rate", str(_DEVICE_HZ), "-channels", "1"],
    }.get(form, [])
    command = _command([*options, "-f", form, "-i", name], _DEVICE_TIMES)
    return [str(ffmpeg), *command[1:]]


def _command(source: list[str], times: str = _TRUE_TIMES) -> list[str]:
    sound = ["-map", "0:a:0", "-af", times, "-ac", "1", "-ar", str(SAMPLE_RATE_HZ)]
    return sandboxed([*source, *sound, "-f", "s16le", "-flush_packets", "1", "pipe:1"])
