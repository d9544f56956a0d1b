"""Checkpoints: the recognised chunks of an unfinished source, so that a kill costs one batch.

In go the chunks of each batch; out they come in the next run over the same media with the same options. One
file a source, one line a batch. A line that a kill cut off is ignored, and so is a file of other media, other
options or another model. A checkpoint only saves time: if it cannot be written, the run goes on.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from qasr_cli.errors import QasrError
from qasr_cli.formats.readers import transcript_json as segment_reader
from qasr_cli.formats.writers import transcript_json as segment_writer
from qasr_cli.records import Chunk, Finish, Hypothesis
from qasr_cli.runs.files import ownership
from qasr_cli.runs.files.file_identity import Identity
from qasr_cli.runs.state import ledger
from qasr_cli.runs.state.roots import FOLDER_NAME
from qasr_cli.speech.recognition.recognize import RecognizedChunk

logger = logging.getLogger(__name__)

_SCHEMA = "qasr.checkpoint.v1"
_NAME_CHARS = 16
_OLD_S = 7 * 24 * 3_600  # older checkpoints are unlikely to be resumed


@dataclass(slots=True)
class Checkpoint:
    """One source's file: a run's `ChunkStore`, called by the engine lane and then by the finish lane."""

    path: Path
    head: bytes
    is_begun: bool = False

    def load(self, chunks: Sequence[Chunk]) -> dict[int, RecognizedChunk]:
        """Return the chunks that an earlier run recognised, by their index."""
        try:
            head, *lines = self.path.read_bytes().split(b"\n")
        except OSError:
            return {}
        if head != self.head:
            return {}
        self.is_begun = True
        recognized: dict[int, RecognizedChunk] = {}
        for line in lines:
            with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError, IndexError, QasrError):
                for fields in json.loads(line):
                    chunk = _from_fields(fields, chunks)
                    recognized[chunk.chunk.index] = chunk
        return recognized

    def add(self, recognized: Sequence[RecognizedChunk]) -> None:
        """Append a batch's chunks of the source; a failing disk is logged and does not raise."""
        line = json.dumps([_fields(chunk) for chunk in recognized], ensure_ascii=False)
        try:
            if not self.is_begun:
                ownership.make_folder(self.path.parent)
                self._begin()
            ledger.append(self.path, line.encode("utf-8", "surrogateescape"))
        except OSError as error:
            logger.info("no checkpoint in %s: %s", self.path, error.strerror)

    def _begin(self) -> None:
        descriptor = ownership.open_own(self.path, os.O_WRONLY)
        try:
            os.ftruncate(descriptor, 0)
            os.write(descriptor, self.head + b"\n")
        finally:
            os.close(descriptor)
        self.is_begun = True

    def remove(self) -> None:
        """Remove the file, old ones of other options, and our own folders that are empty then."""
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)
            for other in self.path.parent.glob(f"{self.path.name[:_NAME_CHARS]}*"):
                if time.time() - other.stat().st_mtime > _OLD_S:
                    other.unlink(missing_ok=True)
            self.path.parent.rmdir()
            if self.path.parent.parent.name == FOLDER_NAME:  # that of `--state` is the user's
                self.path.parent.parent.rmdir()


def checkpoint(folder: Path, file: str, media: Identity, fingerprint: str) -> Checkpoint:
    """Return a source's checkpoint in a state folder; it may not exist yet.

    Args:
        folder: State folder of the output root.
        file: The key of the media's name in the ledger.
        media: The media's identity.
        fingerprint: Fingerprint of the transcript's options and models.
    """
    # Files that are named take no lock: two runs with other options may be at one of them at once.
    name = f"{_hash(file)}-{_hash(fingerprint)}"
    head = json.dumps(
        {"schema": _SCHEMA, "file": file, "media": asdict(media), "fingerprint": fingerprint},
        ensure_ascii=False,
    )
    return Checkpoint(folder / "checkpoints" / f"{name}.jsonl", head.encode("utf-8", "surrogateescape"))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:_NAME_CHARS]


def _fields(chunk: RecognizedChunk) -> dict[str, Any]:
    answer, segment = chunk.hypothesis, chunk.segment
    return {
        "chunk": chunk.chunk.index,
        "span": [chunk.chunk.start_ms, chunk.chunk.end_ms],
        "answer": [answer.text, answer.language, answer.finish.value, answer.n_tokens],
        "flags": list(chunk.flags),
        "segment": None if segment is None else segment_writer.segment_fields(segment),
    }


def _from_fields(fields: Mapping[str, Any], chunks: Sequence[Chunk]) -> RecognizedChunk:
    """Return a recognised chunk as it was.

    Raises:
        ValueError: There is no such chunk any more. Other errors: the line is damaged.
    """
    chunk = chunks[fields["chunk"]]
    if [chunk.start_ms, chunk.end_ms] != fields["span"]:
        raise ValueError("another chunk")
    text, language, finish, n_tokens = fields["answer"]
    segment = fields["segment"]
    return RecognizedChunk(
        chunk,
        Hypothesis(text, language, Finish(finish), n_tokens),
        tuple(fields["flags"]),
        None if segment is None else segment_reader.read_segment(segment),
    )
