"""`results.jsonl`: every pair of an evaluation with its scores, one line each.

In go pairs and their scores, one after the other, and last the figures of papers beside ours. Out come lines,
and the same pairs when the file is read again: all figures and reports follow from it alone, without a model.
The first line has the facts. Neither way are more than one line in memory. Embedded sound is not written.
Never computes a figure.

Edits are written short: `["=", 12]` is twelve equal units, `["S", "colour", "color"]` a substitution,
`["D", "the"]` a deletion, `["I", "um"]` an insertion. They are for other programs: what is read here are the
pairs.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, TypeVar

from qasr_cli import bounded_json
from qasr_cli.errors import UndecodableError, from_os_error, from_read_error
from qasr_cli.evaluation import dataclass_json
from qasr_cli.evaluation.dataclass_json import FieldError
from qasr_cli.evaluation.figures import Counts, Edit, Operation, Published, SpeedFigures
from qasr_cli.evaluation.tally import Scored
from qasr_cli.evaluation.utterances import Answer, Pair, Utterance
from qasr_cli.operating_system import file_lease, files

_Content = TypeVar("_Content")
SCHEMA = "qasr.eval.v1"
_BEGIN = b'{"schema":"qasr.eval.'  # as `_dump` writes it
# A day of speech: 200,000 words on both sides, with times, as segments and as words, are 60 MB.
_MAX_LINE_BYTES = 128_000_000
_PUBLISHED = "published"
_PUBLISHED_LINE = b'{"published":'  # as it is written; a pair begins with its id
_NOT_OURS = "give the results.jsonl that qasr eval wrote"
_ANEW = "run the evaluation again, which transcribes nothing that is done"
# As in transcripts: line ends of some readers, and lone surrogates of names that are not UTF-8.
_ESCAPED = re.compile(r"[\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_LETTERS = {
    Operation.EQUAL: "=",
    Operation.SUBSTITUTION: "S",
    Operation.DELETION: "D",
    Operation.INSERTION: "I",
}


@dataclass(frozen=True, slots=True)
class Head:
    """What the first line holds: what does not follow from the pairs.

    Attributes:
        facts: As in `Evaluation.facts`.
        speeds: Speed and memory by the system's name.
    """

    facts: Mapping[str, str]
    speeds: Mapping[str, SpeedFigures] = field(default_factory=dict)


class ResultWriter:
    """Writes pairs to an open file, one line each."""

    def __init__(self, path: Path, file: IO[bytes], head: Head) -> None:
        self._path = path
        self._file = file
        self._write({"schema": SCHEMA, **dataclass_json.encode(head)})

    def add(self, pair: Pair, scored: Sequence[Scored]) -> None:
        """Write a pair with its scores.

        Raises:
            QasrError: The disk is full or fails.
        """
        self._write(_described(pair, scored))

    def add_published(self, rows: Sequence[Published]) -> None:
        """Write the figures of papers beside ours, behind all pairs.

        Raises:
            QasrError: The disk is full or fails.
        """
        if rows:
            self._write({_PUBLISHED: [dataclass_json.encode(row) for row in rows]})

    def _write(self, values: Mapping[str, Any]) -> None:
        with _writing_to(self._path):
            self._file.write(_dump(values))


@contextlib.contextmanager
def writing(
    path: Path, facts: Mapping[str, str], speeds: Mapping[str, SpeedFigures] | None = None
) -> Iterator[ResultWriter]:
    """Write a file, which replaces an earlier one in a single step when the block ends without an error.

    Raises:
        QasrError: The folder is not writable, or the disk is full or fails.
    """
    with _writing_to(path):
        temporary, descriptor = file_lease.make(lambda: _new_file(path.parent))
    file = os.fdopen(descriptor, "wb", closefd=False)
    try:
        yield ResultWriter(path, file, Head(facts, speeds or {}))
        with _writing_to(path):
            file.close()
            os.fsync(descriptor)
            files.release_name(descriptor)
            temporary.replace(path)
    finally:
        with contextlib.suppress(OSError):
            file.close()
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        os.close(descriptor)


@contextlib.contextmanager
def _writing_to(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise from_os_error(error, f"writing {path}", path=path) from error


def is_results(path: Path) -> bool:
    """Whether a file is one of results, of this version or another."""
    try:
        with os.fdopen(files.open_regular(path), "rb") as file:
            return file.read(len(_BEGIN)) == _BEGIN
    except OSError:
        return False


def read_head(path: Path) -> Head:
    """Return the facts of a file.

    Raises:
        QasrError: It cannot be read, or is no such file.
    """
    with _opened(path) as file:
        return _head(path, file)


def read_pairs(path: Path) -> Iterator[Pair]:
    """Yield the pairs of a file in their order.

    Raises:
        QasrError: It cannot be read, is no such file, or a line is damaged.
    """
    yield from _read(path, lambda line: not line.startswith(_PUBLISHED_LINE), _pair)


def read_published(path: Path) -> tuple[Published, ...]:
    """Return the figures of papers beside ours, if a suite was run; ours are those of that run.

    Raises:
        QasrError: It cannot be read, is no such file, or the line is damaged.
    """
    found = _read(path, lambda line: line.startswith(_PUBLISHED_LINE), _published)
    return next(found, ())


def _read(
    path: Path, is_wanted: Callable[[bytes], bool], decode: Callable[[Mapping[str, Any]], _Content]
) -> Iterator[_Content]:
    """Yield what lies in the lines of a kind, in their order."""
    with _opened(path) as file:
        _head(path, file)
        number = 1
        while line := _line(path, file, number + 1):
            number += 1
            if is_wanted(line):
                try:
                    yield decode(_loads(path, line, number))
                except FieldError as error:
                    raise UndecodableError.about(path, f"line {number}: {error}", _ANEW) from error


def _described(pair: Pair, scores: Sequence[Scored]) -> dict[str, Any]:
    utterance = dataclass_json.encode(pair.utterance)
    answer = None if pair.answer is None else dataclass_json.encode(pair.answer)
    return {
        "id": utterance.pop("id"),
        "set": utterance.pop("set_name"),
        "system": pair.system,
        "reference": utterance,
        "hypothesis": answer,
        "scores": [_score(one) for one in scores],
    }


def _pair(values: Mapping[str, Any]) -> Pair:
    for key in ("id", "set", "system"):
        if not isinstance(values.get(key), str):
            raise FieldError(key, "must be a text")
    reference = values.get("reference")
    if not isinstance(reference, dict):
        raise FieldError("reference", "must be an object")
    whole = {"audio": None, **reference, "id": values["id"], "set_name": values["set"]}
    return Pair(
        values["system"],
        _part(Utterance, whole, "reference"),
        _part(Answer | None, values.get("hypothesis"), "hypothesis"),
    )


def _published(values: Mapping[str, Any]) -> tuple[Published, ...]:
    found: tuple[Published, ...] = _part(tuple[Published, ...], values[_PUBLISHED], _PUBLISHED)
    return found


def _part(kind: Any, value: Any, name: str) -> Any:
    try:
        return dataclass_json.decode(kind, value)
    except FieldError as error:
        raise error.inside(name) from error


def _score(scored: Scored) -> dict[str, Any]:
    return {
        "normalizer": scored.normalizer,
        "reference": scored.reference,
        "hypothesis": scored.hypothesis,
        "counts": {unit.value: _counts(one) for unit, one in scored.counts.items()},
        "edits": _short(scored.edits),
    }


def _counts(counts: Counts) -> dict[str, int]:
    return {
        "n_units": counts.n_units,
        "n_substitutions": counts.substitutions,
        "n_deletions": counts.deletions,
        "n_insertions": counts.insertions,
    }


def _short(edits: Sequence[Edit]) -> list[list[Any]]:
    found: list[list[Any]] = []
    for edit in edits:
        letter = _LETTERS[edit.operation]
        if edit.operation is not Operation.EQUAL:
            found.append([letter, *filter(None, (edit.reference, edit.hypothesis))])
        elif found and found[-1][0] == letter:
            found[-1][1] += 1
        else:
            found.append([letter, 1])
    return found


def _dump(values: Mapping[str, Any]) -> bytes:
    text = json.dumps(values, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return (_ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n").encode()


def _new_file(folder: Path) -> tuple[Path, int]:
    path = folder / f".qasr-{os.urandom(8).hex()}.tmp"  # `runs.files` removes those of killed runs
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | files.CLOSE_ON_EXEC | files.BINARY
    return path, os.open(path, flags, 0o666)


def _opened(path: Path) -> IO[bytes]:
    try:
        return os.fdopen(files.open_regular(path), "rb")
    except OSError as error:
        raise from_read_error(error, path) from error


def _head(path: Path, file: IO[bytes]) -> Head:
    values = _loads(path, _line(path, file, 1), 1)
    schema = values.get("schema")
    if schema != SCHEMA:
        found = f"its schema is {schema!r:.60}" if isinstance(schema, str) else "it names no schema"
        raise UndecodableError.about(path, f"{found}, and {SCHEMA} is expected", _NOT_OURS)
    try:
        head: Head = dataclass_json.decode(Head, values)
    except FieldError as error:
        raise UndecodableError.about(path, f"line 1: {error}", _ANEW) from error
    return head


def _line(path: Path, file: IO[bytes], number: int) -> bytes:
    try:
        line = file.readline(_MAX_LINE_BYTES + 1)
    except OSError as error:
        raise from_read_error(error, path) from error
    if len(line) > _MAX_LINE_BYTES:
        raise UndecodableError.about(
            path, f"line {number} is longer than {_MAX_LINE_BYTES / 1e6:.0f} MB", _NOT_OURS
        )
    return line


def _loads(path: Path, line: bytes, number: int) -> dict[str, Any]:
    try:
        values = bounded_json.loads(line)
    except ValueError as error:
        is_first = number == 1
        reason = "is no JSON object" if is_first else f"line {number} is damaged"
        raise UndecodableError.about(path, reason, _NOT_OURS if is_first else _ANEW) from error
    if not isinstance(values, dict):
        raise UndecodableError.about(path, f"line {number} is no JSON object", _NOT_OURS)
    return values
