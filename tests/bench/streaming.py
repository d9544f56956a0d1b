"""Steps of a stream beside the official way to stream: CPU seconds of both, in turn, in one process.

    OMP_NUM_THREADS=1 python -m tests.bench.streaming          both parts, about ten minutes, 4 GB
    python -m tests.bench.streaming demo --rounds 1            one part

Ours: `StreamingRecognizer`, which keeps finished windows and verifies the last text. The official way
(qwen-asr 0.0.6): all audio is encoded and prefilled again, behind it the last text without its last 5 tokens,
none in the first two steps, and the rest is decoded. Both are computed by the same layers: ours, with one
loop for both, and with the demo pair transformers' too, whose `generate` decodes the official way.

`demo`: the talk in its utterances, with the demo pair, which really writes. `real`: one step at a time at the
shapes of the 0.6B model with random weights. These write nothing real, so each way gets the text it works
with, 4 tokens a second of audio, and the number of tokens that it decodes one by one on real speech: 13 by
rollback, 9 after verification. Prints tables and writes JSON.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch

from qasr_cli.engines import model_store
from qasr_cli.engines.device import Placement
from qasr_cli.engines.layouts import Kind
from qasr_cli.engines.qwen3 import loading, loop_backend
from qasr_cli.engines.qwen3.decoding import step_loop
from qasr_cli.engines.qwen3.engine import Qwen3Recognizer
from qasr_cli.engines.qwen3.setup import Setup
from qasr_cli.engines.qwen3.token_budget import token_budget
from qasr_cli.media import decode
from qasr_cli.options import ChunkOptions, DecodeOptions, MediaOptions, VadOptions
from qasr_cli.records import INT16_SCALE
from qasr_cli.speech.audio import chunking
from qasr_cli.speech.audio.vad import SpeechDetector
from qasr_cli.speech.inference.streaming import StreamStep
from tests.bench import random_weights
from tests.demo_pair import opened

ROOT = Path(__file__).parents[2]
TALK = ROOT / "samples" / "talk.mp4"
SAMPLE_RATE = 16_000
STEP = 63 * 512  # 2.016 s: a session steps by whole frames of the voice detector
ROUND_LATER = 592  # samples, 37 ms: utterances begin later with every round
N_ROLLED_BACK, N_FREE_STEPS = 5, 2  # of the official package
TOKENS_PER_S = 4  # of ordinary English
N_BY_ROLLBACK, N_AFTER_VERIFICATION = 13, 9  # decoded one by one in a step of 2 s, with the demo pair
REAL_LENGTHS_S = (5, 10, 13, 15, 17, 19, 20)
WINDOW_CYCLE_S = (13, 15, 17, 19)  # four steps, in which one window is filled
DEMO_LENGTHS_S = (5, 10, 20)
STAGES = ("features and rest", "encoder", "prefill", "decode")
CPU_FP32 = Placement(torch.device("cpu"), torch.float32)


@dataclass
class Cost:
    """CPU seconds by stage, added up, and tokens decoded one by one."""

    stages: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    n_tokens: int = 0

    @property
    def total(self) -> float:
        """Seconds of all stages."""
        return sum(self.stages.values())

    def add(self, other: Cost) -> None:
        """Add another cost to this one."""
        for name, cpu_s in other.stages.items():
            self.stages[name] += cpu_s
        self.n_tokens += other.n_tokens


@contextlib.contextmanager
def metered(cost: Cost) -> Iterator[None]:
    """Add the CPU time of the block to a cost: encoder inside prefill, and both inside the whole."""
    taken = dict.fromkeys(("encode", "_start", "_step"), 0.0)

    def timed(owner: Any, name: str) -> Any:
        inner: Callable[..., Any] = getattr(owner, name)

        def call(*arguments: Any, **named: Any) -> Any:
            begun = time.process_time()
            try:
                return inner(*arguments, **named)
            finally:
                taken[name] += time.process_time() - begun
                cost.n_tokens += name == "_step"

        return mock.patch.object(owner, name, call)

    with contextlib.ExitStack() as stack:
        stack.enter_context(timed(loop_backend._AudioLanguageModel, "encode"))
        stack.enter_context(timed(step_loop._Run, "_start"))
        stack.enter_context(timed(step_loop._Run, "_step"))
        begun = time.process_time()
        yield
        whole = time.process_time() - begun
    cost.stages["encoder"] += taken["encode"]
    cost.stages["prefill"] += taken["_start"] - taken["encode"]
    cost.stages["decode"] += taken["_step"]
    cost.stages["features and rest"] += whole - taken["_start"] - taken["_step"]


class Official:
    """The official way of streaming, by our layers and our loop."""

    def __init__(self, recognizer: Qwen3Recognizer) -> None:
        self._extract = recognizer._extract
        self._prompts = recognizer._prompts
        self._decoder = recognizer._decoder

    def step(self, audio: np.ndarray, forced: Sequence[int], budget: int) -> list[int]:
        """Return the tokens of the text so far: the forced ones, and those decoded behind them."""
        features = self._extract(audio)
        ids = [*self._prompts.transcription(features.n_tokens, "", None), *forced]
        written = self._decoder.write([features], [ids], [max(1, budget - len(forced))], [])[0].tokens
        stops = self._prompts.stop_ids
        end = next((i for i, token in enumerate(written) if token in stops), len(written))
        return [*forced, *written[:end]]

    def stream(self, utterance: np.ndarray) -> None:
        """Do all steps of an utterance."""
        tokens: list[int] = []
        for number, end in enumerate(ends(utterance)):
            forced = tokens[: max(0, len(tokens) - N_ROLLED_BACK)] if number >= N_FREE_STEPS else []
            tokens = self.step(utterance[:end], forced, token_budget(end))


def ends(utterance: np.ndarray) -> list[int]:
    """Return the number of samples at each step; the last step is the final."""
    return [*range(STEP, len(utterance), STEP), len(utterance)]


def stream_ours(recognizer: Qwen3Recognizer, utterance: np.ndarray) -> None:
    """Do all steps of an utterance."""
    stream = recognizer.open_stream(DecodeOptions())
    for end in ends(utterance):
        recognizer.advance([StreamStep(stream, utterance[:end], is_final=end == len(utterance))])


def talk() -> np.ndarray:
    """Return the talk, `float32[n_samples]`."""
    with decode.open_audio(TALK, MediaOptions()) as stream:
        return np.concatenate(list(stream)) * np.float32(INT16_SCALE)


def utterances(samples: np.ndarray) -> list[np.ndarray]:
    """Return the talk's utterances, none longer than 20 s."""
    detector = SpeechDetector(VadOptions())
    detector.feed((samples / INT16_SCALE).astype(np.int16))
    chunks = chunking.plan(0, detector.finish(), ChunkOptions(max_gap_ms=500).limited_to(20_000))
    return [samples[chunk.start_ms * 16 : chunk.end_ms * 16] for chunk in chunks]


