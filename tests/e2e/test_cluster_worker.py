"""A worker of a cluster, without the cluster: real media, its messages, checkpoints, the end of a batch."""

from __future__ import annotations

import functools
import json
import logging
import pickle
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from qasr_cli import engines
from qasr_cli.errors import DeviceLostError, NoInputError, QasrError, UnavailableError
from qasr_cli.options import ClusterOptions, EngineOptions, FindOptions, Options, OutputOptions
from qasr_cli.records import Status
from qasr_cli.runs.cluster import worker as worker_module
from qasr_cli.runs.cluster.actor_shell import ActorShell
from qasr_cli.runs.cluster.cluster_lanes import ClusterLanes, travelling
from qasr_cli.runs.cluster.messages import (
    ActorRefused,
    ActorStarted,
    BatchOver,
    Broken,
    Command,
    Message,
    RecognizedSpeech,
    Replies,
    SourceTask,
    StartActor,
    Started,
    TranscribedSource,
    Work,
    WorkerSetup,
)
from qasr_cli.runs.execution.lanes import Lanes
from qasr_cli.runs.execution.run import Run
from qasr_cli.runs.inputs import discovery
from qasr_cli.runs.planning import output_plan
from qasr_cli.runs.planning.output_names import OutputLayout
from qasr_cli.runs.reports.summary import RunReport
from qasr_cli.runs.state import journal
from qasr_cli.speech.inference.protocols import Engines
from qasr_cli.speech.inference.session import Session
from qasr_cli.terminal.events import Reporter
from qasr_cli.version import __version__
from tests import fakes
from tests.e2e.conftest import CLIP, SAMPLES, copy_old
from tests.fake_cluster import FakeCluster

OUTPUT = OutputOptions(formats=("srt", "json"))
OPTIONS = Options(
    output=OUTPUT,
    engine=EngineOptions(engine="tests.fakes:echo", model="demo", batch_size=2),
    cluster=ClusterOptions("here:1"),
)
LOAD = functools.partial(engines.load, OPTIONS.engine)
Load = Callable[[EngineOptions, str], Session]


@pytest.fixture(autouse=True)
def logger_as_before() -> Iterator[None]:
    """A worker has its process for itself, and takes over its log."""
    logger = logging.getLogger("qasr_cli")
    before = logger.handlers[:], logger.level, logger.propagate
    yield
    logger.handlers[:], logger.level, logger.propagate = before[0], before[1], before[2]


@pytest.fixture
def media(tmp_path: Path) -> Path:
    folder = tmp_path / "media"
    folder.mkdir()
    for number, clip in enumerate(sorted((SAMPLES / "clips").iterdir())):
        copy_old(clip, folder / f"{number}{clip.suffix}")
    copy_old(SAMPLES / "talk.mp4", folder / "talk.mp4")
    (folder / "bad.wav").write_bytes(b"no sound")
    return folder


def setup(options: Options = OPTIONS, load: Load = engines.load, **more: object) -> WorkerSetup:
    made = WorkerSetup(travelling(options), load, Path.cwd(), log_level=logging.INFO)
    return replace(made, **more)  # type: ignore[arg-type]


@dataclass
class WithWorkers(FakeCluster):
    """A cluster whose actors are real workers, in this process."""

    shells: dict[int, ActorShell] = field(default_factory=dict)

    def send(self, command: Command) -> None:
        match command:
            case StartActor(number):
                assert self.asked is not None
                shell = self.shells[number] = ActorShell()
                is_started, answer, reason = shell.start(self.asked.version, self.asked.setup)
                event = ActorStarted(number, answer) if is_started else ActorRefused(number, answer, reason)
                self._events.append(event)
            case Work(number, batch, payload):
                for reply in self.shells[number].work(payload):
                    self._events.append(Replies(number, batch, reply))
                self._events.append(BatchOver(number, batch))
            case _:
                pass

    def stop(self) -> None:
        for shell in self.shells.values():
            shell.stop()


def execute(media: Path, folder: Path, lanes: Lanes | None) -> RunReport:
    options = replace(OPTIONS, output=replace(OUTPUT, folder=folder))
    found = discovery.discover([media], FindOptions()).sources
    with journal.opened(found, options, lambda _: None) as kept:
        plans = output_plan.plan(found, OutputLayout.of(options.output, {"srt": ".srt", "json": ".json"}))
        run = Run(options, LOAD, Reporter(), lambda _: None, kept)
        run.execute(plans, lanes=lanes)
    return run.report


