"""The begin of an open utterance's text that no later partial takes back.

In go the hypotheses of an utterance, in order; out comes each of them in two parts, stable and unstable. A
word is stable when it, and all before it, has stayed the same for three hypotheses and for a second, if four
words follow it, or for longer, if two do; a character counts as a word in scripts without spaces. A
hypothesis may contradict stable text all the same: the old words stay then until the utterance's final, and
what follows them becomes stable in turn.
"""

from __future__ import annotations

import difflib
import math
from itertools import takewhile

import regex

from qasr_cli import languages
from qasr_cli.speech.recognition import hallucination

# How many words must follow, since the last ones lack context, and how long a word must have been there. Of
# 635 words in three languages none was withdrawn, and 95 % were stable 2.3 s after their end. If four must
# follow always, it is 2.7 s, as Korean has long ones.
_MIN_HYPOTHESES = 3
_AGES_MS = ((4, 1_000), (2, 1_500))

_CLUSTER = regex.compile(r"\X")  # extended grapheme cluster, UAX #29
_UNRESOLVED = "\ufffd"  # of a character whose last bytes are still to come


class StablePrefix:
    """The stable text of one utterance.

    Args:
        until_ms: What is spoken later never becomes stable, since it may belong to the next utterance: of a
            word it is known only that it was spoken before the hypothesis that first had it ended.

    Attributes:
        text: What is stable now; it grows only.
        n_contradictions: Hypotheses that did not begin with it.
    """

    def __init__(self, until_ms: float = math.inf) -> None:
        self._until_ms = until_ms
        self._units: list[str] = []
        self._since_ms: list[int] = []
        self._n_seen: list[int] = []
        self._stable: list[str] = []
        self.text = ""
        self.n_contradictions = 0

    def update(self, hypothesis: str, end_ms: int) -> tuple[str, str]:
        """Return the stable and the unstable text of a hypothesis.

        Args:
            hypothesis: Text of the utterance so far.
            end_ms: End of the audio that it is of.
        """
        self._compare(split(hypothesis), end_ms)
        n_behind = self._n_behind()
        n_stable = self._count_stable(end_ms)
        if n_stable > n_behind:
            self._stable += self._units[n_behind:n_stable]
            self.text = "".join(self._stable)
        return self.text, "".join(self._units[max(n_behind, n_stable) :])

    def n_withdrawn(self, final: str) -> int:
        """Return how many stable words the final text does not have, marks and capitals aside."""
        stable = hallucination.normalized_tokens(self.text)
        blocks = difflib.SequenceMatcher(
            None, stable, hallucination.normalized_tokens(final), False
        ).get_matching_blocks()
        return len(stable) - sum(block.size for block in blocks)

    def _compare(self, units: list[str], end_ms: int) -> None:
        """Take a hypothesis, and count for how long each of its words has been there."""
        pairs = zip(self._units, units, strict=False)
        n_same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        n_new = len(units) - n_same
        self._units = units
        self._since_ms = self._since_ms[:n_same] + [end_ms] * n_new
        self._n_seen = [count + 1 for count in self._n_seen[:n_same]] + [1] * n_new

    def _n_behind(self) -> int:
        """Return how many words of the hypothesis stand for the stable ones, equal to them or not."""
        if self._units[: len(self._stable)] == self._stable:
            return len(self._stable)
        self.n_contradictions += 1
        matcher = difflib.SequenceMatcher(None, self._stable, self._units, False)
        *_, (last, where, size), _ = [(0, 0, 0), *matcher.get_matching_blocks()]
        return min(where + len(self._stable) - last, len(self._units)) if size else len(self._stable)

    def _count_stable(self, end_ms: int) -> int:
        candidates = range(len(self._units))
        return sum(1 for _ in takewhile(lambda index: self._is_stable(index, end_ms), candidates))

    def _is_stable(self, index: int, end_ms: int) -> bool:
        age_ms, n_behind = end_ms - self._since_ms[index], len(self._units) - 1 - index
        return (
            any(n_behind >= n_words and age_ms >= least_ms for n_words, least_ms in _AGES_MS)
            and self._since_ms[index] <= self._until_ms
            and self._n_seen[index] >= _MIN_HYPOTHESES
            and _UNRESOLVED not in self._units[index]
        )


def split(text: str) -> list[str]:
    """Return a text as words with the space before them, or grapheme clusters in scripts without spaces.

    Joined they are the text.
    """
    units: list[str] = []
    is_open = False  # whether the next cluster may continue the last unit
    is_blank = False  # whether the last unit is blank so far
    for cluster in _CLUSTER.findall(text):
        is_space = cluster.isspace()
        is_alone = not is_space and languages.is_unspaced(cluster[0])
        if is_blank or (is_open and not is_space and not is_alone):
            units[-1] += cluster
        else:
            units.append(cluster)
        is_blank = is_space
        is_open = not is_space and not is_alone
    return units
