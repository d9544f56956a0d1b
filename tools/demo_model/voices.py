"""Who speaks: the synthesiser's voices, split into those the models learn and those kept back.

In: a seeded ``random.Random``. Out: frozen settings of one speaker.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

# Files below espeak-ng's ``lang``, so that any of its variants can be put on top of each.
ACCENTS = {
    "en": (
        "gmw/en", "gmw/en-US", "gmw/en-GB-x-rp", "gmw/en-GB-scotland", "gmw/en-029", "gmw/en-US-nyc",
        "gmw/en-GB-x-gbclan",
    ),
    "es": ("roa/es", "roa/es-419"),
    "ko": ("ko",),
}  # fmt: skip
TRAIN_VARIANTS = (
    "", "m1", "m2", "m3", "m4", "m6", "m7", "m8", "f1", "f2", "f3", "f5", "adam", "Alex", "Alicia", "Andrea",
    "Andy", "Annie", "belinda", "benjamin", "caleb", "david", "ed", "edward", "Gene", "grandma", "grandpa",
    "ian", "Jacky", "john", "Lee", "linda", "Michael", "Mike", "norbert", "paul", "quincy", "rob", "robert",
    "steph", "steph2", "travis", "victor", "zac",
)  # fmt: skip
# Variants never heard in training, on any accent. m5, f4 and anika are those of an earlier study.
HELD_OUT_VARIANTS = ("m5", "f4", "shelby", "anika", "steph3")


@dataclass(frozen=True)
class Voice:
    """One speaker: espeak-ng's settings.

    Attributes:
        accent: file name below espeak-ng's ``lang``, such as "gmw/en-US".
        variant: file name below ``voices/!v``, or "" for none.
        words_per_minute: 80 to 450.
        pitch: 0 to 100.
        pitch_range: 0 to 100.
        speed: how much faster the sound is played, which moves its pitch and formants too.
        made_of: the lines of a variant that espeak-ng does not have, or "".
    """

    accent: str = "gmw/en-US"
    variant: str = ""
    words_per_minute: int = 165
    pitch: int = 50
    pitch_range: int = 50
    speed: float = 1.0
    made_of: str = ""

    @property
    def file_name(self) -> str:
        """What espeak-ng calls the voice file, such as ``gmw/en-US+f2``."""
        return self.accent + (f"+{self.variant}" if self.variant else "")


def _speaker(rng: random.Random, language: str, variants: tuple[str, ...]) -> Voice:
    return Voice(
        accent=rng.choice(ACCENTS[language]),
        variant=rng.choice(variants),
        words_per_minute=rng.randint(135, 205),
        pitch=rng.randint(25, 75),
        pitch_range=rng.randint(25, 75),
        speed=rng.choice((1.0, 1.0, round(rng.uniform(0.84, 1.21), 2))),
    )


def train_voice(rng: random.Random, language: str) -> Voice:
    """A random speaker of the training voices."""
    return _speaker(rng, language, TRAIN_VARIANTS)


def invented_voice(rng: random.Random, language: str) -> Voice:
    """A random speaker whom nobody has made before: formants, pitch, breath and stress by chance.

    The bounds are those between which espeak-ng's own variants lie.
    """
    throat = rng.uniform(88, 122)  # per cent; a child's formants are high, a big man's low
    lines = [f"formant 0 {rng.randint(95, 110)} {rng.randint(80, 160)} {rng.randint(90, 180)}"]
    for number in range(1, 9):
        place = throat * rng.uniform(0.92, 1.08) + (rng.uniform(-5, 20) if number == 2 else 0)
        height = rng.randint(50, 150) if number < 4 else rng.choice((0, 10, rng.randint(30, 110)))
        lines.append(f"formant {number} {place:.0f} {height} {rng.randint(60, 160)}")
    low = round(rng.uniform(55, 190))
    lines.append(f"pitch {low} {round(low * rng.uniform(1.15, 1.8))}")
    spice = (
        f"flutter {rng.randint(0, 20)}",
        f"roughness {rng.randint(0, 4)}",
        f"voicing {rng.randint(30, 160)}",
        f"consonants {rng.randint(50, 120)} {rng.randint(40, 130)}",
        f"echo {rng.randint(40, 130)} {rng.randint(4, 20)}",
        f"breath 0 {rng.randint(5, 40)} {rng.randint(5, 40)} {rng.randint(0, 30)}",
        f"intonation {rng.randint(1, 4)}",
        "stressAmp 16 16 20 20 20 24 24 22",
        "stressAdd -20 -20 -20 -20 0 0 20 120",
        "stressAdd 130 140 140 100 0 0 130 160",
        "tone 100 255 600 70 1200 22 2000 66 3000 12",
    )
    lines += rng.sample(spice, rng.randint(2, 6))
    return replace(_speaker(rng, language, ("",)), made_of="\n".join(lines))


def held_out_voice(rng: random.Random, language: str) -> Voice:
    """A random speaker of the voices kept back."""
    return _speaker(rng, language, HELD_OUT_VARIANTS)
