"""A child process that does one piece of work with qasr's engine; in goes a job, out comes what it took.

``python -m tests.bench.contest.workers.qasr_worker JOB.json`` prints a line of JSON: seconds of CPU and wall
for loading and for the work, and the tokens that were written.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from qasr_cli.speech.inference.session import Session


def _clock() -> tuple[float, float]:
    return time.process_time(), time.monotonic()


def _load(job: dict[str, Any]) -> Session:
    from qasr_cli import engines
    from qasr_cli.options import EngineOptions

    return engines.load(
        EngineOptions(
            model=job["asr"] if job["work"] != "align" else job["tiny"],
            aligner=job["aligner"] if job["work"] in ("align", "start") else "none",
            device="cpu",
            dtype=job["dtype"],
            engine="tests.bench.capped:load",
        )
    )


def _samples(path: str) -> np.ndarray:
    import soundfile

    samples: np.ndarray = soundfile.read(path, dtype="float32")[0]
    return samples


def _work(job: dict[str, Any], session: Session) -> int:
    """Return the number of tokens written, or of words aligned."""
    from qasr_cli.options import DecodeOptions
    from qasr_cli.speech.inference import batching
    from qasr_cli.speech.inference.protocols import AlignRequest

    clips = [_samples(path) for path in job["clips"]]
    if job["work"] in ("align", "start"):
        assert session.aligner is not None
        words = tuple(job["words"].split())
        session.aligner.align([AlignRequest(clip, words, "English") for clip in clips])
        if job["work"] == "align":
            return len(words)
    recognizer = session.recognizer
    durations_ms = [len(clip) // 16 for clip in clips]
    n_tokens = 0
    for batch in batching.plan(durations_ms, recognizer.capacity):
        answers = recognizer.recognize([clips[i] for i in batch], DecodeOptions(language="en"))
        n_tokens += sum(answer.n_tokens for answer in answers)
    return n_tokens


def main() -> None:
    """Do the job."""
    begun = _clock()
    job = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    session = _load(job)
    loaded = _clock()
    n_tokens = _work(job, session)
    done = _clock()
    took = {
        "load_cpu_s": loaded[0] - begun[0],
        "load_wall_s": loaded[1] - begun[1],
        "cpu_s": done[0] - loaded[0],
        "wall_s": done[1] - loaded[1],
        "n_tokens": n_tokens,
        # That is the recogniser's; an aligner is measured beside a tiny one.
        "device": session.engines.device if job["work"] != "align" else "",
    }
    sys.stdout.write(json.dumps(took) + "\n")


if __name__ == "__main__":
    main()
