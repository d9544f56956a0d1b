"""Sound whose channels or rate change on the way: broadcasts between programmes, spliced podcasts.

ffmpeg starts its filters anew at each change. Each medium has clicks at moments that are known by
construction.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from qasr_cli.errors import InputOutputError, NoInputError, UndecodableError
from qasr_cli.media import decode, process
from qasr_cli.media.decode import AudioStream
from qasr_cli.options import MediaOptions
from tests.media_factory import ffmpeg, find_clicks_ms, make_click, make_film, make_silence

CLICK_MS = 500
SLACK_MS = 50  # two encoders' delays
PIECE_MS = 2000


@pytest.fixture(scope="module")
def click(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_click(tmp_path_factory.mktemp("changing") / "click.wav")


def joined(path: Path, *parts: Path) -> Path:
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def pieces(folder: Path, click: Path, suffix: str, *more: list[object]) -> list[Path]:
    made = [folder / f"{number}{suffix}" for number in range(len(more))]
    for path, options in zip(made, more, strict=True):
        ffmpeg("-i", click, *options, path)
    return made


@pytest.fixture(scope="module")
def long(click: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("long")
    silence = make_silence(folder / "silence.wav", 600)
    start, rest = folder / "start.ts", folder / "rest.ts"
    ffmpeg("-i", click, "-ac", 2, "-c:a", "mp2", "-output_ts_offset", 1, start)
    ffmpeg("-i", silence, "-ac", 1, "-ar", 48_000, "-c:a", "mp2", "-output_ts_offset", 3, rest)
    return joined(folder / "long.ts", start, rest)


def heard(path: Path) -> np.ndarray:
    with decode.open_audio(path, MediaOptions()) as audio:
        samples = np.concatenate(list(audio))
        assert audio.warnings == ()
        return samples


def broadcast(folder: Path, click: Path, *starts_s: int) -> Path:
    """Write a recording in which pieces of stereo, 5.1 and mono take turns."""
    layouts = [2, 6, 1]
    options = [
        ["-ac", layouts[number % 3], "-c:a", "ac3", "-output_ts_offset", start_s]
        for number, start_s in enumerate(starts_s)
    ]
    return joined(folder / "broadcast.ts", *pieces(folder, click, ".ts", *options))


@pytest.mark.parametrize(
    ("suffix", "changes"),
    [
        (".aac", [["-ac", 2], ["-ac", 1], ["-ac", 2]]),
        (".aac", [["-ar", 48_000], ["-ar", 24_000], ["-ar", 44_100]]),
        (".mp3", [["-ac", 2, "-write_xing", 0], ["-ac", 1, "-write_xing", 0]]),
        (".mp3", [["-ar", 44_100, "-write_xing", 0], ["-ar", 22_050, "-write_xing", 0]]),
        (".ac3", [["-ac", 2], ["-ac", 6], ["-ac", 1]]),
    ],
)
def test_spliced_sound_goes_on_where_it_was(
    click: Path, tmp_path: Path, suffix: str, changes: list[list[object]]
) -> None:
    if suffix == ".mp3":  # a tag in the middle would be damage of its own
        changes = [[*options, "-id3v2_version", 0] for options in changes]
    samples = heard(joined(tmp_path / f"all{suffix}", *pieces(tmp_path, click, suffix, *changes)))
    n_pieces = len(changes)
    expected = [CLICK_MS + number * PIECE_MS for number in range(n_pieces)]
    assert find_clicks_ms(samples) == pytest.approx(expected, abs=SLACK_MS * n_pieces)
    assert len(samples) / 16 == pytest.approx(n_pieces * PIECE_MS, abs=SLACK_MS * n_pieces)


@pytest.mark.parametrize("starts_s", [(1, 3, 5), (1, 6), (1, 6, 11, 13)])
def test_a_gap_at_a_change_stays_a_gap(click: Path, tmp_path: Path, starts_s: tuple[int, ...]) -> None:
    samples = heard(broadcast(tmp_path, click, *starts_s))
    expected = [1000 * (start_s - 1) + CLICK_MS for start_s in starts_s]
    assert find_clicks_ms(samples) == pytest.approx(expected, abs=SLACK_MS)
    assert len(samples) / 16 == pytest.approx(1000 * (starts_s[-1] - 1) + PIECE_MS, abs=SLACK_MS)


def test_late_sound_that_changes_stays_late(click: Path, tmp_path: Path) -> None:
    """Under a picture: the container's clock is read otherwise there."""
    parts = [
        make_film(
            tmp_path / f"{n_channels}.ts", click, "-c:v", "mpeg2video", "-c:a", "ac3",
            "-ac", n_channels, "-output_ts_offset", start_s, late_s=0.3,
        )
        for n_channels, start_s in [(2, 10), (6, 13)]
    ]  # fmt: skip
    samples = heard(joined(tmp_path / "film.ts", *parts))
    assert find_clicks_ms(samples) == pytest.approx([800, 3800], abs=SLACK_MS)


