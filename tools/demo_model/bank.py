"""The bank: thousands of single spoken sentences as mel spectra with true times, made once.

In: settings and a folder. Out: ``speech.f16`` and ``noise.f16`` (log10 mel power, float16[frames, 128]) and
``bank.npz`` (where each sentence lies, what is said, when). Training joins sentences into clips on the fly.
One speaker is one job with its own seed, so who says what does not hang on the number of processes. How it
sounds does, by a few samples: espeak-ng remembers what a process has said before.
"""

from __future__ import annotations

import json
import multiprocessing
import random
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from tools.demo_model import flite, noise
from tools.demo_model.mel import FRAME_MS, N_MELS, log_mel
from tools.demo_model.synth import SAMPLE_RATE_HZ, Unit, UntimedError, Utterance, bare_phone, speak
from tools.demo_model.texts import LANGUAGES, Mix
from tools.demo_model.voices import invented_voice, train_voice

_PER_MS = SAMPLE_RATE_HZ // 1000
_EDGE_MS = 40  # silence kept before the first and after the last word
NOISE_S = 12
SPEAKS = ("en", "ko", "es", "en", "ko", "es", "en")  # the speakers' languages, over and over


@dataclass(frozen=True)
class BankSettings:
    """How much to make.

    Attributes:
        n_speakers: speakers, each a voice with its own rate, pitch and perhaps room.
        sentences_each: sentences a speaker says.
        n_noises: speechless sounds of NOISE_S seconds, evenly of each kind.
        seed: of everything.
        mix: what is said.
        lines: texts to say instead, by language code.
        invented: whether the speakers are made up by chance instead of espeak-ng's own variants.
        flite: folder with flite's libraries, which then speaks everything, in English; or "".
    """

    n_speakers: int = 1050
    sentences_each: int = 36
    n_noises: int = 300
    seed: int = 1
    mix: Mix = field(default_factory=Mix)
    lines: dict[str, list[str]] = field(default_factory=dict)
    invented: bool = False
    flite: str = ""

    def language(self, number: int) -> str:
        """Code of the language that a speaker speaks."""
        return "en" if self.flite else SPEAKS[number % len(SPEAKS)]


@dataclass(frozen=True)
class Spoken:
    """One sentence of the bank: ``logs`` float16[frames, 128]; units in ms from its first frame."""

    logs: np.ndarray
    words: tuple[Unit, ...]
    phones: tuple[Unit, ...]


def trimmed(said: Utterance) -> Utterance:
    """The utterance with exactly _EDGE_MS of silence around its words."""
    begin = int(said.words[0].start_ms * _PER_MS)
    end = int(said.words[-1].end_ms * _PER_MS)
    edge = np.zeros(_EDGE_MS * _PER_MS, np.float32)
    samples = np.concatenate([edge, said.samples[begin:end], edge])
    shift = _EDGE_MS - begin / _PER_MS
    moved = [
        tuple(Unit(u.text, u.start_ms + shift, u.end_ms + shift) for u in units)
        for units in (said.words, said.phones)
    ]
    return Utterance(samples, *moved)


def _spoken(said: Utterance, echo: np.ndarray | None) -> Spoken:
    samples = said.samples
    if echo is not None:
        samples = np.convolve(samples, echo)[: len(samples) + 150 * _PER_MS]
    samples = np.pad(samples, (0, -len(samples) % (FRAME_MS * _PER_MS)))
    phones = [Unit(bare_phone(p.text), p.start_ms, p.end_ms) for p in said.phones]
    return Spoken(log_mel(samples).astype(np.float16), said.words, tuple(p for p in phones if p.text))


def _voice(rng: random.Random, code: str, settings: BankSettings) -> Callable[[str], Utterance]:
    """How one speaker says a text."""
    if settings.flite:
        return partial(flite.speak, voice=flite.random_voice(rng), packages=Path(settings.flite))
    return partial(speak, voice=(invented_voice if settings.invented else train_voice)(rng, code))


def _speaker(number: int, settings: BankSettings) -> list[Spoken]:
    """All sentences of one speaker."""
    import torch

    torch.set_num_threads(1)
    rng = random.Random(f"{settings.seed}/{number}")
    language = LANGUAGES[settings.language(number)]
    say = _voice(rng, language.code, settings)
    echo = noise.room(np.random.default_rng([settings.seed, number])) if rng.random() < 0.25 else None
    spoken: list[Spoken] = []
    while len(spoken) < settings.sentences_each:
        try:
            lines = settings.lines.get(language.code)
            text = rng.choice(lines) if lines else language.sentence(rng, "train", settings.mix)
            spoken.append(_spoken(trimmed(say(text)), echo))
        except UntimedError:
            continue
    return spoken


