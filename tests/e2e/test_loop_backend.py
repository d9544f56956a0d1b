"""Our own decoding loop against transformers' `generate`: the same tokens, whatever shares a step."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TypeVar

import numpy as np
import pytest
import torch

from qasr_cli.engines import device, load
from qasr_cli.engines.cpu import attention_kernel
from qasr_cli.engines.device import Placement
from qasr_cli.engines.layouts import Kind
from qasr_cli.engines.qwen3 import loading, prompts, token_budget
from qasr_cli.engines.qwen3.decoding import language_model
from qasr_cli.engines.qwen3.decoding.answer import Answer
from qasr_cli.engines.qwen3.decoding.kv_cache import CacheShape, KeyValueCache, round_up
from qasr_cli.engines.qwen3.decoding.language_model import Formats, LanguageModel
from qasr_cli.engines.qwen3.decoding.logits_processors import AllowedTags, LogitsProcessor, RepetitionPenalty
from qasr_cli.engines.qwen3.loop_backend import LoopClassifier, LoopDecoder, supports
from qasr_cli.engines.qwen3.tensors.checkpoint import Checkpoint
from qasr_cli.engines.qwen3.tensors.dense_linear import DenseLinear, RowwiseLinear
from qasr_cli.engines.qwen3.transformers_backend import TransformersClassifier, TransformersDecoder
from qasr_cli.errors import UsageError
from qasr_cli.options import DecodeOptions, EngineOptions
from tests import demo_pair, sentences
from tests.demo_pair import opened
from tests.this_cpu import HAS_BF16_PRODUCTS

CPU = torch.device("cpu")
FP32, BF16 = Placement(CPU, torch.float32), Placement(CPU, torch.bfloat16)
INT8 = device.place("cpu", "int8", 0)
Given = TypeVar("Given")
Asked = tuple[list[prompts.Features], list[list[int]]]
N_CLIPS, CLIP_SAMPLES = 16, 8 * 16_000
ALIGNED_TEXT = ["good", "morning", "everyone", "and", "welcome"]


@pytest.fixture(scope="module")
def recognizer() -> loading.OpenModel:
    return opened(Kind.RECOGNIZER)


@pytest.fixture(scope="module")
def audio(tmp_path_factory: pytest.TempPathFactory) -> list[np.ndarray]:
    """Clips of the talk of very different lengths, and two in which nobody speaks."""
    talk = demo_pair.talk(tmp_path_factory.mktemp("talk"))
    begins = range(0, (N_CLIPS - 2) * CLIP_SAMPLES, CLIP_SAMPLES)
    cuts = [talk[begin : begin + CLIP_SAMPLES * (1 + i % 8) // 8] for i, begin in enumerate(begins)]
    return [*cuts, np.zeros(9_000, np.float32), np.zeros(100, np.float32)]


@pytest.fixture(scope="module")
def asked(recognizer: loading.OpenModel, audio: list[np.ndarray]) -> Asked:
    features = [prompts.extract(recognizer.extractor, samples) for samples in audio]
    builder = prompts.Prompts(recognizer.tokenizer)
    return features, [builder.transcription(item.n_tokens, "", None) for item in features]


@pytest.fixture(scope="module")
def loop(recognizer: loading.OpenModel) -> LoopDecoder:
    return decoder(recognizer, FP32)


def decoder(recognizer: loading.OpenModel, placement: Placement) -> LoopDecoder:
    return LoopDecoder(recognizer, placement, prompts.Prompts(recognizer.tokenizer).stop_ids)


@pytest.fixture(params=["kernel", "pytorch"])
def attention(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Attention by LLVM's kernel, where llvmlite is installed, and without it."""
    if request.param == "kernel":
        pytest.importorskip("llvmlite", reason="without the extra `jit` there is no kernel")
    else:
        monkeypatch.setattr(attention_kernel, "find", lambda heads: None)
    return str(request.param)


def is_slow(placement: Placement) -> bool:
    """Whether this CPU computes a format in many small steps."""
    return placement is BF16 and not HAS_BF16_PRODUCTS


def some(given: list[Given], placement: Placement) -> list[Given]:
    """Return a half of what is given where all of it would take long."""
    return given[::2] if is_slow(placement) else given


def tokens(answers: list[Answer]) -> list[list[int]]:
    return [answer.tokens for answer in answers]


def until_stop(answers: list[list[int]], stop_ids: list[int]) -> list[list[int]]:
    return [row[: next((i for i, t in enumerate(row) if t in stop_ids), len(row))] for row in answers]


