"""Many files and long ones: how busy the device is, how full its batches, how much memory it takes.

    python -m tests.bench.scale                     2,000 clips; 1, 3 and 10 h; both engines
    python -m tests.bench.scale clips --engine free
    python -m tests.bench.scale hours --engine demo --hours 1 3 10

Busy is the share of the time between an engine's first and last call in which one was at work; full the share
of a batch's room that was used, over all batches of the recognizer. The free-running engine makes words up in
no time: with it the rest of qasr is all there is to wait for.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.bench.__main__ import CLIPS, looped_talk, media_seconds
from tests.measuring import Usage, measure_qasr

ROOT = Path(__file__).parents[2]
N_CLIPS = 2_000
ENGINES = {"demo": "tests.bench.counted:demo", "free": "tests.bench.counted:free"}


@dataclass(frozen=True, slots=True)
class Calls:
    """What the engines of a run did: shares of 1, and how many batches the recognizer had."""

    busy: float
    full: float
    n_batches: int


def run(media: Path, folder: Path, engine: str) -> tuple[Usage, Calls]:
    """Transcribe and return what it took."""
    calls = folder / "calls.jsonl"
    calls.unlink(missing_ok=True)
    usage = measure_qasr(
        *("transcribe", media, "--engine", ENGINES[engine], "-o", folder / f"out-{engine}", "-q"),
        folder=ROOT,
        env={**os.environ, "QASR_BENCH_CALLS": str(calls)},
    )
    if usage.exit_code:
        raise SystemExit(f"{media} with {engine} ended with {usage.exit_code}:\n{usage.errors[-2000:]}")
    told = [json.loads(line) for line in calls.read_text().splitlines()]
    whole_s = max(one["end_s"] for one in told) - min(one["begin_s"] for one in told)
    batches = [one for one in told if one["engine"] == "recognizer"]
    busy_s = sum(one["end_s"] - one["begin_s"] for one in told)
    full = sum(one["n"] for one in batches) / sum(one["room"] for one in batches)
    return usage, Calls(busy_s / whole_s, full, len(batches))


def say(*cells: object) -> None:
    """Print a row."""
    sys.stdout.write(f"| {' | '.join(map(str, cells))} |\n")
    sys.stdout.flush()


def measure_clips(folder: Path, engine: str) -> None:
    """Print a row about many short clips."""
    originals = sorted(CLIPS.iterdir())
    clips = folder / "clips"
    clips.mkdir(exist_ok=True)
    for number in range(N_CLIPS):
        original = originals[number % len(originals)]
        (clips / f"{number:04d}{original.suffix}").write_bytes(original.read_bytes())
    audio_s = media_seconds(originals) * N_CLIPS / len(originals)
    _row(f"{N_CLIPS:,} clips", engine, audio_s, *run(clips, folder, engine))


def measure_hours(folder: Path, engine: str, hours: float) -> None:
    """Print a row about one long file."""
    media = looped_talk(folder, hours * 3600)
    _row(f"one file of {hours:g} h", engine, hours * 3600, *run(media, folder, engine))
    media.unlink()


def _row(what: str, engine: str, audio_s: float, usage: Usage, calls: Calls) -> None:
    rtfx = f"{audio_s / usage.wall_s:,.0f}"
    busy, full = f"{calls.busy:.0%}", f"{calls.full:.0%}"
    say(
        what,
        engine,
        f"{audio_s:,.0f}",
        f"{usage.wall_s:.1f}",
        rtfx,
        busy,
        calls.n_batches,
        full,
        f"{usage.peak_mb:,.0f}",
    )


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("part", nargs="?", choices=["clips", "hours", "all"], default="all")
    parser.add_argument("--engine", choices=sorted(ENGINES), action="append")
    parser.add_argument("--hours", type=float, nargs="+", default=[1, 3, 10])
    asked = parser.parse_args()
    say("media", "engine", "audio s", "wall s", "RTFx", "busy", "batches", "full", "peak memory MB")
    say(*["---"] * 9)
    with tempfile.TemporaryDirectory() as name:
        for engine in asked.engine or ("free", "demo"):
            if asked.part != "hours":
                measure_clips(Path(name), engine)
            for hours in asked.hours if asked.part != "clips" else ():
                measure_hours(Path(name), engine, hours)


if __name__ == "__main__":
    main()
