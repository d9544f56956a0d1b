"""The origin of a value, and the facts of a usage error.

In go contexts and errors of Typer; out come values. Only this module depends on the names of Typer's
parameter sources, of one of its classes, and on the place of its usage error in the class tree.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import typer

Context = typer.Context
# Typer's click is a private copy; its usage error is found as the base of an exported class.
UsageProblem: type[Exception] = typer.BadParameter.__mro__[1]
_NO_ARGUMENTS = "NoArgsIsHelpError"  # a usage error whose text is the whole help


class ValueOrigin(IntEnum):
    """The origin of a parameter's value; a greater one has priority."""

    DEFAULT = 0
    FILE = 1
    VARIABLE = 2
    COMMAND_LINE = 3


# Typer's names; its map of defaults is qasr.toml.
_ORIGINS = {
    "DEFAULT_MAP": ValueOrigin.FILE,
    "ENVIRONMENT": ValueOrigin.VARIABLE,
    "COMMANDLINE": ValueOrigin.COMMAND_LINE,
}


@dataclass(frozen=True, slots=True)
class Problem:
    """A usage error of Typer.

    Attributes:
        text: The error in one line; the whole help for a call without arguments.
        is_nothing_given: A command that needs arguments was called without any.
        command: Name of the command, such as `qasr transcribe`.
        flag: Its long flag, or None.
        is_from_file: That flag's value comes from the settings file.
    """

    text: str
    is_nothing_given: bool
    command: str
    flag: str | None
    is_from_file: bool


def value_origin(context: Context, key: str) -> ValueOrigin:
    """Return the origin of a parameter's value."""
    source = context.get_parameter_source(key)
    return _ORIGINS.get(source.name, ValueOrigin.DEFAULT) if source else ValueOrigin.DEFAULT


def problem(error: Any) -> Problem:
    """Return the facts of a `UsageProblem`."""
    parameter, context = getattr(error, "param", None), error.ctx
    flag: str | None = next((name for name in getattr(parameter, "opts", ()) if name.startswith("--")), None)
    # "Input should be a valid integer, unable to parse ...": its second half adds nothing.
    reason = str(error.message).partition(", unable to")[0]
    return Problem(
        text=f"{flag}: {reason}" if flag and reason else error.format_message(),
        is_nothing_given=type(error).__name__ == _NO_ARGUMENTS,
        command=context.command_path if context else "qasr",
        flag=flag,
        is_from_file=bool(
            parameter and context and value_origin(context, str(parameter.name)) is ValueOrigin.FILE
        ),
    )
