"""How soon words are shown, stable and final, and how often they change until then.

In go timed events of a session; out come figures. A word counts as shown from the first partial on that has
it and after which every partial, and the final, has it, too; its own end is the aligner's. Erasure is the
words at the end that a partial takes back (Arivazhagan et al. 2020, arXiv:1912.03393), and a changed word is
one that the next partial does not have (Shangguan et al. 2020, arXiv:2006.01416); both count per final word.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, takewhile

from qasr_cli.live.replay import TimedEvent
from qasr_cli.speech.streaming.events import Final, Partial
from qasr_cli.speech.text import display_words


@dataclass(slots=True)
class Latencies:
    """The figures of one session; latencies in milliseconds, of each word or final.

    Attributes:
        shown_ms: From a word's end until it is shown for good.
        stable_ms: From a word's end until it is stable.
        final_ms: From the last word's end until the final: the pause, and the time to compute.
        compute_ms: From the decision that an utterance has ended until its final.
        n_words: Words of all finals.
        n_erased: Words at the end of a partial that the next one does not begin with.
        n_changed: Words of a partial that the next one does not have.
    """

    shown_ms: list[int] = field(default_factory=list)
    stable_ms: list[int] = field(default_factory=list)
    final_ms: list[int] = field(default_factory=list)
    compute_ms: list[int] = field(default_factory=list)
    n_words: int = 0
    n_erased: int = 0
    n_changed: int = 0


def measure(events: Iterable[TimedEvent]) -> Latencies:
    """Return the figures of a session."""
    found = Latencies()
    partials: dict[int, list[tuple[int, Partial]]] = {}
    for timed in events:
        if isinstance(timed.event, Partial):
            partials.setdefault(timed.event.utterance, []).append((timed.at_ms, timed.event))
        elif isinstance(timed.event, Final):
            _add(found, partials.pop(timed.event.utterance, []), timed.at_ms, timed.event)
    return found


def words_of(text: str, language: str | None) -> list[str]:
    """Return the letters and digits of each word of a text, in lower case: what is compared."""
    return [plain for word in display_words.split(text, language) if (plain := _plain(word.text))]


def _plain(text: str) -> str:
    return "".join(char for char in text.lower() if char.isalnum())


def _add(found: Latencies, partials: Sequence[tuple[int, Partial]], final_at_ms: int, final: Final) -> None:
    words = [word for segment in final.segments for word in segment.words if _plain(word.text)]
    plain = [_plain(word.text) for word in words]
    found.compute_ms.append(final.compute_ms)
    found.n_words += len(plain)
    if words:
        found.final_ms.append(final_at_ms - words[-1].end_ms)
    texts = [words_of(one.stable + one.unstable, one.language) for _, one in partials]
    for before, after in pairwise([*texts, plain]):
        n_same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False)))
        found.n_erased += len(before) - n_same
        found.n_changed += len(before) - len(_matched(before, after))
    shown_at_ms, stable_at_ms = [final_at_ms] * len(plain), [final_at_ms] * len(plain)
    stays = set(range(len(plain)))
    for (at_ms, one), text in zip(reversed(partials), reversed(texts), strict=True):
        stays &= _matched(plain, text)
        for index in stays:
            shown_at_ms[index] = at_ms
        for index in _matched(plain, words_of(one.stable, one.language)):
            stable_at_ms[index] = at_ms
    found.shown_ms += [at_ms - word.end_ms for at_ms, word in zip(shown_at_ms, words, strict=True)]
    found.stable_ms += [at_ms - word.end_ms for at_ms, word in zip(stable_at_ms, words, strict=True)]


def _matched(words: Sequence[str], others: Sequence[str]) -> set[int]:
    """Return the indices of the words that are among the others, in order."""
    blocks = difflib.SequenceMatcher(None, words, others, False).get_matching_blocks()
    return {index for block in blocks for index in range(block.a, block.a + block.size)}
