"""What holds for any text against the models' own code, for any device memory and any broken posterior."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from transformers.models.qwen3_asr.processing_qwen3_asr import Qwen3ASRProcessor

from qasr_cli.errors import OutOfMemoryError
from qasr_cli.options import ChunkOptions
from qasr_cli.records import Span
from qasr_cli.speech.alignment import monotonic_decoder
from qasr_cli.speech.audio import chunking
from qasr_cli.speech.audio.vad import SpeechMap
from qasr_cli.speech.inference import batching
from qasr_cli.speech.inference.memory_limit import MemoryLimit
from qasr_cli.speech.inference.protocols import Posterior
from qasr_cli.speech.text import aligner_tokens, display_words, segmenters

# Letters, digits and marks of the models' languages, joiners, ideographs outside the basic plane, kana.
CHARACTERS = st.one_of(
    st.characters(),
    st.sampled_from(list("aé5 '’-—/.,%…\u3000\u00a0\u200d\u0301กำहिन्दीПривет안녕東京々ーカな、。𠀀豈ﾞß²ⅷ")),
)


def reference(text: str) -> list[str]:
    """What the models' own preprocessing makes of a text that is read as qasr reads it."""
    read = unicodedata.normalize("NFC", aligner_tokens.prepared(text))
    split: list[str] = Qwen3ASRProcessor.split_words_for_alignment(None, read, "English")
    return split


@given(st.text(CHARACTERS, max_size=80), st.sampled_from(["en", "zh", "yue", "th", "ar", "hi", None]))
def test_units_are_the_model_s_own_for_any_text(text: str, language: str | None) -> None:
    found = aligner_tokens.tokenize(text, language)
    assert [unit.text for unit in found] == reference(text)
    assert all(0 <= unit.start < unit.end <= len(text) for unit in found)
    assert all(one.end <= other.start for one, other in itertools.pairwise(found))


@given(st.text(CHARACTERS, max_size=80))
def test_reading_keeps_every_place(text: str) -> None:
    read = aligner_tokens.prepared(text)
    assert len(read) == len(text)
    assert all(new in (old, " ", "'") for old, new in zip(text, read, strict=True))
    assert [a for a in text if a.isalnum()] == [a for a in read if a.isalnum() and a != "ʼ"] or "ʼ" in text


@pytest.mark.parametrize("has_taggers", [False, True])
@given(st.text(CHARACTERS, max_size=80), st.sampled_from(["ja", "ko"]))
def test_cutting_keeps_the_same_letters_in_order(has_taggers: bool, text: str, language: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        # A stand-in that cuts anywhere: what holds for it holds for nagisa and soynlp.
        tagger = (lambda read: [read[i : i + 3] for i in range(0, len(read), 3)]) if has_taggers else None
        patch.setattr(segmenters, "_japanese", lambda: tagger)
        patch.setattr(segmenters, "_korean", lambda: tagger)
        found = aligner_tokens.tokenize(text, language)
        shown = display_words.split(text, language)
    theirs = unicodedata.normalize("NFKC" if language == "ja" else "NFC", "".join(reference(text)))
    ours = unicodedata.normalize("NFKC" if language == "ja" else "NFC", "".join(unit.text for unit in found))
    assert has_taggers or ours == theirs
    assert all(one.end <= other.start for one, other in itertools.pairwise(found))
    assert "".join(word.lead + word.text for word in shown) == text
    assert [unit for word in shown for unit in word.tokens] == [unit.text for unit in found]


@given(st.lists(st.integers(1, 50), max_size=40), st.integers(50, 400))
def test_all_is_done_once_and_in_order_whatever_fits(lengths: list[int], memory: int) -> None:
    lengths.sort(reverse=True)
    refused: list[int] = []

    def work(some: Sequence[tuple[int, int]]) -> list[int]:
        padded = max(length for _, length in some) * len(some)
        assert padded not in refused, "the same size is not tried twice"
        if padded > memory:
            refused.append(padded)
            raise OutOfMemoryError("full")
        return [index for index, _ in some]

    items, memory_limit = list(enumerate(lengths)), MemoryLimit()
    for _ in range(2):
        assert batching.run_halving(items, work, lengths, memory_limit) == list(range(len(items)))
    assert refused == sorted(refused, reverse=True)


@given(
    arrays.arrays(
        np.float32,
        st.tuples(st.integers(1, 6).map(lambda n: 2 * n), st.integers(8, 30)),
        elements=st.sampled_from([-np.inf, -30.0, -2.0, -0.1]),
    )
)
def test_units_last_and_keep_order_whatever_the_aligner_says(log_probs: np.ndarray) -> None:
    times = monotonic_decoder.decode(Posterior(log_probs, 80), 80 * log_probs.shape[1] - 80)
    assert times is not None
    edges = [edge for unit in times for edge in (unit.start_ms, unit.end_ms)]
    assert edges == sorted(edges)
    assert all(unit.start_ms < unit.end_ms for unit in times)
    assert all(0.0 <= (unit.confidence or 0.0) <= 1.0 for unit in times)


@given(st.lists(st.tuples(st.integers(60, 4_000), st.integers(300, 12_000)), min_size=1, max_size=30))
def test_a_crumb_is_left_alone_only_if_it_fits_nowhere(lengths: list[tuple[int, int]]) -> None:
    edges = list(itertools.accumulate(itertools.chain.from_iterable(lengths)))
    spans = tuple(Span(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True))
    assume(len(spans) > 1)
    options = ChunkOptions()
    speech = SpeechMap(spans, np.ones(edges[-1] // 32 + 1, np.float32), edges[-1])
    for one, other in itertools.pairwise(chunking.plan(0, speech, options)):
        if other.start_ms - one.end_ms <= options.max_gap_ms:
            assert other.end_ms - one.start_ms > options.max_ms
            assert min(one.duration_ms, other.duration_ms) >= 1_000
