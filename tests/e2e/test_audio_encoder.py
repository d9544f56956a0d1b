"""The audio encoder against transformers' classes, on the demo pair's weights and at the real widths."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from torch.nn.attention.varlen import varlen_attn

from qasr_cli.engines import device, model_store
from qasr_cli.engines.layouts import Kind
from qasr_cli.engines.qwen3 import loading, prompts
from qasr_cli.engines.qwen3.audio import conv_front_end, encoder, window_attention
from qasr_cli.engines.qwen3.audio.conv_front_end import KnownBlocks
from qasr_cli.engines.qwen3.audio.encoder import AudioEncoder
from qasr_cli.engines.qwen3.tensors.dense_linear import DenseLinear, can_pack
from tests.e2e.conftest import SAMPLES
from tests.model_folders import Shape, write_random
from tests.this_cpu import HAS_BF16_PRODUCTS, skip_if_amx

# One frame, the shortest chunk, each side of a block of 100 and of a window of 800, several windows.
FRAMES = (1, 8, 9, 50, 97, 99, 100, 101, 108, 500, 799, 800, 801, 896, 1600, 1601, 3000)
TYPES = (torch.float32, torch.bfloat16)
WIDE = Shape(encoder=(1, 896, 14, 3584), text=(1, 64, 64, 4, 2, 16), channels=480, n_words=4096)


def stored(location: str | Path) -> model_store.StoredModel:
    found = model_store.find(str(location))
    assert found is not None
    return found


@dataclass(frozen=True)
class Loaded:
    """transformers' model and its feature extractor."""

    model: Any
    extractor: Any


def load(kind: Kind, location: str | Path, dtype: torch.dtype) -> Loaded:
    opened = loading.open_model(kind, stored(location))
    placement = device.Placement(torch.device("cpu"), dtype)
    return Loaded(loading.read_weights(opened, placement), opened.extractor)


DEMO = {
    Kind.RECOGNIZER: model_store.recognizer_location("demo"),
    Kind.ALIGNER: str(model_store.aligner_location("auto", "demo")),
}


def made_of(loaded: Loaded, dtype: torch.dtype, is_packed: bool = True) -> AudioEncoder:
    weights = loaded.model.state_dict()
    return AudioEncoder(loaded.model.config.audio_config, weights.__getitem__, dtype, is_packed=is_packed)


