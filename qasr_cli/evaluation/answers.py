"""The ledger of an evaluation: the transcripts of one model, one line each, so that a killed call resumes.

In go transcripts by keys; out they come in the next call. A key is a digest of the sound, the spans that it
was cut into, the options and the model: what has changed has another key, and is transcribed again. Lines are
only appended; one that a kill cut off is ignored. Each shard has a file of its own, and all of them are read.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from qasr_cli import bounded_json, formats
from qasr_cli.errors import LockedError, QasrError, from_os_error
from qasr_cli.formats.writers import transcript_json
from qasr_cli.operating_system import files
from qasr_cli.options import OutputOptions
from qasr_cli.records import Transcript

SUFFIX = ".jsonl"
_MAX_LINE_BYTES = 256_000_000  # a transcript of nine days
_HEAD = re.compile(rb'\{"key": "([0-9a-f]{32})", "transcript": ')
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_KEY_HEAD, _RUN = b'{"key": "', b'{"run": '


@dataclass(frozen=True, slots=True)
class RunFacts:
    """One call's work on a model.

    Attributes:
        audio_ms: Sound that it transcribed.
        wall_s: Seconds that it took, without loading the model.
        peak_bytes: Highest resident memory of the process; 0 if unknown.
        settings: Fingerprint of what it was asked for.
    """

    audio_ms: int
    wall_s: float
    peak_bytes: int = 0
    device: str = ""
    model: str = ""
    aligner: str = ""
    settings: str = ""


@dataclass(frozen=True, slots=True)
class _Place:
    path: Path
    offset: int
    n_bytes: int


@dataclass(slots=True)
class AnswerFile:
    """The transcripts of one model; a context manager that holds the lock of the file that it appends to.

    Args:
        folder: Folder of the evaluation's ledgers.
        system: Name of the model.
        shard: Name of the share that this call does, such as `1-of-4`; "" for all.

    Attributes:
        runs: Facts of all calls so far.
    """

    folder: Path
    system: str
    shard: str = ""
    runs: list[RunFacts] = field(default_factory=list)
    _places: dict[bytes, _Place] = field(default_factory=dict)
    _descriptor: int | None = None
    _end: int = 0

    def __enter__(self) -> Self:
        """Read what is there, and lock the own file.

        Raises:
            LockedError: Another process appends to it.
            QasrError: A file cannot be read or created.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | files.CLOSE_ON_EXEC, 0o666)
            _lock(self._descriptor, self.path)
            for path in self._paths():
                self._index(path)
            self._end = os.lseek(self._descriptor, 0, os.SEEK_END)
            if self._end and files.read_at(self._descriptor, 1, self._end - 1) != b"\n":
                self._append(b"\n")  # behind a line that a kill cut off
        except OSError as error:
            raise from_os_error(error, str(self.path)) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put all on the disk and close the file."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.fsync(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None

    @property
    def path(self) -> Path:
        """The file that is appended to."""
        shard = f".shard-{self.shard}" if self.shard else ""
        return self.folder / f"{_ledger_name(self.system)}{shard}{SUFFIX}"

    def runs_of(self, settings: str) -> list[RunFacts]:
        """Return the calls with these settings: speed and model of other ones are not theirs."""
        return [one for one in self.runs if one.settings == settings]

    def __contains__(self, key: str) -> bool:
        """Whether there is a transcript of this key."""
        return bytes.fromhex(key) in self._places

    def read(self, key: str) -> Transcript | None:
        """Return a transcript; None if there is none, or its line is damaged."""
        place = self._places.get(bytes.fromhex(key))
        if place is None:
            return None
        try:
            with os.fdopen(files.open_regular(place.path), "rb") as file:
                file.seek(place.offset)
                line = file.read(place.n_bytes)
            head = _HEAD.match(line)
            text = line[head.end() :].rstrip(b"\n").removesuffix(b"}") if head else b""
            return formats.parse_transcript(text.decode("utf-8"))
        except (OSError, UnicodeDecodeError, QasrError):
            return None

    def add(self, key: str, transcript: Transcript) -> None:
        """Append a transcript.

        Raises:
            QasrError: The disk is full or fails.
        """
        line = transcript_json.render_line(transcript, (), OutputOptions()).rstrip("\n")
        content = f'{{"key": "{key}", "transcript": {line}}}\n'.encode("utf-8", "surrogateescape")
        self._places[bytes.fromhex(key)] = _Place(self.path, self._write(content), len(content))

    def add_run(self, facts: RunFacts) -> None:
        """Append what a call did.

        Raises:
            QasrError: The disk is full or fails.
        """
        self.runs.append(facts)
        self._write(_RUN + json.dumps(asdict(facts)).encode() + b"}\n")

    def _write(self, content: bytes) -> int:
        try:
            return self._append(content)
        except OSError as error:
            raise from_os_error(error, str(self.path)) from error

    def _append(self, content: bytes) -> int:
        assert self._descriptor is not None  # noqa: S101 - only called inside the context
        at = self._end
        files.write_at(self._descriptor, content, at)
        self._end += len(content)
        return at

    def _paths(self) -> Iterator[Path]:
        """Yield this system's files: its own, and those of all shards."""
        name = _ledger_name(self.system)
        for entry in sorted(os.listdir(self.folder)):  # noqa: PTH208 - names only
            stem = entry.removesuffix(SUFFIX)
            if entry != stem and (stem == name or stem.startswith(f"{name}.shard-")):
                yield self.folder / entry

    def _index(self, path: Path) -> None:
        with os.fdopen(files.open_regular(path), "rb") as file:
            offset = 0
            while line := file.readline(_MAX_LINE_BYTES):
                head = _HEAD.match(line)
                is_whole = line.endswith(b"}\n")
                if head and is_whole:
                    self._places[bytes.fromhex(head[1].decode())] = _Place(path, offset, len(line))
                elif is_whole and line.startswith(_RUN):
                    self.runs += _run(line)
                offset += len(line)


