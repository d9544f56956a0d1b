"""Real people speaking: the telephone prompts of Debian's ``asterisk-core-sounds-*`` packages.

In: the unpacked packages (:mod:`tools.demo_model.debian`). Out: a bank of the training
prompts, and the held-out prompts as clips. Recordings by Allison Smith (English, Spanish), CC BY-SA 3.0.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import subprocess
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

from tools.demo_model import bank
from tools.demo_model.mel import FRAME_MS, log_mel
from tools.demo_model.synth import SAMPLE_RATE_HZ, Unit
from tools.demo_model.texts.language import words_of

SPEAKERS = {"en": "en_US_f_Allison", "es": "es_MX_f_Allison"}
PACKAGES = tuple(f"asterisk-core-sounds-{code}{end}" for code in SPEAKERS for end in ("", "-g722"))
_PER_FRAME = SAMPLE_RATE_HZ * FRAME_MS // 1000
_SPEEDS = (Fraction(1), Fraction(9, 10), Fraction(11, 10), Fraction(19, 20), Fraction(21, 20))
# The pair writes numbers up to twelve in words, the transcripts in figures.
_NUMBERS = {
    "en": [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
    ],
    "es": [
        "cero",
        "uno",
        "dos",
        "tres",
        "cuatro",
        "cinco",
        "seis",
        "siete",
        "ocho",
        "nueve",
        "diez",
        "once",
        "doce",
    ],
}


@dataclass(frozen=True)
class Prompt:
    """One recorded prompt: its text and ``samples`` float32[n] at 16 kHz."""

    language: str
    text: str
    samples: np.ndarray


def part_of(text: str) -> str:
    """Which part a prompt belongs to, by a hash of its words: "train", "dev" (1 of 16) or "test" (1 of 8)."""
    bucket = hashlib.sha256(words_of(text).encode()).digest()[0] % 16
    return "test" if bucket < 2 else "dev" if bucket == 2 else "train"


def _transcripts(folder: Path, code: str) -> dict[str, str]:
    """Text by file name, without those that are sounds or hold other signs than words."""
    path = folder / f"usr/share/doc/asterisk-core-sounds-{code}/core-sounds-{code}.txt.gz"
    texts: dict[str, str] = {}
    for line in gzip.decompress(path.read_bytes()).decode("utf-8", "replace").splitlines():
        name, colon, text = line.partition(":")
        text = " ".join(text.replace("...", ".").split())
        if colon and not name.startswith(";") and text and not re.search(r"[\[\]()<>/\\\"*#$%&=+_]", text):
            texts[name.strip()] = re.sub(r"\b(\d|1[0-2])\b", lambda m: _NUMBERS[code][int(m[0])], text)
    return texts


def _trimmed(samples: np.ndarray) -> np.ndarray:
    """Without the silence at both ends, but for 60 ms."""
    level = np.sqrt(np.convolve(samples**2, np.ones(320) / 320, "same"))
    loud = np.flatnonzero(level > max(float(level.max()) * 0.02, 1e-4))
    return samples[max(0, loud[0] - 960) : loud[-1] + 960] if len(loud) else samples[:0]


def prompts(folder: Path, part: str) -> list[Prompt]:
    """All prompts of one part."""
    import imageio_ffmpeg

    found = []
    for code, speaker in SPEAKERS.items():
        for name, text in sorted(_transcripts(folder, code).items()):
            path = folder / "usr/share/asterisk/sounds" / speaker / f"{name}.g722"
            if not path.exists() or part_of(text) != part:
                continue
            command = [
                imageio_ffmpeg.get_ffmpeg_exe(),
                "-v",
                "error",
                "-f",
                "g722",
                "-i",
                str(path),
                "-f",
                "f32le",
            ]
            pcm = subprocess.run(
                [*command, "-ar", str(SAMPLE_RATE_HZ), "-ac", "1", "-"], check=True, capture_output=True
            ).stdout
            samples = _trimmed(np.frombuffer(pcm, np.float32))
            if 0.2 * SAMPLE_RATE_HZ < len(samples) < 28 * SAMPLE_RATE_HZ:
                found.append(Prompt(code, text, samples))
    return found


def build(folder: Path, packages: Path, noises: Path) -> None:
    """Write the bank of the training prompts, at several speeds; its words have no times."""
    if (folder / "bank.npz").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    said = sorted(prompts(packages, "train"), key=lambda prompt: prompt.language)
    spoken, frames, speakers, languages = [], [0], [], []
    with (folder / "speech.f16").open("wb") as file:
        for speed in _SPEEDS:
            for code in SPEAKERS:
                languages.append(code)
                for prompt in said:
                    if prompt.language != code:
                        continue
                    samples = resample_poly(prompt.samples, speed.denominator, speed.numerator)
                    samples = np.pad(samples, (0, -len(samples) % _PER_FRAME)).astype(np.float32)
                    logs = log_mel(samples).astype(np.float16)
                    logs.tofile(file)
                    frames.append(frames[-1] + len(logs))
                    words = tuple(Unit(word, np.nan, np.nan) for word in prompt.text.split())
                    spoken.append(bank.Spoken(logs[:0], words, ()))
                    speakers.append(len(languages) - 1)
    (folder / "noise.f16").write_bytes(noises.read_bytes())
    bank.write(folder, frames, spoken, np.array(speakers), languages)
    print(f"human bank: {len(said)} prompts, {frames[-1] * FRAME_MS / 3.6e6:.2f} h with all speeds")
