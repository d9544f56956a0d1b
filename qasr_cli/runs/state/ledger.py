"""The ledger: the outcome of each source, one line each; the newest line of a source counts.

In go entries; out they come again, even from a file whose last line a kill cut off or whose middle is
damaged. Lines are JSON for programs and `qasr runs show` prints them for people; each names its schema, since
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
from qasr_cli.operating_system import files
from qasr_cli.records import Status
from qasr_cli.runs.files import ownership
from qasr_cli.runs.files.file_identity import Identity
from qasr_cli.runs.files.name_keys import name_key

SUFFIX = ".jsonl"
SCHEMA = "qasr.ledger.v1"


@dataclass(frozen=True, slots=True)
class LedgerOutput:
    """A file that was written.

    Attributes:
        path: Relative to the output root if it lies below it.
        identity: The file's identity.
        media: The media that it was made from, if its entry has another.
        fingerprint: Fingerprint of the options that it was made with, if its entry has another.
    """

    path: str
    identity: Identity
    media: Identity | None = None
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """The outcome of one source.

    Attributes:
        file: The media's path, relative to the output root if it lies below it.
        at_s: Time of the entry, in seconds since 1970.
        status: Done, failed, or skipped for a reason that is in the media.
        media: The media's identity before it was read; None if it could not be read.
        fingerprint: Fingerprint of the run's options.
        outputs: All files that qasr wrote for the source.
        language: Code of the spoken language, or "".
        reason: Why it failed or was skipped, in a line.
        next_step: Hint for the user.
        exit_code: Exit code of the failure.
        n_failures: How often it failed in a row, this time included.
        subtitles: The file with the subtitles for which it was skipped: one beside it, or the media itself.
    """

    file: str
    at_s: float
    status: Status
    media: Identity | None
    fingerprint: str
    outputs: tuple[LedgerOutput, ...] = ()
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
    """A ledger's entries by the key of their file's name (`name_key`); `path` is where new ones go.

    Not locked: the journal adds one entry at a time, and each lane reads the entries of its own source only.
    """

    path: Path
    entries: dict[str, LedgerEntry] = field(default_factory=dict)

    def add(self, entry: LedgerEntry) -> None:
        """Append an entry.

        Raises:
            QasrError: It cannot be written.
        """
        self.entries[name_key(entry.file)] = entry
        folder = self.path.parent
        try:
            if folder.parent.is_dir():
                ownership.make_folder(folder)  # goes with its last checkpoint where it held nothing else
            append(self.path, to_line(entry))
        except OSError as error:
            raise from_os_error(error, f"writing {self.path}", path=self.path) from error


def load(folder: Path, part: str = "") -> Ledger:
    """Return the ledger of a state folder; `part` is the name of a shard, whose file new entries go to.

    Lines that cannot be read are skipped. A file's last line counts, whatever its time; if several shards
    have the file, the newest of their last lines counts.
    """
    entries: dict[str, LedgerEntry] = {}
    for path in sorted(folder.glob(f"ledger*{SUFFIX}")):
        for name, entry in {name_key(entry.file): entry for entry in read(path)}.items():
            if name not in entries or entries[name].at_s <= entry.at_s:
                entries[name] = entry
    return Ledger(folder / f"ledger{part}{SUFFIX}", entries)


def read(path: Path) -> Iterator[LedgerEntry]:
    """Yield the entries of one file in the order in which they were written."""
    try:
        content = path.read_bytes()
    except OSError:  # missing or not readable: the outputs show which sources are done
        return
    for line in content.split(b"\n"):
        entry = from_line(line)
        if entry is not None:
            yield entry


def append(path: Path, line: bytes) -> None:
    """Append a line to a file in one write, after the end of a cut-off line if there is one."""
    descriptor = ownership.open_own(path, os.O_RDWR | os.O_APPEND)
    try:
        size_bytes = os.fstat(descriptor).st_size
        is_torn = size_bytes > 0 and files.read_at(descriptor, 1, size_bytes - 1) != b"\n"
        os.write(descriptor, (b"\n" if is_torn else b"") + line + b"\n")
    finally:
        os.close(descriptor)


def to_line(entry: LedgerEntry) -> bytes:
    """Return an entry as JSON without empty fields; names that are not UTF-8 keep their bytes."""
    payload = {key: value for key, value in asdict(entry).items() if value or key == "status"}
    if entry.outputs:
        payload["outputs"] = [
            {key: value for key, value in output.items() if value} for output in payload["outputs"]
        ]
    at = datetime.fromtimestamp(payload.pop("at_s", 0.0), UTC).isoformat(timespec="milliseconds")
    text = json.dumps({"schema": SCHEMA, "at": at, **payload}, ensure_ascii=False)
    return text.encode("utf-8", "surrogateescape")


def from_line(line: bytes) -> LedgerEntry | None:
    """Return the entry of a line; None if it is cut off, damaged or of another schema.

    Lines without a schema have the first one.
    """
    try:
        payload = json.loads(line.decode("utf-8", "surrogateescape"))
        return _entry(payload) if payload.get("schema", SCHEMA) == SCHEMA else None
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None


def _entry(payload: Mapping[str, Any]) -> LedgerEntry:
    values = {field.name: payload[field.name] for field in fields(LedgerEntry) if field.name in payload}
    media = values.get("media")
    return LedgerEntry(
        **{
            **values,
            "file": str(payload["file"]),
            "at_s": datetime.fromisoformat(payload["at"]).timestamp(),
            "status": Status(payload["status"]),
            "fingerprint": str(payload.get("fingerprint", "")),
            "media": Identity(**media) if media else None,
            "outputs": tuple(map(_output, values.get("outputs", ()))),
            "warnings": tuple(values.get("warnings", ())),
            "n_failures": int(payload.get("n_failures", 0)),
            "subtitles": str(payload.get("subtitles", "")),
        }
    )


def _output(payload: Mapping[str, Any]) -> LedgerOutput:
    media = payload.get("media")
    return LedgerOutput(
        payload["path"],
        Identity(**payload["identity"]),
        Identity(**media) if media else None,
        str(payload.get("fingerprint", "")),
    )
