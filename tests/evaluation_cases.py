"""Random cases of evaluations by seed: texts, turns of speakers, captions. Pure, and the same everywhere."""

from __future__ import annotations

import random

from qasr_cli.evaluation.utterances import Turn
from qasr_cli.records import Caption

_WORDS = ("the", "a", "white", "paper", "whitepaper", "can", "not", "cannot", "é", "Straße", "naïve", "21")
_CHARACTERS = "今天天气很好我们去公园吧はいそうです가나다กขค"


def texts(seed: int) -> tuple[str, str]:
    """Return a reference, which is never empty, and a hypothesis, which may be."""
    draw = random.Random(seed)
    letters = list(_CHARACTERS) if seed % 3 == 0 else list(_WORDS)
    reference = [draw.choice(letters) for _ in range(draw.randint(1, 30))]
    if draw.random() < 0.2:
        return " ".join(reference), " ".join(draw.choice(letters) for _ in range(draw.randint(0, 30)))
    hypothesis: list[str] = []
    for unit in reference:
        luck = draw.random()
        if luck < 0.75:
            hypothesis.append(unit)
        elif luck < 0.85:
            hypothesis.append(draw.choice(letters))
        elif luck < 0.9:
            hypothesis += [unit, draw.choice(letters)]
    return " ".join(reference), " ".join(hypothesis)


def turns(seed: int) -> tuple[list[Turn], list[Turn]]:
    """Return a reference's turns, and a system's: moved edges, wrong speakers and words, or others at all."""
    draw = random.Random(seed)
    reference = _dialogue(draw, "R", draw.randint(1, 16))
    if draw.random() < 0.3:
        return reference, _dialogue(draw, "S", draw.randint(1, 16))
    system = []
    for turn in reference:
        start = max(0, turn.start_ms + draw.randint(-400, 400))
        end = max(start + 100, turn.end_ms + draw.randint(-400, 400))
        words = " ".join(word if draw.random() < 0.85 else "z" for word in turn.text.split())
        speaker = "S" + (turn.speaker[1:] if draw.random() < 0.85 else "9")
        system.append(Turn(speaker, start, end, words))
    return reference, sorted(system, key=lambda turn: turn.start_ms)


def _dialogue(draw: random.Random, prefix: str, n: int) -> list[Turn]:
    found, at, n_speakers = [], 0, draw.choice((1, 2, 3, 4))
    for _ in range(n):
        at += draw.choice((0, 0, 100, 500, 1_500))
        length = draw.randint(200, 5_000)
        words = " ".join(draw.choice("abcde") * draw.randint(1, 4) for _ in range(draw.randint(1, 7)))
        found.append(Turn(f"{prefix}{draw.randrange(n_speakers)}", at, at + length, words))
        at = max(0, at + length + draw.choice((0, 0, -500, -length, 300)))
    return sorted(found, key=lambda turn: turn.start_ms)


def captions(seed: int) -> tuple[list[Caption], list[Caption]]:
    """Return a reference's captions, and a system's: other breaks, times and words."""
    draw = random.Random(seed)
    words = [draw.choice(_WORDS) for _ in range(draw.randint(4, 40))]
    told = [word if draw.random() < 0.85 else draw.choice(_WORDS) for word in words]
    offset = draw.choice((0, 0, 150, -200))
    return _captions(draw, words, 0), _captions(draw, told, offset)


def _captions(draw: random.Random, words: list[str], offset_ms: int) -> list[Caption]:
    found, place, at = [], 0, 1_000 + offset_ms
    while place < len(words):
        n = draw.randint(2, 9)
        own = words[place : place + n]
        cut = draw.randint(1, len(own))
        lines = [" ".join(own[:cut]), " ".join(own[cut:])]
        found.append(Caption(at, at + 350 * len(own), tuple(line for line in lines if line)))
        at += 350 * len(own) + draw.choice((0, 80, 400))
        place += n
    return found
