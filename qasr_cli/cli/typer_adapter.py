"""All that qasr knows of Typer, its insides included: the rest of the command line sees this module only.

In go `FlagSpec`s, operands and functions; out come commands, their parameters as values, and facts about a
mistake. `tests/unit/test_typer_adapter.py` fails where a new Typer moves what is relied on here: where the
usage error is in the class tree, the names of classes and of parameter sources, `make_context`.
"""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from qasr_cli.cli.help_page import UNBROKEN, HelpPage, Section, render
from qasr_cli.options.flag import PANELS, FlagSpec

_Function = TypeVar("_Function", bound=Callable[..., Any])

Context = typer.Context
Exit = typer.Exit
Abort = typer.Abort
echo = typer.echo

# Typer's click is its own copy and nobody's to import; its usage error is known by a child that Typer names.
UsageProblem: type[Exception] = typer.BadParameter.__mro__[1]
_NO_ARGUMENTS = "NoArgsIsHelpError"  # a usage error whose text is the whole help
NO_PANEL = "Options"
_HELP_NAMES = {"help_option_names": ["--help", "-h"]}


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


class _Command(TyperCommand):
    """A command whose help is ours."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        formatter.write(_rendered(help_page(self, ctx.command_path)))


class _Group(TyperGroup):
    """A group of commands whose help is ours."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        rows = [(name, _summary(self.commands[name])) for name in self.list_commands(ctx)]
        formatter.write(_rendered(help_page(self, ctx.command_path, rows)))


class App(typer.Typer):
    """A Typer program or group of commands."""

    def __init__(self, name: str, text: str, *, cls: type[TyperGroup] = _Group, **more: Any) -> None:
        super().__init__(
            name=name,
            help=text,
            cls=cls,
            rich_markup_mode=None,
            pretty_exceptions_enable=False,
            context_settings=_HELP_NAMES,
            **{"add_completion": False, **more},
        )

    def subcommand(self, name: str, *, epilog: str = "") -> Callable[[_Function], _Function]:
        """Return what makes a function a command of this group."""
        return self.command(name, cls=_Command, epilog=epilog)


@dataclass(frozen=True, slots=True)
class CommandRow:
    """A command that is loaded when it is asked for.

    Attributes:
        name: As typed.
        module: Where its `app` is, a `single` or an `App`.
        summary: One line for the list of commands.
    """

    name: str
    module: str
    summary: str

    def load(self) -> Any:
        """Return the command."""
        made: Any = typer.main.get_command(importlib.import_module(self.module).app)
        made.name = self.name
        return made


def single(function: Callable[..., None], *, epilog: str = "") -> App:
    """Return a program of one command, for a `CommandRow` to load."""
    app = App("", "")
    app.subcommand("command", epilog=epilog)(function)
    return app


def lazy_group(rows: Sequence[CommandRow]) -> type[TyperGroup]:
    """Return the class of a group that imports a command's module when the command is asked for."""

    class _LazyGroup(_Group):
        def __init__(self, **attributes: Any) -> None:
            super().__init__(**attributes)
            self.commands = _LazyCommands(rows)

        def list_commands(self, ctx: Any) -> list[str]:
            return [row.name for row in rows]

        def format_help(self, ctx: Any, formatter: Any) -> None:
            summaries = [(row.name, row.summary) for row in rows]
            formatter.write(_rendered(help_page(self, ctx.command_path, summaries)))

    return _LazyGroup


class _LazyCommands(dict[str, Any]):
    """Commands by name; a row becomes its command when it is read."""

    def __init__(self, rows: Sequence[CommandRow]) -> None:
        super().__init__({row.name: row for row in rows})

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        if isinstance(value, CommandRow):
            value = self[name] = value.load()
        return value

    def get(self, name: str, default: Any = None) -> Any:
        try:
            return self[name]
        except KeyError:
            return default

    def items(self) -> Any:
        return [(name, self[name]) for name in self]

    def values(self) -> Any:
        return [self[name] for name in self]


def run(app: App, arguments: Sequence[str], state: object) -> Any:
    """Run a program; return its exit code, or None.

    Raises:
        UsageProblem: A mistake in the arguments; see `problem`.
        Abort: Ctrl-C where Typer asks something.
    """
    return app(list(arguments), prog_name="qasr", standalone_mode=False, obj=state)


def root_command(app: App) -> Any:
    """Return the command that a program is."""
    return typer.main.get_command(app)


def parse(name: str, arguments: Sequence[str], parent: Context, defaults: Mapping[str, Any]) -> Context:
    """Return a command's context with its parameters parsed, without running it.

    Raises:
        UsageProblem: As `run`.
    """
    command = command_of(parent, name)
    made: Context = command.make_context(
        name, list(arguments), parent=parent.find_root(), default_map=dict(defaults)
    )
    return made


def command_of(context: Context, name: str) -> Any:
    """Return a command of the program by its name."""
    root: Any = context.find_root().command
    return root.commands[name]


def function_of(command: Any) -> Callable[..., Any]:
    """Return the function of a command, with the attributes that it was given."""
    function: Callable[..., Any] = command.callback
    return function


def leaves(command: Any, names: tuple[str, ...] = ("qasr",)) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every command that does something, with its names from `qasr` on."""
    if isinstance(command, TyperGroup):
        for name, one in command.commands.items():
            yield from leaves(one, (*names, name))
    else:
        yield names, command


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


def _summary(command: Any) -> str:
    return (command.help or "").strip().split("\n\n")[0].replace("\n", " ")


def _rendered(page: HelpPage) -> str:
    is_bold = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    return render(page, shutil.get_terminal_size().columns, is_bold=is_bold)
