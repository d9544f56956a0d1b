"""What `qasr align` does once its flags are read: one recording, one script, from decoding to files.

In go paths and options; out comes an exit code. Whatever can fail for want of a file fails before the model
is loaded.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

from qasr_cli import engines, formats, pipeline
from qasr_cli.cli.choices import STDIO, read_text
from qasr_cli.cli.jobs import plan_outputs, refuse_report, with_known_formats
from qasr_cli.cli.telling import begin, refuse_inputs
from qasr_cli.errors import CannotCreateError, ExitCode, UsageError, naming
from qasr_cli.formats.readers.script_reading import ScriptFile
from qasr_cli.media.ffmpeg import find_tools
from qasr_cli.options import LogOptions, Options
from qasr_cli.pipeline import Followed
from qasr_cli.records import Outcome, Source, Status
from qasr_cli.runs.execution.engine_lane import contain
from qasr_cli.runs.files import atomic_write, scratch
from qasr_cli.runs.inputs import discovery
from qasr_cli.runs.planning import output_plan
from qasr_cli.speech.inference.protocols import refuse_unknown_languages
from qasr_cli.terminal import stdio
from qasr_cli.terminal.events import Reporter

logger = logging.getLogger(__name__)

REPORT_SCHEMA = "qasr.align.v1"


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be aligned with what, and where to say what differs."""

    media: Path
    script: Path
    report: Path | None


def align(job: Job, options: Options, log: LogOptions) -> int:
    """Time a script's words and return the exit code."""
    options = replace(options, output=with_known_formats(options.output))
    stdout = stdio.guard()
    inputs = [job.media, job.script]
    refuse_inputs("--report", job.report, inputs)
    reporter = begin(log, inputs)()
    begun_s = time.monotonic()
    source = _recording(job.media, options)
    (plan,) = output_plan.refuse_unwritable(
        plan_outputs([source], options.output, lambda _: options.decode.language)
    )
    if plan.error is not None:
        raise plan.error
    refuse_report(job.report, [plan])
    script_place = job.script.resolve()
    if any(
        (one.folder / name).resolve() == script_place for one in plan.targets.values() for name in one.names()
    ):
        raise CannotCreateError(f"{job.script}: its result would replace the script itself", "use -o DIR")
    if job.report and os.path.lexists(job.report) and not options.output.is_overwrite:
        raise CannotCreateError(f"{job.report} exists already")
    script = _read_script(job.script)
    reporter.begin([source])
    try:
        with naming(job.media):
            followed = _follow(source, script, options, reporter)
        texts = pipeline.render(followed.transcript, options.cue, options.output, followed.cues)
        paths, output = plan.paths(followed.transcript.language), options.output
        for name, path in paths.items():
            atomic_write.write(
                path, texts[name], is_overwrite=output.is_overwrite, is_backup=output.is_backup
            )
        if job.report:
            atomic_write.write(job.report, _report(job, followed), is_overwrite=options.output.is_overwrite)
        if options.output.is_stdout:
            stdout.write("".join(texts.values()))
        wall_s = time.monotonic() - begun_s
        duration_ms = followed.transcript.duration_ms
        written = tuple(paths.values())
        reporter.finished(
            Outcome(source, Status.DONE, duration_ms, wall_s, written, warnings=followed.warnings)
        )
    finally:
        reporter.end("")
    return ExitCode.OK


def _recording(media: Path, options: Options) -> Source:
    """Return the source that a name or a pattern stands for.

    Raises:
        UsageError: It is a folder, or several files.
        NoInputError: There is none.
    """
    found = [] if media.is_dir() else discovery.discover([media], options.find).sources
    if len(found) != 1:
        what = f"{len(found)} files" if found else "a folder"
        raise UsageError(f"{media}: {what}, and a script is of one recording", "name the media file")
    return found[0]


def _read_script(path: Path) -> ScriptFile:
    name = "stdin" if path == Path(STDIO) else str(path)
    text = read_text(path, name, "give plain text in UTF-8, or an SRT file")
    with naming(name):
        return formats.parse_script(text)


def _follow(source: Source, script: ScriptFile, options: Options, reporter: Reporter) -> Followed:
    engines.refuse_unknown_languages(options.engine, options.decode)
    find_tools()
    with scratch.folder() as folder:
        reporter.stage("reading media")
        prepared = pipeline.prepare(source, folder, options, threading.Event(), reporter.stage)
        reporter.prepared(source, prepared.waveform.duration_ms, prepared.speech_ms)
        reporter.stage("loading the model")
        loaded = engines.load(options.engine)
        refuse_unknown_languages(loaded.engines.languages, options.decode, options.engine.engine)
        reporter.ready()
        return pipeline.follow(prepared, script, loaded, options, reporter.recognized, contain)


def _report(job: Job, followed: Followed) -> str:
    told = {
        "schema": REPORT_SCHEMA,
        "media": job.media.name,
        "script": job.script.name,
        "words": followed.n_words,
        "timed_words": followed.n_timed,
        "fit": round(followed.fit, 3),
        "unspoken": [
            {"line": origin.line, **({} if origin.cue is None else {"cue": origin.cue}), "text": text}
            for origin, text in followed.unspoken
        ],
        "ad_libs": [
            {"start_ms": one.start_ms, "end_ms": one.end_ms, "text": one.text} for one in followed.ad_libs
        ],
    }
    return json.dumps(told, ensure_ascii=False, indent=1) + "\n"
