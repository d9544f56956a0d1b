"""WebVTT segments for HLS: RFC 8216, and what players need."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
import webvtt

from qasr_cli.errors import CannotCreateError
from qasr_cli.live.outputs.hls import N_LISTED, PLAYLIST, HlsFolder, HlsSubtitles
from qasr_cli.options import CueOptions
from qasr_cli.speech.streaming.events import Ended, Gap, LiveEvent, Silence, SpeechStarted
from tests.live_events import STARTED, Said, final, session, utterance

T_MS = 2_000
LONG = Said(3_000, " ".join(f"word{number}" for number in range(40)))  # twelve seconds


def folder_at(path: Path, mpegts: int = 0) -> HlsFolder:
    folder = HlsFolder(path, T_MS, mpegts)
    folder.prepare(is_overwrite=False)
    return folder


def output_to(folder: HlsFolder) -> HlsSubtitles:
    return HlsSubtitles(folder, CueOptions())


def numbers(folder: HlsFolder) -> list[int]:
    listed = re.findall(r"^subtitles-(\d+)\.vtt$", playlist(folder), re.MULTILINE)
    return [int(number) for number in listed]


def playlist(folder: HlsFolder) -> str:
    path = folder.path / PLAYLIST
    return path.read_text() if path.exists() else ""


def cues_of(folder: HlsFolder, number: int) -> list[tuple[str, str, str]]:
    found = webvtt.from_string(folder.segment(number).read_text("utf-8"))
    return [(cue.start, cue.end, f"{cue.identifier}: {cue.text}") for cue in found]


def test_a_cue_is_in_every_segment_that_shows_it_with_the_same_times(tmp_path: Path) -> None:
    folder = folder_at(tmp_path)
    output = output_to(folder)
    for event in session():
        output.handle(event)
    places: dict[tuple[str, str, str], list[int]] = {}
    for number in range(10):
        for cue in cues_of(folder, number):
            places.setdefault(cue, []).append(number)
    for (start, end, _), found in places.items():
        expected = range(_ms(start) // T_MS, (_ms(end) - 1) // T_MS + 1)
        assert found == [number for number in expected if number < 10]
    assert any(len(found) > 1 for found in places.values())
    names = [text.partition(":")[0] for _, _, text in sorted(places)]
    assert names == [str(number + 1) for number in range(len(places))]
    assert "Good evening" in " ".join(text for _, _, text in places)


def _ms(clock: str) -> int:
    hours, minutes, seconds = clock.split(":")
    return round((int(hours) * 3_600 + int(minutes) * 60 + float(seconds)) * 1_000)


def test_segments_are_published_in_order_even_without_cues(tmp_path: Path) -> None:
    folder = folder_at(tmp_path)
    output = output_to(folder)
    output.handle(STARTED)
    output.handle(Silence(1_999))
    assert playlist(folder) == ""
    output.handle(Silence(2_499))
    assert playlist(folder) == ""
    output.handle(Silence(2_500))
    assert playlist(folder) == (
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n"
        "#EXT-X-PROGRAM-DATE-TIME:2026-03-01T12:00:00.000Z\n#EXTINF:2.000,\nsubtitles-000000.vtt\n"
    )
    assert folder.segment(0).read_text() == "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n"


def test_the_playlist_slides_and_old_segments_go_later(tmp_path: Path) -> None:
    folder = folder_at(tmp_path)
    output = output_to(folder)
    output.handle(STARTED)
    listed: list[int] = []
    for now_ms in range(1_000, 100_000, 1_000):
        output.handle(Silence(now_ms))
        listed = numbers(folder)
        assert all(folder.segment(number).exists() for number in listed)
        assert listed == list(range(listed[0], listed[-1] + 1)) if listed else True
    assert len(listed) == N_LISTED >= 6
    assert f"#EXT-X-MEDIA-SEQUENCE:{listed[0]}\n" in playlist(folder)
    assert "#EXT-X-ENDLIST" not in playlist(folder)
    last = f"#EXT-X-PROGRAM-DATE-TIME:2026-03-01T12:01:{listed[-1] * 2 - 60:02d}.000Z\n#EXTINF"
    assert last in playlist(folder)
    kept = sorted(tmp_path.glob("subtitles-*.vtt"))
    assert len(kept) == 2 * N_LISTED + 1  # its own length, and that of the list (RFC 8216, 6.2.2)


def test_a_segment_waits_for_the_finals_of_its_utterances(tmp_path: Path) -> None:
    folder = folder_at(tmp_path)
    output = output_to(folder)
    short = Said(1_000, "Four words are short.")
    output.handle(SpeechStarted(0, short.start_ms))
    output.handle(Silence(5_000))
    assert numbers(folder) == []
    output.handle(final(0, short))
    assert numbers(folder) == []  # its last cue may still change
    output.handle(Silence(5_500))
    assert numbers(folder) == [0, 1]
    assert [text for _, _, text in cues_of(folder, 0)] == ["1: Four words are short."]


def test_a_gap_publishes_nothing_before_the_final_of_what_was_said(tmp_path: Path) -> None:
    folder = folder_at(tmp_path)
    output = output_to(folder)
    for event in (STARTED, SpeechStarted(0, 500), Gap(1_500, 3_600_000, "the stream was down")):
        output.handle(event)
    assert playlist(folder) == ""


def test_a_segment_waits_no_longer_than_three_more(tmp_path: Path) -> None:
    folder = folder_at(tmp_path)
    output = output_to(folder)
    *spoken, last = utterance(0, LONG)
    reached: dict[int, int] = {}
    for event in spoken:
        output.handle(event)
        for number in numbers(folder):
            reached.setdefault(number, getattr(event, "end_ms", 0))
    assert reached
    for number, now_ms in reached.items():
        end_ms = (number + 1) * T_MS
        assert number == 0 or end_ms + 3 * T_MS <= now_ms <= end_ms + 3 * T_MS + 500
    first_open = max(reached) + 1
    output.handle(last)
    output.handle(Ended(20_000))
    late = cues_of(folder, first_open)
    assert late[0][0] < f"00:00:{first_open * 2:02d}.000"  # true times, in the first segment that was left
    texts = dict.fromkeys(text.partition(": ")[2] for n in range(10) for _, _, text in cues_of(folder, n))
    whole = " ".join(texts)
    assert whole.split() == LONG.text.split()


def test_the_clock_of_mpegts_starts_anew_after_33_bits(tmp_path: Path) -> None:
    folder = folder_at(tmp_path, mpegts=2**33 - 90_000)
    output = output_to(folder)
    for event in session():
        output.handle(event)
    maps = [folder.segment(number).read_text().splitlines()[1] for number in range(10)]
    assert maps[:2] == [
        "X-TIMESTAMP-MAP=MPEGTS:8589844592,LOCAL:00:00:00.000",
        "X-TIMESTAMP-MAP=MPEGTS:90000,LOCAL:00:00:02.000",
    ]


@pytest.mark.parametrize(("duration_ms", "lengths"), [(7_500, [2, 2, 2, 1.5]), (4_000, [2, 2]), (0, [0.001])])
def test_the_end_publishes_what_is_left(tmp_path: Path, duration_ms: int, lengths: list[float]) -> None:
    folder = folder_at(tmp_path)
    output = output_to(folder)
    events: list[LiveEvent] = [STARTED, *utterance(0, Said(1_000, "One.")), Ended(duration_ms)]
    for event in events:
        output.handle(event)
    found = [float(one) for one in re.findall(r"#EXTINF:([0-9.]+),", playlist(folder))]
    assert found == lengths
    assert playlist(folder).endswith("#EXT-X-ENDLIST\n")


def test_a_folder_with_segments_is_kept_unless_they_may_be_replaced(tmp_path: Path) -> None:
    folder = folder_at(tmp_path / "deep" / "hls")
    output = output_to(folder)
    for event in session():
        output.handle(event)
    with pytest.raises(CannotCreateError, match="segments already"):
        folder.prepare(is_overwrite=False)
    (folder.path / "video.m3u8").write_text("not ours")
    folder.prepare(is_overwrite=True)
    output_to(folder).close()  # no session
    assert playlist(folder).endswith("#EXT-X-ENDLIST\n")
    output_to(folder).handle(STARTED)
    assert [path.name for path in folder.path.iterdir()] == ["video.m3u8"]


def test_a_session_that_breaks_off_ends_its_playlist(tmp_path: Path) -> None:
    folder = folder_at(tmp_path)
    output = output_to(folder)
    for event in [STARTED, *utterance(0, Said(1_000, "One two three four five."))]:
        output.handle(event)
    output.close()
    assert playlist(folder).endswith("subtitles-000001.vtt\n#EXT-X-ENDLIST\n")
    assert [text for _, _, text in cues_of(folder, 1)] == ["1: One two three four five."]


def test_times_in_playlists_only_grow(tmp_path: Path) -> None:
    folder = folder_at(tmp_path)
    output = output_to(folder)
    last: list[list[int]] = [[]]
    for event in session():
        output.handle(event)
        if numbers(folder) != last[-1]:
            last.append(numbers(folder))
    assert all(before[-1:] < after[-1:] for before, after in pairwise(last))
