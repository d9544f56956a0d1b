"""The ledger: what came of each source, a line each, the newest of a source's lines counting.

In go entries; out they come again, also from a file whose last line was torn by a kill or whose middle was
damaged. Lines are JSON for programs and `qasr runs show` reads them to people; each names its schema, since
lines of several versions of qasr may stand in one file. Every part of a sharded run writes a file of its own,
so that machines which share a folder never write to one file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from qasr_cli.errors import from_os_error
from qasr_cli.records import Status
from qasr_cli.runs.files import ownership
from qasr_cli.runs.files.file_identity import Identity

SUFFIX = ".jsonl"
SCHEMA = "qasr.ledger.v1"


@dataclass(frozen=True, slots=True)
class Output:
    """A file that was written.

    Attributes:
        path: Below the output root where it lies there.
        identity: Its state.
        media: The media that it was made from, where its entry has another.
        fingerprint: Of the options that it was made with, where its entry has others.
    """

    path: str
    identity: Identity
    media: Identity | None = None
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """What came of one source.

    Attributes:
        file: The media's path, below the output root where it lies there.
        at_s: When, in seconds since 1970.
        status: Done, failed, or skipped for a reason that only its content tells.
        media: The media as it was before it was read; None where it could not be.
        fingerprint: Of the options that it was made with.
        outputs: All of its files that are qasr's own.
        language: Code of what is spoken, or "".
        reason: Why it failed or was skipped, in a line.
        next_step: What the user may do about it.
        exit_code: Of the failure.
        n_failures: How often it failed in a row, this time included.
        subtitles: The file with the subtitles for which it was skipped: one beside it, or the media itself.
    """

    file: str
    at_s: float
    status: Status
    media: Identity | None
    fingerprint: str
    outputs: tuple[Output, ...] = ()
    language: str = ""
    audio_s: float = 0.0
    wall_s: float = 0.0
    warnings: tuple[str, ...] = ()
    reason: str = ""
    next_step: str = ""
    exit_code: int = 0
    n_failures: int = 0
    subtitles: str = ""


@dataclass(slots=True)
class Ledger:
    """A ledger's entries by the name of their file; `path` is where new ones go."""

    path: Path
    entries: dict[str, Entry] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        """Append an entry.

        Raises:
            QasrError: It cannot be written.
        """
        self.entries[entry.file] = entry
        try:
            append(self.path, to_line(entry))
        except OSError as error:
            raise from_os_error(error, f"writing {self.path}", path=self.path) from error


def load(folder: Path, part: str = "") -> Ledger:
    """Return the ledger of a state folder; `part` is the name of a shard, whose file new entries go to.

    Lines that say nothing are passed over. Of those about one file the last counts, whatever its clock said;
    where several parts know it, the newest of their last ones.
    """
    found: dict[str, Entry] = {}
    for path in sorted(folder.glob(f"ledger*{SUFFIX}")):
        for name, entry in {entry.file: entry for entry in read(path)}.items():
            if name not in found or found[name].at_s <= entry.at_s:
                found[name] = entry
    return Ledger(folder / f"ledger{part}{SUFFIX}", found)


def read(path: Path) -> Iterator[Entry]:
    """Yield the entries of one file in the order in which they were written."""
    try:
        content = path.read_bytes()
    except OSError:  # not there, or for others' eyes: the outputs say what is finished
        return
    for line in content.split(b"\n"):
        entry = from_line(line)
        if entry is not None:
            yield entry


def append(path: Path, line: bytes) -> None:
    """Add a line to a file in one write, behind whatever a torn one left there."""
    descriptor = ownership.open_own(path, os.O_RDWR | os.O_APPEND)
    try:
        size_bytes = os.fstat(descriptor).st_size
        is_torn = size_bytes > 0 and os.pread(descriptor, 1, size_bytes - 1) != b"\n"
        os.write(descriptor, (b"\n" if is_torn else b"") + line + b"\n")
    finally:
        os.close(descriptor)


def to_line(entry: Entry) -> bytes:
    """Return an entry as JSON without what says nothing; names that are no UTF-8 keep their bytes."""
    told = {key: value for key, value in asdict(entry).items() if value or key == "status"}
    if entry.outputs:
        told["outputs"] = [{key: value for key, value in one.items() if value} for one in told["outputs"]]
    at = datetime.fromtimestamp(told.pop("at_s", 0.0), UTC).isoformat(timespec="milliseconds")
    text = json.dumps({"schema": SCHEMA, "at": at, **told}, ensure_ascii=False)
    return text.encode("utf-8", "surrogateescape")


def from_line(line: bytes) -> Entry | None:
    """Return the entry that a line holds; None of one that is torn, damaged or of another schema.

    Lines from before schemas were named are of the first one.
    """
    try:
        told = json.loads(line.decode("utf-8", "surrogateescape"))
        return _entry(told) if told.get("schema", SCHEMA) == SCHEMA else None
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None


def _entry(told: Mapping[str, Any]) -> Entry:
    kept = {one.name: told[one.name] for one in fields(Entry) if one.name in told}
    media = kept.get("media")
    return Entry(
        **{
            **kept,
            "file": str(told["file"]),
            "at_s": datetime.fromisoformat(told["at"]).timestamp(),
            "status": Status(told["status"]),
            "fingerprint": str(told.get("fingerprint", "")),
            "media": Identity(**media) if media else None,
            "outputs": tuple(map(_output, kept.get("outputs", ()))),
            "warnings": tuple(kept.get("warnings", ())),
            "n_failures": int(told.get("n_failures", 0)),
            "subtitles": str(told.get("subtitles", "")),
        }
    )


def _output(told: Mapping[str, Any]) -> Output:
    media = told.get("media")
    return Output(
        told["path"],
        Identity(**told["identity"]),
        Identity(**media) if media else None,
        str(told.get("fingerprint", "")),
    )
