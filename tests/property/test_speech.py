"""What holds for any speech, any posterior and any text."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qasr_cli.options import ChunkOptions, VadOptions
from qasr_cli.records import Chunk, Span, Timing
from qasr_cli.speech.alignment import monotonic_decoder, word_times
from qasr_cli.speech.audio import chunking
from qasr_cli.speech.audio.vad import FRAME_MS, SpeechMap, find_spans
from qasr_cli.speech.inference import batching
from qasr_cli.speech.inference.protocols import Capacity, Posterior
from qasr_cli.speech.text import aligner_tokens, display_words


@st.composite
def speech_maps(draw: st.DrawFn) -> SpeechMap:
    lengths = draw(st.lists(st.tuples(st.integers(1, 6_000), st.integers(1, 90_000)), max_size=12))
    spans, now_ms = [], 0
    for gap_ms, length_ms in lengths:
        spans.append(Span(now_ms + gap_ms, now_ms + gap_ms + length_ms))
        now_ms += gap_ms + length_ms
    duration_ms = now_ms + draw(st.integers(0, 3_000))
    rng = np.random.default_rng(draw(st.integers(0, 9)))
    return SpeechMap(tuple(spans), rng.random(duration_ms // FRAME_MS + 1, dtype=np.float32), duration_ms)


@given(speech_maps(), st.integers(1_000, 40_000), st.floats(0.1, 1.0))
def test_chunks_cover_all_speech_and_nothing_twice(speech: SpeechMap, max_ms: int, share: float) -> None:
    options = ChunkOptions(max_ms, max(1, int(max_ms * share)))
    chunks = chunking.plan(3, speech, options)
    assert [chunk.index for chunk in chunks] == list(range(len(chunks)))
    assert all(chunk.source_id == 3 and 0 < chunk.duration_ms <= max_ms for chunk in chunks)
    assert all(one.end_ms <= other.start_ms for one, other in itertools.pairwise(chunks))
    covered = [span for chunk in chunks for span in chunk.speech]
    assert sum(span.duration_ms for span in covered) == sum(span.duration_ms for span in speech.spans)
    for span in speech.spans:
        inside = [part for part in covered if span.start_ms <= part.start_ms and part.end_ms <= span.end_ms]
        assert inside[0].start_ms == span.start_ms
        assert inside[-1].end_ms == span.end_ms
        assert all(one.end_ms == other.start_ms for one, other in itertools.pairwise(inside))
    for chunk in chunks:
        assert all(chunk.start_ms <= part.start_ms and part.end_ms <= chunk.end_ms for part in chunk.speech)


@given(speech_maps())
def test_no_cut_inside_speech_where_a_pause_is_in_reach(speech: SpeechMap) -> None:
    options = ChunkOptions()
    if any(span.duration_ms > options.max_ms for span in speech.spans):
        return
    starts = {span.start_ms for span in speech.spans}
    ends = {span.end_ms for span in speech.spans}
    for chunk in chunking.plan(0, speech, options):
        assert chunk.start_ms in starts
        assert chunk.end_ms in ends


@given(st.lists(st.floats(0, 1, width=32), max_size=300), st.integers(0, 500))
def test_speech_spans_are_ordered_and_inside(probs: list[float], pad_ms: int) -> None:
    duration_ms = max(0, len(probs) * FRAME_MS - 7)
    spans = find_spans(np.array(probs, dtype=np.float32), duration_ms, VadOptions(pad_ms=pad_ms))
    assert all(one.end_ms < other.start_ms for one, other in itertools.pairwise(spans))
    assert all(0 <= span.start_ms < span.end_ms <= duration_ms for span in spans)


def frame_by_frame(probs: list[float], min_silence_ms: int) -> list[tuple[int, int]]:
    """Return runs as `[start, end)` in frames, as somebody would who hears one frame after the other."""
    options = VadOptions()
    runs: list[tuple[int, int]] = []
    start, n_quiet = -1, 0
    for index, prob in enumerate([*probs, 0.0]):
        is_over = index == len(probs)
        if start >= 0 and n_quiet and (is_over or prob >= options.offset):
            if is_over or n_quiet * FRAME_MS >= min_silence_ms:
                runs.append((start, index - n_quiet))
                start = -1
        elif start >= 0 and is_over:
            runs.append((start, index))
        n_quiet = n_quiet + 1 if prob < options.offset else 0
        if start < 0 and not is_over and prob >= options.onset:
            start = index
    return runs


@given(
    st.lists(st.tuples(st.sampled_from([0.1, 0.34, 0.36, 0.49, 0.5, 0.9]), st.integers(1, 9)), max_size=40),
    st.integers(0, 300),
)
def test_speech_lasts_from_a_rise_to_a_long_fall(
    stretches: list[tuple[float, int]], min_silence_ms: int
) -> None:
    probs = [prob for prob, n_frames in stretches for _ in range(n_frames)]
    options = VadOptions(min_silence_ms=min_silence_ms, min_speech_ms=0, pad_ms=0)
    spans = find_spans(np.array(probs, dtype=np.float32), len(probs) * FRAME_MS, options)
    runs = frame_by_frame(probs, min_silence_ms)
    assert [(span.start_ms, span.end_ms) for span in spans] == [(a * FRAME_MS, b * FRAME_MS) for a, b in runs]


@given(st.lists(st.integers(1, 40_000), max_size=60), st.integers(1, 90_000), st.integers(1, 20))
def test_batches_are_a_permutation_within_budget(durations: list[int], budget_ms: int, size: int) -> None:
    capacity = Capacity(60_000, budget_ms, size)
    batches = batching.plan(durations, capacity)
    assert sorted(itertools.chain(*batches)) == list(range(len(durations)))
    for batch in batches:
        longest_ms = max(durations[i] for i in batch)
        assert len(batch) == 1 or (longest_ms * len(batch) <= budget_ms and len(batch) <= size)
    longest = [max(durations[i] for i in batch) for batch in batches]
    assert longest == sorted(longest, reverse=True)


@given(st.integers(1, 3), st.integers(4, 7), st.integers(0, 1000))
def test_the_search_is_as_good_as_trying_everything(n_units: int, n_bins: int, seed: int) -> None:
    scores = np.log(np.random.default_rng(seed).dirichlet(np.ones(n_bins), 2 * n_units)).astype(np.float32)
    min_step = np.arange(2 * n_units) % 2
    found = monotonic_decoder.best_monotone(scores, min_step)
    legal = [
        bins
        for bins in itertools.product(range(n_bins), repeat=2 * n_units)
        if all(bins[j] - bins[j - 1] >= min_step[j] for j in range(1, 2 * n_units))
    ]
    best = max(sum(scores[j, k] for j, k in enumerate(bins)) for bins in legal)
    assert tuple(found.tolist()) in legal
    assert sum(scores[j, k] for j, k in enumerate(found)) == pytest.approx(best, abs=1e-4)


PIECES = [
    *(
        "3.5%",
        "don’t",
        "e-mail",
        "yes—no",
        "₩43,000",
        "हिन्दी",
        "Привет!",
        "“so”",
        "¿qué?",
        "—",
        "...",
        "(b)",
        "a",
    ),
    *("日本語", "は、", "東京", "カタカナ", "我们", "。", "안녕하세요", " ", "  ", "\u3000", "👩‍👩‍👧"),
]
TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from(PIECES),
        max_size=12,
    ).map("".join),
)


@given(TEXTS, st.sampled_from(["en", "ja", "zh", "yue", "ko", "th", "hi", None]))
def test_words_are_the_text_and_hold_every_unit(text: str, language: str | None) -> None:
    shown = display_words.split(text, language)
    assert "".join(word.lead + word.text for word in shown) == text
    assert [unit for word in shown for unit in word.tokens] == [
        unit.text for unit in aligner_tokens.tokenize(text, language)
    ]
    assert all(word.text for word in shown)
    if any(word.tokens for word in shown):
        assert all(word.tokens for word in shown)


@given(
    TEXTS.filter(str.strip), st.integers(0, 10**6), st.integers(600, 30_000), st.integers(0, 9), st.booleans()
)
def test_word_times_keep_order_and_stay_inside(
    text: str, start_ms: int, length_ms: int, seed: int, has_aligner: bool
) -> None:
    chunk = Chunk(0, 0, start_ms, start_ms + length_ms, (Span(start_ms + 50, start_ms + length_ms - 50),))
    shown = display_words.split(text.strip(), "en")
    times = None
    if has_aligner:
        n_units = sum(len(word.tokens) for word in shown)
        n_bins = length_ms // 80 + 2
        scores = np.random.default_rng(seed).standard_normal((2 * n_units, n_bins)).astype(np.float32)
        times = monotonic_decoder.decode(Posterior(scores, 80), length_ms)
    timed = (
        word_times.from_tokens(shown, times, chunk) if times else word_times.interpolate_words(shown, chunk)
    )
    edges = [edge for word in timed for edge in (word.start_ms, word.end_ms)]
    assert edges == sorted(edges)
    assert all(word.start_ms < word.end_ms for word in timed)
    assert start_ms <= edges[0]
    assert edges[-1] <= start_ms + length_ms
    assert has_aligner or all(word.timing is Timing.INTERPOLATED for word in timed)
    assert "".join(word.lead + word.text for word in timed) == text.strip()
