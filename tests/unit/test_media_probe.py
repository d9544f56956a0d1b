"""What is read from ffmpeg's words, new and old; no ffmpeg needed."""

from __future__ import annotations

from fractions import Fraction

import pytest

from qasr_cli.media import probe
from qasr_cli.records import Track, Video

NEW = """\
[mpegts @ 0x55d0c8a0e640] [warning] Could not find codec parameters for stream 0 (Video: h264)
[info] Input #0, mpegts, from 'file:/films/a.ts':
[info]   Duration: 01:02:03.45, start: 1.400000, bitrate: 436 kb/s
[info]   Program 1
[info]   Stream #0:0[0x100]: Video: h264 ([27][0][0][0] / 0x001B), none, start 1.400000
[info]   Stream #0:1[0x101](kor): Audio: mp2 (mp3float) ([3][0][0][0] / 0x0003), 48000 Hz, mono, fltp, \
384 kb/s, start 2.900000
[info]   Stream #0:2[0x102](und): Audio: ac3 ([129][0][0][0] / 0x0081), 44100 Hz, 5.1(side), fltp
[info] Stream mapping:
[info]   Stream #0:1 -> #0:0 (mp2 (mp3float) -> pcm_s16le (native))
[info] Output #0, s16le, to 'pipe:1':
[info]   Stream #0:0: Audio: pcm_s16le, 16000 Hz, mono, s16, 256 kb/s
"""
# 5.1: no start of each stream
OLD = """\
[info] Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'file:/films/a.m4a':
[info]   Metadata:
[info]     title           : Stream #0:5: Audio: nothing
[info]   Duration: 00:00:02.00, start: 0.000000, bitrate: 71 kb/s
[info]   Stream #0:0[0x1](und): Audio: aac (LC) (mp4a / 0x6134706D), 48000 Hz, stereo, fltp, 69 kb/s (default)
[info]   Stream #0:1[0x0]: Video: png, rgb24(pc), 32x32, 90k tbr, 90k tbn (attached pic)
[info] Output #0, s16le, to 'pipe:1':
"""


def test_the_clock_and_the_tracks_are_read() -> None:
    known = probe.read(NEW)
    length_ms = ((1 * 60 + 2) * 60 + 3) * 1000 + 450
    assert (known.formats, known.start_ms, known.has_video) == ("mpegts", 1400, True)
    assert known.tracks == (
        Track(1, "mp2", 1, 48_000, 1500, length_ms, "kor"),
        Track(2, "ac3", 6, 44_100, 0, length_ms, None),
    )
    assert known.track_starts_ms == (2900, 0)
    assert known.video == Video(None)


def test_older_words_are_read_too_and_a_cover_is_no_film() -> None:
    known = probe.read(OLD)
    assert not known.has_video
    assert known.video is None
    assert known.tracks == (Track(0, "aac", 2, 48_000, 0, 2000, None),)


@pytest.mark.parametrize(
    "said", ["", "[error] file:/x: Invalid data found when processing input\n", "\0\n[info]"]
)
def test_what_is_no_media_has_no_tracks(said: str) -> None:
    assert probe.read(said) == probe.Probe("", 0, False, (), ())


def test_a_live_recording_has_no_length() -> None:
    (track,) = probe.read(
        "[info] Input #0, flv, from 'file:/a':\n[info]   Duration: N/A, start: 0.000000, bitrate: N/A\n"
        "[info]   Stream #0:0: Audio: aac (LC), 44100 Hz, mono, fltp\n"
    ).tracks
    assert track.duration_ms is None


