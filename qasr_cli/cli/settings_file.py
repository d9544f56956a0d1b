"""qasr.toml: the settings file.

In goes a TOML file whose keys are long flags without their dashes; out comes a map of defaults. A flag has
priority over a QASR_* variable, a variable over the file, and the file over the built-in default.
"""

from __future__ import annotations

import os
import re
import reprlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qasr_cli.cli import settings_trust
from qasr_cli.cli.settings_trust import Trust
from qasr_cli.errors import ConfigError
from qasr_cli.operating_system import files, text_bytes, user_folders
from qasr_cli.options.flag import FlagSpec

FILE_NAME = "qasr.toml"
_MAX_BYTES = 100_000  # all settings with their help take 20,000
_MAX_DOTS = 300  # a.a.a...: the parser's time grows with the square of a key's parts (100 kB: a minute)
_ONE_TEXT = re.compile(r"""\s*[\w"'-]+\s*=\s*(?:"[^"\\]*"|'[^']*')\s*""")
_SHOWN_CHARS = 100
_MAX_INT = 2**63 - 1  # that of a library's parser; Python cannot even print one of 4,300 digits
_OTHER_FILE = "correct the file, or give another with --config"
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
        command: Name of the command that runs; "" before it is known.
        asked_for: The file of --config, if any.
        path: The file that was read, if any.
        values: Its values that count, by a flag's own key.
        ignored: Its values that do not count, because the file was found by chance.
        trust: Whether the file is trusted; the user's own file and a named one always are.
        is_help_wanted: The arguments may ask for the help, which a wrong file does not prevent.
        problem: An error of the file that ends the command, but not its help.
        in_force: Flags whose value comes from the file, and not from a flag or variable: every key, with all
            keys of the flag.
    """

    command: str = ""
    asked_for: Path | None = None
    path: Path | None = None
    values: dict[str, Any] = field(default_factory=dict)
    ignored: dict[str, Any] = field(default_factory=dict)
    trust: Trust = Trust.YES
    is_help_wanted: bool = False
    problem: ConfigError | None = None
    in_force: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def read(self, flags: Callable[[], Iterable[FlagSpec]]) -> dict[str, Any]:
        """Find and read the file; return its values that count. `flags` is called if there is a file.

        Raises:
            ConfigError: See `find_file` and `read`.
        """
        path = find_file(self.asked_for)
        if path is not None:
            known = known_keys(flags())
            found = content(path)
            values = parsed(path, found, known)
            is_found = self.asked_for is None and is_by_chance(path)
            self.trust = settings_trust.state_of(path, found) if is_found else Trust.YES
            self.ignored = {} if self.trust is Trust.YES else needing_trust(values, known)
            self.values = {key: value for key, value in values.items() if key not in self.ignored}
            self.path = path
        return self.values

    def warning(self, flags: Iterable[FlagSpec]) -> str:
        """Return the line about settings of the file that some flags would have and that do not count."""
        keys = {flag.key for flag in flags if flag.is_setting}
        return ignored_line(self.path, [key for key in self.ignored if key in keys], self.trust)

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
        if not os.path.isfile(asked_for):
            raise ConfigError(f"--config {asked_for}: no such file", "check the path", flag="--config")
        return asked_for
    return next((path for path in places() if os.path.isfile(path)), None)


def places() -> tuple[Path, ...]:
    """Return the usual places of a settings file, in order of priority."""
    home = user_folders.xdg("XDG_CONFIG_HOME", ".config")
    return (Path(FILE_NAME), *([home / "qasr" / FILE_NAME] if home else []))


def is_by_chance(path: Path) -> bool:
    """Whether a file is merely that of the working folder, which may be from anyone: not the user's own."""
    own = places()[1:]
    return path == Path(FILE_NAME) and not any(os.path.isfile(one) and path.samefile(one) for one in own)


def needing_trust(values: Mapping[str, Any], known: Mapping[str, FlagSpec]) -> dict[str, Any]:
    """Return the values of a file that count only if the file is trusted."""
    return {key: value for key, value in values.items() if known[key].needs_trust(value)}


def ignored_line(path: Path | None, keys: Iterable[str], trust: Trust) -> str:
    """Return the line that names settings that do not count; "" for no settings."""
    names = [key.replace("_", "-") for key in keys]
    if not names:
        return ""
    listed = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    verb, why = "is" if len(names) == 1 else "are", trust.value
    if trust is Trust.CHANGED:
        why = f"it has {why}"
    return f"{path}: {listed} {verb} ignored, as {why}; if you wrote it or have read it: qasr config trust"


