"""Loading: both layouts, at tiny and real shapes, and everything that must be refused before it is loaded."""

from __future__ import annotations

import json
import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from safetensors.numpy import load_file, save_file

from qasr_cli.engines import device, layouts, load, model_store, weights
from qasr_cli.engines.layouts import Kind
from qasr_cli.engines.qwen3 import loading
from qasr_cli.engines.qwen3.tensors.checkpoint import Checkpoint
from qasr_cli.errors import UnavailableError
from qasr_cli.options import DecodeOptions, EngineOptions
from qasr_cli.speech.inference.protocols import AlignRequest
from tests.e2e.conftest import SAMPLES, Qasr
from tests.model_folders import (
    REAL_ALIGNER,
    REAL_ASR_06B,
    REAL_ASR_17B,
    TINY,
    Shape,
    configuration,
    write_original,
    write_random,
)

ASR = Path(model_store.recognizer_location("demo"))
ALIGNER = Path(str(model_store.aligner_location("auto", "demo")))
CPU = device.Placement(torch.device("cpu"), torch.float32)


def checkpoint(folder: Path) -> model_store.StoredModel:
    found = model_store.find(str(folder))
    assert found is not None
    return found


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The demo pair in the official package's layout."""
    folder = tmp_path_factory.mktemp("original")
    return write_original(ASR, folder / "asr"), write_original(ALIGNER, folder / "aligner")


@pytest.mark.parametrize("kind", list(Kind))
def test_both_layouts_give_the_same_weights_bit_by_bit(tmp_path: Path, kind: Kind) -> None:
    native = write_random(tmp_path / "native", kind, TINY)
    theirs = loading.open_model(kind, checkpoint(write_original(native, tmp_path / "original")))
    ours = loading.open_model(kind, checkpoint(native))
    their_model, our_model = (loading.read_weights(opened, CPU) for opened in (theirs, ours))
    their_files, our_files = (Checkpoint(opened.stored, opened.layout) for opened in (theirs, ours))
    for (name, one), (other_name, other) in zip(
        our_model.state_dict().items(), their_model.state_dict().items(), strict=True
    ):
        assert name == other_name
        assert torch.equal(one, other), name
    written = load_file(native / "model.safetensors")
    for name, values in written.items():
        stored = torch.from_numpy(values)
        assert torch.equal(stored, our_model.state_dict()[name])
        for files in (our_files, their_files):
            assert torch.equal(stored, files.tensor(name))
            assert torch.equal(stored, files.mapped(name))
    if kind is Kind.RECOGNIZER:
        assert their_model.lm_head.weight is their_model.get_input_embeddings().weight
    assert ours.config.text_config.rope_parameters == theirs.config.text_config.rope_parameters
    assert theirs.tokenizer.get_vocab() == ours.tokenizer.get_vocab()


def test_the_demo_pair_says_the_same_in_both_layouts(original: tuple[Path, Path]) -> None:
    audio = [
        soundfile.read(SAMPLES / "clips" / name, dtype="float32")[0]
        for name in ("clip-01.wav", "clip-08.flac")
    ]
    native = load(EngineOptions(model="demo", device="cpu"))
    other = load(EngineOptions(model=str(original[0]), aligner=str(original[1]), device="cpu"))
    heard = native.recognizer.recognize(audio, DecodeOptions())
    assert heard == other.recognizer.recognize(audio, DecodeOptions())
    assert native.recognizer.capacity == other.recognizer.capacity
    assert native.aligner is not None
    assert other.aligner is not None
    requests = [AlignRequest(audio[0], tuple(heard[0].text.strip("?").split()), "English")]
    ours, theirs = native.aligner.align(requests)[0], other.aligner.align(requests)[0]
    np.testing.assert_array_equal(ours.log_probs, theirs.log_probs)
    assert ours.bin_ms == theirs.bin_ms


