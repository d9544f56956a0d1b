"""Engines that go wrong in one way each, through the real door: `--engine tests.misbehaving:looping`.

Each says number words like `fakes.Echo` where it behaves. What they were asked is kept in `asked`, so that a
test can say how often and in what way something was heard again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from qasr_cli.errors import DeviceLostError, OutOfMemoryError
from qasr_cli.options import DecodeOptions, EngineOptions
from qasr_cli.records import Finish, Hypothesis
from qasr_cli.speech.inference.protocols import AlignRequest, Engines, Posterior
from qasr_cli.timebase import SAMPLE_RATE_HZ
from tests.fakes import BIN_MS, Echo, Even

SHORT_S = 3  # what most of them still hear well
Say = Callable[[Hypothesis, float, DecodeOptions], Hypothesis]


class Misbehaving(Echo):
    """Changes what the echo says: `change(answer, seconds, options)`."""

    def __init__(self, options: EngineOptions, change: Say) -> None:
        super().__init__(options)
        self.model_id = f"fake/{options.model}"
        self._change = change
        self.asked: list[tuple[list[float], DecodeOptions]] = []

    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        seconds = [len(samples) / SAMPLE_RATE_HZ for samples in audio]
        self.asked.append((seconds, options))
        answers = super().recognize(audio, options)
        return [
            self._change(answer, length, options) for answer, length in zip(answers, seconds, strict=True)
        ]


def _loop(answer: Hypothesis, seconds: float, options: DecodeOptions) -> Hypothesis:
    text = "and so it went on " * int(3 * seconds)
    return Hypothesis(text, "English", Finish.TRUNCATED, int(15 * seconds))


def looping(options: EngineOptions) -> Engines:
    """Return a recognizer that loops on what is not short."""
    return Engines(
        Misbehaving(options, lambda answer, s, told: _loop(answer, s, told) if s > SHORT_S else answer),
        Even(),
    )


def looping_at_length(options: EngineOptions) -> Engines:
    """Return a recognizer that says one long sentence again and again in what is not short."""
    sentence = "This is a long sentence about the harbour that comes again and again. "

    def change(answer: Hypothesis, seconds: float, told: DecodeOptions) -> Hypothesis:
        return Hypothesis(sentence * 6, "English", Finish.COMPLETE, 84) if seconds > SHORT_S else answer

    return Engines(Misbehaving(options, change), Even())


def always_looping(options: EngineOptions) -> Engines:
    """Return a recognizer that loops whatever it is told."""
    return Engines(Misbehaving(options, _loop), Even())


def looping_without_penalty(options: EngineOptions) -> Engines:
    """Return a recognizer that a penalty on repetition sets right, and nothing else."""

    def change(answer: Hypothesis, seconds: float, told: DecodeOptions) -> Hypothesis:
        return _loop(answer, seconds, told) if told.repetition_penalty == 1 else answer

    return Engines(Misbehaving(options, change), Even())


def looping_when_small(options: EngineOptions) -> Engines:
    """Return a recognizer that loops unless it is the model `big`."""
    change = (lambda answer, s, told: answer) if options.model == "big" else _loop
    return Engines(Misbehaving(options, change), Even())


class FailingWhenAskedAgain(Misbehaving):
    """Answers its first call, and fails in all that follow."""

    def __init__(self, options: EngineOptions, change: Say, error: Exception, *, n_answered: int = 1) -> None:
        super().__init__(options, change)
        self._error = error
        self._n_answered = n_answered

    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        if len(self.asked) >= self._n_answered:
            raise self._error
        return super().recognize(audio, options)


def _loop_when_long(answer: Hypothesis, seconds: float, options: DecodeOptions) -> Hypothesis:
    return _loop(answer, seconds, options) if seconds > 4 else answer


def crashing_when_asked_again(options: EngineOptions) -> Engines:
    """Return a recognizer that loops on more than four seconds, and has a bug that its next call meets."""
    error = RuntimeError("cannot bear to be asked again")
    return Engines(FailingWhenAskedAgain(options, _loop_when_long, error), Even())


def losing_its_device(options: EngineOptions) -> Engines:
    """Return a recognizer that loops on more than four seconds, and whose device is gone after that."""
    error = DeviceLostError("fake:0 has failed: unspecified launch failure")
    return Engines(FailingWhenAskedAgain(options, _loop_when_long, error), Even())


def too_large_when_big(options: EngineOptions) -> Engines:
    """Return a recognizer that always loops, or as the model `big` never has the memory to say so."""
    error = OutOfMemoryError("not enough memory on the fake device")
    n_answered = 0 if options.model == "big" else 10**6
    return Engines(FailingWhenAskedAgain(options, _loop, error, n_answered=n_answered), Even())


def too_large_to_load_when_big(options: EngineOptions) -> Engines:
    """Return a recognizer that loops on what is not short; the model `big` does not fit into memory."""
    if options.model == "big":
        raise OutOfMemoryError("not enough memory on the fake device")
    return looping(options)


class _FailingEven(Even):
    def align(self, requests: Sequence[AlignRequest]) -> list[Posterior]:
        if any("went" in request.tokens for request in requests):
            raise RuntimeError("cannot bear such a text")
        return super().align(requests)


def looping_past_its_aligner(options: EngineOptions) -> Engines:
    """Return a recognizer that always loops, and an aligner that fails on a loop."""
    return Engines(Misbehaving(options, _loop), _FailingEven())


def truncating_long(options: EngineOptions) -> Engines:
    """Return a recognizer that runs out of tokens on what is not short."""

    def change(answer: Hypothesis, seconds: float, told: DecodeOptions) -> Hypothesis:
        if seconds <= SHORT_S:
            return answer
        return Hypothesis(answer.text[:9], answer.language, Finish.TRUNCATED, 9)

    return Engines(Misbehaving(options, change), Even())


def echoing(options: EngineOptions) -> Engines:
    """Return a recognizer that writes down its context, if it has one."""

    def change(answer: Hypothesis, seconds: float, told: DecodeOptions) -> Hypothesis:
        return Hypothesis(told.context, "English") if told.context else answer

    return Engines(Misbehaving(options, change), Even())


def deaf_to_long(options: EngineOptions) -> Engines:
    """Return a recognizer that hears nobody in what is not short."""
    return Engines(
        Misbehaving(options, lambda answer, s, told: Hypothesis("", None) if s > SHORT_S else answer), Even()
    )


def deaf(options: EngineOptions) -> Engines:
    """Return a recognizer that hears nobody, unless it is told that somebody speaks English."""

    def change(answer: Hypothesis, seconds: float, told: DecodeOptions) -> Hypothesis:
        return answer if told.language else Hypothesis("", None)

    return Engines(Misbehaving(options, change), Even())


def racing(options: EngineOptions) -> Engines:
    """Return a recognizer that writes far more than was said in what is not short."""

    def change(answer: Hypothesis, seconds: float, told: DecodeOptions) -> Hypothesis:
        n_words = int(12 * seconds)
        text = " ".join(f"w{k * k % 9973}x" for k in range(n_words))
        return Hypothesis(text, "English", Finish.COMPLETE, n_words) if seconds > SHORT_S else answer

    return Engines(Misbehaving(options, change), Even())


def drawling(options: EngineOptions) -> Engines:
    """Return a recognizer that gives up after one word in what is long."""

    def change(answer: Hypothesis, seconds: float, told: DecodeOptions) -> Hypothesis:
        return Hypothesis("Yes.", "English") if seconds > 10 else answer

    return Engines(Misbehaving(options, change), Even())


def quoting(options: EngineOptions) -> Engines:
    """Return a recognizer that says the name of its model, and when it is asked again that it was."""

    def change(answer: Hypothesis, seconds: float, told: DecodeOptions) -> Hypothesis:
        text = options.model if len(recognizer.asked) == 1 else "asked again"
        return Hypothesis(text, "English", Finish.COMPLETE, len(text))

    recognizer = Misbehaving(options, change)
    return Engines(recognizer, Even())


def misspelling(options: EngineOptions) -> Engines:
    """Return a recognizer that writes Korean in what it calls English, unless it is told the language."""

    def change(answer: Hypothesis, seconds: float, told: DecodeOptions) -> Hypothesis:
        is_wrong = SHORT_S < seconds < 2 * SHORT_S and not told.language
        return Hypothesis("안녕하세요 여러분 반갑습니다", "English") if is_wrong else answer

    return Engines(Misbehaving(options, change), Even())


def wavering(options: EngineOptions) -> Engines:
    """Return a recognizer that takes what is short for German, unless it is told the language."""

    def change(answer: Hypothesis, seconds: float, told: DecodeOptions) -> Hypothesis:
        is_wrong = seconds <= SHORT_S and not told.language
        return Hypothesis("Eins zwei drei.", "German") if is_wrong else answer

    return Engines(Misbehaving(options, change), Even())


def polyglot(options: EngineOptions) -> Engines:
    """Return a recognizer that hears German whatever it is allowed, unless it is told the language."""

    def change(answer: Hypothesis, seconds: float, told: DecodeOptions) -> Hypothesis:
        return answer if told.language else Hypothesis("Eins zwei drei vier.", "German")

    return Engines(Misbehaving(options, change), Even())


class _Early(Even):
    """Is certain that all was said in the first third of a chunk that is not short."""

    def _place(self, request: AlignRequest) -> Posterior:
        posterior = super()._place(request)
        n_bins = posterior.log_probs.shape[1]
        if n_bins * BIN_MS <= SHORT_S * 1000:
            return posterior
        log_probs = np.full_like(posterior.log_probs, -20.0)
        edges = np.linspace(0, n_bins // 3, len(request.tokens) + 1).astype(int)
        slots = np.arange(len(request.tokens)) * 2
        log_probs[slots, edges[:-1]] = log_probs[slots + 1, edges[1:]] = 0.0
        return Posterior(log_probs, BIN_MS)


def _half_hearing(text_of_gap: str) -> Callable[[EngineOptions], Engines]:
    def change(answer: Hypothesis, seconds: float, told: DecodeOptions) -> Hypothesis:
        return Hypothesis("One two three four five.", "English") if seconds > 7 else said

    said = Hypothesis(text_of_gap, "English" if text_of_gap else None)
    return lambda options: Engines(Misbehaving(options, change), _Early())


half_hearing = _half_hearing("Six seven eight nine ten.")  # hears the rest when it is asked for it alone
repeating_itself = _half_hearing("Three four five.")  # the words were there, the aligner was wrong
half_deaf = _half_hearing("")


def half_hearing_in_german(options: EngineOptions) -> Engines:
    """Return a recognizer that hears the rest when asked for it, in German unless told the language."""

    def change(answer: Hypothesis, seconds: float, told: DecodeOptions) -> Hypothesis:
        if seconds > 7:
            return Hypothesis("One two three four five.", "English")
        return Hypothesis("Six seven.", "English") if told.language else Hypothesis("Sechs.", "German")

    return Engines(Misbehaving(options, change), _Early())
