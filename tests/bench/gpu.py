"""Measure the loop on a GPU (`--engine qwen3-loop`): its answers against the CPU's first, then its speed.

    python -m tests.bench.gpu                         cuda:0, random weights of the 0.6B shapes
    python -m tests.bench.gpu --model FOLDER --aligner FOLDER
    python -m tests.bench.gpu --device cpu --smoke    the script itself, in seconds, with the demo pair

Prints a table and writes JSON. The exit code is 1 if the demo pair's tokens in fp32 are not the CPU's, or
depend on the batch; then nothing is timed. Times are the best of three, without media files and without
what surrounds a model. No figure of a GPU is known yet.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from qasr_cli.engines import model_store
from qasr_cli.engines.device import Placement
from qasr_cli.engines.layouts import Kind
from qasr_cli.engines.qwen3 import loading, prompts
from qasr_cli.engines.qwen3.audio.mel import LogMel
from qasr_cli.engines.qwen3.device_backend import DeviceClassifier, DeviceDecoder
from qasr_cli.engines.qwen3.loop_backend import LoopClassifier, LoopDecoder
from qasr_cli.media import decode
from qasr_cli.options import MediaOptions
from qasr_cli.records import INT16_SCALE
from tests.bench import roofline
from tests.bench.roofline import Peak, best_s
from tests.model_folders import REAL_ALIGNER, REAL_ASR_06B, write_random

ROOT = Path(__file__).parents[2]
TALK = ROOT / "samples" / "talk.mp4"
CPU = torch.device("cpu")
SAMPLE_RATE = 16_000
WORDS_PER_S, TOKENS_PER_S = 2.5, 4  # of ordinary speech


@dataclass(frozen=True)
class Scale:
    """How much is measured."""

    batches: tuple[int, ...] = (1, 32, 128, 256)
    clip_s: int = 30
    n_demo_clips: int = 40
    n_times: int = 3


SMOKE = Scale(batches=(1, 3), clip_s=2, n_demo_clips=4, n_times=1)


class Asked:
    """Clips as a recognizer's and an aligner's prompts."""

    def __init__(self, opened: loading.OpenModel, audio: Sequence[np.ndarray], device: torch.device) -> None:
        builder = prompts.Prompts(opened.tokenizer)
        self.stop_ids, self.timestamp = builder.stop_ids, builder.timestamp
        mel = LogMel(opened.extractor, device)
        self.features = [mel.extract(samples) for samples in audio]
        if opened.kind is Kind.RECOGNIZER:
            self.ids = [builder.transcription(item.n_tokens, "", None) for item in self.features]
        else:
            words = [["word"] * max(1, int(WORDS_PER_S * len(one) / SAMPLE_RATE)) for one in audio]
            self.ids = [
                builder.alignment(item.n_tokens, text)
                for item, text in zip(self.features, words, strict=True)
            ]

    def write(self, decoder: LoopDecoder, n_tokens: int) -> list[list[int]]:
        answers = decoder.write(self.features, self.ids, [n_tokens] * len(self.ids), [])
        return [answer.tokens for answer in answers]

    def write_alone(self, decoder: LoopDecoder, n_tokens: int) -> list[list[int]]:
        return [
            decoder.write([item], [row], [n_tokens], [])[0].tokens
            for item, row in zip(self.features, self.ids, strict=True)
        ]


def opened(kind: Kind, folder: str | Path) -> loading.OpenModel:
    stored = model_store.find(str(folder))
    if stored is None:
        raise SystemExit(f"no model in {folder}")
    return loading.open_model(kind, stored)


def demo(kind: Kind) -> loading.OpenModel:
    known = model_store.named(model_store.DEMO)
    assert known is not None
    return opened(kind, known.aligner if kind is Kind.ALIGNER else known.recognizer)


def clips(n: int, seconds: float) -> list[np.ndarray]:
    """Return clips of the talk, from as many places; each is a little shorter than the one before."""
    with decode.open_audio(TALK, MediaOptions()) as stream:
        talk = np.concatenate(list(stream)) * np.float32(INT16_SCALE)
    n_samples = int(seconds * SAMPLE_RATE)
    begins = np.linspace(0, len(talk) - n_samples, n).astype(int)
    return [talk[begin : begin + n_samples - 160 * (i % 50)] for i, begin in enumerate(begins)]


def n_equal(one: Sequence[object], other: Sequence[object]) -> int:
    return sum(a == b for a, b in zip(one, other, strict=True))


def demo_answers(device: torch.device, scale: Scale) -> dict[str, Any]:
    """Compare the demo pair's answers with the CPU's, and together with alone."""
    recognizer, aligner = demo(Kind.RECOGNIZER), demo(Kind.ALIGNER)
    audio = clips(scale.n_demo_clips, 6)
    found: dict[str, Any] = {"clips": len(audio)}
    for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        placement = Placement(device, dtype)
        here, there = Asked(recognizer, audio, CPU), Asked(recognizer, audio, device)
        expected = here.write(LoopDecoder(recognizer, Placement(CPU, dtype), here.stop_ids), 150)
        decoder = DeviceDecoder(recognizer, placement, there.stop_ids)
        together = there.write(decoder, 150)
        here, there = Asked(aligner, audio, CPU), Asked(aligner, audio, device)
        scores = [
            torch.cat(backend.slot_scores(asked.features, asked.ids, asked.timestamp))
            for backend, asked in (
                (LoopClassifier(aligner, Placement(CPU, dtype)), here),
                (DeviceClassifier(aligner, placement), there),
            )
        ]
        found[name] = {
            "as_on_cpu": n_equal(together, expected),
            "as_alone": n_equal(together, Asked(recognizer, audio, device).write_alone(decoder, 150)),
            "slots_as_on_cpu": float((scores[0].argmax(-1) == scores[1].argmax(-1)).float().mean()),
        }
    return found


def logits(decoder: LoopDecoder, asked: Asked) -> torch.Tensor:
    """Return the scores of each answer's first token, each prompt alone."""
    model, loop = decoder._model, decoder._loop
    with torch.inference_mode():
        last = [
            model.language_model.prefill(model.embeddings(item, row, loop.embed))[-1:]
            for item, row in zip(asked.features, asked.ids, strict=True)
        ]
        return loop.head(torch.cat(last)).float().cpu()