def test_a_change_before_anything_was_heard(click: Path, tmp_path: Path) -> None:
    stereo, mono = pieces(tmp_path, click, ".ac3", ["-ac", 2, "-t", 0.032], ["-ac", 1])
    samples = heard(joined(tmp_path / "all.ac3", stereo, mono))
    assert find_clicks_ms(samples) == pytest.approx([CLICK_MS + 32], abs=SLACK_MS)


def test_damage_in_sound_that_changes_is_said(click: Path, tmp_path: Path) -> None:
    path = broadcast(tmp_path, click, 1, 3)
    whole = path.read_bytes()
    middle = len(whole) * 3 // 4 // 188 * 188
    path.write_bytes(whole[:middle] + os.urandom(188 * 40) + whole[middle + 188 * 60 :])
    with decode.open_audio(path, MediaOptions()) as audio:
        assert len(find_clicks_ms(np.concatenate(list(audio)))) == 2
    assert all("damaged media" in warning for warning in audio.warnings)


def test_more_hours_than_allowed_are_refused_behind_a_change(click: Path, tmp_path: Path) -> None:
    path = broadcast(tmp_path, click, 1, 10)
    with (
        pytest.raises(UndecodableError, match="decodes to over"),
        decode.open_audio(path, MediaOptions(max_hours=5 / 3600)) as audio,
    ):
        list(audio)


def test_a_file_that_is_gone_at_the_change_is_not_whole(click: Path, tmp_path: Path) -> None:
    """From there on it is read anew."""
    path = broadcast(tmp_path, click, 1, 3)
    with decode.open_audio(path, MediaOptions()) as audio:
        path.unlink()
        with pytest.raises(NoInputError):
            list(audio)


class TestOfTwoProcesses:
    """From where the sound changes two ffmpegs stand in a row."""

    @pytest.fixture
    def behind_the_change(self, long: Path) -> Iterator[tuple[AudioStream, Iterator[np.ndarray]]]:
        """Return what is being read, with a lot more to come."""
        with decode.open_with_ffmpeg(long, MediaOptions()) as audio:
            blocks = iter(audio)
            while audio._child.source is None:
                next(blocks)
            yield audio, blocks

    @pytest.mark.parametrize("is_first", [True, False])
    @pytest.mark.parametrize(
        ("number", "reason"), [(signal.SIGKILL, r"killed \(SIGKILL\)"), (signal.SIGTERM, "interrupted")]
    )
    def test_one_that_somebody_ends_is_not_all(
        self,
        behind_the_change: tuple[AudioStream, Iterator[np.ndarray]],
        is_first: bool,
        number: int,
        reason: str,
    ) -> None:
        audio, blocks = behind_the_change
        assert audio._child.source
        os.kill((audio._child.source if is_first else audio._child).process.pid, number)
        with pytest.raises(InputOutputError, match=reason):
            list(blocks)

    def test_a_crash_keeps_what_there_is(
        self, behind_the_change: tuple[AudioStream, Iterator[np.ndarray]]
    ) -> None:
        audio, blocks = behind_the_change
        assert audio._child.source
        os.kill(audio._child.source.process.pid, signal.SIGSEGV)
        list(blocks)
        assert "ffmpeg crashed (SIGSEGV)" in audio.warnings[0]

    @pytest.fixture
    def short_silence(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Call a decoder stuck after two seconds; set before one starts, since its watchdog sleeps on."""
        monkeypatch.setattr(process, "_SILENCE_S", 2.0)

    @pytest.mark.parametrize("is_first", [True, False])
    def test_a_stuck_one_stops_both(
        self,
        short_silence: None,
        behind_the_change: tuple[AudioStream, Iterator[np.ndarray]],
        is_first: bool,
    ) -> None:
        audio, blocks = behind_the_change
        assert audio._child.source
        os.kill((audio._child.source if is_first else audio._child).process.pid, signal.SIGSTOP)
        began = time.monotonic()
        with pytest.raises(UndecodableError, match="ffmpeg got stuck"):
            list(blocks)
        assert time.monotonic() - began < 10

    def test_leaving_early_leaves_no_process(self, long: Path) -> None:
        with decode.open_with_ffmpeg(long, MediaOptions()) as audio:
            for _ in audio:
                if audio._child.source:
                    break
            assert audio._child.source
            pids = [audio._child.process.pid, audio._child.source.process.pid]
        for pid in pids:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)
