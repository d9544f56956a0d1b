"""What a command takes: from `FlagSpec`s to Typer's parameters, and from those to a page of help.

In go flags, operands and commands; out come Typer's descriptions, and values for documentation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import typer
from typer.core import TyperGroup

from qasr_cli.cli.help_page import UNBROKEN, HelpPage, Section
from qasr_cli.options.flag import PANELS, FlagSpec

NO_PANEL = "Options"


@dataclass(frozen=True, slots=True)
class Operand:
    """A positional argument.

    Attributes:
        metavar: What stands for it: `INPUT...`.
        help: What it may be.
    """

    metavar: str
    help: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a command takes, as documentation needs it.

    Attributes:
        names: Every spelling of a flag; none for an operand.
        is_required: An operand that must be there.
        variables: What sets it in the environment.
    """

    key: str
    names: tuple[str, ...]
    metavar: str
    panel: str
    help: str
    default: Any
    is_required: bool
    variables: tuple[str, ...]


def option(flag: FlagSpec, **more: Any) -> Any:
    """Return Typer's description of a flag; `more` is Typer's own (callbacks)."""
    names = list(flag.names)
    if flag.kind is bool and flag.is_setting and not flag.is_counted:
        # What a file or a variable switches on must be possible to switch off on the command line.
        names[0] = f"{names[0]}/--no-{names[0].removeprefix('--')}"
    return typer.Option(
        *names,
        help=flag.help,
        metavar=flag.metavar or None,
        envvar=list(flag.variables) or None,
        rich_help_panel=flag.panel or None,
        count=flag.is_counted,
        **more,
    )


def annotation(flag: FlagSpec) -> Any:
    """Return the type of what Typer hands over for a flag."""
    if flag.is_repeatable:
        return list[flag.kind] | None  # type: ignore[name-defined]
    return flag.kind | None if flag.default is None else flag.kind


def argument(operand: Operand) -> Any:
    """Return Typer's description of a positional argument."""
    # Not `readable`: a file that cannot be read fails by itself, and the others go on.
    return typer.Argument(metavar=operand.metavar, help=operand.help, readable=False)


def parameters(command: Any) -> list[Parameter]:
    """Return what a command takes, operands first; not `--help`."""
    visible = [_parameter(one) for one in command.params if not getattr(one, "hidden", False)]
    return sorted(visible, key=lambda one: bool(one.names))


def _parameter(one: Any) -> Parameter:
    is_flag = one.param_type_name == "option"
    variables = one.envvar or ()
    return Parameter(
        key=one.name,
        names=(*one.opts,) if is_flag else (),
        metavar=one.metavar or "",
        panel=one.rich_help_panel or NO_PANEL,
        help=one.help or "",
        default=None if getattr(one, "count", False) else one.default,
        is_required=one.required,
        variables=(variables,) if isinstance(variables, str) else tuple(variables),
    )


def usage(command: Any, path: str) -> str:
    """Return how a command is called."""
    words = [
        one.metavar if one.is_required else f"[{one.metavar}]" for one in parameters(command) if not one.names
    ]
    words += ["COMMAND ..."] if isinstance(command, TyperGroup) else []
    return " ".join([path, "[OPTIONS]", *words])


def default_text(parameter: Parameter) -> str:
    """Return the default as help shows it; "" for one that the help tells in words, or that is none."""
    default = parameter.default
    if default is None or default is False:
        return ""
    return f"{default:g}" if isinstance(default, float) else str(default)


def help_page(command: Any, path: str, commands: Sequence[tuple[str, str]] = ()) -> HelpPage:
    """Return the help of a command, options by panel."""
    every = parameters(command)
    sections = [Section("Commands", commands)] if commands else []
    operands = [(one.metavar, one.help) for one in every if not one.names]
    sections += [Section("Arguments", operands)] if operands else []
    for panel, options in panels(command).items():
        rows = [_row(one) for one in options]
        rows += [("-h, --help", "Print this help.")] if panel == NO_PANEL else []
        sections.append(Section(panel, rows))
    return HelpPage(usage(command, path), command.help or "", sections, command.epilog or "")


def panels(command: Any) -> dict[str, list[Parameter]]:
    """Return a command's options by panel, in the order of the help; those of no panel come last."""
    options = [one for one in parameters(command) if one.names]
    named = [panel for panel in PANELS if any(one.panel == panel for one in options)]
    return {panel: [one for one in options if one.panel == panel] for panel in (*named, NO_PANEL)}


def in_help_order(flags: Sequence[FlagSpec]) -> list[FlagSpec]:
    """Return flags as help lists them: by panel, in a panel as they are declared."""
    return sorted(flags, key=lambda flag: PANELS.index(flag.panel))


def _row(one: Parameter) -> tuple[str, str]:
    short = [name for name in one.names if not name.startswith("--")]
    names = ", ".join((*short, *(name for name in one.names if name.startswith("--"))))
    default = default_text(one)
    return (
        f"{names} {one.metavar}".strip(),
        one.help + (f" [default:{UNBROKEN}{default}]" if default else ""),
    )
