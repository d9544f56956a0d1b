"""The work on a device: a batch of chunks recognised and aligned, whole sources reviewed, speakers, a script.

In go pooled chunks or open sources, each with options of its own, and the session of the device; out come
results in the same order. Changes no source but its stage times. A run's engine lane and a server's request
lane call it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from qasr_cli.errors import QasrError
from qasr_cli.formats.readers.script_reading import ScriptFile
from qasr_cli.pipeline import script
from qasr_cli.pipeline.containment import contain
from qasr_cli.pipeline.open_source import OpenSource, Owner
from qasr_cli.pipeline.pooled_batch import PooledChunk
from qasr_cli.pipeline.stage_timer import timed
from qasr_cli.records import Stage
from qasr_cli.speech.diarization.diarize import diarize
from qasr_cli.speech.fallback.review import ReviewedSource, review
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.recognition import recognize
from qasr_cli.speech.recognition.recognize import RecognizedChunk
from qasr_cli.speech.script.align_script import ScriptAlignment

Item = TypeVar("Item")
# Lets a device work on items, together or each alone: `DevicePool.call`, or the same on a device's own thread
Run = Callable[[Sequence[Any], Callable[[Sequence[Any], Session], Sequence[Any]]], list[Any]]


def recognize_batch(batch: Sequence[PooledChunk[Owner]], session: Session) -> list[RecognizedChunk]:
    """Return the recognised chunks, with times for those that are not doubtful.

    A doubtful chunk has no times yet, since it will be recognised again. If the aligner fails, the whole
    batch has none: the review aligns what is left, finds the chunk that fails, interpolates its times and
    warns. A checkpoint therefore holds no interpolated times, and a resumed run aligns again.
    """
    audio = [
        pooled.opened.prepared.waveform.read(pooled.chunk.start_ms, pooled.chunk.end_ms) for pooled in batch
    ]
    shares = [(pooled.opened.stage_times, pooled.chunk.duration_ms) for pooled in batch]
    with timed(Stage.RECOGNIZE, shares):
        recognized = recognize.recognize_mixed(
            audio,
            [pooled.chunk for pooled in batch],
            session,
            [pooled.opened.options.decode for pooled in batch],
        )
    clean = [
        index for index, chunk in enumerate(recognized) if not chunk.flags and batch[index].opened.is_reviewed
    ]
    with timed(Stage.ALIGN, [shares[index] for index in clean]):
        for indices in _grouped(clean, lambda index: batch[index].opened.options.align):
            with_times = contain(
                lambda indices=indices: recognize.align_batch(  # type: ignore[misc]
                    [audio[index] for index in indices],
                    [recognized[index] for index in indices],
                    session,
                    batch[indices[0]].opened.options.align,
                )
            )
            if not isinstance(with_times, QasrError):
                for index, chunk in zip(indices, with_times, strict=True):
                    recognized[index] = chunk
    return recognized


def review_together(complete: Sequence[OpenSource[Owner]], session: Session) -> list[ReviewedSource]:
    """Return the final text of each source; sources with equal options share the batches of a review."""
    texts: dict[int, ReviewedSource] = {}
    for indices in _grouped(range(len(complete)), lambda index: _review_options(complete[index])):
        group = [complete[index] for index in indices]
        options = group[0].options
        with timed(Stage.REVIEW, [(opened.stage_times, opened.doubtful_ms) for opened in group]):
            reviewed = review(
                [opened.recording for opened in group],
                session,
                options.decode,
                options.guard,
                options.align,
                contain,
            )
        texts.update(zip(indices, reviewed, strict=True))
    return [texts[index] for index in range(len(complete))]


def tell_speakers(opened: OpenSource[Owner], session: Session) -> ReviewedSource:
    """Return the text of a reviewed source with a speaker for each word, split where the speaker changes."""
    count = opened.options.speakers.count
    assert count is not None  # noqa: S101 - implied by `OpenSource.wants_speakers`
    with timed(Stage.SPEAKERS, [(opened.stage_times, 1)]):
        encoder = session.speaker_encoder()
        told = diarize(opened.prepared.waveform, opened.text.segments, encoder, count)
        return replace(opened.text, segments=told)


def align_script(opened: OpenSource[Owner], script_file: ScriptFile, session: Session) -> ScriptAlignment:
    """Return the words of a reviewed source's script with the times at which they are spoken."""
    with timed(Stage.ALIGN, [(opened.stage_times, 1)]):
        return script.align(
            opened.recording, opened.text.segments, script_file, session, opened.options.decode
        )


def align_own_script(opened: OpenSource[Owner], run: Run) -> None:
    """Align the words of a source's script, if it has one."""
    own = opened.script
    if own is None or opened.error is not None:
        return
    (alignment,) = run([opened], lambda _, session: [align_script(opened, own, session)])
    if isinstance(alignment, QasrError):
        opened.error = alignment
    else:
        opened.alignment = alignment


def _review_options(opened: OpenSource[Owner]) -> Hashable:
    return opened.options.decode, opened.options.guard, opened.options.align


def _grouped(items: Sequence[int], key: Callable[[int], Hashable]) -> list[list[int]]:
    """Return the items in groups of equal keys, both in the order of the items."""
    groups: dict[Hashable, list[int]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return list(groups.values())