def measure_demo(n_rounds: int) -> dict[str, Any]:
    """Return the costs of whole utterances with the demo pair, by both ways and by length."""
    recognizer = Qwen3Recognizer(opened(Kind.RECOGNIZER), Setup(CPU_FP32))
    plain = Qwen3Recognizer(opened(Kind.RECOGNIZER), Setup(CPU_FP32, is_plain=True))
    samples = talk()
    spoken = utterances(samples)
    ways: dict[str, Callable[[np.ndarray], None]] = {
        "ours": lambda utterance: stream_ours(recognizer, utterance),
        "official": Official(recognizer).stream,
        "ours, transformers": lambda utterance: stream_ours(plain, utterance),
        "official, transformers": Official(plain).stream,
    }
    for way in ways.values():  # the first pass over a shape builds kernels for it
        way(spoken[0])
    audio_s = sum(map(len, spoken)) / SAMPLE_RATE
    costs = {name: [Cost() for _ in range(n_rounds)] for name in ways}
    by_length: dict[int, list[float]] = {length_s: [0.0] * n_rounds for length_s in DEMO_LENGTHS_S}
    for number in range(n_rounds):
        for utterance in spoken:
            # As in a live session, where tensors have sizes that oneDNN has no kernel for yet
            later = utterance[number * ROUND_LATER :]
            for name, way in ways.items():
                with metered(costs[name][number]):
                    way(later)
        for length_s in DEMO_LENGTHS_S:
            by_length[length_s][number] = _cost_of_length(
                recognizer, samples[number * ROUND_LATER :], length_s
            )
    return {
        "n_utterances": len(spoken),
        "audio_s": round(audio_s, 1),
        "cpu_s_per_audio_s": {
            name: _stages(_middle(rounds), audio_s, digits=4) for name, rounds in costs.items()
        },
        "ratio": {
            layers: round(statistics.median(map(_ratio, costs[f"ours{end}"], costs[f"official{end}"])), 3)
            for layers, end in (("our layers", ""), ("transformers", ", transformers"))
        },
        "ours_cpu_s_per_audio_s_by_length": {
            str(length_s): round(statistics.median(rounds), 4) for length_s, rounds in by_length.items()
        },
    }


