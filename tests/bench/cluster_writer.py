"""What a run over a cluster costs on the machine that writes: `python -m tests.bench.cluster_writer`.

Actors answer at once (`tests.fake_cluster`) with what was made of a talk before. So what is measured is what
one process does for all actors (messages, SRT and JSON files, ledger), and pickling, which is the actors'.
"""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from qasr_cli import engines
from qasr_cli.formats.readers import transcript_json
from qasr_cli.options import ClusterOptions, FindOptions, Options, OutputOptions
from qasr_cli.records import Source, Status, Transcript
from qasr_cli.runs.cluster.cluster_lanes import ClusterLanes
from qasr_cli.runs.execution.composing import ComposedSource, compose
from qasr_cli.runs.execution.run import Run
from qasr_cli.runs.inputs import discovery
from qasr_cli.runs.planning import output_plan
from qasr_cli.runs.planning.output_names import OutputLayout
from qasr_cli.runs.state import journal
from qasr_cli.speech.inference.session import Session
from qasr_cli.terminal.events import Reporter
from tests.fake_cluster import FakeCluster

ROOT = Path(__file__).parents[2]
_N_FILES = 400


def _no_engines() -> Session:
    raise AssertionError("this machine loads no model")


def main() -> None:
    """Measure and print a line for a talk and for its first segment."""
    talk = transcript_json.parse((ROOT / "tests/golden/english-talk.json").read_text("utf-8"))
    first = talk.segments[0]
    _measure(talk)
    _measure(replace(talk, segments=(first,), duration_ms=first.end_ms))


def _measure(talk: Transcript) -> None:
    output = OutputOptions(formats=("srt", "json"))
    options = Options(output=output, cluster=ClusterOptions("here:1"))
    composed = compose(talk, options)
    composed = replace(composed, finished=replace(composed.finished, cues=()))

    def answer(_: int, source: Source) -> ComposedSource:
        return composed

    with tempfile.TemporaryDirectory() as folder:
        for number in range(_N_FILES):
            path = Path(folder, f"{number:04d}.wav")
            path.touch()
            os.truncate(path, talk.duration_ms * 32)
            os.utime(path, (1_700_000_000, 1_700_000_000))
        found = discovery.discover([Path(folder)], FindOptions()).sources
        with journal.opened(found, options, lambda _: None) as kept:
            plans = output_plan.plan(found, OutputLayout.of(output, {"srt": ".srt", "json": ".json"}))
            run = Run(options, _no_engines, Reporter(), lambda _: None, kept)
            cpu_s, wall_s = time.process_time(), time.monotonic()
            run.execute(plans, lanes=ClusterLanes(engines.load, FakeCluster(answer).connecting))
            cpu_s, wall_s = time.process_time() - cpu_s, time.monotonic() - wall_s
        assert run.report.count(Status.DONE) == _N_FILES
    audio_s = talk.duration_ms / 1_000
    print(  # noqa: T201 - a program
        f"{_N_FILES} files of {audio_s:.0f} s: {cpu_s:.1f} CPU s, {wall_s:.1f} s; "
        f"{cpu_s / _N_FILES * 1_000:.1f} CPU ms a file; JSON {len(composed.texts['json'])} bytes each"
    )


if __name__ == "__main__":
    main()
