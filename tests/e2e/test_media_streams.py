"""A broadcast's other streams: programmes that share a track, and subtitles that come before all else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qasr_cli.errors import UsageError
from qasr_cli.media import decode, shots
from qasr_cli.options import MediaOptions
from tests.media_factory import ffmpeg, find_clicks_ms, make_click

CLICK_MS = 500
LATE_MS = 800
SLACK_MS = 40  # a frame of the picture
PACKET_BYTES = 188
FIRST_PROGRAMME = 0x1000  # where ffmpeg writes what is in it
CUT = "color=black:s=64x48:r=25:d=1[a];color=white:s=64x48:r=25:d=1[b];[a][b]concat"


@pytest.fixture(scope="module")
def click(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_click(tmp_path_factory.mktemp("streams") / "click.wav")


def clicks(path: Path, audio_track: int) -> list[int]:
    with decode.open_audio(path, MediaOptions(audio_track=audio_track)) as audio:
        found = find_clicks_ms(np.concatenate(list(audio)))
        assert audio.warnings == ()
        return found


def test_a_track_in_two_programmes_is_one(click: Path, tmp_path: Path) -> None:
    path = tmp_path / "shared.ts"
    programmes = ["-program", "program_num=1:st=0", "-program", "program_num=2:st=0"]
    ffmpeg("-i", click, "-c:a", "mp2", *programmes, path)
    with pytest.raises(UsageError, match="no audio track 1"):
        clicks(path, 1)
    with decode.open_audio(path, MediaOptions()) as audio:
        assert len(audio.probed.tracks) == 1


def without_the_first_packet_of(packet_id: int, path: Path) -> None:
    whole = path.read_bytes()
    packets = [whole[start : start + PACKET_BYTES] for start in range(0, len(whole), PACKET_BYTES)]
    ids = [int.from_bytes(packet[1:3], "big") & 0x1FFF for packet in packets]
    del packets[ids.index(packet_id)]
    path.write_bytes(b"".join(packets))


@pytest.mark.parametrize("is_cut", [False, True])
def test_a_track_is_what_is_said_of_it_in_any_order_of_programmes(
    click: Path, tmp_path: Path, is_cut: bool
) -> None:
    """In a recording cut anywhere ffmpeg may meet, and count, the second programme first."""
    path = tmp_path / "programmes.ts"
    ffmpeg(
        "-i", click, "-itsoffset", 1, "-i", click, "-map", 0, "-map", 1, "-c:a", "mp2",
        "-metadata:s:0", "language=kor", "-metadata:s:1", "language=fra",
        "-program", "program_num=1:st=1", "-program", "program_num=2:st=0", path,
    )  # fmt: skip
    if is_cut:
        without_the_first_packet_of(FIRST_PROGRAMME, path)
    expected = {"kor": CLICK_MS, "fra": 1000 + CLICK_MS}
    for number in range(2):
        with decode.open_audio(path, MediaOptions(audio_track=number)) as audio:
            expected_ms = expected.pop(audio.track.language or "")
            assert find_clicks_ms(np.concatenate(list(audio))) == pytest.approx([expected_ms], abs=SLACK_MS)


@pytest.mark.parametrize("has_picture", [True, False])
def test_the_clock_starts_with_the_subtitles(click: Path, tmp_path: Path, has_picture: bool) -> None:
    """And shots count from there as well."""
    text = tmp_path / "text.srt"
    text.write_text("1\n00:00:00,000 --> 00:00:01,000\nWords\n")
    late = ["-itsoffset", LATE_MS / 1000]
    picture = [*late, "-f", "lavfi", "-i", CUT] if has_picture else []
    path = tmp_path / "air.ts"
    ffmpeg(
        "-i", text, *late, "-i", click, *picture, *(["-map", 2] if has_picture else []), "-map", 1, "-map", 0,
        "-c:v", "mpeg2video", "-c:a", "mp2", "-c:s", "copy", path,
    )  # fmt: skip
    assert clicks(path, 0) == pytest.approx([LATE_MS + CLICK_MS], abs=SLACK_MS)
    if not has_picture:
        return
    with (
        decode.open_audio(path, MediaOptions()) as audio,
        shots.searching(path, audio.probed, 1.0) as search,
    ):
        assert search.is_over(30)
    assert search.shots_ms == pytest.approx([LATE_MS + 1000], abs=SLACK_MS)
    assert search.warnings == ()