def first_answers(recognizer: loading.OpenModel, device: torch.device, scale: Scale) -> dict[str, Any]:
    """Compare the first scores and tokens of the model to be timed with the CPU's, in bf16."""
    audio = clips(4, min(scale.clip_s, 10))
    decoders = []
    for where in (CPU, device):
        asked = Asked(recognizer, audio, where)
        make = LoopDecoder if where is CPU else DeviceDecoder
        decoders.append((make(recognizer, Placement(where, torch.bfloat16), asked.stop_ids), asked))
    one, other = (logits(decoder, asked) for decoder, asked in decoders)
    first = [asked.write(decoder, 8) for decoder, asked in decoders]
    n_common = [
        next((i for i, (a, b) in enumerate(zip(x, y, strict=False)) if a != b), min(len(x), len(y)))
        for x, y in zip(*first, strict=True)
    ]
    cosine = torch.nn.functional.cosine_similarity(one, other).min()
    return {"least_cosine": float(cosine), "first_tokens_in_common": n_common}


class Table:
    """Times a batch stage by stage."""

    def __init__(
        self, recognizer: loading.OpenModel, aligner: loading.OpenModel, place: Placement, n_rows: int | None
    ) -> None:
        self._opened, self._aligner, self._place = recognizer, aligner, place
        stop_ids = prompts.Prompts(recognizer.tokenizer).stop_ids
        self._decoder = DeviceDecoder(recognizer, place, stop_ids, n_rows)
        self._classifier = DeviceClassifier(aligner, place)
        self._peak: Peak | None = None

    @property
    def peak(self) -> Peak:
        if self._peak is None:
            self._peak = roofline.measure_peak(self._place.device, self._place.dtype)
        return self._peak

    def row(self, n: int, scale: Scale) -> dict[str, float]:
        """Return seconds and roofline share of each stage for `n` clips."""
        device, n_times = self._place.device, scale.n_times
        audio = clips(n, scale.clip_s)
        n_tokens = TOKENS_PER_S * scale.clip_s
        mel = LogMel(self._opened.extractor, device)
        mel_s = best_s(lambda: [mel.extract(samples) for samples in audio], device, n_times)
        asked = Asked(self._opened, audio, device)
        encode_s = best_s(lambda: self._encode(asked), device, n_times)
        first_s = best_s(lambda: asked.write(self._decoder, 1), device, n_times)
        write_s = best_s(lambda: asked.write(self._decoder, n_tokens), device, n_times)
        n_steps = max(1, max(map(len, asked.write(self._decoder, n_tokens))) - 1)
        slots = Asked(self._aligner, audio, device)
        align_s = best_s(
            lambda: self._classifier.slot_scores(slots.features, slots.ids, slots.timestamp), device, n_times
        )
        prefill_s, step_s = max(first_s - encode_s, 1e-9), max(write_s - first_s, 1e-9) / n_steps
        seconds = sum(map(len, audio)) / SAMPLE_RATE
        times = {"mel_s": mel_s, "encode_s": encode_s, "prefill_s": prefill_s, "step_s": step_s}
        shares = self._shares(times, asked, seconds, n_steps)
        total_s = mel_s + write_s
        speeds = {"rtfx": seconds / total_s, "rtfx_aligned": seconds / (total_s + align_s)}
        return {"batch": n, **times, "n_steps": n_steps, "align_s": align_s, **shares, **speeds}

    def _encode(self, asked: Asked) -> None:
        """Encode as the loop does: packed where it packs."""
        model, most = self._decoder._model, self._decoder.loop.most_packed_tokens
        with torch.inference_mode():
            if not most:
                for item in asked.features:
                    model.encode(item)
                return
            per_group = max(1, most // max(map(len, asked.ids)))
            for begin in range(0, len(asked.ids), per_group):
                part = slice(begin, begin + per_group)
                model.packed_embeddings(asked.features[part], asked.ids[part], self._decoder.loop.embed)

    def _shares(
        self, times: dict[str, float], asked: Asked, seconds: float, n_steps: int
    ) -> dict[str, float]:
        config, peak, lengths = self._opened.config, self.peak, [len(row) for row in asked.ids]
        encoder = roofline.encoder_flop(config, seconds)
        prefill = sum(roofline.prefill_flop(config, n) for n in lengths)
        n_keys = sum(lengths) / len(lengths) + n_steps / 2
        read = roofline.step_bytes(config, len(lengths), n_keys, self._place.dtype.itemsize)
        return {
            "encode_share": encoder / peak.flop_per_s / times["encode_s"],
            "prefill_share": prefill / peak.flop_per_s / times["prefill_s"],
            "step_share": read / peak.bytes_per_s / times["step_s"],
        }


def machine(device: torch.device) -> dict[str, str]:
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or "cpu"
    now = datetime.datetime.now(datetime.UTC)
    return {
        "date": now.isoformat(timespec="seconds"),
        "commit": commit.stdout.strip() or "unknown",
        "device": name,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def random_folder(kind: Kind) -> Path:
    """Return a folder of random weights at the released shapes, written if it is not there."""
    name, shape = ("aligner", REAL_ALIGNER) if kind is Kind.ALIGNER else ("asr-0.6b", REAL_ASR_06B)
    folder = ROOT / "build" / "gpu-bench" / name
    if not (folder / "model.safetensors").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        write_random(folder, kind, shape)
    return folder


def print_table(rows: Sequence[dict[str, float]]) -> None:
    for cells in (rows[0].keys(), ["---"] * len(rows[0]), *(row.values() for row in rows)):
        texts = [f"{cell:.4g}" if isinstance(cell, float) else str(cell) for cell in cells]
        sys.stdout.write(f"| {' | '.join(texts)} |\n")


def is_right(answers: dict[str, Any]) -> bool:
    """Whether the demo pair's fp32 answers are the CPU's, whatever the batch."""
    return bool(answers["fp32"]["as_on_cpu"] == answers["fp32"]["as_alone"] == answers["clips"])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.gpu")
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--model", help="a recognizer's folder; random weights if left out")
    parser.add_argument("--aligner", help="an aligner's folder; random weights if left out")
    parser.add_argument("--rows", type=int, help="most rows of a step; further clips wait for free ones")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "gpu-bench.json")
    parser.add_argument("--smoke", action="store_true", help="try the script: demo pair, tiny batches")
    options = parser.parse_args(arguments)
    device, scale = torch.device(options.device), SMOKE if options.smoke else Scale()
    if device.type == "cuda" and not torch.cuda.is_available():
        raise SystemExit("no GPU here; --device cpu --smoke tries the script")
    result: dict[str, Any] = {"machine": machine(device), "scale": asdict(scale), "rows": options.rows}
    result["demo"] = demo_answers(device, scale)
    is_timed = is_right(result["demo"])
    if is_timed:
        recognizer, aligner = (
            demo(kind) if options.smoke else opened(kind, folder or random_folder(kind))
            for kind, folder in ((Kind.RECOGNIZER, options.model), (Kind.ALIGNER, options.aligner))
        )
        result["bf16"] = first_answers(recognizer, device, scale)
        table = Table(recognizer, aligner, Placement(device, torch.bfloat16), options.rows)
        result["peak"] = asdict(table.peak)
        result["table"] = [table.row(n, scale) for n in scale.batches]
        print_table(result["table"])
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    sys.stdout.write(f"{json.dumps(result['demo'])}\n{options.out}\n")
    return 0 if is_timed else 1


if __name__ == "__main__":
    sys.exit(main())
