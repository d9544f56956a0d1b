"""`qasr render`: makes subtitles from existing transcripts, without a model.

In go transcript JSON files and options; out come files, or a text on stdout, and an exit code.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from qasr_cli import formats
from qasr_cli.errors import QasrError, naming
from qasr_cli.operating_system import streams
from qasr_cli.options import CueOptions, OutputOptions
from qasr_cli.pipeline import finish
from qasr_cli.records import Outcome, Source, Status, Transcript
from qasr_cli.runs.files import atomic_write
from qasr_cli.runs.planning import output_names
from qasr_cli.runs.planning.output_plan import Plan
from qasr_cli.runs.reports.summary import RunReport
from qasr_cli.tasks import outputs
from qasr_cli.tasks.text_input import read_text
from qasr_cli.terminal import logs, stdio
from qasr_cli.terminal.stdio import DataStream


def render(inputs: Sequence[Path], cues: CueOptions, output: OutputOptions, *, verbosity: int) -> int:
    """Render each transcript and return the exit code; one that cannot be rendered does not stop the others.

    Raises:
        UsageError: A format is unknown, or there are several results for stdout.
    """
    logs.configure(verbosity)
    layout = outputs.resolve(output)
    stdout = stdio.guard()
    report = RunReport()
    sources = [Source(number, path, relative) for number, (path, relative) in enumerate(_relative(inputs))]
    for plan in outputs.plan(sources, layout, _language_for_name):
        try:
            paths = _render_one(plan, cues, layout.options, stdout)
            report.add(Outcome(plan.source, Status.DONE, outputs=paths))
        except QasrError as error:
            logs.report_error(error)
            report.add(Outcome(plan.source, Status.FAILED, error=error))
    return report.exit_code


def _relative(inputs: Sequence[Path]) -> Iterator[tuple[Path, Path]]:
    """Yield each input with the name that its results follow from: `-`, `-2` and so on for streams."""
    n_streams = 0
    for path in inputs:
        n_streams += streams.is_stream(path)
        name = f"-{'' if n_streams == 1 else n_streams}" if streams.is_stream(path) else path.name
        yield path, Path(name)


def _render_one(plan: Plan, cues: CueOptions, output: OutputOptions, stdout: DataStream) -> tuple[Path, ...]:
    """Write one transcript's results and return their paths."""
    if plan.error is not None:
        raise plan.error
    transcript = read_transcript(plan.source.path)
    texts = finish.render(transcript, cues, output)
    paths = plan.paths(transcript.language)
    for name, path in paths.items():
        atomic_write.write(path, texts[name], is_overwrite=output.overwrite, is_backup=output.backup)
    if output.is_stdout:
        stdout.write("".join(texts.values()))
    return tuple(paths.values())


def _language_for_name(source: Source) -> str | None:
    """Return the language of a transcript, for its results' names; None if it cannot be read (yet)."""
    if streams.is_stream(source.path) or streams.is_pipe(source.path):  # can be read once
        return None
    try:
        return read_transcript(source.path).language or output_names.UNDETERMINED
    except QasrError:
        return None


def read_transcript(path: Path) -> Transcript:
    """Read a transcript from a JSON file or stdin.

    Raises:
        NoInputError: There is no such file.
        UndecodableError: It is not a transcript of qasr.
    """
    text = read_text(path, streams.shown(path), "give a file from --json")
    with naming(streams.shown(path)):
        return formats.parse_transcript(text)
