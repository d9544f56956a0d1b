"""The contest's tables in `docs/explanation/benchmarks.md`.

    python -m tests.bench.page [RESULT.json]        default: the newest result for 0.6b

In goes a JSON file of `tests.bench.contest`; out comes the page with new tables between its two marks.
Medians over the rounds. Measures nothing.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "explanation" / "benchmarks.md"
RESULTS = Path(__file__).parent / "results"
BEGIN, END = "<!-- contest -->", "<!-- end of contest -->"
_TITLES = {
    "clip": "A clip of 30 s, 120 tokens, without aligner",
    "file": "A file of 5 minutes, 1,200 tokens, without aligner",
    "align": "The aligner: 30 s, 75 words",
    "whole": "`qasr transcribe` of the 5 minutes, from decoding and VAD to aligner and subtitles",
}
_REFERENCE = "official fp32"

Run = dict[str, Any]


def tables(result: dict[str, Any]) -> str:
    """Return the conditions and tables of a result as Markdown."""
    runs: list[Run] = result["runs"]
    parts = [_conditions(result)]
    for work, title in _TITLES.items():
        rows = list(_rows([run for run in runs if run["work"] == work], result["conditions"]["threads"][-1]))
        if rows:
            parts.append(f"{title}:\n\n" + "\n".join([*_head(result["conditions"]["threads"][-1]), *rows]))
    if parts_of_clip := list(_parts_of_clip(runs)):
        head = ["| program | encoder and prefill, CPU s | a step, CPU ms |", "|---" * 3 + "|"]
        parts.append("What that clip consists of:\n\n" + "\n".join([*head, *parts_of_clip]))
    starts = list(_starts([run for run in runs if run["work"] == "start"]))
    if starts:
        head = [
            "| program | loaded, s: first start | later | answer, s: first start | later | peak memory, GB |",
            "|---" * 6 + "|",
        ]
        title = "From the start to loaded models, and to the answer for the first 2 s of audio (with aligner)"
        parts.append(f"{title}:\n\n" + "\n".join([*head, *starts]))
    return "\n\n".join(parts)


def _conditions(result: dict[str, Any]) -> str:
    machine, versions = result["machine"], result["versions"]
    low, high = sorted(result["load_average"])
    flags = f", {' '.join(machine['flags'])}" if machine["flags"] else ""
    cpu = f"{machine['cpu']} (family {machine['family']}), {machine['n_cores']} cores{flags}"
    commit = f"commit {result['commit'][:7]}{'' if result['is_clean'] else ' and changes'}"
    rounds = f"{result['conditions']['rounds']} rounds in turn"
    return (
        f"{result['date'][:10]}, {commit}: {cpu}. "
        f"{', '.join(f'{name} {number}' for name, number in versions.items())}. "
        f"Random weights of the {result['model']} shapes; {rounds}; load average {low} to {high}."
    )


def _head(n_threads: int) -> list[str]:
    columns = [
        "program", "CPU s of one thread", "times real time per core", f"{_REFERENCE} ÷ it",
        f"wall s on {n_threads} threads", "cores obtained", "peak memory, GB",
    ]  # fmt: skip
    return [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]


def _rows(runs: list[Run], n_threads: int) -> Iterator[str]:
    """Yield a row for each program, in the order in which they ran."""
    one = {name: _of(runs, name, 1) for name in _names(runs)}
    several = {name: _of(runs, name, n_threads) for name in one}
    reference = _median(one.get(_REFERENCE, []), "cpu_s")
    for name, alone in one.items():
        cpu_s, together = _median(alone, "cpu_s"), several[name]
        speed = alone[0]["audio_s"] / cpu_s if cpu_s else 0
        cells = [
            f"{cpu_s:.1f}" if cpu_s else "",
            f"{speed:.2f}" if speed else "",
            f"{reference / cpu_s:.1f}" if reference and cpu_s else "",
            f"{_median(together, 'wall_s'):.1f}" if together else "",
            f"{_median(together, 'cpu_s') / _median(together, 'wall_s'):.1f}" if together else "",
            f"{max(run['peak_mb'] for run in [*alone, *together]) / 1000:.1f}",
        ]
        yield f"| {_with_format(name, [*alone, *together])} | {' | '.join(cells)} |"


def _with_format(name: str, runs: list[Run]) -> str:
    """Return a program's name with the number format that it chose, if it says which."""
    formats = sorted({run["device"].removeprefix("cpu").strip() for run in runs if run.get("device")})
    return f"{name} ({', '.join(formats)})" if formats else name


def _parts_of_clip(runs: list[Run]) -> Iterator[str]:
    """Yield a row for each program: the clip with one token, and what each further token takes."""
    clips, first = ([run for run in runs if run["work"] == work] for work in ("clip", "prefill"))
    for name in _names(first):
        whole, alone = _of(clips, name, 1), _of(first, name, 1)
        if whole and alone:
            prefill_s = _median(alone, "cpu_s")
            step_s = (_median(whole, "cpu_s") - prefill_s) / (whole[0]["token_cap"] - 1)
            yield f"| {name} | {prefill_s:.2f} | {step_s * 1000:.0f} |"


def _starts(runs: list[Run]) -> Iterator[str]:
    for name in _names(runs):
        mine = _of(runs, name, runs[0]["n_threads"])
        first = [run for run in mine if run["is_first_start"]]
        later = [run for run in mine if not run["is_first_start"]]
        seconds = [
            f"{sum(_median(part, key) for key in keys):.1f}" if part else ""
            for keys in (("load_wall_s",), ("load_wall_s", "wall_s"))
            for part in (first, later)
        ]
        yield f"| {name} | {' | '.join(seconds)} | {max(run['peak_mb'] for run in mine) / 1000:.1f} |"


def _names(runs: Iterable[Run]) -> list[str]:
    return list(dict.fromkeys(run["contestant"] for run in runs))


def _of(runs: Iterable[Run], name: str, n_threads: int) -> list[Run]:
    return [run for run in runs if run["contestant"] == name and run["n_threads"] == n_threads]


def _median(runs: list[Run], key: str) -> float:
    return statistics.median(run[key] for run in runs) if runs else 0.0


def fill(page: str, content: str) -> str:
    """Return a page with other content between its marks.

    Raises:
        ValueError: The page lacks a mark.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE} lacks {BEGIN} or {END}")
    return f"{before}{BEGIN}\n\n{content}\n\n{END}{after}"


def main() -> None:
    """Put a result into the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.page")
    parser.add_argument("result", type=Path, nargs="?", help="default: the newest of 0.6b")
    found = sorted(RESULTS.glob("*-0.6b.json"))
    path = parser.parse_args().result or (found[-1] if found else None)
    if path is None:
        raise SystemExit("there is no result yet: make bench-contest")
    result = json.loads(path.read_text("utf-8"))
    PAGE.write_text(fill(PAGE.read_text("utf-8"), tables(result)), "utf-8")
    sys.stdout.write(f"{PAGE} has the tables of {path}\n")


if __name__ == "__main__":
    main()
