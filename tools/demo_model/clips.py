"""Held-out clips to judge the pair with: sentences no training saw, spoken and joined as sound.

In: a part of the data ("dev" or "test") and a seed. Out: waveforms with true words and times.
Unlike training clips these are mixed as waveforms and pass through transformers' own extractor.
"""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.signal import butter, sosfilt

from tools.demo_model import noise
from tools.demo_model.bank import trimmed
from tools.demo_model.synth import SAMPLE_RATE_HZ, Unit, UntimedError, Utterance, speak
from tools.demo_model.texts import LANGUAGES, Language, Mix
from tools.demo_model.voices import Voice, held_out_voice, train_voice

_PER_MS = SAMPLE_RATE_HZ // 1000
_SALAD_SHARE = 0.2
VOICES: dict[str, Callable[[random.Random, str], Voice]] = {
    "training": train_voice,
    "held-out": held_out_voice,
}


@dataclass(frozen=True)
class HeldOut:
    """One clip.

    Attributes:
        samples: float32[n] at 16 kHz.
        words: what is said, with times in ms.
        is_salad: for each word, whether it is of a word salad.
        language: code.
    """

    samples: np.ndarray
    words: tuple[Unit, ...]
    is_salad: tuple[bool, ...]
    language: str

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / SAMPLE_RATE_HZ

    @property
    def text(self) -> str:
        """What is said."""
        return " ".join(word.text for word in self.words)


def silence(duration_ms: float) -> np.ndarray:
    """Digital silence, float32[n]."""
    return np.zeros(int(duration_ms) * _PER_MS, np.float32)


def say(text: str, voice: Voice) -> Utterance:
    """One sentence with exactly 40 ms of silence around it."""
    return trimmed(speak(text, voice))


def _sentence(rng: random.Random, language: Language, part: str, voice: Voice) -> tuple[Utterance, bool]:
    while True:
        is_salad = rng.random() < _SALAD_SHARE
        text = language.sentence(rng, part, Mix(salad=float(is_salad), patchwork=0.0))
        try:
            return say(text, voice), is_salad
        except UntimedError:
            continue


def clip(rng: random.Random, part: str, voice: Voice, language: Language, length_s: float) -> HeldOut:
    """One clip of about ``length_s`` seconds, never longer unless a single sentence is."""
    pieces = [silence(rng.uniform(50, 500))]
    words: list[Unit] = []
    salads: list[bool] = []
    for _ in range(40):
        said, is_salad = _sentence(rng, language, part, voice)
        at_ms = sum(map(len, pieces)) / _PER_MS
        if at_ms + len(said.samples) / _PER_MS > length_s * 1000:
            if words and length_s * 1000 - at_ms < 1200:
                break
            continue
        words += [Unit(w.text, w.start_ms + at_ms, w.end_ms + at_ms) for w in said.words]
        salads += [is_salad] * len(said.words)
        pieces += [said.samples, silence(rng.uniform(120, 1000))]
    if not words:
        return clip(rng, part, voice, language, length_s + 0.3)
    samples = np.concatenate(pieces)[: int(length_s * SAMPLE_RATE_HZ)]
    peak = 10 ** -rng.uniform(0, 0.75)
    samples = (samples * peak / np.abs(samples).max()).astype(np.float32)
    return HeldOut(samples, tuple(words), tuple(salads), language.code)


def held_out_clips(part: str, voices: str, code: str, n: int) -> list[HeldOut]:
    """``n`` clips of 0.5 to 30 s, evenly spread, in "training" or "held-out" voices, always the same."""
    rng = random.Random(f"{part}/{voices}/{code}")
    language = LANGUAGES[code]
    return [
        clip(rng, part, VOICES[voices](rng, code), language, 0.5 + 29.5 * (i + 0.5) / n) for i in range(n)
    ]


def with_pauses(clips: list[HeldOut], lead_ms: int, gap_ms: int) -> list[HeldOut]:
    """Clips with silence before, and a long pause after their middle word."""
    changed = []
    for one in clips:
        middle = len(one.words) // 2
        cut = int(one.words[middle].start_ms * _PER_MS) if middle else 0
        parts = [silence(lead_ms), one.samples[:cut], silence(gap_ms), one.samples[cut:]]
        shifts = [lead_ms + (gap_ms if i >= middle else 0) for i in range(len(one.words))]
        words = tuple(
            Unit(w.text, w.start_ms + by, w.end_ms + by) for w, by in zip(one.words, shifts, strict=True)
        )
        changed.append(replace(one, samples=np.concatenate(parts), words=words))
    return changed