def _noises(settings: BankSettings) -> np.ndarray:
    """Log mel of every speechless sound, float16[n_noises, frames, 128], each at mean power 1."""
    rng = np.random.default_rng(settings.seed)
    kinds = list(noise.KINDS)
    logs = [log_mel(noise.make(kinds[i % len(kinds)], rng, NOISE_S)) for i in range(settings.n_noises)]
    return np.stack([one - np.log10((10.0**one).mean()) for one in logs]).astype(np.float16)


def _flat(spoken: list[Spoken], kind: str) -> dict[str, np.ndarray]:
    """Units of all sentences as flat arrays: times float32[n, 2] and where each sentence's units begin."""
    units = [getattr(one, kind) for one in spoken]
    return {
        f"{kind}_ms": np.array([(u.start_ms, u.end_ms) for each in units for u in each], np.float32).reshape(
            -1, 2
        ),
        f"{kind}_text": np.array([u.text for each in units for u in each], np.str_),
        f"{kind}_begin": np.concatenate([[0], np.cumsum([len(each) for each in units])]),
    }


def build(folder: Path, settings: BankSettings, processes: int) -> None:
    """Make the bank with as many processes as given; does nothing if the folder has one of these settings."""
    wanted = json.dumps(asdict(settings))
    mark = folder / "settings.json"
    if mark.exists() and mark.read_text(encoding="utf-8") == wanted:
        return
    folder.mkdir(parents=True, exist_ok=True)
    spoken: list[Spoken] = []
    frames = [0]
    with (
        (folder / "speech.f16").open("wb") as file,
        multiprocessing.get_context("spawn").Pool(processes) as pool,
    ):
        jobs = pool.imap(partial(_speaker, settings=settings), range(settings.n_speakers), chunksize=2)
        for sentences in jobs:
            for one in sentences:
                one.logs.tofile(file)
                frames.append(frames[-1] + len(one.logs))
                spoken.append(Spoken(one.logs[:0], one.words, one.phones))
    _noises(settings).tofile(folder / "noise.f16")
    speakers = np.arange(settings.n_speakers).repeat(settings.sentences_each)
    write(folder, frames, spoken, speakers, [settings.language(i) for i in range(settings.n_speakers)])
    mark.write_text(wanted, encoding="utf-8")
    print(f"bank: {len(spoken)} sentences, {frames[-1] * FRAME_MS / 3.6e6:.2f} h")


def write(
    folder: Path, frames: list[int], spoken: list[Spoken], speakers: np.ndarray, languages: list[str]
) -> None:
    """Write ``bank.npz``: where each sentence lies, who says what when, the speakers' languages."""
    np.savez(
        folder / "bank.npz", frames=np.array(frames), speakers=speakers, languages=np.array(languages),
        **_flat(spoken, "words"), **_flat(spoken, "phones"),
    )  # fmt: skip


class Bank:
    """A finished bank, read through memory maps."""

    def __init__(self, folder: Path) -> None:
        data = np.load(folder / "bank.npz")
        self._frames = data["frames"]
        self._speech = np.memmap(folder / "speech.f16", np.float16, "r").reshape(-1, N_MELS)
        self.noises = np.memmap(folder / "noise.f16", np.float16, "r").reshape(
            -1, NOISE_S * 1000 // FRAME_MS, N_MELS
        )
        self._speakers = data["speakers"]
        self._languages = data["languages"].tolist()
        self._units = {
            kind: (data[f"{kind}_ms"], data[f"{kind}_text"], data[f"{kind}_begin"])
            for kind in ("words", "phones")
        }
        self.phone_names = sorted(set(self._units["phones"][1].tolist()))

    def __len__(self) -> int:
        return len(self._frames) - 1

    def language(self, index: int) -> str:
        """Code of the language a sentence is in."""
        return str(self._languages[self._speakers[index]])

    def by_same_speaker(self, index: int) -> tuple[int, int]:
        """First and last but one of the sentences that this sentence's speaker says."""
        speaker = self._speakers[index]
        first, last = np.searchsorted(self._speakers, [speaker, speaker + 1])
        return int(first), int(last)

    def n_frames(self, index: int) -> int:
        """Length of a sentence in frames of 10 ms."""
        return int(self._frames[index + 1] - self._frames[index])

    def logs(self, index: int) -> np.ndarray:
        """A sentence's log mel power, float16[frames, 128]."""
        return self._speech[self._frames[index] : self._frames[index + 1]]

    def units(self, index: int, kind: str) -> tuple[np.ndarray, np.ndarray]:
        """A sentence's "words" or "phones": texts str[n] and times in ms float32[n, 2]."""
        times, texts, begin = self._units[kind]
        return texts[begin[index] : begin[index + 1]], times[begin[index] : begin[index + 1]]
