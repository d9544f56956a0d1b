"""The device and number format of a model, and how much audio fits into its memory.

In go the user's choices and a model's shape; out come a device, a dtype and a `Capacity`. Budgets follow from
a device's memory size, and on a GPU also from what is free of it: other programs may fill it. So batches may
depend on the moment there, and with them the last digits of scores; on a CPU a chunk depends on nothing else.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from qasr_cli.engines import device_names
from qasr_cli.engines.cpu import cpu_format
from qasr_cli.errors import UnavailableError, UsageError
from qasr_cli.operating_system import processes
from qasr_cli.speech.inference.protocols import Capacity

_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
_INT8 = "int8"
_SMALL_PARAMETERS = 100_000_000  # a smaller model, such as the demo pair, is fast enough in plain fp32
_TOKENS_PER_S = 13 + 12  # 13 audio tokens a second, and room for the text written about them
_GPU_SHARE = 0.5  # of the device's memory; the rest is for weights, workspaces and the caching allocator
_FREE_SHARE = 0.8  # of what is free beside the weights; the rest is for workspaces and the caching allocator
_CPU_SHARE = 0.1  # of the machine's memory: other programs need the rest
_MAX_CHUNK_MS = 60_000  # Qwen3-ASR loops and truncates on long chunks; the aligner drifts past 180 s
_NAME = re.compile(r"(?P<kind>cpu|mps|cuda)(?::(?P<index>\d{1,4}))?", re.ASCII)
_MAX_BATCH_SIZE = {"cpu": 32, "cuda": 256, "mps": 32}  # with more than these a forward pass only takes longer


@dataclass(frozen=True, slots=True)
class Placement:
    """Device and number format of a model.

    Attributes:
        dtype: Of all numbers; of encoder, keys and values if the language model's weights are in 8 bits.
        int8_bits: Bits of an activation in products with 8-bit weights; None for weights in `dtype`.
    """

    device: torch.device
    dtype: torch.dtype
    int8_bits: int | None = None

    def __str__(self) -> str:
        """Return the placement as reports name it: `cpu bfloat16`, `cpu int8 and bfloat16`."""
        int8 = "int8 and " if self.int8_bits else ""
        return f"{self.device} {int8}{str(self.dtype).removeprefix('torch.')}"


def place(device: str, dtype: str, n_parameters: int | None = None) -> Placement:
    """Return the placement for a device and dtype; `auto` is the fastest device of the machine.

    Args:
        device: Value of `--device`.
        dtype: Value of `--dtype`. On a CPU `auto` is what its self-test found (see `cpu_format`), without
            8-bit weights: whether those change a model's answers is for its engine to find out.
        n_parameters: Size of the model. Below 100 million a CPU's `auto` is fp32; None is a usual size.

    Raises:
        UsageError: The kind of device or the dtype is unknown, or int8 is asked of a GPU.
        UnavailableError: The device is not in this machine, or its CPU has no exact 8-bit products.
    """
    chosen = _choose_device(device.lower())
    name = dtype.lower()
    if name == "auto":
        return _best(chosen, n_parameters)
    if name == _INT8:
        return _int8(chosen, n_parameters)
    if name not in _DTYPES:
        raise UsageError(
            f"--dtype {dtype!r} is unknown", f"known: auto, {', '.join(_DTYPES)}, {_INT8}", flag="--dtype"
        )
    return Placement(chosen, _DTYPES[name])


def resolve(names: Sequence[str], dtype: str) -> tuple[tuple[str, ...], str]:
    """Return the single devices that are meant, and the dtype for all of them.

    `all` is every CUDA device, or `auto` without any. With `auto`, GPUs of several generations share the
    format that each of them has.

    Args:
        names: Of `device_names.split`.
        dtype: The user's choice.

    Raises:
        UsageError: A kind of device or the dtype is unknown.
        UnavailableError: A device is not in this machine.
    """
    if tuple(names) == (device_names.ALL,):
        names = [f"cuda:{index}" for index in range(torch.cuda.device_count())] or ["auto"]
    dtypes = {place(name, dtype).dtype for name in names}
    return tuple(names), dtype if len(dtypes) == 1 else "fp32"


def available() -> tuple[str, ...]:
    """Return the devices in this machine, best first, each with a readable name."""
    rows = [f"cuda:{i} ({torch.cuda.get_device_name(i)})" for i in range(torch.cuda.device_count())]
    rows += ["mps (Apple GPU)"] if torch.backends.mps.is_available() else []
    return (*rows, f"cpu ({torch.get_num_threads()} threads)")


def memory() -> tuple[str, ...]:
    """Return the total and free memory of each device as text; the machine's is last."""
    free = [(f"cuda:{i}", *torch.cuda.mem_get_info(i)) for i in range(torch.cuda.device_count())]
    rows = [f"{name} {total / 1e9:.1f} GB, {left / 1e9:.1f} free" for name, left, total in free]
    machine = machine_bytes()
    whole = f"machine {machine / 1e9:.1f} GB" if machine else "machine: size unknown"
    return (*rows, f"{whole}{_available()}")


