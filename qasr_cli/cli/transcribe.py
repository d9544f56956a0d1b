"""`qasr transcribe`: flags become options; the work itself is in `jobs`, loaded when there is some."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import typer

from qasr_cli.cli import flags, telling
from qasr_cli.cli.choices import STDIO
from qasr_cli.cli.find_flags import FindFlags
from qasr_cli.cli.flag import grouped, weight
from qasr_cli.cli.flags import DEFAULTS
from qasr_cli.cli.groups import (
    CueFlags,
    EngineFlags,
    FormatFlags,
    PlaceFlags,
    SpeechFlags,
    transcript_options,
)
from qasr_cli.cli.hook_flags import HookFlags
from qasr_cli.cli.run_flags import RunFlags
from qasr_cli.errors import UsageError
from qasr_cli.options import OutputOptions

EPILOG = (
    "whisper's and whisperX's spellings work too: --output_dir, --output_format, --initial_prompt, "
    "--max_line_width, --max_line_count, --highlight_words True, --model large. "
    'Every flag is also a variable (QASR_MODEL=demo) and a key of qasr.toml (model = "demo").'
)


@dataclass(frozen=True, slots=True)
class LineFormatFlags(FormatFlags):
    """Which formats come out, or a line a source."""

    json_lines: flags.JsonLines = DEFAULTS.output.json_lines


@grouped
def command(
    parsed: typer.Context,
    inputs: flags.Inputs = None,
    *,
    formats: LineFormatFlags,
    highlight_words: flags.HighlightWords = DEFAULTS.output.highlight_words,
    place: PlaceFlags,
    engine: EngineFlags,
    rescue_model: flags.RescueModel = DEFAULTS.guard.fallback_model,
    speech: SpeechFlags,
    cue: CueFlags,
    shots: flags.Shots = DEFAULTS.picture.shots,
    which: FindFlags,
    running: RunFlags,
    after: HookFlags,
    told: telling.Telling,
    report: telling.ReportFile = None,
) -> None:
    """Transcribe media files, folders or stdin to subtitles.

    Existing results are never replaced without --overwrite; a bad file never stops the others.
    """
    request = which.request(inputs)
    is_from_stdin = Path(STDIO) in request.inputs
    options = replace(
        transcript_options(engine, rescue_model, speech, cue, is_finding_shots=shots),
        output=replace(
            _output(parsed, formats.chosen(parsed), place, is_from_stdin=is_from_stdin),
            highlight_words=highlight_words,
        ),
        find=which.options(),
        run=running.options(),
        hooks=after.options(),
    )
    if is_from_stdin and options.hooks.exec_after is not None:
        raise UsageError("--exec-after is about files, and - is none", "pipe the result on instead")
    from qasr_cli.tasks import dry_run, transcribe

    if which.dry_run:
        raise typer.Exit(dry_run.dry_run(request, options, verbosity=told.options().verbosity))
    raise typer.Exit(transcribe.transcribe(request, options, told.options(), report))


def _output(
    parsed: typer.Context, formats: LineFormatFlags, place: PlaceFlags, *, is_from_stdin: bool
) -> OutputOptions:
    """Return what goes where.

    Raises:
        UsageError: Lines are for stdout, and as much was said for files.
    """
    if not formats.json_lines:
        return place.options(formats.names, is_from_stdin=is_from_stdin)
    if replace(formats, json_lines=False) != LineFormatFlags():
        raise UsageError("--json-lines is a format of its own", "leave it or the other formats out")
    if place.output not in {"", STDIO} and weight(parsed, "output") >= weight(parsed, "json_lines"):
        raise UsageError(
            f"--json-lines goes to stdout, and -o {place.output} is a folder", "leave one of them out"
        )
    return replace(replace(place, output=STDIO).options(("jsonl",)), json_lines=True)