def test_subtitles_are_byte_equal_in_both_layouts(
    original: tuple[Path, Path], demo_samples: Path, qasr: Qasr, tmp_path: Path
) -> None:
    model = ("--model", original[0], "--aligner", original[1])
    result = qasr("transcribe", SAMPLES / "clips", "--srt", "--vtt", "-o", tmp_path / "out", *model)
    assert result.returncode == 0, result.stderr
    written = sorted(path.name for path in (tmp_path / "out").iterdir() if path.is_file())
    assert len(written) == 20
    for name in written:
        assert (tmp_path / "out" / name).read_bytes() == (demo_samples / "clips" / name).read_bytes(), name


@pytest.mark.parametrize(
    ("kind", "shape", "n_parameters"),
    [
        (Kind.RECOGNIZER, REAL_ASR_06B, 782_426_112),
        (Kind.RECOGNIZER, REAL_ASR_17B, 2_038_052_480),
        (Kind.ALIGNER, REAL_ALIGNER, 917_728_896),
    ],
    ids=["0.6b", "1.7b", "aligner"],
)
@pytest.mark.parametrize("is_original", [False, True], ids=["native", "original"])
def test_the_real_shapes_fit_key_by_key(
    tmp_path: Path, kind: Kind, shape: Shape, n_parameters: int, is_original: bool
) -> None:
    """Sparse files: a header with the real names and shapes, and no disk for the weights."""
    small = write_random(tmp_path / "small", kind, TINY)
    folder = write_original(small, tmp_path / "original") if is_original else small
    (folder / "model.safetensors").unlink()
    config = json.loads((folder / "config.json").read_text())
    real = configuration(kind, shape).to_dict()
    part = config["thinker_config"] if is_original else config
    part["text_config"] |= {k: v for k, v in real["text_config"].items() if k in part["text_config"]}
    part["audio_config"] |= {k: v for k, v in real["audio_config"].items() if k in part["audio_config"]}
    if is_original:
        part["text_config"]["model_type"] = "qwen3_asr_text"
        if kind is Kind.ALIGNER:
            part["classify_num"] = shape.n_classes
    elif kind is Kind.ALIGNER:
        config |= {"id2label": real["id2label"], "label2id": real["label2id"]}
    (folder / "config.json").write_text(json.dumps(config))
    layout = layouts.read(folder)
    with torch.device("meta"):
        empty = loading.CLASSES[kind](configuration(kind, shape))
    native_names = {layout.native_name(old): old for old in _names(layout, empty)}
    _write_sparse(
        folder / "model.safetensors",
        {native_names.get(name, name): tuple(value.shape) for name, value in empty.state_dict().items()},
    )
    assert loading.check(checkpoint(folder)) is kind
    assert sum(value.numel() for value in empty.parameters()) == n_parameters


def _names(layout: layouts.Layout, model: torch.nn.Module) -> list[str]:
    """The model's weights as the files of the layout call them."""
    names = []
    for name in model.state_dict():
        old = next(((o, n) for o, n in layout.renames if name.startswith(n)), ("", ""))
        names.append(old[0] + name.removeprefix(old[1]))
    return names


def _write_sparse(path: Path, shapes: dict[str, tuple[int, ...]]) -> None:
    header, end = {}, 0
    for name, shape in shapes.items():
        begin, end = end, end + 2 * int(np.prod(shape))
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [begin, end]}
    raw = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(raw)) + raw)
        file.truncate(8 + len(raw) + end)


def _without_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def _broken_config(folder: Path) -> None:
    (folder / "config.json").write_text("{")


def _foreign(folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps({"model_type": "whisper"}))


def _without_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def _pickled(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    torch.save({"weight": torch.zeros(1)}, folder / "pytorch_model.bin")


def _pickle_in_disguise(folder: Path) -> None:
    torch.save({"weight": torch.zeros(1)}, folder / "model.safetensors")


def _truncated(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:100_000])


