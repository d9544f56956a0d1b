"""The audio encoder and the log-mel beside transformers', in CPU seconds of one thread.

    python -m tests.bench.encoder [--rounds 5]

At the real shapes with random weights, so speed only. The two sides take turns and the least time of each
counts: another process on the machine can only add to it.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable

os.environ["OMP_NUM_THREADS"] = "1"  # read when torch is loaded, which is in the next line

import numpy as np
import torch
from transformers import Qwen3ASRFeatureExtractor
from transformers.models.qwen3_asr.modeling_qwen3_asr import Qwen3ASREncoder, Qwen3ASRMultiModalProjector

from qasr_cli.engines.layouts import Kind
from qasr_cli.engines.qwen3 import prompts
from qasr_cli.engines.qwen3.audio.encoder import AudioEncoder
from qasr_cli.engines.qwen3.audio.mel import LogMel
from tests.model_folders import REAL_ALIGNER, REAL_ASR_06B, configuration

EXTRACTOR = Qwen3ASRFeatureExtractor(feature_size=128)
SHAPES = {
    "0.6B": (Kind.RECOGNIZER, REAL_ASR_06B),
    "aligner, 1.7B": (Kind.ALIGNER, REAL_ALIGNER),
}
SECONDS = (2.3, 10.0, 30.0)


def in_turn(sides: tuple[Callable[[], object], ...], rounds: int) -> list[float]:
    """Return the least CPU seconds of each; the first call of each, which builds kernels, does not count."""
    least = [float("inf")] * len(sides)
    for turn in range(rounds + 1):
        for place, side in enumerate(sides):
            begun_s = time.process_time()
            side()
            if turn:
                least[place] = min(least[place], time.process_time() - begun_s)
    return least


def noise(seconds: float) -> np.ndarray:
    """Return `float32[16,000 * seconds]`."""
    n_samples = round(seconds * 16_000)
    return (np.random.default_rng(0).standard_normal(n_samples) * 0.1).astype(np.float32)


def say(*cells: object) -> None:
    sys.stdout.write(f"| {' | '.join(map(str, cells))} |\n")
    sys.stdout.flush()


def row(name: str, seconds: float, times_s: list[float]) -> None:
    theirs_s, ours_s = times_s
    per_s = [f"{cpu_s * 1000 / seconds:.2f}" for cpu_s in times_s]
    say(name, f"{seconds:g}", *per_s, f"{theirs_s / ours_s:.2f}")


def measure_mel(rounds: int) -> None:
    log_mel = LogMel(EXTRACTOR)
    for seconds in SECONDS:
        audio = noise(seconds)
        sides = (
            lambda audio=audio: prompts.extract(EXTRACTOR, audio),
            lambda audio=audio: log_mel.extract(audio),
        )
        row("log-mel", seconds, in_turn(sides, rounds * 4))


def measure_encoder(name: str, dtype: torch.dtype, rounds: int) -> None:
    config = configuration(*SHAPES[name])
    config.audio_config._attn_implementation = "sdpa"  # what from_pretrained chooses
    torch.manual_seed(0)
    tower = Qwen3ASREncoder(config.audio_config).eval().to(dtype)
    projector = Qwen3ASRMultiModalProjector(config).eval().to(dtype)
    weights = {f"model.audio_tower.{key}": value for key, value in tower.state_dict().items()}
    weights |= {f"model.multi_modal_projector.{key}": value for key, value in projector.state_dict().items()}
    ours = AudioEncoder(config.audio_config, weights.__getitem__, dtype)
    for seconds in SECONDS:
        item = prompts.extract(EXTRACTOR, noise(seconds))
        mel, mask = prompts.stack([item])
        sides = (
            lambda mel=mel, mask=mask: projector(tower(mel.to(dtype), mask).last_hidden_state),
            lambda item=item: ours.encode(item.mel, item.n_frames),
        )
        row(f"encoder {name} {str(dtype).removeprefix('torch.')}", seconds, in_turn(sides, rounds))


@torch.inference_mode()
def main() -> None:
    """Print a table of CPU milliseconds per audio second."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="how often each side is timed")
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    say("part", "clip s", "transformers, CPU ms per audio s", "qasr", "ratio")
    say(*["---"] * 5)
    measure_mel(rounds)
    for name in SHAPES:
        for dtype in (torch.float32, torch.bfloat16):
            measure_encoder(name, dtype, rounds)


if __name__ == "__main__":
    main()
