"""Whether this CPU has AMX: oneDNN's products in bf16 and int8 depend on their shape there."""

from __future__ import annotations

from pathlib import Path

import pytest

_CPU = Path("/proc/cpuinfo")
HAS_AMX = _CPU.exists() and " amx_tile" in _CPU.read_text("utf-8", "replace")


def skip_if_amx() -> None:
    """Skip a test of bits that AMX does not keep."""
    if HAS_AMX:
        pytest.skip("this CPU has AMX, with which oneDNN's products depend on their shape")
