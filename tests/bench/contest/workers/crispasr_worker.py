"""The same as `qasr_worker` with CrispASR's Python package, in an environment of its own.

It has no batches: the clips of a file are its calls, one after another. Nothing of qasr is imported here.
"""

from __future__ import annotations

import json
import sys
import time
import wave
from pathlib import Path


def _clock() -> tuple[float, float]:
    return time.process_time(), time.monotonic()


def main() -> None:
    """Do the job."""
    begun = _clock()
    import crispasr
    import numpy as np

    job = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    session = crispasr.Session(job["gguf"], n_threads=job["n_threads"])
    session.set_max_new_tokens(job["n_tokens"] // len(job["clips"]))
    loaded = _clock()
    for path in job["clips"]:
        with wave.open(path) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float32) / 32_768
        session.transcribe(samples, language="en")
    done = _clock()
    took = {
        "load_cpu_s": loaded[0] - begun[0],
        "load_wall_s": loaded[1] - begun[1],
        "cpu_s": done[0] - loaded[0],
        "wall_s": done[1] - loaded[1],
        "n_tokens": None,  # it leaves repetitions out of its answer, so nothing can be counted
        "device": f"cpu {Path(job['gguf']).stem}",
    }
    sys.stdout.write(json.dumps(took) + "\n")


if __name__ == "__main__":
    main()
