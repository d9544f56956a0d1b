"""The number format that is fastest on this CPU, found by a self-test of a tenth of a second.

In goes nothing; out comes a `CpuFormat`. The test multiplies 400 rows, as a prompt of 30 s has, on one thread
and takes its CPU time, which other programs hardly change. A format is kept in the cache for a CPU and a
version of torch: formats round differently, so one that changed between two starts could change a text. Never
looks at a model.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import os
import platform
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from qasr_cli.engines import cache_files
from qasr_cli.engines.cpu import int8_linear

logger = logging.getLogger(__name__)

_ROWS, _N_IN, _N_OUT = 400, 1024, 2048  # a prompt of 30 s; the 0.6B model's query and output projections
_ROUNDS = 3  # of all formats in turn, after one that warms up; the fastest counts
_GAIN = 0.75  # of the plain format's time: less is worth another rounding, and a margin against a noisy test
# What bounds the instructions that torch's libraries use; with another value the self-test is another.
_VARIABLES = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "MKL_ENABLE_INSTRUCTIONS")
PLAIN, ONEDNN, BF16 = "fp32", "fp32 through oneDNN", "bf16"


@dataclass(frozen=True, slots=True)
class CpuFormat:
    """The format for encoder and prompts on this CPU, and what its integers can do.

    Attributes:
        dtype: `bfloat16` or `float32`.
        int8_bits: Bits of an activation that 8-bit products multiply exactly, 8 or 7; None if none are exact.
        times_ms: CPU time of the self-test's product in each format that this torch has.
    """

    dtype: torch.dtype
    int8_bits: int | None
    times_ms: Mapping[str, float]


@functools.cache
def find() -> CpuFormat:
    """Return this machine's format: the cache's, or the self-test's, which then goes into the cache."""
    kernel = int8_linear.exact_int8()
    key = machine_key()
    times = _stored(key)
    if times is None:
        times = measure()
        logger.debug("self-test of the CPU: %s", times)
        cache_files.write_json(_file(key), {"machine": key, "times_ms": times})
    return CpuFormat(choose(times), kernel.bits if kernel else None, times)


def choose(times_ms: Mapping[str, float]) -> torch.dtype:
    """Return the dtype for the times of the formats: bf16 must beat the better fp32 by a quarter.

    Our layers multiply float32 through oneDNN wherever torch has it. torch's own float32 products go to MKL,
    which runs at half of its speed on CPUs that are not Intel's.
    """
    best_fp32 = min(times_ms[PLAIN], times_ms.get(ONEDNN, float("inf")))
    is_faster = times_ms.get(BF16, float("inf")) < _GAIN * best_fp32
    return torch.bfloat16 if is_faster else torch.float32


def measure() -> dict[str, float]:
    """Return the CPU milliseconds of one product in each format, on one thread."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(_ROWS, _N_IN, generator=generator)
    weight = torch.randn(_N_OUT, _N_IN, generator=generator)
    half_rows, half_weight = rows.bfloat16(), weight.bfloat16()
    products: dict[str, Callable[[], torch.Tensor]] = {
        PLAIN: lambda: torch.nn.functional.linear(rows, weight),
        BF16: lambda: torch.nn.functional.linear(half_rows, half_weight),
    }
    if torch._C._has_mkldnn:
        products[ONEDNN] = lambda: torch.ops.mkldnn._linear_pointwise(rows, weight, None, "none", [], "")
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            return _times_ms(products)
    finally:
        torch.set_num_threads(n_threads)


def _times_ms(products: Mapping[str, Callable[[], torch.Tensor]]) -> dict[str, float]:
    times: dict[str, list[float]] = {}
    for n in range(1 + _ROUNDS):
        for name, product in products.items():
            begin = time.thread_time()
            try:
                product()
            except (RuntimeError, AttributeError):  # this torch has no such operator for this CPU
                continue
            if n:
                times.setdefault(name, []).append((time.thread_time() - begin) * 1000)
    return {name: round(min(found), 3) for name, found in times.items()}


def machine_key() -> str:
    """Return a digest of what decides a self-test's result: CPU, torch, and variables that bound both."""
    facts = (
        *(torch.__version__, torch.backends.cpu.get_cpu_capability(), platform.machine(), _cpu_name()),
        *(f"{name}={os.environ.get(name, '')}" for name in _VARIABLES),
    )
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()


def _cpu_name() -> str:
    """Return the CPU's model and instructions, as far as the system reports them."""
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8", "replace")
    except OSError:
        return platform.processor()
    lines = re.findall(r"^(?:model name|flags|Features|CPU part)\s*:.*$", text.partition("\n\n")[0], re.M)
    return "\n".join(lines) or platform.processor()


def _file(key: str) -> str:
    """Return a file's name: machines that share a home folder have one each."""
    return f"cpu-format-{key[:16]}.json"


def _stored(key: str) -> dict[str, float] | None:
    """Return the times of an earlier self-test of this machine, if they are in the cache and whole."""
    stored = cache_files.read_json(_file(key))
    if not isinstance(stored, dict) or stored.get("machine") != key:
        return None
    times = stored.get("times_ms")
    if not isinstance(times, dict) or PLAIN not in times or not set(times) <= {PLAIN, ONEDNN, BF16}:
        return None
    if not all(type(value) is float and value > 0 for value in times.values()):
        return None
    return times
