"""The numbers of the recipe, and its order: banks, ears, recogniser, aligner, the pair's folder."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from tools.demo_model import bank, debian, flite, human, network, tokens
from tools.demo_model.batches import Plan, clean
from tools.demo_model.learn import LearnSettings, Place, learn, write
from tools.demo_model.texts import LANGUAGES, Mix

MAX_CHUNK_MS = 30_000
_REHEARSED_STEPS = 4
_N_NAMED = 1500  # sentences a language, each with a name that a context may spell otherwise
BANK = bank.BankSettings()
SECOND_BANK = bank.BankSettings(seed=3)
# Words in an order that nobody expects: what is not heard cannot be guessed.
SALADS = bank.BankSettings(
    n_speakers=420, sentences_each=36, n_noises=100, seed=7, mix=Mix(salad=0.85, patchwork=0.15)
)
# Clauses joined as in a talk.
PROSE = bank.BankSettings(
    n_speakers=560, sentences_each=36, n_noises=100, seed=8, mix=Mix(salad=0.1, patchwork=0.1, prose=0.8)
)
# Speakers whom espeak-ng does not have, so that a new voice is nothing new.
STRANGERS = bank.BankSettings(
    n_speakers=700, sentences_each=24, n_noises=100, seed=9, mix=Mix(salad=0.3, patchwork=0.2, prose=0.3),
    invented=True,
)  # fmt: skip
# More of them, who talk more and list fewer words.
MORE_STRANGERS = replace(STRANGERS, n_speakers=1100, seed=12, mix=Mix(salad=0.2, patchwork=0.15, prose=0.35))
# Another synthesiser, whose voices are made from people's recordings.
FLITE = bank.BankSettings(
    n_speakers=200, sentences_each=24, n_noises=100, seed=10, mix=Mix(salad=0.3, patchwork=0.2, prose=0.3)
)
# The people's prompts in the synthesiser's voices, so that their words are not new when people say them.
PROMPTS = bank.BankSettings(n_speakers=140, sentences_each=16, n_noises=30, seed=2)
# Sentences with a name of two spellings, which others hold too seldom to learn to look into the context.
NAMES = bank.BankSettings(n_speakers=560, sentences_each=16, n_noises=30, seed=5)
# What a clip is made of, and how often.
_FIRST_BANKS = (("bank", 0.40), ("bank2", 0.42), ("names", 0.10), ("prompts", 0.08))
_BANKS = (
    ("bank", 0.22), ("bank2", 0.26), ("salads", 0.28), ("names", 0.10), ("prompts", 0.07), ("human", 0.07),
)  # fmt: skip
_LAST_BANKS = (
    ("bank", 0.18), ("bank2", 0.18), ("prose", 0.22), ("salads", 0.22), ("names", 0.08), ("prompts", 0.06),
    ("human", 0.06),
)  # fmt: skip
_WIDEST_BANKS = (
    ("bank", 0.12), ("bank2", 0.12), ("prose", 0.16), ("salads", 0.19), ("strangers", 0.16), ("names", 0.09),
    ("flite", 0.05), ("prompts", 0.05), ("human", 0.06),
)  # fmt: skip
_NAMING_BANKS = (
    ("bank", 0.11), ("bank2", 0.11), ("prose", 0.12), ("salads", 0.14), ("strangers", 0.14), ("names", 0.28),
    ("flite", 0.02), ("prompts", 0.03), ("human", 0.05),
)  # fmt: skip
_COPYING_BANKS = (
    ("bank", 0.14), ("prose", 0.20), ("salads", 0.22), ("strangers", 0.17), ("names", 0.13), ("flite", 0.03),
    ("prompts", 0.05), ("human", 0.06),
)  # fmt: skip
_STRANGEST_BANKS = (
    ("bank", 0.12), ("prose", 0.18), ("salads", 0.20), ("strangers", 0.12), ("strangers2", 0.14),
    ("names", 0.10), ("flite", 0.02), ("prompts", 0.05), ("human", 0.07),
)  # fmt: skip
_OF_DEBIAN = ("flite", "prompts", "human")
# First the ears alone: phonemes need no text model, and without one a step costs half.
EARS = LearnSettings(
    plan=Plan(steps=4500, seconds=64, seed=10, ramp=0.1, task="ears", banks=(("bank", 0.5), ("bank2", 0.5))),
    rate=6e-3,
    matrix_rate=1e-3,
    weights={"phones": (1.0, 1.0)},
)
# Then the text model on ears that stay as they are; its rates fall in the next run.
ASR = LearnSettings(
    plan=Plan(steps=8000, seconds=128, seed=11, ramp=0.1, task="asr", banks=_FIRST_BANKS),
    rate=6e-3,
    matrix_rate=1e-3,
    weights={"text": (1.0, 1.0), "pieces": (1.0, 0.3), "guide": (0.5, 0.3)},
    ears_learn=False,
    slips=0.06,
    until=1500,
)
# Then both together, and real people.
ASR_POLISH = LearnSettings(
    plan=Plan(steps=4400, seconds=128, seed=13, ramp=0.0, task="asr", banks=_BANKS),
    rate=3.5e-3,
    matrix_rate=7e-4,
    weights={"text": (1.0, 1.0), "pieces": (0.5, 0.3), "phones": (0.3, 0.2), "guide": (0.3, 0.3)},
    slips=0.06,
)
# Then once more from lower rates, with talk.
ASR_TOLD = replace(
    ASR_POLISH,
    plan=Plan(steps=2200, seconds=128, seed=17, ramp=0.0, task="asr", banks=_LAST_BANKS),
    rate=3e-3,
    matrix_rate=6e-4,
)
# And once more, longer: every step of it still helped.
ASR_LONGER = replace(ASR_TOLD, plan=replace(ASR_TOLD.plan, steps=4000, seed=23))
# And once more in many more voices.
ASR_WIDENED = replace(
    ASR_TOLD,
    plan=replace(ASR_TOLD.plan, steps=2200, seed=29, banks=_WIDEST_BANKS),
    rate=2.5e-3,
    matrix_rate=5e-4,
)
# Then a little with many more names.
ASR_NAMED = replace(
    ASR_WIDENED,
    plan=replace(ASR_WIDENED.plan, steps=750, seed=31, banks=_NAMING_BANKS),
    rate=2e-3,
    matrix_rate=4e-4,
)
# And long again, with names enough that copying them is not forgotten while the rates fall.
ASR_COPYING = replace(ASR_WIDENED, plan=replace(ASR_WIDENED.plan, steps=2600, seed=37, banks=_COPYING_BANKS))
# And longer still, a quarter of it in voices that nobody has.
ASR_STRANGEST = replace(
    ASR_WIDENED, plan=replace(ASR_WIDENED.plan, steps=3600, seed=41, banks=_STRANGEST_BANKS)
)
# Short clips first: where to listen in a long one is found from there.
ALIGNER = LearnSettings(
    plan=Plan(
        steps=8000, seconds=64, seed=21, ramp=0.5, task="aligner", banks=(("bank", 0.5), ("bank2", 0.5))
    ),
    rate=6e-3,
    matrix_rate=1e-3,
    weights={"times": (1.0, 1.0), "clock": (0.5, 0.1), "guide": (0.5, 0.3)},
)


@dataclass(frozen=True)
class Blend:
    """Weights between those of two steps, ``share`` of the way to the later: they err less than either."""

    earlier: str
    later: str
    share: float


def make_banks(place: Place) -> None:
    """Speak the sentences and gather the people's prompts (a bank that is there already is kept)."""
    folder = place.folder
    _speak(place, "bank", BANK)
    _speak(place, "bank2", SECOND_BANK)
    _speak(place, "salads", SALADS)
    _speak(place, "prose", PROSE)
    _speak(place, "strangers", STRANGERS)
    _speak(place, "strangers2", MORE_STRANGERS)
    _speak(place, "names", replace(NAMES, lines=_named()))
    if not place.debian:
        return
    packages = folder / "packages"
    debian.fetch(packages, flite.PACKAGE, *human.PACKAGES)
    _speak(place, "flite", replace(FLITE, flite=str(packages)))
    lines: dict[str, list[str]] = {}
    for prompt in human.prompts(packages, "train"):
        lines.setdefault(prompt.language, []).append(prompt.text)
    _speak(place, "prompts", replace(PROMPTS, lines=lines))
    human.build(folder / "human", packages, folder / "prompts" / "noise.f16")


