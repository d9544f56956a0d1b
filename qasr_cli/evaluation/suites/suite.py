"""A suite: tables of published figures, as a TOML file states them.

In go the name of a suite that ships with qasr, or the path of a file; out come its tables and sets. Looks for
the corpora below a folder; opens none of them.
"""

from __future__ import annotations

import glob
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from qasr_cli.errors import ConfigError, UsageError, from_read_error
from qasr_cli.languages import find
from qasr_cli.operating_system.files import TooLargeError, read_regular

SCHEMA = "qasr.suite.v1"
_MAX_BYTES = 1 << 20  # the shipped one has 9 kB
_METRICS = ("WER", "CER", "MER", "AAS")
_ALL = "*"  # a folder of all sets of its table


@dataclass(frozen=True, slots=True)
class SuiteSet:
    """One row of a table.

    Attributes:
        key: Its name in the table, such as `test-clean` or `de`.
        folder: What stands for `{folder}` in the table's paths.
        split: Part of the corpus.
        language: Code; "" for several languages.
        metric: `WER`, `CER`, `MER` or `AAS`.
        published: Figure of each of the table's models: percent, or ms of AAS.
        note: What its reader must know.
    """

    key: str
    folder: str
    split: str
    language: str
    metric: str
    published: tuple[float, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class SuiteTable:
    """One table.

    Attributes:
        layout: Layout of its references, as `--layout` takes it.
        models: Models with published figures, by the names that qasr has for them.
        paths: Patterns below the folder of data, the first that exists is taken.
        access: Why a set may be missing everywhere: gated, private; "" if anybody can download it.
        average: Published unweighted mean over its sets, for each model; empty if there is no such figure.
        lid: Published accuracy of language detection in percent, for each model.
        join_ms: Clips are joined up to so many ms; 0 takes them one at a time.
    """

    name: str
    layout: str
    models: tuple[str, ...]
    paths: tuple[str, ...]
    sets: tuple[SuiteSet, ...]
    access: str = ""
    note: str = ""
    average: tuple[float, ...] = ()
    lid: tuple[float, ...] = ()
    join_ms: int = 0

    def patterns(self, one: SuiteSet) -> list[str]:
        """Return where a set is looked for, below the folder of data."""
        return [path.replace("{folder}", one.folder) for path in self.paths]

    def locate(self, one: SuiteSet, data: Path) -> list[Path]:
        """Return the folders or manifests of a set that are on disk; several only for `*`."""
        for pattern in self.patterns(one):
            if one.folder == _ALL:
                folders = [self._first(other, data) for other in self.sets if other.folder != _ALL]
                return [folder for folder in folders if folder is not None]
            found = _first_match(data, pattern)
            if found is not None:
                return [found]
        return []

    def _first(self, one: SuiteSet, data: Path) -> Path | None:
        return next(iter(self.locate(one, data)), None)


@dataclass(frozen=True, slots=True)
class Suite:
    """All tables of a release, with their source."""

    name: str
    source: str
    tables: tuple[SuiteTable, ...]
    note: str = ""
    models: tuple[str, ...] = field(default=())


def _first_match(data: Path, pattern: str) -> Path | None:
    """Return the last match, numbers by their value: of several releases the newest, 17.0 and not 9.0."""
    found = glob.glob(pattern, root_dir=data)  # noqa: PTH207 - Path.glob fails at a pattern of no kind
    matches = sorted(found, key=_by_numbers)
    return data / matches[-1] if matches else None


def _by_numbers(name: str) -> list[tuple[int, str]]:
    return [(int(part) if part.isdecimal() else -1, part) for part in re.split(r"(\d+)", name)]


def names() -> list[str]:
    """Return the names of the suites that ship with qasr."""
    folder = resources.files("qasr_cli.evaluation.suites")
    return sorted(
        entry.name.removesuffix(".toml").replace("_", "-")
        for entry in folder.iterdir()
        if entry.name.endswith(".toml")
    )


def load(name: str) -> Suite:
    """Return a suite that ships with qasr, or the one in a TOML file.

    Raises:
        UsageError: There is no such suite.
        NoInputError: There is no such file.
        ConfigError: The file is no suite; the message says what is wrong.
    """
    if name in names():
        raw = resources.files("qasr_cli.evaluation.suites").joinpath(f"{name.replace('-', '_')}.toml")
        return parse(raw.read_text("utf-8"), name)
    if not name.endswith(".toml"):
        raise UsageError(
            f"--suite {name}: no such suite", f"give {', '.join(names())}, or a TOML file", flag="--suite"
        )
    try:
        content = read_regular(Path(name), _MAX_BYTES)
    except TooLargeError:
        raise ConfigError(f"{name}: more than {_MAX_BYTES:,} bytes", "a suite is a short TOML file") from None
    except OSError as error:
        raise from_read_error(error, Path(name), name) from error
    try:
        return parse(content.decode("utf-8"), name)
    except UnicodeDecodeError:
        raise ConfigError(f"{name}: not UTF-8", "store it as UTF-8") from None


def parse(text: str, where: str) -> Suite:
    """Return the suite of a TOML text; `where` is its name in errors.

    Raises:
        ConfigError: It is no suite.
    """
    try:
        whole = tomllib.loads(text)
        if whole.get("schema") != SCHEMA:
            raise ConfigError(f"{where}: its schema is not {SCHEMA!r}", f'begin with schema = "{SCHEMA}"')
        tables = tuple(_table(one) for one in _listed(whole, "tables"))
        models = dict.fromkeys(model for table in tables for model in table.models)
        return Suite(
            _text(whole, "name", Path(where).name),
            _text(whole, "source", ""),
            tables,
            _text(whole, "note", ""),
            tuple(models),
        )
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where}: not TOML: {error}", "compare it with the documentation") from None
    except _Wrong as error:
        raise ConfigError(f"{where}: {error}", "compare it with the documentation") from None


