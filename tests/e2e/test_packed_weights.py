"""8-bit weights in the cache: made once, verified, made anew when anything is wrong with them."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from qasr_cli.engines import model_store
from qasr_cli.engines.cpu import int8_linear
from qasr_cli.engines.cpu.int8_linear import Int8Linear
from qasr_cli.engines.model_store import StoredModel
from qasr_cli.engines.qwen3.tensors import identity
from qasr_cli.engines.qwen3.tensors.packed_weights import PackedWeights
from qasr_cli.errors import UnavailableError

SHAPES = {"layers.0.qkv": (96, 64), "layers.0.down": (64, 160), "head": (1000, 64)}
NAMES = list(SHAPES)
kernel = int8_linear.exact_int8()
assert kernel is not None
KERNEL = kernel


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QASR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def stored(tmp_path: Path) -> StoredModel:
    folder = tmp_path / "model"
    shutil.copytree(model_store.recognizer_location("demo"), folder)
    found = model_store.find(str(folder))
    assert found is not None
    return found


class Source:
    """The dense weights, and which of them were asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, name: str) -> torch.Tensor:
        self.asked.append(name)
        return torch.randn(
            SHAPES[name], generator=torch.Generator().manual_seed(NAMES.index(name))
        ).bfloat16()


def opened(stored: StoredModel, names: list[str] = NAMES) -> tuple[dict[str, Int8Linear], list[str]]:
    source = Source()
    return PackedWeights(stored, names, KERNEL).linears(source), source.asked


def assert_right(linears: dict[str, Int8Linear]) -> None:
    assert list(linears) == NAMES
    for name, linear in linears.items():
        rows = torch.randn(3, SHAPES[name][1])
        assert torch.equal(linear(rows), Int8Linear(Source()(name), KERNEL)(rows))


def the_file(cache: Path) -> Path:
    (path,) = cache.iterdir()
    return path


def test_the_second_start_reads_what_the_first_one_made(stored: StoredModel, cache: Path) -> None:
    made, asked = opened(stored)
    assert_right(made)
    assert asked == NAMES
    before = the_file(cache).stat()
    read, asked = opened(stored)
    assert_right(read)
    assert asked == []
    assert the_file(cache).stat().st_mtime_ns == before.st_mtime_ns


def test_the_file_is_safetensors_and_of_this_user_alone(stored: StoredModel, cache: Path) -> None:
    opened(stored)
    found = load_file(the_file(cache))
    assert set(found) == {*NAMES, *(f"{name}.scales" for name in NAMES)}
    for name in NAMES:
        weight = int8_linear.quantize(Source()(name))
        assert torch.equal(found[name], weight.values)
        assert torch.equal(found[f"{name}.scales"], weight.scales)
    assert the_file(cache).stat().st_mode & 0o777 == 0o600


def _at(share: float) -> Callable[[bytes], bytes]:
    """Flip a bit somewhere."""

    def damage(content: bytes) -> bytes:
        place = int(share * (len(content) - 1))
        return content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :]

    return damage


