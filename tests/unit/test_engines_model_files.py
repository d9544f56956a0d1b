"""A model's folder from a stranger: nothing leads out of it, nothing hangs, every mistake ends in 69."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path

import pytest

from qasr_cli.engines import hub_adapter, layouts, model_store, weights
from qasr_cli.errors import UnavailableError

CONFIG = {"model_type": "qwen3_asr", "architectures": ["Qwen3ASRForConditionalGeneration"]}
TENSORS = {"a": {"dtype": "F16", "shape": [2, 3], "data_offsets": [0, 12]}}


def safetensors(header: object, n_data: int = 12, length: int | None = None) -> bytes:
    """Return a weight file with a header, whose length may be a lie."""
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw) if length is None else length) + raw + bytes(n_data)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that looks like a model."""
    place = tmp_path / "model"
    place.mkdir()
    (place / "config.json").write_text(json.dumps(CONFIG))
    (place / "model.safetensors").write_bytes(safetensors(TENSORS))
    (tmp_path / "secret").write_bytes(safetensors(TENSORS))
    (tmp_path / "secret.json").write_text(json.dumps(CONFIG))
    return place


def refused(folder: Path) -> str:
    """Return why a model is refused."""
    with pytest.raises(UnavailableError) as caught:
        weights.tensors(model_store._read(folder, str(folder)).folder)
    assert caught.value.hint
    return str(caught.value)


def test_a_whole_folder(folder: Path) -> None:
    assert model_store._read(folder, str(folder)).max_chunk_ms is None
    assert weights.tensors(folder) == {"a": weights.Tensor((2, 3), "F16")}


@pytest.mark.parametrize(
    "name", ["config.json", "model.safetensors", "tokenizer.json", "model.safetensors.index.json"]
)
def test_what_is_no_file(folder: Path, name: str) -> None:
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    assert f"{name}: is not a regular file" in refused(folder)
    for read in (layouts.read, weights.tensors):
        if name.startswith("config" if read is layouts.read else "model"):
            with pytest.raises(UnavailableError):
                read(folder)


@pytest.mark.parametrize(
    "name", ["config.json", "model.safetensors", "vocab.json", "merges.txt", "more/chat.jinja"]
)
def test_links_lead_nowhere_else(folder: Path, tmp_path: Path, name: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(tmp_path / "secret")
    assert f"{name}: leads out of the model's folder, to {tmp_path}/secret" in refused(folder)


def test_a_link_to_a_device(folder: Path) -> None:
    (folder / "vocab.json").symlink_to("/dev/zero")
    assert "leads out" in refused(folder)


def test_links_inside_the_folder_are_followed(folder: Path) -> None:
    (folder / "config.json").rename(folder / "other.json")
    (folder / "config.json").symlink_to("other.json")
    model_store._read(folder, str(folder))


def test_a_folder_that_is_a_link_is_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("model")
    model_store._read(tmp_path / "link", "link")


def test_a_snapshot_of_the_hub_s_cache_is_links(folder: Path, tmp_path: Path) -> None:
    """Its blobs may be links to a store of the user's."""
    repository, store = tmp_path / "models--org--name", tmp_path / "store"
    snapshot = repository / "snapshots" / "0123456789abcdef"
    snapshot.mkdir(parents=True)
    (repository / "blobs").mkdir()
    store.mkdir()
    (folder / "config.json").rename(repository / "blobs/one")
    (folder / "model.safetensors").rename(store / "two")
    (repository / "blobs/two").symlink_to(store / "two")
    (snapshot / "config.json").symlink_to("../../blobs/one")
    (snapshot / "model.safetensors").symlink_to("../../blobs/two")
    assert model_store._read(snapshot, "org/name").id.endswith("@0123456789ab")
    (snapshot / "vocab.json").symlink_to("../../../secret")
    assert "leads out" in refused(snapshot)


def test_links_into_the_hub_s_cache_are_followed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_adapter, "cache_folder", lambda: tmp_path / "cache")
    (tmp_path / "cache").mkdir()
    (folder / "model.safetensors").rename(tmp_path / "cache/blob")
    (folder / "model.safetensors").symlink_to(tmp_path / "cache/blob")
    model_store._read(folder, str(folder))