def line_of(path: Path, keys: Iterable[str]) -> int:
    """Return the line, from 1, in which a valid file sets one of the keys; 0 if no line does."""
    spelt = "(?:" + "|".join("[-_]".join(map(re.escape, re.split("[-_]", key))) for key in keys) + ")"
    key = re.compile(rf"""\s*["']?{spelt}["']?\s*=""")
    lines = text_bytes.decoded(content(path)).splitlines()
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
    return parsed(path, content(path), flags)


def content(path: Path) -> bytes:
    """Return the bytes of a settings file.

    Raises:
        ConfigError: It is no regular file, too large, or cannot be read.
    """
    try:
        return files.read_regular(path, _MAX_BYTES)
    except files.TooLargeError as error:
        reason = f"is larger than {_MAX_BYTES / 1_000:.0f} kB, so not a settings file"
        raise ConfigError.about(path, reason, _OTHER_FILE) from error
    except OSError as error:
        raise ConfigError.about(path, error.strerror or str(error), _OTHER_FILE) from error


def _table(path: Path, found: bytes) -> dict[str, Any]:
    import tomllib  # most runs have no settings file, and its patterns take 4 ms to compile

    try:
        text = text_bytes.decoded(found).replace("\r\n", "\n")
        for number, line in enumerate(text.split("\n"), 1):
            if line.count(".") > _MAX_DOTS and not _ONE_TEXT.fullmatch(line):
                raise ConfigError(
                    f"{path}:{number}: more than {_MAX_DOTS} dots", "give each text a line of its own"
                )
        return tomllib.loads(text)
    except RecursionError as error:
        raise ConfigError.about(path, "is nested too deep", _OTHER_FILE) from error
    except ValueError as error:
        raise ConfigError.about(path, str(error), _OTHER_FILE) from error


def parsed(path: Path, found: bytes, flags: Mapping[str, FlagSpec]) -> dict[str, Any]:
    """Return the settings in the bytes of a file; see `read`."""
    table = _table(path, found)
    settings: dict[str, Any] = {}
    spelled: dict[str, str] = {}
    for key, value in table.items():
        flag = flags.get(key.replace("-", "_"))
        if flag is None:
            shown = key[:_SHOWN_CHARS]
            raise ConfigError(f"{where(path, [key])}: unknown key {shown!r}", _nearest(shown, flags))
        if flag.key in settings:
            message = f"{where(path, [key])}: {key} and {spelled[flag.key]} are one setting"
            raise ConfigError(message, "leave one of them out")
        spelled[flag.key] = key
        settings[flag.key] = _checked(path, key, value, flag)
    return settings


def _nearest(key: str, flags: Mapping[str, FlagSpec]) -> str:
    import difflib

    close = difflib.get_close_matches(key.replace("-", "_"), flags, n=1, cutoff=0.4)
    if close:
        return f"did you mean {close[0].replace('_', '-')}?"
    return f"known: {', '.join(sorted(name.replace('_', '-') for name in flags))}"


def _checked(path: Path, key: str, value: object, flag: FlagSpec) -> object:
    kind = list if flag.is_repeatable else str if flag.kind is Path else flag.kind
    if kind is list and isinstance(value, str):
        value = value.split()
    complaint = _complaint(value, kind)
    if complaint:
        raise ConfigError(f"{where(path, [key])}: {key} {complaint}", "correct the file")
    return value


def _complaint(value: object, kind: type) -> str:
    """Return what is wrong with a value; "" if nothing is."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    is_right = is_number if kind is float else type(value) is kind
    texts = value if isinstance(value, list) else [value] if isinstance(value, str) else []
    if not is_right or not all(isinstance(text, str) for text in texts):
        return f"must be {_NAMES[kind]}, not {_shown(value)}"
    if isinstance(value, int) and abs(value) > _MAX_INT:
        return "is too large a number"
    # No argument and no variable can have one, and no system takes it in a path.
    return "has a zero byte" if any("\0" in text for text in texts) else ""


def _shown(value: object) -> str:
    """Return a value for a message, cut: the file may be anyone's."""
    try:
        return reprlib.repr(value)
    except ValueError:
        return "a number of thousands of digits"
