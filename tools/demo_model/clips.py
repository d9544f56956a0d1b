"""Held-out clips to judge the pair with: sentences no training saw, spoken and joined as sound.

In: a part of the data ("dev" or "test") and a seed. Out: waveforms with true words and times.
Unlike training clips these are mixed as waveforms and pass through transformers' own extractor.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tools.demo_model import grammar, noise
from tools.demo_model.bank import trimmed
from tools.demo_model.synth import SAMPLE_RATE_HZ, Unit, UntimedError, Utterance, speak
from tools.demo_model.voices import Voice, held_out_voice, train_voice

_PER_MS = SAMPLE_RATE_HZ // 1000
VOICES: dict[str, Callable[[random.Random], Voice]] = {"training": train_voice, "held-out": held_out_voice}


@dataclass(frozen=True)
class HeldOut:
    """One clip: ``samples`` float32[n] at 16 kHz, its words, and for each whether it is of a word salad."""

    samples: np.ndarray
    words: tuple[Unit, ...]
    is_salad: tuple[bool, ...]

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / SAMPLE_RATE_HZ

    @property
    def text(self) -> str:
        """What is said."""
        return " ".join(word.text for word in self.words)


def _sentence(rng: random.Random, part: str, voice: Voice) -> tuple[Utterance, bool]:
    while True:
        is_salad = rng.random() < grammar.SALAD_SHARE
        text = grammar.sentence(rng, part, grammar.Mix(salad=float(is_salad)))
        try:
            return trimmed(speak(text, voice)), is_salad
        except UntimedError:
            continue


def _disturbed(samples: np.ndarray, rng: random.Random) -> np.ndarray:
    """Half the clips get noise 15 to 40 dB below the speech; all another level."""
    if rng.random() < 0.5:
        sounds = np.random.default_rng(rng.randrange(2**31))
        sound = noise.make(rng.choice(list(noise.KINDS)), sounds, len(samples) / SAMPLE_RATE_HZ + 0.01)
        power = float((samples**2).mean() / (sound**2).mean())
        sound = sound * (power * 10 ** -rng.uniform(1.5, 4.0)) ** 0.5
        samples = samples + sound[: len(samples)]
    peak = 10 ** -rng.uniform(0, 0.75)
    return (samples * peak / np.abs(samples).max()).astype(np.float32)


def clip(rng: random.Random, part: str, voice: Voice, length_s: float) -> HeldOut:
    """One clip of about ``length_s`` seconds, never longer unless a single sentence is."""
    pieces = [np.zeros(int(rng.uniform(50, 500)) * _PER_MS, np.float32)]
    words: list[Unit] = []
    salads: list[bool] = []
    for _ in range(40):
        said, is_salad = _sentence(rng, part, voice)
        at_ms = sum(map(len, pieces)) / _PER_MS
        if at_ms + len(said.samples) / _PER_MS > length_s * 1000:
            if words and length_s * 1000 - at_ms < 1200:
                break
            continue
        words += [Unit(w.text, w.start_ms + at_ms, w.end_ms + at_ms) for w in said.words]
        salads += [is_salad] * len(said.words)
        pieces += [said.samples, np.zeros(int(rng.uniform(120, 1000)) * _PER_MS, np.float32)]
    if not words:
        return clip(rng, part, voice, length_s + 0.3)
    samples = np.concatenate(pieces)[: int(length_s * SAMPLE_RATE_HZ)]
    return HeldOut(_disturbed(samples, rng), tuple(words), tuple(salads))


def held_out_clips(part: str, voices: str, n: int) -> list[HeldOut]:
    """``n`` clips of 1 to 20 s, evenly spread, in "training" or "held-out" voices, always the same."""
    rng = random.Random(f"{part}/{voices}")
    return [clip(rng, part, VOICES[voices](rng), 1 + 19 * (i + 0.5) / n) for i in range(n)]


def recordings(part: str, n: int, length_s: float = 90.0) -> list[HeldOut]:
    """``n`` long recordings, one voice each, every second voice held out."""
    rng = random.Random(f"{part}/recordings")
    kinds = list(VOICES.values())
    return [clip(rng, part, kinds[i % 2](rng), length_s) for i in range(n)]


def cut(recording: HeldOut, longest_ms: int) -> list[HeldOut]:
    """Cut a recording in the middle of its pauses into the fewest pieces of at most ``longest_ms``."""
    words = recording.words
    cuts = [0.0]
    pauses = [
        ((a.end_ms + b.start_ms) / 2, i + 1)
        for i, (a, b) in enumerate(itertools.pairwise(words))
        if b.start_ms - a.end_ms > 100
    ]
    total_ms = recording.duration_s * 1000
    firsts = [0]
    while total_ms - cuts[-1] > longest_ms:
        at, first = max((p for p in pauses if cuts[-1] < p[0] <= cuts[-1] + longest_ms), default=(0.0, 0))
        if not first:
            break
        cuts.append(at)
        firsts.append(first)
    pieces = []
    for (begin, end), (first, last) in zip(
        zip(cuts, [*cuts[1:], total_ms], strict=True),
        zip(firsts, [*firsts[1:], len(words)], strict=True),
        strict=True,
    ):
        moved = tuple(Unit(w.text, w.start_ms - begin, w.end_ms - begin) for w in words[first:last])
        samples = recording.samples[int(begin * _PER_MS) : int(end * _PER_MS)]
        pieces.append(HeldOut(samples, moved, recording.is_salad[first:last]))
    return pieces


def speechless(part: str, each: int = 12) -> list[tuple[str, np.ndarray]]:
    """Clips without speech: ``each`` of every kind of noise and of silence, 0.5 to 20 s."""
    sounds = np.random.default_rng([len(part), 99, ord(part[0])])
    lengths = np.linspace(0.5, 20, each)
    result = [("silence", np.zeros(int(s * SAMPLE_RATE_HZ), np.float32)) for s in lengths]
    for kind in noise.KINDS:
        for length_s in lengths:
            level = 10 ** -sounds.uniform(0, 2.5)
            result.append((kind, noise.make(kind, sounds, float(length_s)) * np.float32(level)))
    return result
