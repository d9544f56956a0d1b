"""A recognizer that is spoilt on purpose, in one of the ways in which speech models go wrong.

In go a recognizer that works and a kind of fault; out comes one that gives every other answer in that way.
Which ones is thrown by the audio and by what it was told, so that whoever asks in another way throws anew and
whoever asks the same gets the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from qasr_cli.options import DecodeOptions
from qasr_cli.records import Finish, Hypothesis
from qasr_cli.speech.inference.protocols import Capacity, Recognizer
from qasr_cli.timebase import SAMPLE_RATE_HZ

CONTEXT = "Dr. Nguyen, Baku, Port Said, Ulaanbaatar, Lima"
_BUDGET_WORDS_PER_S = 5  # what a token budget of ten a second comes to
_SHORTEST_S = 1.0  # a shorter answer has too few words to be spoilt

Fault = Callable[[Hypothesis, float, DecodeOptions], Hypothesis]


def _loop(answer: Hypothesis, seconds: float, told: DecodeOptions) -> Hypothesis:
    phrase = answer.text.split()[:3]
    text = " ".join(phrase * max(6, int(_BUDGET_WORDS_PER_S * seconds) // len(phrase)))
    return replace(answer, text=text, finish=Finish.TRUNCATED)


def _stop_early(answer: Hypothesis, seconds: float, told: DecodeOptions) -> Hypothesis:
    words = answer.text.split()
    return replace(answer, text=" ".join(words[: len(words) // 3 + 1]), finish=Finish.TRUNCATED)


def _race(answer: Hypothesis, seconds: float, told: DecodeOptions) -> Hypothesis:
    return replace(answer, text=" ".join(f"w{k * k % 9973}x" for k in range(int(12 * seconds))))


def _echo(answer: Hypothesis, seconds: float, told: DecodeOptions) -> Hypothesis:
    return replace(answer, text=told.context) if told.context else answer


def _misspell(answer: Hypothesis, seconds: float, told: DecodeOptions) -> Hypothesis:
    if answer.language == "Korean":
        return replace(answer, text="Это совсем другие буквы")
    return replace(answer, text="안녕하세요 여러분 반갑습니다")


def _hear_nobody(answer: Hypothesis, seconds: float, told: DecodeOptions) -> Hypothesis:
    return Hypothesis("", None)


FAULTS: dict[str, Fault] = {
    "loops": _loop,
    "stops early": _stop_early,
    "writes more than is said": _race,
    "repeats the context": _echo,
    "writes in another script": _misspell,
    "hears nobody": _hear_nobody,
}


class Faulty:
    """`Recognizer` that spoils every other answer of another one.

    Attributes:
        spoilt: The texts that it made up.
    """

    def __init__(self, sound: Recognizer, fault: Fault) -> None:
        self._sound = sound
        self._fault = fault
        self.model_id = f"faulty/{sound.model_id}"
        self.capacity: Capacity = sound.capacity
        self.spoilt: set[str] = set()

    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        answers = self._sound.recognize(audio, options)
        return [self._spoil(answer, samples, options) for answer, samples in zip(answers, audio, strict=True)]

    def _spoil(self, answer: Hypothesis, samples: np.ndarray, options: DecodeOptions) -> Hypothesis:
        seconds = len(samples) / SAMPLE_RATE_HZ
        dice = hashlib.sha256(samples.tobytes() + repr(options).encode()).digest()
        if dice[0] % 2 or not answer.text or seconds < _SHORTEST_S:
            return answer
        spoilt = self._fault(answer, seconds, options)
        if spoilt != answer:
            self.spoilt.add(spoilt.text)
        return spoilt