def is_ledger(path: Path) -> bool:
    """Whether a file is a ledger: what `AnswerFile` writes, or has only created."""
    try:
        with os.fdopen(files.open_regular(path), "rb") as file:
            line = file.readline(len(_KEY_HEAD) + len(_RUN))
    except OSError:
        return False
    return path.suffix == SUFFIX and (not line.strip() or line.startswith((_KEY_HEAD, _RUN)))


def forget(folder: Path) -> None:
    """Remove the ledgers of a folder, and nothing else in it.

    Raises:
        LockedError: Another process appends to one.
        QasrError: One cannot be removed.
    """
    for name in sorted(os.listdir(folder)):  # noqa: PTH208 - names only
        path = folder / name
        if not is_ledger(path):
            continue
        descriptor = -1
        try:
            descriptor = os.open(path, os.O_RDWR | files.CLOSE_ON_EXEC)
            _lock(descriptor, path)
            path.unlink()
        except OSError as error:
            raise from_os_error(error, str(path)) from error
        finally:
            if descriptor >= 0:
                os.close(descriptor)


def _lock(descriptor: int, path: Path) -> None:
    try:
        files.lock_exclusive(descriptor, is_waiting=False)
    except BlockingIOError:
        raise LockedError.about(
            path, "another evaluation writes it", "wait for it, or use another -o DIR"
        ) from None
    except OSError:
        return  # a file system without locks


def _run(line: bytes) -> list[RunFacts]:
    with contextlib.suppress(ValueError, TypeError, KeyError):
        return [RunFacts(**bounded_json.loads(line)["run"])]
    return []


def _ledger_name(system: str) -> str:
    """Return a name for a ledger that is no other system's."""
    name = safe_name(system)
    return name if name == system else f"{name}-{hashlib.sha256(os.fsencode(system)).hexdigest()[:8]}"


def safe_name(system: str) -> str:
    """Return a system's name as a part of a file name."""
    return _UNSAFE.sub("-", system).strip("-.") or "system"
