"""The loop for a GPU, run on a CPU: the tokens of the step loop, whatever is looked at how often."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from qasr_cli.engines import load
from qasr_cli.engines.device import Placement
from qasr_cli.engines.layouts import Kind
from qasr_cli.engines.qwen3 import loading, prompts
from qasr_cli.engines.qwen3.decoding import captured_step
from qasr_cli.engines.qwen3.decoding.answer import Answer
from qasr_cli.engines.qwen3.decoding.captured_step import Work
from qasr_cli.engines.qwen3.decoding.device_loop import DeviceLoop
from qasr_cli.engines.qwen3.decoding.device_rows import Row
from qasr_cli.engines.qwen3.decoding.logits_processors import (
    AllowedTags,
    LogitsProcessor,
    NotFiniteError,
    RepetitionPenalty,
)
from qasr_cli.engines.qwen3.device_backend import DeviceClassifier, DeviceDecoder
from qasr_cli.engines.qwen3.loop_backend import LoopClassifier, LoopDecoder
from qasr_cli.engines.qwen3.setup import Setup
from qasr_cli.options import DecodeOptions, EngineOptions
from qasr_cli.speech.inference import stopping
from tests import demo_pair
from tests.demo_pair import opened

CPU = torch.device("cpu")
FP32, BF16 = Placement(CPU, torch.float32), Placement(CPU, torch.bfloat16)
N_CLIPS, CLIP_SAMPLES, BUDGET = 14, 8 * 16_000, 120
ALIGNED_TEXT = ["good", "morning", "everyone", "and", "welcome"]


def tokens(answers: list[Answer]) -> list[list[int]]:
    return [answer.tokens for answer in answers]


class Asked:
    """Clips of the talk of very different lengths as prompts of the demo recognizer."""

    def __init__(self, opened: loading.OpenModel, audio: list[np.ndarray]) -> None:
        builder = prompts.Prompts(opened.tokenizer)
        self.stop_ids = builder.stop_ids
        self.tags = builder.language_tags(["English", "Korean"])
        self.features = [prompts.extract(opened.extractor, samples) for samples in audio]
        self.ids = [builder.transcription(item.n_tokens, "", None) for item in self.features]

    def of(self, decoder: LoopDecoder, order: list[int], budgets: list[int] | None = None) -> list[list[int]]:
        features, ids = [self.features[i] for i in order], [self.ids[i] for i in order]
        return tokens(decoder.write(features, ids, budgets or [BUDGET] * len(order), []))


@pytest.fixture(scope="module")
def recognizer() -> loading.OpenModel:
    return opened(Kind.RECOGNIZER)


@pytest.fixture(scope="module")
def audio(tmp_path_factory: pytest.TempPathFactory) -> list[np.ndarray]:
    talk = demo_pair.talk(tmp_path_factory.mktemp("talk"))
    cuts = [talk[i * CLIP_SAMPLES :][: CLIP_SAMPLES * (1 + i % 7) // 7] for i in range(N_CLIPS - 1)]
    return [*cuts, np.zeros(100, np.float32)]


@pytest.fixture(scope="module")
def asked(recognizer: loading.OpenModel, audio: list[np.ndarray]) -> Asked:
    return Asked(recognizer, audio)


@pytest.fixture(scope="module")
def expected(recognizer: loading.OpenModel, asked: Asked) -> dict[Placement, list[list[int]]]:
    return {
        placement: asked.of(LoopDecoder(recognizer, placement, asked.stop_ids), [*range(N_CLIPS)])
        for placement in (FP32, BF16)
    }


def device_decoder(
    recognizer: loading.OpenModel, asked: Asked, placement: Placement = FP32, n_rows: int = 6, looks: int = 8
) -> DeviceDecoder:
    decoder = DeviceDecoder(recognizer, placement, asked.stop_ids, n_rows)
    parts = decoder.loop
    decoder.loop = DeviceLoop(parts.model, parts.head, parts.embed, asked.stop_ids, n_rows, looks)
    return decoder


@pytest.mark.parametrize("looks", [1, 8, 50])
@pytest.mark.parametrize("placement", [FP32, BF16], ids=["fp32", "bf16"])
def test_the_tokens_are_those_of_the_step_loop(
    recognizer: loading.OpenModel,
    asked: Asked,
    expected: dict[Placement, list[list[int]]],
    placement: Placement,
    looks: int,
) -> None:
    decoder = device_decoder(recognizer, asked, placement, looks=looks)
    assert asked.of(decoder, [*range(N_CLIPS)]) == expected[placement]
    assert sum(len(row) > 10 for row in expected[placement]) >= N_CLIPS - 4


@pytest.mark.parametrize("placement", [FP32, BF16], ids=["fp32", "bf16"])
def test_an_answer_does_not_depend_on_its_company(
    recognizer: loading.OpenModel,
    asked: Asked,
    expected: dict[Placement, list[list[int]]],
    placement: Placement,
) -> None:
    """One decoder for all: what an earlier call left in the cache must not matter either."""
    decoder = device_decoder(recognizer, asked, placement, n_rows=10)
    backwards = asked.of(decoder, [*range(N_CLIPS)][::-1])[::-1]
    alone = [asked.of(decoder, [i])[0] for i in range(N_CLIPS)]
    assert backwards == alone == expected[placement]


def test_steps_and_packed_prompts_never_wait_for_the_device(
    recognizer: loading.OpenModel, asked: Asked
) -> None:
    """A meta tensor has no values, so that reading one raises; and it does not mix with the CPU's."""
    meta = torch.device("meta")
    loop = DeviceDecoder(recognizer, Placement(meta, torch.bfloat16), asked.stop_ids, 4).loop
    with torch.inference_mode():
        room = loop._make_room(256)
        room.rows.load([Row(1, 5, 50)] * 3, 4)
        for _ in range(8):
            room.step(4, 256)
        prompts_of_two = torch.zeros(30, 160, dtype=torch.bfloat16, device=meta)
        assert loop.model.prefill_packed(prompts_of_two, [10, 20], room.cache, 1).device == meta
        with pytest.raises(NotImplementedError, match="meta"):
            room.rows.written(3, 8)  # a look is where the host waits


