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
from qasr_cli.formats.readers.script_reading import ScriptFile
from qasr_cli.operating_system import processes, scratch, streams
from qasr_cli.operating_system.files import real_path
from qasr_cli.options import LogOptions, Options
from qasr_cli.pipeline.script import AlignedScript
from qasr_cli.records import Source
from qasr_cli.runs.execution.composing import FinishedSource
from qasr_cli.runs.execution.finish_lane import OnFinished
from qasr_cli.runs.execution.run import Run
from qasr_cli.runs.files import atomic_write
from qasr_cli.runs.files.name_keys import path_key
from qasr_cli.runs.files.spellings import exists
from qasr_cli.runs.inputs import discovery
from qasr_cli.runs.planning import name_limits, output_plan
from qasr_cli.runs.planning.output_names import OutputLayout
from qasr_cli.runs.planning.output_plan import Plan
from qasr_cli.runs.reports.summary import RunReport
from qasr_cli.runs.state import journal
from qasr_cli.runs.state.journal import Journal
from qasr_cli.speech.inference.session import Session
from qasr_cli.tasks import caption_input, observers, outputs, sources, telling_apart
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


def is_once(media: Path) -> bool:
    """Whether a recording can be read once only: stdin, another stream or a pipe."""
    return streams.is_stream(media) or streams.is_pipe(media)


def align(inputs: AlignInputs, options: Options, log: LogOptions) -> int:
    """Time a script's words and return the exit code.

    Raises:
        QasrError: An input is missing or of the wrong kind, or the run cannot begin.
    """
    processes.require_posix()
    encodings.require_known(inputs.encoding)
    stdout = stdio.guard()
    paths = [inputs.media, inputs.script]
    if is_once(inputs.media):
        options = replace(options, output=options.output.beside_stdin())
    descriptors = [streams.descriptor_of(path) for path in paths]
    if descriptors[0] is not None and descriptors[0] == descriptors[1]:
        raise UsageError(
            f"recording and script are both {streams.shown(inputs.media)}", "give one of them as a file"
        )
    observers.refuse_inputs("--report", inputs.report, paths)
    reporter = observers.set_up(log, paths)()

    def write_report(source: Source, finished: FinishedSource) -> None:
        if inputs.report and finished.aligned:
            text = report_text(inputs, finished.aligned)
            atomic_write.write(inputs.report, text, is_overwrite=options.output.overwrite)

    telling_apart.refuse_channels(options, "align")
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
    is_stream = is_once(inputs.media)
    source = sources.of_streams([inputs.media])[0] if is_stream else _recording(inputs.media, options)
    plans = output_plan.refuse_unwritable(outputs.plan([source], layout, lambda _: options.decode.language))
    (plan,) = name_limits.refuse_unnameable(plans)
    if plan.error is not None:
        raise plan.error
    _refuse_clashes(inputs, plan, is_overwrite=options.output.overwrite)
    script = caption_input.read_script(inputs.script, Reading(inputs.encoding, options.decode.language))
    if is_stream:
        with scratch.folder() as folder:
            stored = replace(plan, source=sources.stored(source, folder))
            return _run(stored, script, options, around, Journal())
    has_state = not options.output.is_stdout
    run_journal = journal.checkpoints_only([source], options) if has_state else Journal()
    return _run(plan, script, options, around, run_journal)


def _run(
    plan: Plan, script: ScriptFile, options: Options, around: Surroundings, run_journal: Journal
) -> RunReport:
    source = plan.source
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
    found = [] if os.path.isdir(media) else discovery.discover([media], options.find).sources
    if len(found) != 1:
        count = f"{len(found)} files" if found else "a folder"
        raise UsageError.about(
            media, f"{count}, but a script belongs to one recording", "name the media file"
        )
    return found[0]


def _refuse_clashes(inputs: AlignInputs, plan: Plan, *, is_overwrite: bool) -> None:
    """Refuse to write over the script, a result or a report.

    Raises:
        UsageError: The report has the name of a result.
        CannotCreateError: A result has the name of the script, or the report exists.
    """
    outputs.refuse_report(inputs.report, [plan])
    script_path = path_key(real_path(inputs.script))
    targets = plan.targets.values()
    if any(
        path_key(real_path(target.folder / name)) == script_path
        for target in targets
        for name in target.names()
    ):
        raise CannotCreateError.about(inputs.script, "its result would replace the script", "use -o DIR")
    if inputs.report and exists(inputs.report) and not is_overwrite:
        raise CannotCreateError(f"{inputs.report} already exists", path=inputs.report)


def _name(path: Path) -> str:
    return streams.shown(path) if streams.is_stream(path) and path != streams.STDIN else path.name


def report_text(inputs: AlignInputs, aligned: AlignedScript) -> str:
    """Return the report as JSON: how much of the script was timed, and the differences."""
    fields = {
        "schema": REPORT_SCHEMA,
        "media": _name(inputs.media),
        "script": _name(inputs.script),
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
