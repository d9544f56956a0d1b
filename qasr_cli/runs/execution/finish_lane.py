"""The finish lane: one source's text becomes files, or a text on stdout, as soon as it is final.

In go sources whose text is final; out comes an outcome for each. One thread runs the lane. Files appear whole
or not at all; results on stdout come in the order of the sources.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from qasr_cli.errors import QasrError, QualityError
from qasr_cli.options import Options
from qasr_cli.pipeline.containment import attempt
from qasr_cli.pipeline.stage_timer import timed
from qasr_cli.records import Outcome, Quality, Source, Stage, Status
from qasr_cli.runs.execution.composing import ComposedSource, FinishedSource, compose
from qasr_cli.runs.execution.lanes import FinalSource
from qasr_cli.runs.files import atomic_write
from qasr_cli.runs.reports.summary import flagged_spans, quality_warnings, rules_broken
from qasr_cli.runs.state.journal import Journal


class OrderedStdout:
    """Holds each source's text back until every source before it is settled; any thread may call it.

    Args:
        write: Puts a text on stdout.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._lock = threading.Lock()
        self._waiting: dict[int, str] = {}
        self._n_settled = 0

    def settle(self, source_id: int, text: str = "") -> None:
        """End a source, with its text if there is one; only the first call for a source counts."""
        with self._lock:
            if source_id >= self._n_settled:
                self._waiting.setdefault(source_id, text)
            while self._n_settled in self._waiting:
                text = self._waiting.pop(self._n_settled)
                self._n_settled += 1
                if text:
                    self._write(text)


OnFinished = Callable[[Source, FinishedSource], None]  # runs on the finish lane's thread


class FinishLane:
    """Writes the results of one source after the other.

    Args:
        options: The whole tree.
        journal: Records the files before they are written.
        stdout: Takes the texts when results go there.
        on_finished: Called with each source's results, once its files are written.
    """

    def __init__(
        self, options: Options, journal: Journal, stdout: OrderedStdout, on_finished: OnFinished
    ) -> None:
        self._options = options
        self._journal = journal
        self._stdout = stdout
        self._on_finished = on_finished

    def finish(self, final: FinalSource) -> Outcome:
        """Write a source's results and return its outcome."""
        source = final.plan.source
        with timed(Stage.WRITE, [(final.stage_times, 1)]):
            finished = attempt(source.relative, lambda: self._put_out(final))
        wall_s = time.monotonic() - final.begun_s
        outcome = Outcome(source, Status.FAILED, final.audio_ms, wall_s=wall_s, stage_s=final.stage_times)
        if isinstance(finished, QasrError):
            return replace(outcome, error=finished)
        transcript = finished.transcript
        paths = tuple(final.plan.paths(transcript.language).values())
        error = self._hard_error(paths, finished.quality)
        if final.store is not None:
            final.store.remove()
        return replace(
            outcome,
            status=Status.FAILED if error else Status.DONE,
            outputs=paths,
            error=error,
            warnings=_warnings(final, finished),
            quality=finished.quality,
            flagged_spans=flagged_spans(transcript),
            language=transcript.language or "",
        )

    def _put_out(self, final: FinalSource) -> FinishedSource:
        text = final.text()
        composed = text if isinstance(text, ComposedSource) else compose(text, self._options)
        finished, texts = composed.finished, composed.texts
        output, plan = self._options.output, final.plan
        paths = plan.paths(finished.transcript.language)
        self._journal.announce(plan.source, {path: texts[name] for name, path in paths.items()})
        for name, path in paths.items():
            is_overwrite = output.overwrite or plan.may_replace(path)
            atomic_write.write(path, texts[name], is_overwrite=is_overwrite, is_backup=output.backup)
            outdated = plan.outdated(name, path)
            if outdated is not None:
                atomic_write.remove(outdated, is_backup=output.backup)
        self._on_finished(plan.source, finished)
        if output.is_stdout:
            self._stdout.settle(plan.source.id, "".join(texts.values()))
        return finished

    def _hard_error(self, paths: Sequence[Path], quality: Quality | None) -> QualityError | None:
        """Return the error that --strict makes of broken rules; the files are written all the same."""
        if not self._options.run.strict or quality is None or not quality.broken:
            return None
        return rules_broken(tuple(paths), quality, self._options.cue)


def _warnings(final: FinalSource, finished: FinishedSource) -> tuple[str, ...]:
    if finished.aligned is not None:
        return finished.aligned.warnings
    return (*final.media_warnings, *quality_warnings(finished.transcript), *final.text_warnings)
