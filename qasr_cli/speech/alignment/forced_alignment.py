"""When each word of known text was said: the aligner is asked, and of doubtful stretches asked again.

In go chunks with their audio and display words; out come words with times, each marked as aligned, repaired
or interpolated. Silence at the ends of a chunk is not shown to the aligner, which throws words into it. Knows
engines by their protocols only.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from qasr_cli.records import Chunk, Span, Timing, Word
from qasr_cli.speech.alignment import interpolation, outliers, word_times
from qasr_cli.speech.alignment.interpolation import Load
from qasr_cli.speech.alignment.monotonic_decoder import TokenTime, decode
from qasr_cli.speech.alignment.outliers import Stretch
from qasr_cli.speech.inference import batching
from qasr_cli.speech.inference.protocols import Aligner, AlignRequest, Posterior
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.text import display_words
from qasr_cli.speech.text.display_words import DisplayWord
from qasr_cli.timebase import ms_to_samples

logger = logging.getLogger(__name__)

_SHORTEST_CLIP_MS = 80  # less is no speech; the models pad it to half a second anyway
_WHOLE = 0.9  # a stretch of more than this much of its clip would only get the same answer


@dataclass(frozen=True, slots=True)
class Spoken:
    """A chunk whose words are known and whose times are not.

    Attributes:
        samples: `float32[n_samples]` of the chunk.
        language: English name, or None.
    """

    chunk: Chunk
    samples: np.ndarray
    language: str | None
    words: tuple[DisplayWord, ...]


@dataclass(frozen=True, slots=True)
class _Clip:
    """What the aligner is asked about: a chunk without the silence at its ends, or a part of one.

    Attributes:
        loads: How long each unit takes to say, for where it must be estimated.
        speech: In the clip's own time.
        start_ms: Where it begins in what it was cut from.
    """

    samples: np.ndarray
    units: tuple[str, ...]
    loads: tuple[Load, ...]
    language: str | None
    speech: tuple[Span, ...]
    start_ms: int

    @property
    def duration_ms(self) -> int:
        return word_times.duration_ms(self.samples)

    def part(self, first: int, last: int, start_ms: int, end_ms: int) -> _Clip:
        """Return units `[first, last)` with the audio of the speech in `[start_ms, end_ms)`."""
        speech = interpolation.within(self.speech, start_ms, end_ms)
        begin_ms = speech[0].start_ms
        return _Clip(
            self.samples[ms_to_samples(begin_ms) : ms_to_samples(speech[-1].end_ms)],
            self.units[first:last],
            self.loads[first:last],
            self.language,
            tuple(Span(span.start_ms - begin_ms, span.end_ms - begin_ms) for span in speech),
            begin_ms,
        )


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the aligner said of a clip, and the times that were made of it."""

    clip: _Clip
    posterior: Posterior
    times: list[TokenTime]

    @property
    def stretches(self) -> list[Stretch]:
        return outliers.find(self.posterior, self.times, self.clip.speech, self.clip.duration_ms)

    @property
    def whole(self) -> Stretch:
        return Stretch(0, len(self.times), 0, self.clip.duration_ms)

    def certainty(self, stretch: Stretch) -> float:
        """How much a stretch's times are to be believed; what cannot be is not, however sure of it."""
        believed = outliers.certainty(self.posterior, self.times, stretch)
        return float(np.where(self.hopeless(stretch), 0.0, believed).mean())

    def hopeless(self, stretch: Stretch) -> np.ndarray:
        return outliers.hopeless(self.posterior, self.times, self.clip.speech, stretch)


def time_words(
    spoken: Sequence[Spoken], session: Session, *, is_enabled: bool = True
) -> list[tuple[Word, ...]]:
    """Return the words of each chunk with their times, in container time.

    Args:
        spoken: Any number of chunks of any sources.
        session: Whose aligner is asked, if there is one; languages that it does not know are told once.
        is_enabled: Off: all times are estimated.

    Raises:
        OutOfMemoryError: Not even one chunk fits into the aligner's memory.
    """
    clips: dict[int, _Clip] = {}
    aligner = session.aligner if is_enabled else None
    for index, item in enumerate(spoken):
        if aligner and item.words and _is_known(item.language, aligner, session):
            clip = _clip(item)
            if clip.units and clip.duration_ms <= aligner.capacity.max_chunk_ms:
                clips[index] = clip
    found: dict[int, tuple[Word, ...]] = {}
    if aligner and clips:
        answers = _ask(list(clips.values()), aligner, session)
        for index, answer in zip(clips, _look_again(answers, aligner, session), strict=True):
            if answer is not None:
                found[index] = _words(spoken[index], answer)
    return [
        found[index] if index in found else word_times.spread(item.words, item.chunk)
        for index, item in enumerate(spoken)
    ]