@pytest.mark.parametrize("looks", [1, 8])
def test_warming_up_a_graph_writes_nothing(
    recognizer: loading.OpenModel, asked: Asked, expected: dict[Placement, list[list[int]]], looks: int
) -> None:
    """CUDA runs a step some times before it is captured; the same is done here, and nothing is captured."""
    decoder = device_decoder(recognizer, asked, looks=looks)
    n_captured = 0

    def capture(work: Work) -> Work:
        nonlocal n_captured
        n_captured += 1
        for _ in range(captured_step.N_WARM_UPS):
            work()
        return work

    decoder.loop.capture = capture
    assert asked.of(decoder, [*range(N_CLIPS)]) == expected[FP32]
    assert 1 <= n_captured <= 4  # by sizes and widths, and not by steps


def test_a_budget_ends_an_answer_between_two_looks(
    recognizer: loading.OpenModel, asked: Asked, expected: dict[Placement, list[list[int]]]
) -> None:
    budgets = [1 + 5 * (i % 4) for i in range(N_CLIPS)]
    cut = asked.of(device_decoder(recognizer, asked), [*range(N_CLIPS)], budgets)
    assert cut == [row[:n] for row, n in zip(expected[FP32], budgets, strict=True)]
    assert asked.of(device_decoder(recognizer, asked), []) == []


def test_the_cache_stays_until_a_longer_prompt_comes(recognizer: loading.OpenModel, asked: Asked) -> None:
    decoder = device_decoder(recognizer, asked)
    asked.of(decoder, [0, 1], [5, 5])
    first = decoder.loop._room
    asked.of(decoder, [6, 3, 2], [20, 20, 20])
    assert decoder.loop._room is first
    asked.of(decoder, [6], [400])
    second = decoder.loop._room
    assert first is not None
    assert second is not None
    assert second.cache.n_tokens > first.cache.n_tokens == 256


def test_processors_see_every_token_of_every_row(recognizer: loading.OpenModel, asked: Asked) -> None:
    processors: list[LogitsProcessor] = [AllowedTags(asked.tags), RepetitionPenalty(1.3)]
    budgets = [40] * N_CLIPS
    answers = [
        tokens(decoder.write(asked.features, asked.ids, budgets, processors))
        for decoder in (
            LoopDecoder(recognizer, FP32, asked.stop_ids),
            device_decoder(recognizer, asked),
        )
    ]
    assert answers[0] == answers[1]
    assert answers[0] != asked.of(device_decoder(recognizer, asked), [*range(N_CLIPS)], budgets)


def test_the_posteriors_are_those_of_the_step_loop(recognizer: loading.OpenModel, asked: Asked) -> None:
    changing: list[LogitsProcessor] = [RepetitionPenalty(1.3)]
    for processors in ([], changing):
        here, there = (
            decoder.write(asked.features, asked.ids, [40] * N_CLIPS, processors)
            for decoder in (LoopDecoder(recognizer, FP32, asked.stop_ids), device_decoder(recognizer, asked))
        )
        for one, other in zip(here, there, strict=True):
            assert one.posteriors == pytest.approx(other.posteriors, abs=1e-4)
            assert len(one.posteriors) == len(one.tokens)


def test_prompts_in_one_pass_give_the_same_tokens(
    recognizer: loading.OpenModel, asked: Asked, expected: dict[Placement, list[list[int]]]
) -> None:
    """On a GPU they are packed; here the same pass runs with attention prompt by prompt."""
    decoder = device_decoder(recognizer, asked, n_rows=10)
    decoder.loop.most_packed_tokens = 400
    assert asked.of(decoder, [*range(N_CLIPS)]) == expected[FP32]


