"""A model's answers to references: ordinary runs, round by round, with the ledger of the evaluation.

In go sets of references and the settings of a model; out comes a ledger with the transcript of each source
that could be transcribed, and the errors of the others. Scores nothing.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from qasr_cli import engines, formats
from qasr_cli.engines import memory, model_store
from qasr_cli.errors import QasrError
from qasr_cli.evaluation.answers import AnswerFile, RunFacts
from qasr_cli.evaluation.hypotheses.transcripts import answer_of
from qasr_cli.evaluation.matching import recordings
from qasr_cli.evaluation.utterances import Answer, Utterance
from qasr_cli.formats.readers.script_reading import ScriptFile
from qasr_cli.operating_system import processes, scratch
from qasr_cli.options import FindOptions, Options, OutputOptions
from qasr_cli.pipeline import finish
from qasr_cli.pipeline.engine_cache import EngineCache
from qasr_cli.records import Source, Span, Status, Transcript
from qasr_cli.runs.execution.composing import FinishedSource
from qasr_cli.runs.execution.run import Run
from qasr_cli.runs.planning.output_plan import Plan
from qasr_cli.runs.reports.summary import RunReport
from qasr_cli.runs.state import journal
from qasr_cli.subtitles.qc import check
from qasr_cli.subtitles.rules import limits
from qasr_cli.tasks import eval_sources
from qasr_cli.tasks.eval_sources import EvalSource
from qasr_cli.terminal.events import Reporter

_NO_TEXT = OutputOptions(formats=(), is_stdout=True)  # no files, and no text for stdout either


@dataclass(frozen=True, slots=True)
class ModelSystem:
    """One model to evaluate.

    Attributes:
        name: Its name in reports.
        options: The whole tree, with this model.
        folder: Folder of the evaluation.
        make_reporter: Called for each round.
    """

    name: str
    options: Options
    folder: Path
    make_reporter: Callable[[], Reporter]

    @property
    def settings(self) -> str:
        """Fingerprint of all that decides a transcript; it needs no loaded model.

        Implementations and number formats that should agree are what an evaluation compares, and a folder's
        weights may be other ones tomorrow.
        """
        engine = self.options.engine
        stored = model_store.find(engine.model, engine.revision) if os.path.isdir(engine.model) else None
        parts = (self.options.request_fingerprint(), engine.engine, engine.dtype, stored.id if stored else "")
        return "-".join(parts)

    @property
    def shard(self) -> str:
        """The share of the sources that this call does; "" for all."""
        part, n_parts = self.options.find.shard
        return f"{part}-of-{n_parts}" if n_parts > 1 else ""

    def is_own(self, source: EvalSource) -> bool:
        """Whether a source is in the share of this call."""
        part, n_parts = self.options.find.shard
        return int(source.key, 16) % n_parts + 1 == part


@dataclass(slots=True)
class Done:
    """What came of a model's runs.

    Attributes:
        errors: By the key of a source: why there is no transcript.
        n_resumed: Sources that an earlier call had transcribed.
        n_elsewhere: Sources of other shards that are not there yet.
        report: Outcomes of this call.
    """

    errors: dict[str, str] = field(default_factory=dict)
    n_resumed: int = 0
    n_elsewhere: int = 0
    report: RunReport = field(default_factory=RunReport)


def run_rounds(system: ModelSystem, rounds: Iterable[Sequence[EvalSource]], ledger: AnswerFile) -> Done:
    """Run a model over rounds of sources, as far as the ledger does not have them.

    Args:
        system: The model; it is loaded if there is work.
        rounds: Sources, as they are streamed; those of a round share batches.
        ledger: Open ledger of this model.

    Raises:
        QasrError: The model cannot be loaded, or the ledger cannot be written.
    """
    done = Done()
    options = replace(system.options, output=_NO_TEXT, find=FindOptions())
    load = functools.partial(engines.load, options.engine, options.guard.fallback_model)
    cache = EngineCache(load, memory.reclaim, 0)
    try:
        for sources in rounds:
            todo = _to_do(sources, system, ledger, done)
            if todo:
                _run_round(todo, options, system, ledger, done, cache)
    finally:
        cache.release()
    return done


def _to_do(
    found: Sequence[EvalSource], system: ModelSystem, ledger: AnswerFile, done: Done
) -> list[EvalSource]:
    """Return the sources of a round that have no transcript yet and are in the share of this call."""
    todo = []
    for one in found:
        if one.key in ledger:
            done.n_resumed += 1
        elif not system.is_own(one):
            done.n_elsewhere += 1
        else:
            todo.append(one)
    return todo


def _run_round(
    todo: Sequence[EvalSource],
    options: Options,
    system: ModelSystem,
    ledger: AnswerFile,
    done: Done,
    cache: EngineCache,
) -> None:
    keys = {number: one.key for number, one in enumerate(todo)}

    def keep(source: Source, finished: FinishedSource) -> None:
        ledger.add(keys[source.id], finished.transcript)

    with scratch.folder() as folder:
        plans, sources = [], []
        scripts: dict[int, ScriptFile] = {}
        for number, one in enumerate(todo):
            error: QasrError | None = None
            try:
                source = eval_sources.stored(one, number, folder)
                if one.script:
                    scripts[number] = formats.parse_script(one.script)
            except QasrError as caught:
                source, error = replace(one.source, id=number), caught
            sources.append(source)
            plans.append(Plan(source, {}, error=error))
        reporter = system.make_reporter()
        beside = replace(options, output=OutputOptions(folder=system.folder))
        checkpoints = journal.checkpoints_only(sources, beside)
        run = Run(options, cache, reporter, lambda text: None, checkpoints)
        begun_s = time.monotonic()
        try:
            report = run.execute(plans, scripts, keep)
        except BaseException:
            reporter.end("")  # leaves the terminal as it was, whatever ended the run
            raise
        wall_s = time.monotonic() - begun_s
    reporter.end(report.summary(wall_s))
    done.report.outcomes += report.outcomes
    for outcome in report.outcomes:
        if outcome.error is not None:
            done.errors[keys[outcome.source.id]] = str(outcome.error)
    _note_run(report, wall_s, ledger, system.settings)


def _note_run(report: RunReport, wall_s: float, ledger: AnswerFile, settings: str) -> None:
    facts = report.engines
    audio_ms = sum(outcome.audio_ms for outcome in report.outcomes if outcome.status is Status.DONE)
    if facts is not None and audio_ms:
        work_s = round(max(wall_s - facts.load_s, 1e-3), 3)
        peak_bytes = processes.peak_memory_bytes() or 0
        ledger.add_run(
            RunFacts(audio_ms, work_s, peak_bytes, facts.device, facts.model, facts.aligner, settings)
        )


def answers(
    sources: Sequence[EvalSource], system: ModelSystem, ledger: AnswerFile, done: Done
) -> Iterator[tuple[Utterance, Answer | None]]:
    """Yield each utterance of a round with the model's answer; None if there is none yet.

    An utterance whose length the references do not say has that of the transcript.
    """
    for one in sources:
        transcript = ledger.read(one.key)
        if transcript is None:
            error = done.errors.get(one.key)
            for utterance, _ in one.utterances:
                yield utterance, None if error is None else Answer("", error=error)
            continue
        if not one.source.spans:
            whole = _with_captions(answer_of(transcript), transcript, one, system.options)
            utterances = [utterance for utterance, _ in one.utterances]
            found = zip(one.utterances, recordings.answers(utterances, whole), strict=True)
        else:
            found = zip(one.utterances, (_part(transcript, span) for _, span in one.utterances), strict=True)
        for (utterance, _), answer in found:
            is_all = len(one.utterances) == 1 and utterance.audio is not None and utterance.audio.span is None
            if utterance.duration_ms is None and is_all:
                utterance = replace(utterance, duration_ms=transcript.duration_ms)  # noqa: PLW2901 - now known
            yield utterance, answer


def _part(transcript: Transcript, span: Span | None) -> Answer:
    """Return the answer to a part of a recording; a part behind its end has none."""
    if span is not None and transcript.duration_ms <= span.start_ms:
        return Answer(
            "", error=f"it begins at {span.start_ms} ms, and the sound ends at {transcript.duration_ms} ms"
        )
    return answer_of(transcript, span)


def _with_captions(answer: Answer, transcript: Transcript, source: EvalSource, options: Options) -> Answer:
    """Return an answer with the cues that qasr would write, if the reference has some to compare with."""
    if not any(utterance.captions for utterance, _ in source.utterances):
        return answer
    cues = finish.lay_out(transcript, limits.of_transcript(transcript, options.cue))
    return replace(answer, captions=check.of_cues(cues))
