"""Streams of utterances against recognizing them at once: the same text, whatever the steps were."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest

from qasr_cli import engines
from qasr_cli.engines.layouts import Kind
from qasr_cli.engines.qwen3.engine import Qwen3Recognizer
from qasr_cli.engines.qwen3.streaming import Stream
from qasr_cli.errors import OutOfMemoryError, UnavailableError
from qasr_cli.options import DecodeOptions, EngineOptions
from qasr_cli.records import Finish, Hypothesis
from qasr_cli.speech.inference import preemption, stopping
from qasr_cli.speech.inference.streaming import StreamingRecognizer, StreamStep
from tests import demo_pair, sentences
from tests.fakes import Echo
from tests.model_folders import TINY, write_original, write_random

SECOND = 16_000
OPTIONS = (
    DecodeOptions(),
    DecodeOptions(language="en"),
    DecodeOptions(context="Helen, lantern, harbour"),
    DecodeOptions(languages=("en", "ko")),
    DecodeOptions(repetition_penalty=1.1),
)
STEPS_S = (0.5, 1, 2, 3)


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    return demo_pair.talk(tmp_path_factory.mktemp("talk"))


@pytest.fixture(scope="module", params=["qwen3", "qwen3-generate"])
def recognizer(request: pytest.FixtureRequest) -> Qwen3Recognizer:
    return loaded("demo", request.param)


@pytest.fixture(scope="module")
def ours() -> Qwen3Recognizer:
    return loaded("demo", "qwen3")


def loaded(model: str, engine: str) -> Qwen3Recognizer:
    options = EngineOptions(model=model, aligner="none", device="cpu", dtype="fp32", engine=engine)
    found = engines.load(options).recognizer
    assert isinstance(found, Qwen3Recognizer)
    return found


def random_ends(n_samples: int, step_s: float, seed: int) -> list[int]:
    """Return where steps end, at random distances around the step; the last one is the end."""
    chance, ends = random.Random(seed), [0]
    while ends[-1] < n_samples:
        ends.append(ends[-1] + int(step_s * SECOND * chance.uniform(0.5, 1.5)))
    return [*ends[1:-1], n_samples]


def one(recognizer: StreamingRecognizer, audio: np.ndarray, ends: Sequence[int]) -> list[Hypothesis]:
    """Return the hypotheses of one utterance, the final last."""
    stream = recognizer.open_stream(DecodeOptions())
    return [
        recognizer.advance([StreamStep(stream, audio[:end], is_final=end == ends[-1])])[0] for end in ends
    ]


def together(
    recognizer: StreamingRecognizer, audio: Sequence[np.ndarray], options: Sequence[DecodeOptions]
) -> list[Hypothesis]:
    """Return the finals of utterances whose steps, of different lengths, are taken together."""
    streams = [recognizer.open_stream(own) for own in options]
    waiting = [
        random_ends(len(samples), STEPS_S[number % len(STEPS_S)], number)
        for number, samples in enumerate(audio)
    ]
    finals: dict[int, Hypothesis] = {}
    while any(waiting):
        members = [number for number, ends in enumerate(waiting) if ends]
        steps = []
        for number in members:
            end = waiting[number].pop(0)
            steps.append(StreamStep(streams[number], audio[number][:end], is_final=not waiting[number]))
        finals.update(zip(members, recognizer.advance(steps), strict=True))
    return [finals[number] for number in range(len(audio))]


def test_the_final_is_what_the_utterance_is_recognized_as(
    recognizer: Qwen3Recognizer, talk: np.ndarray
) -> None:
    assert isinstance(recognizer, StreamingRecognizer)
    audio = [talk[begin : begin + (9 + 3 * n) * SECOND] for n, begin in enumerate(range(0, 2**21, 2**19))]
    audio.append(talk[: SECOND // 3])
    finals = together(recognizer, audio, OPTIONS)
    assert finals == recognizer.recognize_each(audio, OPTIONS)
    assert sum(len(final.text) > 60 for final in finals) == 4


def test_a_partial_is_what_the_audio_so_far_is_recognized_as(
    recognizer: Qwen3Recognizer, talk: np.ndarray
) -> None:
    ends = [4_000, 7 * SECOND, 8 * SECOND, 128_319, 128_320, 9 * SECOND, 17 * SECOND, 18 * SECOND]
    whole = recognizer.recognize([talk[:end] for end in ends], DecodeOptions())
    assert one(recognizer, talk, ends) == whole


@pytest.mark.slow
def test_finals_of_the_samples(ours: Qwen3Recognizer, tmp_path: Path) -> None:
    """All of them in fp32; half of what is spoken in the samples, for the time that it takes."""
    audio = sentences.clips(tmp_path)[::2]
    assert len(audio) >= 100
    options = [OPTIONS[number % len(OPTIONS)] for number in range(len(audio))]
    assert together(ours, audio, options) == ours.recognize_each(audio, options)


@pytest.mark.parametrize("options", OPTIONS)
def test_no_draft_changes_the_text(
    recognizer: Qwen3Recognizer, talk: np.ndarray, options: DecodeOptions
) -> None:
    audio = talk[: 4 * SECOND]
    stream = recognizer.open_stream(options)
    expected = recognizer.advance([StreamStep(stream, audio)])[0]
    right = stream.state.draft
    assert len(right) > 8
    drafts = [right, right[:5], (*right[:5], 7, *right[5:]), right[3:], (7,) * 2000, (*right, *right)]
    streams = []
    for draft in drafts:
        streams.append(recognizer.open_stream(options))
        streams[-1].state = replace(streams[-1].state, draft=draft)
    assert recognizer.advance([StreamStep(each, audio) for each in streams]) == [expected] * len(drafts)


def test_a_right_draft_leaves_one_token_to_write(ours: Qwen3Recognizer, talk: np.ndarray) -> None:
    stream = ours.open_stream(DecodeOptions())
    ours.advance([StreamStep(stream, talk[: 6 * SECOND])])
    layers = ours._decoder._loop.model  # type: ignore[attr-defined]
    with mock.patch.object(layers, "step", side_effect=AssertionError("a step was taken")):
        again = ours.advance([StreamStep(stream, talk[: 6 * SECOND], is_final=True)])
    assert again == ours.recognize([talk[: 6 * SECOND]], DecodeOptions())


def test_an_answer_has_no_more_tokens_than_its_budget(recognizer: Qwen3Recognizer, talk: np.ndarray) -> None:
    options = DecodeOptions(max_tokens=6)
    stream = recognizer.open_stream(options)
    for end in (2, 4, 6):
        found = recognizer.advance([StreamStep(stream, talk[: end * SECOND])])
        assert found == recognizer.recognize([talk[: end * SECOND]], options)
        assert found[0].finish is Finish.TRUNCATED


def test_a_bang_late_in_the_utterance(recognizer: Qwen3Recognizer, talk: np.ndarray) -> None:
    """Features are clamped below the loudest value, so finished windows have others after it."""
    audio = talk[: 20 * SECOND] / 30
    audio[17 * SECOND : 17 * SECOND + 800] = 0.95
    ends = [9 * SECOND, 18 * SECOND, 20 * SECOND]
    assert one(recognizer, audio, ends) == recognizer.recognize(
        [audio[:end] for end in ends], DecodeOptions()
    )


def test_a_final_has_the_features_of_the_whole_utterance(ours: Qwen3Recognizer, talk: np.ndarray) -> None:
    """A partial keeps windows whose features are a little different; a final computes them anew."""
    quiet = talk[: 9 * SECOND] / 30
    audio = np.concatenate([quiet, quiet * np.float32(1.2)])
    stream = ours.open_stream(DecodeOptions())
    ours.advance([StreamStep(stream, audio[: 9 * SECOND])])
    n_before = stream.state.prefix.n_tokens if stream.state.prefix else 0
    with mock.patch.object(
        ours._decoder, "write_continuations", wraps=ours._decoder.write_continuations
    ) as write:
        ours.advance([StreamStep(stream, audio[:-800])])
        ours.advance([StreamStep(stream, audio, is_final=True)])
    partial, final = (call.args[0][0] for call in write.call_args_list)
    assert partial.prefix.n_tokens == n_before
    assert final.prefix.n_tokens < n_before


def test_a_cut_before_a_bang(ours: Qwen3Recognizer, talk: np.ndarray) -> None:
    """A window that was finished with the bang had quiet speech clamped away."""
    audio = talk[: 11 * SECOND] / 300
    audio[168_000:168_800] = 0.95
    stream = ours.open_stream(DecodeOptions())
    ours.advance([StreamStep(stream, audio)])
    final = ours.advance([StreamStep(stream, audio[: 9 * SECOND], is_final=True)])
    assert final == ours.recognize([audio[: 9 * SECOND]], DecodeOptions())


def test_a_stream_keeps_full_windows_and_nothing_after_its_end(
    ours: Qwen3Recognizer, talk: np.ndarray
) -> None:
    stream = ours.open_stream(DecodeOptions())
    lengths = []
    for end_s in (1, 7, 8, 9, 16, 17):
        ours.advance([StreamStep(stream, talk[: end_s * SECOND])])
        lengths.append(stream.state.prefix.n_tokens if stream.state.prefix else 0)
    assert lengths[0] == lengths[1] == lengths[2] > 0
    assert [n - lengths[0] for n in lengths[3:]] == [104, 104, 208]
    ours.advance([StreamStep(stream, talk[: 18 * SECOND], is_final=True)])
    assert stream.state == Stream(DecodeOptions()).state


def test_a_full_block_is_convolved_once(ours: Qwen3Recognizer, talk: np.ndarray) -> None:
    """But for a block at the end of the sound, whose last two frames are not sure yet."""
    stream = ours.open_stream(DecodeOptions())
    front_end = ours._decoder._model._encoder._front_end  # type: ignore[attr-defined]
    n_blocks = []
    with mock.patch.object(front_end, "_full_blocks", wraps=front_end._full_blocks) as convolve:
        for end_s in (5.1, 5.5, 6.5, 7.0, 7.5, 8.5, 8.6, 10.5):
            ours.advance([StreamStep(stream, talk[: int(end_s * SECOND)])])
            n_blocks.append(sum(len(call.args[0]) // 100 for call in convolve.call_args_list))
            convolve.reset_mock()
    assert n_blocks == [5, 0, 1, 1, 1, 1, 0, 2]


def test_an_utterance_that_is_cut_before_its_last_step(recognizer: Qwen3Recognizer, talk: np.ndarray) -> None:
    ends = (8 * SECOND, 128_500, 11 * SECOND)
    streams = [recognizer.open_stream(DecodeOptions()) for _ in ends]
    recognizer.advance([StreamStep(stream, talk[: 17 * SECOND]) for stream in streams])
    steps = [StreamStep(stream, talk[:end], is_final=True) for stream, end in zip(streams, ends, strict=True)]
    assert recognizer.advance(steps) == recognizer.recognize([talk[:end] for end in ends], DecodeOptions())


def test_a_step_without_memory_changes_no_stream(ours: Qwen3Recognizer, talk: np.ndarray) -> None:
    """The second of two groups of unlike options fails, when the first is computed already."""
    streams = [ours.open_stream(OPTIONS[0]), ours.open_stream(OPTIONS[4])]
    ours.advance([StreamStep(stream, talk[: 5 * SECOND]) for stream in streams])
    before = [stream.state for stream in streams]
    steps = [StreamStep(stream, talk[: 9 * SECOND]) for stream in streams]
    write, calls = ours._decoder.write_continuations, []

    def write_once(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) > 1:
            raise MemoryError
        return write(*arguments)

    with (
        mock.patch.object(ours._decoder, "write_continuations", write_once),
        pytest.raises(OutOfMemoryError),
    ):
        ours.advance(steps[::-1])
    assert [stream.state for stream in streams] == before
    assert ours.advance(steps) == ours.recognize_each([talk[: 9 * SECOND]] * 2, [OPTIONS[0], OPTIONS[4]])


def test_a_step_stops_and_pauses_between_two_tokens(ours: Qwen3Recognizer, talk: np.ndarray) -> None:
    stream = ours.open_stream(DecodeOptions())
    pauses: list[int] = []
    with preemption.allowed(lambda: pauses.append(1)):
        ours.advance([StreamStep(stream, talk[: 3 * SECOND])])
    assert len(pauses) > 8
    before, event = stream.state, threading.Event()
    stopping.stop_at(event)
    try:
        event.set()
        with pytest.raises(stopping.Stopped):
            ours.advance([StreamStep(stream, talk[: 6 * SECOND])])
    finally:
        event.clear()
    assert stream.state is before


def test_scores_that_are_no_numbers_never_become_text(recognizer: Qwen3Recognizer, talk: np.ndarray) -> None:
    stream = recognizer.open_stream(DecodeOptions())
    recognizer.advance([StreamStep(stream, talk[: 2 * SECOND])])
    before, loop = stream.state, recognizer._decoder._loop  # type: ignore[attr-defined]
    with (
        mock.patch.object(loop, "head", lambda hidden: hidden.new_full((len(hidden), 9), np.nan)),
        pytest.raises(UnavailableError, match="NaN"),
    ):
        recognizer.advance([StreamStep(stream, talk[: 3 * SECOND])])
    assert stream.state is before


@pytest.mark.parametrize("engine", ["qwen3", "qwen3-generate"])
def test_a_checkpoint_of_the_original_layout(engine: str, tmp_path: Path, talk: np.ndarray) -> None:
    native = write_random(tmp_path / "native", Kind.RECOGNIZER, TINY)
    random_weights = loaded(str(write_original(native, tmp_path / "original")), engine)
    audio, options = talk[: 10 * SECOND], DecodeOptions(max_tokens=30)
    stream = random_weights.open_stream(options)
    for end_s in (5, 9):
        random_weights.advance([StreamStep(stream, audio[: end_s * SECOND])])
    final = random_weights.advance([StreamStep(stream, audio, is_final=True)])
    assert final == random_weights.recognize([audio], options)
    assert final[0].n_tokens == 30


def test_other_engines_do_without() -> None:
    assert not isinstance(Echo(EngineOptions()), StreamingRecognizer)
