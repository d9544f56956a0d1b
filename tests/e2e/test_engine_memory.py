"""Memory while models are loaded and afterwards: the C library's, and that of a load that fails."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from qasr_cli.engines import load, model_store
from qasr_cli.engines.qwen3 import preloading
from qasr_cli.errors import UnavailableError
from qasr_cli.options import EngineOptions

N_BLOCKS, BLOCK_PAGES = 200, 500


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library is left as it is")
def test_a_block_that_is_freed_after_loading_is_used_again() -> None:
    """A model takes and frees blocks of some MB; pages that went back would be faulted in again."""
    program = f"""
import resource
import numpy as np
from qasr_cli.engines import memory

with memory.converting():
    pass
def pages():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
np.ones({BLOCK_PAGES} * 512)
before = pages()
for _ in range({N_BLOCKS}):
    np.ones({BLOCK_PAGES} * 512)
print(pages() - before)
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(found.stdout) < N_BLOCKS * BLOCK_PAGES / 10


def test_a_load_that_fails_leaves_no_weights_for_the_next_one(tmp_path: Path) -> None:
    aligner = tmp_path / "aligner"
    shutil.copytree(str(model_store.aligner_location("auto", "demo")), aligner)
    for path in aligner.glob("*token*"):
        path.unlink()
    with pytest.raises(UnavailableError, match="tokenizer"):
        load(EngineOptions(model="demo", aligner=str(aligner), dtype="int8"))
    assert not preloading._begun
