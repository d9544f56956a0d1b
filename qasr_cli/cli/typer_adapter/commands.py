"""Programs, groups and commands, imported when they are used.

In go functions and rows of a table; out come Typer's commands, which can be run, parsed and listed.
"""

from __future__ import annotations

import gc
import importlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from qasr_cli import escapes
from qasr_cli.cli.help_page import HelpPage, render
from qasr_cli.cli.typer_adapter.parameters import help_page

Exit = typer.Exit
Abort = typer.Abort

_Function = TypeVar("_Function", bound=Callable[..., Any])
_HELP_NAMES = {"help_option_names": ["--help", "-h"]}


class _Command(TyperCommand):
    """A command with qasr's help page."""

    def invoke(self, ctx: Any) -> Any:
        gc.enable()  # `__main__` disables it until all that a command line needs is loaded
        return super().invoke(ctx)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        formatter.write(_rendered(help_page(self, ctx.command_path)))


class _Group(TyperGroup):
    """A group of commands with qasr's help page."""

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
        """Return a decorator that makes a function a command of this group."""
        return self.command(name, cls=_Command, epilog=epilog)


@dataclass(frozen=True, slots=True)
class CommandRow:
    """A command that is imported when it is used.

    Attributes:
        name: Name as typed.
        module: Module with its `app`, a `single` or an `App`.
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


def echo(text: object, *, err: bool = False) -> None:
    """Print a line: to a pipe exactly, to a terminal without its control characters."""
    stream = sys.stderr if err else sys.stdout
    line = f"{text}\n"
    stream.write(escapes.for_terminal(line) if stream.isatty() else line)


def single(function: Callable[..., None], *, epilog: str = "") -> App:
    """Return a program of one command, for a `CommandRow`."""
    app = App("", "")
    app.subcommand("command", epilog=epilog)(function)
    return app


def lazy_group(rows: Sequence[CommandRow]) -> type[TyperGroup]:
    """Return the class of a group that imports a command's module when the command is used."""

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
    """Commands by name; a row is loaded on access."""

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
        UsageProblem: The arguments are wrong; see `problem`.
        Abort: Ctrl-C at a prompt of Typer.
    """
    return app(list(arguments), prog_name="qasr", standalone_mode=False, obj=state)


def root_command(app: App) -> Any:
    """Return the root command of a program."""
    return typer.main.get_command(app)


def parse(
    name: str, arguments: Sequence[str], parent: typer.Context, defaults: Mapping[str, Any]
) -> typer.Context:
    """Return a command's context with its parameters parsed, without running it.

    Raises:
        UsageProblem: As `run`.
    """
    command = command_of(parent, name)
    made: typer.Context = command.make_context(
        name, list(arguments), parent=parent.find_root(), default_map=dict(defaults)
    )
    return made


def command_of(context: typer.Context, name: str) -> Any:
    """Return a command of the program by its name."""
    root: Any = context.find_root().command
    return root.commands[name]


def function_of(command: Any) -> Callable[..., Any]:
    """Return the function of a command, with its attributes."""
    function: Callable[..., Any] = command.callback
    return function


def leaves(command: Any, names: tuple[str, ...] = ("qasr",)) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every command without subcommands, with its names from `qasr` on."""
    if isinstance(command, TyperGroup):
        for name, one in command.commands.items():
            yield from leaves(one, (*names, name))
    else:
        yield names, command


def _summary(command: Any) -> str:
    return (command.help or "").strip().split("\n\n")[0].replace("\n", " ")


def _rendered(page: HelpPage) -> str:
    is_bold = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    return render(page, shutil.get_terminal_size().columns, is_bold=is_bold)
