"""`qasr config`: the settings in force and their origins, trust in a folder, and a template of a file.

In go the flags of `qasr transcribe`, `qasr watch`, `qasr serve` and `qasr live`, so that new flags are
included; out come a table, a path, a record of trust or a commented qasr.toml. Never replaces a settings
file.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from qasr_cli.cli import settings_file, settings_trust, typer_adapter
from qasr_cli.cli.params.grouped import flags_of_command
from qasr_cli.cli.settings_file import SettingsState
from qasr_cli.cli.settings_trust import Trust
from qasr_cli.cli.typer_adapter import Context, Operand, ValueOrigin
from qasr_cli.errors import CannotCreateError, ConfigError, NoInputError, UsageError
from qasr_cli.operating_system.files import real_path
from qasr_cli.options import FlagSpec
from qasr_cli.options.secret import HIDDEN

_COMMANDS = ("transcribe", "watch", "serve", "live")  # whose flags are settings
_OTHER_VARIABLES = (  # read, and no flag
    *("QASR_CONFIG", "QASR_CACHE", "QASR_FFMPEG", "QASR_KOREAN_DICT", "QASR_VLLM_ARGS"),
)

app = typer_adapter.App("config", "Show settings and where they come from.")
_JSON = FlagSpec("", "Print JSON.", ("--json",), kind=bool, is_setting=False)
_List = FlagSpec("", "List the trusted files instead.", ("--list",), kind=bool, is_setting=False)
_FOLDER = Operand("FOLDER", "Folder with a qasr.toml. Default: this folder.")
_FILE = Operand("FILE", "File to write. An existing file is not replaced. Default: qasr.toml.")


@dataclass(frozen=True, slots=True)
class SettingInForce:
    """A setting of qasr.toml, with its value in force.

    Attributes:
        flag: Its flag.
        key: Its key in the file.
        value: Its value without flags.
        origin: `default`, `QASR_MODEL` or `qasr.toml:3`.
        ignored: `qasr.toml:4` if that line does not count, because the folder is not trusted; else "".
    """

    flag: FlagSpec
    key: str
    value: Any
    origin: str
    ignored: str = ""


@app.callback(invoke_without_command=True)
def overview(context: Context) -> None:
    """Show settings and where they come from. Without a command: the same as show."""
    if context.invoked_subcommand is None:
        show(context)


@app.subcommand("show")
def show(context: Context, as_json: Annotated[bool, typer_adapter.option(_JSON)] = False) -> None:
    """Print every setting, its value in force, and its origin."""
    settings = list(_settings(context))
    if as_json:
        rows = [
            {"key": setting.key, "value": setting.value, "from": setting.origin}
            | ({"ignored": setting.ignored} if setting.ignored else {})
            for setting in settings
        ]
        typer_adapter.echo(json.dumps(rows, ensure_ascii=False, indent=1))
    else:
        from qasr_cli.terminal.tables import print_table

        print_table(
            ("setting", "value", "from"),
            [
                (
                    setting.key,
                    _as_toml(setting.value) or "not set",
                    setting.origin + (f" ({setting.ignored} is ignored)" if setting.ignored else ""),
                )
                for setting in settings
            ],
        )
    _warn(_state(context))
    for name, nearest in _unknown_variables(
        {name for setting in settings for name in setting.flag.variables}
    ):
        hint = f"; did you mean {nearest}?" if nearest else ""
        typer_adapter.echo(f"qasr: note: {name} is not a setting and has no effect{hint}", err=True)


@app.subcommand("path")
def path(context: Context) -> None:
    """Print the settings file that is read, if any."""
    file = settings_file.find_file(_state(context).asked_for)
    if file is None:
        places = " or ".join(str(place) for place in settings_file.places())
        typer_adapter.echo(f"qasr: note: no settings file; it would be {places}", err=True)
    else:
        typer_adapter.echo(real_path(file))
        with contextlib.suppress(ConfigError):  # its place is named even so
            state = _state(context)
            state.read(lambda: _flags(context))
            _warn(state)


@app.subcommand("trust")
def trust(
    context: Context,
    folder: Annotated[Path, typer_adapter.argument(_FOLDER)] = Path(),
    *,
    as_list: Annotated[bool, typer_adapter.option(_List)] = False,
) -> None:
    """Trust the qasr.toml of a folder as it is now, so that all of its settings count. Read the file first.

    Without trust, a qasr.toml of the working folder may not set where results go, what is replaced, which
    model, engine or file is loaded, or what is run or sent. A file that changes must be trusted again.
    """
    if as_list:
        _list_trusted()
        return
    file = _file_in(folder)
    if not os.path.isfile(file):
        raise NoInputError(f"{file}: no such file", "qasr config init writes one", path=file)
    known = settings_file.known_keys(_flags(context))
    content = settings_file.content(file)
    values = settings_file.parsed(file, content, known)
    from qasr_cli.terminal import logs

    logs.configure(0)
    settings_trust.trust(file, content)
    typer_adapter.echo(f"{settings_trust.place_of(file)}: trusted until it changes")
    for key, value in settings_file.needing_trust(values, known).items():
        shown = HIDDEN if value and known[key].is_secret else value
        typer_adapter.echo(f"  {key.replace('_', '-')} = {_as_toml(shown)}")


@app.subcommand("untrust")
def untrust(folder: Annotated[Path, typer_adapter.argument(_FOLDER)] = Path()) -> None:
    """Withdraw the trust in a folder's qasr.toml. The file need not exist any more."""
    file = _file_in(folder)
    was_trusted = settings_trust.forget(file)
    typer_adapter.echo(
        f"{settings_trust.place_of(file)}: {'no longer trusted' if was_trusted else 'was not trusted'}"
    )


