"""Engines that behave in one known way, through the door that real ones use: `--engine tests.fakes:echo`.

Each factory takes the `EngineOptions` and returns `Engines`. None needs torch, so a process with one starts
in a fraction of a second.
"""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Sequence

import numpy as np

from qasr_cli.errors import DeviceLostError, OutOfMemoryError, RemoteError, UnavailableError
from qasr_cli.options import DecodeOptions, EngineOptions
from qasr_cli.records import Finish, Hypothesis
from qasr_cli.speech.inference import stopping
from qasr_cli.speech.inference.protocols import AlignRequest, Capacity, Engines, Posterior
from qasr_cli.timebase import SAMPLE_RATE_HZ

_WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
_MS_PER_WORD = 400
BIN_MS = 80  # the real aligner's


class Echo:
    """Says a number word for every 400 ms of audio, the last with a full stop."""

    model_id = "fake/echo"

    def __init__(self, options: EngineOptions, *, max_batch_ms: int = 120_000) -> None:
        self.capacity = Capacity(30_000, max_batch_ms, options.batch_size or 32)
        self.batches: list[int] = []

    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        self.batches.append(len(audio))
        return [self._say(samples) for samples in audio]

    def _say(self, samples: np.ndarray) -> Hypothesis:
        n_words = max(1, len(samples) * 1000 // SAMPLE_RATE_HZ // _MS_PER_WORD)
        text = " ".join(_WORDS[i % len(_WORDS)] for i in range(n_words)) + "."
        return Hypothesis(text.capitalize(), "English", Finish.COMPLETE, n_words)


class Even:
    """Is certain that the units follow each other evenly."""

    model_id = "fake/even"
    capacity = Capacity(60_000, 120_000, 32)

    def supports(self, language: str | None) -> bool:
        return language == "English"

    def align(self, requests: Sequence[AlignRequest]) -> list[Posterior]:
        return [self._place(request) for request in requests]

    def _place(self, request: AlignRequest) -> Posterior:
        n_bins = len(request.audio) * 1000 // SAMPLE_RATE_HZ // BIN_MS + 1
        log_probs = np.full((2 * len(request.tokens), n_bins), -20.0, dtype=np.float32)
        edges = np.linspace(0, n_bins - 1, len(request.tokens) + 1).astype(int)
        slots = np.arange(len(request.tokens)) * 2
        log_probs[slots, edges[:-1]] = log_probs[slots + 1, edges[1:]] = 0.0
        return Posterior(log_probs, BIN_MS)


def echo(options: EngineOptions) -> Engines:
    """Return a pair that always works."""
    return Engines(Echo(options), Even())


def english_only(options: EngineOptions) -> Engines:
    """Return a pair that says which languages it knows."""
    return Engines(Echo(options), Even(), languages=frozenset({"en"}))


def unaligned(options: EngineOptions) -> Engines:
    """Return a recognizer without an aligner."""
    return Engines(Echo(options), None)


class _Crashing(Echo):
    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        raise RuntimeError("the engine fell over")


def crashing(options: EngineOptions) -> Engines:
    """Return a recognizer with a bug."""
    return Engines(_Crashing(options), Even())


class _CrashingOnLong(Echo):
    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        if any(len(samples) > 4 * SAMPLE_RATE_HZ for samples in audio):
            raise RuntimeError("cannot bear more than four seconds")
        return super().recognize(audio, options)


def crashing_on_long(options: EngineOptions) -> Engines:
    """Return a recognizer whose bug one kind of chunk meets, whatever batch it is in."""
    return Engines(_CrashingOnLong(options), Even())


class _Cramped(Echo):
    def __init__(self, options: EngineOptions, limit: int) -> None:
        super().__init__(options)
        self._limit = limit

    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        if len(audio) > self._limit:
            raise OutOfMemoryError("not enough memory on the fake device")
        return super().recognize(audio, options)


def cramped(options: EngineOptions) -> Engines:
    """Return a recognizer that has room for two chunks at once, whatever it claims."""
    return Engines(_Cramped(options, 2), Even())


def always_out_of_memory(options: EngineOptions) -> Engines:
    """Return a recognizer that has room for none."""
    return Engines(_Cramped(options, 0), Even())


class _CrampedEven(Even):
    def align(self, requests: Sequence[AlignRequest]) -> list[Posterior]:
        if len(requests) > 2:
            raise OutOfMemoryError("not enough memory on the fake device")
        return super().align(requests)


def cramped_aligner(options: EngineOptions) -> Engines:
    """Return a pair whose aligner has room for two chunks at once, whatever it claims."""
    return Engines(Echo(options), _CrampedEven())


class FailingEven(Even):
    """Fails on more than four seconds, whatever they share a batch with, as often as `n_failures` says."""

    def __init__(self, error: Exception, n_failures: int = 10**6) -> None:
        self._error = error
        self._n_left = n_failures

    def align(self, requests: Sequence[AlignRequest]) -> list[Posterior]:
        if self._n_left and any(len(request.audio) > 4 * SAMPLE_RATE_HZ for request in requests):
            self._n_left -= 1
            raise self._error
        return super().align(requests)


def failing_aligner(options: EngineOptions) -> Engines:
    """Return a pair whose aligner has a bug that one kind of chunk meets."""
    return Engines(Echo(options), FailingEven(RuntimeError("index 640 is out of bounds")))


class _Unnaming(Echo):
    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        answers = super().recognize(audio, options)
        return [Hypothesis(answer.text, None, answer.finish, answer.n_tokens) for answer in answers]


def unnaming(options: EngineOptions) -> Engines:
    """Return a recognizer that never says which language it heard."""
    return Engines(_Unnaming(options), Even())


class _Truncating(Echo):
    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        return [
            Hypothesis(answer.text, answer.language, Finish.TRUNCATED, answer.n_tokens)
            for answer in super().recognize(audio, options)
        ]


def truncating(options: EngineOptions) -> Engines:
    """Return a recognizer that always runs out of tokens."""
    return Engines(_Truncating(options), Even())


class _Silent(Echo):
    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        return [Hypothesis("", None) for _ in audio]


def silent(options: EngineOptions) -> Engines:
    """Return a recognizer that hears nothing."""
    return Engines(_Silent(options), Even())


class _Saying(Echo):
    def __init__(self, options: EngineOptions, answer: Hypothesis) -> None:
        super().__init__(options)
        self._answer = answer

    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        return [self._answer for _ in audio]


def saying(text: str, finish: Finish = Finish.COMPLETE) -> Engines:
    """Return a recognizer that hears the same in everything."""
    return Engines(_Saying(EngineOptions(), Hypothesis(text, "English", finish)), Even())


class _Noisy(Echo):
    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        sys.stdout.write("noise from python\n")
        sys.stdout.flush()
        libc = ctypes.CDLL(None)
        libc.puts(b"noise from C library")
        libc.fflush(None)
        os.write(1, b"noise from descriptor\n")
        return super().recognize(audio, options)


def noisy(options: EngineOptions) -> Engines:
    """Return a recognizer that writes to stdout in every way there is."""
    return Engines(_Noisy(options), Even())


class _Slow(Echo):
    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        stopping.check()  # as real engines do at every step
        time.sleep(0.5)  # long enough for a test to see the first result and kill the run
        return super().recognize(audio, options)


class _Stubborn(Echo):
    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        try:
            sys.stderr.write("at work\n")
            time.sleep(60)
        except KeyboardInterrupt:
            sys.stderr.write("asked to stop\n")
            time.sleep(60)
        return super().recognize(audio, options)


def stubborn(options: EngineOptions) -> Engines:
    """Return a recognizer that does not let itself be interrupted, as a long call into C does not."""
    return Engines(_Stubborn(options), Even())


class _Steady(Echo):
    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        time.sleep(0.05 * len(audio))  # a run over some files takes a few seconds more than its start
        return super().recognize(audio, options)


def steady(options: EngineOptions) -> Engines:
    """Return a recognizer that takes as long as there is to hear."""
    return Engines(_Steady(options), Even())


def slow(options: EngineOptions) -> Engines:
    """Return a recognizer that a test can interrupt."""
    return Engines(_Slow(options, max_batch_ms=1_000), Even())


class _Sleepy(Echo):
    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        until_s = time.monotonic() + 3.0
        while time.monotonic() < until_s:
            stopping.check()
            time.sleep(0.02)
        return super().recognize(audio, options)


def sleepy(options: EngineOptions) -> Engines:
    """Return a recognizer that takes three seconds for a batch, unless it is told to stop."""
    return Engines(_Sleepy(options), Even())


def slow_to_load(options: EngineOptions) -> Engines:
    """Return a pair after three seconds."""
    time.sleep(3.0)
    return echo(options)


def unloadable(options: EngineOptions) -> Engines:
    """Return nothing: the weights are broken."""
    raise UnavailableError("the weights are broken", "download them again")


class _Losing(Echo):
    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        if any(len(samples) > SAMPLE_RATE_HZ for samples in audio):
            raise DeviceLostError("the device has failed")
        return super().recognize(audio, options)


def losing(options: EngineOptions) -> Engines:
    """Return a recognizer whose device fails at more than a second of audio."""
    return Engines(_Losing(options), Even())


class _Unreachable(Echo):
    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        raise RemoteError("the servers do not answer")


def unreachable(options: EngineOptions) -> Engines:
    """Return a recognizer whose servers are gone."""
    return Engines(_Unreachable(options), Even())