def results(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def outcomes(report: RunReport) -> list[tuple[object, ...]]:
    ordered = sorted(report.outcomes, key=lambda outcome: outcome.source.id)
    return [
        (one.source, one.status, one.audio_ms, str(one.error), one.warnings, one.quality, one.flagged_spans)
        for one in ordered
    ]


def test_outcomes_and_bytes_are_those_of_one_machine(media: Path, tmp_path: Path) -> None:
    plain = execute(media, tmp_path / "plain", None)
    cluster = WithWorkers(n_actors=2)
    spread = execute(media, tmp_path / "spread", ClusterLanes(engines.load, cluster.connecting))
    cluster.stop()
    assert results(tmp_path / "spread") == results(tmp_path / "plain")
    assert len(results(tmp_path / "plain")) == 22
    assert outcomes(spread) == outcomes(plain)
    assert spread.count(Status.FAILED) == 1
    assert entries(tmp_path / "spread") == entries(tmp_path / "plain")
    assert not (tmp_path / "spread/.qasr/checkpoints").exists()


def entries(folder: Path) -> dict[str, dict[str, object]]:
    found = {}
    for line in (folder / ".qasr/ledger.jsonl").read_text("utf-8").splitlines():
        entry = json.loads(line)
        for output in entry.get("outputs", []):
            output["identity"].pop("mtime_ns")
        found[entry["file"]] = {name: value for name, value in entry.items() if name not in {"at", "wall_s"}}
    return found


class TestAlone:
    """One worker and what it says."""

    def task(self, path: Path, number: int = 0, state: tuple[Path, Path] | None = None) -> SourceTask:
        found = discovery.discover([path], FindOptions()).sources[0]
        return SourceTask(replace(found, id=number, is_found=True), state)

    def messages(self, worker: worker_module.Worker, *tasks: SourceTask) -> list[Message]:
        return [
            message for reply in worker.work(pickle.dumps(list(tasks))) for message in pickle.loads(reply)
        ]

    def worker(self, made: WorkerSetup) -> worker_module.Worker:
        started, answer = worker_module.started(pickle.dumps(made))
        assert started is not None, pickle.loads(answer)
        assert isinstance(pickle.loads(answer), Started)
        return started

    def test_a_film_has_a_checkpoint_that_the_next_worker_resumes(self, media: Path, tmp_path: Path) -> None:
        state = (media, media / ".qasr")
        task = self.task(media / "talk.mp4", state=state)
        first = self.worker(setup())
        replies = first.work(pickle.dumps([task]))
        for reply in replies:
            if any(isinstance(message, RecognizedSpeech) for message in pickle.loads(reply)):
                break  # and its process dies
        first.stop()
        (checkpoint,) = (media / ".qasr/checkpoints").iterdir()
        assert checkpoint.stat().st_size > 100
        second = self.worker(setup())
        told = self.messages(second, task)
        second.stop()
        assert any("chunks are resumed" in getattr(message, "text", "") for message in told)
        (done,) = (message for message in told if isinstance(message, TranscribedSource))
        assert not isinstance(done.text, QasrError)
        assert done.media is not None

    def test_batches_share_the_engines_one_at_a_time(self, media: Path) -> None:
        worker = self.worker(setup())
        told: list[Message] = []
        batches = [[self.task(media / f"{n}.wav", n)] for n in (0, 5)]
        threads = [
            threading.Thread(target=lambda batch=batch: told.extend(self.messages(worker, *batch)))
            for batch in batches
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        worker.stop()
        assert {message.source_id for message in told if isinstance(message, TranscribedSource)} == {0, 5}

    def test_a_lost_device_ends_the_batch_and_no_source_fails(self, media: Path) -> None:
        worker = self.worker(setup(load=lose_device))
        told = self.messages(worker, self.task(media / "0.wav", 0), self.task(media / "5.wav", 5))
        worker.stop()
        (broken,) = (message for message in told if isinstance(message, Broken))
        assert isinstance(broken.error, DeviceLostError)
        assert not any(isinstance(message, TranscribedSource) for message in told)

    def test_a_worker_that_is_stopped_ends_at_the_next_step_and_leaves_nothing(
        self, media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        monkeypatch.setattr("tempfile.tempdir", str(scratch))
        worker = self.worker(setup(load=load_slow))
        tasks = [self.task(copy_old(CLIP, media / f"more-{n}.wav"), n) for n in range(40)]
        replies = worker.work(pickle.dumps(tasks))
        next(replies)
        begun_s = time.monotonic()
        worker.stop()
        assert time.monotonic() - begun_s < 8
        n_done = sum(isinstance(one, TranscribedSource) for reply in replies for one in pickle.loads(reply))
        assert n_done < 40
        assert list(scratch.iterdir()) == []

    def test_media_that_it_does_not_see_is_one_error_at_its_start(self, media: Path) -> None:
        samples = (media / "gone.wav", media / "0.gone")
        worker, answer = worker_module.started(pickle.dumps(setup(samples=samples)))
        assert worker is None
        error = pickle.loads(answer)
        assert isinstance(error, UnavailableError)
        assert "does not see" in str(error)
        assert "at the same path" in error.hint

    def test_a_file_that_is_gone_later_is_an_error_of_its_own(self, media: Path) -> None:
        task = self.task(media / "0.wav")
        (media / "0.wav").unlink()
        worker = self.worker(setup())
        (closed,) = self.messages(worker, task)
        worker.stop()
        assert isinstance(closed.outcome.error, NoInputError)  # type: ignore[union-attr]


class TestVersions:
    def test_another_version_is_refused_before_anything_is_read(self) -> None:
        is_started, answer, reason = ActorShell().start("9.9", b"not read")
        assert (is_started, answer) == (False, b"")
        assert reason.endswith(f"has qasr {__version__}, and this is 9.9")

    def test_an_error_at_the_start_is_passed_on(self) -> None:
        payload = pickle.dumps(setup(replace(OPTIONS, engine=EngineOptions(engine="none:such"))))
        is_started, answer, _ = ActorShell().start(__version__, payload)
        assert not is_started
        assert isinstance(pickle.loads(answer), UnavailableError)


class _Losing(fakes.Echo):
    def recognize(self, audio, options):  # type: ignore[no-untyped-def]
        raise DeviceLostError("fake:0 has failed")


def lose_device(options: EngineOptions, fallback_model: str) -> Session:
    return Session(Engines(_Losing(options), fakes.Even()))


def load_slow(options: EngineOptions, fallback_model: str) -> Session:
    return Session(fakes.slow(options))