def noise(n_frames: int, seed: int = 0) -> prompts.Features:
    """Return features like those of speech: white noise within their range, padded with 0."""
    mel = torch.zeros(128, -(-n_frames // 100) * 100)
    mel[:, :n_frames] = torch.rand(128, n_frames, generator=torch.Generator().manual_seed(seed)) * 2 - 0.5
    return prompts.Features(mel, n_frames)


@torch.inference_mode()
def reference(loaded: Loaded, item: prompts.Features) -> torch.Tensor:
    """Return what transformers' classes compute of a clip that is alone."""
    mel, mask = prompts.stack([item])
    out = loaded.model.model.get_audio_features(mel.to(loaded.model.dtype), mask, return_dict=True)
    embeddings: torch.Tensor = out.pooler_output
    return embeddings


def cosine(one: torch.Tensor, other: torch.Tensor) -> float:
    return float(torch.cosine_similarity(one.double().flatten(), other.double().flatten(), 0))


def difference(one: torch.Tensor, other: torch.Tensor) -> float:
    """Return the largest difference, as a share of the largest value where that is above 1."""
    return float((one - other).abs().max() / max(1.0, float(other.abs().max())))


@pytest.fixture(scope="module", params=list(Kind))
def demo(request: pytest.FixtureRequest) -> Loaded:
    return load(request.param, DEMO[request.param], torch.float32)


@pytest.fixture(scope="module")
def speech() -> list[np.ndarray]:
    paths = sorted((SAMPLES / "clips").glob("*.wav")) + sorted((SAMPLES / "clips").glob("*.flac"))
    assert len(paths) == 4
    return [soundfile.read(path, dtype="float32")[0] for path in paths]


@pytest.mark.parametrize("is_packed", [True, False])
def test_a_clip_is_what_transformers_computes(demo: Loaded, is_packed: bool) -> None:
    ours = made_of(demo, torch.float32, is_packed)
    for n_frames in FRAMES:
        item = noise(n_frames)
        theirs, found = reference(demo, item), ours.encode(item.mel, item.n_frames)
        assert found.shape == theirs.shape == (item.n_tokens, demo.model.config.text_config.hidden_size)
        assert difference(found, theirs) <= 1e-5, n_frames


def test_speech_is_what_transformers_computes(demo: Loaded, speech: list[np.ndarray]) -> None:
    ours = made_of(demo, torch.float32)
    for samples in speech:
        item = prompts.extract(demo.extractor, samples)
        theirs = reference(demo, item)
        found = ours.encode(item.mel, item.n_frames)
        assert difference(found, theirs) <= 1e-5


@pytest.mark.parametrize("kind", list(Kind))
def test_bf16_is_as_close_to_fp32_as_transformers_bf16(kind: Kind, speech: list[np.ndarray]) -> None:
    exact, rounded = (load(kind, DEMO[kind], dtype) for dtype in TYPES)
    ours = made_of(rounded, torch.bfloat16)
    errors = []
    for samples in speech:
        item = prompts.extract(exact.extractor, samples)
        truth, theirs = reference(exact, item), reference(rounded, item)
        found = ours.encode(item.mel, item.n_frames)
        assert found.dtype == torch.bfloat16
        assert cosine(found, truth) >= 0.9999
        errors.append([float((one.float() - truth).square().mean()) for one in (found, theirs)])
    assert np.mean([error for error, _ in errors]) <= 1.1 * np.mean([error for _, error in errors])


@pytest.mark.parametrize("dtype", TYPES)
def test_the_real_widths(tmp_path: Path, dtype: torch.dtype) -> None:
    loaded = load(Kind.RECOGNIZER, write_random(tmp_path / "wide", Kind.RECOGNIZER, WIDE), dtype)
    ours = made_of(loaded, dtype)
    is_fast = dtype == torch.float32 or HAS_BF16_PRODUCTS  # otherwise the longer one takes half a minute
    for n_frames in (57, 830) if is_fast else (57,):
        item = noise(n_frames)
        theirs, found = reference(loaded, item), ours.encode(item.mel, item.n_frames)
        if dtype == torch.float32:
            assert difference(found, theirs) <= 1e-5
        assert cosine(found, theirs) > 0.9999


@pytest.mark.parametrize("dtype", TYPES)
def test_many_clips_are_each_what_they_are_alone(demo: Loaded, dtype: torch.dtype) -> None:
    ours = made_of(demo, dtype)
    clips = [noise(n_frames, seed) for seed, n_frames in enumerate(FRAMES)]
    together = ours.encode_many(clips)
    assert [len(one) for one in together] == [item.n_tokens for item in clips]
    for item, found in zip(clips, together, strict=True):
        alone = ours.encode(item.mel, item.n_frames)
        if dtype == torch.float32:
            assert difference(found, alone) <= 1e-5, item.n_frames
        assert cosine(found, alone) > 0.9998  # on noise transformers' bf16 has 0.9998 and 0.9999 to its fp32
    assert ours.encode_many([]) == []


def test_the_mel_of_a_longer_neighbour_changes_no_bit(demo: Loaded) -> None:
    """A batch pads with zeros to its longest clip; the zeros are not computed."""
    ours, item = made_of(demo, torch.float32), noise(530)
    padded = torch.nn.functional.pad(item.mel, (0, 1400))
    assert torch.equal(ours.encode(item.mel, 530), ours.encode(padded, 530))
    many = (ours.encode_many([prompts.Features(mel, 530)])[0] for mel in (item.mel, padded))
    assert torch.equal(*many)


def test_slices_change_no_bit(demo: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    item, found = noise(3000), []
    for n_blocks in (1, 4, 512):
        monkeypatch.setattr(conv_front_end, "_CPU_BLOCKS_PER_SLICE", n_blocks)
        found.append(made_of(demo, torch.float32)._front_end.clip(item.mel, item.n_frames))
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[1], found[2])


@pytest.mark.parametrize("dtype", TYPES)
def test_known_blocks_change_no_bit(demo: Loaded, dtype: torch.dtype) -> None:
    """A clip that grows, is cut, has other features in one block, and then begins later."""
    if dtype is torch.bfloat16:
        skip_if_amx()
    front_end, item = made_of(demo, dtype)._front_end, noise(1130)
    other = item.mel.clone()
    other[5, 430] += 1
    known, n_convolved = KnownBlocks(), []
    convolve = front_end._full_blocks

    def counted(frames: torch.Tensor) -> torch.Tensor:
        n_convolved.append(len(frames) // 100)
        return convolve(frames)

    front_end._full_blocks = counted  # type: ignore[method-assign]
    for features, n_frames, begin in (
        (item.mel, 250, 0), (item.mel, 730, 0), (item.mel, 790, 0), (item.mel, 300, 0), (item.mel, 1000, 0),
        (other, 1000, 0), (other, 1130, 800), (other, 900, 700),
    ):  # fmt: skip
        part = features[:, begin:]
        known = known.behind(begin // 100)
        found = front_end.clip(part, n_frames - begin, known)
        n_steps = len(n_convolved)
        assert torch.equal(found, front_end.clip(part, n_frames - begin)), (n_frames, begin)
        del n_convolved[n_steps:]
    assert n_convolved == [2, 5, 7, 1, 1, 2]


@pytest.mark.parametrize(
    "field",
    [
        {"activation_function": "relu"}, {"activation_function": "gelu_new"}, {"scale_embedding": True},
        {"n_window": 100}, {"n_window_infer": 750}, {"n_window_infer": 0}, {"max_position_embeddings": 12},
        {"encoder_attention_heads": 3}, {"d_model": 2, "encoder_attention_heads": 1},
    ],
)  # fmt: skip
def test_an_odd_configuration_is_left_to_transformers(demo: Loaded, field: dict[str, object]) -> None:
    config = demo.model.config.audio_config
    assert encoder.supports(config)
    odd = SimpleNamespace(**(config.to_dict() | field))
    assert not encoder.supports(odd)
    with pytest.raises(ValueError, match="configuration"):
        AudioEncoder(odd, demo.model.state_dict().__getitem__, torch.float32)


@pytest.mark.parametrize(("n_padded", "n_frames"), [(530, 530), (500, 501), (100, 0)])
def test_a_mel_that_is_not_whole_blocks(demo: Loaded, n_padded: int, n_frames: int) -> None:
    ours = made_of(demo, torch.float32)
    mel = torch.zeros(128, n_padded)
    with pytest.raises(ValueError, match="whole blocks"):
        ours.encode(mel, n_frames)
    with pytest.raises(ValueError, match="whole blocks"):
        ours.encode_many([noise(100), prompts.Features(mel, n_frames)])


def test_positions_are_those_of_transformers(demo: Loaded) -> None:
    theirs = demo.model.model.audio_tower.positional_embedding.positional_embedding
    assert torch.equal(conv_front_end.sinusoids(*theirs.shape), theirs)


@pytest.mark.parametrize("activation", ["none", "gelu"])
@pytest.mark.parametrize("dtype", [*TYPES, torch.float16])
def test_a_packed_product_is_the_plain_one(dtype: torch.dtype, activation: Any) -> None:
    torch.manual_seed(0)
    weight, bias = torch.randn(96, 80).to(dtype), torch.randn(96).to(dtype)
    packed = DenseLinear(weight, bias, True, activation=activation)
    plain = DenseLinear(weight, bias, activation=activation)
    assert (plain.is_packed, packed.is_packed) == (False, can_pack(dtype))
    close = 1e-5 if dtype == torch.float32 else 0.02  # GELU sees the sum before it is rounded
    for n_rows in (1, 7, 130):
        rows = torch.randn(n_rows, 80).to(dtype)
        torch.testing.assert_close(packed(rows), plain(rows), atol=close, rtol=close)
    bare, rows = DenseLinear(weight, None, True), torch.randn(3, 80).to(dtype)
    torch.testing.assert_close(bare(rows), rows @ weight.T, atol=close, rtol=close)


def test_this_machine_has_onednn_in_fp32() -> None:
    """On a PC; without it the tests above compare the plain path with itself."""
    has_onednn = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    assert can_pack(torch.float32) == has_onednn
    assert not can_pack(torch.float16)
    assert not can_pack(torch.float32, "meta")


def test_windows_of_a_clip() -> None:
    assert window_attention.lengths(7, 104) == [7]
    assert window_attention.lengths(208, 104) == [104, 104]
    assert window_attention.lengths(209, 104) == [104, 104, 1]


def test_the_arguments_of_packed_attention_stand_where_torch_expects_them() -> None:
    """It runs on CUDA only: here its signature is all that can be compared."""
    names = list(inspect.signature(varlen_attn).parameters)
    assert names[:7] == ["query", "key", "value", "cu_seq_q", "cu_seq_k", "max_q", "max_k"]
