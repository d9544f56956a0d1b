"""Who takes part in the contest: how each program is called, and whether it is on this machine.

In go a job and the environment; out come command lines. Starts nothing. torch is not imported here or in the
other modules of this folder but the workers: Linux counts a parent's memory into its children's peak.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

WORKERS = Path(__file__).parent / "workers"
ROOT = Path(__file__).parents[3]
OFFICIAL = ROOT / ".venv-parity" / "bin" / "python"
ANTIREZ = "QASR_BENCH_ANTIREZ"
CRISPASR = "QASR_BENCH_CRISPASR"
CRISPASR_MODEL = "QASR_BENCH_CRISPASR_MODEL"


@dataclass(frozen=True, slots=True)
class Contestant:
    """A program with its settings.

    Attributes:
        name: As in the tables.
        kind: qasr, official, antirez or crispasr.
        works: What it can do: prefill, clip, file, align, start, whole.
        dtype: Number format to ask for.
        engine: The built-in engine of qasr to ask for.
    """

    name: str
    kind: str
    works: tuple[str, ...]
    dtype: str = ""
    engine: str = ""
    environment: dict[str, str] = field(default_factory=dict)


_ALL = ("prefill", "clip", "file", "align", "start", "whole")
CONTESTANTS = (
    Contestant("qasr plain", "qasr", _ALL, "fp32", "qwen3-generate"),
    Contestant("qasr fp32", "qasr", _ALL, "fp32", "qwen3"),
    Contestant("qasr bf16", "qasr", _ALL, "bf16", "qwen3"),
    Contestant("qasr int8", "qasr", _ALL, "int8", "qwen3"),
    Contestant("qasr auto", "qasr", _ALL, "auto", "qwen3"),
    Contestant("official fp32", "official", ("prefill", "clip", "file", "align", "start"), "fp32"),
    Contestant("official bf16", "official", ("prefill", "clip", "file", "align", "start"), "bf16"),
    Contestant("antirez C", "antirez", ("prefill", "clip", "file")),
    Contestant("CrispASR", "crispasr", ("prefill", "clip", "file", "start")),
)


def obstacle(contestant: Contestant, official: Path) -> str:
    """Return why a contestant cannot take part on this machine, "" if it can."""
    if contestant.kind == "official":
        return "" if os.path.isfile(official) else f"no {official}: make bench-official"
    if contestant.kind == "antirez":
        return _missing_file(ANTIREZ, "the path of its program qwen_asr")
    if contestant.kind == "crispasr":
        return _missing_file(CRISPASR, "a python that has crispasr") or _missing_file(
            CRISPASR_MODEL, "the weights as a GGUF file"
        )
    return ""


def _missing_file(variable: str, what: str) -> str:
    value = os.environ.get(variable)
    if not value:
        return f"{variable} is not set to {what}"
    return "" if os.path.isfile(value) else f"{variable}: no file {value}"


def command(contestant: Contestant, job: dict[str, Any], job_file: Path, official: Path) -> list[str]:
    """Return the command line for a job, which lies in `job_file`, too."""
    if job["work"] == "whole":
        return [
            *(sys.executable, "-m", "qasr_cli", "transcribe", job["whole"], "--language", "en"),
            *("--model", job["asr"], "--aligner", job["aligner"], "--device", "cpu"),
            *("--engine", "tests.bench.capped:load", "--dtype", contestant.dtype),
            *("-o", str(job_file.parent / "out"), "--overwrite", "--quiet"),
        ]
    if contestant.kind == "antirez":
        segments = ("-S", "30") if job["work"] == "file" else ()
        return [
            *(os.environ[ANTIREZ], "-d", job["asr"], "-i", job["whole"], "--language", "English"),
            *("-t", str(job["n_threads"]), *segments),
        ]
    if contestant.kind == "crispasr":
        return [os.environ[CRISPASR], str(WORKERS / "crispasr_worker.py"), str(job_file)]
    if contestant.kind == "official":
        return [str(official), str(WORKERS / "official_worker.py"), str(job_file)]
    return [sys.executable, "-m", "tests.bench.contest.workers.qasr_worker", str(job_file)]


def environment(contestant: Contestant, job: dict[str, Any], cache: Path) -> dict[str, str]:
    """Return the environment: the number of threads for every library, no network, a cache of its own."""
    n_threads = str(job["n_threads"])
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), n_threads)
    return {
        **os.environ,
        **threads,
        "XDG_CACHE_HOME": str(cache),
        "QASR_CACHE": str(cache / "qasr"),
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_VERBOSITY": "error",
        "QASR_BENCH_ENGINE": contestant.engine or "qwen3",
        "QASR_BENCH_TOKENS_PER_S": str(job["tokens_per_s"]),
        "QASR_BENCH_CALLS": str(cache / "calls.jsonl"),
        # A patched build reads it (docs/explanation/benchmarks.md); the unpatched one writes 2,048 tokens.
        "QWEN_MAX_TOKENS": str(job["n_tokens"] // len(job["clips"])),
    }