@pytest.mark.parametrize(
    "name", ["../secret", "/etc/passwd", "..", ".", "", "more/../../secret", "./model.safetensors", "a/b"]
)
def test_an_index_names_files_beside_it_only(folder: Path, name: str) -> None:
    index = {"weight_map": {"a": "model.safetensors", "b": name}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert "which is no file beside it" in refused(folder)


@pytest.mark.parametrize("name", ["b" * 5_000, "b\0", "\ud800"])
def test_an_index_that_names_what_no_disk_takes(folder: Path, name: str) -> None:
    index = {"weight_map": {"a": "model.safetensors", "b": name}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert "1 of 2 weight files are missing" in (said := refused(folder))
    assert len(said) < 400


@pytest.mark.parametrize(
    "content",
    [
        "[" * 100_000, '{"weight_map": 5}', '{"weight_map": {"a": 5}}',
        '{"weight_map": {"a": null, "b": "c"}}',
        '{"weight_map": {"a": []}}', "5", "[]", "{", '{"weight_map": {"a": "x\\u0000y"}}',
        '{"weight_map": {"a": "\\ud800"}}',
    ],
)  # fmt: skip
def test_a_damaged_index(folder: Path, content: str) -> None:
    (folder / "model.safetensors.index.json").write_text(content)
    assert refused(folder)


@pytest.mark.parametrize("content", ["[" * 100_000, '{"a":' * 100_000, "5", "[]", "9" * 5_000, "\udcff"])
def test_a_damaged_configuration(folder: Path, content: str) -> None:
    (folder / "config.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    assert "no readable config.json" in refused(folder)


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(3 * 1024**3)


@pytest.mark.parametrize(
    "name", ["config.json", "tokenizer.json", "merges.txt", "model.safetensors.index.json"]
)
def test_gigabytes_where_kilobytes_belong(folder: Path, name: str) -> None:
    _sparse(folder / name)
    assert f"{name}: is larger than 128 MB" in refused(folder)


@pytest.mark.parametrize(
    "more",
    [
        {"model_type": ["qwen3_asr"]}, {"model_type": "x" * 100_000}, {"qasr_max_chunk_ms": "x"},
        {"qasr_max_chunk_ms": 0}, {"qasr_max_chunk_ms": 1e400}, {"qasr_max_chunk_ms": True},
        {"qasr_time_offset_ms": 10**1_000},
    ],
    ids=lambda more: next(iter(more)),
)  # fmt: skip
def test_values_of_another_kind(folder: Path, more: dict[str, object]) -> None:
    (folder / "config.json").write_text(json.dumps(CONFIG | more))
    assert len(refused(folder)) < 400


@pytest.mark.parametrize("architectures", [5, None, [None], {}, "x"])
def test_architectures_that_name_no_class(folder: Path, architectures: object) -> None:
    (folder / "config.json").write_text(json.dumps(CONFIG | {"architectures": architectures}))
    assert layouts.read(folder).kind is layouts.Kind.RECOGNIZER


@pytest.mark.parametrize("bin_ms", [0, -1, "80", 1e400, None, [80], 10**30])
def test_a_bin_width_that_is_none(folder: Path, bin_ms: object) -> None:
    (folder / "processor_config.json").write_text(json.dumps({"timestamp_segment_time": bin_ms}))
    with pytest.raises(UnavailableError, match="timestamp_segment_time"):
        layouts.read(folder)


def test_a_configuration_names_no_code(folder: Path) -> None:
    """transformers would fetch an attention of the form org/name from the hub, and run it."""
    code = {
        "attn_implementation": "org/name",
        "_attn_implementation": "org/name",
        "experts_implementation": "org/name",
        "auto_map": {"AutoModel": "code.Class"},
        "quantization_config": {"quant_method": "bitsandbytes"},
    }
    config = CONFIG | code | {"text_config": {"hidden_size": 5, **code}, "list": [code]}
    (folder / "config.json").write_text(json.dumps(config))
    assert layouts.read(folder).config == CONFIG | {"text_config": {"hidden_size": 5}, "list": [{}]}


def _with(**more: object) -> dict[str, object]:
    return {"a": TENSORS["a"] | more}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (safetensors(TENSORS, length=2**63), "not a safetensors file"),
        (safetensors(TENSORS, length=99_000_000), "not a safetensors file"),
        (safetensors(TENSORS, length=2**64 - 1), "not a safetensors file"),
        (safetensors(TENSORS, length=5), "not a safetensors file"),
        (safetensors(b"[" * 100_000), "not a safetensors file"),
        (safetensors([]), "not a safetensors file"),
        (safetensors({"a": 5}), "not a safetensors file"),
        (safetensors(_with(shape=[-2, -3])), "not a safetensors file"),
        (safetensors(_with(shape=[10**30])), "not a safetensors file"),
        (safetensors(_with(shape=[1e400])), "not a safetensors file"),
        (safetensors(_with(shape="23")), "not a safetensors file"),
        (safetensors(_with(shape=[2, 4])), "not a safetensors file"),
        (safetensors(_with(data_offsets=[12, 0])), "not a safetensors file"),
        (safetensors(_with(data_offsets=[0])), "not a safetensors file"),
        (safetensors(_with(dtype=5)), "not a safetensors file"),
        (safetensors(_with(dtype="F32")), "not a safetensors file"),
        (safetensors(_with(dtype="I64")), "a is of type I64"),
        (safetensors(_with(dtype="F8_E4M3")), "a is of type F8_E4M3"),
        (safetensors(TENSORS, n_data=11), "cut short"),
    ],
    ids=lambda value: value if isinstance(value, str) else repr(value[8:70]),
)  # fmt: skip
def test_headers_that_lie(folder: Path, content: bytes, says: str) -> None:
    (folder / "model.safetensors").write_bytes(content)
    assert says in refused(folder)


def test_metadata_is_no_tensor(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(safetensors(TENSORS | {"__metadata__": {"format": "pt"}}))
    assert set(weights.tensors(folder)) == {"a"}
