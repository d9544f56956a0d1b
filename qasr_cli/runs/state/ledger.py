"""The ledger: the outcome of each source, one line each; the newest line of a source counts.

In go entries; out they come again, even from a file whose last line a kill cut off or whose middle is
damaged. Lines are JSON for programs and `qasr runs show` prints them for people; each names its schema, since
lines of several versions of qasr may stand in one file. Each line is checked, since somebody else may have
written it. Every part of a sharded run writes a file of its own, so that machines which share a folder never
write to one file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from qasr_cli import bounded_json
from qasr_cli.records import Status
from qasr_cli.runs.files import ownership
from qasr_cli.runs.files.file_identity import Identity
from qasr_cli.runs.files.name_keys import name_key
from qasr_cli.runs.state import trusted_files
from qasr_cli.runs.state.trusted_files import TrustedFolder

SUFFIX = ".jsonl"
SCHEMA = "qasr.ledger.v1"
_MAX_LINE_BYTES = 1_000_000  # a path has 4,096 bytes at most: a hundred outputs leave room to spare
_MAX_FILE_BYTES = 512_000_000  # a million lines of 500 bytes
_BEGIN = b'{"schema": "'  # of every line: what begins so and has no end was cut off by a kill
_MAX_SIZE = 2**63 - 1  # of files and times, in bytes and nanoseconds: what the system's calls return
_MAX_AT_S = 250_000_000_000.0  # the year 9892: later times end beyond the calendar in some time zone
_MAX_S = 1e9  # 30 years of audio
_MAX_COUNT = 1_000_000_000


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
            if os.path.isdir(folder.parent):
                ownership.make_folder(folder)  # goes with its last checkpoint where it held nothing else
            with trusted_files.opened(folder) as state:
                state.append(self.path.name, to_line(entry))
        except OSError as error:
            raise trusted_files.failure(error, f"writing {self.path}", self.path) from error


def load(folder: Path, part: str = "") -> Ledger:
    """Return the ledger of a state folder; `part` is the name of a shard, whose file new entries go to.

    Lines that cannot be read are skipped. A file's last line counts, whatever its time; if several shards
    have the file, the newest of their last lines counts.
    """
    entries: dict[str, LedgerEntry] = {}
    for name in names(folder):
        for file, entry in {name_key(entry.file): entry for entry in read(folder / name)}.items():
            if file not in entries or entries[file].at_s <= entry.at_s:
                entries[file] = entry
    return Ledger(folder / f"ledger{part}{SUFFIX}", entries)


def names(folder: Path) -> list[str]:
    """Return the names of a state folder's ledgers; none if the folder does not exist or does not count."""
    try:
        with trusted_files.opened(folder) as state:
            return [name for name in state.names() if name.startswith("ledger") and name.endswith(SUFFIX)]
    except OSError:
        return []


def read(path: Path) -> Iterator[LedgerEntry]:
    """Yield the entries of one file in the order in which they were written.

    One warning counts the lines that are passed over; a line that a kill cut off is expected and not counted.
    """
    try:
        with trusted_files.opened(path.parent) as state:
            yield from _read(state, path)
    except (FileNotFoundError, PermissionError):  # the outputs show which sources are done
        return
    except OSError as error:
        trusted_files.pass_over(path, error)


def _read(state: TrustedFolder, path: Path) -> Iterator[LedgerEntry]:
    damaged: list[int] = []
    for number, line in enumerate(state.lines(path.name, _MAX_FILE_BYTES, _MAX_LINE_BYTES), 1):
        try:
            entry = from_line(line)
        except ValueError:
            if not _is_cut_off(line):
                damaged.append(number)
            continue
        if entry is not None:
            yield entry
    if damaged:
        lines = "1 line is" if len(damaged) == 1 else f"{len(damaged):,} lines are"
        trusted_files.warn_once(
            f"{path}:{damaged[0]}: {lines} damaged and passed over; qasr never writes such a line"
        )


def _is_cut_off(line: bytes) -> bool:
    line = line.rstrip(b"\n")
    is_ended = line.endswith(b"}") or len(line) >= _MAX_LINE_BYTES
    return not is_ended and _BEGIN.startswith(line[: len(_BEGIN)])


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