@pytest.mark.usefixtures("attention")
@pytest.mark.parametrize("placement", [FP32, BF16], ids=["fp32", "bf16"])
def test_the_loop_writes_the_tokens_of_generate(
    recognizer: loading.OpenModel, asked: Asked, placement: Placement
) -> None:
    features, ids = (some(part, placement) for part in asked)
    stop_ids = prompts.Prompts(recognizer.tokenizer).stop_ids
    plain = TransformersDecoder(recognizer, placement, stop_ids)
    # One at a time: in a batch transformers pads, and the last bit depends on the padding.
    theirs = [plain.write([item], [row], [150], [])[0] for item, row in zip(features, ids, strict=True)]
    ours = decoder(recognizer, placement).write(features, ids, [150] * len(ids), [])
    if is_slow(placement):
        ours, theirs = map(list, zip(*map(without_tie, ours, theirs), strict=True))
    assert until_stop(tokens(ours), stop_ids) == until_stop(tokens(theirs), stop_ids)
    assert sum(len(answer.tokens) > 5 for answer in ours) >= 0.75 * len(ours)


def without_tie(ours: Answer, theirs: Answer) -> tuple[Answer, Answer]:
    """Return two answers up to the first tie of two tokens that they break otherwise.

    Where a CPU has no products of bf16, torch rounds at other places in products of other shapes.
    """
    pairs = zip(ours.tokens, theirs.tokens, ours.posteriors, theirs.posteriors, strict=False)
    for place, (our_token, their_token, our_posterior, their_posterior) in enumerate(pairs):
        if our_token != their_token and abs(our_posterior - their_posterior) < 0.03:
            return replace(ours, tokens=ours.tokens[:place]), replace(theirs, tokens=theirs.tokens[:place])
    return ours, theirs


def test_posteriors_are_those_of_the_scores_of_generate(
    recognizer: loading.OpenModel, loop: LoopDecoder, asked: Asked
) -> None:
    """Compared with transformers' own log-probabilities of the same tokens, without and with processors."""
    features, ids = asked
    builder = prompts.Prompts(recognizer.tokenizer)
    plain = TransformersDecoder(recognizer, FP32, builder.stop_ids)
    changing: list[LogitsProcessor] = [AllowedTags(builder.language_tags(["Korean"])), RepetitionPenalty(1.3)]
    found = set()
    for processors in ([], changing):
        ours = loop.write(features, ids, [40] * N_CLIPS, processors)
        for answer, item, row in zip(ours[:4], features, ids, strict=False):
            theirs = plain.write([item], [row], [40], processors)[0]
            n = len(answer.tokens)
            assert answer.tokens == theirs.tokens[:n]
            assert answer.posteriors == pytest.approx(theirs.posteriors[:n], abs=1e-4)
            known = [*row, *answer.tokens[:-1]]
            embed = loop._model.embedding()
            hidden = loop._model.language_model.prefill(loop._model.embeddings(item, known, embed))[-n:]
            expected = loop._loop.head(hidden).log_softmax(-1).exp()[torch.arange(n), answer.tokens]
            assert answer.posteriors == pytest.approx(expected.tolist(), abs=1e-4)
        found |= {round(one, 2) for answer in ours for one in answer.posteriors}
    assert len(found) > 10


@pytest.mark.usefixtures("attention")
@pytest.mark.parametrize("placement", [FP32, BF16, INT8], ids=["fp32", "bf16", "int8"])
def test_an_answer_does_not_depend_on_what_else_is_asked(
    recognizer: loading.OpenModel, asked: Asked, placement: Placement
) -> None:
    features, ids = (some(part, placement) for part in asked)
    one = decoder(recognizer, placement)
    together = one.write(features, ids, [150] * len(ids), [])  # posteriors, too, to the last bit
    backwards = one.write(features[::-1], ids[::-1], [150] * len(ids), [])[::-1]
    alone = [one.write([item], [row], [150], [])[0] for item, row in zip(features, ids, strict=True)]
    assert together == backwards == alone


@pytest.fixture(scope="module")
def generated(
    recognizer: loading.OpenModel, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Asked, list[int], list[list[int]]]:
    """Every sentence of the samples with its token budget, and the tokens of transformers' `generate`."""
    audio = sentences.clips(tmp_path_factory.mktemp("clips"))
    assert len(audio) >= 200
    builder = prompts.Prompts(recognizer.tokenizer)
    features = [prompts.extract(recognizer.extractor, samples) for samples in audio]
    ids = [builder.transcription(item.n_tokens, "", None) for item in features]
    budgets = [token_budget.token_budget(len(samples)) for samples in audio]
    plain = TransformersDecoder(recognizer, FP32, builder.stop_ids)
    asked = zip(features, ids, budgets, strict=True)
    answers = [plain.write([one], [row], [n], [])[0].tokens for one, row, n in asked]
    return (features, ids), budgets, until_stop(answers, builder.stop_ids)


