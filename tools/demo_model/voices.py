"""Who speaks: the synthesiser's voices, split into those the models learn and those kept back.

In: a seeded ``random.Random``. Out: frozen settings of one speaker.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

# Spelt as espeak-ng's own language files, so that any of its variants can be put on top of each.
ACCENTS = ("en", "en-US", "en-GB-x-rp", "en-GB-scotland", "en-029", "en-US-nyc", "en-GB-x-gbclan")
TRAIN_VARIANTS = (
    "", "m1", "m2", "m3", "m4", "m6", "m7", "m8", "f1", "f2", "f3", "f5", "adam", "Alex", "Alicia", "Andrea",
    "Andy", "Annie", "belinda", "benjamin", "caleb", "david", "ed", "edward", "Gene", "grandma", "grandpa",
    "ian", "Jacky", "john", "Lee", "linda", "Michael", "Mike", "norbert", "paul", "quincy", "rob", "robert",
    "steph", "steph2", "travis", "victor", "zac",
)  # fmt: skip
# Variants never heard in training, on any accent. m5, f4 and anika are those of an earlier study.
HELD_OUT_VOICES = (
    ("en-US", "m5"),
    ("en", "f4"),
    ("en-GB-x-rp", "shelby"),
    ("en-US", "anika"),
    ("en", "steph3"),
)


@dataclass(frozen=True)
class Voice:
    """One speaker: espeak-ng's settings.

    Attributes:
        accent: file name below espeak-ng's ``lang/gmw``.
        variant: file name below ``voices/!v``, or "" for none.
        words_per_minute: 80 to 450.
        pitch: 0 to 100.
        pitch_range: 0 to 100.
    """

    accent: str = "en-US"
    variant: str = ""
    words_per_minute: int = 165
    pitch: int = 50
    pitch_range: int = 50

    @property
    def file_name(self) -> str:
        """What espeak-ng calls the voice file, such as ``gmw/en-US+f2``."""
        return f"gmw/{self.accent}" + (f"+{self.variant}" if self.variant else "")


def _speaker(rng: random.Random, accent: str, variant: str) -> Voice:
    return Voice(
        accent=accent,
        variant=variant,
        words_per_minute=rng.randint(135, 205),
        pitch=rng.randint(25, 75),
        pitch_range=rng.randint(25, 75),
    )


def train_voice(rng: random.Random) -> Voice:
    """A random speaker of the training voices."""
    return _speaker(rng, rng.choice(ACCENTS), rng.choice(TRAIN_VARIANTS))


def held_out_voice(rng: random.Random) -> Voice:
    """A random speaker of the voices kept back."""
    return _speaker(rng, *rng.choice(HELD_OUT_VOICES))
