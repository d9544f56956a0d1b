"""The numbers of the recipe, and its order: bank, recogniser, aligner, the pair's folder."""

from __future__ import annotations

import time
from pathlib import Path

import torch

from tools.demo_model import bank, network, tokens
from tools.demo_model.batches import Plan
from tools.demo_model.learn import LearnSettings, Place, learn

MAX_CHUNK_MS = 20_000  # longest clip in training; what the evaluation supports
BANK = bank.BankSettings()
ASR = LearnSettings(
    plan=Plan(steps=4200, seconds=64, seed=11, ramp=0.25, task="asr"),
    rate=4e-3,
    matrix_rate=1e-3,
    weights={"text": (1.0, 1.0), "phones": (1.0, 0.15), "pieces": (1.0, 0.15), "guide": (0.5, 0.3)},
    slips=0.06,
)
ALIGNER = LearnSettings(
    plan=Plan(steps=3000, seconds=64, seed=12, ramp=0.2, task="aligner"),
    rate=3e-3,
    matrix_rate=8e-4,
    weights={"times": (1.0, 1.0), "clock": (0.5, 0.2), "guide": (0.5, 0.3)},
)


def make_bank(place: Place) -> None:
    """Speak the sentences (skipped when the folder has them)."""
    began = time.monotonic()
    bank.build(place.bank, BANK, place.bank_processes)
    print(f"bank ready after {time.monotonic() - began:.0f} s", flush=True)


def train_asr(place: Place) -> None:
    """Train the recogniser from nothing."""
    learn(ASR, place, None, place.folder / "asr.pt")


def train_aligner(place: Place) -> None:
    """Train the aligner, beginning with the recogniser's body."""
    learn(ALIGNER, place, place.folder / "asr.pt", place.folder / "aligner.pt")


def export(place: Place, pair: Path) -> None:
    """Write both checkpoints as fp16 with processors, ready for ``from_pretrained``."""
    tokenizer = tokens.train_tokenizer()
    asr, aligner = network.new_asr(tokenizer), network.new_aligner(tokenizer)
    for name, model, processor in (
        ("asr", asr, tokens.asr_processor(tokenizer)),
        ("aligner", aligner, tokens.aligner_processor(tokenizer)),
    ):
        weights = place.folder / f"{name}.pt"
        if weights.exists():
            model.load_state_dict(torch.load(weights, weights_only=True))
            network.save(model, processor, pair / name, MAX_CHUNK_MS)
            print(f"wrote {pair / name}")