@pytest.mark.slow
def test_every_sentence_of_the_samples_has_the_tokens_of_generate(
    recognizer: loading.OpenModel, generated: tuple[Asked, list[int], list[list[int]]], attention: str
) -> None:
    """In fp32 all of them; other formats decide a near tie in another way, as bf16 does in transformers."""
    step = 1 if attention == "kernel" else 3  # where both are there, a third of them is computed twice
    (features, ids), budgets, theirs = generated
    features, ids, budgets, theirs = features[::step], ids[::step], budgets[::step], theirs[::step]
    stop_ids = prompts.Prompts(recognizer.tokenizer).stop_ids
    equal = {}
    for placement in (FP32, BF16, INT8):
        part = slice(None, None, 4 if is_slow(placement) else 1)
        answers = decoder(recognizer, placement).write(features[part], ids[part], budgets[part], [])
        ours = until_stop(tokens(answers), stop_ids)
        equal[placement] = np.mean([one == other for one, other in zip(ours, theirs[part], strict=True)])
    assert equal[FP32] == 1
    assert equal[BF16] >= 0.95
    assert equal[INT8] >= 0.95


def test_an_answer_ends_with_a_stop_token_or_with_its_budget(loop: LoopDecoder, asked: Asked) -> None:
    features, ids = asked
    whole = tokens(loop.write(features, ids, [150] * N_CLIPS, []))
    budgets = [1 + 5 * (i % 4) for i in range(N_CLIPS)]
    cut = tokens(loop.write(features, ids, budgets, []))
    assert cut == [row[:budget] for row, budget in zip(whole, budgets, strict=True)]
    assert loop.write([], [], [], []) == []


@pytest.mark.usefixtures("attention")
def test_scores_of_a_row_are_the_same_bits_in_every_company(recognizer: loading.OpenModel) -> None:
    """Rows of 1 to 16 in one step, at lengths that need other widths of the cache."""
    for formats in (Formats(torch.float32, torch.float32, CPU), Formats(torch.bfloat16, torch.bfloat16, CPU)):
        model = layers(recognizer, formats)
        generator = torch.Generator().manual_seed(3)
        prompt = torch.randn(16, 200, 160, generator=generator).to(formats.activation)
        steps = torch.randn(16, 160, generator=generator).to(formats.activation)
        lengths = [3 + 12 * i for i in range(16)]
        seen: dict[int, torch.Tensor] = {}
        with torch.inference_mode():
            for rows in ([5], [5, 0], [0, 5], [3, 4, 5], [5, 1, 2, 3], range(8), range(16)):
                cache = KeyValueCache(model.cache_shape, len(rows), 256, formats.cache, CPU)
                for place, row in enumerate(rows):
                    model.prefill(prompt[row, : lengths[row]], cache, place)
                positions = torch.tensor([lengths[row] for row in rows])
                hidden = model.step(steps[list(rows)], cache, positions, int(positions.max()) + 1)
                for row, value in zip(rows, hidden, strict=True):
                    assert torch.equal(seen.setdefault(row, value), value), (formats, list(rows), row)
        assert len(seen) == 16


@pytest.mark.usefixtures("attention")
def test_a_prompt_s_end_behind_its_begin_is_the_prompt(recognizer: loading.OpenModel) -> None:
    """And a draft behind it is computed as steps are: to the last bit, or near ties would be others."""
    for formats in (Formats(torch.float32, torch.float32, CPU), Formats(torch.bfloat16, torch.bfloat16, CPU)):
        model = layers(recognizer, formats)
        hidden = torch.randn(90, 160, generator=torch.Generator().manual_seed(3)).to(formats.activation)
        cache = KeyValueCache(model.cache_shape, 3, 128, formats.cache, CPU)
        with torch.inference_mode():
            whole = model.prefill(hidden[:70], cache, 0)
            cache.write_prefix(1, cache.copy_prefix(0, 40))
            end = model.extend(hidden[40:70], cache, 1, 40)
            atol = 1e-5 if formats.activation == torch.float32 else 0.1
            torch.testing.assert_close(end, whole[-1:], rtol=0, atol=atol)
            draft = model.extend(hidden[40:], cache, 1, 40, 20)
            torch.testing.assert_close(draft[:1], end, rtol=0, atol=atol)
            model.extend(hidden[40:70], cache, 0, 40)
            for n in range(20):
                stepped = model.step(hidden[70 + n : 71 + n], cache, torch.tensor([70 + n]), 71 + n)
                assert torch.equal(stepped[0], draft[1 + n]), (formats, n)


