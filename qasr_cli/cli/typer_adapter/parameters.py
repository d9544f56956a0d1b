"""The parameters of commands: from `FlagSpec`s to Typer's parameters, and from those to a page of help.

In go flags, operands and commands; out come Typer's descriptions, and values for documentation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from qasr_cli.cli.help_page import UNBROKEN, HelpPage, Section
from qasr_cli.options.flag import PANELS, FlagSpec
from qasr_cli.runs.files import typed_paths

NO_PANEL = "Options"


@dataclass(frozen=True, slots=True)
class Operand:
    """A positional argument.

    Attributes:
        metavar: Its placeholder, such as `INPUT...`.
        help: Its description.
        is_path: It is a path, in which `~` is a home folder.
    """

    metavar: str
    help: str
    is_path: bool = True


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a command, for documentation.

    Attributes:
        names: Every spelling of a flag; empty for an operand.
        is_required: A required operand.
        variables: The environment variables that set it.
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
        # A switch set by a file or a variable has a negative flag.
        names[0] = f"{names[0]}/--no-{names[0].removeprefix('--')}"
    return typer.Option(
        *names,
        help=flag.help,
        metavar=flag.metavar or None,
        envvar=list(flag.variables) or None,
        rich_help_panel=flag.panel or None,
        count=flag.is_counted,
        parser=_path if flag.kind is Path else typed_paths.setting if flag.is_path else None,
        **more,
    )


def _path(value: str | Path) -> Path:
    # A default is a path already. As text, since Path would drop the ./ that protects a name such as ~.
    return value if isinstance(value, Path) else Path(typed_paths.setting(value))


def _operand(value: str | Path) -> Path:
    return value if isinstance(value, Path) else typed_paths.operand(value)


def annotation(flag: FlagSpec) -> Any:
    """Return the type of a flag's value from Typer."""
    if flag.is_repeatable:
        return list[flag.kind] | None  # type: ignore[name-defined]
    return flag.kind | None if flag.default is None else flag.kind


def argument(operand: Operand) -> Any:
    """Return Typer's description of a positional argument."""
    # Not `readable`: an unreadable file fails later, and the others go on.
    parser = _operand if operand.is_path else None
    return typer.Argument(metavar=operand.metavar, help=operand.help, readable=False, parser=parser)


def parameters(command: Any) -> list[Parameter]:
    """Return a command's parameters, operands first, without `--help`."""
    visible = [
        _parameter(parameter) for parameter in command.params if not getattr(parameter, "hidden", False)
    ]
    return sorted(visible, key=lambda parameter: bool(parameter.names))


def _parameter(parameter: Any) -> Parameter:
    is_flag = parameter.param_type_name == "option"
    variables = parameter.envvar or ()
    return Parameter(
        key=parameter.name,
        names=(*parameter.opts,) if is_flag else (),
        metavar=parameter.metavar or "",
        panel=parameter.rich_help_panel or NO_PANEL,
        help=parameter.help or "",
        default=None if getattr(parameter, "count", False) else parameter.default,
        is_required=parameter.required,
        variables=(variables,) if isinstance(variables, str) else tuple(variables),
    )


def usage(command: Any, path: str) -> str:
    """Return the usage line of a command."""
    words = [
        parameter.metavar if parameter.is_required else f"[{parameter.metavar}]"
        for parameter in parameters(command)
        if not parameter.names
    ]
    words += ["COMMAND ..."] if isinstance(command, TyperGroup) else []
    return " ".join([path, "[OPTIONS]", *words])


def default_text(parameter: Parameter) -> str:
    """Return the default as text for the help; "" if the help text describes it or there is none."""
    default = parameter.default
    if default is None or default is False:
        return ""
    return f"{default:g}" if isinstance(default, float) else str(default)


def help_page(command: Any, path: str, commands: Sequence[tuple[str, str]] = ()) -> HelpPage:
    """Return the help of a command, options by panel."""
    every = parameters(command)
    sections = [Section("Commands", commands)] if commands else []
    operands = [(parameter.metavar, parameter.help) for parameter in every if not parameter.names]
    sections += [Section("Arguments", operands)] if operands else []
    for panel, options in panels(command).items():
        rows = [_row(parameter) for parameter in options]
        rows += [("-h, --help", "Print this help.")] if panel == NO_PANEL else []
        sections.append(Section(panel, rows))
    return HelpPage(usage(command, path), command.help or "", sections, command.epilog or "")


def panels(command: Any) -> dict[str, list[Parameter]]:
    """Return a command's options by panel, in the order of the help; options without a panel are last."""
    options = [parameter for parameter in parameters(command) if parameter.names]
    named = [panel for panel in PANELS if any(parameter.panel == panel for parameter in options)]
    return {
        panel: [parameter for parameter in options if parameter.panel == panel]
        for panel in (*named, NO_PANEL)
    }


def in_help_order(flags: Sequence[FlagSpec]) -> list[FlagSpec]:
    """Return flags in the order of the help: by panel, and in a panel as declared."""
    return sorted(flags, key=lambda flag: PANELS.index(flag.panel))


def _row(parameter: Parameter) -> tuple[str, str]:
    short = [name for name in parameter.names if not name.startswith("--")]
    names = ", ".join((*short, *(name for name in parameter.names if name.startswith("--"))))
    default = default_text(parameter)
    return (
        f"{names} {parameter.metavar}".strip(),
        parameter.help + (f" [default:{UNBROKEN}{default}]" if default else ""),
    )
