"""Our segments in hls.js: every cue at its time on the video's clock, in a recording and live."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.live_page.conftest import HLS_JS, published, sending

_MASTER = """#EXTM3U
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subs",NAME="English",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,\
CHARACTERISTICS="public.accessibility.transcribes-spoken-dialog",URI="subtitles.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=300000,CODECS="avc1.42c01e",SUBTITLES="subs"
video.m3u8
"""
_PAGE = """<!doctype html><video muted></video><script src="hls.js"></script><script>
  window.wrong = [];
  const hls = new Hls({ renderTextTracksNatively: true });
  hls.on(Hls.Events.ERROR, (_, data) => window.wrong.push(`${data.type} ${data.details} ${data.fatal}`));
  hls.on(Hls.Events.SUBTITLE_TRACKS_UPDATED, () => { hls.subtitleDisplay = true; hls.subtitleTrack = 0; });
  hls.loadSource("master.m3u8");
  hls.attachMedia(document.querySelector("video"));
  window.hls = hls;
</script>"""
_CUES = """() => [...document.querySelector("video").textTracks[0]?.cues ?? []].map(
  (cue) => [cue.startTime, cue.endTime, cue.getCueAsHTML().textContent])"""
_ACTIVE = """() => {
  const video = document.querySelector("video");
  const texts = [...video.textTracks[0]?.activeCues ?? []].map((one) => one.getCueAsHTML().textContent);
  return [video.currentTime, texts];
}"""
_STAMP = re.compile(r"(\d\d):(\d\d):(\d\d)[.](\d{3}) --> (\d\d):(\d\d):(\d\d)[.](\d{3})\n((?:.+\n)+)")
T_S = 2


def video_arguments(folder: Path, seconds: int, *more: str) -> list[str]:
    """Return the arguments for a picture of some length as HLS in segments of two seconds."""
    return [
        *("-f", "lavfi", "-i", f"testsrc=size=320x180:rate=25:duration={seconds}"),
        *("-c:v", "libx264", "-profile:v", "baseline", "-pix_fmt", "yuv420p", "-preset", "ultrafast"),
        *("-g", "50", "-sc_threshold", "0", *more, "-f", "hls", "-hls_time", str(T_S)),
        *("-hls_segment_filename", str(folder / "video-%03d.ts")),
    ]


def first_pts(ffmpeg: str, segment: Path) -> int:
    """Return the first PTS of a segment, in ticks of 1/90,000 s."""
    command = [ffmpeg, "-v", "error", "-copyts", "-i", str(segment), "-c", "copy", "-f", "framecrc", "-"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    times = [line.split(",") for line in shown.splitlines() if not line.startswith("#")]
    assert "#tb 0: 1/90000" in shown
    return min(int(one[2]) for one in times) % 2**33


def own_cues(path: Path) -> list[tuple[float, float, str]]:
    """Return the cues of a WebVTT file that grew beside the segments, without the times of words."""
    found = []
    for match in _STAMP.finditer(path.read_text("utf-8")):
        numbers = [int(group) for group in match.groups()[:8]]
        start_s, end_s = (
            hours * 3_600 + minutes * 60 + seconds + millis / 1_000
            for hours, minutes, seconds, millis in (numbers[:4], numbers[4:])
        )
        found.append((start_s, end_s, re.sub(r"<[^>]*>", "", match[9]).rstrip("\n")))
    return found


def open_player(page: Page, folder: Path, address: str) -> None:
    (folder / "master.m3u8").write_text(_MASTER)
    (folder / "index.html").write_text(_PAGE)
    shutil.copy(HLS_JS, folder / "hls.js")
    page.goto(f"{address}/index.html")


def cues_in(page: Page) -> list[tuple[float, float, str]]:
    return [(start_s, end_s, text) for start_s, end_s, text in page.evaluate(_CUES)]


def wait_for_cues(page: Page, n_cues: int) -> list[tuple[float, float, str]]:
    until_s = time.monotonic() + 60
    while len(cues := cues_in(page)) < n_cues:
        assert time.monotonic() < until_s, (cues, page.evaluate("window.wrong"))
        page.wait_for_timeout(200)
    return cues


@pytest.mark.parametrize("offset_s", [0, 95_400, 95_430])
def test_a_recorded_session_has_each_cue_once_at_its_time(
    page: Page, tmp_path: Path, ffmpeg: str, offset_s: int
) -> None:
    # The clock of MPEG-TS starts anew at 95,443.7 s: soon after the talk, or in it.
    shift = ("-output_ts_offset", str(offset_s))
    video = video_arguments(tmp_path, 20, *shift)
    playlist = ("-hls_list_size", "0", str(tmp_path / "video.m3u8"))
    subprocess.run([ffmpeg, "-v", "error", *video, *playlist], check=True)
    pts = first_pts(ffmpeg, tmp_path / "video-000.ts")
    assert pts == (offset_s * 90_000 + 126_000) % 2**33  # the muxer's own 1.4 s
    with sending(tmp_path, hls=".", hls_segment_ms=T_S * 1_000, hls_mpegts=pts, write=["own.vtt"]) as process:
        process.wait(60)
    with published(tmp_path) as address:
        open_player(page, tmp_path, address)
        expected = own_cues(tmp_path / "own.vtt")
        page.evaluate("document.querySelector('video').play()")
        wait_for_cues(page, len(expected))
        page.wait_for_timeout(1_000)  # for cues that come twice
        found = cues_in(page)
        assert [text for _, _, text in found] == [text for _, _, text in expected]
        for one, other in zip(found, expected, strict=True):
            assert one[:2] == pytest.approx(other[:2], abs=0.05)
        assert page.evaluate("window.wrong") == []


def test_a_live_session_shows_each_cue_while_it_is_spoken(page: Page, tmp_path: Path, ffmpeg: str) -> None:
    video = video_arguments(tmp_path, 40)
    live = ("-hls_list_size", "6", "-hls_flags", "delete_segments", str(tmp_path / "video.m3u8"))
    with (
        sending(
            tmp_path, hls=".", hls_segment_ms=T_S * 1_000, hls_mpegts=126_000, write=["own.vtt"], n_talks=2,
            is_real_time=True,
        ),
        subprocess.Popen([ffmpeg, "-v", "error", "-nostdin", "-re", *video, *live]) as encoder,
    ):  # fmt: skip
        until_s = time.monotonic() + 30
        while not ((tmp_path / "subtitles.m3u8").exists() and (tmp_path / "video.m3u8").exists()):
            assert time.monotonic() < until_s
            time.sleep(0.1)
        with published(tmp_path) as address:
            open_player(page, tmp_path, address)
            page.evaluate("document.querySelector('video').play()")
            shown: dict[str, float] = {}
            until_s = time.monotonic() + 34
            while time.monotonic() < until_s:
                at_s, texts = page.evaluate(_ACTIVE)
                for text in texts:
                    shown.setdefault(text, at_s)
                page.wait_for_timeout(50)
            found = cues_in(page)
            wrong = [one for one in page.evaluate("window.wrong") if one.endswith("true")]
        encoder.terminate()
    assert wrong == []
    expected = own_cues(tmp_path / "own.vtt")
    # The player's clock begins with its first segment; what counts is what is seen beside the picture.
    shifts = {round(one[0] - other[0], 2) for one in found for other in expected if one[2] == other[2]}
    assert len(found) >= 6
    assert min(abs(shift) for shift in shifts) <= 0.1
    assert len(shown) >= 4
    starts = {text: start_s for start_s, _, text in found}
    for text, at_s in shown.items():
        assert at_s - starts[text] < 2.5 or at_s == min(shown.values())
