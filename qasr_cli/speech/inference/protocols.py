"""The interface between speech and engines: what a recognizer and an aligner must be able to do.

Engines implement these two protocols; everything else in qasr, the tests' fakes included, knows engines
only by them. Audio crosses as `float32[n_samples]` mono 16 kHz in [-1, 1); times never cross as floats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from qasr_cli import languages
from qasr_cli.errors import UsageError
from qasr_cli.options import DecodeOptions
from qasr_cli.records import Hypothesis


@dataclass(frozen=True, slots=True)
class Capacity:
    """What one forward pass of an engine may hold.

    Attributes:
        max_chunk_ms: The longest chunk the model is good for.
        max_batch_ms: Padded audio in one batch, from the engine's memory budget.
        max_batch_size: Chunks in one batch.
    """

    max_chunk_ms: int
    max_batch_ms: int
    max_batch_size: int


@dataclass(frozen=True, slots=True)
class AlignRequest:
    """One chunk for the aligner.

    Attributes:
        audio: `float32[n_samples]`.
        tokens: What gets a start and an end each, cleaned as the model expects (letters, digits, `'`).
        language: English name, or None.
    """

    audio: np.ndarray
    tokens: tuple[str, ...]
    language: str | None


@dataclass(frozen=True, slots=True)
class Posterior:
    """The aligner's result for one chunk: where each token may start and end.

    Attributes:
        log_probs: `float32[2 * n_tokens, n_bins]`, rows start_0, end_0, start_1, …; log-softmax over bins.
        bin_ms: Width of a bin.
        offset_ms: Bin k stands for the time `k * bin_ms + offset_ms` from the clip's start. Measured for an
            aligner with `tools.calibrate_aligner`: how it rounded times to bins in training is not known.
    """

    log_probs: np.ndarray
    bin_ms: int
    offset_ms: int = 0


class Recognizer(Protocol):
    """Turns chunks of speech into text."""

    @property
    def model_id(self) -> str:
        """Names the weights and their revision; part of every fingerprint."""

    @property
    def capacity(self) -> Capacity:
        """What one call may hold."""

    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        """Return one hypothesis for each `float32[n_samples]`, in order.

        Raises:
            OutOfMemoryError: The batch did not fit; the caller halves it and tries again.
        """


class Aligner(Protocol):
    """Finds when each token of a known text is spoken."""

    @property
    def model_id(self) -> str:
        """Names the weights and their revision; part of every fingerprint."""

    @property
    def capacity(self) -> Capacity:
        """What one call may hold."""

    def supports(self, language: str | None) -> bool:
        """Whether the model was trained for the language (English name)."""

    def align(self, requests: Sequence[AlignRequest]) -> list[Posterior]:
        """Return one posterior for each request, in order.

        Raises:
            OutOfMemoryError: The batch did not fit; the caller halves it and tries again.
        """


@dataclass(frozen=True, slots=True)
class Engines:
    """The pair that a run works with; what is learnt while it works is kept in a `Session`.

    Attributes:
        recognizer: Turns speech into text.
        aligner: None when the times of words are to be estimated.
        languages: Codes of the languages that the recognizer knows; None where the factory does not say, and
            nothing is refused.
        device: Device and number format, for people; "" where the factory does not say.
    """

    recognizer: Recognizer
    aligner: Aligner | None
    device: str = ""
    languages: frozenset[str] | None = None

    @property
    def aligner_id(self) -> str:
        """Names the aligner's weights; "" where there is none."""
        return self.aligner.model_id if self.aligner else ""


def refuse_unknown_languages(known: frozenset[str] | None, options: DecodeOptions, engine: str) -> None:
    """Refuse a language that was asked for and that an engine does not know.

    Args:
        known: Codes, as in `Engines`.
        options: What was asked for.
        engine: Its name, for the message.

    Raises:
        UsageError: One of them is not known; the flag is named.
    """
    asked = [("--language", options.language), *(("--languages", code) for code in options.languages)]
    for flag, code in asked:
        if known is None or code is None or code in known:
            continue
        language = languages.find(code)
        name = f"{language.name} ({code})" if language else code
        raise UsageError(
            f"{flag}: {engine} does not know {name}", f"its languages: {' '.join(sorted(known))}", flag=flag
        )
