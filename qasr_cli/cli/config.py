"""qasr.toml: flags written down once.

In goes a TOML file whose keys are long flags without their dashes; out comes Typer's own default map, so
that the order is always flag, then QASR_* variable, then file, then built-in default.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qasr_cli.errors import ConfigError

FILE_NAME = "qasr.toml"
_ONLY_IF_ASKED_FOR = ("exec_after", "webhook")
_NAMES = {
    str: "text in quotes",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list of texts in quotes",
}


@dataclass
class InForce:
    """The settings file of one command line, kept so that an error can name the line that it comes from.

    Attributes:
        known: Returns the type of each setting, by parameter name.
        asked_for: The file of --config, if any.
        path: The file that was read, if any.
        values: What it sets, by parameter name.
    """

    known: Callable[[], Mapping[str, type]]
    asked_for: Path | None = None
    path: Path | None = None
    values: dict[str, Any] = field(default_factory=dict)

    def read(self) -> dict[str, Any]:
        """Find and read the file; return what it sets.

        Raises:
            ConfigError: As `find_file`, `read` and `refuse_unasked` say.
        """
        path = find_file(self.asked_for)
        if path is not None:
            self.values = read(path, self.known())
            if self.asked_for is None:
                refuse_unasked(path, self.values)
            self.path = path
        return self.values

    def origin(self, message: str, arguments: Sequence[str]) -> str:
        """Return the `file:line` of the setting that a usage error tells of; "" when it comes from elsewhere.

        Args:
            message: The error's text, which names a flag or quotes its value.
            arguments: The command line, which beats the file.
        """
        if self.path is None:
            return ""
        said = {argument.partition("=")[0].replace("_", "-") for argument in arguments}
        typed = {argument.rpartition("=")[2] for argument in arguments}
        for name, value in self.values.items():
            key = name.replace("_", "-")
            parts = [part.strip() for part in value.split(",")] if isinstance(value, str) else []
            told = [repr(part) for part in parts if part and part not in typed]
            is_told = any(one in message for one in told) or re.search(rf"--{key}\b(?!-)", message)
            if is_told and f"--{key}" not in said and f"QASR_{name.upper()}" not in os.environ:
                return _place(self.path, name)
        return ""


def find_file(asked_for: Path | None) -> Path | None:
    """Return the configuration file: the one asked for, else the first of the two usual places.

    Raises:
        ConfigError: The file that was asked for does not exist.
    """
    if asked_for is not None:
        if not _is_file(asked_for):
            raise ConfigError(f"--config {asked_for}: no such file", "check the path")
        return asked_for
    return next((path for path in places() if _is_file(path)), None)


def _is_file(path: Path) -> bool:
    # Path.is_file raises where a folder may not be looked into: a service's home, or another user's.
    return os.path.isfile(path)  # noqa: PTH113


def places() -> tuple[Path, ...]:
    """Return where a settings file is looked for, the first one first."""
    home = os.environ.get("XDG_CONFIG_HOME") or (
        Path(os.environ["HOME"]) / ".config" if "HOME" in os.environ else None
    )
    return (Path(FILE_NAME), *([Path(home) / "qasr" / FILE_NAME] if home else []))


def line_of(path: Path, name: str) -> int:
    """Return the line, from 1, in which a file that `read` accepts sets a parameter; 0 if none is found."""
    spelt = "[-_]".join(map(re.escape, re.split("[-_]", name)))
    key = re.compile(rf"""\s*["']?{spelt}["']?\s*=""")
    lines = path.read_text(encoding="utf-8").splitlines()
    return next((number for number, line in enumerate(lines, 1) if key.match(line)), 0)


def _place(path: Path, name: str) -> str:
    line = line_of(path, name)
    return f"{path}:{line}" if line else str(path)


def read(path: Path, known: Mapping[str, type]) -> dict[str, Any]:
    """Return the file's settings by parameter name.

    Args:
        path: The file.
        known: Type of each setting, by parameter name (`max_lines`). A `list` is of text; the file may also
            have its words in one text with blanks, as a variable has them.

    Raises:
        ConfigError: Not TOML, an unknown key (the nearest known one is named), or a value of another type.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {error}", "mend the file, or give another with --config") from error
    settings: dict[str, Any] = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if name not in known:
            raise ConfigError(f"{_place(path, name)}: unknown key {key!r}", _nearest(name, known))
        settings[name] = _checked(path, key, value, known[name])
    return settings


def refuse_unasked(path: Path, settings: Mapping[str, Any]) -> None:
    """Refuse a file that nobody named, and that starts programs: folders with one come from anywhere.

    Raises:
        ConfigError: It does, or sends what is transcribed somewhere.
    """
    risky = [name for name in _ONLY_IF_ASKED_FOR if name in settings]
    if risky and path == Path(FILE_NAME):
        key = risky[0].replace("_", "-")
        raise ConfigError(
            f"{path}: {key} counts only in a file that you name or that is your own",
            f"say --config {path}, or move the line to {places()[-1]}",
        )


def _nearest(name: str, known: Mapping[str, type]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    if close:
        return f"did you mean {close[0].replace('_', '-')}?"
    return f"known: {', '.join(sorted(key.replace('_', '-') for key in known))}"


def _checked(path: Path, key: str, value: object, wanted: type) -> object:
    if wanted is list and isinstance(value, str):
        return value.split()
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    is_right = is_number if wanted is float else type(value) is wanted
    if not is_right or (isinstance(value, list) and not all(isinstance(item, str) for item in value)):
        raise ConfigError(
            f"{_place(path, key)}: {key} must be {_NAMES[wanted]}, not {value!r}", "mend the file"
        )
    return value
