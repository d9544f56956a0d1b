"""The description of an option: its flags, help and panel, next to its default.

In go the fields of option groups; out come `FlagSpec`s, from which the command line, the variable, the key of
qasr.toml, the manual page and the reference page follow. Never depends on a command line library.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from qasr_cli.errors import UsageError
from qasr_cli.timebase import MS_PER_S, seconds_to_ms

FORMATS = "Output formats"
FILES = "Output files"
MODEL = "Model and device"
SPEECH = "Language and audio"
STYLE = "Subtitle style"
SELECTION = "File selection"
RUN = "Run control"
WATCHING = "Watching"
HOOKS = "Hooks"
REMOTE = "Remote servers"
SERVER = "Server"
LIVE = "Live input"
LIVE_OUTPUT = "Live output"
EVALUATION = "Evaluation"
LOGGING = "Logging"
PANELS = (
    *(EVALUATION, FORMATS, FILES, SERVER, LIVE, LIVE_OUTPUT, MODEL, REMOTE, SPEECH, STYLE),
    *(SELECTION, RUN, WATCHING, HOOKS, LOGGING),
)

FOLLOWS = type(None)  # a flag's kind follows from its field's annotation
_FLAG, _DIGEST, _ADDED = "flag", "digest", "added"  # keys of a field's metadata
# Type of a flag's text, by the field's annotation; any other annotation needs `convert`.
_KINDS: dict[str, type] = {"str": str, "int": int, "float": float, "bool": bool, "Path": Path}


@dataclass(frozen=True, slots=True)
class FlagSpec:
    """A flag of the command line.

    Attributes:
        panel: Its heading in the help.
        help: Help text: short main clauses, units named.
        names: Every spelling; the first is the long one from which the key follows.
        metavar: Placeholder of its value; "" for a switch.
        kind: Type of its text: str, int, float, bool or Path.
        default: Value without the flag, of type `kind`; None, False, 0 and "" are not shown.
        convert: Converts the flag's value to the option's value; None if they are the same.
        is_repeatable: May be given several times; its value is a list.
        is_counted: Each use counts one (-vv).
        is_setting: Has a variable and a key of qasr.toml.
        harmless: A ./qasr.toml that nobody named or trusted may set it, or a test of the values that it may
            set. Never True for a setting that chooses where results go, replaces, loads, reads or sends
            something, lifts a limit or hides a warning.
        is_path: Its text may be a path, in which `~` is a home folder; always so if its kind is Path.
        is_secret: Its value is never shown.
    """

    panel: str
    help: str
    names: tuple[str, ...]
    metavar: str = ""
    kind: type = str
    default: Any = None
    convert: Callable[[Any], Any] | None = None
    is_repeatable: bool = False
    is_counted: bool = False
    is_setting: bool = True
    is_path: bool = False
    is_secret: bool = False
    harmless: bool | Callable[[Any], bool] = False

    def needs_trust(self, value: Any) -> bool:
        """Whether a value counts only in a settings file that the user named, wrote or trusted."""
        if value == self.default:
            return False
        return not (self.harmless(value) if callable(self.harmless) else self.harmless)

    @property
    def long_names(self) -> tuple[str, ...]:
        """The spellings with two dashes."""
        return tuple(name for name in self.names if name.startswith("--"))

    @property
    def keys(self) -> tuple[str, ...]:
        """Its names in Python, the first one being its own: `max_lines` for `--max-lines`."""
        return tuple(name.removeprefix("--").replace("-", "_") for name in self.long_names)

    @property
    def key(self) -> str:
        """Its own name in Python."""
        return self.keys[0]

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables that set it."""
        return tuple(f"QASR_{key.upper()}" for key in self.keys) if self.is_setting else ()


def option(
    default: Any,
    panel: str,
    text: str,
    /,
    *names: str,
    digest: str | None = None,
    is_added: bool = False,
    **described: Any,
) -> Any:
    """Return a dataclass field that is an option.

    Args:
        default: The option's value without the flag.
        panel: One of `PANELS`.
        text: The flag's help.
        names: The flag's spellings.
        digest: Name of a renamed field in fingerprints; a changed name would invalidate every finished file.
        is_added: Added after fingerprints existed: at its default it is not part of them.
        described: Further fields of `FlagSpec`; `kind` and `default` follow from the field if left out.
    """
    described.setdefault("kind", FOLLOWS)
    described.setdefault("default", MISSING)
    metadata: dict[str, Any] = {_FLAG: FlagSpec(panel, text, names, **described), _ADDED: is_added}
    if digest is not None:
        metadata[_DIGEST] = digest
    return field(default=default, metadata=metadata)


def added(default: Any) -> Any:
    """Return a field without a flag that was added after fingerprints existed; see `option`."""
    return field(default=default, metadata={_ADDED: True})


def seconds(default_ms: int | None, panel: str, text: str, name: str, /, **described: Any) -> Any:
    """Return a field of milliseconds whose flag takes seconds."""
    described.setdefault("default", None if default_ms is None else default_ms / MS_PER_S)
    convert = functools.partial(_to_ms, name)
    return option(default_ms, panel, text, name, metavar="SECONDS", kind=float, convert=convert, **described)


def _to_ms(name: str, value_s: float | None) -> int | None:
    if value_s is None:
        return None
    if not math.isfinite(value_s):
        raise UsageError(
            f"{name} {value_s} is not a number of seconds", "give a number such as 1.5", flag=name
        )
    return seconds_to_ms(value_s)


@functools.cache
def flags_of(group: type) -> dict[str, FlagSpec]:
    """Return the flags of an option group by field name, in its order."""
    return {
        one.name: _completed(one.metadata[_FLAG], str(one.type), one.default)
        for one in fields(group)
        if _FLAG in one.metadata
    }


def _completed(flag: FlagSpec, annotation: str, default: Any) -> FlagSpec:
    return replace(
        flag,
        kind=_KINDS[annotation.removesuffix(" | None")] if flag.kind is FOLLOWS else flag.kind,
        default=default if flag.default is MISSING else flag.default,
    )


def groups_of(tree: type) -> dict[str, type]:
    """Return the option groups of a tree by field name."""
    factories: dict[str, Any] = {one.name: one.default_factory for one in fields(tree)}
    return {name: made for name, made in factories.items() if isinstance(made, type) and is_dataclass(made)}


def walk(tree: type) -> Iterator[FlagSpec]:
    """Yield every flag of a group, or of all groups of a tree."""
    yield from flags_of(tree).values()
    for group in groups_of(tree).values():
        yield from walk(group)


def digested(group: Any) -> dict[str, object]:
    """Return a group's values by their names in fingerprints."""
    return {
        one.metadata.get(_DIGEST, one.name): getattr(group, one.name)
        for one in fields(group)
        if not one.metadata.get(_ADDED) or getattr(group, one.name) != one.default
    }


def require(condition: bool, message: str, flag: str | None = None, hint: str = "") -> None:
    """Refuse an invalid value of a flag.

    Raises:
        UsageError: The condition does not hold.
    """
    if not condition:
        raise UsageError(message, hint, flag=flag)
