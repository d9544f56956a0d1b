"""`qasr config`: which settings are in force and who set them, and a settings file to start from.

In go the flags of `qasr transcribe` and `qasr watch` as Typer knows them, so that nothing here can go stale
when a flag is added; out come a table, a path or a commented qasr.toml. Never replaces a file.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from qasr_cli.cli import config
from qasr_cli.errors import CannotCreateError, UsageError

_MARKUP = re.compile(r"\[/?(?:bold)?\]")  # what the help's text is dressed with
_OTHER_VARIABLES = ("QASR_CONFIG", "QASR_FFMPEG", "QASR_KOREAN_DICT")  # read, and no flag

app = typer.Typer(
    help="Show settings and where they come from.", rich_markup_mode="rich", pretty_exceptions_enable=False
)
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]
NewFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="Where to write it; a file that exists is left alone.")
]


@dataclass(frozen=True, slots=True)
class Setting:
    """A flag that may stand in qasr.toml, with its value in force.

    Attributes:
        key: As the file spells it.
        default: Without flag, variable and file; None and "" are no choice of their own.
        value: In force, before any flag.
        origin: `default`, `QASR_MODEL` or `qasr.toml:3`.
    """

    key: str
    variable: str
    panel: str
    help_text: str
    metavar: str
    default: Any
    value: Any
    origin: str


@app.callback(invoke_without_command=True)
def overview(context: typer.Context) -> None:
    """Show settings and where they come from. Without a command: the same as show."""
    if context.invoked_subcommand is None:
        show(context)


@app.command("show")
def show(context: typer.Context, as_json: AsJson = False) -> None:
    """Print every setting of `qasr transcribe` and `qasr watch`, its value in force, and who set it."""
    found = list(_settings(context))
    if as_json:
        told = [{"key": one.key, "value": one.value, "from": one.origin} for one in found]
        typer.echo(json.dumps(told, ensure_ascii=False, indent=1))
    else:
        from qasr_cli.terminal.tables import print_table

        rows = [(one.key, _as_toml(one.value) or "not set", one.origin) for one in found]
        print_table(("setting", "value", "from"), rows)
    for name, nearest in _unknown_variables({one.variable for one in found}):
        hint = f"; did you mean {nearest}?" if nearest else ""
        typer.echo(f"qasr: note: {name} is no setting and has no effect{hint}", err=True)


@app.command("path")
def path(context: typer.Context) -> None:
    """Print the settings file that is read; nothing when there is none."""
    found = config.find_file(_asked_for(context))
    if found is None:
        places = " or ".join(str(place) for place in config.places())
        typer.echo(f"qasr: note: no settings file; it would be {places}", err=True)
    else:
        typer.echo(found.resolve())


@app.command("init")
def init(context: typer.Context, file: NewFile = Path(config.FILE_NAME)) -> None:
    """Write a settings file with every key, its meaning and its default, all of it commented out."""
    if str(file) == "-":
        raise UsageError("qasr config init writes a file", "give it a name, or none for qasr.toml")
    if os.path.lexists(file):
        raise CannotCreateError(f"{file} exists already", "give another FILE, or edit this one")
    from qasr_cli.runs.files import atomic_write

    atomic_write.write(file, template(context), is_overwrite=False)
    typer.echo(file)


def template(context: typer.Context) -> str:
    """Return a qasr.toml in which every setting stands as a comment, in the order of the help."""
    lines = [
        "# Settings of qasr. A key is a long flag without its dashes; remove a # to make a line count.",
        "# A flag beats a variable (QASR_MODEL=demo) beats this file. What is in force: qasr config show",
    ]
    panel = ""
    for one in _settings(context):
        if one.panel != panel:
            panel = one.panel
            lines += ["", f"# ── {panel} ──"]
        lines += ["", *textwrap.wrap(one.help_text, 100, initial_indent="# ", subsequent_indent="# ")]
        value = _as_toml(one.default)
        lines.append(f"#{one.key} = {value}" if value else f"#{one.key} = {one.metavar}   (not set)")
    return "\n".join(lines) + "\n"


def _settings(context: typer.Context) -> Iterator[Setting]:
    """Yield every setting of `transcribe`, then what `watch` has beside, parsed as a run would parse it."""
    in_force: config.InForce = context.find_root().obj
    defaults = in_force.read()
    root: Any = context.find_root().command
    file = in_force.path
    known: set[str] = set()
    for name in ("transcribe", "watch"):
        command = root.commands[name]
        # An input must be named for the parser to be content; nothing is opened.
        parsed = command.make_context(name, ["-"], parent=context.find_root(), default_map=defaults)
        new = [one for one in command.params if one.param_type_name == "option" and one.envvar]
        yield from _settings_of(parsed, [one for one in new if one.name not in known], file)
        known |= {one.name for one in new}


def _settings_of(parsed: Any, parameters: Sequence[Any], file: Path | None) -> Iterator[Setting]:
    for parameter in parameters:
        source = parsed.get_parameter_source(parameter.name).name
        value = parsed.params[parameter.name]
        origin = "default"
        if source == "ENVIRONMENT":
            origin = parameter.envvar
        elif source == "DEFAULT_MAP" and file is not None:
            origin = f"{file}:{config.line_of(file, parameter.name)}"
        yield Setting(
            key=parameter.name.replace("_", "-"),
            variable=parameter.envvar,
            panel=parameter.rich_help_panel or "",
            help_text=_MARKUP.sub("", parameter.help or ""),
            metavar=parameter.metavar or "VALUE",
            default=parameter.default,
            value=str(value) if isinstance(value, Path) else value,
            origin=origin,
        )


def _asked_for(context: typer.Context) -> Path | None:
    asked: Path | None = context.find_root().params.get("config_file")
    return asked


def _as_toml(value: Any) -> str:
    """Return a value as qasr.toml spells it, or "" for what is not set."""
    if value is None or value == "":
        return ""
    return json.dumps(value, ensure_ascii=False)  # text, numbers and truth are the same in both


def _unknown_variables(known: set[str]) -> Iterator[tuple[str, str]]:
    """Yield every QASR_* variable that nothing reads, with the nearest that something does."""
    everything = sorted(known | set(_OTHER_VARIABLES))
    for name in sorted(os.environ):
        if name.startswith("QASR_") and name not in everything:
            close = difflib.get_close_matches(name, everything, n=1, cutoff=0.8)
            yield name, close[0] if close else ""
