"""The interface between speech and engines: the protocols of recognizer, aligner and speaker encoder.

Engines implement these protocols; everything else in qasr, the tests' fakes included, uses engines only
through them. Audio crosses as `float32[n_samples]` mono 16 kHz in [-1, 1); times never cross as floats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from qasr_cli import languages
from qasr_cli.errors import UsageError
from qasr_cli.options import DecodeOptions
from qasr_cli.records import Hypothesis
from qasr_cli.speech.inference.confidence_map import UNFITTED, ConfidenceMap


@dataclass(frozen=True, slots=True)
class Capacity:
    """The capacity of one forward pass of an engine.

    Attributes:
        max_chunk_ms: Longest chunk for the model.
        max_batch_ms: Maximum padded audio in one batch, from the engine's memory budget.
        max_batch_size: Maximum number of chunks in one batch.
    """

    max_chunk_ms: int
    max_batch_ms: int
    max_batch_size: int


@dataclass(frozen=True, slots=True)
class AlignRequest:
    """One chunk for the aligner.

    Attributes:
        audio: `float32[n_samples]`.
        tokens: The tokens to time, cleaned as the model expects (letters, digits, `'`).
        language: English name, or None.
    """

    audio: np.ndarray
    tokens: tuple[str, ...]
    language: str | None


@dataclass(frozen=True, slots=True)
class Posterior:
    """The aligner's result for one chunk: probabilities of each token's start and end.

    Attributes:
        log_probs: `float32[2 * n_tokens, n_bins]`, rows start_0, end_0, start_1, …; log-softmax over bins.
        bin_ms: Width of a bin.
        offset_ms: Bin k stands for the time `k * bin_ms + offset_ms` from the clip's start. Measured for an
            aligner with `tools.calibrate_aligner`, since its rounding of times in training is unknown.
    """

    log_probs: np.ndarray
    bin_ms: int
    offset_ms: int = 0


class Recognizer(Protocol):
    """Recognizes text in chunks of speech."""

    @property
    def model_id(self) -> str:
        """Identifies the weights and their revision; part of every fingerprint."""

    @property
    def capacity(self) -> Capacity:
        """The capacity of one call."""

    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        """Return one hypothesis for each `float32[n_samples]`, in order.

        Raises:
            OutOfMemoryError: The batch did not fit; the caller halves it and tries again.
        """


@runtime_checkable
class MixingRecognizer(Recognizer, Protocol):
    """Recognizes chunks with different options in one batch; a recognizer may do without."""

    def recognize_each(
        self, audio: Sequence[np.ndarray], options: Sequence[DecodeOptions]
    ) -> list[Hypothesis]:
        """Return one hypothesis for each `float32[n_samples]` with its own options, in order.

        Raises:
            OutOfMemoryError: The batch did not fit; the caller halves it and tries again.
        """


def recognize_each(
    recognizer: Recognizer, items: Sequence[tuple[np.ndarray, DecodeOptions]]
) -> list[Hypothesis]:
    """Return one hypothesis for each chunk with its options, in as few calls as the recognizer needs.

    Raises:
        OutOfMemoryError: A batch did not fit.
    """
    kinds = list(dict.fromkeys(options for _, options in items))
    if len(kinds) > 1 and isinstance(recognizer, MixingRecognizer):
        return recognizer.recognize_each([audio for audio, _ in items], [options for _, options in items])
    hypotheses: dict[int, Hypothesis] = {}
    for kind in kinds:
        members = [index for index, (_, options) in enumerate(items) if options == kind]
        answers = recognizer.recognize([items[index][0] for index in members], kind)
        hypotheses.update(zip(members, answers, strict=True))
    return [hypotheses[index] for index in range(len(items))]


class Aligner(Protocol):
    """Aligns the tokens of a given text with its audio."""

    @property
    def model_id(self) -> str:
        """Identifies the weights and their revision; part of every fingerprint."""

    @property
    def capacity(self) -> Capacity:
        """The capacity of one call."""

    def supports(self, language: str | None) -> bool:
        """Whether the model was trained for the language (English name)."""

    def align(self, requests: Sequence[AlignRequest]) -> list[Posterior]:
        """Return one posterior for each request, in order.

        Raises:
            OutOfMemoryError: The batch did not fit; the caller halves it and tries again.
        """


class SpeakerEncoder(Protocol):
    """Turns speech into vectors of its speaker's voice: near each other for one, at an angle for two."""

    def encode(self, audio: np.ndarray, windows: np.ndarray) -> np.ndarray:
        """Return `float32[n_windows, n_dimensions]`, vectors of any length.

        Args:
            audio: `float32[n_samples]`, a stretch of speech of 10 s or so.
            windows: `int64[n_windows, 2]`, start and end of each in milliseconds from the stretch's start.

        Raises:
            OutOfMemoryError: The stretch did not fit.
        """


@dataclass(frozen=True, slots=True)
class Engines:
    """A recognizer and an aligner; a `Session` holds what changes while they are used.

    Attributes:
        recognizer: The recognizer.
        aligner: None if word times are interpolated.
        languages: Codes of the languages that the recognizer supports; None if unknown, which refuses none.
        device: Device and number format as text, such as `cuda:0 bfloat16`; "" if unknown.
        speaker_encoder: An engine's own encoder of voices; None for the one that `--speakers` loads.
        confidence: Makes probabilities of these models' confidences; changes none if nothing was fitted.
    """

    recognizer: Recognizer
    aligner: Aligner | None
    device: str = ""
    languages: frozenset[str] | None = None
    confidence: ConfidenceMap = UNFITTED
    speaker_encoder: SpeakerEncoder | None = None

    @property
    def aligner_id(self) -> str:
        """Identifies the aligner's weights; "" without an aligner."""
        return self.aligner.model_id if self.aligner else ""


def refuse_unknown_languages(supported: frozenset[str] | None, options: DecodeOptions, engine: str) -> None:
    """Refuse languages that an engine does not support.

    Args:
        supported: Codes, as in `Engines`.
        options: Options with the requested languages.
        engine: Name of the engine for the message.

    Raises:
        UsageError: A language is not supported; the message has the flag.
    """
    requested = [("--language", options.language), *(("--languages", code) for code in options.languages)]
    for flag, code in requested:
        if supported is None or code is None or code in supported:
            continue
        language = languages.find(code)
        name = f"{language.name} ({code})" if language else code
        raise UsageError(
            f"{flag}: {engine} does not support {name}",
            f"its languages: {' '.join(sorted(supported))}",
            flag=flag,
        )