# ── the schema ──────────────────────────────────────────────────────────────────────────────────────────────


def from_line(line: bytes) -> LedgerEntry | None:
    """Return the entry of a line, or None if it has another schema; lines without one have the first.

    Raises:
        ValueError: The line is cut off or damaged.
    """
    text = line.decode("utf-8", "surrogateescape")
    payload = bounded_json.loads(text)
    if not isinstance(payload, dict):
        raise ValueError("not an object")
    if payload.get("schema", SCHEMA) != SCHEMA:
        return None
    if "\\u" in text:  # an escape may stand for half a character, which no file or terminal takes
        json.dumps(payload, ensure_ascii=False).encode("utf-8", "surrogateescape")
    return _entry(payload)


def _entry(payload: Mapping[str, Any]) -> LedgerEntry:
    """Return the entry of an object; keys that a later version may have added are ignored.

    No file that it names is opened, and only the subtitles are looked for; all else is compared with the
    names of this run.
    """
    file, subtitles = _text(payload, "file"), _text(payload, "subtitles")
    if not file or "\0" in subtitles or ".." in subtitles.split("/"):
        raise ValueError("not a name")
    return LedgerEntry(
        file=file,
        at_s=_at_s(_text(payload, "at")),
        status=Status(_text(payload, "status")),
        media=_identity(payload.get("media")),
        fingerprint=_text(payload, "fingerprint"),
        outputs=tuple(map(_output, _list(payload, "outputs"))),
        language=_text(payload, "language"),
        audio_s=_number(payload, "audio_s"),
        wall_s=_number(payload, "wall_s"),
        warnings=tuple(_text({"": warning}, "") for warning in _list(payload, "warnings")),
        reason=_text(payload, "reason"),
        next_step=_text(payload, "next_step"),
        exit_code=_count(payload, "exit_code"),
        n_failures=_count(payload, "n_failures"),
        subtitles=subtitles,
    )


def _output(payload: object) -> LedgerOutput:
    if not isinstance(payload, dict):
        raise ValueError("not an object")
    identity = _identity(payload.get("identity"))
    if identity is None:
        raise ValueError("an output without an identity")
    return LedgerOutput(
        _text(payload, "path"), identity, _identity(payload.get("media")), _text(payload, "fingerprint")
    )


def _identity(payload: object) -> Identity | None:
    if payload is None:
        return None
    if isinstance(payload, dict):
        size_bytes, mtime_ns, digest = (payload.get(key) for key in ("size_bytes", "mtime_ns", "digest"))
        if (
            type(size_bytes) is type(mtime_ns) is int
            and 0 <= size_bytes <= _MAX_SIZE
            and abs(mtime_ns) <= _MAX_SIZE
            and isinstance(digest, str)
        ):
            return Identity(size_bytes, mtime_ns, digest)
    raise ValueError("not an identity")


def _at_s(text: str) -> float:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time without its zone")
    at_s = at.timestamp()
    if not 0 <= at_s <= _MAX_AT_S:
        raise ValueError("a time out of range")
    return at_s


def _text(payload: Mapping[str, Any], key: str) -> str:
    value = payload.get(key, "")
    if not isinstance(value, str):
        raise ValueError(f"{key} is not a text")
    return value


def _list(payload: Mapping[str, Any], key: str) -> list[Any]:
    value = payload.get(key, [])
    if not isinstance(value, list):
        raise ValueError(f"{key} is not a list")
    return value


def _number(payload: Mapping[str, Any], key: str) -> float:
    value = payload.get(key, 0.0)
    if type(value) not in (int, float) or not 0 <= value <= _MAX_S:  # NaN is in no range
        raise ValueError(f"{key} is not a number of seconds")
    return float(value)


def _count(payload: Mapping[str, Any], key: str) -> int:
    value = payload.get(key, 0)
    if type(value) is not int or not 0 <= value <= _MAX_COUNT:
        raise ValueError(f"{key} is not a count")
    return value
