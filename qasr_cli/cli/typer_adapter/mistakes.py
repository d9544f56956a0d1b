"""Who set a value, and what is wrong with it, as facts.

In go contexts and errors of Typer; out come values. The names of Typer's parameter sources, of one of its
classes, and the place of its usage error in the class tree are known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import typer

Context = typer.Context
# Typer's click is its own copy and nobody's to import; its usage error is known by a child that Typer names.
UsageProblem: type[Exception] = typer.BadParameter.__mro__[1]
_NO_ARGUMENTS = "NoArgsIsHelpError"  # a usage error whose text is the whole help


class ValueOrigin(IntEnum):
    """Who set a parameter; a greater one beats a smaller one."""

    DEFAULT = 0
    FILE = 1
    VARIABLE = 2
    COMMAND_LINE = 3


# Typer's names; what it calls a map of defaults is qasr.toml.
_ORIGINS = {
    "DEFAULT_MAP": ValueOrigin.FILE,
    "ENVIRONMENT": ValueOrigin.VARIABLE,
    "COMMANDLINE": ValueOrigin.COMMAND_LINE,
}


@dataclass(frozen=True, slots=True)
class Problem:
    """A mistake that Typer found.

    Attributes:
        text: What is wrong, one line; the whole help where nothing was given.
        is_nothing_given: A command that needs something was called without anything.
        command: `qasr transcribe`.
        flag: The long flag that it is about, or None.
        is_from_file: That flag's value comes from the settings file.
    """

    text: str
    is_nothing_given: bool
    command: str
    flag: str | None
    is_from_file: bool


def value_origin(context: Context, key: str) -> ValueOrigin:
    """Return who set a parameter."""
    source = context.get_parameter_source(key)
    return _ORIGINS.get(source.name, ValueOrigin.DEFAULT) if source else ValueOrigin.DEFAULT


def problem(error: Any) -> Problem:
    """Return what is wrong, from an error that is a `UsageProblem`."""
    parameter, context = getattr(error, "param", None), error.ctx
    flag: str | None = next((name for name in getattr(parameter, "opts", ()) if name.startswith("--")), None)
    # "Input should be a valid integer, unable to parse ...": its second half says nothing more.
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