def test_a_row_of_a_wide_layer_is_the_same_bits_whatever_threads_share() -> None:
    """Threads that shared 22 rows of 6,144 numbers, as the 1.7B model has, parted them inside a vector."""
    rows = 4 * torch.randn(32, 2 * 6144, generator=torch.Generator().manual_seed(0))
    n_threads = torch.get_num_threads()
    try:
        for n in (5, 6, 7):
            torch.set_num_threads(n)
            alone = torch.cat([language_model.swiglu(row[None]) for row in rows])
            for n_rows in range(2, 33):
                assert torch.equal(language_model.swiglu(rows[:n_rows]), alone[:n_rows]), (n, n_rows)
    finally:
        torch.set_num_threads(n_threads)
    gate, up = rows.chunk(2, dim=-1)
    assert torch.allclose(
        language_model.swiglu(rows), torch.nn.functional.silu(gate) * up, rtol=1e-5, atol=1e-6
    )


def layers(recognizer: loading.OpenModel, formats: Formats) -> LanguageModel:
    checkpoint = Checkpoint(recognizer.stored, recognizer.layout)
    products = language_model.products(recognizer.config.text_config.num_hidden_layers)

    def linear(name: str) -> RowwiseLinear:
        weight = torch.cat([checkpoint.tensor(part) for part in products[name]])
        return RowwiseLinear(DenseLinear(weight.to(formats.activation), is_packed=True), formats.activation)

    return LanguageModel(
        recognizer.config.text_config,
        checkpoint.tensor,
        linear,
        lambda n_positions: loading.rotary_angles(recognizer.config.text_config, n_positions),
        formats,
    )


def test_a_row_that_moves_keeps_its_keys_and_values() -> None:
    shape = CacheShape(n_layers=2, n_heads=3, head_dim=4)
    cache = KeyValueCache(shape, 3, 70, torch.float32, CPU)
    assert cache.keys.shape[3] == round_up(70) == 128
    assert not cache.keys.any()
    keys = torch.randn(3, 5, 4)
    cache.write_prompt(1, 2, keys, -keys)
    cache.copy_row(2, 0, 5)
    assert torch.equal(cache.keys[1, 0, :, :5], keys)
    assert torch.equal(cache.values[1, 0, :, :5], -keys)
    assert not cache.keys[0, 0].any()


def test_the_aligner_s_scores_are_transformers_own(audio: list[np.ndarray]) -> None:
    aligner = opened(Kind.ALIGNER)
    builder = prompts.Prompts(aligner.tokenizer)
    features = [prompts.extract(aligner.extractor, samples) for samples in audio[:8]]
    ids = [builder.alignment(item.n_tokens, ALIGNED_TEXT[: 1 + i % 5]) for i, item in enumerate(features)]
    theirs = TransformersClassifier(aligner, FP32, builder.stop_ids[-1]).slot_scores(
        features, ids, builder.timestamp
    )
    ours = LoopClassifier(aligner, FP32).slot_scores(features, ids, builder.timestamp)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
    bf16 = LoopClassifier(aligner, BF16).slot_scores(features, ids, builder.timestamp)
    difference = torch.cat(
        [one.argmax(-1) - other.argmax(-1) for one, other in zip(bf16, theirs, strict=True)]
    )
    assert (difference.abs() <= 1).float().mean() >= 0.95


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("hidden_act", "gelu"),
        ("attention_bias", True),
        ("layer_types", ["sliding_attention"] * 5),
        ("rope_parameters", {"rope_type": "linear", "factor": 2.0, "rope_theta": 10_000.0}),
    ],
)
def test_another_architecture_is_left_to_transformers(
    recognizer: loading.OpenModel, key: str, value: object
) -> None:
    config = copy.deepcopy(recognizer.config)
    assert supports(config, FP32)
    setattr(config.text_config, key, value)
    assert not supports(config, FP32)


def test_fp16_is_left_to_transformers(recognizer: loading.OpenModel) -> None:
    assert not supports(recognizer.config, Placement(CPU, torch.float16))


def test_the_plain_engine_gives_the_same_answers(audio: list[np.ndarray]) -> None:
    answers = [
        load(EngineOptions(model="demo", device="cpu", engine=engine)).recognizer.recognize(
            audio[:6], DecodeOptions(languages=("en", "ko"), repetition_penalty=1.1)
        )
        for engine in ("qwen3", "qwen3-generate")
    ]
    assert answers[0] == answers[1]
    assert any(answer.text for answer in answers[0])


def test_8_bits_are_the_loop_s_alone() -> None:
    options = EngineOptions(model="demo", aligner="none", device="cpu", dtype="int8")
    assert load(options).engines.device == f"cpu int8 and {str(INT8.dtype).removeprefix('torch.')}"
    with pytest.raises(UsageError, match="--dtype int8"):
        load(replace(options, engine="qwen3-generate"))
