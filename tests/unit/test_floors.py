"""Errors, time, languages, records, options: the floors that everything stands on."""

from __future__ import annotations

import dataclasses
import errno
import pickle
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qasr_cli import errors, languages, timebase
from qasr_cli.errors import CannotCreateError, ExitCode, InputOutputError, QasrError, UsageError
from qasr_cli.options import (
    AlignOptions,
    ChunkOptions,
    CueOptions,
    DecodeOptions,
    EngineOptions,
    GuardOptions,
    MediaOptions,
    Options,
    OutputOptions,
    PictureOptions,
    VadOptions,
    flag,
)
from qasr_cli.records import Segment, Span, Timing, Track, Transcript, Waveform, Word
from qasr_cli.subtitles.rules import limits


def all_errors(base: type[QasrError] = QasrError) -> list[type[QasrError]]:
    return [base] + [error for child in base.__subclasses__() for error in all_errors(child)]


class TestErrors:
    def test_every_error_has_a_code_a_hint_and_a_place_in_the_tree(self) -> None:
        assert len(all_errors()) == 13
        for error in all_errors():
            assert error.__name__ in (errors.__doc__ or "")
            assert error("x").exit_code in ExitCode
            assert error("x").hint
            assert "\n" not in error("x").hint

    def test_an_error_survives_a_process_pool(self) -> None:
        error = pickle.loads(pickle.dumps(CannotCreateError("a.srt exists", "move it")))
        assert (str(error), error.hint, error.exit_code) == ("a.srt exists", "move it", 73)

    def test_a_hostile_name_is_one_harmless_line(self) -> None:
        error = UsageError("no \x1b[31mred\nname \udcff here \u202e rtl")
        assert str(error) == "no \\x1b[31mred\\nname \\udcff here \\u202e rtl"

    @pytest.mark.parametrize(
        ("number", "kind"),
        [
            (errno.EACCES, CannotCreateError),
            (errno.EROFS, CannotCreateError),
            (errno.ENAMETOOLONG, CannotCreateError),
            (errno.ENOSPC, InputOutputError),
            (errno.EIO, InputOutputError),
        ],
    )
    def test_an_os_error_becomes_the_right_one(self, number: int, kind: type[QasrError]) -> None:
        error = errors.from_os_error(OSError(number, "why"), "writing a.srt")
        assert type(error) is kind
        assert str(error) == "writing a.srt: why"


