"""The text of a source that no later step can change, while the rest is still recognised.

In go the results of a source's chunks so far; out comes the begin of its final text. A server streams it:
what was sent once is never taken back. The review may change a chunk that is flagged, has speech without
words, or is short and in another language than the file's; from the first of these on, text waits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qasr_cli import languages
from qasr_cli.options import DecodeOptions, GuardOptions
from qasr_cli.records import Chunk, Segment
from qasr_cli.speech.fallback import coverage, language_vote
from qasr_cli.speech.recognition.recognize import RecognizedChunk


class SettledText:
    """The final begin of one source's text; it grows with the results and is never shorter than before.

    Args:
        chunks: All chunks of the source.
        decode: Options of its recognition.
        guard: Options of its review.
    """

    def __init__(self, chunks: Sequence[Chunk], decode: DecodeOptions, guard: GuardOptions) -> None:
        self._decode = decode
        self._guard = guard
        self._speech_ms = sum(chunk.speech_ms for chunk in chunks)
        self._length_ms = sum(chunk.duration_ms for chunk in chunks)
        self._n_settled = 0  # results; those without words have no segment
        self._segments: list[Segment] = []

    def update(self, results: Sequence[RecognizedChunk | None]) -> str:
        """Return the text that is final now.

        Args:
            results: Of each chunk; None if it is not recognised yet.
        """
        spoken_ms = language_vote.clean_speech_ms([result for result in results if result is not None])
        for result in results[self._n_settled :]:
            if (
                result is None
                or _may_change(result, self._guard)
                or self._may_be_voted_out(result, spoken_ms)
            ):
                break
            self._n_settled += 1
            if result.segment is not None:
                self._segments.append(result.segment)
        return self._text()

    def _may_be_voted_out(self, result: RecognizedChunk, spoken_ms: Mapping[str, int]) -> bool:
        """Whether a short chunk may still turn out to be in another language than the file.

        A file is clearly in one language if two thirds of its speech are. As soon as one language has a
        third, that can be no other one.
        """
        code = result.segment.language if result.segment is not None else None
        if code is None or self._decode.language or self._guard.multilingual:
            return False
        is_short = result.chunk.speech_ms <= self._guard.max_dissent_ms
        return is_short and 3 * spoken_ms.get(code, 0) <= self._speech_ms

    def _text(self) -> str:
        """Return the begin of `Transcript.text` that follows from the settled segments.

        Whether a space stands between two segments depends on the language that is spoken longest in the
        whole source. As long as that is open, text waits at the first place where it matters.
        """
        code = self._decode.language or _certain_language(self._segments, self._length_ms)
        entry = languages.find(code) if code else None
        parts: list[str] = []
        for before, segment in zip([None, *self._segments], self._segments, strict=False):
            if before is not None:
                first = segment.words[0]
                joint = languages.joint(before.words[-1].text, first.text)
                if entry is None and (first.lead or joint != " "):
                    break
                is_spaced = entry is None or entry.is_spaced
                parts.append(" " if is_spaced else "" if first.lead else joint)
            parts.append(segment.text)
        return "".join(parts)


def _may_change(result: RecognizedChunk, guard: GuardOptions) -> bool:
    if result.flags or (result.segment is None and result.hypothesis.text):
        return True
    words = () if result.segment is None else result.segment.words
    return coverage.has_gap(words, result.chunk.speech, guard.min_uncovered_ms)


def _certain_language(segments: Sequence[Segment], total_ms: int) -> str | None:
    """Return the code of the language of more than half of all chunks, by their length."""
    lengths_ms: dict[str, int] = {}
    for segment in segments:
        if segment.language is not None:
            length_ms = segment.end_ms - segment.start_ms
            lengths_ms[segment.language] = lengths_ms.get(segment.language, 0) + length_ms
    return next((code for code, length_ms in lengths_ms.items() if 2 * length_ms > total_ms), None)
