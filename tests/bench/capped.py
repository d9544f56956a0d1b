"""The built-in engine with a token cap, so that the whole of `qasr transcribe` can be timed.

    W=build/bench-weights
    qasr transcribe FILE --language en --engine tests.bench.capped:load --model $W/0.6b --aligner $W/aligner

In go the engine's options; out comes a pair that does all the work of the real one: QASR_BENCH_TOKENS_PER_S
tokens (default 4) are written for each second of a chunk, and all of its words are aligned. Then made-up
words and times take the place of the answers. Those of random weights repeat themselves, so that the guard
would have them written again; nothing else about an answer is changed, and no time is saved.
QASR_BENCH_ENGINE names another built-in engine than qwen3; with QASR_BENCH_CALLS each call is counted, as in
`tests.bench.counted`.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from unittest import mock

import numpy as np

from qasr_cli import engines as doors
from qasr_cli.engines.cpu import threads
from qasr_cli.errors import UnavailableError
from qasr_cli.options import DecodeOptions, EngineOptions
from qasr_cli.records import Hypothesis
from qasr_cli.speech.inference.protocols import Aligner, AlignRequest, Engines, Posterior, Recognizer
from qasr_cli.timebase import SAMPLE_RATE_HZ
from tests import fakes
from tests.bench import counted


def load(options: EngineOptions) -> Engines:
    """Return the built-in pair for the options, capped.

    Raises:
        UnavailableError: As the built-in engine; or, while recognising, these weights stop by themselves.
    """
    inner = replace(options, engine=os.environ.get("QASR_BENCH_ENGINE", "qwen3"))
    with _budget(_n_tokens):
        pair = doors.load(inner).engines
    aligner = None if pair.aligner is None else _Placed(pair.aligner)
    capped = replace(pair, recognizer=_Capped(pair.recognizer), aligner=aligner)
    return counted.counted(capped) if "QASR_BENCH_CALLS" in os.environ else capped


def _n_tokens(n_samples: int) -> int:
    tokens_per_s = int(os.environ.get("QASR_BENCH_TOKENS_PER_S", "4"))
    return max(1, tokens_per_s * n_samples // SAMPLE_RATE_HZ)


@contextlib.contextmanager
def _budget(n_tokens: Callable[[int], int]) -> Iterator[None]:
    """Give what is loaded inside another token budget: tokens for a number of samples."""
    threads.import_torch()  # as the registry does before the engine
    from qasr_cli.engines.qwen3 import engine

    with mock.patch.object(engine, "load", functools.partial(engine.load, budget=n_tokens)):
        yield


class _Capped:
    """`Recognizer` of the built-in engine, with made-up words in place of its own."""

    def __init__(self, inner: Recognizer) -> None:
        self._inner = inner
        self.model_id = f"capped/{inner.model_id}"
        self.capacity = inner.capacity

    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        answers = self._inner.recognize(audio, options)
        for samples, answer in zip(audio, answers, strict=True):
            if answer.n_tokens != _n_tokens(len(samples)):
                raise UnavailableError(
                    f"{self.model_id} wrote {answer.n_tokens} tokens and not {_n_tokens(len(samples))}",
                    "give weights that never stop: python -m tests.bench.random_weights",
                )
        made_up = fakes.Echo(EngineOptions()).recognize(audio, options)
        return [
            replace(words, n_tokens=answer.n_tokens) for words, answer in zip(made_up, answers, strict=True)
        ]


class _Placed:
    """`Aligner` of the built-in engine, with even times in place of its own."""

    def __init__(self, inner: Aligner) -> None:
        self._inner = inner
        self._even = fakes.Even()
        self.model_id = f"capped/{inner.model_id}"
        self.capacity = inner.capacity

    def supports(self, language: str | None) -> bool:
        return self._inner.supports(language)

    def align(self, requests: Sequence[AlignRequest]) -> list[Posterior]:
        self._inner.align(requests)
        return self._even.align(requests)
