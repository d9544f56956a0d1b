"""Clips joined to long recordings, as in the release's tables of word times.

In go clips with times; out come joins: which clips, at which time of the whole. The recipe is the report's,
as far as it says: clips of one language (or of all, mixed) in an order by seed, until the next one would
exceed the length; no gap is added. Joins no sound itself: whoever does fills each clip up to a whole ms.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from qasr_cli.evaluation.utterances import Utterance


@dataclass(frozen=True, slots=True)
class Join:
    """Clips behind each other.

    Attributes:
        id: Its name, by its number.
        parts: Each clip with the time at which it begins in the whole, ms.
        duration_ms: Length of the whole.
    """

    id: str
    parts: tuple[tuple[Utterance, int], ...]
    duration_ms: int

    def utterance(self, set_name: str) -> Utterance:
        """Return the whole as one utterance without sound: text and words of all clips, times shifted."""
        words = tuple(
            replace(word, start_ms=word.start_ms + offset_ms, end_ms=word.end_ms + offset_ms)
            for clip, offset_ms in self.parts
            for word in clip.words
        )
        languages = {clip.language for clip, _ in self.parts}
        return Utterance(
            self.id,
            set_name,
            None,
            " ".join(clip.text for clip, _ in self.parts),
            language=languages.pop() if len(languages) == 1 else None,
            duration_ms=self.duration_ms,
            words=words,
        )

    def listing(self) -> str:
        """Return the list of clips with their times, which repeats the join."""
        return " ".join(f"{clip.id}@{offset_ms}" for clip, offset_ms in self.parts)


def joined(clips: Iterable[Utterance], max_ms: int, seed: int) -> Iterator[Join]:
    """Yield joins of at most `max_ms`; a longer clip is alone in its own.

    The order is that of a hash of seed and id, so that it depends on nothing else. Clips
    of unknown length are left out: their offsets are unknown.
    """
    known = [clip for clip in clips if clip.duration_ms]
    known.sort(key=lambda clip: hashlib.sha256(f"{seed} {clip.set_name} {clip.id}".encode()).digest())
    parts: list[tuple[Utterance, int]] = []
    at_ms = n = 0
    for clip in known:
        assert clip.duration_ms is not None  # noqa: S101 - sifted above
        if parts and at_ms + clip.duration_ms > max_ms:
            n += 1
            yield Join(f"join-{n:04}", tuple(parts), at_ms)
            parts, at_ms = [], 0
        parts.append((clip, at_ms))
        at_ms += clip.duration_ms
    if parts:
        yield Join(f"join-{n + 1:04}", tuple(parts), at_ms)
