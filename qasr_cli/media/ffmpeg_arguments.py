"""Argument lists of ffmpeg, all with the same restrictions.

In go a path and the audio or picture to decode; out come argument lists. Runs nothing.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg

from qasr_cli.media.byte_window import Extent
from qasr_cli.media.ffmpeg import find_tools
from qasr_cli.timebase import MS_PER_S, SAMPLE_RATE_HZ

_S_PER_HOUR = 3600

_PLACEHOLDER = "INPUT"
_MAX_ALLOC_BYTES = 512 * 1024**2  # of one allocation; the largest legitimate ones are cover pictures
_N_THREADS = 2  # audio needs only one; several sources are decoded at once

# Containers that hold media themselves. Playlists and the like (hls, dash, concat, sdp, imf, image2) would
# make ffmpeg open other files and addresses: a text file called holiday.mp4 is enough.
FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,avi,asf,flv,ogg,wav,w64,aiff,caf,flac,mp3,aac,ac3,"
    "eac3,dts,dtshd,amr,amrnb,amrwb,ape,wv,tta,au,mxf,rm,truehd,mlp,loas,wtv,dv,dss,qcp,oma,voc,nistsphere,"
    "gsm,mpc,mpc8,tak,dsf"
)
# Audio decoders only, so that no video decoder sees a crafted picture.
CODECS = (
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
# No picture is decoded for audio; but some containers show its start time only once its header is read.
_VIDEO_CODECS = "h264,hevc,mpeg4,mpeg2video,mpeg1video,vp8,vp9,av1,libdav1d,vc1,wmv3,msmpeg4v3,theora,mjpeg"
# And those of cameras and editing; used only to find shots.
_SHOT_CODECS = f"{_VIDEO_CODECS},prores,dnxhd,dvvideo"
_MAX_PIXELS = 8192 * 8192
# Always the same small picture, whatever size the file has; times in milliseconds.
_CHANGES = (
    "settb=expr=1/1000,scale=320:180:flags=fast_bilinear,scdet=threshold=100,"
    "metadata=mode=print:key=lavfi.scd.mafd:direct=1:file=-"
)


# Fills gaps at the start and in between with silence.
_FILLED = "aresample=async=1:first_pts=0"
# The same if the begin is filled later; drops samples before 0.
_UNFILLED_FRONT = "aresample=async=1,atrim=start=0"
_DIFFERENCE = "pan=mono|c0=0.5*c0-0.5*c1"
_CARRIER = "nut"  # keeps a time with every packet
_CARRIED = "pcm_s16le"
# The smallest weight of a channel is 1/8: of 64 microphones one must still be audible.
_MAX_DIVISOR = 8
MAX_UNMAPPED = 64  # ffmpeg cannot mix more


# Where the times fall behind the samples by more than `aresample` tolerates (0.1 s), everything that follows
# is moved back to their end; a gap stays a gap. 0 keeps the shift, 1 the end and 2 the difference.
NEVER_BACK = (
    "asetpts='st(2,PTS+ld(0)-ld(1));if(lt(ld(2),-0.1/TB)*gt(N,0),st(0,ld(1)-PTS));"
    "st(1,if(gt(ld(2),0.1/TB)+eq(N,0),PTS+ld(0),ld(1))+NB_SAMPLES/SR/TB);PTS+ld(0)'"
)
_SUBFILE = re.compile(r"subfile,,start,\d+,end,\d+,,:")


class Clock(enum.Enum):
    """Where the times of samples come from."""

    CONTAINER = "the times of the packets; where they go back, samples are dropped"
    NEVER_BACK = "the same, but where they go back, all that follows is later"
    COUNTED = "the number of samples before them"


@dataclass(frozen=True, slots=True)
class Reading:
    """A way to read a track other than as a whole and by its container's headers.

    Attributes:
        clock: Where the times come from.
        start_ms: When a counted track starts.
        gain_db: Amplification; it is applied before samples are rounded to 16 bits.
        is_out_of_phase: One of its two channels is inverted; decode their difference instead of the downmix.
        channel: The only one to decode, from 0; None for the downmix of all.
    """

    clock: Clock = Clock.CONTAINER
    start_ms: int = 0
    gain_db: float = 0.0
    is_out_of_phase: bool = False
    channel: int | None = None


@dataclass(frozen=True, slots=True)
class Sound:
    """An audio track of a file, and how to decode it.

    Attributes:
        audio_track: Index among the audio tracks.
        n_unmapped: Number of its channels if their layout is unknown; 0 if it is known.
        has_clock: The container stores times. Without them ffmpeg derives times from the first sample rate,
            and they are wrong after a change of the rate.
        is_changing: Its channels or its sample rate change. ffmpeg restarts its filters there and would fill
            from 0 again; so its output keeps the times, if there are any, and `fill_gaps` writes the samples.
        reading: Another way to read it than as its container says.
        extent: The recording of a file that holds several; None for the whole file.
    """

    audio_track: int
    n_unmapped: int = 0
    has_clock: bool = True
    is_changing: bool = False
    reading: Reading = Reading()
    extent: Extent | None = None


def decode(path: Path, sound: Sound, delay_ms: int = 0) -> list[str]:
    """Return the command that writes one audio track to stdout; it works for nearly every file.

    Args:
        path: The media.
        sound: The audio track.
        delay_ms: How much later the track starts than ffmpeg assumes.
    """
    shift = {"itsoffset": f"{delay_ms / MS_PER_S:.3f}"} if delay_ms else {}
    media = _input_of(CODECS, sound, **shift)
    return _arguments_for(_samples(media, sound), path, sound.extent)


def decode_on_container_clock(path: Path, sound: Sound, *, has_discontinuities: bool) -> list[str]:
    """Return the same command for a file whose audio track alone does not show the container's start.

    Args:
        path: The media.
        sound: The audio track.
        has_discontinuities: The container's clock may jump, so ffmpeg starts it at the first of the streams
            *in use*. All streams are then used, by copying them undecoded to a null output. (`-copyts` would
            keep the clock too, with each of its jumps; of two recordings in one file it loses the second.)
    """
    media = _input_of(f"{CODECS},{_VIDEO_CODECS}", sound)
    samples = _samples(media, sound)
    outputs = ffmpeg.merge_outputs(samples, _null_output(media)) if has_discontinuities else samples
    return _arguments_for(outputs, path, sound.extent)


def fill_gaps() -> list[str]:
    """Return the command that reads changing audio with times from stdin, and writes samples to stdout."""
    carried = ffmpeg.input(
        "pipe:0",
        format=_CARRIER,
        protocol_whitelist="pipe",
        format_whitelist=_CARRIER,
        codec_whitelist=_CARRIED,
        **{"copyts": None},  # its 0 is the container's start
    )
    samples = carried["a:0"].output("pipe:1", format="s16le", ac=1, ar=SAMPLE_RATE_HZ, af=_FILLED)
    return sandboxed(ffmpeg.get_args(samples))


def find_shots(
    path: Path, max_hours: float, *, has_discontinuities: bool, extent: Extent | None = None
) -> list[str]:
    """Return the command that prints to stdout how much each frame differs from the one before.

    Args:
        path: The media.
        max_hours: Maximum length to decode, in hours.
        has_discontinuities: As above; times then have the same origin as those of the audio.
        extent: As in `Sound`.
    """
    codecs = f"{_SHOT_CODECS},{CODECS}" if has_discontinuities else _SHOT_CODECS
    media = _input(codecs, extent=extent, max_pixels=str(_MAX_PIXELS))
    changes = media["V:0"].output(  # V: no cover
        "-",
        format="null",
        vf=_CHANGES,
        t=max_hours * _S_PER_HOUR,
        **{"an": None, "sn": None, "dn": None},
    )
    outputs = ffmpeg.merge_outputs(changes, _null_output(media)) if has_discontinuities else changes
    return _arguments_for(outputs, path, extent)


def _null_output(media: Any) -> Any:
    """Return an output that uses all streams and writes none."""
    streams = [media[f"{kind}?"] for kind in "vasd"]  # teletext, too, may start before all else
    return ffmpeg.output(*streams, "-", format="null", c="copy")


def _input_of(codecs: str, sound: Sound, **more: str) -> Any:
    """Return the input; ffmpeg ends where the sound changes, unless changes are expected."""
    if not sound.is_changing:
        more["reinit_filter"] = "0"
    if sound.extent and sound.extent.is_length_wrong:
        more["ignore_length"] = "1"
    return _input(codecs, sound.extent, **more)


def _input(codecs: str, extent: Extent | None, **more: str) -> Any:
    protocols = "file,pipe,subfile" if extent else "file,pipe"
    return ffmpeg.input(
        _PLACEHOLDER,
        protocol_whitelist=protocols,
        format_whitelist=FORMATS,
        codec_whitelist=codecs,
        threads=_N_THREADS,
        **more,
    )


def _samples(media: Any, sound: Sound) -> Any:
    """Return the output of mono samples."""
    filters, form = _FILLED, "s16le"
    if sound.is_changing:
        filters, form = (_UNFILLED_FRONT, _CARRIER) if sound.has_clock else ("anull", form)
    filters = f"{_corrections(sound.reading)}{filters}"
    if sound.reading.channel is not None:
        filters = f"pan=mono|c0=c{sound.reading.channel},{filters}"
    elif sound.reading.is_out_of_phase:
        filters = f"{_DIFFERENCE},{filters}"
    elif sound.n_unmapped:
        filters = f"{_mix(sound.n_unmapped)},{filters}"
    return media[f"a:{sound.audio_track}"].output(
        "pipe:1",
        format=form,
        acodec=_CARRIED,
        ac=1,
        ar=SAMPLE_RATE_HZ,
        af=filters,
        **{"vn": None, "sn": None, "dn": None},
    )


def _corrections(reading: Reading) -> str:
    """Return the filters in front of the others that correct times and level; "" for most sound."""
    filters = ""
    if reading.clock is Clock.NEVER_BACK:
        filters = f"{NEVER_BACK},"
    elif reading.clock is Clock.COUNTED:
        filters = f"asetpts='N/SR/TB+{reading.start_ms / MS_PER_S:.3f}/TB',"
    if reading.gain_db:
        filters += f"volume={reading.gain_db:.1f}dB:precision=float,"
    return filters


def _mix(n_channels: int) -> str:
    """Return the filter that mixes all channels with the same weight.

    By default ffmpeg takes three channels for 2.1 and six for 5.1 and drops the "LFE", which on a recorder is
    a microphone like the others; and it cannot mix nine.
    """
    weight = 1 / min(n_channels, _MAX_DIVISOR)
    return "pan=mono|c0=" + "+".join(f"{weight:.4f}*c{number}" for number in range(n_channels))


def _arguments_for(outputs: Any, path: Path, extent: Extent | None = None) -> list[str]:
    """Return the whole command, with the file's name in place of the placeholder.

    With `file:` and an absolute path no name can be taken for a flag, a pattern or an address. The name is
    inserted last because ffmpeg-python only accepts names in UTF-8.
    """
    name = file_url(path)
    if extent:
        name = f"subfile,,start,{extent.start},end,{extent.end},,:{name}"
    return sandboxed(
        [name if argument == _PLACEHOLDER else argument for argument in ffmpeg.get_args(outputs)]
    )


def sandboxed(arguments: list[str]) -> list[str]:
    """Return the command with these arguments, and with what all commands have."""
    # At `verbose` ffmpeg says at its end how many samples it decoded
    flags = ["-nostdin", "-hide_banner", "-loglevel", "level+verbose", "-nostats"]
    return [str(find_tools().ffmpeg), *flags, "-max_alloc", str(_MAX_ALLOC_BYTES), *arguments]


def file_url(path: Path) -> str:
    """Return a file's name for ffmpeg, which also appears in its messages."""
    return f"file:{path.absolute()}"


def without_names(message: str, path: Path) -> str:
    """Return a message of ffmpeg without the file's name in it."""
    return _SUBFILE.sub("", message.replace(file_url(path), "")).strip(": ")
