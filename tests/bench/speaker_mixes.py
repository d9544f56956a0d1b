"""Conversations of real voices, mixed by a seed: for measuring who speaks when.

In go folders of recorded prompts, one for each voice; out come samples and the truth. The voices are those of
Debian's packages `asterisk-core-sounds-*-g722` (CC BY-SA): read sentences of a few seconds, one voice a
language. Turns of one to three prompts, pauses of 0.15 to 0.8 s, no overlap, equal loudness, faint noise.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qasr_cli.media.ffmpeg import find_tools

RATE_HZ = 16000
# One voice a language. English and Spanish are the same person, so that a mix has one of the two.
VOICES = ("fr_CA_f_June", "it_IT_m_Carlo", "ru_RU_f_IvrvoiceRU", ("en_US_f_Allison", "es_MX_f_Allison"))
_LOUDNESS = 10 ** (-23 / 20)  # root mean square of a prompt, of full scale
_NOISE = 10 ** (-55 / 20)
_SHORTEST_S, _LONGEST_S = 0.9, 8.0
_QUIET = 10 ** (-45 / 20)  # below the loudest part: silence at a prompt's ends


@dataclass(frozen=True, slots=True)
class Turn:
    """One prompt in a mix."""

    start_ms: int
    end_ms: int
    voice: str


@dataclass(frozen=True, slots=True)
class Mix:
    """A conversation: `int16[n_samples]`, and who speaks when."""

    samples: np.ndarray
    turns: tuple[Turn, ...]

    @property
    def n_speakers(self) -> int:
        """Number of voices."""
        return len({turn.voice for turn in self.turns})


class Prompts:
    """The recorded prompts of all voices, decoded as they are needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._decoded: dict[Path, np.ndarray] = {}
        self._files: dict[str, list[Path]] = {}

    def files(self, voice: str) -> list[Path]:
        """Return the prompts of a voice, without those that are empty."""
        if voice not in self._files:
            found = (
                path for path in sorted((self._folder / voice).glob("*.g722")) if path.stat().st_size > 8000
            )
            self._files[voice] = [path for path in found if "silence" not in path.name]
            if not self._files[voice]:
                raise FileNotFoundError(f"no prompts in {self._folder / voice}")
        return self._files[voice]

    def prompt(self, path: Path) -> np.ndarray:
        """Return `float32[n_samples]` of a prompt at equal loudness, without silence at its ends."""
        if path not in self._decoded:
            ffmpeg = find_tools().ffmpeg
            command = [str(ffmpeg), "-v", "error", "-f", "g722", "-i", str(path), "-f", "s16le", "-"]
            raw = subprocess.run(command, check=True, capture_output=True).stdout
            self._decoded[path] = _trimmed(np.frombuffer(raw, dtype="<i2").astype(np.float32) / 32768)
        return self._decoded[path]


def _trimmed(samples: np.ndarray) -> np.ndarray:
    n_frames = len(samples) // 160
    power = np.sqrt(np.square(samples[: n_frames * 160]).reshape(n_frames, 160).mean(axis=1))
    loud = np.flatnonzero(power > power.max(initial=0) * _QUIET)
    if not len(loud):
        return samples[:0]
    kept = samples[loud[0] * 160 : (loud[-1] + 1) * 160]
    return np.asarray(kept * (_LOUDNESS / np.sqrt(np.square(kept).mean())), dtype=np.float32)


def voices_for(n_speakers: int, generator: np.random.Generator) -> list[str]:
    """Return different people."""
    chosen = generator.choice(len(VOICES), n_speakers, replace=False)
    return [
        voice if isinstance(voice, str) else voice[int(generator.integers(len(voice)))]
        for voice in (VOICES[int(index)] for index in chosen)
    ]


def mix(prompts: Prompts, seed: int, n_speakers: int, length_s: float = 180.0) -> Mix:
    """Return a conversation of so many voices and about that length; equal seeds give equal mixes."""
    generator = np.random.default_rng(seed)
    voices = voices_for(n_speakers, generator)
    parts: list[np.ndarray] = []
    turns: list[Turn] = []
    now, speaker = 0, ""
    while now < length_s * RATE_HZ:
        others = [voice for voice in voices if voice != speaker]
        speaker = others[int(generator.integers(len(others)))] if others else voices[0]
        for _ in range(int(generator.integers(1, 4))):
            pause = np.zeros(int(generator.uniform(0.15, 0.8) * RATE_HZ), dtype=np.float32)
            sound = _some_prompt(prompts, prompts.files(speaker), generator)
            parts += [pause, sound]
            start = now + len(pause)
            now = start + len(sound)
            turns.append(Turn(start * 1000 // RATE_HZ, now * 1000 // RATE_HZ, speaker))
    samples = np.concatenate([*parts, np.zeros(RATE_HZ, dtype=np.float32)])
    samples += generator.normal(0, _NOISE, len(samples)).astype(np.float32)
    return Mix(np.clip(samples * 32768, -32768, 32767).astype(np.int16), tuple(turns))


def _some_prompt(prompts: Prompts, files: Sequence[Path], generator: np.random.Generator) -> np.ndarray:
    while True:
        sound = prompts.prompt(files[int(generator.integers(len(files)))])
        if _SHORTEST_S <= len(sound) / RATE_HZ <= _LONGEST_S:
            return sound
