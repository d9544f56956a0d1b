"""How a flag is described to Typer: one rule for the name of its variable."""

from __future__ import annotations

from typing import Any

import typer


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
