"""A prepared source on its way through the engine lane, and the protocol of its chunk store.

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
from qasr_cli.options import Options
from qasr_cli.pipeline.prepare import Prepared
from qasr_cli.pipeline.stage_timer import StageTimes
from qasr_cli.records import Chunk
from qasr_cli.speech.fallback.review import ReviewedSource
from qasr_cli.speech.recognition.passes import RecognizedSource
from qasr_cli.speech.recognition.recognize import RecognizedChunk
from qasr_cli.speech.script.align_script import ScriptAlignment


class ChunkStore(Protocol):
    """Storage for the recognised chunks of one source, so that an interrupted run loses one batch at most."""

    def load(self, chunks: Sequence[Chunk]) -> Mapping[int, RecognizedChunk]:
        """Return the chunks that an earlier run recognised, by the chunk's index."""

    def add(self, recognized: Sequence[RecognizedChunk]) -> None:
        """Store a batch's chunks of the source; a full store drops them and does not raise."""

    def remove(self) -> None:
        """Remove all chunks: the source is finished."""


Owner = TypeVar("Owner")


@dataclass(slots=True)
class OpenSource(Generic[Owner]):
    """A source that is past the prepare lane, and its recognised chunks so far.

    Attributes:
        owner: A run's plan or a server's request. The lane returns it unchanged.
        prepared: Its samples on disk, and its speech spans.
        begun_s: When its preparation began, by the monotonic clock.
        options: The whole tree, for this source; a run's are the same for all, a server's for a request.
        script: Its words replace the recognised ones; None for a plain transcription.
        is_reviewed: Whether its words are timed and its doubtful chunks recognised again; otherwise each
            chunk is recognised once.
        recognized: The result of each chunk; None until it is recognised.
        n_left: Number of chunks that are not recognised yet.
        resumed: Chunks that an earlier run recognised, by the chunk's index.
        store: Storage for recognised chunks; None without one.
        text: All segments, once every chunk is recognised and reviewed.
        alignment: The script's words with their times; None without a script.
        error: The error that ended it.
        stage_times: Seconds by stage.
    """

    owner: Owner
    prepared: Prepared
    begun_s: float
    options: Options
    script: ScriptFile | None = None
    is_reviewed: bool = True
    recognized: list[RecognizedChunk | None] = field(default_factory=list)
    n_left: int = 0
    resumed: Mapping[int, RecognizedChunk] = field(default_factory=dict)
    store: ChunkStore | None = None
    text: ReviewedSource = field(default_factory=lambda: ReviewedSource(()))
    alignment: ScriptAlignment | None = None
    error: QasrError | None = None
    stage_times: StageTimes = field(default_factory=StageTimes)

    @property
    def relative(self) -> Path:
        """The source's name in errors and logs."""
        return self.prepared.source.relative

    @property
    def is_doubtful(self) -> bool:
        """Whether a chunk must be recognised again, which happens together with other sources."""
        return (
            self.is_reviewed
            and self.error is None
            and any(result.flags for result in self.recognized if result)
        )

    @property
    def wants_speakers(self) -> bool:
        """Whether its speakers are told apart by their voices; a script's words have none."""
        return self.options.speakers.count is not None and self.script is None

    @property
    def doubtful_ms(self) -> int:
        """Length of the chunks that must be recognised again."""
        return sum(result.chunk.duration_ms for result in self.recognized if result and result.flags)

    @property
    def recording(self) -> RecognizedSource:
        """The source in the form that `speech` takes."""
        results = tuple(result for result in self.recognized if result is not None)
        return RecognizedSource(self.prepared.waveform, self.prepared.speech, results)