def _noisy(samples: np.ndarray, number: int) -> np.ndarray:
    sounds = np.random.default_rng([15, number])
    kind = sorted(set(noise.KINDS) - {"applause", "breath"})[number % (len(noise.KINDS) - 2)]
    sound = noise.make(kind, sounds, len(samples) / SAMPLE_RATE_HZ + 0.01)[: len(samples)]
    power = float((samples**2).mean() / (sound**2).mean())
    return samples + sound * (power * 10**-1.5) ** 0.5


def _echoing(samples: np.ndarray, number: int) -> np.ndarray:
    return np.convolve(samples, noise.room(np.random.default_rng([16, number])))[: len(samples)]


def _telephoned(samples: np.ndarray, number: int) -> np.ndarray:
    del number
    return sosfilt(butter(4, [300, 3400], "bandpass", fs=SAMPLE_RATE_HZ, output="sos"), samples)


def _compressed(samples: np.ndarray, number: int) -> np.ndarray:
    """Through MP3 at 32 kbit/s, cut back to where it was."""
    del number
    import imageio_ffmpeg

    tool = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error"]
    pcm = ["-f", "f32le", "-ar", str(SAMPLE_RATE_HZ), "-ac", "1"]
    packed = subprocess.run(
        [*tool, *pcm, "-i", "-", "-c:a", "libmp3lame", "-b:a", "32k", "-f", "mp3", "-"],
        input=samples.astype("<f4").tobytes(), capture_output=True, check=True,
    ).stdout  # fmt: skip
    again = subprocess.run(
        [*tool, "-f", "mp3", "-i", "-", *pcm, "-"], input=packed, capture_output=True, check=True
    ).stdout
    heard = np.frombuffer(again, "<f4")[: len(samples)]
    return np.pad(heard, (0, len(samples) - len(heard)))


# What befalls sound on its way; the speeds are spoken anew, see respoken().
CONDITIONS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "noise, 15 dB": _noisy,
    "a room's echo": _echoing,
    "telephone band": _telephoned,
    "MP3, 32 kbit/s": _compressed,
}
SPEEDS = (0.85, 1.2)


def disturbed(clips: list[HeldOut], condition: str) -> list[HeldOut]:
    """The clips under one of CONDITIONS."""
    change = CONDITIONS[condition]
    changed = []
    for number, one in enumerate(clips):
        samples = change(one.samples.astype(np.float64), number)
        changed.append(replace(one, samples=(samples / max(1.0, np.abs(samples).max())).astype(np.float32)))
    return changed


def at_speed(clips: list[HeldOut], speed: float) -> list[HeldOut]:
    """The clips played so much faster, tempo alone (ffmpeg's atempo)."""
    import imageio_ffmpeg

    pcm = ["-f", "f32le", "-ar", str(SAMPLE_RATE_HZ), "-ac", "1"]
    changed = []
    for one in clips:
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *pcm, "-i", "-", "-af", f"atempo={speed}"]
        out = subprocess.run(
            [*command, *pcm, "-"], input=one.samples.tobytes(), capture_output=True, check=True
        )
        words = tuple(Unit(w.text, w.start_ms / speed, w.end_ms / speed) for w in one.words)
        changed.append(replace(one, samples=np.frombuffer(out.stdout, "<f4").copy(), words=words))
    return changed


@dataclass(frozen=True)
class Spelling:
    """A clip in which a name is said that can be spelt in two ways."""

    clip: HeldOut
    usual: str
    unusual: str


def spellings(part: str, code: str, n: int) -> list[Spelling]:
    """``n`` sentences that say a name with two spellings."""
    language, rng = LANGUAGES[code], random.Random(f"{part}/spellings/{code}")
    unusual = dict(language.spellings)
    found: list[Spelling] = []
    while len(found) < n:
        text = language.sentence(rng, part, Mix(salad=0.0, patchwork=0.0))
        said = [word.strip(".,?¿") for word in text.split()]
        names = [name for name in said if name in unusual]
        if len(names) == 1:
            try:
                spoken = say(text, train_voice(rng, code))
            except UntimedError:
                continue
            whole = HeldOut(spoken.samples, spoken.words, (False,) * len(spoken.words), code)
            found.append(Spelling(whole, names[0], unusual[names[0]]))
    return found


def speechless(part: str, each: int = 20) -> list[tuple[str, np.ndarray]]:
    """Clips without speech: ``each`` of every kind of noise and of silence, 0.5 to 30 s."""
    sounds = np.random.default_rng([len(part), 99, ord(part[0])])
    lengths = np.linspace(0.5, 30, each)
    result = [("silence", np.zeros(int(s * SAMPLE_RATE_HZ), np.float32)) for s in lengths]
    for kind in noise.KINDS:
        for length_s in lengths:
            level = 10 ** -sounds.uniform(0, 2.5)
            result.append((kind, noise.make(kind, sounds, float(length_s)) * np.float32(level)))
    return result
