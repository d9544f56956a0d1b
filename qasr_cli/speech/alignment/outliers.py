"""Outliers of an alignment: impossible times, and the reliable times (anchors) around them.

In go a posterior, the times decoded from it and the speech spans; out come ranges of tokens to align again.
Two failures are detected: from some point on all words share one time (in recordings of minutes, in noise, in
text that is not spoken), or words lie in a silence. Never aligns anything itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qasr_cli.records import Span, Timing
from qasr_cli.speech.alignment import monotonic_decoder
from qasr_cli.speech.alignment.monotonic_decoder import TokenTime
from qasr_cli.speech.inference.protocols import Posterior

_PLATEAU_TOKENS = 3  # three words whose six times share a bin, or two adjacent bins, were not aligned
_PLATEAU_BINS = 1
_MIN_MASS = 0.1  # a moved time with less of the posterior around it has no support in the audio
_LOG_ZERO = -1e4  # stands in for a probability of 0
_MIN_TOKEN_MS = 100  # ten tokens a second: the fastest sustained speech


@dataclass(frozen=True, slots=True)
class TokenRange:
    """Tokens `[first, last)`, and the part `[start_ms, end_ms)` of the clip that they lie in."""

    first: int
    last: int
    start_ms: int
    end_ms: int

    @property
    def n_tokens(self) -> int:
        """Number of tokens."""
        return self.last - self.first


def find(
    posterior: Posterior, times: Sequence[TokenTime], speech: Sequence[Span], duration_ms: int
) -> list[TokenRange]:
    """Return the ranges to align again, in order, from good anchor to good anchor.

    Args:
        posterior: The posterior of the clip.
        times: The times decoded from it.
        speech: Speech spans, relative to the clip's start; empty if unknown.
        duration_ms: Length of the clip.
    """
    is_unsupported = [
        token.timing is Timing.REPAIRED and (token.confidence or 0.0) < _MIN_MASS for token in times
    ]
    is_bad = _plateaus(posterior) | _outside_speech(times, speech) | np.array(is_unsupported, dtype=bool)
    return outlier_ranges(is_bad, is_bad | ~_anchors(is_bad, times), times, duration_ms)


def unusable(
    posterior: Posterior, times: Sequence[TokenTime], speech: Sequence[Span], token_range: TokenRange
) -> np.ndarray:
    """Return `bool[n_tokens]` of a range: tokens whose times are worse than interpolated ones.

    Such times lie outside speech, or on a plateau with no second peak: under a plateau there is often a
    weaker peak that is right.
    """
    inside = slice(token_range.first, token_range.last)
    is_flat = _plateaus(posterior)[inside]
    if (
        is_flat.any()
        and token_confidences(posterior, times, token_range)[is_flat].mean() >= monotonic_decoder.TRUSTED
    ):
        is_flat[:] = False
    is_unusable: np.ndarray = is_flat | _outside_speech(times, speech)[inside]
    return is_unusable


def outlier_ranges(
    is_bad: np.ndarray, is_loose: np.ndarray, times: Sequence[TokenTime], duration_ms: int
) -> list[TokenRange]:
    """Return the runs of loose tokens that contain a bad one, with the time up to the next anchors.

    A run is extended until there is room for its words: next to a plateau, the nearest times are as wrong as
    those on the plateau.

    Args:
        is_bad: `bool[n_tokens]`, tokens to align again.
        is_loose: `bool[n_tokens]`, tokens that may be aligned again together with bad ones.
        times: Times of all tokens.
        duration_ms: Length of the clip.
    """
    ranges: list[TokenRange] = []
    for first, last in _runs(is_loose):
        if not is_bad[first:last].any():
            continue
        token_range = _widened(first, last, times, duration_ms)
        while ranges and token_range.first < ranges[-1].last:
            before = ranges.pop()
            token_range = _widened(before.first, max(before.last, token_range.last), times, duration_ms)
        ranges.append(token_range)
    return ranges


def token_confidences(
    posterior: Posterior, times: Sequence[TokenTime], token_range: TokenRange
) -> np.ndarray:
    """Return `float64[n_tokens]`: the confidences of a range's times, given the anchors.

    Only the bins between the anchors count, so that the result can be compared with an alignment of that part
    alone; for words on a plateau only those beside the plateau count.
    """
    scores = np.maximum(posterior.log_probs.astype(np.float64), _LOG_ZERO)
    begin, end = _bins(posterior, np.array([token_range.start_ms, token_range.end_ms]), scores.shape[1])
    scores = scores[2 * token_range.first : 2 * token_range.last, begin : end + 1].copy()
    for slot in np.flatnonzero(np.repeat(_plateaus(posterior)[token_range.first : token_range.last], 2)):
        flat_bin = int(posterior.log_probs[2 * token_range.first + slot].argmax()) - begin
        scores[slot, max(flat_bin - 1, 0) : max(flat_bin + 2, 0)] = _LOG_ZERO
    scores -= np.logaddexp.reduce(scores, axis=1, keepdims=True)
    edges_ms = np.array(
        [[token.start_ms, token.end_ms] for token in times[token_range.first : token_range.last]]
    )
    bins = _bins(posterior, edges_ms.ravel(), posterior.log_probs.shape[1]) - begin
    masses = monotonic_decoder.near_masses(scores, np.clip(bins, 0, scores.shape[1] - 1))
    minimum: np.ndarray = masses.reshape(-1, 2).min(axis=1)
    return minimum


def _bins(posterior: Posterior, times_ms: np.ndarray, n_bins: int) -> np.ndarray:
    nearest = np.rint((times_ms - posterior.offset_ms) / posterior.bin_ms).astype(np.int64)
    inside: np.ndarray = np.clip(nearest, 0, n_bins - 1)
    return inside


def _plateaus(posterior: Posterior) -> np.ndarray:
    """Return `bool[n_tokens]`: tokens whose likeliest times are those of their neighbours."""
    best_bins = posterior.log_probs.argmax(axis=1)
    is_flat = np.zeros(len(best_bins) // 2, dtype=bool)
    for first in range(len(is_flat) - _PLATEAU_TOKENS + 1):
        window = best_bins[2 * first : 2 * (first + _PLATEAU_TOKENS)]
        if np.ptp(window) <= _PLATEAU_BINS:
            is_flat[first : first + _PLATEAU_TOKENS] = True
    return is_flat


def _outside_speech(times: Sequence[TokenTime], speech: Sequence[Span]) -> np.ndarray:
    """Return `bool[n_tokens]`: tokens outside all speech, if speech is known."""
    return np.array([bool(speech) and not _overlaps_speech(token, speech) for token in times], dtype=bool)


def _anchors(is_bad: np.ndarray, times: Sequence[TokenTime]) -> np.ndarray:
    """Return `bool[n_tokens]`: confident tokens with a confident neighbour."""
    is_sure = ~is_bad & np.array(
        [(token.confidence or 0.0) >= monotonic_decoder.TRUSTED for token in times], dtype=bool
    )
    padded = np.pad(is_sure, 1)
    anchors: np.ndarray = is_sure & (padded[:-2] | padded[2:])
    return anchors


def _overlaps_speech(token: TokenTime, speech: Sequence[Span]) -> bool:
    return any(span.start_ms < token.end_ms and token.start_ms < span.end_ms for span in speech)


def _runs(is_in: np.ndarray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.pad(is_in.astype(np.int8), 1)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _widened(first: int, last: int, times: Sequence[TokenTime], duration_ms: int) -> TokenRange:
    while True:
        start_ms = times[first - 1].end_ms if first else 0
        end_ms = times[last].start_ms if last < len(times) else duration_ms
        is_long_enough = end_ms - start_ms >= (last - first) * _MIN_TOKEN_MS
        if is_long_enough or (first == 0 and last == len(times)):
            return TokenRange(first, last, start_ms, end_ms)
        first, last = max(0, first - 1), min(len(times), last + 1)
