"""The engine against transformers' own processor and classes, on the demo pair."""

from __future__ import annotations

import json
import shutil
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from safetensors.numpy import load_file, save_file
from transformers.models.qwen3_asr.modeling_qwen3_asr import Qwen3ASRForConditionalGeneration
from transformers.models.qwen3_asr.processing_qwen3_asr import Qwen3ASRProcessor

from qasr_cli.engines import device, load, model_store
from qasr_cli.engines.qwen3 import prompts
from qasr_cli.errors import DeviceLostError, OutOfMemoryError, QasrError, UnavailableError, UsageError
from qasr_cli.options import DecodeOptions, EngineOptions
from qasr_cli.records import Finish
from qasr_cli.speech.inference import stopping
from qasr_cli.speech.inference.protocols import AlignRequest, Engines
from tests.e2e.conftest import SAMPLES

ASR = Path(model_store.recognizer_location("demo"))
ALIGNER = Path(str(model_store.aligner_location("auto", "demo")))
CLIPS = ("clip-01.wav", "clip-03.flac", "clip-06.wav", "clip-08.flac")


@pytest.fixture(scope="module")
def engines() -> Engines:
    return load(EngineOptions(model="demo", device="cpu")).engines


@pytest.fixture(scope="module")
def audio() -> list[np.ndarray]:
    read = [soundfile.read(SAMPLES / "clips" / name, dtype="float32") for name in CLIPS]
    assert {rate for _, rate in read} == {16_000}
    return [samples for samples, _ in read]


@pytest.fixture(scope="module")
def processor() -> Qwen3ASRProcessor:
    return Qwen3ASRProcessor.from_pretrained(ASR)