def _cost_of_length(recognizer: Qwen3Recognizer, samples: np.ndarray, length_s: int) -> float:
    """Return the CPU seconds of a second of audio if the talk has utterances of one length."""
    n_samples = length_s * SAMPLE_RATE
    parts = np.split(samples[: len(samples) // n_samples * n_samples], len(samples) // n_samples)
    cost = Cost()
    with metered(cost):
        for part in parts:
            stream_ours(recognizer, part)
    return cost.total / (len(parts) * length_s)


def measure_real(n_rounds: int) -> dict[str, Any]:
    """Return the costs of single steps at the shapes of the 0.6B model, by length of the utterance."""
    stored = model_store.find(model_store.recognizer_location(str(random_weights.write("0.6b"))))
    if stored is None:
        raise SystemExit("the random weights are not a model")
    n_tokens = lambda n_samples: TOKENS_PER_S * n_samples // SAMPLE_RATE  # noqa: E731 - a setup's budget
    recognizer = Qwen3Recognizer(
        loading.open_model(Kind.RECOGNIZER, stored), Setup(CPU_FP32, budget=n_tokens)
    )
    samples = talk()
    return {
        str(length_s): _measure_step(recognizer, samples[: length_s * SAMPLE_RATE], n_rounds)
        for length_s in REAL_LENGTHS_S
    }


def _measure_step(recognizer: Qwen3Recognizer, audio: np.ndarray, n_rounds: int) -> dict[str, Any]:
    """Return the costs of the step that ends with this audio, by both ways."""
    official = Official(recognizer)
    budget = TOKENS_PER_S * len(audio) // SAMPLE_RATE
    text = official.step(audio, [], budget)
    stream = recognizer.open_stream(DecodeOptions())
    recognizer.advance([StreamStep(stream, audio[:-STEP])])
    before = replace(stream.state, draft=tuple(text[:-N_AFTER_VERIFICATION]))
    costs: dict[str, list[Cost]] = {"ours": [], "official": []}
    for _ in range(n_rounds):
        for rounds in costs.values():
            rounds.append(Cost())
        stream.state = before
        with metered(costs["ours"][-1]):
            recognizer.advance([StreamStep(stream, audio)])
        with metered(costs["official"][-1]):
            again = official.step(audio, text[:-N_BY_ROLLBACK], budget)
        if not list(stream.state.draft) == text == again:
            raise SystemExit("the two ways write different tokens")
    return {name: _stages(_middle(rounds), 1) for name, rounds in costs.items()} | {
        "tokens_one_by_one": {name: rounds[0].n_tokens + 1 for name, rounds in costs.items()},
        "ratio": round(statistics.median(map(_ratio, costs["ours"], costs["official"])), 3),
    }


def _middle(rounds: Sequence[Cost]) -> Cost:
    return sorted(rounds, key=lambda cost: cost.total)[(len(rounds) - 1) // 2]


def _ratio(ours: Cost, official: Cost) -> float:
    return ours.total / official.total


def _stages(cost: Cost, per: float, digits: int = 3) -> dict[str, float]:
    stages = {name: round(cpu_s / per, digits) for name, cpu_s in cost.stages.items()}
    return {**stages, "total": round(cost.total / per, digits)}


def _say(*cells: object) -> None:
    sys.stdout.write(f"| {' | '.join(map(str, cells))} |\n")
    sys.stdout.flush()


def _say_demo(found: dict[str, Any]) -> None:
    _say("CPU s a second of audio", *STAGES, "total")
    _say(*["---"] * 6)
    for name, stages in found["cpu_s_per_audio_s"].items():
        known = [stages["total"]] if "transformers" in name else stages.values()
        _say(name, *[""] * (5 - len(known)), *known)
    for name, ratio in found["ratio"].items():
        _say(f"ours / official, {name}", *[""] * 4, ratio)
    _say("length of utterances, s", *DEMO_LENGTHS_S)
    _say("CPU s a second of audio", *found["ours_cpu_s_per_audio_s_by_length"].values())


def _say_real(found: dict[str, Any]) -> None:
    _say("utterance, s", "way", *STAGES, "total", "of the official")
    _say(*["---"] * 8)
    for length_s, costs in found.items():
        for name in ("ours", "official"):
            _say(length_s, name, *costs[name].values(), costs["ratio"] if name == "ours" else 1)
    totals = {
        name: sum(found[str(length_s)][name]["total"] for length_s in WINDOW_CYCLE_S)
        for name in ("ours", "official")
    }
    cycle = f"{WINDOW_CYCLE_S[0]} to {WINDOW_CYCLE_S[-1]}"
    _say(cycle, "both", *[""] * len(STAGES), "", round(totals["ours"] / totals["official"], 3))


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.streaming")
    parser.add_argument("part", nargs="?", choices=["demo", "real", "both"], default="both")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # with more, threads that wait for each other spin, and CPU time says little
    asked = ["git", "rev-parse", "HEAD"]
    commit = subprocess.run(asked, capture_output=True, text=True, cwd=ROOT, check=True)
    now = datetime.datetime.now(datetime.UTC)
    result: dict[str, Any] = {
        "schema": 1,
        "date": now.isoformat(timespec="seconds"),
        "commit": commit.stdout.strip(),
        "torch": torch.__version__,
        "n_cores": os.cpu_count(),
        "n_threads": 1,
        "n_rounds": arguments.rounds,
        "step_s": STEP / SAMPLE_RATE,
    }
    arguments.out.mkdir(parents=True, exist_ok=True)
    target = arguments.out / f"{now:%Y-%m-%d-%H%M}-streaming.json"
    parts = {"demo": (measure_demo, _say_demo), "real": (measure_real, _say_real)}
    for name in parts if arguments.part == "both" else (arguments.part,):
        measure, say = parts[name]
        result[name] = measure(arguments.rounds)
        say(result[name])
        target.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    sys.stdout.write(f"{target}\n")


if __name__ == "__main__":
    main()
