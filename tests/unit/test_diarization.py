"""Words to speakers: stretches, windows, smoothing, numbers and segments; channels as one talk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qasr_cli.options import SpeakerCount
from qasr_cli.records import Segment, Waveform, Word
from qasr_cli.speech.diarization import channel_turns, labels, stretches
from qasr_cli.speech.diarization.diarize import diarize
from tests.voices import ByLoudness


def spoken(*times: tuple[int, int], lead: str = " ") -> tuple[Word, ...]:
    """Return words w0, w1, … at these times."""
    return tuple(
        Word(lead if number else "", f"w{number}", start_ms, end_ms)
        for number, (start_ms, end_ms) in enumerate(times)
    )


def segment(words: tuple[Word, ...], **more: object) -> Segment:
    text = "".join(word.lead + word.text for word in words)
    start_ms, end_ms = words[0].start_ms - 50, words[-1].end_ms + 50
    return Segment(start_ms, end_ms, "en", text, words, **more)  # type: ignore[arg-type]


class TestStretches:
    def test_a_pause_of_half_a_second_ends_one(self) -> None:
        words = spoken((1_000, 1_400), (1_800, 2_000), (2_500, 2_900))
        found = stretches.find(words, 60_000)
        assert [stretch.words for stretch in found] == [(0, 2), (2, 3)]
        assert (found[0].start_ms, found[0].end_ms) == (900, 2_100)

    def test_none_is_longer_than_ten_seconds_and_cuts_are_at_pauses(self) -> None:
        words = spoken(*((at, at + 300) for at in range(0, 30_000, 310)))
        words = (*words[:40], *(Word(" ", "x", w.start_ms + 200, w.end_ms + 200) for w in words[40:]))
        found = stretches.find(words, 60_000)
        assert all(stretch.end_ms - stretch.start_ms <= 10_200 for stretch in found)
        assert [first for first, _ in (stretch.words for stretch in found)].count(40) == 1
        assert [stretch.words[0] for stretch in found[1:]] == [stretch.words[1] for stretch in found[:-1]]

    def test_words_at_the_end_of_the_recording_have_audio(self) -> None:
        (stretch,) = stretches.find(spoken((4_990, 5_400)), 5_000)
        assert 0 <= stretch.start_ms < stretch.end_ms <= 5_000

    def test_windows_cover_a_stretch(self) -> None:
        words = spoken((100, 2_000), (2_000, 5_000))
        (stretch,) = stretches.find(words, 60_000)
        windows = stretches.voice_windows(stretch)
        assert (windows[:, 1] - windows[:, 0] == 1_500).all()
        assert windows[0, 0] == 0
        assert windows[-1, 1] == stretch.end_ms - stretch.start_ms
        assert np.diff(windows[:, 0]).max() <= 750
        assert (np.diff(stretches.word_windows(stretch, words), axis=1) == 1_000).all()

    def test_a_short_word_has_a_window_and_makes_no_cluster(self) -> None:
        words = spoken((1_000, 1_200))
        (stretch,) = stretches.find(words, 60_000)
        assert len(stretches.voice_windows(stretch)) == 0
        assert stretches.word_windows(stretch, words).tolist() == [[0, 400]]


class TestSmoothing:
    def test_one_doubtful_word_is_no_turn(self) -> None:
        words = spoken(*((at, at + 300) for at in range(0, 3_000, 300)))
        similarity = np.array([[0.6, 0.2]] * 5 + [[0.4, 0.45]] + [[0.6, 0.2]] * 4)
        assert labels.smoothed(similarity, words) == [0] * 10

    def test_a_clear_turn_is_one(self) -> None:
        words = spoken(*((at, at + 300) for at in range(0, 3_000, 300)))
        similarity = np.array([[0.6, 0.2]] * 5 + [[0.2, 0.6]] * 5)
        assert labels.smoothed(similarity, words) == [0] * 5 + [1] * 5

    def test_one_word_between_pauses_may_be_a_turn(self) -> None:
        words = spoken((0, 300), (600, 900), (1_200, 1_500))
        similarity = np.array([[0.6, 0.2], [0.3, 0.55], [0.6, 0.2]])
        assert labels.smoothed(similarity, words) == [0, 1, 0]
        close = spoken((0, 300), (300, 600), (600, 900))
        assert labels.smoothed(similarity, close) == [0, 0, 0]

    def test_numbers_follow_the_first_words(self) -> None:
        assert labels.named([2, 2, 0, 1, 0]) == ["S1", "S1", "S2", "S3", "S2"]


class TestTurns:
    def test_a_segment_ends_where_the_speaker_changes(self) -> None:
        words = spoken((100, 400), (400, 700), (900, 1_200))
        whole = segment(words, flags=("loop",), detectors={"repeats": 3.0})
        one, two = labels.split_at_turns([whole], ["S1", "S1", "S2"])
        assert (one.text, one.speaker, one.start_ms, one.end_ms) == ("w0 w1", "S1", 50, 700)
        assert (two.text, two.speaker, two.start_ms, two.end_ms) == ("w2", "S2", 900, 1_250)
        assert (one.flags, two.flags) == (("loop",), ("loop",))
        assert (dict(one.detectors), dict(two.detectors)) == ({"repeats": 3.0}, {})

    def test_without_spaces_nothing_changes_but_labels(self) -> None:
        words = spoken((100, 400), (400, 700), lead="")
        (same,) = labels.split_at_turns([segment(words)], ["S1", "S1"])
        assert (same.text, same.speaker) == ("w0w1", "S1")
        parts = labels.split_at_turns([segment(words)], ["S1", "S2"])
        assert [part.text for part in parts] == ["w0", "w1"]

    def test_an_empty_segment_stays(self) -> None:
        empty = Segment(0, 100, None, "", ())
        assert labels.split_at_turns([empty], []) == (empty,)


class TestDiarize:
    @pytest.fixture
    def talk(self, tmp_path: Path) -> tuple[Waveform, Segment]:
        """Return 24 s in which a loud and a soft voice take turns of 4 s, with a pause of 0.2 s."""
        t = np.arange(24 * 16_000)
        level = np.where(t // 64_000 % 2 == 0, 0.5, 0.05)
        pcm = (32_767 * level * np.sign(np.sin(t * 0.2))).astype("<i2")
        (tmp_path / "talk").write_bytes(pcm.tobytes())
        begins = range(100, 24_000, 4_000)
        times = [(at, at + 300) for begin in begins for at in range(begin, begin + 3_700, 300)]
        return Waveform(tmp_path / "talk", len(pcm)), segment(spoken(*times))

    def test_turns_are_found(self, talk: tuple[Waveform, Segment]) -> None:
        waveform, whole = talk
        encoder = ByLoudness()
        told = diarize(waveform, [whole], encoder, SpeakerCount())
        assert [part.speaker for part in told] == ["S1", "S2"] * 3
        assert [part.words[0].start_ms // 4_000 for part in told] == [0, 1, 2, 3, 4, 5]
        words = [word.text for part in told for word in part.words]
        assert words == [word.text for word in whole.words]
        assert encoder.longest_ms <= 10_200

    def test_one_speaker_if_told_so(self, talk: tuple[Waveform, Segment]) -> None:
        (only,) = diarize(*_listed(talk), ByLoudness(), SpeakerCount(1, 1))
        assert only.speaker == "S1"

    def test_a_few_words_are_of_one_speaker(self, talk: tuple[Waveform, Segment]) -> None:
        waveform, whole = talk
        few = segment(whole.words[9:16])
        assert {part.speaker for part in diarize(waveform, [few], ByLoudness(), SpeakerCount())} == {"S1"}
        assert len(diarize(waveform, [few], ByLoudness(), SpeakerCount(2, 2))) == 2

    def test_silence_has_no_speaker(self, talk: tuple[Waveform, Segment]) -> None:
        assert diarize(talk[0], [], ByLoudness(), SpeakerCount()) == ()


def _listed(talk: tuple[Waveform, Segment]) -> tuple[Waveform, list[Segment]]:
    return talk[0], [talk[1]]


class TestChannels:
    def test_channels_take_turns_on_one_clock(self) -> None:
        one = segment(spoken((100, 500), (500, 900), (3_000, 3_400)))
        two = segment(spoken((11_500, 11_900), (11_900, 12_300)))
        told = channel_turns.merge([one, two], 10_000)
        assert [(part.speaker, part.text, part.words[0].start_ms) for part in told] == [
            ("S1", "w0 w1", 100),
            ("S2", "w0 w1", 1_500),
            ("S1", "w2", 3_000),
        ]
        assert told[0].end_ms == 900
        assert told[2].end_ms == 3_450

    def test_who_interrupts_is_put_where_he_begins(self) -> None:
        long = segment(spoken((0, 400), (400, 800), (800, 1_200), (1_200, 1_600)))
        short = segment(spoken((10_700, 11_000)))
        told = channel_turns.merge([long, short], 10_000)
        assert [(part.speaker, part.text) for part in told] == [
            ("S1", "w0 w1"),
            ("S2", "w0"),
            ("S1", "w2 w3"),
        ]
        assert [word.start_ms for part in told for word in part.words] == [0, 400, 700, 800, 1_200]

    def test_one_channel_has_one_speaker(self) -> None:
        (same,) = channel_turns.merge([segment(spoken((0, 400), (2_000, 2_400)))], 10_000)
        assert same.speaker == "S1"
        assert channel_turns.merge([], 10_000) == ()
