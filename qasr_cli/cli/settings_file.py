"""qasr.toml: the settings file.

In goes a TOML file whose keys are long flags without their dashes; out comes a map of defaults. A flag has
priority over a QASR_* variable, a variable over the file, and the file over the built-in default.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qasr_cli.errors import ConfigError
from qasr_cli.operating_system import text_bytes
from qasr_cli.options.flag import FlagSpec

FILE_NAME = "qasr.toml"
_ONLY_IF_CHOSEN = ("exec_after", "webhook")
_NAMES = {
    str: "text in quotes",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list of texts in quotes",
}


def known_keys(flags: Iterable[FlagSpec]) -> dict[str, FlagSpec]:
    """Return the flags that the file may set, by every key that they have."""
    return {key: flag for flag in flags if flag.is_setting for key in flag.keys}


@dataclass
class SettingsState:
    """The settings of one command line. Mutable: the root command fills it; error messages use it.

    Attributes:
        asked_for: The file of --config, if any.
        path: The file that was read, if any.
        values: Its values, by a flag's own key.
        in_force: Flags whose value comes from the file, and not from a flag or variable: every key, with all
            keys of the flag.
    """

    asked_for: Path | None = None
    path: Path | None = None
    values: dict[str, Any] = field(default_factory=dict)
    in_force: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def read(self, flags: Callable[[], Iterable[FlagSpec]]) -> dict[str, Any]:
        """Find and read the file; return its values. `flags` is called if there is a file.

        Raises:
            ConfigError: See `find_file`, `read` and `refuse_untrusted`.
        """
        path = find_file(self.asked_for)
        if path is not None:
            self.values = read(path, known_keys(flags()))
            if self.asked_for is None:
                refuse_untrusted(path, self.values)
            self.path = path
        return self.values

    def note(self, flags: Iterable[FlagSpec]) -> None:
        """Record flags whose value in force comes from the file."""
        for flag in flags:
            self.in_force |= dict.fromkeys(flag.keys, flag.keys)

    def origin(self, flag: str | None) -> str:
        """Return the `file:line` that set a long flag's value; "" if the file did not."""
        key = (flag or "").removeprefix("--").replace("-", "_")
        spellings = self.in_force.get(key)
        return where(self.path, spellings) if self.path is not None and spellings else ""


def for_flags(values: Mapping[str, Any], flags: Iterable[FlagSpec]) -> dict[str, Any]:
    """Return the file's values that are settings of a command with these flags.

    The --report of `qasr align` differs from the file's `report`.
    """
    keys = {flag.key for flag in flags if flag.is_setting}
    return {key: value for key, value in values.items() if key in keys}


def find_file(asked_for: Path | None) -> Path | None:
    """Return the configuration file: that of --config, else the first of the two usual places.

    Raises:
        ConfigError: The file of --config does not exist.
    """
    if asked_for is not None:
        if not _is_file(asked_for):
            raise ConfigError(f"--config {asked_for}: no such file", "check the path", flag="--config")
        return asked_for
    return next((path for path in places() if _is_file(path)), None)


def _is_file(path: Path) -> bool:
    # Path.is_file raises in a folder without permission: a service's home, or another user's.
    return os.path.isfile(path)  # noqa: PTH113


def places() -> tuple[Path, ...]:
    """Return the usual places of a settings file, in order of priority."""
    home = os.environ.get("XDG_CONFIG_HOME") or (
        Path(os.environ["HOME"]) / ".config" if "HOME" in os.environ else None
    )
    return (Path(FILE_NAME), *([Path(home) / "qasr" / FILE_NAME] if home else []))


def line_of(path: Path, keys: Iterable[str]) -> int:
    """Return the line, from 1, in which a valid file sets one of the keys; 0 if no line does."""
    spelt = "(?:" + "|".join("[-_]".join(map(re.escape, re.split("[-_]", key))) for key in keys) + ")"
    key = re.compile(rf"""\s*["']?{spelt}["']?\s*=""")
    lines = text_bytes.decoded(path.read_bytes()).splitlines()
    return next((number for number, line in enumerate(lines, 1) if key.match(line)), 0)


def where(path: Path, keys: Iterable[str]) -> str:
    """Return `file:line` of the line that sets one of the keys, or the file alone."""
    line = line_of(path, keys)
    return f"{path}:{line}" if line else str(path)


def read(path: Path, flags: Mapping[str, FlagSpec]) -> dict[str, Any]:
    """Return the file's settings by the flags' own keys.

    Args:
        path: The file.
        flags: Flags by every key that they have (`max_lines`). A repeatable flag takes a list; the file may
            also have its values in one text with blanks, like a variable.

    Raises:
        ConfigError: Not TOML, an unknown key (the hint has the nearest one), a value of another type, or two
            spellings of one flag.
    """
    try:
        table = tomllib.loads(text_bytes.decoded(path.read_bytes()))
    except (OSError, ValueError) as error:
        hint = "correct the file, or give another with --config"
        raise ConfigError.about(path, str(error), hint) from error
    settings: dict[str, Any] = {}
    spelled: dict[str, str] = {}
    for key, value in table.items():
        flag = flags.get(key.replace("-", "_"))
        if flag is None:
            raise ConfigError(f"{where(path, [key])}: unknown key {key!r}", _nearest(key, flags))
        if flag.key in settings:
            message = f"{where(path, [key])}: {key} and {spelled[flag.key]} are one setting"
            raise ConfigError(message, "leave one of them out")
        spelled[flag.key] = key
        settings[flag.key] = _checked(path, key, value, flag)
    return settings


def refuse_untrusted(path: Path, settings: Mapping[str, Any]) -> None:
    """Refuse a ./qasr.toml without --config that starts programs: the folder may be from anyone.

    Raises:
        ConfigError: The file starts programs, or sends transcripts to an address.
    """
    risky = [name for name in _ONLY_IF_CHOSEN if name in settings]
    if risky and path == Path(FILE_NAME):
        key = risky[0].replace("_", "-")
        raise ConfigError(
            f"{path}: {key} counts only in a file that you name or that is your own",
            f"use --config {path}, or move the line to {places()[-1]}",
        )


def _nearest(key: str, flags: Mapping[str, FlagSpec]) -> str:
    close = difflib.get_close_matches(key.replace("-", "_"), flags, n=1, cutoff=0.4)
    if close:
        return f"did you mean {close[0].replace('_', '-')}?"
    return f"known: {', '.join(sorted(name.replace('_', '-') for name in flags))}"


def _checked(path: Path, key: str, value: object, flag: FlagSpec) -> object:
    kind = list if flag.is_repeatable else str if flag.kind is Path else flag.kind
    if kind is list and isinstance(value, str):
        return value.split()
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    is_right = is_number if kind is float else type(value) is kind
    if not is_right or (isinstance(value, list) and not all(isinstance(item, str) for item in value)):
        raise ConfigError(
            f"{where(path, [key])}: {key} must be {_NAMES[kind]}, not {value!r}", "correct the file"
        )
    return value
