"""`make parity`: qasr's engine and the official package on the same weights, compared stage by stage.

In goes a python that has the official package; out come a table on standard output and, with ``--write``, the
part of `README.md` beside this file that holds it. Exits 1 when a stage differs more than rounding does.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from transformers.utils import logging as transformers_logging

from qasr_cli.engines import device, model_store
from qasr_cli.engines.layouts import Kind
from qasr_cli.engines.qwen3 import loading
from qasr_cli.engines.qwen3.engine import Qwen3Aligner, Qwen3Recognizer
from qasr_cli.engines.qwen3.setup import Setup
from qasr_cli.media.ffmpeg import find_tools
from qasr_cli.speech.inference.protocols import AlignRequest
from tests.model_folders import REAL_ALIGNER, REAL_ASR_06B, TINY, Shape, write_original, write_random
from tests.official_times import repaired

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TALK = ROOT / "samples" / "talk.mp4"
LENGTHS_S = (0.3, 0.5, 1.0, 2.7, 7.0023, 8.0, 12.34, 30.0, 60.0)
_PROMPTS = (("", None), ("Helen, Dublin", None), ("", "English"), ("Oslo", "Spanish"))
TOLERANCE = 2e-3  # of a value of size 1: float32 sums in another order
_SECOND = 16_000  # samples
_SHORT, _UNEVEN = "clips under one second", "short and uneven clips as given"
_REAL = "0.6B shapes, random"
_MARK = "<!-- table -->"
_CPU = torch.device("cpu")


@dataclass(frozen=True)
class Road:
    """One of the ways in which qasr computes a model.

    Attributes:
        name: Its name in the table.
        setup: The engine's.
        is_exact: Whether numbers must agree to rounding; else only tokens and times must.
    """

    name: str
    setup: Setup
    is_exact: bool


_PLAIN = Road("transformers", Setup(device.Placement(_CPU, torch.float32), is_plain=True), is_exact=True)
_LOOP = Road("loop", Setup(device.Placement(_CPU, torch.float32)), is_exact=True)
_LOOP_INT8 = Road("loop, int8", Setup(device.place("cpu", "int8", 0)), is_exact=False)
_LOOP_BF16 = Road("loop, bf16", Setup(device.Placement(_CPU, torch.bfloat16)), is_exact=False)


@dataclass(frozen=True)
class Weights:
    """Checkpoints of one size in the original layout, and what is asked of them."""

    name: str
    asr: Path
    aligner: Path
    lengths_s: tuple[float, ...]
    roads: tuple[Road, ...]


def _clips(lengths_s: tuple[float, ...]) -> dict[str, np.ndarray]:
    """Cuts of the sample talk, repeated where it is too short."""
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "talk.wav"
        command = [
            str(find_tools().ffmpeg),
            "-v",
            "error",
            "-i",
            str(TALK),
            "-ac",
            "1",
            "-ar",
            "16000",
            str(wav),
        ]
        subprocess.run(command, check=True)
        talk, _ = soundfile.read(wav, dtype="float32")
    return {f"{length} s": talk[16_000 : 16_000 + round(length * 16_000)] for length in lengths_s}


def _even(clip: np.ndarray) -> np.ndarray:
    """The clip as qasr hears it: half a second at least, and whole frames of 10 ms."""
    wanted = max(8_000, -(-len(clip) // 160) * 160)
    return np.pad(clip, (0, wanted - len(clip)))


def _cases(clips: dict[str, np.ndarray], *, is_large: bool) -> list[dict[str, Any]]:
    """Every clip alone with each prompt; all together; and the two faults of the package left as they are.

    A large model hears about as fast as one listens: of one, only the shortest clip is asked with every
    prompt, and the long clips are asked alone and with their windows.
    """
    base = {"kind": "asr", "context": "", "language": None, "windows": True, "alone": True}
    cases = []
    long = {name for name, clip in clips.items() if is_large and len(clip) > 20 * _SECOND}
    for number, name in enumerate(clips):
        for context, language in _PROMPTS if number == 0 or not is_large else _PROMPTS[:1]:
            more = {"context": context, "language": language}
            cases.append({**base, **more, "name": f"asr {number} {context} {language}", "clips": [name]})
    together = sorted(set(clips) - long)
    cases += [
        {**base, "name": "asr together", "clips": together},
        {**base, "name": "asr together, as the package pads", "clips": together, "alone": False},
        *(
            {**base, "name": f"asr {number}, without windows", "clips": [name], "windows": False}
            for number, name in enumerate(clips)
            if name not in long
        ),
    ]
    text = "Good morning everyone and welcome my name is Helen and I am from Dublin today I want to talk"
    n_words = {name: max(1, min(18, round(len(clip) / 8000))) for name, clip in clips.items()}
    texts = {name: " ".join(text.split()[:n]) for name, n in n_words.items()}
    align: dict[str, Any] = {"kind": "aligner", "windows": True, "alone": True}
    cases += [
        {**align, "name": f"align {number}", "clips": [name], "texts": [one]}
        for number, (name, one) in enumerate(sorted(texts.items()))
    ]
    texts_together = [texts[name] for name in together]
    return [*cases, {**align, "name": "align together", "clips": together, "texts": texts_together}]


def _reference(python: Path, weights: Weights, clips: dict[str, np.ndarray], cases: Any) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        job = {"asr": str(weights.asr), "aligner": str(weights.aligner), "cases": cases}
        (Path(folder) / "job.json").write_text(json.dumps(job), "utf-8")
        np.savez(Path(folder) / "clips.npz", **clips)  # type: ignore[arg-type]  # numpy has a flag there, too
        environment = os.environ | {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"}
        subprocess.run([python, HERE / "reference.py", folder], check=True, env=environment)
        return dict(np.load(Path(folder) / "answers.npz"))


class _Ours:
    """The same stages out of qasr's engine."""

    def __init__(self, weights: Weights, setup: Setup) -> None:
        asr, aligner = (model_store.find(str(folder)) for folder in (weights.asr, weights.aligner))
        assert asr is not None
        assert aligner is not None
        self.recognizer = Qwen3Recognizer(loading.open_model(Kind.RECOGNIZER, asr), setup)
        self.aligner = Qwen3Aligner(loading.open_model(Kind.ALIGNER, aligner), setup)

    @torch.inference_mode()
    def transcribed(self, case: dict[str, Any], clips: list[np.ndarray]) -> dict[str, list[np.ndarray]]:
        engine = self.recognizer
        features = [engine._extract(clip) for clip in clips]
        ids = [
            engine._prompts.transcription(item.n_tokens, case["context"], case["language"])
            for item in features
        ]
        encoded = engine._decoder.encode(features)
        budgets = [case.get("max_new_tokens", 24)] * len(clips)
        written = [answer.tokens for answer in engine._decoder.write(features, ids, budgets, [])]
        stop = set(engine._prompts.stop_ids)
        new = [row[: next((i for i, token in enumerate(row) if token in stop), len(row))] for row in written]
        return {
            "mel": [item.mel[:, : item.n_frames].numpy() for item in features],
            "encoder": [part.float().numpy() for part in encoded],
            "prompt": [np.array(row) for row in ids],
            "tokens": [np.array(row, dtype=np.int64) for row in new],
        }

    def aligned(self, case: dict[str, Any], clips: list[np.ndarray]) -> dict[str, list[np.ndarray]]:
        engine = self.aligner
        requests = [
            AlignRequest(clip, tuple(text.split()), "English")
            for clip, text in zip(clips, case["texts"], strict=True)
        ]
        features = [engine._extract(clip) for clip in clips]
        ids = [
            engine._prompts.alignment(item.n_tokens, request.tokens)
            for item, request in zip(features, requests, strict=True)
        ]
        slots = [
            part.numpy() for part in engine._classifier.slot_scores(features, ids, engine._prompts.timestamp)
        ]
        raw = [part.argmax(-1) * engine._bin_ms for part in slots]
        return {"slots": slots, "raw_ms": raw, "repaired_ms": [repaired(row) for row in raw]}


