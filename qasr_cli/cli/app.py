"""The commands of qasr, and the one place that turns an error into an exit code.

In go arguments; out comes an exit code. Knows Typer and the rooms below by name; loads torch never itself.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import typing
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer

from qasr_cli import __version__
from qasr_cli.cli import (
    align,
    check,
    config,
    doctor,
    models,
    render,
    runs,
    settings,
    transcribe,
    watch,
    whisper,
)
from qasr_cli.errors import ConfigError, ExitCode, QasrError, UsageError
from qasr_cli.terminal import logs
from qasr_cli.terminal.stdio import ReaderGone

# Typer's click is its own copy and nobody's to import; its usage error is known by a child that Typer names.
_TyperUsageError: type[Exception] = typer.BadParameter.__mro__[1]

_HELP = """Turn media into subtitles with word-level timings.

[bold]qasr transcribe film.mp4[/]  writes film.srt beside it.

[bold]qasr transcribe talks/ -r --vtt --json -o out/[/]  does a whole tree at once.

[bold]qasr watch talks/[/]  stays, and transcribes what appears there.

[bold]curl -s URL | qasr transcribe - --txt | less[/]  reads stdin and writes stdout.

[bold]qasr transcribe film.mp4 --model demo[/]  needs no download: a toy model, to try qasr with.
"""

app = typer.Typer(
    name="qasr",
    help=_HELP,
    rich_markup_mode="rich",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100},
)
app.command("transcribe", epilog=transcribe.EPILOG)(transcribe.command)
app.command("watch", epilog=watch.EPILOG)(watch.command)
app.command("align", epilog=align.EPILOG)(align.command)
app.command("render")(render.command)
app.command("check", epilog=check.EPILOG)(check.command)
app.add_typer(models.app, name="models")
app.add_typer(runs.app, name="runs")
app.add_typer(settings.app, name="config")
app.command("doctor")(doctor.command)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"qasr {__version__}")
        raise typer.Exit


@app.callback()
def configure(
    context: typer.Context,
    config_file: Annotated[
        Path | None,
        typer.Option(
            "--config",
            envvar="QASR_CONFIG",
            metavar="FILE",
            help="Settings file. Default: ./qasr.toml, then ~/.config/qasr/qasr.toml.",
            show_default=False,
        ),
    ] = None,
    version: Annotated[
        bool,
        typer.Option("--version", "-V", callback=_print_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Read the settings file before a command reads its flags."""
    in_force: config.InForce = context.obj
    in_force.asked_for = config_file
    if context.invoked_subcommand == "config":  # must be able to name a file that cannot be read
        return
    read = in_force.read()
    if read:
        accepted = {name: set(_settings_of(function)) for name, function in _COMMANDS.items()}
        context.default_map = {
            name: {key: value for key, value in read.items() if key in keys}
            for name, keys in accepted.items()
        }


_COMMANDS: dict[str, Callable[..., None]] = {
    "transcribe": transcribe.command,
    "watch": watch.command,
    "align": align.command,
    "render": render.command,
    "check": check.command,
}


_KINDS: dict[Any, type] = {str: str, int: int, float: float, bool: bool, list[str]: list, Path: str}


def _settings_of(command: Callable[..., None]) -> dict[str, type]:
    """Return the type of each flag of a command, by parameter name, `list` for one that may be repeated.

    Arguments are not settings.
    """
    settings: dict[str, type] = {}
    for name, hint in typing.get_type_hints(command, include_extras=True).items():
        bare, *described = typing.get_args(hint) if typing.get_origin(hint) is Annotated else (hint,)
        kinds = [kind for kind in (bare, *typing.get_args(bare)) if kind in _KINDS]
        # A path without a variable is an argument, or a flag of one command alone.
        if kinds and (kinds[0] is not Path or any(getattr(one, "envvar", None) for one in described)):
            settings[name] = _KINDS[kinds[0]]
    return settings


def run() -> NoReturn:
    """Run the command line and exit."""
    signal.signal(signal.SIGTERM, _terminate)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # a shell's `&` has it ignored
        signal.signal(signal.SIGINT, _interrupt)
    sys.exit(_run(sys.argv[1:]))


def _run(arguments: list[str]) -> int:
    in_force = config.InForce(lambda: _settings_of(watch.command) | _settings_of(transcribe.command))
    try:
        return _dispatch(arguments, in_force)
    except QasrError as error:
        return _report(error, in_force, arguments)
    except _TyperUsageError as error:
        return _report_usage(error, in_force, arguments)
    except ReaderGone:
        return ExitCode.BROKEN_PIPE  # what a shell reports for any program whose reader has gone
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write("qasr: interrupted; finished files are kept, run the same command to go on\n")
        return ExitCode.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - one of the two places: nothing leaves with a traceback
        logs.report_crash(error)
        return ExitCode.INTERNAL


def _dispatch(arguments: list[str], in_force: config.InForce) -> int:
    for before, argument in zip(["", *arguments], arguments, strict=False):
        if not argument and not before.startswith("-"):  # else it is a flag's value
            raise UsageError("an argument is empty", "is the variable set that it comes from?")
    name = next((one for one in arguments[:3] if one in {"transcribe", "watch"}), None)
    if name is not None:
        at = arguments.index(name) + 1
        translated, ignored = whisper.translate(arguments[at:])
        if ignored:
            sys.stderr.write(f"qasr: note: no effect here: {' '.join(ignored)}\n")
        arguments = [*arguments[:at], *translated]
    return app(arguments, prog_name="qasr", standalone_mode=False, obj=in_force) or ExitCode.OK


def _report(error: QasrError, in_force: config.InForce, arguments: list[str]) -> int:
    """Print an error's one line; a wrong flag that nobody typed is a mistake in the settings file."""
    if isinstance(error, UsageError) and (origin := in_force.origin(error.message, arguments)):
        error = ConfigError(f"{origin}: {error.message}", error.hint)
    logs.report_error(error)
    return error.exit_code


def _report_usage(error: Any, in_force: config.InForce, arguments: list[str]) -> int:
    """Print a wrong flag's one line; a command without anything gets its help instead."""
    text = error.format_message()
    if "NoArgs" in type(error).__name__:
        sys.stderr.write(f"{text}\n")
        return ExitCode.USAGE
    where = error.ctx.command_path if error.ctx else "qasr"
    return _report(UsageError(text.rstrip("."), f"see {where} --help"), in_force, arguments)


def _interrupt(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGINT, _stop_at_once)
    raise KeyboardInterrupt


def _stop_at_once(number: int, frame: FrameType | None) -> None:
    # What is being written has no name yet, and what lies on disk for the run goes with the next one.
    # Straight to the descriptor: the signal may have come in the middle of a write to sys.stderr.
    cursor = b"\x1b[?25h" if os.isatty(2) else b""
    with contextlib.suppress(OSError):
        os.write(2, cursor + b"qasr: stopped at once\n")
    os._exit(ExitCode.INTERRUPTED)


def _terminate(number: int, frame: FrameType | None) -> None:
    # Without this, `finally` blocks do not run on SIGTERM and temporary files stay.
    raise SystemExit(128 + number)