@pytest.mark.parametrize(("part", "call"), [("head", 1), ("embed", 12)])
def test_nan_is_an_error_and_does_not_stay(
    recognizer: loading.OpenModel,
    asked: Asked,
    expected: dict[Placement, list[list[int]]],
    part: str,
    call: int,
) -> None:
    """In the scores of a prompt; and in a step, whose keys and values lie in the cache afterwards."""
    decoder = device_decoder(recognizer, asked)
    whole, n_calls = getattr(decoder.loop, part), 0

    def damaged(rows: torch.Tensor) -> torch.Tensor:
        nonlocal n_calls
        n_calls += 1
        out: torch.Tensor = whole(rows) * (torch.nan if n_calls == call else 1.0)
        return out

    setattr(decoder.loop, part, damaged)
    with pytest.raises(NotFiniteError):
        asked.of(decoder, [*range(N_CLIPS)])
    assert asked.of(decoder, [*range(N_CLIPS)]) == expected[FP32]


def test_a_look_reaches_into_a_wider_cache(
    recognizer: loading.OpenModel,
    asked: Asked,
    expected: dict[Placement, list[list[int]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With narrow widths, rows pass the end of one in the middle of the steps between two looks."""
    monkeypatch.setattr(captured_step, "_WIDTH_STEP", 64)
    assert asked.of(device_decoder(recognizer, asked, looks=20), [*range(N_CLIPS)]) == expected[FP32]


def test_a_run_that_is_over_ends_at_the_next_look(recognizer: loading.OpenModel, asked: Asked) -> None:
    decoder, over = device_decoder(recognizer, asked), threading.Event()
    whole = decoder.loop.head

    def end(rows: torch.Tensor) -> torch.Tensor:
        over.set()
        return whole(rows)

    def work() -> None:
        stopping.stop_at(over)
        with pytest.raises(stopping.Stopped):
            asked.of(decoder, [*range(N_CLIPS)])

    decoder.loop.head = end
    with ThreadPoolExecutor(1) as worker:
        worker.submit(work).result()


def test_out_of_memory_halves_the_rows_and_frees_the_cache(
    recognizer: loading.OpenModel, asked: Asked, expected: dict[Placement, list[list[int]]]
) -> None:
    decoder = device_decoder(recognizer, asked)
    whole = decoder.loop.head

    def full(hidden: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    decoder.loop.head = full
    with pytest.raises(torch.OutOfMemoryError):
        asked.of(decoder, [*range(N_CLIPS)])
    assert decoder.loop._room is None
    assert decoder.loop.n_rows == 3
    decoder.loop.head = whole
    assert asked.of(decoder, [*range(N_CLIPS)]) == expected[FP32]


@pytest.mark.parametrize("most_packed_tokens", [0, 200, 10_000])
def test_the_aligner_s_scores_are_those_of_one_clip_at_a_time(
    audio: list[np.ndarray], most_packed_tokens: int
) -> None:
    aligner = opened(Kind.ALIGNER)
    builder = prompts.Prompts(aligner.tokenizer)
    features = [prompts.extract(aligner.extractor, samples) for samples in audio]
    ids = [builder.alignment(item.n_tokens, ALIGNED_TEXT[: 1 + i % 5]) for i, item in enumerate(features)]
    packed = DeviceClassifier(aligner, FP32)
    packed.most_packed_tokens = most_packed_tokens
    ours = packed.slot_scores(features, ids, builder.timestamp)
    theirs = LoopClassifier(aligner, FP32).slot_scores(features, ids, builder.timestamp)
    assert [len(part) for part in ours] == [2 * (1 + i % 5) for i in range(N_CLIPS)]
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
    assert packed.slot_scores([], [], builder.timestamp) == []


def test_only_the_engine_that_is_asked_for_takes_the_loop_to_a_gpu(recognizer: loading.OpenModel) -> None:
    """Without a GPU here: the choice, not the computation."""
    on_gpu = Placement(torch.device("cuda", 0), torch.bfloat16)
    assert not Setup(on_gpu).is_loop(recognizer)
    assert Setup(on_gpu, is_forced_loop=True).is_loop(recognizer)
    assert not Setup(FP32, is_plain=True).is_loop(recognizer)
    half = Placement(torch.device("cuda", 0), torch.float16)
    assert not Setup(half, is_forced_loop=True).is_loop(recognizer)


def test_the_loop_s_engine_gives_the_same_answers_on_a_cpu(audio: list[np.ndarray]) -> None:
    answers = [
        load(EngineOptions(model="demo", device="cpu", engine=name)).recognizer.recognize(
            audio[:4], DecodeOptions()
        )
        for name in ("qwen3", "qwen3-loop")
    ]
    assert answers[0] == answers[1]
    assert any(answer.text for answer in answers[0])