@dataclass
class _Row:
    """What came of one stage over all clips."""

    n: int = 0
    n_equal: int = 0
    largest: float = 0.0

    def add(self, theirs: np.ndarray, ours: np.ndarray) -> None:
        self.n += 1
        if theirs.shape != ours.shape:
            self.largest = float("inf")
            return
        difference = float(np.abs(theirs.astype(float) - ours.astype(float)).max(initial=0.0))
        self.n_equal += difference == 0
        self.largest = max(self.largest, difference)


_STAGES = {
    "mel": "mel features",
    "encoder": "encoder output",
    "prompt": "prompt ids",
    "tokens": "greedy tokens",
    "slots": "aligner logits",
    "raw_ms": "times before repair, ms",
    "repaired_ms": "times after repair, ms",
}
_FAULTS = ("", _SHORT, "no windows", "padded by neighbours", _UNEVEN)
_EXACT = ("prompt", "tokens", "raw_ms", "repaired_ms")


def _compare(python: Path, weights: Weights) -> tuple[list[str], bool]:
    """Return the table's rows of one size, and whether all that should be equal is."""
    given = _clips(weights.lengths_s)
    clips = {name: _even(clip) for name, clip in given.items()}
    cases = _cases(clips, is_large=weights.name == _REAL)
    uneven = {f"{name} as given": clip for name, clip in given.items() if len(clip) != len(clips[name])}
    cases += [{**cases[0], "name": name, "clips": [name], "fault": _UNEVEN} for name in uneven]
    clips |= uneven
    theirs = _reference(python, weights, clips, cases)
    lines, is_right = [], True
    for road in weights.roads:
        rows = _compare_road(weights, road, cases, clips, theirs)
        lines += [_line(weights, road, place, row) for place, row in rows.items()]
        is_right &= all(_is_right(road, place, row) for place, row in rows.items())
    return lines, is_right


