"""Errors of word times: AAS and what must stand beside it.

In go the words of references and of a system; out come the errors of all starts and ends of words that match.
AAS is the accumulated average shift of the Qwen3-ASR report (arXiv 2601.21337, equation 1): the mean of the
absolute errors over all slots. There the aligner is given the text, so that each word has its slot; with
recognised text only matched words can be compared, and the share that matched belongs beside it.
"""

from __future__ import annotations

import functools
import unicodedata
from array import array
from collections.abc import Sequence

import numpy as np

from qasr_cli.evaluation.figures import TimeFigures
from qasr_cli.evaluation.scoring import edits
from qasr_cli.evaluation.utterances import TimedWord

WITHIN_MS = (80, 100, 200)  # what forced alignment is commonly judged by
BIN_MS, EDGE_MS = 20, 500  # of `TimeFigures.histogram`


def errors(reference: Sequence[TimedWord], system: Sequence[TimedWord]) -> list[tuple[int, int]]:
    """Return the errors of start and end of each matched word, ms: above 0 is late."""
    left = [folded(word.text) for word in reference]
    right = [folded(word.text) for word in system]
    return [
        (system[j].start_ms - reference[i].start_ms, system[j].end_ms - reference[i].end_ms)
        for i, j in edits.matches(left, right)
        if left[i]
    ]


@functools.lru_cache(maxsize=65_536)
def folded(text: str) -> str:
    """Return a word's letters, marks and digits in one case."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char for char in plain if unicodedata.category(char)[0] in "LMN")


def figures(slots: Sequence[int] | array[int], n_words: int) -> TimeFigures | None:
    """Return the figures of all errors of a set; None if no word matched.

    Args:
        slots: Errors of start and end of each matched word, one after the other, ms.
        n_words: Words of the reference with times.
    """
    if not len(slots):
        return None
    signed = np.array(slots, dtype=np.int64)
    pairs = signed.reshape(-1, 2)
    absolute = np.abs(signed)
    bins = np.clip(signed, -EDGE_MS, EDGE_MS - 1) // BIN_MS * BIN_MS
    counts = np.bincount((bins + EDGE_MS) // BIN_MS, minlength=2 * EDGE_MS // BIN_MS)
    return TimeFigures(
        n_words=n_words,
        n_matched=len(pairs),
        aas_ms=float(absolute.mean()),
        median_ms=float(np.median(absolute)),
        p95_ms=float(np.percentile(absolute, 95)),
        bias_ms=float(signed.mean()),
        start_bias_ms=float(pairs[:, 0].mean()),
        end_bias_ms=float(pairs[:, 1].mean()),
        within={limit: float((absolute <= limit).mean()) for limit in WITHIN_MS},
        histogram={number * BIN_MS - EDGE_MS: int(n) for number, n in enumerate(counts)},
    )