def _header(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def damage(content: bytes) -> bytes:
        assert old in content
        return content.replace(old, new, 1)

    return damage


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "one byte": lambda content: content[:1],
    "header alone": lambda content: content[:2000],
    "cut short": lambda content: content[:-1],
    "half": lambda content: content[: len(content) // 2],
    "zeros": lambda content: bytes(len(content)),
    "text": lambda content: b"{}" * (len(content) // 2),
    "endless header": lambda content: b"\xff" * 8 + content[8:],
    "first byte": _at(0),
    "in a weight": _at(0.9),
    "last byte": _at(1),
    "another version": _header(b'"version": "1"', b'"version": "0"'),
    "another shape": _header(b'"shape": [96, 64]', b'"shape": [64, 96]'),
    "another dtype": _header(b'"I8"', b'"U8"'),
    "no name": _header(b'"layers.0.qkv": {', b'"layers.9.qkv": {'),
    "a negative place": _header(b'"data_offsets": [0,', b'"data_offsets": [-8,'),
    "a place that is none": _header(b'"shape": [96, 64]', b'"shape": ["6", 4]'),
    "no metadata": _header(b"__metadata__", b"__metadata_!"),
    "a text": lambda content: (
        content[:8] + b'"x"'.ljust(int.from_bytes(content[:8], "little")) + content[-999:]
    ),
    "deeply nested": lambda content: content[:8] + b"[" * (len(content) - 8),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_made_anew(
    stored: StoredModel, cache: Path, damage: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    opened(stored)
    whole = the_file(cache).read_bytes()
    the_file(cache).write_bytes(damage(whole))
    linears, asked = opened(stored)
    assert asked == NAMES
    assert_right(linears)
    assert the_file(cache).read_bytes() == whole
    assert [record.levelname for record in caplog.records].count("WARNING") == 1


def test_every_part_of_a_tensor_is_verified(stored: StoredModel, cache: Path) -> None:
    opened(stored)
    whole = the_file(cache).read_bytes()
    begin = 8 + int.from_bytes(whole[:8], "little")
    for place in range(begin, len(whole), 1 + (len(whole) - begin) // 20):
        the_file(cache).write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert opened(stored)[1] == NAMES, place


def test_another_model_at_the_same_place_is_packed_anew_and_the_old_one_goes(
    stored: StoredModel, cache: Path
) -> None:
    opened(stored)
    old = the_file(cache)
    weights = stored.folder / "model.safetensors"
    status = weights.stat()
    content = bytearray(weights.read_bytes())
    content[-100:] = bytes(100)
    weights.write_bytes(content)
    os.utime(weights, ns=(status.st_atime_ns, status.st_mtime_ns))  # the time alone would not tell
    assert opened(stored)[1] == NAMES
    assert the_file(cache) != old
    assert opened(stored)[1] == []
    os.utime(weights, ns=(0, 0))
    assert opened(stored)[1] == NAMES


def test_another_model_elsewhere_keeps_its_file(stored: StoredModel, tmp_path: Path, cache: Path) -> None:
    shutil.copytree(stored.folder, tmp_path / "other" / "model")
    other = model_store.find(str(tmp_path / "other" / "model"))
    assert other is not None
    assert opened(stored)[1] == opened(other)[1] == NAMES
    assert opened(stored)[1] == opened(other)[1] == []
    assert len(list(cache.iterdir())) == 2


def test_other_names_are_another_file(stored: StoredModel, cache: Path) -> None:
    opened(stored)
    linears, asked = opened(stored, NAMES[:2])
    assert list(linears) == asked == NAMES[:2]
    the_file(cache)


def test_a_cache_that_cannot_be_written_is_done_without(
    stored: StoredModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    for place in (str(tmp_path / "file"), "/proc/none", ""):
        monkeypatch.setenv("QASR_CACHE", place)
        monkeypatch.setenv("XDG_CACHE_HOME", "")
        monkeypatch.setenv("HOME", "")
        linears, asked = opened(stored)
        assert_right(linears)
        assert asked == NAMES


def test_a_file_that_others_may_write_to_is_not_used(stored: StoredModel, cache: Path) -> None:
    opened(stored)
    the_file(cache).chmod(0o666)
    assert opened(stored)[1] == NAMES
    assert opened(stored)[1] == []


@pytest.fixture
def small_files(stored: StoredModel) -> Iterator[None]:
    """Files may not grow beyond 20 kB: the write fails half way, as on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.usefixtures("small_files")
def test_a_disk_that_becomes_full_leaves_the_weights_and_no_file(stored: StoredModel, cache: Path) -> None:
    linears, _ = opened(stored)
    assert_right(linears)
    assert list(cache.iterdir()) == []


def test_an_error_of_the_model_is_raised_and_leaves_no_file(stored: StoredModel, cache: Path) -> None:
    def dense(name: str) -> torch.Tensor:
        if name == NAMES[1]:
            raise UnavailableError("no such weight")
        return Source()(name)

    with pytest.raises(UnavailableError, match="no such weight"):
        PackedWeights(stored, NAMES, KERNEL).linears(dense)
    assert list(cache.iterdir()) == []

    def unreadable(name: str) -> torch.Tensor:
        raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output error"):
        PackedWeights(stored, NAMES, KERNEL).linears(unreadable)


def test_what_a_killed_process_left_is_removed_and_what_is_being_written_is_not(
    stored: StoredModel, cache: Path
) -> None:
    code = """
import os, sys
from pathlib import Path
from qasr_cli.engines import cache_files
def fill(file):
    file.write(b"half"); file.flush(); print("ready", flush=True); sys.stdin.read()
cache_files.write("int8-x.safetensors", fill)
"""
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ.copy()
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        opened(stored)
        assert len(list(cache.glob(".*.part"))) == 1
        child.kill()
        child.wait()
    (cache / NAMES[0]).touch()
    opened(stored, NAMES[:1])
    assert list(cache.glob(".*.part")) == []
    assert (cache / NAMES[0]).exists()


def test_two_processes_at_once_both_get_the_weights_and_leave_one_whole_file(
    stored: StoredModel, cache: Path
) -> None:
    code = f"""
from tests.e2e.test_packed_weights import *
found = model_store.find({str(stored.folder)!r})
for _ in range(5):
    assert_right(opened(found)[0])
    for path in Path({str(cache)!r}).glob("int8-*"):
        path.unlink(missing_ok=True)
assert_right(opened(found)[0])
"""
    children = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [child.wait() for child in children] == [0, 0]
    assert opened(stored)[1] == []
    the_file(cache)


def test_the_identity_is_of_the_content(stored: StoredModel) -> None:
    first = identity.digest(stored.folder)
    assert identity.digest(stored.folder) == first
    (stored.folder / "config.json").write_text("{}")
    assert identity.digest(stored.folder) != first