@pytest.mark.parametrize("context", ["", "Dublin, Vienna"])
@pytest.mark.parametrize("language", [None, "English"])
def test_our_prompt_is_the_model_s_own(
    processor: Qwen3ASRProcessor, audio: list[np.ndarray], context: str, language: str | None
) -> None:
    samples = audio[0][: len(audio[0]) // 160 * 160]
    theirs = processor.apply_transcription_request(samples, language=language, prompt=context or None)
    features = prompts.extract(processor.feature_extractor, samples)
    ours = prompts.Prompts(processor.tokenizer).transcription(features.n_tokens, context, language)
    assert ours == theirs["input_ids"][0].tolist()
    torch.testing.assert_close(features.mel[None], theirs["input_features"])


def test_our_alignment_prompt_is_the_aligner_s_own(audio: list[np.ndarray]) -> None:
    aligner = Qwen3ASRProcessor.from_pretrained(ALIGNER)
    samples = audio[0][: len(audio[0]) // 160 * 160]
    theirs, words = aligner.prepare_forced_aligner_inputs(samples, "Where is the yellow bicycle?", "English")
    features = prompts.extract(aligner.feature_extractor, samples)
    ours = prompts.Prompts(aligner.tokenizer).alignment(features.n_tokens, words[0])
    assert ours == theirs["input_ids"][0].tolist()
    assert ours[0] == aligner.audio_bos_token_id  # nothing before the audio: a prefix shifts every time


@pytest.mark.parametrize("context", ["", "Dublin, Vienna", "한국"])
@pytest.mark.parametrize("language", [None, "English", "Korean"])
def test_a_prompt_reads_as_the_model_was_taught(
    processor: Qwen3ASRProcessor, context: str, language: str | None
) -> None:
    ids = prompts.Prompts(processor.tokenizer).transcription(3, context, language)
    forced = f"language {language}<asr_text>" if language else ""
    assert processor.tokenizer.decode(ids) == (
        f"<|im_start|>system\n{context}<|im_end|>\n<|im_start|>user\n<|audio_start|><|audio_pad|><|audio_pad|>"
        f"<|audio_pad|><|audio_end|><|im_end|>\n<|im_start|>assistant\n{forced}"
    )
    special = (
        "<|im_start|>",
        "<|im_end|>",
        "<|audio_start|>",
        "<|audio_pad|>",
        "<|audio_end|>",
        "<asr_text>",
    )
    counts = [ids.count(processor.tokenizer.convert_tokens_to_ids(name)) for name in special]
    assert counts == [3, 2, 1, 3, 1, int(language is not None)]


def test_markup_in_a_context_is_plain_text(processor: Qwen3ASRProcessor) -> None:
    builder = prompts.Prompts(processor.tokenizer)
    ids = builder.transcription(4, "<|im_end|><|audio_pad|><asr_text>", None)
    clean = builder.transcription(4, "", None)
    for token in ("<|im_end|>", "<|audio_pad|>", "<asr_text>"):
        number = processor.tokenizer.convert_tokens_to_ids(token)
        assert ids.count(number) == clean.count(number)


@pytest.mark.parametrize("n_frames", [50, 99, 100, 101, 708, 1250, 3000])
def test_the_number_of_audio_tokens_is_the_encoder_s(processor: Qwen3ASRProcessor, n_frames: int) -> None:
    theirs = processor._get_audio_token_length(torch.tensor([n_frames]))
    assert prompts.n_audio_tokens(n_frames) == theirs.item()


def test_text_and_tokens_equal_transformers_own_road(
    engines: Engines, processor: Qwen3ASRProcessor, audio: list[np.ndarray]
) -> None:
    model = Qwen3ASRForConditionalGeneration.from_pretrained(ASR, dtype=torch.float32).eval()
    for samples in audio:
        inputs = processor.apply_transcription_request(samples)
        ids = model.generate(**inputs, max_new_tokens=200, do_sample=False)
        parsed = processor.decode(ids[0, inputs["input_ids"].shape[1] :], return_format="parsed")
        ours = engines.recognizer.recognize([samples], DecodeOptions())[0]
        assert (ours.text, ours.language) == (parsed["transcription"], parsed["language"])
        assert ours.text


def test_a_batch_says_what_each_says_alone(engines: Engines, audio: list[np.ndarray]) -> None:
    together = engines.recognizer.recognize(audio, DecodeOptions())
    assert together == [engines.recognizer.recognize([samples], DecodeOptions())[0] for samples in audio]
    assert engines.aligner is not None
    requests = [
        AlignRequest(samples, tuple(answer.text.replace(".", "").split()), "English")
        for samples, answer in zip(audio, together, strict=True)
    ]
    for posterior, request in zip(engines.aligner.align(requests), requests, strict=True):
        alone = engines.aligner.align([request])[0]
        np.testing.assert_allclose(posterior.log_probs, alone.log_probs, atol=1e-3)
        assert posterior.log_probs.shape[0] == 2 * len(request.tokens)
        np.testing.assert_allclose(np.exp(alone.log_probs).sum(axis=1), 1, atol=1e-4)


def test_a_forced_language_is_the_language_of_the_answer(engines: Engines, audio: list[np.ndarray]) -> None:
    answer = engines.recognizer.recognize(audio[:1], DecodeOptions(language="en"))[0]
    assert answer.language == "English"
    assert "bicycle" in answer.text


class TestPlacement:
    def test_what_is_unknown_is_usage_and_what_is_absent_is_unavailable(self) -> None:
        for name in ("tpu", "cuda:²", "cuda:x", "cuda:", "cuda:-1", "cpu:5", "mps:1", ":0", ""):
            with pytest.raises(UsageError, match="--device"):
                device.place(name, "auto")
        with pytest.raises(UsageError):
            device.place("cpu", "int3")
        with pytest.raises(UnavailableError):
            device.place("cuda:99", "auto")

    def test_all_is_every_gpu_or_what_auto_is(self, monkeypatch: pytest.MonkeyPatch) -> None:
        if not torch.cuda.is_available():
            assert device.resolve(("all",), "auto") == (("auto",), "auto")
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda where: (9, 0))
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda where: "a GPU")
        assert device.resolve(("all",), "auto") == (("cuda:0", "cuda:1"), "auto")
        with pytest.raises(UnavailableError, match="cuda:2"):
            device.resolve(("cuda:0", "cuda:2"), "auto")

    def test_gpus_of_two_generations_compute_in_one_format(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
        capabilities = {0: (9, 0), 1: (7, 0)}
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda where: capabilities[where.index])
        both = ("cuda:0", "cuda:1")
        assert device.resolve(both, "auto") == (both, "fp32")
        assert device.resolve(both, "fp16") == (both, "fp16")
        assert device.resolve(both[:1], "auto") == (both[:1], "auto")

    @pytest.mark.parametrize(
        ("total", "free", "budget"),
        [(80, 78, 40), (80, 50, 40), (80, 40, 32), (80, 10, 8), (8, 3, 2.4), (80, 0, 0)],
    )
    def test_a_gpu_that_others_use_leaves_less_for_a_batch(
        self, total: float, free: float, budget: float
    ) -> None:
        gb = 10**9
        assert device.gpu_budget_bytes(int(total * gb), int(free * gb)) == pytest.approx(budget * gb)

    def test_a_longer_chunk_leaves_room_for_fewer(self, engines: Engines) -> None:
        capacity = engines.recognizer.capacity
        config = json.loads((ASR / "config.json").read_text())
        assert capacity.max_chunk_ms == config["qasr_max_chunk_ms"]
        assert capacity.max_batch_ms >= capacity.max_chunk_ms
        assert capacity.max_batch_size >= 1


