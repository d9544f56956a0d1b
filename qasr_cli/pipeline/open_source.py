"""A prepared source on its way through the engine lane, and what the lane asks of whoever sent it.

In go a prepared source and its owner; the engine lane fills in the rest. Only one lane holds an open source
at a time (prepare, then engine, then finish), so that nothing here is locked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from qasr_cli.errors import QasrError
from qasr_cli.formats.readers.script_reading import ScriptFile
from qasr_cli.pipeline.prepare import Prepared
from qasr_cli.pipeline.stage_timer import StageTimes
from qasr_cli.records import Chunk
from qasr_cli.speech.fallback.review import ReviewedSource
from qasr_cli.speech.recognition.passes import RecognizedSource
from qasr_cli.speech.recognition.recognize import RecognizedChunk
from qasr_cli.speech.script.align_script import ScriptAlignment


class ChunkStore(Protocol):
    """Where recognised chunks of one source are kept, so that an interrupted run loses one batch at most."""

    def load(self, chunks: Sequence[Chunk]) -> Mapping[int, RecognizedChunk]:
        """Return what an earlier run recognised of these chunks, by the chunk's index."""

    def add(self, recognized: Sequence[RecognizedChunk]) -> None:
        """Keep what one batch gave for the source; a store that is full keeps nothing and does not raise."""

    def remove(self) -> None:
        """Forget all of it: the source is finished."""


Owner = TypeVar("Owner")


@dataclass(slots=True)
class OpenSource(Generic[Owner]):
    """A source that is past the prepare lane, and what is back from the engine so far.

    Attributes:
        owner: Whose it is: a run's plan, a server's request. The lane hands it back untouched.
        prepared: Its samples on disk, and where speech is.
        begun_s: When its preparation began, by the monotonic clock.
        script: Its words take the place of the recognised ones; None for a plain transcription.
        recognized: What came of each chunk; None until it did.
        n_left: Chunks that are not back yet.
        known: What an earlier run recognised, by the chunk's index.
        store: Where recognised chunks are kept; None where nothing is kept.
        text: All segments, once every chunk is back and the whole was reviewed.
        alignment: The script's words with their times; None without a script.
        error: What ended it.
        stage_times: Where its time went.
    """

    owner: Owner
    prepared: Prepared
    begun_s: float
    script: ScriptFile | None = None
    recognized: list[RecognizedChunk | None] = field(default_factory=list)
    n_left: int = 0
    known: Mapping[int, RecognizedChunk] = field(default_factory=dict)
    store: ChunkStore | None = None
    text: ReviewedSource = field(default_factory=lambda: ReviewedSource(()))
    alignment: ScriptAlignment | None = None
    error: QasrError | None = None
    stage_times: StageTimes = field(default_factory=StageTimes)

    @property
    def relative(self) -> Path:
        """What errors and logs call it."""
        return self.prepared.source.relative

    @property
    def is_doubtful(self) -> bool:
        """Whether a chunk must be recognised again, which happens together with other sources."""
        return self.error is None and any(piece.flags for piece in self.recognized if piece)

    @property
    def doubtful_ms(self) -> int:
        """Length of the chunks that must be recognised again."""
        return sum(piece.chunk.duration_ms for piece in self.recognized if piece and piece.flags)

    @property
    def recording(self) -> RecognizedSource:
        """The source as speech knows it."""
        pieces = tuple(piece for piece in self.recognized if piece is not None)
        return RecognizedSource(self.prepared.waveform, self.prepared.speech, pieces)
