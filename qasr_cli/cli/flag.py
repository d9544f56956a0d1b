"""How flags are described to Typer: one rule for the name of a variable, and groups that commands share.

In go descriptions and commands; out comes what Typer reads. Nothing here knows a flag by name.
"""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from inspect import Parameter
from typing import Any

import typer

UNSET: dict[str, Any] = {"show_default": False}  # the help text says what happens without the flag
_WEIGHTS = {"DEFAULT_MAP": 1, "ENVIRONMENT": 2, "COMMANDLINE": 3}  # Typer's names; the map is qasr.toml


def flag(panel: str, help_text: str, *names: str, metavar: str | None = None, **more: Any) -> Any:
    """Return Typer's description of a flag; the variable's name follows from the flag's."""
    variable = "QASR_" + names[0].removeprefix("--").replace("-", "_").upper()
    return typer.Option(
        *names,
        help=help_text,
        metavar=metavar,
        envvar=variable,
        show_envvar=False,  # the help's last paragraph says the rule once
        rich_help_panel=panel,
        **more,
    )


def weight(context: typer.Context, name: str) -> int:
    """Return how much the place counts that set a parameter: the command line most, and a default nothing."""
    source = context.get_parameter_source(name)
    return _WEIGHTS.get(source.name, 0) if source else 0


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command that takes the flags of its groups one by one.

    A group is a dataclass whose fields are flags with defaults. Typer reads flags from a signature, so that
    each command would have to repeat those it shares with others; here it names the group.
    """
    own = inspect.signature(command, eval_str=True)
    groups: dict[str, Any] = {
        name: one.annotation for name, one in own.parameters.items() if is_dataclass(one.annotation)
    }
    flat = [
        parameter.replace(kind=Parameter.KEYWORD_ONLY)
        for name, one in own.parameters.items()
        for parameter in (_flags_of(groups[name]) if name in groups else [one])
    ]

    @functools.wraps(command)
    def called(**given: Any) -> None:
        for name, group in groups.items():
            given[name] = group(**{one.name: given.pop(one.name) for one in fields(group)})
        command(**given)

    called.__annotations__ = {one.name: one.annotation for one in flat}
    vars(called)["__signature__"] = own.replace(parameters=flat)
    return called


def _flags_of(group: Any) -> list[Parameter]:
    hints = typing.get_type_hints(group, include_extras=True)
    return [
        Parameter(one.name, Parameter.KEYWORD_ONLY, default=one.default, annotation=hints[one.name])
        for one in fields(group)
    ]
