"""Diarization: a speaker for each word of a recording.

In go a waveform, its segments with timed words, and a speaker encoder; out come segments of one speaker
each. One pass over the whole recording, so that a speaker has one label in all of it. What is known of
voices is forgotten with the call: no vector leaves it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qasr_cli.options import SpeakerCount
from qasr_cli.records import Segment, Waveform, Word
from qasr_cli.speech.diarization import clustering, labels, stretches
from qasr_cli.speech.inference import stopping
from qasr_cli.speech.inference.protocols import SpeakerEncoder

_SPLIT_FROM_MS = 5_000  # of speech: in less there are too few windows for clusters


def diarize(
    waveform: Waveform, segments: Sequence[Segment], encoder: SpeakerEncoder, count: SpeakerCount
) -> tuple[Segment, ...]:
    """Return the segments with a speaker for each word, split where the speaker changes.

    Memory: the vectors of the windows, 1.5 kB a second of speech, and of a stretch of 10 s its samples and
    frames.

    Args:
        waveform: The samples of the recording.
        segments: All of it, in order of time.
        encoder: Turns windows into vectors.
        count: How many speakers there are.

    Raises:
        QasrError: The encoder failed.
    """
    words = [word for segment in segments for word in segment.words]
    if not words:
        return tuple(segments)
    parts = stretches.find(words, waveform.duration_ms)
    voices, own = _encoded(waveform, parts, words, encoder)
    speech_ms = sum(word.end_ms - word.start_ms for word in words)
    most = clustering.MAX_FOUND if count == SpeakerCount() else count.most
    if count.least == 1 and speech_ms < _SPLIT_FROM_MS:
        most = 1
    if len(voices) < count.least:  # a few short words: they are all there is
        voices = own
    clusters = clustering.cluster(voices, count.least, most)
    middle = clustering.centres(clustering.normalized(voices), clusters)
    similarity = clustering.normalized(own) @ middle.T
    return labels.split_at_turns(segments, labels.named(labels.smoothed(similarity, words)))


def _encoded(
    waveform: Waveform, parts: Sequence[stretches.Stretch], words: Sequence[Word], encoder: SpeakerEncoder
) -> tuple[np.ndarray, np.ndarray]:
    """Return the vectors of the windows that make clusters, and those of the words."""
    voices, own = [], []
    for part in parts:
        stopping.check()
        for_clusters = stretches.voice_windows(part)
        windows = np.concatenate((for_clusters, stretches.word_windows(part, words)))
        vectors = encoder.encode(waveform.read(part.start_ms, part.end_ms), windows)
        voices.append(vectors[: len(for_clusters)])
        own.append(vectors[len(for_clusters) :])
    return np.concatenate(voices), np.concatenate(own)
