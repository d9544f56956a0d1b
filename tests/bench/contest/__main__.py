"""Run the contest: every program in turn, A B C A B C, each in a process of its own.

    make bench-contest                        qasr in its number formats
    make bench-official                       the official package beside it
    python -m tests.bench.contest --works clip,align --rounds 3 --only "qasr auto" "official fp32"

In go random weights of real shapes (written once) and the sample talk; out come a table on standard output
and a dated JSON file in `tests/bench/results/`, which `python -m tests.bench.page` puts into the docs.
CPU seconds are of one thread, wall seconds of as many as --threads says. A program that is not on this
machine, or fails, is left out with a line that says why.

Works: `clip` is 30 s of audio and 120 tokens; `prefill` is the same with one token, so that the difference
is that of 119 steps; `file` is 5 minutes and 1,200 tokens; `align` is 30 s and 75
words; `start` loads recogniser and aligner for 2 s of audio, first with an empty cache; `whole` is `qasr
transcribe` of the 5 minutes from the command line, with the aligner.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from qasr_cli.media.ffmpeg import find_tools
from tests.bench.contest import machine, process
from tests.bench.contest.contestants import (
    CONTESTANTS,
    OFFICIAL,
    ROOT,
    Contestant,
    command,
    environment,
    obstacle,
)

RESULTS = Path(__file__).parents[1] / "results"
TALK = ROOT / "samples" / "talk.mp4"
WORKS = ("start", "prefill", "clip", "align", "file", "whole")
TOKENS_PER_S = 4
SHORT_S, CLIP_S, FILE_S = 2, 30, 300
_WORDS = "one two three four five six seven eight nine ten"
_N_WORDS = 75
_ALL_TOKENS = 0.98  # a clip may end some samples early, and its cap is rounded down
_TOKENS = re.compile(r"(\d+) text tokens")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _audio(folder: Path) -> tuple[Path, list[Path], Path]:
    """Write the talk, again and again: as one file, in clips and a short clip; mono, 16 kHz, 16 bit."""
    whole = folder / "file.wav"
    ffmpeg = [str(find_tools().ffmpeg), "-v", "error", "-nostdin"]
    form = ["-ac", "1", "-ar", "16000", "-c:a", "pcm_s16le"]
    looped = [*ffmpeg, "-stream_loop", "-1", "-i", str(TALK), "-vn", "-t", str(FILE_S), *form, str(whole)]
    subprocess.run(looped, check=True)

    def cut(name: str, begin_s: int, length_s: int) -> Path:
        part = ["-ss", str(begin_s), "-t", str(length_s)]
        subprocess.run([*ffmpeg, "-i", str(whole), *part, *form, str(folder / name)], check=True)
        return folder / name

    clips = [cut(f"clip{begin_s}.wav", begin_s, CLIP_S) for begin_s in range(0, FILE_S, CLIP_S)]
    return whole, clips, cut("short.wav", 1, SHORT_S)


def _jobs(arguments: argparse.Namespace, weights: Path, folder: Path) -> dict[str, dict[str, Any]]:
    """Return a job for each work."""
    whole, clips, first = _audio(folder)
    base = {
        "asr": str(weights / arguments.model),
        "aligner": str(weights / _aligner(arguments.model)),
        "tiny": str(weights / "tiny"),
        "gguf": os.environ.get("QASR_BENCH_CRISPASR_MODEL", ""),
        "tokens_per_s": TOKENS_PER_S,
        "words": " ".join((_WORDS.split() * _N_WORDS)[:_N_WORDS]),
    }
    start: dict[str, Any] = {"whole": str(first), "clips": [str(first)], "audio_s": SHORT_S, "words": _WORDS}
    short: dict[str, Any] = {"whole": str(clips[0]), "clips": [str(clips[0])], "audio_s": CLIP_S}
    long: dict[str, Any] = {"whole": str(whole), "clips": [str(clip) for clip in clips], "audio_s": FILE_S}
    inputs = {
        "start": start,
        "prefill": {**short, "tokens_per_s": 0},
        "clip": short,
        "align": short,
        "file": long,
        "whole": long,
    }
    jobs = {work: {**base, **job, "work": work} for work, job in inputs.items()}
    for job in jobs.values():
        job["n_tokens"] = max(1, job["audio_s"] * job["tokens_per_s"])
    return jobs


def _aligner(model: str) -> str:
    return "tiny-aligner" if model == "tiny" else "aligner"


def _planned(arguments: argparse.Namespace) -> Iterator[tuple[str, int, int]]:
    """Yield the works, rounds and numbers of threads in their order: programs take turns inside of each."""
    for work in arguments.works:
        threads = (arguments.threads,) if work == "start" else (1, arguments.threads)
        for round_number in range(1, arguments.rounds + 1):
            for n_threads in dict.fromkeys(threads):
                yield work, round_number, n_threads


def _run_one(
    contestant: Contestant, job: dict[str, Any], caches: Path, official: Path
) -> dict[str, Any] | str:
    """Return what one run took, or why it failed."""
    cache = caches / contestant.name.replace(" ", "-")
    if job["work"] == "start" and job["is_first"]:
        shutil.rmtree(cache, ignore_errors=True)
    cache.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=caches) as name:
        job_file = Path(name) / "job.json"
        mine = {**job, "dtype": contestant.dtype}
        job_file.write_text(json.dumps(mine), "utf-8")
        before = machine.load_average()
        measured = process.run(
            command(contestant, mine, job_file, official), environment(contestant, mine, cache), ROOT
        )
    if measured.exit_code:
        return (measured.errors.strip() or "no message").splitlines()[-1]
    try:
        took = _reported(contestant, job, measured, cache)
    except RuntimeError as error:
        return str(error)
    n_tokens = took.get("n_tokens")
    if job["work"] != "align" and n_tokens is not None and n_tokens < _ALL_TOKENS * job["n_tokens"]:
        return f"it wrote {n_tokens} of {job['n_tokens']} tokens"
    return {
        "work": job["work"],
        "contestant": contestant.name,
        "n_threads": job["n_threads"],
        "audio_s": job["audio_s"],
        "token_cap": job["n_tokens"],
        "peak_mb": round(measured.peak_mb),
        "process_cpu_s": round(measured.cpu_s, 2),
        "process_wall_s": round(measured.wall_s, 2),
        "load_average": before,
        **{key: round(value, 2) if isinstance(value, float) else value for key, value in took.items()},
    }


def _reported(
    contestant: Contestant, job: dict[str, Any], measured: process.Measured, cache: Path
) -> dict[str, Any]:
    """Return what a worker says; of programs that say nothing, the whole process without its load."""
    if contestant.kind == "antirez":
        found = _TOKENS.findall(measured.errors)
        return {"cpu_s": measured.cpu_s, "wall_s": measured.wall_s, "n_tokens": sum(map(int, found))}
    if job["work"] == "whole":
        return {"cpu_s": measured.cpu_s, "wall_s": measured.wall_s, **_engine_calls(cache / "calls.jsonl")}
    took: dict[str, Any] = json.loads(measured.output.strip().splitlines()[-1])
    return took


def _engine_calls(file: Path) -> dict[str, Any]:
    """Return what the engines took in a run from the command line, and remove the file of their calls.

    Raises:
        RuntimeError: The aligner never succeeded; a run goes on without, and would seem to be fast.
    """
    calls = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    file.unlink()
    if not any(call["engine"] == "aligner" for call in calls):
        raise RuntimeError("the aligner failed in every call")
    return {"engine_wall_s": sum(call["end_s"] - call["begin_s"] for call in calls), "n_calls": len(calls)}


def contest(
    arguments: argparse.Namespace, jobs: dict[str, dict[str, Any]], caches: Path
) -> Iterator[dict[str, Any]]:
    """Yield all runs, in their order."""
    left_out: set[tuple[str, str]] = set()
    here = [one for one in CONTESTANTS if not arguments.only or one.name in arguments.only]
    for one in list(here):
        if why := obstacle(one, arguments.official):
            _say(f"{one.name} is left out: {why}")
            here.remove(one)
    for work, round_number, n_threads in _planned(arguments):
        for one in here:
            if work not in one.works or (one.name, work) in left_out:
                continue
            for is_first in (True, False) if work == "start" else (False,):
                job = {**jobs[work], "n_threads": n_threads, "is_first": is_first}
                took = _run_one(one, job, caches, arguments.official)
                if isinstance(took, str):
                    _say(f"{one.name} is left out of {work}: {took}")
                    left_out.add((one.name, work))
                    break
                yield {**took, "round": round_number, "is_first_start": is_first}


def _line(run: dict[str, Any]) -> str:
    numbers = "  ".join(
        f"{key} {run[key]}"
        for key in ("load_cpu_s", "load_wall_s", "cpu_s", "wall_s", "n_tokens", "peak_mb", "load_average")
        if key in run
    )
    first = " first" if run["is_first_start"] else ""
    return (
        f"{run['work']}{first} {run['round']}, {run['n_threads']} thread(s), {run['contestant']}: {numbers}"
    )


class _Result:
    """The dated file, written anew after each run: a contest takes an hour and may be ended."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        now = datetime.now(UTC)
        self.path: Path = arguments.out or RESULTS / f"{now:%Y-%m-%d-%H%M}-{arguments.model}.json"
        self._before = machine.load_average()
        self._runs: list[dict[str, Any]] = []
        self._content = {
            "schema": 1,
            "date": now.isoformat(timespec="seconds"),
            "model": arguments.model,
            **machine.describe(ROOT, arguments.official),
            "conditions": {
                "weights": "random, real shapes, stop tokens impossible",
                "tokens_per_s": TOKENS_PER_S,
                "rounds": arguments.rounds,
                "threads": [1, arguments.threads],
            },
        }

    def add(self, run: dict[str, Any]) -> None:
        """Add a run and write the file."""
        self._runs.append(run)
        load = {"load_average": [self._before, machine.load_average()]}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        whole = json.dumps({**self._content, **load, "runs": self._runs}, indent=1)
        self.path.write_text(whole + "\n", "utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.contest", description=__doc__.partition("\n")[0]
    )
    names = [one.name for one in CONTESTANTS]
    parser.add_argument("--works", type=lambda text: text.split(","), default=list(WORKS))
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2, help="for the wall seconds")
    parser.add_argument("--only", nargs="*", metavar="NAME", help=f"of: {', '.join(names)}")
    parser.add_argument("--model", choices=("0.6b", "1.7b", "tiny"), default="0.6b")
    parser.add_argument("--weights", type=Path, default=ROOT / "build" / "bench-weights")
    parser.add_argument("--official", type=Path, default=OFFICIAL, help="a python that has qwen-asr")
    parser.add_argument("--out", type=Path, help="the JSON file")
    arguments = parser.parse_args()
    unknown = (set(arguments.only or ()) - set(names)) | (set(arguments.works) - set(WORKS))
    if unknown:
        parser.error(
            f"unknown: {', '.join(sorted(unknown))}; works: {', '.join(WORKS)}; names: {', '.join(names)}"
        )
    return arguments


def main() -> None:
    """Run the contest that the command line describes."""
    arguments = _arguments()
    models = [arguments.model, _aligner(arguments.model), "tiny"]
    writer = [sys.executable, "-m", "tests.bench.random_weights", *models, "--out", str(arguments.weights)]
    subprocess.run(writer, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    result = _Result(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder, caches = Path(name) / "audio", Path(name) / "caches"
        folder.mkdir()
        caches.mkdir()
        jobs = _jobs(arguments, arguments.weights.absolute(), folder)
        for run in contest(arguments, jobs, caches):
            result.add(run)
            _say(_line(run))
    if not os.path.isfile(result.path):
        raise SystemExit("no program took part")
    _say(str(result.path))


if __name__ == "__main__":
    main()
