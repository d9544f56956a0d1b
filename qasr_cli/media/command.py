"""The ffmpeg commands of qasr, each inside the same cage.

In go a path and what is wanted of it; out come argument lists. Nothing is run here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg

from qasr_cli.media.ffmpeg import find_tools
from qasr_cli.timebase import MS_PER_S, SAMPLE_RATE_HZ

_S_PER_HOUR = 3600

_PLACEHOLDER = "INPUT"
_MAX_ALLOC_BYTES = 512 * 1024**2  # in one piece; the largest honest ones are cover pictures
_N_THREADS = 2  # sound decodes on one; several sources are decoded at once

# Containers that hold media themselves. Playlists and the like (hls, dash, concat, sdp, imf, image2) would
# make ffmpeg open other files and addresses: a text file called holiday.mp4 is enough.
_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,avi,asf,flv,ogg,wav,w64,aiff,caf,flac,mp3,aac,ac3,"
    "eac3,dts,dtshd,amr,amrnb,amrwb,ape,wv,tta,au,mxf,rm,truehd,mlp,loas,wtv,dv,dss,qcp,oma,voc,nistsphere,"
    "gsm,mpc,mpc8,tak,dsf"
)
# Audio decoders only: what a video decoder would do with a crafted picture is none of our business.
_CODECS = (
    "aac,aac_fixed,aac_latm,mp3,mp3float,mp3adu,mp3adufloat,mp2,mp2float,mp1,mp1float,opus,libopus,"
    "vorbis,libvorbis,flac,alac,ac3,ac3_fixed,eac3,dca,truehd,mlp,wavpack,tta,ape,wmav1,wmav2,wmapro,"
    "wmalossless,wmavoice,amrnb,amrwb,libopencore_amrnb,libopencore_amrwb,cook,real_144,real_288,sipr,ralf,"
    "nellymoser,speex,libspeex,gsm,gsm_ms,libgsm,libgsm_ms,g722,g723_1,g726,g726le,g729,ilbc,libilbc,"
    "truespeech,dss_sp,qcelp,evrc,s302m,mp3on4,mp3on4float,als,atrac3,atrac3plus,mpc7,mpc8,tak,shorten,"
    "qdm2,qdmc,mace3,mace6,dvaudio,dsd_lsbf,dsd_msbf,dsd_lsbf_planar,dsd_msbf_planar,"
    "pcm_u8,pcm_s8,pcm_s8_planar,pcm_s16le,pcm_s16be,pcm_s16le_planar,pcm_s16be_planar,pcm_u16le,pcm_u16be,"
    "pcm_s24le,pcm_s24be,pcm_s24le_planar,pcm_u24le,pcm_u24be,pcm_s32le,pcm_s32be,pcm_s32le_planar,"
    "pcm_u32le,pcm_u32be,pcm_s64le,pcm_s64be,pcm_f16le,pcm_f24le,pcm_f32le,pcm_f32be,pcm_f64le,pcm_f64be,"
    "pcm_alaw,pcm_mulaw,pcm_bluray,pcm_dvd,adpcm_ms,adpcm_ima_wav,adpcm_ima_qt,adpcm_ima_ws,adpcm_swf,"
    "adpcm_yamaha"
)
# For sound no picture is decoded; but some containers cannot tell when it starts before its header was read.
_VIDEO_CODECS = "h264,hevc,mpeg4,mpeg2video,mpeg1video,vp8,vp9,av1,libdav1d,vc1,wmv3,msmpeg4v3,theora,mjpeg"
# And those of cameras and cutting rooms; used only where shots are asked for.
_SHOT_CODECS = f"{_VIDEO_CODECS},prores,dnxhd,dvvideo"
_MAX_PIXELS = 8192 * 8192
# Always the same small picture, whatever shape and size the file claims; times in milliseconds.
_CHANGES = (
    "settb=expr=1/1000,scale=320:180:flags=fast_bilinear,scdet=threshold=100,"
    "metadata=mode=print:key=lavfi.scd.mafd:direct=1:file=-"
)


# What is missing in front is filled, and what is missing in between.
_FILLED = "aresample=async=1:first_pts=0"
# The same where the front is filled later; nothing of before 0 is carried there.
_UNFILLED_FRONT = "aresample=async=1,atrim=start=0"
_DIFFERENCE = "pan=mono|c0=0.5*c0-0.5*c1"
_CARRIER = "nut"  # keeps a time with every packet
_CARRIED = "pcm_s16le"
# The least that a channel is let through: of 64 microphones one must still be audible.
_MAX_DIVISOR = 8
MAX_UNPLACED = 64  # more ffmpeg cannot mix


@dataclass(frozen=True, slots=True)
class Sound:
    """Which sound of a file is wanted, and what decides how it is decoded.

    Attributes:
        audio_track: Counts audio tracks only.
        n_unplaced: How many channels it has, if nobody says where they belong; 0 if somebody does.
        has_clock: Its container keeps times. Where it does not, ffmpeg makes them up from the rate that the
            sound begins with, and believes them when another comes.
        is_changing: Its channels or its rate change on the way. ffmpeg starts its filters anew there, and
            would fill from 0 again; so that comes with times, if it has any, for `fill` to write the samples.
        is_turned: Of its two channels one is upside down; what they differ in is wanted, and not their mix.
    """

    audio_track: int
    n_unplaced: int = 0
    has_clock: bool = True
    is_changing: bool = False
    is_turned: bool = False


def decode(path: Path, sound: Sound, late_ms: int = 0) -> list[str]:
    """Return the command that writes one audio track to stdout; enough for nearly every file.

    Args:
        path: The media.
        sound: Which one.
        late_ms: How much later than ffmpeg takes it to start the track really does.
    """
    shift = {"itsoffset": f"{late_ms / MS_PER_S:.3f}"} if late_ms else {}
    media = _input(_CODECS, **_until_it_changes(sound), **shift)
    return _finished(_samples(media, sound), path)


def decode_on_the_clock_of_all(path: Path, sound: Sound, *, is_jumping: bool) -> list[str]:
    """Return the same where the track alone does not tell when the container starts.

    Args:
        path: The media.
        sound: Which one.
        is_jumping: The container's clock may jump, and therefore ffmpeg starts it at the first of the streams
            *in use*. All of them are put to use then, by sending them undecoded to nowhere. (`-copyts` would
            keep the clock too, with each of its jumps; of two recordings in one file it loses the second.)
    """
    media = _input(f"{_CODECS},{_VIDEO_CODECS}", **_until_it_changes(sound))
    samples = _samples(media, sound)
    if not is_jumping:
        return _finished(samples, path)
    return _finished(ffmpeg.merge_outputs(samples, _nowhere(media)), path)


def fill() -> list[str]:
    """Return the command that reads a sound that was changing on stdin, and writes its samples to stdout."""
    carried = ffmpeg.input(
        "pipe:0",
        format=_CARRIER,
        protocol_whitelist="pipe",
        format_whitelist=_CARRIER,
        codec_whitelist=_CARRIED,
        **{"copyts": None},  # its 0 is the container's start
    )
    samples = carried["a:0"].output("pipe:1", format="s16le", ac=1, ar=SAMPLE_RATE_HZ, af=_FILLED)
    return _caged(ffmpeg.get_args(samples))


def find_shots(path: Path, max_hours: float, *, is_jumping: bool) -> list[str]:
    """Return the command that prints to stdout how much each frame differs from the one before.

    Args:
        path: The media.
        max_hours: How much of it is looked at.
        is_jumping: As above; its times then count from where the sound's do.
    """
    media = _input(f"{_SHOT_CODECS},{_CODECS}" if is_jumping else _SHOT_CODECS, max_pixels=str(_MAX_PIXELS))
    changes = media["V:0"].output(  # V: no cover
        "-",
        format="null",
        vf=_CHANGES,
        t=max_hours * _S_PER_HOUR,
        **{"an": None, "sn": None, "dn": None},
    )
    return _finished(ffmpeg.merge_outputs(changes, _nowhere(media)) if is_jumping else changes, path)


def _nowhere(media: Any) -> Any:
    """Return an output that puts all streams to use and keeps none."""
    streams = [media[f"{kind}?"] for kind in "vasd"]  # teletext, too, may start before all else
    return ffmpeg.output(*streams, "-", format="null", c="copy")


def _until_it_changes(sound: Sound) -> dict[str, str]:
    """Have ffmpeg end where the sound changes, rather than fill from 0 again, unless that does no harm."""
    return {} if sound.is_changing else {"reinit_filter": "0"}


def _input(codecs: str, **more: str) -> Any:
    return ffmpeg.input(
        _PLACEHOLDER,
        protocol_whitelist="file,pipe",
        format_whitelist=_FORMATS,
        codec_whitelist=codecs,
        threads=_N_THREADS,
        **more,
    )


def _samples(media: Any, sound: Sound) -> Any:
    """Return the output of mono samples."""
    filters, form = _FILLED, "s16le"
    if sound.is_changing:
        filters, form = (_UNFILLED_FRONT, _CARRIER) if sound.has_clock else ("anull", form)
    if sound.is_turned:
        filters = f"{_DIFFERENCE},{filters}"
    elif sound.n_unplaced:
        filters = f"{_mix(sound.n_unplaced)},{filters}"
    return media[f"a:{sound.audio_track}"].output(
        "pipe:1",
        format=form,
        acodec=_CARRIED,
        ac=1,
        ar=SAMPLE_RATE_HZ,
        af=filters,
        **{"vn": None, "sn": None, "dn": None},
    )


def _mix(n_channels: int) -> str:
    """Return the filter that gives all channels the same weight.

    Left to itself ffmpeg takes three channels for 2.1 and six for 5.1, and leaves the "LFE" out, which on a
    recorder is a microphone like the others; and of nine it does not know what to make.
    """
    share = 1 / min(n_channels, _MAX_DIVISOR)
    return "pan=mono|c0=" + "+".join(f"{share:.4f}*c{number}" for number in range(n_channels))


def _finished(outputs: Any, path: Path) -> list[str]:
    """Return the whole command, with the file's name in its place.

    With `file:` and an absolute path no name can be taken for a flag, a pattern or an address. The name
    comes in last because ffmpeg-python cannot carry one that is not UTF-8.
    """
    name = file_url(path)
    return _caged([name if argument == _PLACEHOLDER else argument for argument in ffmpeg.get_args(outputs)])


def _caged(arguments: list[str]) -> list[str]:
    flags = ["-nostdin", "-hide_banner", "-loglevel", "level+info", "-nostats"]
    return [str(find_tools().ffmpeg), *flags, "-max_alloc", str(_MAX_ALLOC_BYTES), *arguments]


def file_url(path: Path) -> str:
    """Return how a file is named to ffmpeg, and in what it prints."""
    return f"file:{path.absolute()}"
