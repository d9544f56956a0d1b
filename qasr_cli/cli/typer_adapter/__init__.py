"""The adapter of Typer, including its internals: the rest of the command line uses only this package.

In go `FlagSpec`s, operands and functions; out come commands, their parameters as values, and the facts of a
usage error. `tests/unit/test_typer_adapter.py` fails if a new Typer changes the internals used here: the
place of the usage error in the class tree, the names of classes and of parameter sources, `make_context`.
"""

from __future__ import annotations

from qasr_cli.cli.typer_adapter.commands import (
    Abort,
    App,
    CommandRow,
    Exit,
    command_of,
    echo,
    function_of,
    lazy_group,
    leaves,
    parse,
    root_command,
    run,
    single,
)
from qasr_cli.cli.typer_adapter.mistakes import (
    Context,
    Problem,
    UsageProblem,
    ValueOrigin,
    problem,
    value_origin,
)
from qasr_cli.cli.typer_adapter.parameters import (
    NO_PANEL,
    Operand,
    Parameter,
    annotation,
    argument,
    default_text,
    help_page,
    in_help_order,
    option,
    panels,
    parameters,
    usage,
)

__all__ = [
    "NO_PANEL",
    "Abort",
    "App",
    "CommandRow",
    "Context",
    "Exit",
    "Operand",
    "Parameter",
    "Problem",
    "UsageProblem",
    "ValueOrigin",
    "annotation",
    "argument",
    "command_of",
    "default_text",
    "echo",
    "function_of",
    "help_page",
    "in_help_order",
    "lazy_group",
    "leaves",
    "option",
    "panels",
    "parameters",
    "parse",
    "problem",
    "root_command",
    "run",
    "single",
    "usage",
    "value_origin",
]
