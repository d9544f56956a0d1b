"""Options: defaults, checks and the fingerprint."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qasr_cli.errors import (
    UsageError,
)
from qasr_cli.options import (
    ChunkOptions,
    CueOptions,
    DecodeOptions,
    EngineOptions,
    GuardOptions,
    Options,
    PictureOptions,
    VadOptions,
)
from qasr_cli.subtitles.rules import limits


class TestOptions:
    def test_the_fingerprint_changes_with_everything_that_changes_the_text(self) -> None:
        base = Options()
        changed = [
            dataclasses.replace(base, vad=VadOptions(onset=0.6)),
            dataclasses.replace(base, chunk=ChunkOptions(max_ms=25_000)),
            dataclasses.replace(base, decode=DecodeOptions(language="en")),
            dataclasses.replace(base, decode=DecodeOptions(context="Dublin")),
            dataclasses.replace(base, decode=DecodeOptions(languages=("en", "ko"))),
            dataclasses.replace(base, guard=GuardOptions(rescue_model="1.7b")),
            dataclasses.replace(base, guard=GuardOptions(is_multilingual=True)),
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
            picture=PictureOptions(is_finding_shots=True),
        )
        assert other.fingerprint("m", "a") == Options().fingerprint("m", "a")

    @pytest.mark.parametrize(
        "make",
        [
            lambda: VadOptions(onset=0.3, offset=0.5),
            lambda: ChunkOptions(max_ms=10),
            lambda: DecodeOptions(language="en", languages=("ko", "ja")),
            lambda: GuardOptions(repetition_penalty=0.9),
            lambda: CueOptions(max_lines=0),
            lambda: CueOptions(max_line_cells=3),
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
