"""Targets that are media: whole files, their headers alone, and what ffmpeg prints about them."""

from __future__ import annotations

import atexit
import contextlib
import functools
import tempfile
from collections.abc import Sequence
from pathlib import Path

from qasr_cli.media import (
    byte_window,
    decode,
    encryption,
    flac_server,
    probe,
    promises,
    recordings,
    signatures,
)
from qasr_cli.media.plain_stream import PlainStream
from qasr_cli.options import MediaOptions
from tests.fuzz.target import Target, require
from tests.media_factory import ffmpeg

_NAMES = (
    *("a.wav", "a.mp3", "a.flac", "a.ogg", "a.m4a", "a.mkv", "a.webm", "a.avi", "a.ts", "a.wma", "a.aiff"),
    *("a.caf", "a.w64", "a.aac", "a.flv", "a.tta", "a.wv", "a.mp4"),
)
_TAGS = ("-metadata", "title=Duration: 00:00:09.00", "-metadata", "artist=a\nb")


def _seeds(tmp: Path) -> Sequence[bytes]:
    return _made()


@functools.cache  # two targets, and each round of a campaign, begin with the same files
def _made() -> Sequence[bytes]:
    with tempfile.TemporaryDirectory() as name:
        return _media_in(Path(name))


def _media_in(tmp: Path) -> Sequence[bytes]:
    found = []
    for name in _NAMES:
        picture = ("-f", "lavfi", "-i", "testsrc=s=32x32:r=5:d=0.4") if name == "a.mp4" else ()
        rate_hz = 22_050 if name == "a.flv" else 16_000
        ffmpeg("-f", "lavfi", "-i", f"sine=d=0.4:r={rate_hz}", *picture, *_TAGS, "-shortest", tmp / name)
        found.append((tmp / name).read_bytes())
    joined = [one + one for one in found]
    return [*found, *(one for one in joined if len(one) < 20_000)]


_SERVING = contextlib.ExitStack()
atexit.register(_SERVING.close)


def _decode(path: Path) -> None:
    if flac_server.active() is None:  # one child for all inputs of this process
        _SERVING.enter_context(flac_server.serving(1_000))
    with decode.open_audio(path, MediaOptions(max_hours=0.1)) as audio:
        n_samples = sum(map(len, audio))
        for warning in audio.warnings:
            warning.encode()
    if not isinstance(audio, PlainStream):
        return
    with decode.open_with_ffmpeg(path, MediaOptions(max_hours=0.1)) as other:
        require(sum(map(len, other)) == n_samples, "not as many samples as ffmpeg's")
        require((audio.track, audio.warnings) == (other.track, other.warnings), "not what ffmpeg says of it")


def _headers(path: Path) -> None:
    """Read what tells where sound is and how much of it; that needs no ffmpeg."""
    found = recordings.find(path)
    end = 0
    for extent in found.extents:
        require(end <= extent.start <= extent.end <= path.stat().st_size, "an extent outside the file")
        end = extent.end
    require(bool(found.extents) and found.n_unread >= 0, "no recording")
    for one in found.extents[:3]:
        with byte_window.opened(path, one) as window:
            head = window.read(0, signatures.HEAD_BYTES)
            for track in (0, 1):
                promises.read(window, track).missing_of(400, 500)
                encryption.protection(window, track)
            if encryption.may_be_scrambled(head[:16]):
                encryption.protection_of_undecodable(window)
            signatures.is_media(head), signatures.is_known_other(head), signatures.is_text(head)


_SAID = """\
[mpegts @ 0x55d0c8a0e640] [warning] Could not find codec parameters for stream 0 (Video: h264)
[info] Input #0, mpegts, from 'file:/films/a.ts':
[info]   Duration: 01:02:03.45, start: 1.400000, bitrate: 436 kb/s
[info]   Program 1
[info]   Stream #0:0[0x100]: Video: h264 ([27][0][0][0] / 0x001B), yuv420p, 25 fps, 25 tbr, start 1.400000
[info]   Stream #0:1[0x101](kor): Audio: mp2 (mp3float) ([3][0][0][0] / 0x0003), 48000 Hz, mono, fltp, \
384 kb/s, start 2.900000
[info]   Stream #0:2[0x102](und): Audio: ac3 ([129][0][0][0] / 0x0081), 44100 Hz, 5.1(side), fltp
[info]   Stream #0:3: Subtitle: dvb_subtitle (forced)
[aist#0:1/pcm @ 0x0] [warning] Guessed Channel Layout: 3 channels
[mp3 @ 0x0] [warning] Estimating duration from bitrate, this may be inaccurate
[aac @ 0x0] [error] Invalid data found when processing input
[info] Output #0, s16le, to 'pipe:1':
[graph_0_in_0_1 @ 0x0] [verbose] tb:1/48000 samplefmt:fltp samplerate:48000 chlayout:mono
[in#0 @ 0x0] [verbose]   Input stream #0:1 (audio): 9 packets read (9 bytes); 9 frames decoded (9216 samples)
"""


def _said(path: Path) -> None:
    text = path.read_bytes().decode("utf-8", "replace")
    for line in path.read_bytes().splitlines():
        probe.STDERR_FILTER.keep.search(line)
    known = probe.read(text)
    for track in known.tracks:
        probe.decoded_ms(text, track.stream_index)
    for is_whole in (True, False):
        probe.first_complaint(text, is_whole=is_whole, is_of_picture=not is_whole)
    probe.may_be_of_disk(text), probe.was_interrupted(text), probe.has_changed(text)


MEDIA_TARGETS = (
    Target("headers", _NAMES[:1], _seeds, _headers, 3),
    Target("probe", ("a.txt",), lambda _: (_SAID.encode(),), _said, 1),
    Target("media", _NAMES, _seeds, _decode, 2),
)
