"""Words' confidences: the posteriors of a word's tokens and of its times, made one number.

In go words with times, and the hypothesis that they are of; out come the same words with their confidences.
Changes no text and no time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from qasr_cli.records import Hypothesis, Word
from qasr_cli.speech.inference.confidence_map import ConfidenceMap, Evidence

# Words can be right where their times are not, so times count for less. Of 12,797 words of the samples with
# the demo pair, without noise and with noise down to 2 dB, the area under the ROC curve is 0.863 with tokens
# alone, 0.742 with times alone, 0.863 with the product, and 0.866 with this. The calibration error is 3.5,
# 7.4, 4.3 and 1.6 %.
_TIME_WEIGHT = 0.5


def of_words(words: Sequence[Word], hypothesis: Hypothesis, confidences: ConfidenceMap) -> tuple[Word, ...]:
    """Return the words with the posteriors of their tokens and their confidences.

    Args:
        words: All words of the hypothesis, with the posteriors of their times.
        hypothesis: Its tokens may be unknown.
        confidences: The models' map.
    """
    posteriors = token_posteriors(words, hypothesis)
    return tuple(
        replace(
            word,
            token_posterior=posterior,
            confidence=_confidence(posterior, word.time_posterior, confidences),
        )
        for word, posterior in zip(words, posteriors, strict=True)
    )


def of_times(words: Sequence[Word]) -> tuple[Word, ...]:
    """Return words whose text was given: their confidence is that of their times."""
    return tuple(replace(word, confidence=word.time_posterior) for word in words)


def token_posteriors(words: Sequence[Word], hypothesis: Hypothesis) -> list[float | None]:
    """Return the posterior of each word's least likely token; None if the tokens are unknown.

    A token belongs to every word that it has a character of; one that ends inside a character belongs to that
    character's word.
    """
    text = hypothesis.text.strip()
    if not hypothesis.token_ends or "".join(word.lead + word.text for word in words) != text:
        return [None] * len(words)
    position = len(hypothesis.text) - len(hypothesis.text.lstrip())
    found: list[float | None] = []
    tokens = list(_token_spans(hypothesis))
    first = 0
    for word in words:
        begin = position + len(word.lead)
        position = begin + len(word.text)
        while first < len(tokens) and tokens[first][1] <= begin:
            first += 1
        last = first
        while last < len(tokens) and tokens[last][0] < position:
            last += 1
        found.append(min((posterior for _, _, posterior in tokens[first:last]), default=None))
    return found


def _token_spans(hypothesis: Hypothesis) -> Iterator[tuple[int, int, float]]:
    """Yield begin, end and posterior of each token in characters; no token is empty."""
    begin = 0
    for end, posterior in zip(hypothesis.token_ends, hypothesis.token_posteriors, strict=True):
        yield begin, max(end, begin + 1), posterior
        begin = end


def combined(token: float | None, time: float | None) -> tuple[float, Evidence] | None:
    """Return the raw confidence of two posteriors, and what it is made of; None without either."""
    if token is not None and time is not None:
        return token * time**_TIME_WEIGHT, Evidence.BOTH
    if token is not None:
        return token, Evidence.TOKENS
    return None if time is None else (time, Evidence.TIMES)


def _confidence(token: float | None, time: float | None, confidences: ConfidenceMap) -> float | None:
    raw = combined(token, time)
    return None if raw is None else confidences.apply(*raw)
