"""The numbers of the recipe, and its order: bank, recogniser, aligner, the pair's folder."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

import torch

from tools.demo_model import bank, network, tokens
from tools.demo_model.batches import Plan
from tools.demo_model.grammar import Mix
from tools.demo_model.learn import LearnSettings, Place, learn

# Clips of 20 s are trained too, and on dev 8 to 16 s were alike; but the more is said in a chunk, the
# likelier a word is dropped or said twice, and 12 s leaves a margin.
MAX_CHUNK_MS = 12_000
BANKS = {
    "bank": bank.BankSettings(),
    # Phrases in an order nobody expects, so that the recogniser learns to trust its ears over its grammar.
    "patchwork": bank.BankSettings(n_speakers=250, seed=2, mix=Mix(salad=0.2, patchwork=0.4)),
}
ASR = LearnSettings(
    plan=Plan(steps=6000, seconds=64, seed=11, ramp=0.2, task="asr"),
    rate=6e-3,
    matrix_rate=1e-3,
    weights={"text": (1.0, 1.0), "phones": (1.0, 0.15), "pieces": (1.0, 0.15), "guide": (0.5, 0.3)},
    slips=0.06,
    early=1400,
)
ASR_POLISH = LearnSettings(
    plan=Plan(steps=1500, seconds=64, seed=13, ramp=0.0, task="asr"),
    rate=3e-3,
    matrix_rate=5e-4,
    weights={"text": (1.0, 1.0), "phones": (0.3, 0.15), "pieces": (0.3, 0.15), "guide": (0.3, 0.3)},
    bank="patchwork",
    slips=0.06,
)
ALIGNER = LearnSettings(
    plan=Plan(steps=4200, seconds=64, seed=12, ramp=0.2, task="aligner"),
    rate=6e-3,
    matrix_rate=1e-3,
    weights={
        "times": (1.0, 1.0),
        "clock": (0.5, 0.1),
        "guide": (0.5, 0.3),
        "phones": (0.5, 0.1),
        "pieces": (0.5, 0.1),
    },
)


def make_banks(place: Place) -> None:
    """Speak the sentences (a bank that is there already is kept)."""
    for name, settings in BANKS.items():
        began = time.monotonic()
        bank.build(place.folder / name, settings, place.bank_processes)
        print(f"{name} ready after {time.monotonic() - began:.0f} s", flush=True)


def train_asr(place: Place) -> None:
    """Train the recogniser from nothing, then polish it on the patchwork."""
    first = place.folder / "asr.first.pt"
    learn(ASR, place, None, first)
    learn(ASR_POLISH, place, first, place.folder / "asr.pt")


def train_aligner(place: Place) -> None:
    """Train the aligner, beginning with the body of the half-taught recogniser; waits for that."""
    early = place.folder / "asr.first.pt.early"
    while not early.exists():
        time.sleep(1)
    learn(ALIGNER, place, early, place.folder / "aligner.pt")


def train(place: Place) -> None:
    """Both trainings: side by side on a GPU, which one alone cannot fill; one after the other on a CPU."""
    (place.folder / "asr.first.pt.early").unlink(missing_ok=True)
    if place.device == "cpu":
        train_asr(place)
        train_aligner(place)
        return
    context = multiprocessing.get_context("spawn")
    jobs = [context.Process(target=job, args=(place,)) for job in (train_asr, train_aligner)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    if any(job.exitcode for job in jobs):
        raise SystemExit("a training failed")


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