class TestTimebase:
    @given(st.integers(0, 10**9))
    def test_milliseconds_and_samples_are_exact(self, time_ms: int) -> None:
        assert timebase.samples_to_ms(timebase.ms_to_samples(time_ms)) == time_ms

    @given(st.integers(0, 10**10))
    def test_rounding_up_never_cuts_a_sample(self, n_samples: int) -> None:
        time_ms = timebase.samples_to_ms(n_samples)
        assert 0 <= timebase.ms_to_samples(time_ms) - n_samples < timebase.SAMPLES_PER_MS

    @given(st.integers(0, 10**8))
    def test_seconds_of_an_outsider_come_back_to_the_same_millisecond(self, time_ms: int) -> None:
        assert timebase.seconds_to_ms(time_ms / 1000) == time_ms
        assert timebase.seconds_to_ms(-time_ms / 1000) == -time_ms

    @given(st.integers(0, 10**9))
    def test_the_clock_loses_nothing(self, time_ms: int) -> None:
        hours, minutes, rest = timebase.format_clock(time_ms).split(":")
        seconds, millis = rest.split(".")
        assert ((int(hours) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + int(millis) == time_ms

    def test_the_clock_of_a_long_stream(self) -> None:
        assert timebase.format_clock(360_000_001, ",") == "100:00:00,001"
        with pytest.raises(ValueError, match="before the start"):
            timebase.format_clock(-1)

    def test_a_slow_speed_has_a_decimal(self) -> None:
        told = [timebase.format_speed(rtfx) for rtfx in (0.37, 9.94, 12.3, 1234.5)]
        assert told == ["0.4", "9.9", "12", "1,234"]


class TestLanguages:
    def test_there_are_thirty_and_eleven_are_aligned(self) -> None:
        assert len(languages.LANGUAGES) == 30
        assert sum(language.is_aligned for language in languages.LANGUAGES) == 11
        assert len({language.code for language in languages.LANGUAGES}) == 30

    @pytest.mark.parametrize(
        ("spelling", "code"),
        [
            *(("en", "en"), ("EN-us", "en"), ("pt_BR", "pt"), ("eng", "en"), ("Korean", "ko"), ("ger", "de")),
            *(("zh-Hant-TW", "zh"), ("cmn", "zh"), ("tl", "fil"), ("CANTONESE", "yue"), (" fr ", "fr")),
        ],
    )
    def test_every_usual_spelling_is_understood(self, spelling: str, code: str) -> None:
        language = languages.parse(spelling)
        assert language is not None
        assert language.code == code

    @pytest.mark.parametrize("spelling", ["auto", "AUTO", "", "None"])
    def test_auto_is_no_language(self, spelling: str) -> None:
        assert languages.parse(spelling) is None

    def test_a_wrong_one_names_the_nearest(self) -> None:
        with pytest.raises(UsageError) as caught:
            languages.parse("Germn")
        assert "did you mean German (de)?" in caught.value.hint


class TestRecords:
    def test_a_waveform_reads_exactly_its_samples(self, tmp_path: Path) -> None:
        samples = np.arange(-800, 800, dtype="<i2")
        samples.tofile(tmp_path / "w")
        waveform = Waveform(tmp_path / "w", len(samples))
        assert waveform.duration_ms == 100
        np.testing.assert_array_equal(waveform.read(10, 30), samples[160:480].astype(np.float32) / 32768)
        assert len(waveform.read(90, 500)) == 160
        assert len(waveform.read(500, 600)) == 0
        assert waveform.read(0, 1).dtype == np.float32

    @pytest.mark.parametrize(("start_ms", "end_ms"), [(5, 5), (6, 5), (-1, 5)])
    def test_what_is_not_a_span_cannot_be_one(self, start_ms: int, end_ms: int) -> None:
        with pytest.raises(ValueError, match="not a span"):
            Span(start_ms, end_ms)

    def test_a_segment_s_words_are_its_text(self) -> None:
        words = (Word("", "Hello,", 0, 10), Word(" ", "you", 10, 20, Timing.REPAIRED))
        assert Segment(0, 20, "en", "Hello, you", words).words == words
        with pytest.raises(ValueError, match="words say"):
            Segment(0, 20, "en", "Hello you", words)

    def test_a_transcript_speaks_the_language_spoken_longest(self) -> None:
        def segment(start_ms: int, end_ms: int, language: str | None) -> Segment:
            return Segment(start_ms, end_ms, language, "", ())

        track = Track(0, "aac", 2, 48_000)
        segments = (segment(0, 9, "en"), segment(9, 14, "ko"), segment(14, 19, "ko"), segment(20, 90, None))
        assert Transcript("a", track, 100, segments, "f").language == "ko"
        assert Transcript("a", track, 100, (), "f").language is None


class TestSeams:
    @pytest.mark.parametrize(
        ("before", "after", "between"),
        [
            ("Hello.", "World", " "),
            ("안녕하세요.", "여러분", " "),
            ("你好。", "再见", ""),
            ("です", "ABC", ""),
            ("OK", "東京", ""),
            ("สวัสดี", "ครับ", ""),
            ("OK。", "yes", ""),
            ("2026", "5", " "),
            ("", "a", ""),
        ],
    )
    def test_texts_are_joined_as_their_scripts_want_it(self, before: str, after: str, between: str) -> None:
        assert languages.joint(before, after) == between

    def test_a_quoted_language_keeps_its_spaces_where_segments_meet(self) -> None:
        texts = ("你好", "hello", "world", "再见")
        segments = tuple(
            Segment(i, i + 1, "zh", text, (Word("", text, i, i + 1),)) for i, text in enumerate(texts)
        )
        words = Transcript("a", Track(0, "aac", 2, 48_000), 9, segments, "f").words
        assert "".join(word.lead + word.text for word in words) == "你好hello world再见"


EVERY_GROUP = Options(
    media=MediaOptions(audio_track=1, max_hours=3.0),
    vad=VadOptions(onset=0.6, offset=0.3),
    chunk=ChunkOptions(max_ms=10_000, target_ms=6_666),
    decode=DecodeOptions("ko", "Baku", ("en", "ko")),
    guard=GuardOptions(fallback_model="1.7b", multilingual=True),
    align=AlignOptions(is_enabled=False),
    picture=PictureOptions(shots=True),
    cue=CueOptions(
        profile="bbc",
        max_line_width=30,
        max_lines=1,
        max_words=9,
        max_cps=17.0,
        min_duration_ms=1_000,
        max_duration_ms=6_000,
        min_gap_ms=80,
        frame_rate=Fraction(25),
        is_frame_true=False,
    ),
    output=OutputOptions(highlight_words=True),
    engine=EngineOptions(model="demo", aligner="none", revision="abc"),
)


class TestOptions:
    def test_the_fingerprint_changes_with_everything_that_changes_the_text(self) -> None:
        base = Options()
        changed = [
            dataclasses.replace(base, vad=VadOptions(onset=0.6)),
            dataclasses.replace(base, chunk=ChunkOptions(max_ms=25_000)),
            dataclasses.replace(base, decode=DecodeOptions(language="en")),
            dataclasses.replace(base, decode=DecodeOptions(context="Dublin")),
            dataclasses.replace(base, decode=DecodeOptions(languages=("en", "ko"))),
            dataclasses.replace(base, guard=GuardOptions(fallback_model="1.7b")),
            dataclasses.replace(base, guard=GuardOptions(multilingual=True)),
        ]
        prints = {options.fingerprint("m", "a") for options in [base, *changed]}
        prints |= {base.fingerprint("n", "a"), base.fingerprint("m", "b")}
        assert len(prints) == 10
        assert all(len(text) == 16 for text in prints)

    def test_and_with_nothing_else(self) -> None:
        other = dataclasses.replace(
            Options(),
            cue=CueOptions(max_lines=1),
            engine=EngineOptions(device="cpu"),
            picture=PictureOptions(shots=True),
        )
        assert other.fingerprint("m", "a") == Options().fingerprint("m", "a")

    @pytest.mark.parametrize(
        ("options", "of_transcript", "of_request"),
        [
            (Options(), "d8c19d54328a27c5", "62ddac08e6f36334"),
            (EVERY_GROUP, "43c5b6fb47a8e217", "1c7ca057d7d60e04"),
            (
                Options(output=OutputOptions(highlight_words=True, overwrite=True)),
                "d8c19d54328a27c5",
                "a71c5aca35332b1f",
            ),
        ],
        ids=["defaults", "every group", "highlighted"],
    )
    def test_the_fingerprints_of_finished_files_stay_what_they_were(
        self, options: Options, of_transcript: str, of_request: str
    ) -> None:
        # Of the release that wrote them. Other values here would have every user's files made anew.
        assert options.fingerprint("m", "a") == of_transcript
        assert options.request_fingerprint() == of_request

    def test_an_option_that_is_added_counts_in_fingerprints_once_it_is_set(self) -> None:
        @dataclasses.dataclass(frozen=True)
        class Group:
            old: int = flag.option(1, flag.STYLE, "Old.", "--old", digest="is_old")
            new: int = flag.option(2, flag.STYLE, "New.", "--new", is_added=True)

        assert flag.digested(Group()) == {"is_old": 1}
        assert flag.digested(Group(new=3)) == {"is_old": 1, "new": 3}

    @pytest.mark.parametrize(
        "make",
        [
            lambda: VadOptions(onset=0.3, offset=0.5),
            lambda: ChunkOptions(max_ms=10),
            lambda: DecodeOptions(language="en", languages=("ko", "ja")),
            lambda: GuardOptions(repetition_penalty=0.9),
            lambda: CueOptions(max_lines=0),
            lambda: CueOptions(max_line_width=3),
            lambda: limits.resolve(CueOptions(min_duration_ms=9000), None),
            lambda: limits.resolve(CueOptions(profile="netflux"), None),
            lambda: CueOptions(max_words=0),
            lambda: CueOptions(max_cps=0),
        ],
    )
    def test_what_cannot_be_is_refused_as_usage(self, make: object) -> None:
        with pytest.raises(UsageError):
            make()  # type: ignore[operator]

    @given(st.integers(1_000, 100_000))
    def test_a_model_s_reach_limits_the_chunks(self, reach_ms: int) -> None:
        limited = ChunkOptions().limited_to(reach_ms)
        assert limited.max_ms == min(reach_ms, ChunkOptions().max_ms)
        assert limited.target_ms <= limited.max_ms
