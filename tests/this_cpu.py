"""What this CPU does with bf16 and int8, on which a few tests of bits and of time depend."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

_CPU = Path("/proc/cpuinfo")
HAS_AMX = _CPU.exists() and " amx_tile" in _CPU.read_text("utf-8", "replace")
# Without them torch computes bf16 in many small steps, and qasr takes fp32
HAS_BF16_PRODUCTS = bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def skip_if_amx() -> None:
    """Skip a test of bits that AMX does not keep: oneDNN's products depend on their shape there."""
    if HAS_AMX:
        pytest.skip("this CPU has AMX, with which oneDNN's products depend on their shape")