def _available() -> str:
    """Return the memory available without swapping; free pages alone would leave out the kernel's caches."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        named = next(line for line in [*lines, ""] if line.startswith("MemAvailable") or not line)
        return f", {int(named.split()[1]) * 1024 / 1e9:.1f} free"
    return ""


def machine_bytes() -> int:
    """Return the machine's memory; 0 where the system does not report it."""
    return processes.memory_bytes() or 0


def _choose_device(name: str) -> torch.device:
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda:0")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    match = _NAME.fullmatch(name)
    if match is None or (match["index"] and match["kind"] != "cuda"):
        raise UsageError(
            f"--device {name!r} is unknown",
            "known: auto, cpu, cuda, cuda:N, mps, all; several: cuda:0,cuda:1",
            flag="--device",
        )
    kind, index = match["kind"], int(match["index"] or 0)
    missing = (kind == "cuda" and index >= torch.cuda.device_count()) or (
        kind == "mps" and not torch.backends.mps.is_available()
    )
    if missing:
        raise UnavailableError(
            f"--device {name} is not in this machine", f"here: {', '.join(available())}", flag="--device"
        )
    return torch.device(kind, index) if kind == "cuda" else torch.device(kind)


def _best(device: torch.device, n_parameters: int | None) -> Placement:
    if device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0):
        return Placement(device, torch.bfloat16)
    is_small = n_parameters is not None and n_parameters < _SMALL_PARAMETERS
    if device.type != "cpu" or is_small:
        return Placement(device, torch.float32)
    return Placement(device, cpu_format.find().dtype)


def untried_int8_bits(placement: Placement, dtype: str, n_parameters: int) -> int | None:
    """Return the bits of 8-bit weights that `auto` would use if they change no answer; None if it would not.

    A small model's steps stay as they are, as all else of it, and so do those of a GPU.

    Args:
        placement: What `place` returned.
        dtype: Value of `--dtype`.
        n_parameters: Size of the model.
    """
    is_asked = dtype.lower() == "auto" and placement.device.type == "cpu"
    return cpu_format.find().int8_bits if is_asked and n_parameters >= _SMALL_PARAMETERS else None


def _int8(device: torch.device, n_parameters: int | None) -> Placement:
    """Return the placement with weights in 8 bits; all else is as with `auto`."""
    if device.type != "cpu":
        raise UsageError(
            f"--dtype int8 needs a CPU, and the device is {device}",
            "add --device cpu, or use --dtype auto",
            flag="--dtype",
        )
    bits = cpu_format.find().int8_bits
    if bits is None:
        raise UnavailableError(
            f"--dtype int8: torch {torch.__version__} multiplies no 8-bit integers exactly on this CPU",
            "use --dtype auto",
            flag="--dtype",
        )
    return replace(_best(device, n_parameters), int8_bits=bits)


def capacity(config: Any, placement: Placement, max_chunk_ms: int | None, batch_size: int | None) -> Capacity:
    """Return the capacity of one forward pass, from the model's shape and the device's memory."""
    budget_bytes = _memory_bytes(placement.device)
    per_second_bytes = _audio_second_bytes(config, placement.dtype.itemsize)
    longest_ms = min(max_chunk_ms or _MAX_CHUNK_MS, _MAX_CHUNK_MS)
    return Capacity(
        max_chunk_ms=longest_ms,
        max_batch_ms=max(longest_ms, int(budget_bytes / per_second_bytes * 1000)),
        max_batch_size=batch_size or _MAX_BATCH_SIZE[placement.device.type],
    )


def _memory_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        free_bytes, total_bytes = torch.cuda.mem_get_info(device)
        cached_bytes = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return gpu_budget_bytes(total_bytes, free_bytes + cached_bytes)
    return int(machine_bytes() * _CPU_SHARE)


def gpu_budget_bytes(total_bytes: int, free_bytes: int) -> int:
    """Return the memory for a batch on a GPU with the weights in it: a share of all, less if it is not free.

    Args:
        total_bytes: The device's memory.
        free_bytes: What no program uses, and what torch has in its cache.
    """
    return int(min(total_bytes * _GPU_SHARE, free_bytes * _FREE_SHARE))


def _audio_second_bytes(config: Any, item_bytes: int) -> int:
    """Return the peak bytes that one second of padded audio costs.

    The first convolution dominates: `channels * 64 mel rows * 50 frames`, live together with its
    activation and the next layer's input; then the decoder's key-value cache.
    """
    audio, text = config.audio_config, config.text_config
    convolution = audio.downsample_hidden_size * (audio.num_mel_bins // 2) * 50
    cache = 2 * text.num_hidden_layers * text.num_key_value_heads * text.head_dim * _TOKENS_PER_S
    return int((3 * convolution + cache) * item_bytes)