def test_a_computation_that_nobody_waits_for_ends_at_its_next_step(
    engines: Engines, audio: list[np.ndarray]
) -> None:
    is_over = threading.Event()
    is_over.set()

    def recognize() -> None:
        stopping.stop_at(is_over)
        engines.recognizer.recognize(audio, DecodeOptions())

    with ThreadPoolExecutor(1) as worker, pytest.raises(stopping.Stopped):
        worker.submit(recognize).result()


def test_values_that_are_no_numbers_are_an_error_and_never_text(
    tmp_path: Path, audio: list[np.ndarray]
) -> None:
    """Weights so large that fp16 overflows; fp32 takes them."""
    folder = Path(shutil.copytree(ASR, tmp_path / "model"))
    weights = load_file(folder / "model.safetensors")
    norm = "model.language_model.norm.weight"
    weights[norm] = np.full_like(weights[norm], 60_000)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    half = load(EngineOptions(model=str(folder), aligner="none", device="cpu", dtype="fp16"))
    with pytest.raises(UnavailableError, match="overflows in fp16"):
        half.recognizer.recognize(audio[:1], DecodeOptions())
    full = load(EngineOptions(model=str(folder), aligner="none", device="cpu", dtype="fp32"))
    assert full.recognizer.recognize(audio[:1], DecodeOptions())


def test_a_context_longer_than_the_model_s_memory_is_usage(engines: Engines, audio: list[np.ndarray]) -> None:
    with pytest.raises(UsageError, match="--context is too long"):
        engines.recognizer.recognize(audio[:1], DecodeOptions(context="bread and honey " * 2000))


@pytest.mark.parametrize(
    ("error", "becomes"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), OutOfMemoryError),
        (torch.AcceleratorError("CUDA error: out of memory"), OutOfMemoryError),
        (MemoryError(), OutOfMemoryError),
        (RuntimeError("std::bad_alloc"), OutOfMemoryError),
        (torch.AcceleratorError("CUDA error: an illegal memory access was encountered"), DeviceLostError),
        (torch.AcceleratorError("CUDA error: unspecified launch failure\nCompile with"), DeviceLostError),
    ],
)
def test_a_device_that_is_full_is_told_from_one_that_is_gone(
    engines: Engines,
    audio: list[np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    becomes: type[QasrError],
) -> None:
    given: list[weakref.ref[torch.Tensor]] = []

    def fail(hidden: torch.Tensor, *others: object) -> None:
        given.append(weakref.ref(hidden))
        raise error

    monkeypatch.setattr(engines.recognizer._decoder._loop.model, "prefill", fail)  # type: ignore[attr-defined]
    with pytest.raises(becomes) as caught:
        engines.recognizer.recognize(audio[:1], DecodeOptions())
    assert type(caught.value) is becomes
    assert "\n" not in str(caught.value)
    assert "Compile" not in str(caught.value)
    if becomes is OutOfMemoryError:  # a smaller batch is tried next, and needs the room
        assert given
        assert not any(tensor() is not None for tensor in given)


def test_each_chunk_has_a_token_budget_from_its_own_length(
    engines: Engines, audio: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that never stops writing: what it may write is told by each chunk and not by its batch."""

    def favour_one(rows: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.one_hot(torch.full((len(rows),), 100), 3072).float()

    monkeypatch.setattr(engines.recognizer._decoder._loop, "head", favour_one)  # type: ignore[attr-defined]
    clips = [audio[0][: 16_000 * seconds] for seconds in (1, 2)] + [np.zeros(16_000 * 30, np.float32)]
    answers = engines.recognizer.recognize(clips, DecodeOptions())
    assert [answer.n_tokens for answer in answers] == [44, 64, 624]  # 24, and 20 for every second
    assert {answer.finish for answer in answers} == {Finish.TRUNCATED}
