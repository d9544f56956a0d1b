"""Checkpoints: the recognised chunks of an unfinished source, so that a kill costs one batch.

In go the chunks of each batch; out they come in the next run over the same media with the same options. One
file a source, one line a batch. A line that a kill cut off is ignored, and so is a file of other media, other
options or another model. Each chunk is checked, since somebody else may have written it. A checkpoint only
saves time: if it cannot be read or written, the run goes on.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from qasr_cli import bounded_json, languages
from qasr_cli.errors import QasrError
from qasr_cli.formats.readers import transcript_json as segment_reader
from qasr_cli.formats.readers.json_fields import Fields
from qasr_cli.formats.writers import transcript_json as segment_writer
from qasr_cli.records import Chunk, Finish, Hypothesis, Segment
from qasr_cli.runs.files import ownership
from qasr_cli.runs.files.file_identity import Identity
from qasr_cli.runs.state import trusted_files
from qasr_cli.runs.state.trusted_files import FOLDER_NAME, TrustedFolder
from qasr_cli.speech.recognition.hallucination import Flag
from qasr_cli.speech.recognition.recognize import RecognizedChunk

logger = logging.getLogger(__name__)

_SCHEMA = "qasr.checkpoint.v1"
_N_ANSWER = 6  # text, language, finish, number of tokens, their ends in the text, their posteriors
_N_OLD_ANSWER = 4  # without the last two
_MAX_TOKENS = 1_000_000_000
_FOLDER_NAME = "checkpoints"
_NAME_CHARS = 16
_MAX_FILE_BYTES = 256_000_000  # two million words of 120 bytes: nine days of speech
_MAX_LINE_BYTES = 16_000_000  # a batch of 256 chunks of three minutes
_OLD_S = 7 * 24 * 3_600  # older checkpoints are unlikely to be resumed


@dataclass(slots=True)
class Checkpoint:
    """One source's file: a run's `ChunkStore`, called by the engine lane and then by the finish lane."""

    path: Path
    head: bytes
    is_begun: bool = False

    @property
    def _state(self) -> Path:
        return self.path.parent.parent

    def load(self, chunks: Sequence[Chunk]) -> dict[int, RecognizedChunk]:
        """Return the chunks that an earlier run recognised, by their index."""
        recognized: dict[int, RecognizedChunk] = {}
        try:
            with trusted_files.opened(self._state) as state, state.folder(_FOLDER_NAME) as folder:
                lines = folder.lines(self.path.name, _MAX_FILE_BYTES, _MAX_LINE_BYTES)
                if next(lines, b"").rstrip(b"\n") != self.head:
                    return {}
                self.is_begun = True
                for line in lines:
                    recognized |= _read_line(line, chunks)
        except FileNotFoundError:
            pass
        except OSError as error:
            trusted_files.pass_over(self.path, error)
        return recognized

    def add(self, recognized: Sequence[RecognizedChunk]) -> None:
        """Append a batch's chunks of the source; a failing disk is logged and does not raise."""
        line = json.dumps([_fields(chunk) for chunk in recognized], ensure_ascii=False)
        try:
            if not self.is_begun:
                ownership.make_folder(self._state)
            with (
                trusted_files.opened(self._state) as state,
                state.folder(_FOLDER_NAME, is_making=not self.is_begun) as folder,
            ):
                if not self.is_begun:
                    self._begin(folder)
                folder.append(self.path.name, line.encode("utf-8", "surrogateescape"))
        except OSError as error:
            logger.info("no checkpoint in %s: %s", self.path, error.strerror)

    def _begin(self, folder: TrustedFolder) -> None:
        descriptor = folder.open(self.path.name, os.O_WRONLY | os.O_CREAT)
        try:
            os.ftruncate(descriptor, 0)
            os.write(descriptor, self.head + b"\n")
        finally:
            os.close(descriptor)
        self.is_begun = True

    def remove(self) -> None:
        """Remove the file, old ones of other options, and our own folders that are empty then."""
        with contextlib.suppress(OSError):
            with trusted_files.opened(self._state) as state:
                with state.folder(_FOLDER_NAME) as folder:
                    self._remove(folder)
                os.rmdir(_FOLDER_NAME, dir_fd=state.descriptor)
            if self._state.name == FOLDER_NAME:  # that of `--state` is the user's
                self._state.rmdir()

    def _remove(self, folder: TrustedFolder) -> None:
        for name in folder.names():
            if not name.startswith(self.path.name[:_NAME_CHARS]):
                continue
            age_s = time.time() - os.stat(name, dir_fd=folder.descriptor, follow_symlinks=False).st_mtime
            if name == self.path.name or age_s > _OLD_S:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=folder.descriptor)


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
    return Checkpoint(folder / _FOLDER_NAME / f"{name}.jsonl", head.encode("utf-8", "surrogateescape"))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:_NAME_CHARS]


