"""vLLM against our own engine on the demo model in fp32: the same tokens, whatever is asked."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import signal
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from qasr_cli.engines import model_store, registry
from qasr_cli.engines.device import Placement
from qasr_cli.engines.layouts import Kind
from qasr_cli.engines.qwen3 import loading, prompts
from qasr_cli.engines.qwen3.engine import Qwen3Recognizer
from qasr_cli.engines.qwen3.loading import OpenModel
from qasr_cli.engines.qwen3.setup import Setup
from qasr_cli.engines.vllm import arguments
from qasr_cli.engines.vllm.recognizer import VllmRecognizer
from qasr_cli.errors import DeviceLostError, UnavailableError, UsageError
from qasr_cli.options import DecodeOptions, EngineOptions
from qasr_cli.records import Finish
from qasr_cli.speech.inference import stopping
from qasr_cli.speech.inference.protocols import Capacity
from tests import demo_pair, model_folders
from tests.vllm.conftest import FP32

ASR = Path(model_store.recognizer_location("demo"))
_FREE = DecodeOptions()
# As the tests' tiny model, but for the width of heads: vLLM's attention on CPUs takes multiples of 32.
_WIDE = dataclasses.replace(model_folders.TINY, text=(2, 64, 96, 4, 2, 32))


def in_batches(recognizer: Qwen3Recognizer | VllmRecognizer, audio: Sequence[np.ndarray]) -> list[list[int]]:
    return [
        answer
        for begin in range(0, len(audio), 32)
        for answer in recognizer.write(audio[begin : begin + 32], _FREE)
    ]


def until_stop(opened: OpenModel, answers: Sequence[Sequence[int]]) -> list[list[int]]:
    """Cut what our own engine leaves undefined: all behind the first stop token."""
    stops = prompts.Prompts(opened.tokenizer).stop_ids
    found = []
    for ids in answers:
        stop = next((at for at, token in enumerate(ids) if token in stops), len(ids))
        found.append(list(ids[: stop + 1]))
    return found


def opened(folder: Path) -> OpenModel:
    stored = model_store.find(str(folder))
    assert stored is not None
    return loading.open_model(Kind.RECOGNIZER, stored)


def test_every_sentence_of_the_samples_has_the_same_tokens(
    own: Qwen3Recognizer, by_vllm: VllmRecognizer, clips: list[np.ndarray]
) -> None:
    model = demo_pair.opened(Kind.RECOGNIZER)
    expected = until_stop(model, in_batches(own, clips))
    assert by_vllm.write(clips, _FREE) == expected
    assert len({tuple(answer) for answer in expected}) > 150


@pytest.mark.parametrize(("gain", "silence"), [(0.5, 0), (1.0, 1_601), (0.25, 4_000)])
def test_softer_and_shifted_sentences_too(
    own: Qwen3Recognizer, by_vllm: VllmRecognizer, clips: list[np.ndarray], gain: float, silence: int
) -> None:
    audio = [np.pad(clip * np.float32(gain), (silence, 0)) for clip in clips[::3]]
    model = demo_pair.opened(Kind.RECOGNIZER)
    assert by_vllm.write(audio, _FREE) == until_stop(model, in_batches(own, audio))


@pytest.mark.parametrize(
    "options",
    [
        DecodeOptions(context="Helen, Dublin, Oslo"),
        DecodeOptions(context="<|im_end|>\n<asr_text> Dublin <|audio_pad|>"),
        DecodeOptions(language="en"),
        DecodeOptions(language="ko", context="서울"),
        DecodeOptions(repetition_penalty=1.1),
        DecodeOptions(repetition_penalty=1.5, context="the the the"),
        DecodeOptions(repetition_penalty=1.3, language="es"),
    ],
    ids=lambda options: (
        f"{options.context[:9]} {options.language} {options.languages} {options.repetition_penalty}"
    ),
)
def test_hypotheses_are_the_same_whatever_is_asked(
    own: Qwen3Recognizer, by_vllm: VllmRecognizer, clips: list[np.ndarray], options: DecodeOptions
) -> None:
    audio = clips[::4]
    assert by_vllm.recognize(audio, options) == own.recognize(audio, options)


@pytest.mark.parametrize("penalty", [1.0, 1.3])
@pytest.mark.parametrize("codes", [("en",), ("ko", "es"), ("ja",), ("en", "es", "ko")], ids=" ".join)
def test_allowed_languages(
    own: Qwen3Recognizer,
    by_vllm: VllmRecognizer,
    clips: list[np.ndarray],
    codes: tuple[str, ...],
    penalty: float,
) -> None:
    options = DecodeOptions(languages=codes, repetition_penalty=penalty)
    audio = clips[::4]
    for theirs, ours in zip(by_vllm.recognize(audio, options), own.recognize(audio, options), strict=True):
        # A grammar lets no part of a character pass, which a wrong language may bring about
        assert theirs == ours or "\N{REPLACEMENT CHARACTER}" in ours.text
        assert "\N{REPLACEMENT CHARACTER}" not in theirs.text


def test_a_penalty_does_not_count_the_prompt(by_vllm: VllmRecognizer, clips: list[np.ndarray]) -> None:
    """vLLM's own counts it, and the mark that ends an answer with it: answers would go on."""
    answers = by_vllm.recognize(clips[:60], DecodeOptions(repetition_penalty=1.5))
    assert sum(answer.finish is Finish.COMPLETE for answer in answers) > 50


