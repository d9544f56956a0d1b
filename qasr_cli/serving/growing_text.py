"""The text of utterances in a row, as far as it is certain: what a client may get while somebody speaks.

In go stable and final texts of utterances, in the order of time for each; out come pieces that are never
taken back. An utterance may begin before the text of the one before it is final, and then waits for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from qasr_cli import languages
from qasr_cli.records import longest_language
from qasr_cli.speech.streaming.events import Final, Partial

Key = tuple[int, int]  # of an utterance: its session's number for the client, and its own in the session


@dataclass(slots=True)
class _Utterance:
    stable: str = ""
    final: str | None = None
    language: str | None = None
    n_given: int = 0  # characters that pieces have had
    has_diverged: bool = False  # the final text takes stable text back: no piece can follow


class GrowingText:
    """The text of some utterances."""

    def __init__(self) -> None:
        self._utterances: dict[Key, _Utterance] = {}

    def begin(self, key: Key) -> None:
        """Add an utterance after the others."""
        self._utterances[key] = _Utterance()

    def show(self, key: Key, partial: Partial) -> None:
        """Note the stable text of an utterance."""
        utterance = self._utterances[key]
        utterance.stable, utterance.language = partial.stable, partial.language or utterance.language

    def conclude(self, key: Key, final: Final) -> None:
        """Note the final text of an utterance."""
        utterance = self._utterances[key]
        language = longest_language(final.segments)
        utterance.language = language or utterance.language
        utterance.final = _gap(language).join(segment.text for segment in final.segments)

    @property
    def is_final(self) -> bool:
        """Whether all of it is."""
        return all(one.final is not None for one in self._utterances.values())

    @property
    def text(self) -> str:
        """The final texts of all utterances."""
        whole = ""
        for utterance in self._utterances.values():
            if utterance.final:
                whole += (_gap(utterance.language) if whole else "") + utterance.final
        return whole

    @property
    def languages(self) -> list[str]:
        """Codes of the languages, in the order of their first words."""
        spoken = (one.language for one in self._utterances.values() if one.final)
        return list(dict.fromkeys(code for code in spoken if code))

    def grown(self) -> str:
        """Return what has become certain since the last call, behind what was returned before."""
        pieces, has_text = "", False
        for utterance in self._utterances.values():
            known = utterance.stable if utterance.final is None else utterance.final
            if not known.startswith(utterance.stable[: utterance.n_given]):
                utterance.has_diverged = True
            piece = "" if utterance.has_diverged else known[utterance.n_given :]
            if piece:
                pieces += (_gap(utterance.language) if has_text and not utterance.n_given else "") + piece
                utterance.n_given = len(known)
            if utterance.final is None:
                break
            has_text = has_text or bool(utterance.final)
        return pieces


def _gap(language: str | None) -> str:
    """Return what stands between two utterances in a language."""
    entry = languages.find(language) if language else None
    return " " if entry is None or entry.is_spaced else ""
