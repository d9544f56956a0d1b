"""The program: its root command, and the only place that turns an error into an exit code.

In go arguments; out comes an exit code. A command's module is imported when the command is used; torch is
never imported here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, NoReturn

from qasr_cli.cli import settings_file, signals, typer_adapter
from qasr_cli.cli.commands import COMMANDS
from qasr_cli.cli.settings_file import SettingsState
from qasr_cli.cli.typer_adapter import Context
from qasr_cli.errors import ConfigError, ExitCode, QasrError, UsageError, printable
from qasr_cli.options import FlagSpec
from qasr_cli.terminal.stdio import ReaderGone
from qasr_cli.version import __version__

_HELP = """Turn media into subtitles with word-level timings.

\b
Examples:
  qasr transcribe film.mp4                          write film.srt beside it
  qasr transcribe talks/ -r --vtt --json -o out/    transcribe a whole tree
  qasr watch talks/                                 wait for new files
  curl -s URL | qasr transcribe - --txt | less      stdin to stdout
  qasr transcribe film.mp4 --model demo             a toy model, no download
"""
_WHISPER_LIKE = {"transcribe", "watch"}  # they accept whisper's spellings
# Commands whose flags the settings file may set; other commands use the flags that they share with these.
_CONFIGURED = ("transcribe", "watch", "serve", "live")
_FILE_IS_NOT_READ = {"config"}  # must be able to name a file that cannot be read

app = typer_adapter.App(
    "qasr",
    _HELP,
    cls=typer_adapter.lazy_group(COMMANDS),
    no_args_is_help=True,
    add_completion=True,
)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer_adapter.echo(f"qasr {__version__}")
        raise typer_adapter.Exit


_Config = FlagSpec(
    "",
    "Settings file. Default: ./qasr.toml, then ~/.config/qasr/qasr.toml.",
    ("--config",),
    metavar="FILE",
    kind=Path,
)
_Version = FlagSpec("", "Print the version.", ("--version", "-V"), kind=bool, default=False, is_setting=False)


@app.callback()
def configure(
    context: Context,
    config_file: Annotated[Path | None, typer_adapter.option(_Config)] = None,
    version: Annotated[bool, typer_adapter.option(_Version, callback=_print_version, is_eager=True)] = False,
) -> None:
    """Read the settings file before a command reads its flags."""
    state: SettingsState = context.obj
    state.asked_for = config_file
    name = context.invoked_subcommand
    state.command = name or ""
    if name is None or name in _FILE_IS_NOT_READ:
        return
    try:
        values = state.read(lambda: settings(context))
    except ConfigError as error:
        if not state.is_help_wanted:
            raise
        state.problem = error  # --help may be the value of a flag
        return
    if values:
        context.default_map = {name: settings_file.for_flags(values, _flags(context, name))}


def settings(context: Context) -> Iterator[FlagSpec]:
    """Yield every flag that the settings file may set."""
    for name in _CONFIGURED:
        yield from _flags(context, name)


def _flags(context: Context, command: str) -> tuple[FlagSpec, ...]:
    from qasr_cli.cli.params.grouped import flags_of_command

    return flags_of_command(typer_adapter.command_of(context, command))


def run() -> NoReturn:
    """Run the command line and exit; `signals.install` has been called."""
    code = _run(sys.argv[1:])
    signals.settle()
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    state = SettingsState(is_help_wanted=not {"--help", "-h"}.isdisjoint(arguments))
    try:
        code = _dispatch(arguments, state)
        # Typer makes an exit code of Ctrl-C itself; no command returns this one.
        return _report_interrupt() if code == ExitCode.INTERRUPTED else code
    except QasrError as error:
        return _report(error, state)
    except typer_adapter.UsageProblem as error:
        return _report_usage(error, state)
    except ReaderGone:
        return ExitCode.BROKEN_PIPE  # a shell's exit code for a program whose reader has closed stdout
    except (KeyboardInterrupt, typer_adapter.Abort):
        return _report_interrupt()
    except Exception as error:  # noqa: BLE001 - one of the two places: nothing leaves with a traceback
        from qasr_cli.terminal import logs

        logs.report_crash(error)
        return ExitCode.INTERNAL


def _dispatch(arguments: list[str], state: SettingsState) -> int:
    for before, argument in zip(["", *arguments], arguments, strict=False):
        if not argument and not before.startswith("-"):  # else it is a flag's value
            raise UsageError("empty argument", "is a shell variable unset?")
    name = next((one for one in arguments[:3] if one in _WHISPER_LIKE), None)
    if name is not None:
        from qasr_cli.cli import whisper

        at = arguments.index(name) + 1
        translated, ignored = whisper.translate(arguments[at:])
        if ignored:
            sys.stderr.write(f"qasr: note: no effect here: {printable(' '.join(ignored))}\n")
        arguments = [*arguments[:at], *translated]
    return typer_adapter.run(app, arguments, state) or ExitCode.OK


def _report_interrupt() -> int:
    sys.stderr.write("qasr: interrupted; finished files are kept. Run the same command to continue.\n")
    return ExitCode.INTERRUPTED


def _report(error: QasrError, state: SettingsState) -> int:
    """Print an error's line; a wrong value that comes from the settings file is an error of that file."""
    from qasr_cli.terminal import logs

    if isinstance(error, UsageError) and (origin := state.origin(error.flag)):
        error = ConfigError(f"{origin}: {error.message}", error.hint, path=state.path, flag=error.flag)
    elif isinstance(error, UsageError) and error.hint == UsageError.hint and state.command:
        error = UsageError(
            error.message, f"see qasr {state.command} --help", path=error.path, flag=error.flag
        )
    logs.report_error(error)
    return error.exit_code


def _report_usage(error: Any, state: SettingsState) -> int:
    """Print a usage error's line; a command without arguments prints its help instead."""
    problem = typer_adapter.problem(error)
    if problem.is_nothing_given:
        sys.stderr.write(f"{problem.text}\n")
        return ExitCode.USAGE
    if problem.flag and problem.is_from_file:
        key = problem.flag.removeprefix("--").replace("-", "_")
        state.in_force[key] = (key,)
    from qasr_cli.hooks.address import without_secrets

    text = without_secrets(problem.text.rstrip("."))  # an argument too many may be an address
    return _report(UsageError(text, f"see {problem.command} --help", flag=problem.flag), state)
