"""What a result must say about the machine and the programs: processor, versions, commit, load."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tests.bench.contest.contestants import CRISPASR

_TELLING_FLAGS = (
    "avx2",
    "avx512f",
    "avx512_vnni",
    "avx512_bf16",
    "amx_tile",
    "amx_bf16",
    "amx_int8",
    "asimddp",
    "bf16",
    "i8mm",
)
_LIBRARIES = ("torch", "transformers", "onnxruntime", "llvmlite", "numpy")


def describe(root: Path, official: Path) -> dict[str, Any]:
    """Return what does not change during a run."""
    cpu = _cpu()
    return {
        "machine": {
            "cpu": cpu.get("model name", platform.processor() or platform.machine()),
            "family": " ".join(cpu.get(key, "") for key in ("cpu family", "model", "stepping")).strip(),
            "n_cores": len(os.sched_getaffinity(0)),
            "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
            "flags": [
                flag for flag in _TELLING_FLAGS if flag in cpu.get("flags", cpu.get("Features", "")).split()
            ],
            "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        },
        "versions": {
            "python": platform.python_version(),
            **{name: _version(name) for name in _LIBRARIES},
            **_foreign(official, "official ", ("qwen-asr", "torch", "transformers")),
            **_foreign(Path(os.environ.get(CRISPASR, "")), "", ("crispasr",)),
        },
        "commit": _git(root, "rev-parse", "HEAD"),
        "is_clean": not _git(root, "status", "--porcelain", "--untracked-files=no"),
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:  # llvmlite is optional, and makes a difference
        return "none"


def load_average() -> float:
    """Return the mean number of runnable processes of the last minute."""
    return round(os.getloadavg()[0], 2)


def _cpu() -> dict[str, str]:
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return {}
    first = text.partition("\n\n")[0]
    pairs = (line.partition(":") for line in first.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _foreign(python: Path, prefix: str, names: tuple[str, ...]) -> dict[str, str]:
    """Return the versions of packages in another environment."""
    if not os.path.isfile(python):
        return {}
    script = (
        "import sys\nfrom importlib.metadata import version\nfor name in sys.argv[1:]: print(version(name))"
    )
    done = subprocess.run([python, "-c", script, *names], capture_output=True, text=True, check=False)
    return {f"{prefix}{name}": found for name, found in zip(names, done.stdout.split(), strict=False)}
