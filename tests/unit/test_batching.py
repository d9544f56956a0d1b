"""What speech does when a model's memory runs out; and no more than a batch of audio is ever held."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from qasr_cli.errors import OutOfMemoryError, QasrError
from qasr_cli.options import DecodeOptions, EngineOptions
from qasr_cli.pipeline.containment import contain
from qasr_cli.records import Chunk, Hypothesis, Segment, Waveform
from qasr_cli.speech.inference import batching
from qasr_cli.speech.inference.memory_limit import MemoryLimit
from qasr_cli.speech.inference.protocols import Engines
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.recognition.passes import RecognitionRequest, RecognizedSource, recognize_all
from tests import fakes
from tests.recognition import recognize_and_align
from tests.scenes import speech_of


class Device:
    """Has memory for so much padded audio, and counts what it was asked."""

    def __init__(self, memory: int) -> None:
        self.memory = memory
        self.tries: list[int] = []

    def work(self, lengths: Sequence[int]) -> list[int]:
        self.tries.append(len(lengths))
        if max(lengths) * len(lengths) > self.memory:
            raise OutOfMemoryError("full")
        return list(lengths)


def hear(session: Session, n_chunks: int) -> list[Segment | None]:
    chunks = [Chunk(0, i, i * 4_000, i * 4_000 + 2_000) for i in range(n_chunks)]
    audio = [np.zeros(32_000, np.float32)] * n_chunks
    return recognize_and_align(audio, chunks, session)


def test_the_next_batch_starts_with_what_fitted() -> None:
    device, memory_limit = Device(50), MemoryLimit()
    for _ in range(2):
        assert batching.run_halving([10] * 16, device.work, [10] * 16, memory_limit) == [10] * 16
    assert device.tries == [16, 8, 4, 4, 4, 4, 4, 4, 4, 4]


def test_long_chunks_that_did_not_fit_do_not_make_batches_of_short_ones_small() -> None:
    device, memory_limit = Device(50), MemoryLimit()
    batching.run_halving([20] * 4, device.work, [20] * 4, memory_limit)
    device.tries.clear()
    batching.run_halving([1] * 40, device.work, [1] * 40, memory_limit)
    assert device.tries == [40]


def test_nothing_to_do_asks_nobody() -> None:
    device = Device(0)
    assert batching.run_halving([], device.work) == []
    assert device.tries == []


def test_one_that_never_fits_is_an_error_even_late() -> None:
    device = Device(15)
    with pytest.raises(OutOfMemoryError):
        batching.run_halving([10, 10, 20], device.work, [10, 10, 20])


def test_a_run_remembers_for_each_model() -> None:
    session = Session(fakes.cramped(EngineOptions()))
    for _ in range(2):
        assert all(hear(session, 8))
    recognizer = session.recognizer
    assert isinstance(recognizer, fakes.Echo)
    assert recognizer.batches == [2] * 8
    assert session.recognizer_limit.share([32_000] * 8) == 2
    assert session.aligner_limit.share([32_000] * 8) == 8


@pytest.mark.parametrize("factory", [fakes.cramped, fakes.cramped_aligner])
def test_little_memory_on_either_side_changes_no_segment(factory: Callable[[EngineOptions], Engines]) -> None:
    assert hear(Session(factory(EngineOptions())), 7) == hear(Session(fakes.echo(EngineOptions())), 7)


class Watching(fakes.Echo):
    """Counts how much of what it was given before is still in memory; cannot hear long chunks."""

    def __init__(self, options: EngineOptions) -> None:
        super().__init__(options, max_batch_ms=8_000)
        self.given: list[weakref.ref[np.ndarray]] = []
        self.n_kept: list[int] = []

    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        self.n_kept.append(self.n_alive)
        self.given += [weakref.ref(samples) for samples in audio]
        if any(len(samples) > 16 * 4_500 for samples in audio):
            raise OutOfMemoryError("cannot bear more than four and a half seconds")
        return super().recognize(audio, options)

    @property
    def n_alive(self) -> int:
        return sum(ref() is not None for ref in self.given)


def test_no_audio_outlives_its_batch_nor_a_reason_that_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "waveform"
    path.write_bytes(bytes(32 * 24_000))
    recording = RecognizedSource(Waveform(path, 16 * 24_000), speech_of(0, 24), ())
    chunks = [Chunk(0, i, start_ms, start_ms + 4_000) for i, start_ms in enumerate(range(0, 24_000, 4_000))]
    chunks[1] = Chunk(0, 1, 4_000, 9_000)
    recognizer = Watching(EngineOptions())
    session = Session(Engines(recognizer, fakes.Even()))
    heard = recognize_all(
        [RecognitionRequest(recording, chunk, DecodeOptions()) for chunk in chunks], session, contain
    )
    assert [isinstance(piece, QasrError) for piece in heard] == [False, True, False, False, False, False]
    assert len(recognizer.n_kept) > 3
    assert set(recognizer.n_kept) == {0}
    assert recognizer.n_alive == 0


def test_one_that_spoils_a_batch_is_found_and_costs_the_others_nothing() -> None:
    tried: list[Sequence[int]] = []

    def attempt(some: Sequence[int]) -> list[int] | QasrError:
        tried.append(some)
        return QasrError("three") if 3 in some else [10 * one for one in some]

    first, second, third = batching.try_each([1, 3, 5], attempt)
    assert (first, third) == (10, 50)
    assert isinstance(second, QasrError)
    assert [list(some) for some in tried] == [[1, 3, 5], [1], [3], [5]]
    tried.clear()
    assert batching.try_each([1, 5], attempt) == [10, 50]
    assert len(tried) == 1


class TestRunHalving:
    def test_what_does_not_fit_is_halved_until_it_does(self) -> None:
        sizes = []

        def work(items: Sequence[int]) -> list[int]:
            sizes.append(len(items))
            if len(items) > 2:
                raise OutOfMemoryError("full")
            return list(items)

        assert batching.run_halving(range(7), work) == list(range(7))
        assert sizes[:3] == [7, 3, 1]

    def test_a_batch_of_one_that_does_not_fit_is_an_error(self) -> None:
        def work(items: object) -> list[int]:
            raise OutOfMemoryError("full")

        with pytest.raises(OutOfMemoryError):
            batching.run_halving([1, 2], work)