@pytest.mark.parametrize(
    ("rates", "exact"),
    [
        ("23.98 fps, 23.98 tbr, 24k tbn", Fraction(24_000, 1_001)),
        ("29.97 fps, 29.97 tbr, 1k tbn", Fraction(30_000, 1_001)),
        ("59.94 fps, 59.94 tbr, 90k tbn, 119.88 tbc", Fraction(60_000, 1_001)),
        ("25 fps, 25 tbr, 12800 tbn (default)", Fraction(25)),
        ("12.50 fps, 12.50 tbr, 1k tbn", Fraction(25, 2)),
        ("25 fps, 50 tbr, 90k tbn", Fraction(25)),  # interlaced
        ("5 fps, 10 tbr, 1k tbn", Fraction(5)),  # Matroska, its picture not looked into
        ("25.94 fps, 30 tbr, 15360 tbn", None),  # a telephone's, which leaves frames out
        ("23.98 fps, 29.97 tbr, 90k tbn", None),  # a film among broadcast
        ("15 fps, 1k tbr, 1k tbn", None),
        ("14.99 fps, 14.99 tbr, 1k tbn", None),  # 15000/1001, but two digits do not say so
        ("0.50 fps, 0.50 tbr, 1k tbn", None),
        ("90k tbr, 90k tbn", None),
        ("1k fps, 1k tbr, 1k tbn", None),
    ],
)
def test_a_rate_is_exact_or_unknown(rates: str, exact: Fraction | None) -> None:
    known = probe.read(
        "[info] Input #0, mov, from 'x':\n"
        "[info]   Stream #0:0: Video: mjpeg, yuvj420p, 32x32, 25 fps, 25 tbr, 90k tbn (attached pic)\n"
        f"[info]   Stream #0:1(und): Video: h264 (High), yuv420p, 640x360, 70 kb/s, {rates}\n"
    )
    assert known.video == Video(exact)


@pytest.mark.parametrize(
    ("layout", "n_channels"),
    [
        ("mono", 1),
        ("stereo", 2),
        ("2.1", 3),
        ("5.1(side)", 6),
        ("7.1.4", 12),
        ("22.2", 24),
        ("quad(side)", 4),
        ("hexagonal", 6),
        ("3 channels", 3),
        ("3 channels (FL+FR+LFE)", 3),
        ("ambisonic 1", 4),
        ("0 channels", 0),
        ("something new", 0),
    ],
)
def test_channels_are_counted_in_every_layout(layout: str, n_channels: int) -> None:
    said = f"[info] Input #0, wav, from 'x':\n[info]   Stream #0:0: Audio: flac, 48000 Hz, {layout}, s16\n"
    assert probe.read(said).tracks[0].channels == n_channels


def test_only_lines_that_matter_are_kept() -> None:
    kept = [line for line in (NEW + OLD).splitlines() if probe.STDERR_FILTER.keep.search(line.encode())]
    assert probe.read("\n".join(kept)) == probe.read(NEW)
    assert not any("title" in line or "Program" in line or "mapping" in line for line in kept)
    assert not probe.STDERR_FILTER.keep.search(b"[info]     title           : [error] boo")


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ("[info] Input #0, wav, from 'x':\n", ""),
        ("[mov,mp4 @ 0x55] [error] moov atom not found\n[error] x: Invalid data\n", "moov atom not found"),
        ("[in#0 @ 0x5] [error] Error opening input: Invalid argument\n", "Invalid argument"),
        ("[aist#0:0/aac @ 0x5] [dec:aac @ 0x6] [error] Error submitting packet\n", "Error submitting packet"),
        ("[info]   title : [error] boo\n", ""),
        # of the picture, which is not looked at
        ("[h264 @ 0x55] [error] non-existing PPS 0 referenced\n", ""),
        ("[h264 @ 0x5e] [error] Codec (h264) not on whitelist 'aac'\n", ""),
        ("[null @ 0x5e] [error] Application provided invalid, non monotonically increasing dts\n", ""),
        (
            "[h264 @ 0x55] [error] no frame!\n[aac @ 0x55] [error] Input buffer exhausted\n",
            "Input buffer exhausted",
        ),
    ],
)
def test_the_first_complaint_about_the_sound_is_found(said: str, complaint: str) -> None:
    assert probe.first_complaint(said) == complaint


SHARED = """\
[info] Input #0, mpegts, from 'file:/films/a.ts':
[info]   Duration: 00:00:05.02, start: 1.400000, bitrate: 282 kb/s
[info]   Program 1
[info]   Stream #0:2[0x102](fra): Audio: ac3 ([129][0][0][0] / 0x0081), 48000 Hz, mono, fltp, start 1.400000
[info]   Stream #0:3[0x103]: Data: bin_data ([6][0][0][0] / 0x0006), start 1.400000
[info]   Program 2
[info]   Stream #0:1[0x101](eng): Audio: ac3 ([129][0][0][0] / 0x0081), 48000 Hz, stereo, fltp, start 1.500000
[info]   Stream #0:2[0x102](fra): Audio: ac3 ([129][0][0][0] / 0x0081), 48000 Hz, mono, fltp, start 1.400000
"""


