"""Local models that several threads share: one batch is recognised on the servers while another is aligned.

In go a recognizer, an aligner, or the function that loads a pair; out come the same behind a lock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from qasr_cli.options import DecodeOptions
from qasr_cli.records import Hypothesis
from qasr_cli.speech.inference.protocols import (
    Aligner,
    AlignRequest,
    Capacity,
    Engines,
    Posterior,
    Recognizer,
)


class SharedAligner:
    """An aligner that one thread uses at a time."""

    def __init__(self, aligner: Aligner) -> None:
        self._aligner = aligner
        self._lock = threading.Lock()
        self.model_id = aligner.model_id
        self.capacity: Capacity = aligner.capacity

    def supports(self, language: str | None) -> bool:
        """Whether the model was trained for the language (English name)."""
        return self._aligner.supports(language)

    def align(self, requests: Sequence[AlignRequest]) -> list[Posterior]:
        """Return one posterior for each request; see `speech.inference.protocols.Aligner`."""
        with self._lock:
            return self._aligner.align(requests)


class SharedRecognizer:
    """A recognizer that one thread uses at a time."""

    def __init__(self, recognizer: Recognizer) -> None:
        self._recognizer = recognizer
        self._lock = threading.Lock()
        self.model_id = recognizer.model_id
        self.capacity: Capacity = recognizer.capacity

    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        """Return one hypothesis a chunk; see `speech.inference.protocols.Recognizer`."""
        with self._lock:
            return self._recognizer.recognize(audio, options)


class SharedLoader:
    """Loads a pair once, whichever thread needs it first; a failure is tried again by the next one."""

    def __init__(self, load: Callable[[], Engines]) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._engines: Engines | None = None

    def __call__(self) -> Engines:
        """Return the pair, with a recognizer that threads share."""
        with self._lock:
            if self._engines is None:
                loaded = self._load()
                self._engines = replace(loaded, recognizer=SharedRecognizer(loaded.recognizer))
            return self._engines
