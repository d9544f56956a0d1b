"""Measure how a long script's words are paired with recognized words: `python -m tests.bench.word_pairing`.

Made-up texts of 30,000 words with known edits, so that it needs no audio and no model. "Right" is the share
of spoken script words that pair with their own recognized word, "wrong" the number of other pairs.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Sequence

from qasr_cli.speech.script import word_alignment

N_WORDS = 30_000
PRAYER = (
    "hail",
    "mary",
    "full",
    "of",
    "grace",
    "the",
    "lord",
    "is",
    "with",
    "thee",
    "blessed",
    "art",
    "thou",
)


def frequent_words(rng: random.Random, n_kinds: int) -> list[str]:
    """Return words with the frequencies of a language: few kinds make up most of a text."""
    kinds = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 9))) for _ in range(n_kinds)]
    return rng.choices(kinds, [1 / (rank + 1) for rank in range(n_kinds)], k=N_WORDS)


def recognized_from(
    rng: random.Random, script: Sequence[str], errors: float
) -> tuple[list[str], list[int | None]]:
    """Return what a recognizer makes of a script, and the index of each script word in it.

    Args:
        rng: Decides where the errors are.
        script: The words that are spoken.
        errors: Share of words that are changed, left out or followed by another one, a third each.
    """
    recognized: list[str] = []
    places: list[int | None] = []
    for word in script:
        dice = rng.random()
        if dice < errors / 3:
            places.append(None)
            continue
        places.append(len(recognized))
        recognized.append(rng.choice(script) if dice < errors * 2 / 3 else word)
        if errors * 2 / 3 <= dice < errors:
            recognized.append(rng.choice(script))
    return recognized, places


def main() -> int:
    """Print a row for each kind of text."""
    cases: dict[str, Callable[[random.Random], list[str]]] = {
        "3,000 kinds of words": lambda rng: frequent_words(rng, 3_000),
        "300 kinds of words": lambda rng: frequent_words(rng, 300),
        "a prayer again and again": lambda rng: (list(PRAYER) * N_WORDS)[:N_WORDS],
    }
    sys.stdout.write("| 30,000 words | errors | right | wrong | s |\n|---|---|---|---|---|\n")
    for name, make in cases.items():
        for errors in (0.1, 0.3):
            rng = random.Random(1)
            script = make(rng)
            recognized, places = recognized_from(rng, script, errors)
            begun_s = time.perf_counter()
            pairing = word_alignment.pair(script, recognized)
            wall_s = time.perf_counter() - begun_s
            n_spoken = sum(place is not None for place in places)
            n_right = sum(
                place is not None and partner == place for partner, place in zip(pairing, places, strict=True)
            )
            n_paired = sum(partner is not None for partner in pairing)
            right = f"{n_right / n_spoken:.2%}"
            sys.stdout.write(f"| {name} | {errors:.0%} | {right} | {n_paired - n_right} | {wall_s:.1f} |\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