def _list_trusted() -> None:
    """Print a line for each trusted file: whether it is as it was trusted, and its path."""
    for trusted in settings_trust.every():
        try:
            is_same = settings_trust.state_of(trusted.file, settings_file.content(trusted.file)) is Trust.YES
            state = "trusted" if is_same else "changed"
        except ConfigError:
            state = "gone"
        typer_adapter.echo(f"{state}  {trusted.file}")


def _file_in(folder: Path) -> Path:
    """Return the settings file of a folder; the file itself may be named, too."""
    return folder if folder.name == settings_file.FILE_NAME else folder / settings_file.FILE_NAME


def _warn(state: SettingsState) -> None:
    if text := settings_file.ignored_line(state.path, state.ignored, state.trust):
        typer_adapter.echo(f"qasr: warning: {text}", err=True)


@app.subcommand("init")
def init(
    context: Context,
    file: Annotated[Path, typer_adapter.argument(_FILE)] = Path(settings_file.FILE_NAME),
) -> None:
    """Write a settings file with every key, its meaning and its default, all of it commented out."""
    if str(file) == "-":
        raise UsageError("qasr config init writes a file", "give it a name, or none for qasr.toml")
    if os.path.lexists(file):
        raise CannotCreateError(f"{file} already exists", "give another FILE, or edit this one", path=file)
    from qasr_cli.runs.files import atomic_write
    from qasr_cli.terminal import logs

    logs.configure(0)
    atomic_write.write(file, template(context), is_overwrite=False)
    typer_adapter.echo(file)


def template(context: Context) -> str:
    """Return a qasr.toml with every setting as a comment, in the order of the help."""
    lines = [
        "# Settings of qasr. A key is a long flag without its dashes; remove a # to make a line count.",
        "# A flag beats a variable (QASR_MODEL=demo) beats this file. What is in force: qasr config show",
        "# In the working folder, a setting marked with (trust) counts only after: qasr config trust",
    ]
    panel = ""
    for setting in _settings(context):
        flag = setting.flag
        if flag.panel != panel:
            panel = flag.panel
            lines += ["", f"# ── {panel} ──"]
        text = flag.help if flag.harmless is True else f"{flag.help} (trust)"
        lines += ["", *textwrap.wrap(text, 100, initial_indent="# ", subsequent_indent="# ")]
        value = _as_toml(flag.default)
        lines.append(f"#{setting.key} = {value}" if value else f"#{setting.key} = {flag.metavar}   (not set)")
    return "\n".join(lines) + "\n"


def _settings(context: Context) -> Iterator[SettingInForce]:
    """Yield every setting of `transcribe`, then the additional ones of the others, panel by panel."""
    state = _state(context)
    values = state.read(lambda: _flags(context))
    listed: set[str] = set()
    for name in _COMMANDS:
        # A parser may require an input; nothing is opened.
        described = typer_adapter.parameters(typer_adapter.command_of(context, name))
        inputs = ["-"] if any(parameter.is_required for parameter in described) else []
        parsed = typer_adapter.parse(name, inputs, context, values)
        for flag in typer_adapter.in_help_order(flags_of_command(parsed.command)):
            if flag.is_setting and flag.key not in listed:
                listed.add(flag.key)
                yield _in_force(flag, parsed, state)


def _flags(context: Context) -> Iterator[FlagSpec]:
    for name in _COMMANDS:
        yield from flags_of_command(typer_adapter.command_of(context, name))


def _in_force(flag: FlagSpec, parsed: Context, state: SettingsState) -> SettingInForce:
    place = typer_adapter.value_origin(parsed, flag.key)
    value = parsed.params[flag.key]
    origin = "default"
    if place is ValueOrigin.VARIABLE:
        origin = next(name for name in flag.variables if os.environ.get(name))
    elif place is ValueOrigin.FILE and state.path is not None:
        origin = settings_file.where(state.path, flag.keys)
    ignored = ""
    if flag.key in state.ignored and state.path is not None:
        ignored = settings_file.where(state.path, flag.keys)
    shown = str(value) if isinstance(value, Path) else HIDDEN if value and flag.is_secret else value
    return SettingInForce(flag, flag.key.replace("_", "-"), shown, origin, ignored)


def _state(context: Context) -> SettingsState:
    state: SettingsState = context.find_root().obj
    return state


def _as_toml(value: Any) -> str:
    """Return a value in the syntax of qasr.toml, or "" if it is not set."""
    if value is None or value == "":
        return ""
    return json.dumps(value, ensure_ascii=False)  # texts, numbers and booleans are the same in both


def _unknown_variables(read_variables: set[str]) -> Iterator[tuple[str, str]]:
    """Yield every unknown QASR_* variable, with the nearest known one."""
    everything = sorted(read_variables | set(_OTHER_VARIABLES))
    for name in sorted(os.environ):
        if name.startswith("QASR_") and name not in everything:
            close = difflib.get_close_matches(name, everything, n=1, cutoff=0.8)
            yield name, close[0] if close else ""