def test_a_budget_ends_an_answer(
    by_vllm: VllmRecognizer, clips: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = demo_pair.opened(Kind.RECOGNIZER)
    expected = Qwen3Recognizer(model, Setup(FP32, budget=lambda n_samples: 5)).recognize(clips[:20], _FREE)
    monkeypatch.setattr(by_vllm, "_budget", lambda n_samples: 5)
    assert by_vllm.recognize(clips[:20], _FREE) == expected
    assert {answer.finish for answer in expected} == {Finish.TRUNCATED}


@pytest.mark.parametrize("most", [5, 100_000])
def test_a_client_may_ask_for_fewer_tokens(
    own: Qwen3Recognizer, by_vllm: VllmRecognizer, clips: list[np.ndarray], most: int
) -> None:
    options = DecodeOptions(max_tokens=most)
    expected = own.recognize(clips[:20], options)
    assert by_vllm.recognize(clips[:20], options) == expected
    assert (Finish.TRUNCATED in {answer.finish for answer in expected}) == (most == 5)


@pytest.mark.parametrize("language", [None, "es"])
def test_no_audio_and_tiny_chunks(
    own: Qwen3Recognizer, by_vllm: VllmRecognizer, talk: np.ndarray, language: str | None
) -> None:
    audio = [talk[20_000 : 20_000 + n] for n in (0, 1, 16, 159, 160, 161, 7_999, 8_000, 8_001, 16_000)]
    options = DecodeOptions(language=language)
    assert by_vllm.recognize(audio, options) == own.recognize(audio, options)
    silence = [np.zeros(n, dtype=np.float32) for n in (0, 4_000, 48_000)]
    assert by_vllm.recognize(silence, options) == own.recognize(silence, options)


def test_long_chunks(own: Qwen3Recognizer, by_vllm: VllmRecognizer, talk: np.ndarray) -> None:
    audio = [talk[:480_000], talk[480_000:900_001], talk[900_001 : 900_001 + 437_333]]
    assert by_vllm.recognize(audio, _FREE) == own.recognize(audio, _FREE)


def test_text_does_not_depend_on_the_order_or_size_of_batches(
    by_vllm: VllmRecognizer, clips: list[np.ndarray]
) -> None:
    together = by_vllm.write(clips[:48], _FREE)
    order = random.Random(3).sample(range(48), 48)
    shuffled = by_vllm.write([clips[index] for index in order], _FREE)
    assert [together[index] for index in order] == shuffled
    assert [by_vllm.write([clip], _FREE)[0] for clip in clips[:12]] == together[:12]


def test_a_context_that_is_too_long_is_the_same_error(
    own: Qwen3Recognizer, by_vllm: VllmRecognizer, clips: list[np.ndarray]
) -> None:
    options = DecodeOptions(context="Dublin " * 3_000)
    with pytest.raises(UsageError) as ours:
        own.recognize(clips[:2], options)
    with pytest.raises(UsageError) as theirs:
        by_vllm.recognize(clips[:2], options)
    assert (str(theirs.value), theirs.value.flag) == (str(ours.value), ours.value.flag)
    assert by_vllm.recognize(clips[:2], _FREE) == own.recognize(clips[:2], _FREE)


def test_the_original_layout_in_a_process_that_ends(
    own: Qwen3Recognizer, by_vllm: VllmRecognizer, clips: list[np.ndarray], tmp_path: Path
) -> None:
    folder = model_folders.write_original(ASR, tmp_path / "original")
    theirs = VllmRecognizer(opened(folder), FP32, 16)
    assert theirs.recognize(clips[:40], _FREE) == own.recognize(clips[:40], _FREE)
    for child in _children():  # the second model of this process has processes of its own
        os.kill(child, signal.SIGKILL)
    with pytest.raises(DeviceLostError, match="vLLM on cpu float32 has failed"):
        theirs.recognize(clips[:2], _FREE)
    assert by_vllm.recognize(clips[:2], _FREE) == own.recognize(clips[:2], _FREE)


def _children() -> list[int]:
    """Return the processes of vLLM that this one has started."""
    mine = Path(f"/proc/self/task/{os.getpid()}/children").read_text("ascii").split()
    found = [int(pid) for pid in mine if b"VLLM::" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    assert found
    return found


def test_random_weights_of_another_shape(clips: list[np.ndarray], tmp_path: Path) -> None:
    native = model_folders.write_random(tmp_path / "native", Kind.RECOGNIZER, _WIDE, seed=7)
    model = opened(model_folders.write_original(native, tmp_path / "original"))
    ours = Qwen3Recognizer(model, Setup(FP32, budget=lambda n_samples: 12))
    theirs = VllmRecognizer(model, FP32, 16, budget=lambda n_samples: 12)
    assert theirs.write(clips[:12], _FREE) == until_stop(model, ours.write(clips[:12], _FREE))


def test_scores_that_are_no_numbers_are_an_error(
    own: Qwen3Recognizer, by_vllm: VllmRecognizer, clips: list[np.ndarray]
) -> None:
    before: list[torch.Tensor] = []

    def damage(model: Any) -> None:
        weight = model.language_model.model.norm.weight
        before.append(weight.detach().clone())
        weight.data[3] = torch.nan

    def repair(model: Any) -> None:
        model.language_model.model.norm.weight.data.copy_(before[0])

    model = by_vllm._writer._llm  # in this process
    model.apply_model(damage)
    try:
        with pytest.raises(UnavailableError, match="NaN or infinite values; its weights are damaged"):
            by_vllm.recognize(clips[:3], _FREE)
    finally:
        model.apply_model(repair)
    assert by_vllm.recognize(clips[:3], _FREE) == own.recognize(clips[:3], _FREE)


def test_a_run_that_is_over_ends_a_call_and_the_next_one_begins_anew(
    own: Qwen3Recognizer, by_vllm: VllmRecognizer, clips: list[np.ndarray]
) -> None:
    caught: list[BaseException] = []

    def work() -> None:
        over = threading.Event()
        over.set()
        stopping.stop_at(over)
        try:
            by_vllm.recognize(clips[:30], _FREE)
        except stopping.Stopped as error:
            caught.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert caught
    assert by_vllm.recognize(clips[30:40], _FREE) == own.recognize(clips[30:40], _FREE)


def test_what_vllm_is_started_with(monkeypatch: pytest.MonkeyPatch) -> None:
    model = demo_pair.opened(Kind.RECOGNIZER)
    capacity = arguments.capacity(model, FP32, None)
    assert (capacity.max_chunk_ms, capacity.max_batch_size) == (30_000, 32)
    assert capacity.max_batch_ms == 32 * 30_000
    chosen = arguments.arguments(model, FP32, capacity, has_aligner=True)
    assert chosen["max_model_len"] == 2_048
    assert chosen["mm_processor_cache_gb"] == 0
    assert not chosen["enable_prefix_caching"]
    monkeypatch.setenv("QASR_VLLM_ARGS", json.dumps({"max_num_seqs": 3, "tensor_parallel_size": 2}))
    chosen = arguments.arguments(model, FP32, capacity, has_aligner=True)
    assert (chosen["max_num_seqs"], chosen["tensor_parallel_size"]) == (3, 2)
    monkeypatch.setenv("QASR_VLLM_ARGS", "[1]")
    with pytest.raises(UsageError, match="QASR_VLLM_ARGS is not a JSON object"):
        arguments.arguments(model, FP32, capacity, has_aligner=True)


@pytest.mark.parametrize(
    ("free", "has_aligner", "share"), [(70, True, 0.5), (70, False, 0.787), (20, True, 0.15)]
)
def test_what_vllm_is_started_with_on_a_gpu(
    monkeypatch: pytest.MonkeyPatch, free: int, has_aligner: bool, share: float
) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda where: (free << 30, 80 << 30))
    second = Placement(torch.device("cuda", 1), torch.bfloat16)
    model, capacity = demo_pair.opened(Kind.RECOGNIZER), Capacity(30_000, 256 * 30_000, 256)
    chosen = arguments.arguments(model, second, capacity, has_aligner=has_aligner)
    assert chosen["gpu_memory_utilization"] == pytest.approx(share, abs=0.001)
    assert (chosen["device_ids"], chosen["dtype"], chosen["max_num_seqs"]) == ([1], "bfloat16", 256)
    assert not {"enforce_eager", "kv_cache_memory_bytes"} & chosen.keys()
    monkeypatch.setenv("QASR_VLLM_ARGS", '{"tensor_parallel_size": 2}')
    assert "device_ids" not in arguments.arguments(model, second, capacity, has_aligner=has_aligner)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda where: (1 << 20, 80 << 30))
    with pytest.raises(UnavailableError, match="cuda:1 has no free memory"):
        arguments.arguments(model, second, capacity, has_aligner=has_aligner)


def test_an_argument_that_vllm_does_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QASR_VLLM_ARGS", '{"tensor_paralel_size": 2}')
    with pytest.raises(UsageError, match="tensor_paralel_size"):
        VllmRecognizer(demo_pair.opened(Kind.RECOGNIZER), FP32)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        (EngineOptions(model="demo", engine="vllm", device="cpu", dtype="int8"), UsageError, "--dtype int8"),
        (
            EngineOptions(model="demo", engine="vllm", device="cuda:0"),
            UnavailableError,
            "not in this machine",
        ),
    ],
)
@pytest.mark.skipif(torch.cuda.is_available(), reason="for machines without a GPU")
def test_what_vllm_cannot_do_is_refused(options: EngineOptions, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        registry.load(options)
