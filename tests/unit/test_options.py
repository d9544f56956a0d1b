"""Options: defaults, checks and the fingerprint."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qasr_cli.errors import (
    UsageError,
)
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
    SpeakerOptions,
    SpeakerStyle,
    VadOptions,
    flag,
)
from qasr_cli.subtitles.rules import limits

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


def test_the_fingerprint_changes_with_everything_that_changes_the_text() -> None:
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


def test_and_with_nothing_else() -> None:
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
    options: Options, of_transcript: str, of_request: str
) -> None:
    # Of the release that wrote them. Other values here would have every user's files made anew.
    assert options.fingerprint("m", "a") == of_transcript
    assert options.request_fingerprint() == of_request


@pytest.mark.parametrize(
    "other",
    [
        Options(speakers=SpeakerOptions(names=("Anna",))),
        Options(output=OutputOptions(low_confidence=0.5)),
        Options(cue=CueOptions(speaker_style=SpeakerStyle.DASH)),
    ],
    ids=["names", "low confidence", "style"],
)
def test_looks_of_speakers_and_words_change_results_and_no_transcript(other: Options) -> None:
    assert other.request_fingerprint() != Options().request_fingerprint()
    assert other.fingerprint("m", "a") == Options().fingerprint("m", "a")


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
def test_what_cannot_be_is_refused_as_usage(make: object) -> None:
    with pytest.raises(UsageError):
        make()  # type: ignore[operator]


@given(st.integers(1_000, 100_000))
def test_a_model_s_reach_limits_the_chunks(reach_ms: int) -> None:
    limited = ChunkOptions().limited_to(reach_ms)
    assert limited.max_ms == min(reach_ms, ChunkOptions().max_ms)
    assert limited.target_ms <= limited.max_ms


def test_an_option_that_is_added_counts_in_fingerprints_once_it_is_set() -> None:
    @dataclasses.dataclass(frozen=True)
    class Group:
        old: int = flag.option(1, flag.STYLE, "Old.", "--old", digest="is_old")
        new: int = flag.option(2, flag.STYLE, "New.", "--new", is_added=True)

    assert flag.digested(Group()) == {"is_old": 1}
    assert flag.digested(Group(new=3)) == {"is_old": 1, "new": 3}