def test_tracks_are_counted_as_ffmpeg_maps_them_and_not_as_it_lists_them() -> None:
    known = probe.read(SHARED)
    assert [(track.stream_index, track.language) for track in known.tracks] == [(1, "eng"), (2, "fra")]
    assert known.track_starts_ms == (1500, 1400)
    assert known.n_streams == 3


@pytest.mark.parametrize(
    ("guessed", "layout", "n_unmapped"),
    [
        ("[aist#0:0/pcm_s16le @ 0x5648296c4e00] [warning] Guessed Channel Layout: 5.1", "5.1", 6),
        ("[warning] Guessed Channel Layout for Input Stream #0.0 : 2.1", "2.1", 3),
        ("[warning] Guessed Channel Layout for Input Stream #0.1 : 2.1", "2.1", 0),
        ("[aist#0:0/pcm_s16le @ 0x5648296c4e00] [warning] Guessed Channel Layout: stereo", "stereo", 0),
        ("", "9 channels", 9),
        ("", "3 channels (FL+FR+LFE)", 0),
        ("", "5.1", 0),
    ],
)
def test_channels_without_a_place_are_known(guessed: str, layout: str, n_unmapped: int) -> None:
    stream = f"[info]   Stream #0:0: Audio: pcm_s16le, 48000 Hz, {layout}, s16\n"
    said = f"{guessed}\n[info] Input #0, wav, from 'x':\n{stream}"
    assert probe.STDERR_FILTER.keep.search(guessed.encode()) or not guessed
    assert probe.read(said).n_unmapped == (n_unmapped,)


STATISTICS = """[graph_-1_in_0:0 @ 0x7f0] [verbose] tb:1/44100 samplefmt:fltp samplerate:44100 chlayout:stereo
[info] Output #0, s16le, to 'pipe:1':
[in#0/matroska,webm @ 0x5] [verbose]   Input stream #0:0 (video): 9 packets read (9 bytes); \
9 frames decoded; 0 decode errors;
[in#0/matroska,webm @ 0x5] [verbose]   Input stream #0:1 (audio): 6 packets read (8 bytes); \
6 frames decoded; 0 decode errors (88200 samples);
"""
STATISTICS_OF_5 = """[graph_0_in_0_1 @ 0x5] [verbose] tb:1/44100 samplefmt:fltp samplerate:44100 chlayout:mono
[verbose]   Input stream #0:1 (audio): 652 packets read (86519 bytes); \
652 frames decoded (88200 samples);
"""


@pytest.mark.parametrize("stderr", [STATISTICS, STATISTICS_OF_5])
def test_the_length_of_the_samples_is_read_from_what_ffmpeg_says_at_its_end(stderr: str) -> None:
    assert probe.decoded_ms(stderr, 1) == 2000
    assert probe.decoded_ms(stderr, 0) is None
    kept = [line for line in stderr.splitlines() if probe.STDERR_FILTER.keep.search(line.encode())]
    assert probe.decoded_ms("\n".join(kept), 1) == 2000


def test_a_length_that_ffmpeg_guesses_is_no_promise() -> None:
    sure = (
        "[info] Input #0, mp3, from 'a':\n[info]   Duration: 00:00:06.00, start: 0.0\n"
        "[info]   Stream #0:0: Audio: mp3, 44100 Hz, stereo\n[info] Output #0, s16le\n"
    )
    assert probe.read(sure).is_duration_promised
    guess = "[mp3 @ 0x1] [warning] Estimating duration from bitrate, this may be inaccurate\n"
    assert not probe.read(guess + sure).is_duration_promised
    assert not probe.read(sure.replace("mp3, from", "mpegts, from")).is_duration_promised


def test_an_error_in_the_headers_is_one_of_a_tag_if_all_sound_is_there() -> None:
    text = "[mp3 @ 0x1] [error] Incorrect BOM value: 0x1234\n[info] Output #0, s16le\n"
    assert probe.first_complaint(text).startswith("Incorrect")
    assert probe.first_complaint(text, is_whole=True) == ""
    assert (
        probe.first_complaint(f"{text}[mp3float @ 0x2] [error] Header missing\n", is_whole=True)
        == "Header missing"
    )
