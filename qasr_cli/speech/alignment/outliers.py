"""Which of an aligner's times cannot be right, and between which good ones the truth must lie.

In go a posterior, the times decoded from it and where speech is; out come stretches of tokens to be timed
again. The failures are known: from some point on all words share one time (seen in recordings of minutes, in
noise, in text that was not said), or words are thrown into a silence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qasr_cli.records import Span, Timing
from qasr_cli.speech.alignment import monotonic_decoder
from qasr_cli.speech.alignment.monotonic_decoder import TokenTime
from qasr_cli.speech.inference.protocols import Posterior

_PLATEAU_TOKENS = 3  # three words whose six times are all the same bin or the next were not heard there
_PLATEAU_BINS = 1
_UNHEARD = 0.1  # a moved time with less of the posterior around it was put where the aligner saw nothing
_NOWHERE = -1e4  # stands in for a probability of 0
_ROOM_MS = 100  # a token, at ten a second: nobody speaks faster for long


@dataclass(frozen=True, slots=True)
class Stretch:
    """Tokens `[first, last)` that are to be timed anew within `[start_ms, end_ms)` of the clip."""

    first: int
    last: int
    start_ms: int
    end_ms: int

    @property
    def n_tokens(self) -> int:
        """How many tokens it has."""
        return self.last - self.first


def find(
    posterior: Posterior, times: Sequence[TokenTime], speech: Sequence[Span], duration_ms: int
) -> list[Stretch]:
    """Return the stretches to look at again, in order, from good anchor to good anchor.

    Args:
        posterior: The aligner's answer for the clip.
        times: What was decoded from it.
        speech: Where somebody speaks, in the clip's own time; empty if nobody looked.
        duration_ms: Of the clip.
    """
    is_unheard = [token.timing is Timing.REPAIRED and (token.confidence or 0.0) < _UNHEARD for token in times]
    is_bad = _plateaus(posterior) | _silent(times, speech) | np.array(is_unheard, dtype=bool)
    return stretches(is_bad, is_bad | ~_anchors(is_bad, times), times, duration_ms)


def hopeless(
    posterior: Posterior, times: Sequence[TokenTime], speech: Sequence[Span], stretch: Stretch
) -> np.ndarray:
    """Return `bool[n_tokens]` of a stretch: whose times say nothing, so that an estimate is better.

    They lie where nobody speaks; or they are of a plateau and the search found nothing elsewhere: often what
    lies under a plateau is right, and weaker.
    """
    inside = slice(stretch.first, stretch.last)
    is_flat = _plateaus(posterior)[inside]
    if is_flat.any() and certainty(posterior, times, stretch)[is_flat].mean() >= monotonic_decoder.TRUSTED:
        is_flat[:] = False
    is_hopeless: np.ndarray = is_flat | _silent(times, speech)[inside]
    return is_hopeless


def stretches(
    is_bad: np.ndarray, is_loose: np.ndarray, times: Sequence[TokenTime], duration_ms: int
) -> list[Stretch]:
    """Return the runs of loose tokens that hold a bad one, with the time that lies open around them.

    A run takes in its neighbours until there is room for its words: next to a plateau, the nearest times are
    as wrong as the plateau's.

    Args:
        is_bad: `bool[n_tokens]`, what must be timed anew.
        is_loose: `bool[n_tokens]`, what may be, the bad ones among them.
        times: Of all tokens.
        duration_ms: Of the clip.
    """
    found: list[Stretch] = []
    for first, last in _runs(is_loose):
        if not is_bad[first:last].any():
            continue
        stretch = _with_room(first, last, times, duration_ms)
        while found and stretch.first < found[-1].last:
            before = found.pop()
            stretch = _with_room(before.first, max(before.last, stretch.last), times, duration_ms)
        found.append(stretch)
    return found


def certainty(posterior: Posterior, times: Sequence[TokenTime], stretch: Stretch) -> np.ndarray:
    """Return `float64[n_tokens]`: how sure the aligner was of a stretch's times, had it known the anchors.

    Only the bins between the anchors count, so that it can be compared with an answer for that piece alone,
    and of a plateau's words only those beside the plateau.
    """
    scores = np.maximum(posterior.log_probs.astype(np.float64), _NOWHERE)
    begin, end = _bins(posterior, np.array([stretch.start_ms, stretch.end_ms]), scores.shape[1])
    scores = scores[2 * stretch.first : 2 * stretch.last, begin : end + 1].copy()
    for slot in np.flatnonzero(np.repeat(_plateaus(posterior)[stretch.first : stretch.last], 2)):
        flat = int(posterior.log_probs[2 * stretch.first + slot].argmax()) - begin
        scores[slot, max(flat - 1, 0) : max(flat + 2, 0)] = _NOWHERE
    scores -= np.logaddexp.reduce(scores, axis=1, keepdims=True)
    edges_ms = np.array([[token.start_ms, token.end_ms] for token in times[stretch.first : stretch.last]])
    bins = _bins(posterior, edges_ms.ravel(), posterior.log_probs.shape[1]) - begin
    masses = monotonic_decoder.near_masses(scores, np.clip(bins, 0, scores.shape[1] - 1))
    least: np.ndarray = masses.reshape(-1, 2).min(axis=1)
    return least


def _bins(posterior: Posterior, times_ms: np.ndarray, n_bins: int) -> np.ndarray:
    nearest = np.rint((times_ms - posterior.offset_ms) / posterior.bin_ms).astype(np.int64)
    inside: np.ndarray = np.clip(nearest, 0, n_bins - 1)
    return inside


def _plateaus(posterior: Posterior) -> np.ndarray:
    """Return `bool[n_tokens]`: which have their likeliest times where their neighbours have them."""
    favourites = posterior.log_probs.argmax(axis=1)
    is_flat = np.zeros(len(favourites) // 2, dtype=bool)
    for first in range(len(is_flat) - _PLATEAU_TOKENS + 1):
        window = favourites[2 * first : 2 * (first + _PLATEAU_TOKENS)]
        if np.ptp(window) <= _PLATEAU_BINS:
            is_flat[first : first + _PLATEAU_TOKENS] = True
    return is_flat


def _silent(times: Sequence[TokenTime], speech: Sequence[Span]) -> np.ndarray:
    """Return `bool[n_tokens]`: which lie outside all speech, if anybody looked for it."""
    return np.array([bool(speech) and not _is_heard(token, speech) for token in times], dtype=bool)


def _anchors(is_bad: np.ndarray, times: Sequence[TokenTime]) -> np.ndarray:
    """Return `bool[n_tokens]`: what is sure of its time, and not alone in that among the doubtful."""
    is_sure = ~is_bad & np.array(
        [(token.confidence or 0.0) >= monotonic_decoder.TRUSTED for token in times], dtype=bool
    )
    padded = np.pad(is_sure, 1)
    anchors: np.ndarray = is_sure & (padded[:-2] | padded[2:])
    return anchors


def _is_heard(token: TokenTime, speech: Sequence[Span]) -> bool:
    return any(span.start_ms < token.end_ms and token.start_ms < span.end_ms for span in speech)


def _runs(is_in: np.ndarray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.pad(is_in.astype(np.int8), 1)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _with_room(first: int, last: int, times: Sequence[TokenTime], duration_ms: int) -> Stretch:
    while True:
        start_ms = times[first - 1].end_ms if first else 0
        end_ms = times[last].start_ms if last < len(times) else duration_ms
        has_room = end_ms - start_ms >= (last - first) * _ROOM_MS
        if has_room or (first == 0 and last == len(times)):
            return Stretch(first, last, start_ms, end_ms)
        first, last = max(0, first - 1), min(len(times), last + 1)
