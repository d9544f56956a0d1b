"""What speech does when a model's memory runs out: smaller parts, and a better first try next time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from qasr_cli.errors import OutOfMemoryError
from qasr_cli.options import AlignOptions, DecodeOptions, EngineOptions
from qasr_cli.records import Chunk, Segment
from qasr_cli.speech import batching
from qasr_cli.speech.headroom import Headroom
from qasr_cli.speech.protocols import Engines
from qasr_cli.speech.transcribe import transcribe
from tests import fakes


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


def hear(engines: Engines, n_chunks: int) -> list[Segment | None]:
    chunks = [Chunk(0, i, i * 4_000, i * 4_000 + 2_000) for i in range(n_chunks)]
    audio = [np.zeros(32_000, np.float32)] * n_chunks
    return transcribe(audio, chunks, engines, DecodeOptions(), AlignOptions())


def test_the_next_batch_starts_with_what_fitted() -> None:
    device, headroom = Device(50), Headroom()
    for _ in range(2):
        assert batching.run_halving([10] * 16, device.work, [10] * 16, headroom) == [10] * 16
    assert device.tries == [16, 8, 4, 4, 4, 4, 4, 4, 4, 4]


def test_long_chunks_that_did_not_fit_do_not_make_batches_of_short_ones_small() -> None:
    device, headroom = Device(50), Headroom()
    batching.run_halving([20] * 4, device.work, [20] * 4, headroom)
    device.tries.clear()
    batching.run_halving([1] * 40, device.work, [1] * 40, headroom)
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
    engines = fakes.cramped(EngineOptions())
    for _ in range(2):
        assert all(hear(engines, 8))
    recognizer = engines.recognizer
    assert isinstance(recognizer, fakes.Echo)
    assert recognizer.batches == [2] * 8
    assert engines.recognizer_headroom.share([32_000] * 8) == 2
    assert engines.aligner_headroom.share([32_000] * 8) == 8


@pytest.mark.parametrize("factory", [fakes.cramped, fakes.cramped_aligner])
def test_little_memory_on_either_side_changes_no_segment(factory: Callable[[EngineOptions], Engines]) -> None:
    assert hear(factory(EngineOptions()), 7) == hear(fakes.echo(EngineOptions()), 7)
