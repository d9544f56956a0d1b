"""Flags that several commands share, turned into options."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

from qasr_cli.errors import NoInputError, UndecodableError, UsageError, from_os_error
from qasr_cli.languages import AUTO
from qasr_cli.options import CueOptions, OutputOptions
from qasr_cli.subtitles.limits import resolve
from qasr_cli.timebase import broadcast_rate, seconds_to_ms

STDIO = "-"  # as an input: stdin; as an output: stdout
NO_FPS = "none"


def output_options(
    output: str, formats: tuple[str, ...], *, is_from_stdin: bool, overwrite: bool
) -> OutputOptions:
    """Return where results go: what came in through stdin goes out through stdout unless told otherwise."""
    is_stdout = output == STDIO or (not output and is_from_stdin)
    return OutputOptions(
        formats=formats,
        folder=Path(output) if output and not is_stdout else None,
        is_stdout=is_stdout,
        is_overwrite=overwrite,
    )


def format_names(as_list: str, **asked_for: bool) -> tuple[str, ...]:
    """Return the formats that switches and `--output-format` name together, each once; SRT when none."""
    names = [name for name, is_asked in asked_for.items() if is_asked]
    names += [name.strip().lower() for name in as_list.split(",") if name.strip()]
    return tuple(dict.fromkeys(names)) or OutputOptions().formats


def cue_options(
    profile: str,
    counts: tuple[int | None, int | None, int | None],
    cps: float | None,
    seconds: tuple[float | None, float | None, float | None],
    fps: str,
) -> CueOptions:
    """Return the limits of a cue; the command line speaks in seconds.

    Args:
        profile: Its name.
        counts: Line width, lines and words.
        cps: Reading speed.
        seconds: Shortest and longest cue, gap.
        fps: `auto`, `none` or a number.

    Raises:
        UsageError: There is no such profile, or a limit is impossible.
    """
    width, lines, words = counts
    shortest_ms, longest_ms, gap_ms = (None if value is None else seconds_to_ms(value) for value in seconds)
    limits = CueOptions(
        *(profile, width, lines, words, cps, shortest_ms, longest_ms, gap_ms),
        frame_rate=_frame_rate(fps),
        is_frame_true=fps.lower() != NO_FPS,
    )
    resolve(limits, None)  # what contradicts itself in English does so before any work is done
    return limits


def _frame_rate(text: str) -> Fraction | None:
    if text.lower() in {AUTO, NO_FPS}:
        return None
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise UsageError(f"--fps {text}: say auto, none or a number such as 25 or 24000/1001") from None
    return broadcast_rate(rate)


def read_text(path: Path, name: str, hint: str) -> str:
    """Return what a text file of the user's, or stdin, holds.

    `name` names it in errors, `hint` says what it should be.

    Raises:
        NoInputError: There is no such file.
        UndecodableError: It is not text.
        QasrError: It cannot be read.
    """
    try:
        return sys.stdin.read() if path == Path(STDIO) else path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise NoInputError(f"{name}: no such file") from error
    except (UnicodeDecodeError, IsADirectoryError) as error:
        raise UndecodableError(f"{name}: not a text file", hint) from error
    except OSError as error:
        raise from_os_error(error, f"reading {name}") from error
