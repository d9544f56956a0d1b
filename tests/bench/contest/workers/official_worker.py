"""The same as `qasr_worker` with the official `qwen-asr` package, in an environment of its own.

Nothing of qasr is imported here. The package is called as its readme does, with its own defaults for a CPU
(float32); a file is one chunk for it.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any


def _clock() -> tuple[float, float]:
    return time.process_time(), time.monotonic()


def _load(job: dict[str, Any]) -> dict[str, Any]:
    import torch
    from qwen_asr import Qwen3ASRModel, Qwen3ForcedAligner

    torch.set_num_threads(job["n_threads"])
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[job["dtype"]]
    models = {}
    if job["work"] != "align":
        models["asr"] = Qwen3ASRModel.from_pretrained(job["asr"], dtype=dtype, max_new_tokens=job["n_tokens"])
    if job["work"] in ("align", "start"):
        models["aligner"] = Qwen3ForcedAligner.from_pretrained(job["aligner"], dtype=dtype)
    return models


def _count_tokens(model: Any) -> list[int]:
    """Return a list to which each call of the model adds the number of tokens that it wrote."""
    counts: list[int] = []
    plain = model.model.generate

    def generate(**inputs: Any) -> Any:
        written = plain(**inputs)
        counts.append(int(written.sequences.shape[1] - inputs["input_ids"].shape[1]))
        return written

    model.model.generate = generate
    return counts


def _work(job: dict[str, Any], models: dict[str, Any]) -> int:
    """Return the number of tokens written, or of words aligned."""
    if "aligner" in models:
        results = models["aligner"].align(audio=job["whole"], text=job["words"], language="English")
        if job["work"] == "align":
            return len(results[0])
    counts = _count_tokens(models["asr"])
    models["asr"].transcribe(audio=job["whole"], language="English")
    return sum(counts)


def main() -> None:
    """Do the job."""
    begun = _clock()
    job = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    models = _load(job)
    loaded = _clock()
    n_tokens = _work(job, models)
    done = _clock()
    took = {
        "load_cpu_s": loaded[0] - begun[0],
        "load_wall_s": loaded[1] - begun[1],
        "cpu_s": done[0] - loaded[0],
        "wall_s": done[1] - loaded[1],
        "n_tokens": n_tokens,
        "device": "",  # its name says it
    }
    sys.stdout.write(json.dumps(took) + "\n")


if __name__ == "__main__":
    main()