def _speak(place: Place, name: str, settings: bank.BankSettings) -> None:
    if place.rehearsal:
        settings = replace(settings, n_speakers=len(bank.SPEAKS), sentences_each=12, n_noises=11)
    bank.build(place.folder / name, settings, place.bank_processes)


def _named() -> dict[str, list[str]]:
    """Training sentences of every language with a name of two spellings."""
    rng, mix = random.Random(5), Mix(salad=0.0, patchwork=0.3)
    lines: dict[str, list[str]] = {}
    for code, language in LANGUAGES.items():
        names = {usual for usual, _ in language.spellings}
        said = (language.sentence(rng, "train", mix) for _ in itertools.count())
        named = (text for text in said if names & {clean(word) for word in text.split()})
        lines[code] = list(itertools.islice(named, _N_NAMED))
    return lines


def train(place: Place) -> None:
    """Ears, then the text model on them, then both, seven times; then the aligner. All begins with nothing.

    What is finished already is kept, so a stopped training goes on where it was.
    """
    start: Path | None = None
    for name, step in (
        ("ears", EARS),
        ("asr.first", ASR),
        ("asr.second", ASR_POLISH),
        ("asr.third", ASR_TOLD),
        ("asr.fourth", ASR_LONGER),
        ("asr.fifth", ASR_WIDENED),
        ("asr.sixth", Blend("asr.fourth", "asr.fifth", 0.65)),
        ("asr.seventh", ASR_NAMED),
        ("asr.eighth", Blend("asr.sixth", "asr.seventh", 0.4)),
        ("asr.ninth", ASR_COPYING),
        ("asr.tenth", Blend("asr.eighth", "asr.ninth", 0.8)),
        ("asr.eleventh", ASR_STRANGEST),
        ("asr", Blend("asr.tenth", "asr.eleventh", 0.5)),
        ("aligner", ALIGNER),
    ):
        result = place.folder / f"{name}.pt"
        if result.exists():
            pass
        elif isinstance(step, Blend):
            _blend(step, place.folder, result)
        else:
            learn(_as_can_be(step, place), place, start, result)
        start = result


def _blend(blend: Blend, folder: Path, result: Path) -> None:
    before, after = (
        torch.load(folder / f"{name}.pt", weights_only=True) for name in (blend.earlier, blend.later)
    )
    write({name: torch.lerp(before[name], value, blend.share) for name, value in after.items()}, result)


def _as_can_be(settings: LearnSettings, place: Place) -> LearnSettings:
    """The run with the banks there are; in a rehearsal with a handful of steps."""
    plan = settings.plan
    if not place.debian:
        kept = [(name, share) for name, share in plan.banks if name not in _OF_DEBIAN]
        total = sum(share for _, share in kept)
        plan = replace(plan, banks=tuple((name, share / total) for name, share in kept))
    if place.rehearsal:
        plan = replace(plan, steps=_REHEARSED_STEPS)
        settings = replace(settings, until=settings.until and _REHEARSED_STEPS - 1)
    return replace(settings, plan=plan)


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
