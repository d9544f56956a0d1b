"""The language of a session so far: a short utterance in another one is probably a mistake.

In go recognized utterances, in order; out comes the language in which one is to be recognized again. For
files the majority of all speech decides (`fallback.language_vote`); a session has no end to wait for.
"""

from __future__ import annotations

from qasr_cli import languages
from qasr_cli.options import DecodeOptions, GuardOptions
from qasr_cli.speech.recognition.recognize import RecognizedChunk

_MIN_SPEECH_MS = 3_000  # of an utterance whose language is believed


class LanguageInertia:
    """The languages of one session's utterances.

    Attributes:
        prior: Code of the language that the session is in; None as long as that is open.
    """

    def __init__(self) -> None:
        self.prior: str | None = None
        self._latest: str | None = None

    def judge(self, result: RecognizedChunk, decode: DecodeOptions, guard: GuardOptions) -> str | None:
        """Take an utterance, and return the code of the language to force upon it; None leaves it.

        The session's language is that of the first utterance with 3 s of speech. It changes when two
        utterances in a row are in another one.

        Args:
            result: The utterance as it was recognized first.
            decode: A language in them stays.
            guard: Maximum length of a short utterance, and whether languages may change.
        """
        code = _code(result)
        if decode.language or guard.multilingual or code is None or result.flags:
            return None
        before, self._latest = self._latest, code
        if self.prior is None:
            self.prior = code if result.chunk.speech_ms >= _MIN_SPEECH_MS else None
        elif code != self.prior and code == before:
            self.prior = code
        elif code != self.prior and result.chunk.speech_ms <= guard.max_dissent_ms:
            return self.prior
        return None


def _code(result: RecognizedChunk) -> str | None:
    if not result.hypothesis.text or not result.hypothesis.language:
        return None
    entry = languages.find(result.hypothesis.language)
    return entry.code if entry else None