def _empty(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"")


def _missing_shard(folder: Path) -> None:
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def _missing_key(folder: Path) -> None:
    kept = load_file(folder / "model.safetensors")
    del kept["model.audio_tower.conv_out.weight"]
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})


def _other_shape(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["intermediate_size"] += 1
    (folder / "config.json").write_text(json.dumps(config))


def _inconsistent_config(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["num_hidden_layers"] += 1
    (folder / "config.json").write_text(json.dumps(config))


def _without_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def _nested_config(folder: Path) -> None:
    (folder / "config.json").write_text('{"a":' * 100_000)


def _index_of_another_folder(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder.parent / "secret")
    index = {"weight_map": {"a": "../secret"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def _fifo(folder: Path) -> None:
    (folder / "tokenizer_config.json").unlink()
    os.mkfifo(folder / "tokenizer_config.json")


def _endless(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["text_config"] |= {"num_hidden_layers": 10**9, "layer_types": None}
    (folder / "config.json").write_text(json.dumps(config))


def _tokenizer_of_another_type(folder: Path) -> None:
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    tokenizer["decoder"] = {"type": "Unknown"}
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (_nested_config, "no readable config.json"),
        (_index_of_another_folder, "names '../secret', which is no file beside it"),
        (_fifo, "tokenizer_config.json: is not a regular file"),
        (_endless, "num_hidden_layers"),
        (_tokenizer_of_another_type, "cannot be loaded"),
        (_without_config, "no readable config.json"),
        (_broken_config, "no readable config.json"),
        (_foreign, "model_type 'whisper'"),
        (_without_weights, "no .safetensors"),
        (_pickled, "pickle"),
        (_pickle_in_disguise, "not a safetensors file"),
        (_truncated, "cut short"),
        (_empty, "not a safetensors file"),
        (_missing_shard, "1 of 2 weight files are missing"),
        (_missing_key, "conv_out.weight is missing"),
        (_other_shape, "does not fit its config.json"),
        (_inconsistent_config, "num_hidden_layers"),
        (_without_tokenizer, "tokenizer"),
    ],
)
def test_a_bad_folder_is_one_line_69_and_a_next_step(
    tmp_path: Path, qasr: Qasr, break_it: Callable[[Path], None], says: str
) -> None:
    folder = Path(shutil.copytree(ASR, tmp_path / "model"))
    break_it(folder)
    with pytest.raises(UnavailableError) as caught:
        load(EngineOptions(model=str(folder), aligner="none", device="cpu"))
    assert says in str(caught.value)
    assert caught.value.hint
    checked = qasr("models", "check", folder)
    assert checked.returncode == 69
    assert len(checked.stderr.splitlines()) == 1
    assert says in checked.stderr


def test_recognizer_and_aligner_are_not_mistaken_for_each_other(original: tuple[Path, Path]) -> None:
    for folder in (ALIGNER, original[1]):
        with pytest.raises(UnavailableError, match="is an aligner"):
            load(EngineOptions(model=str(folder), aligner="none", device="cpu"))
    with pytest.raises(UnavailableError, match="is a recognizer"):
        load(EngineOptions(model="demo", aligner=str(ASR), device="cpu"))


def test_an_original_configuration_that_leaves_something_open_is_refused(original: tuple[Path, Path]) -> None:
    config = json.loads((original[0] / "config.json").read_text())
    del config["thinker_config"]["text_config"]["rope_theta"]
    with pytest.raises(UnavailableError, match="lacks rope_theta"):
        layouts.layout_of(config, Path("a model"))


def test_headers_are_read_without_the_weights() -> None:
    found = weights.tensors(ASR)
    assert found["model.language_model.embed_tokens.weight"].dtype == "F16"
    assert {name: tensor.shape for name, tensor in found.items()} == {
        name: value.shape for name, value in load_file(ASR / "model.safetensors").items()
    }
