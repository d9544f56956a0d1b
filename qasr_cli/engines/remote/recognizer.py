"""The `Recognizer` whose model is on servers: a batch becomes as many requests.

In go chunks; out come hypotheses in the same order. A batch of which a chunk fails is tried chunk by chunk by
those who called (`batching.try_each`): the answers that there were are kept for that and not asked for again.
"""

from __future__ import annotations

import hashlib
import threading
import weakref
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from qasr_cli.engines.remote import chunk_request
from qasr_cli.engines.remote.dispatcher import Dispatcher
from qasr_cli.errors import QasrError
from qasr_cli.options import DecodeOptions
from qasr_cli.records import Hypothesis
from qasr_cli.speech.inference.protocols import Capacity

_MAX_BATCH_SIZE = 128  # 30 s as float32 are 1.9 MB, and two batches are on their way at once
_MAX_CHUNK_MS = 60_000  # Qwen3-ASR loops and truncates on long chunks
_N_KEPT = 4 * _MAX_BATCH_SIZE  # answers; they are texts

Key = tuple[bytes, DecodeOptions]


class RemoteRecognizer:
    """Recognises on servers; several threads may call it at once.

    Args:
        dispatcher: Sends the chunks.
        model: The model's name on the servers.
        model_id: Identifies it in fingerprints.
        n_in_flight: Requests at once, on all servers together.
    """

    def __init__(self, dispatcher: Dispatcher, model: str, model_id: str, n_in_flight: int) -> None:
        self._dispatcher = dispatcher
        self._model = model
        self._kept = _KeptAnswers()
        weakref.finalize(self, dispatcher.close)  # an engine is let go of, and never closed
        self.model_id = model_id
        n_chunks = min(2 * n_in_flight, _MAX_BATCH_SIZE)
        self.capacity = Capacity(_MAX_CHUNK_MS, n_chunks * _MAX_CHUNK_MS, n_chunks)

    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        """Return one hypothesis a chunk; see `speech.inference.protocols.Recognizer`.

        Raises:
            QasrError: A chunk was given up; the answers about the others are kept for the next call.
            RemoteError: The servers refuse every request, or none has answered for too long.
        """
        keys = [(hashlib.sha256(samples.tobytes()).digest(), options) for samples in audio]
        found: list[Hypothesis | QasrError | None] = [self._kept.take(key) for key in keys]
        missing = [index for index, result in enumerate(found) if result is None]
        if missing:
            requests = [chunk_request.of_chunk(self._model, audio[index], options) for index in missing]
            for index, result in zip(missing, self._dispatcher.recognize(requests), strict=True):
                found[index] = result
        answers = [result for result in found if isinstance(result, Hypothesis)]
        if len(answers) == len(keys):
            return answers
        failure = next(result for result in found if isinstance(result, QasrError))
        if len(keys) > 1:
            self._kept.keep(keys, found)
        raise failure


class _KeptAnswers:
    """The answers of batches that failed, until they are taken; the oldest go if there are too many."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: OrderedDict[Key, list[Hypothesis | QasrError]] = OrderedDict()

    def keep(self, keys: Sequence[Key], results: Sequence[Hypothesis | QasrError | None]) -> None:
        """Keep the results of a batch; equal chunks have one each."""
        with self._lock:
            for key, result in zip(keys, results, strict=True):
                if result is not None:
                    self._answers.setdefault(key, []).append(result)
            while len(self._answers) > _N_KEPT:
                self._answers.popitem(last=False)

    def take(self, key: Key) -> Hypothesis | QasrError | None:
        """Return a kept result, which is not kept any longer."""
        with self._lock:
            results = self._answers.get(key)
            if not results:
                return None
            result = results.pop()
            if not results:
                del self._answers[key]
            return result
