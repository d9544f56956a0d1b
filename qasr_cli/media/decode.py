"""Any media file as mono 16 kHz samples, with sample 0 at container time 0.

In go a path and an audio track's number; out come `int16` blocks. Media is not trusted: only files, only
known containers and audio codecs, nothing that points elsewhere (playlists do), and no more than so many
hours. One ffmpeg process a file, a second one only where the first misread the container's clock.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ffmpeg
import numpy as np

from qasr_cli.errors import InputOutputError, NoInputError, UndecodableError, UsageError
from qasr_cli.media import banner
from qasr_cli.media.banner import Banner
from qasr_cli.media.ffmpeg import find_tools
from qasr_cli.media.process import Child, running
from qasr_cli.options import MediaOptions
from qasr_cli.records import Track
from qasr_cli.timebase import BYTES_PER_MS, BYTES_PER_SAMPLE, MS_PER_S, SAMPLE_RATE_HZ, format_clock

_BLOCK_BYTES = 2_000 * BYTES_PER_MS
_MS_PER_HOUR = 3_600_000
_PLACEHOLDER = "INPUT"

# Containers that hold media themselves. Playlists and the like (hls, dash, concat, sdp, imf, image2) would
# make ffmpeg open other files and addresses: a text file called holiday.mp4 is enough.
_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,avi,asf,flv,ogg,wav,w64,aiff,caf,flac,mp3,aac,ac3,"
    "eac3,dts,dtshd,amr,amrnb,amrwb,ape,wv,tta,au,mxf,rm,truehd"
)
# Audio decoders only: what a video decoder would do with a crafted picture is none of our business.
_CODECS = (
    "aac,aac_fixed,aac_latm,mp3,mp3float,mp3adu,mp3adufloat,mp2,mp2float,mp1,mp1float,opus,libopus,"
    "vorbis,libvorbis,flac,alac,ac3,ac3_fixed,eac3,dca,truehd,mlp,wavpack,tta,ape,wmav1,wmav2,wmapro,"
    "wmalossless,wmavoice,amrnb,amrwb,libopencore_amrnb,libopencore_amrwb,cook,ra_144,ra_288,sipr,ralf,"
    "nellymoser,speex,libspeex,gsm,gsm_ms,g722,g723_1,g726,g729,pcm_u8,pcm_s8,pcm_s16le,pcm_s16be,"
    "pcm_u16le,pcm_u16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,pcm_f64le,pcm_f64be,"
    "pcm_alaw,pcm_mulaw,pcm_bluray,pcm_dvd,pcm_s16le_planar,adpcm_ms,adpcm_ima_wav,adpcm_ima_qt,"
    "adpcm_swf,adpcm_yamaha,adpcm_g722"
)
# Some containers cannot tell when their picture starts before it has been decoded.
_VIDEO_CODECS = "h264,hevc,mpeg4,mpeg2video,mpeg1video,vp8,vp9,av1,libdav1d,vc1,wmv3,msmpeg4v3,theora,mjpeg"
# Their clocks may jump, so ffmpeg starts them at the track it was asked for, not at the container's start.
_JUMPING_CLOCKS = {"mpegts", "mpeg", "ogg"}


class AudioStream:
    """The samples of one track; iterate it once.

    Attributes:
        track: Which track this is.
        warnings: What was wrong with the media; complete when the iteration has ended.
    """

    def __init__(self, path: Path, child: Child, track: Track, first: bytes, max_hours: float) -> None:
        self._path = path
        self._child = child
        self._first = first
        self._max_hours = max_hours
        self.track = track
        self.warnings: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield `int16[n_samples]` blocks of two seconds.

        Raises:
            UndecodableError: There is no sound in the track, or more than allowed.
        """
        n_bytes = 0
        block = self._first
        while block:
            n_bytes += len(block)
            if n_bytes > self._max_hours * _MS_PER_HOUR * BYTES_PER_MS:
                raise UndecodableError(
                    f"{self._path}: decodes to over {self._max_hours:g} hours", "raise --max-hours"
                )
            yield np.frombuffer(block[: len(block) // BYTES_PER_SAMPLE * BYTES_PER_SAMPLE], dtype="<i2")
            block = self._child.read(_BLOCK_BYTES)
        self._judge(n_bytes)

    def _judge(self, n_bytes: int) -> None:
        """Decide at the end of the samples whether ffmpeg was content."""
        status = self._child.finish()
        reason = "ffmpeg got stuck" if self._child.was_stuck else _complaint(self._path, self._child.said)
        if not n_bytes:
            raise UndecodableError(f"{self._path}: {reason or 'no sound in its audio track'}")
        if status != 0 or reason:
            until = format_clock(n_bytes // BYTES_PER_MS)[:-4]
            reason = reason or f"ffmpeg ended with {status}"
            self.warnings = (f"damaged media, decoded to {until}: {reason}",)


@contextlib.contextmanager
def open_audio(path: Path, options: MediaOptions) -> Iterator[AudioStream]:
    """Decode an audio track of a file for as long as the context lasts.

    Raises:
        NoInputError: No such file.
        UndecodableError: Not a regular file, empty, not media, or without audio.
        UsageError: The file has no such audio track; its tracks are named.
        InputOutputError: The file may not be read.
        UnavailableError: There is no ffmpeg.
    """
    _check_file(path)
    with contextlib.ExitStack() as stack:
        child = stack.enter_context(running(_command(path, options.audio_track)))
        first = child.read(_BLOCK_BYTES)
        known = banner.read(child.said_until(banner.END))
        track = _choose(path, child, known, options.audio_track)
        clock_ms = _misread_clock(path, known, track)
        if clock_ms is not None:
            stack.pop_all().close()
            # In samples of the track's own rate, as aresample counts.
            first_sample = clock_ms * track.sample_rate_hz // MS_PER_S
            child = stack.enter_context(running(_command(path, options.audio_track, first_sample)))
            first = child.read(_BLOCK_BYTES)
        yield AudioStream(path, child, track, first, options.max_hours)


def _check_file(path: Path) -> None:
    """Refuse what is no file before ffmpeg sees it: it would wait for ever at a pipe."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UndecodableError(f"{path}: not a regular file", "give a media file, or - for stdin")
        os.close(os.open(path, os.O_RDONLY))
    except FileNotFoundError as error:
        raise NoInputError(f"{path}: no such file") from error
    except OSError as error:
        raise InputOutputError(f"{path}: {error.strerror}", "check its permissions") from error
    if status.st_size == 0:
        raise UndecodableError(f"{path}: the file is empty")


def _command(path: Path, audio_track: int, first_sample: int | None = None) -> list[str]:
    """Return the command that decodes one audio track.

    aresample fills what is missing in front and in between, so that times stay true. `first_sample` is where
    the container's clock starts, in samples of the track, when ffmpeg itself gets it wrong.
    """
    audio = _input(_CODECS)[f"a:{audio_track}"]
    out = audio.output(
        "pipe:1",
        format="s16le",
        ac=1,
        ar=SAMPLE_RATE_HZ,
        af=f"aresample=async=1:first_pts={first_sample or 0}",
        **{"vn": None, "sn": None, "dn": None},
    )
    return _finished(out, path, ["-copyts"] if first_sample is not None else [])


def _input(codecs: str) -> Any:
    return ffmpeg.input(
        _PLACEHOLDER, protocol_whitelist="file,pipe", format_whitelist=_FORMATS, codec_whitelist=codecs
    )


def _finished(out: Any, path: Path, more: list[str]) -> list[str]:
    """Return the whole command, with the file's name in its place.

    With `file:` and an absolute path no name can be taken for a flag, a pattern or an address. The name
    comes in last because ffmpeg-python cannot carry one that is not UTF-8.
    """
    flags = ["-nostdin", "-hide_banner", "-loglevel", "level+info", "-nostats", *more]
    name = f"file:{path.absolute()}"
    arguments = [name if argument == _PLACEHOLDER else argument for argument in ffmpeg.get_args(out)]
    return [str(find_tools().ffmpeg), *flags, *arguments]


def _choose(path: Path, child: Child, known: Banner, wanted: int) -> Track:
    if wanted < len(known.tracks):
        return known.tracks[wanted]
    if not known.tracks:
        child.finish()
        reason = "no audio track in it" if known.formats else _complaint(path, child.said)
        raise UndecodableError(f"{path}: {reason or 'not media that qasr can read'}")
    rows = "; ".join(
        f"{number}: {track.language or 'unknown language'}, {track.codec}, {track.channels} channels"
        for number, track in enumerate(known.tracks)
    )
    raise UsageError(f"{path}: no audio track {wanted}", f"its audio tracks: {rows}")


def _misread_clock(path: Path, known: Banner, track: Track) -> int | None:
    """Return where the container's clock starts if ffmpeg has used another moment as 0, else None."""
    if not known.has_video:
        return None
    if known.formats in _JUMPING_CLOCKS:
        return known.start_ms if track.start_ms != known.start_ms else None
    if known.start_ms == 0:
        return None
    true_start_ms = _look_at_picture(path).start_ms
    return true_start_ms if true_start_ms != known.start_ms else None


def _look_at_picture(path: Path) -> Banner:
    """Return the banner of a file whose picture may be looked at, for its clock alone; decodes nothing."""
    out = _input(f"{_CODECS},{_VIDEO_CODECS}").output("pipe:1", format="null", t=0)
    with running(_finished(out, path, [])) as child:
        return banner.read(child.said_until(banner.END))


def _complaint(path: Path, said: str) -> str:
    """Return ffmpeg's own first error, without its addresses and our path."""
    for line in said.splitlines():
        match = re.search(r"\[(?:error|fatal)\] (.*)", line)
        # Of the other tracks' decoders, which it may not use, it complains too.
        if match and "not on whitelist" not in match[1] and "codec parameters" not in match[1]:
            text = match[1].replace(f"file:{path.absolute()}", "").strip(": ")
            text = text.removeprefix("Error opening input: ")
            return text[:1].lower() + text[1:]
    return ""