def _compare_road(
    weights: Weights, road: Road, cases: list[dict[str, Any]], clips: dict[str, np.ndarray], theirs: Any
) -> dict[tuple[str, str], _Row]:
    """Return what came of each kind of clip and stage on one road, in the table's order."""
    ours = _Ours(weights, road.setup)
    rows: dict[tuple[str, str], _Row] = defaultdict(_Row)
    for case in cases:
        heard = [clips[name] for name in case["clips"]]
        parts = ours.transcribed(case, heard) if case["kind"] == "asr" else ours.aligned(case, heard)
        fault = case.get("fault", "") if case["windows"] else "no windows"
        fault = fault or ("" if case["alone"] else "padded by neighbours")
        for part, values in parts.items():
            for i, value in enumerate(values):
                is_short = len(heard[i]) < _SECOND and not fault
                rows[_SHORT if is_short else fault, part].add(theirs[f"{case['name']}/{part}/{i}"], value)
    places = [(fault, part) for fault in _FAULTS for part in _STAGES]
    return {place: rows[place] for place in places if place in rows}


def _line(weights: Weights, road: Road, place: tuple[str, str], row: _Row) -> str:
    fault, part = place
    package = fault or "windows applied, features alone"
    cells = (weights.name, road.name, package, _STAGES[part], row.n, row.n_equal, f"{row.largest:.1e}")
    return f"| {' | '.join(map(str, cells))} |"


def _is_right(road: Road, place: tuple[str, str], row: _Row) -> bool:
    fault, part = place
    if fault:
        return True
    limit = 0 if part in _EXACT else TOLERANCE
    return row.largest <= limit or not (road.is_exact or part in ("prompt", "tokens"))


def _written(folder: Path, name: str, shapes: tuple[Shape, Shape] | None) -> Weights:
    """Write random weights (the demo pair without shapes) and return where they are."""
    found = []
    for number, kind in enumerate((Kind.RECOGNIZER, Kind.ALIGNER)):
        native = (
            write_random(folder / f"{name}-{kind}", kind, shapes[number])
            if shapes
            else ROOT / "qasr_cli" / "demo" / ("asr" if kind is Kind.RECOGNIZER else "aligner")
        )
        found.append(write_original(native, folder / f"{name}-{kind}-original"))
    asr, aligner = found
    lengths_s = LENGTHS_S if name != _REAL else (1.0, 8.0, 12.34, 30.0, 60.0)
    # Random weights have nearly equal scores for many tokens, so there a coarser format writes others.
    roads = (_PLAIN, _LOOP) if shapes else (_PLAIN, _LOOP, _LOOP_BF16, _LOOP_INT8)
    return Weights(name, asr, aligner, lengths_s, roads)


def main() -> None:
    """Run the comparison and print, or write, its table."""
    parser = argparse.ArgumentParser(prog="python -m tests.parity", description=__doc__)
    parser.add_argument("--python", type=Path, required=True, help="interpreter with qwen-asr installed")
    parser.add_argument("--without-real-shapes", action="store_true", help="leave the 0.6B shapes out (6 GB)")
    parser.add_argument("--write", action="store_true", help="put the table into tests/parity/README.md")
    arguments = parser.parse_args()
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    sizes: dict[str, tuple[Shape, Shape] | None] = {"demo pair": None, "tiny, random": (TINY, TINY)}
    if not arguments.without_real_shapes:
        sizes[_REAL] = (REAL_ASR_06B, REAL_ALIGNER)
    lines = [
        "| weights | qasr | package | stage | clips | equal | largest difference |",
        "|---|---|---|---|---|---|---|",
    ]
    is_right = True
    for name, shapes in sizes.items():
        with tempfile.TemporaryDirectory() as folder:
            rows, is_fine = _compare(arguments.python, _written(Path(folder), name, shapes))
        sys.stdout.write("\n".join(rows) + "\n")
        lines += rows
        is_right &= is_fine
    if arguments.write:
        page = HERE / "README.md"
        before, _, after = page.read_text("utf-8").split(_MARK)
        page.write_text(_MARK.join([before, "\n" + "\n".join(lines) + "\n", after]), "utf-8")
    sys.exit(0 if is_right else "parity: a stage differs more than rounding does")


if __name__ == "__main__":
    main()
