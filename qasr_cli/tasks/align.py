"""`qasr align`: the words of a script get their times; a run over one source, with a script.

In go a recording, a script and options; out come files, a report of the differences, and an exit code. A
missing file is an error before the model is loaded. Recognised chunks are saved in a checkpoint: a second
call resumes where the first was interrupted, and a call with a corrected script need not recognise again.
"""

from __future__ import annotations

import functools
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from qasr_cli import engines
from qasr_cli.errors import CannotCreateError, UsageError
from qasr_cli.formats.readers import encodings
from qasr_cli.options import LogOptions, Options
from qasr_cli.pipeline.script import AlignedScript
from qasr_cli.records import Source
from qasr_cli.runs.execution.finish_lane import FinishedSource, OnFinished
from qasr_cli.runs.execution.run import Run
from qasr_cli.runs.files import atomic_write
from qasr_cli.runs.inputs import discovery
from qasr_cli.runs.planning import output_plan
from qasr_cli.runs.planning.output_names import OutputLayout
from qasr_cli.runs.planning.output_plan import Plan
from qasr_cli.runs.reports.summary import RunReport
from qasr_cli.runs.state import journal
from qasr_cli.runs.state.journal import Journal
from qasr_cli.speech.inference.session import Session
from qasr_cli.tasks import caption_input, observers, outputs
from qasr_cli.tasks.caption_input import Reading
from qasr_cli.terminal import stdio
from qasr_cli.terminal.events import Reporter

REPORT_SCHEMA = "qasr.align.v1"


@dataclass(frozen=True, slots=True)
class AlignInputs:
    """Recording, script with its encoding ("" detects it), and the path of the report."""

    media: Path
    script: Path
    report: Path | None = None
    encoding: str = ""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The functions that an alignment calls.

    Attributes:
        load: Returns the engines.
        reporter: Handles the events of the run.
        deliver: Writes texts to stdout.
        on_finished: Called with the results, once the files are written.
    """

    load: Callable[[], Session]
    reporter: Reporter
    deliver: Callable[[str], None]
    on_finished: OnFinished


def align(inputs: AlignInputs, options: Options, log: LogOptions) -> int:
    """Time a script's words and return the exit code.

    Raises:
        QasrError: An input is missing or of the wrong kind, or the run cannot begin.
    """
    encodings.require_known(inputs.encoding)
    stdout = stdio.guard()
    paths = [inputs.media, inputs.script]
    observers.refuse_inputs("--report", inputs.report, paths)
    reporter = observers.set_up(log, paths)()

    def write_report(source: Source, finished: FinishedSource) -> None:
        if inputs.report and finished.aligned:
            text = report_text(inputs, finished.aligned)
            atomic_write.write(inputs.report, text, is_overwrite=options.output.overwrite)

    engines.refuse_unknown_languages(options.engine, options.decode)
    load = functools.partial(engines.load, options.engine)
    around = Surroundings(load, reporter, stdout.write, write_report)
    return run_alignment(inputs, outputs.resolve(options.output), options, around).exit_code


def run_alignment(
    inputs: AlignInputs, layout: OutputLayout, options: Options, around: Surroundings
) -> RunReport:
    """Plan, run and report one recording with its script.

    Raises:
        QasrError: An input is missing or of the wrong kind, or the run cannot begin.
    """
    options = replace(options, output=layout.options)
    source = _recording(inputs.media, options)
    (plan,) = output_plan.refuse_unwritable(outputs.plan([source], layout, lambda _: options.decode.language))
    if plan.error is not None:
        raise plan.error
    _refuse_clashes(inputs, plan, is_overwrite=options.output.overwrite)
    script = caption_input.read_script(inputs.script, Reading(inputs.encoding, options.decode.language))
    run_journal = Journal() if options.output.is_stdout else journal.checkpoints_only([source], options)
    run, begun_s = Run(options, around.load, around.reporter, around.deliver, run_journal), time.monotonic()
    try:
        report = run.execute([plan], {source.id: script}, around.on_finished)
    except BaseException:
        around.reporter.end("")  # leaves the terminal as it was, whatever ended the run
        raise
    around.reporter.end(report.summary(time.monotonic() - begun_s), report.quality)
    return report


def _recording(media: Path, options: Options) -> Source:
    """Return the source that a name or a pattern stands for.

    Raises:
        UsageError: It is a folder, or several files.
        NoInputError: There is no such file.
    """
    sources = [] if media.is_dir() else discovery.discover([media], options.find).sources
    if len(sources) != 1:
        count = f"{len(sources)} files" if sources else "a folder"
        raise UsageError.about(
            media, f"{count}, but a script belongs to one recording", "name the media file"
        )
    return sources[0]


def _refuse_clashes(inputs: AlignInputs, plan: Plan, *, is_overwrite: bool) -> None:
    """Refuse to write over the script, a result or a report.

    Raises:
        UsageError: The report has the name of a result.
        CannotCreateError: A result has the name of the script, or the report exists.
    """
    outputs.refuse_report(inputs.report, [plan])
    script_path = inputs.script.resolve()
    targets = plan.targets.values()
    if any((target.folder / name).resolve() == script_path for target in targets for name in target.names()):
        raise CannotCreateError.about(inputs.script, "its result would replace the script", "use -o DIR")
    if inputs.report and os.path.lexists(inputs.report) and not is_overwrite:
        raise CannotCreateError(f"{inputs.report} already exists", path=inputs.report)


def report_text(inputs: AlignInputs, aligned: AlignedScript) -> str:
    """Return the report as JSON: how much of the script was timed, and the differences."""
    fields = {
        "schema": REPORT_SCHEMA,
        "media": inputs.media.name,
        "script": inputs.script.name,
        "words": aligned.n_words,
        "timed_words": aligned.n_timed,
        "fit": round(aligned.fit, 3),
        "unspoken": [
            {"line": origin.line, **({} if origin.cue is None else {"cue": origin.cue}), "text": text}
            for origin, text in aligned.unspoken
        ],
        "ad_libs": [
            {"start_ms": ad_lib.start_ms, "end_ms": ad_lib.end_ms, "text": ad_lib.text}
            for ad_lib in aligned.ad_libs
        ],
    }
    return json.dumps(fields, ensure_ascii=False, indent=1) + "\n"