class _Wrong(Exception):
    """Something in the file is not as it must be."""


def _table(given: Mapping[str, Any]) -> SuiteTable:
    name = _text(given, "name")
    models = _texts(given, "models", name)
    metric, by_character = _text(given, "metric", where=name), _texts(given, "character_metric", name, ())
    rows = given.get("sets")
    if not isinstance(rows, dict) or not rows:
        raise _Wrong(f"table {name}: no sets")
    sets = []
    for key, row in rows.items():
        where = f"table {name}, set {key}"
        if not isinstance(row, dict):
            raise _Wrong(f"{where}: not a table")
        language = _text(row, "language", "", where=where)
        if language and find(language) is None:
            raise _Wrong(f"{where}: no language {language!r}")
        own_metric = _text(row, "metric", "CER" if key in by_character else metric, where=where)
        if own_metric not in _METRICS:
            raise _Wrong(f"{where}: metric {own_metric!r} is none of {', '.join(_METRICS)}")
        sets.append(
            SuiteSet(
                key,
                _text(row, "folder", "", where=where),
                _text(row, "split", _text(given, "split", "", where=name), where=where),
                language,
                own_metric,
                _numbers(row, "published", len(models), where),
                _text(row, "note", "", where=where),
            )
        )
    return SuiteTable(
        name,
        _text(given, "layout", "auto", where=name),
        models,
        _texts(given, "paths", name),
        tuple(sets),
        access=_text(given, "access", "", where=name),
        note=_text(given, "note", "", where=name),
        average=_numbers(given, "average", len(models), name, is_needed=False),
        lid=_numbers(given, "lid", len(models), name, is_needed=False),
        join_ms=_join_ms(given, name),
    )


def _join_ms(given: Mapping[str, Any], name: str) -> int:
    value = given.get("join_s", 0)
    if not isinstance(value, int) or not 0 <= value <= 3_600:
        raise _Wrong(f"table {name}: join_s must be seconds, 0 to 3600")
    return value * 1_000


def _listed(given: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = given.get(key)
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value) or not value:
        raise _Wrong(f"no {key}")
    return value


def _text(given: Mapping[str, Any], key: str, default: str | None = None, *, where: str = "") -> str:
    value = given.get(key, default)
    if not isinstance(value, str):
        raise _Wrong(f"{where + ': ' if where else ''}{key} must be a text")
    return value


def _texts(
    given: Mapping[str, Any], key: str, where: str, default: Sequence[str] | None = None
) -> tuple[str, ...]:
    value = given.get(key, default)
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise _Wrong(f"table {where}: {key} must be a list of texts")
    return tuple(value)


def _numbers(
    given: Mapping[str, Any], key: str, n: int, where: str, *, is_needed: bool = True
) -> tuple[float, ...]:
    value = given.get(key, [] if not is_needed else None)
    is_list = isinstance(value, list) and all(
        isinstance(one, int | float) and not isinstance(one, bool) for one in value
    )
    if not is_list or (value and len(value) != n) or (is_needed and not value):
        raise _Wrong(f"{where}: {key} must be a list of {n} numbers, one for each of models")
    return tuple(float(one) for one in value or ())