def _fields(chunk: RecognizedChunk) -> dict[str, Any]:
    answer, segment = chunk.hypothesis, chunk.segment
    tokens = [list(answer.token_ends), list(answer.token_posteriors)]
    return {
        "chunk": chunk.chunk.index,
        "span": [chunk.chunk.start_ms, chunk.chunk.end_ms],
        "answer": [answer.text, answer.language, answer.finish.value, answer.n_tokens, *tokens],
        "flags": list(chunk.flags),
        "detectors": dict(chunk.detectors),
        "segment": None if segment is None else segment_writer.segment_fields(segment),
    }


def _read_line(line: bytes, chunks: Sequence[Chunk]) -> dict[int, RecognizedChunk]:
    """Return the chunks of a line by their index; a damaged line has those before the damage."""
    recognized: dict[int, RecognizedChunk] = {}
    with contextlib.suppress(ValueError, QasrError):
        text = line.decode("utf-8")
        batch = bounded_json.loads(text)
        if "\\u" in text:  # an escape may stand for half a character, which no file takes
            json.dumps(batch, ensure_ascii=False).encode("utf-8")
        for fields in batch if isinstance(batch, list) else ():
            chunk = _from_fields(fields, chunks)
            recognized[chunk.chunk.index] = chunk
    return recognized


def _from_fields(fields: object, chunks: Sequence[Chunk]) -> RecognizedChunk:
    """Return a recognised chunk as it was.

    Raises:
        ValueError: The fields are damaged, or there is no such chunk any more.
        QasrError: The segment is damaged.
    """
    if not isinstance(fields, dict):
        raise ValueError("not an object")
    number, answer, segment = fields.get("chunk"), fields.get("answer"), fields.get("segment")
    if type(number) is not int or not 0 <= number < len(chunks):
        raise ValueError("another chunk")
    chunk = chunks[number]
    if fields.get("span") != [chunk.start_ms, chunk.end_ms]:
        raise ValueError("another chunk")
    return RecognizedChunk(
        chunk,
        _hypothesis(answer),
        _flags(fields.get("flags")),
        _segment(segment, chunk),
        Fields(fields, "").numbers("detectors"),
    )


def _hypothesis(answer: object) -> Hypothesis:
    if not isinstance(answer, list) or len(answer) not in {_N_ANSWER, _N_OLD_ANSWER}:
        raise ValueError("not an answer")
    text, language, finish, n_tokens, ends, posteriors = [*answer, [], []][:_N_ANSWER]
    if not isinstance(text, str) or not (language is None or isinstance(language, str)):
        raise ValueError("not a text and its language")
    if type(n_tokens) is not int or not 0 <= n_tokens <= _MAX_TOKENS:
        raise ValueError("not a number of tokens")
    if not _are_tokens(ends, posteriors, len(text)):
        raise ValueError("not the tokens of the text")
    return Hypothesis(text, language, Finish(finish), n_tokens, tuple(ends), tuple(map(float, posteriors)))


def _are_tokens(ends: object, posteriors: object, n_chars: int) -> bool:
    """Whether these are rising places in a text, and as many probabilities."""
    if not isinstance(ends, list) or not isinstance(posteriors, list) or len(ends) != len(posteriors):
        return False
    are_places = all(type(end) is int and 0 <= end <= n_chars for end in ends) and ends == sorted(ends)
    return are_places and all(type(one) in {int, float} and 0 <= one <= 1 for one in posteriors)


def _flags(values: object) -> tuple[str, ...]:
    if not isinstance(values, list):
        raise ValueError("not a list of flags")
    return tuple(Flag(value) for value in values)


def _segment(fields: object, chunk: Chunk) -> Segment | None:
    """Return a chunk's segment, whose words are inside the chunk and begin in order."""
    if fields is None:
        return None
    if not isinstance(fields, dict):
        raise ValueError("not an object")
    segment = segment_reader.read_segment(fields)
    language = languages.find(segment.language) if segment.language else None
    if segment.language is not None and (language is None or language.code != segment.language):
        raise ValueError("not a language's code")  # it may be a part of the results' names
    starts = [word.start_ms for word in segment.words]
    spans = [(segment.start_ms, segment.end_ms), *((word.start_ms, word.end_ms) for word in segment.words)]
    is_inside = all(chunk.start_ms <= start <= end <= chunk.end_ms for start, end in spans)
    if not is_inside or starts != sorted(starts):
        raise ValueError("times out of order")
    return segment
