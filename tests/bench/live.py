"""Live sessions for hours: whether memory and lag stay flat, and what an hour of talk comes to.

    python -m tests.bench.live                      ten simulated hours with the demo pair: an hour
    python -m tests.bench.live --hours 1 --step 2
    python -m tests.bench.live --talk talk.flac     figures of `qasr live --bench` for a recording, besides

The samples are fed again and again with a simulated clock: each sound is at its place in time, and the
engine's own time is added. Memory is what the process has after each tenth of the time; it grows at first,
since oneDNN keeps compiled kernels for up to 1,024 shapes. The results go to `tests/bench/results`.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from qasr_cli import engines
from qasr_cli.engines import memory
from qasr_cli.live.replay import SimulatedClock
from qasr_cli.live.step_lane import StepLane
from qasr_cli.media import decode
from qasr_cli.options import EngineOptions, MediaOptions, Options, StreamOptions
from qasr_cli.speech.streaming.events import Ended, Final, Lag, LiveEvent
from qasr_cli.tasks import live_bench, live_bench_report
from qasr_cli.timebase import MS_PER_S, SAMPLE_RATE_HZ
from qasr_cli.version import __version__

ROOT = Path(__file__).parents[2]
SAMPLES = [ROOT / "samples" / name for name in ("talk.mp4", "three-languages.ogg")]
RESULTS = ROOT / "tests" / "bench" / "results"
_BLOCK_SAMPLES = 512
_N_MARKS = 10
_PAGE_BYTES = 4_096


@dataclass
class Tally:
    """What events came, without the events."""

    n_finals: int = 0
    n_words: int = 0
    n_lags: int = 0
    last_end_ms: int = 0
    compute_ms: list[int] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)

    def take(self, event: LiveEvent) -> None:
        """Count an event."""
        if isinstance(event, Final):
            assert event.start_ms >= self.last_end_ms, "times ran backwards"
            self.last_end_ms = event.end_ms
            self.n_finals += 1
            self.n_words += sum(len(segment.words) for segment in event.segments)
            self.compute_ms.append(event.compute_ms)
        elif isinstance(event, Lag):
            self.n_lags += 1
        elif isinstance(event, Ended):
            self.metrics = dict(event.metrics)


def read(path: Path) -> np.ndarray:
    """Return `int16[n_samples]` of a recording."""
    with decode.open_audio(path, MediaOptions()) as stream:
        return np.concatenate([*stream])


def resident_mb() -> float:
    """Return the memory that this process has now, on Linux."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * _PAGE_BYTES / 1e6


def soak(options: Options, stream: StreamOptions, hours: float) -> dict[str, Any]:
    """Feed the samples for some simulated hours, and return figures."""
    engine = engines.load(options.engine)
    sound = np.concatenate([read(path) for path in SAMPLES])
    n_samples = round(hours * 3_600) * SAMPLE_RATE_HZ
    clock, tally = SimulatedClock(time.process_time), Tally()
    marks: list[dict[str, Any]] = []
    lane = StepLane(lambda work: work(engine), clock)
    session = lane.open(options, stream, tally.take)
    begun_s = time.process_time()
    for position in range(0, n_samples, _BLOCK_SAMPLES):
        begin = position % (len(sound) - _BLOCK_SAMPLES)
        clock.now_s = max(clock.now_s, (position + _BLOCK_SAMPLES) / SAMPLE_RATE_HZ)
        session.feed(sound[begin : begin + _BLOCK_SAMPLES])
        _catch_up(clock, lane.run_once, (position + _BLOCK_SAMPLES) / SAMPLE_RATE_HZ)
        if (position + _BLOCK_SAMPLES) * _N_MARKS // n_samples > len(marks):
            marks.append(
                {
                    "hours": round(position / SAMPLE_RATE_HZ / 3_600, 3),
                    "resident_mb": round(resident_mb()),
                    "behind_s": round(clock.now_s - position / SAMPLE_RATE_HZ, 2),
                    "compute_p95_ms": _p95(tally.compute_ms),
                    "cpu_s": round(time.process_time() - begun_s),
                }
            )
            tally.compute_ms.clear()
            _say(marks[-1])
    session.end()
    while clock.run(lane.run_once):
        pass
    session.finish()
    return {
        "hours": hours,
        "step_ms": stream.step_ms,
        "n_finals": tally.n_finals,
        "n_words": tally.n_words,
        "n_lags": tally.n_lags,
        "marks": marks,
        "session": tally.metrics,
    }


def _catch_up(clock: SimulatedClock, run_once: Callable[[], bool], spoken_s: float) -> None:
    while clock.now_s <= spoken_s and clock.run(run_once):
        pass


def _p95(values: list[int]) -> int:
    return sorted(values)[len(values) * 95 // 100] if values else 0


def _say(row: dict[str, Any]) -> None:
    sys.stdout.write(f"{row}\n")
    sys.stdout.flush()


def main() -> None:
    """Measure, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--hours", type=float, default=10.0)
    parser.add_argument("--step", type=float, default=0.5, help="seconds")
    parser.add_argument("--model", default="demo")
    parser.add_argument("--engine", default=EngineOptions().engine)
    parser.add_argument("--talk", type=Path, help="a recording, with its text beside it")
    arguments = parser.parse_args()
    memory.prepare()
    options = Options(engine=EngineOptions(model=arguments.model, engine=arguments.engine))
    stream = StreamOptions(step_ms=round(arguments.step * MS_PER_S))
    results: dict[str, Any] = {"version": __version__, "talk": None, "soak": None}
    if arguments.talk:
        request = live_bench.LiveBenchRequest(arguments.talk, options, stream)
        measured = live_bench.measure(request)
        sys.stdout.write(live_bench_report.text(measured))
        results["talk"] = live_bench_report.content(measured, __version__)
    results["soak"] = soak(options, stream, arguments.hours)
    RESULTS.mkdir(exist_ok=True)
    target = RESULTS / f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}-live.json"
    target.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    sys.stdout.write(f"{target}\n")


if __name__ == "__main__":
    main()
