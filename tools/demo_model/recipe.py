"""The numbers of the recipe, and its order: bank, ears, recogniser, aligner, the pair's folder."""

from __future__ import annotations

import itertools
import multiprocessing
import random
from dataclasses import replace
from pathlib import Path

import torch

from tools.demo_model import bank, human, network, tokens
from tools.demo_model.batches import Plan, clean
from tools.demo_model.learn import LearnSettings, Place, learn
from tools.demo_model.texts import LANGUAGES, Mix

MAX_CHUNK_MS = 30_000
_N_NAMED = 1500  # sentences a language, each with a name that a context may spell otherwise
BANK = bank.BankSettings()
SECOND_BANK = bank.BankSettings(seed=3)
# The people's prompts in the synthesiser's voices, so that their words are not new when people say them.
PROMPTS = bank.BankSettings(n_speakers=140, sentences_each=16, n_noises=30, seed=2)
# Sentences with a name of two spellings, which others hold too seldom to learn to look into the context.
NAMES = bank.BankSettings(n_speakers=280, sentences_each=16, n_noises=30, seed=5)
# First the ears alone: phonemes need no text model, and without one a step costs half.
EARS = LearnSettings(
    plan=Plan(steps=4500, seconds=64, seed=10, ramp=0.1, task="ears"),
    rate=6e-3,
    matrix_rate=1e-3,
    weights={"phones": (1.0, 1.0)},
)
# Then the text model on ears that stay as they are; its rates fall in the next run.
ASR = LearnSettings(
    plan=Plan(steps=8000, seconds=64, seed=11, ramp=0.2, task="asr"),
    rate=6e-3,
    matrix_rate=1e-3,
    weights={"text": (1.0, 1.0), "pieces": (1.0, 0.3), "guide": (0.5, 0.3)},
    ears_learn=False,
    slips=0.06,
    until=4500,
)
# Then both together, with other sentences and real people, and with twice the sound in a step: the optimiser
# and the processes' talk cost the same for it.
ASR_POLISH = LearnSettings(
    plan=Plan(
        steps=3500, seconds=128, seed=13, ramp=0.0, task="asr",
        banks=(("bank", 0.35), ("bank2", 0.45), ("prompts", 0.08), ("human", 0.12)),
    ),
    rate=4e-3,
    matrix_rate=8e-4,
    weights={"text": (1.0, 1.0), "pieces": (0.3, 0.3), "phones": (0.3, 0.3), "guide": (0.3, 0.3)},
    slips=0.06,
)  # fmt: skip
ALIGNER = LearnSettings(
    plan=Plan(steps=3000, seconds=64, seed=12, ramp=0.2, task="aligner", shards=1),
    rate=6e-3,
    matrix_rate=1e-3,
    weights={"times": (1.0, 1.0), "clock": (0.5, 0.1), "guide": (0.5, 0.3)},
)


def make_banks(place: Place) -> None:
    """Speak the sentences and gather the people's prompts (a bank that is there already is kept)."""
    folder = place.folder
    bank.build(folder / "bank", BANK, place.bank_processes)
    bank.build(folder / "bank2", SECOND_BANK, place.bank_processes)
    bank.build(folder / "names", replace(NAMES, lines=_named()), place.bank_processes)
    if not place.people:
        return
    human.fetch(folder / "packages")
    lines: dict[str, list[str]] = {}
    for prompt in human.prompts(folder / "packages", "train"):
        lines.setdefault(prompt.language, []).append(prompt.text)
    bank.build(folder / "prompts", replace(PROMPTS, lines=lines), place.bank_processes)
    human.build(folder / "human", folder / "packages", folder / "prompts" / "noise.f16")


def _named() -> dict[str, list[str]]:
    """Training sentences of every language with a name of two spellings."""
    rng, mix = random.Random(5), Mix(salad=0.0, patchwork=0.3)
    lines: dict[str, list[str]] = {}
    for code, language in LANGUAGES.items():
        names = {usual for usual, _ in language.twins}
        said = (language.sentence(rng, "train", mix) for _ in itertools.count())
        named = (text for text in said if names & {clean(word) for word in text.split()})
        lines[code] = list(itertools.islice(named, _N_NAMED))
    return lines


def train(place: Place) -> None:
    """Ears and recogniser with all processes; then, side by side, its polish and the aligner with its ears.

    What is finished already is kept, so a stopped training goes on where it was.
    """
    ears, first = place.folder / "ears.pt", place.folder / "asr.first.pt"
    if not ears.exists():
        learn(EARS, place, None, ears)
    if not first.exists():
        learn(ASR, place, ears, first)
    alone = replace(place, processes=1)
    polish = ASR_POLISH
    if not place.people:
        polish = replace(polish, plan=replace(polish.plan, banks=(("bank", 0.45), ("bank2", 0.55))))
    jobs = {"asr.pt": polish, "aligner.pt": ALIGNER}
    context = multiprocessing.get_context("spawn")
    running = [
        context.Process(target=learn, args=(settings, alone, first, place.folder / name))
        for name, settings in jobs.items()
        if not (place.folder / name).exists()
    ]
    for job in running:
        job.start()
    for job in running:
        job.join()
    if any(job.exitcode for job in running):
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