def _is_known(language: str | None, aligner: Aligner, session: Session) -> bool:
    if aligner.supports(language):
        return True
    if language and session.is_new(f"aligner lacks {language}"):
        logger.warning(
            "the aligner does not know %s: times of its words are estimated, marked interpolated", language
        )
    return False


def _clip(item: Spoken) -> _Clip:
    begin_ms = item.chunk.start_ms
    inside = interpolation.within(item.chunk.speech, begin_ms, item.chunk.end_ms)
    speech = tuple(Span(span.start_ms - begin_ms, span.end_ms - begin_ms) for span in inside)
    loads = [
        Load(
            max(1, display_words.letters_to_say(unit)),
            display_words.pause_after(word.text) if number == len(word.units) else 0,
        )
        for word in item.words
        for number, unit in enumerate(word.units, 1)
    ]
    units = tuple(unit for word in item.words for unit in word.units)
    whole = _Clip(item.samples, units, tuple(loads), item.language, speech, 0)
    return whole.part(0, len(units), 0, whole.duration_ms)


def _ask(clips: Sequence[_Clip], aligner: Aligner, session: Session) -> list[_Answer | None]:
    """Return the decoded answer for each clip, None where it cannot be made into times."""
    answers: list[_Answer | None] = [None] * len(clips)
    for batch in batching.plan([clip.duration_ms for clip in clips], aligner.capacity):
        some = [clips[index] for index in batch]
        posteriors: list[Posterior] = batching.run_halving(
            [AlignRequest(clip.samples, clip.units, clip.language) for clip in some],
            aligner.align,
            [len(clip.samples) for clip in some],
            session.aligner_limit,
        )
        for index, posterior in zip(batch, posteriors, strict=True):
            times = decode(posterior, clips[index].duration_ms)
            answers[index] = _Answer(clips[index], posterior, times) if times else None
    return answers


def _look_again(
    answers: Sequence[_Answer | None], aligner: Aligner, session: Session
) -> list[_Answer | None]:
    """Have every doubtful stretch aligned again on its own; what stays impossible is estimated."""
    settled = list(answers)
    is_open = [np.zeros(len(answer.times) if answer else 0, dtype=bool) for answer in answers]
    jobs: list[tuple[int, _Answer, Stretch, _Clip]] = []
    for index, answer in enumerate(answers):
        if answer is None:
            continue
        for stretch in answer.stretches:
            is_open[index][stretch.first : stretch.last] = answer.hopeless(stretch)
            clip = answer.clip.part(stretch.first, stretch.last, stretch.start_ms, stretch.end_ms)
            if _SHORTEST_CLIP_MS <= clip.duration_ms <= _WHOLE * answer.clip.duration_ms:
                jobs.append((index, answer, stretch, clip))
    again = _ask([clip for _, _, _, clip in jobs], aligner, session)
    for (index, first_answer, stretch, _), new in zip(jobs, again, strict=True):
        before = settled[index]
        if before is None or new is None:
            continue
        if new.certainty(new.whole) > first_answer.certainty(stretch):
            settled[index] = replace(before, times=_spliced(before, stretch, new))
            is_open[index][stretch.first : stretch.last] = new.hopeless(new.whole)
    return [
        None if answer is None else replace(answer, times=_estimated(answer, open_units))
        for answer, open_units in zip(settled, is_open, strict=True)
    ]


def _spliced(old: _Answer, stretch: Stretch, new: _Answer) -> list[TokenTime]:
    """Return the old times with the stretch's new ones, marked where they moved by more than a bin."""
    times = list(old.times)
    for index, unit in enumerate(new.times, stretch.first):
        start_ms, end_ms = unit.start_ms + new.clip.start_ms, unit.end_ms + new.clip.start_ms
        moved_ms = max(abs(start_ms - times[index].start_ms), abs(end_ms - times[index].end_ms))
        kind = Timing.REPAIRED if moved_ms > new.posterior.bin_ms else times[index].timing
        times[index] = TokenTime(start_ms, end_ms, kind, unit.confidence)
    return times


def _estimated(answer: _Answer, is_open: np.ndarray) -> list[TokenTime]:
    """Return the times with those of open units estimated between their neighbours."""
    times = list(answer.times)
    for stretch in outliers.stretches(is_open, is_open, answer.times, answer.clip.duration_ms):
        speech = interpolation.within(answer.clip.speech, stretch.start_ms, stretch.end_ms)
        places = interpolation.place(answer.clip.loads[stretch.first : stretch.last], speech)
        times[stretch.first : stretch.last] = [
            TokenTime(start_ms, end_ms, Timing.INTERPOLATED, None) for start_ms, end_ms in places
        ]
    return times


def _words(item: Spoken, answer: _Answer) -> tuple[Word, ...]:
    moved = [
        replace(
            unit, start_ms=unit.start_ms + answer.clip.start_ms, end_ms=unit.end_ms + answer.clip.start_ms
        )
        for unit in answer.times
    ]
    return word_times.from_units(item.words, moved, item.chunk)
