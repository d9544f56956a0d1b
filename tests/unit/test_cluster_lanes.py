"""A run on a cluster, with actors that do what a test says: outputs, ledger, losses, refusals, the end."""

from __future__ import annotations

import json
import logging
import os
import pickle
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from qasr_cli import engines
from qasr_cli.errors import QasrError, UnavailableError, UndecodableError
from qasr_cli.options import (
    ClusterOptions,
    EngineOptions,
    FindOptions,
    HookOptions,
    Options,
    OutputOptions,
    RemoteOptions,
    RunOptions,
)
from qasr_cli.options.secret import Secret
from qasr_cli.records import Outcome, Source, Status, Transcript
from qasr_cli.runs.cluster import cluster_lanes
from qasr_cli.runs.cluster.cluster_lanes import ClusterLanes
from qasr_cli.runs.cluster.messages import (
    ActorLost,
    ActorRefused,
    ActorStarted,
    Broken,
    ClosedSource,
    Note,
    SourceTask,
    StartActor,
    Started,
    StopActor,
    Work,
)
from qasr_cli.runs.execution.run import Run
from qasr_cli.runs.inputs import discovery
from qasr_cli.runs.planning import output_plan
from qasr_cli.runs.planning.output_names import OutputLayout
from qasr_cli.runs.reports.summary import RunReport
from qasr_cli.runs.state import journal
from qasr_cli.speech.inference.session import Session
from qasr_cli.terminal.events import Event, Reporter, SourcePrepared
from tests import fakes
from tests.fake_cluster import FACTS, Death, FakeCluster, refused, transcript

N_FILES = 12


class Events(Reporter):
    """Keeps what the progress is told."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def handle(self, event: Event) -> None:
        self.events.append(event)


def load() -> Session:
    raise AssertionError("the run's own machine loads no model")


@pytest.fixture
def media(tmp_path: Path) -> Path:
    folder = tmp_path / "media"
    folder.mkdir()
    for number in range(N_FILES):
        file = folder / f"{number:02d}.wav"
        file.write_bytes(b"RIFF" + bytes(number))
        os.truncate(file, 60 * 32_000)  # as long as a minute of audio; no room on the disk
        os.utime(file, (1_700_000_000, 1_700_000_000))
    return folder


Execute = Callable[..., RunReport]


@pytest.fixture
def execute(media: Path) -> Execute:
    def run(cluster: FakeCluster, reporter: Reporter | None = None, **groups: object) -> RunReport:
        output = OutputOptions(formats=("json",), name="{stem}.{ext}")
        options = replace(
            Options(output=output, cluster=ClusterOptions("here:1")),
            **groups,  # type: ignore[arg-type]
        )
        found = discovery.discover([media], FindOptions()).sources
        with journal.opened(found, options, lambda _: None) as kept:
            plans = kept.decide(output_plan.plan(found, OutputLayout.of(output, {"json": ".json"})))
            job = Run(options, load, reporter or Reporter(), lambda _: None, kept)
            job.execute(plans, lanes=ClusterLanes(engines.load, cluster.connecting))
        return job.report

    return run


def ledger(media: Path) -> dict[str, str]:
    """Return each file's last status, once every file has one final entry."""
    entries = [json.loads(line) for line in (media / ".qasr/ledger.jsonl").read_text("utf-8").splitlines()]
    return {entry["file"]: entry["status"] for entry in entries if "status" in entry}


class TestWhatIsWritten:
    def test_every_file_is_written_and_entered_once(self, execute: Execute, media: Path) -> None:
        report = execute(FakeCluster())
        assert Counter(outcome.source.id for outcome in report.outcomes) == Counter(range(N_FILES))
        assert report.exit_code == 0
        assert sorted(path.name for path in media.glob("*.json")) == [f"{n:02d}.json" for n in range(N_FILES)]
        assert ledger(media) == {f"{number:02d}.wav": "done" for number in range(N_FILES)}

    def test_a_second_run_finds_nothing_to_do_and_asks_no_cluster(self, execute: Execute) -> None:
        execute(FakeCluster())
        again = FakeCluster()
        assert execute(again).count(Status.SKIPPED) == N_FILES
        assert again.asked is None

    def test_each_source_goes_to_one_actor_and_all_actors_have_some(self, execute: Execute) -> None:
        cluster = FakeCluster(n_actors=3)
        execute(cluster)
        given = [name for _, names in cluster.tasks for name in names]
        assert Counter(given) == Counter(f"{number:02d}.wav" for number in range(N_FILES))
        assert {actor for actor, _ in cluster.tasks} == {1, 2, 3}

    def test_the_actor_that_starts_first_leaves_the_others_their_part(self, execute: Execute) -> None:
        cluster = FakeCluster(n_actors=2)
        execute(cluster)
        assert cluster.tasks[0] == (1, ["00.wav", "01.wav"])  # a third of its half of twelve minutes

    def test_progress_and_facts_are_those_of_a_run(self, execute: Execute) -> None:
        reporter = Events()
        report = execute(FakeCluster(), reporter)
        kinds = Counter(type(event).__name__ for event in reporter.events)
        assert kinds["SourcePrepared"] == kinds["SpeechRecognized"] == kinds["SourceFinished"] == N_FILES
        assert kinds["ModelReady"] == 1
        assert report.engines is not None
        assert report.engines.device == "2 x fake:0"

    def test_an_error_of_a_source_is_its_own(self, execute: Execute, media: Path) -> None:
        def answer(_: int, source: Source) -> Transcript | QasrError:
            bad = UndecodableError.about(source.relative, "no audio")
            return bad if source.relative.stem == "03" else transcript(source)

        report = execute(FakeCluster(answer))
        assert [outcome.source.relative.name for outcome in report.outcomes if outcome.error] == ["03.wav"]
        assert report.exit_code == 3
        assert ledger(media)["03.wav"] == "failed"
        assert not (media / "03.json").exists()

    def test_a_source_that_ends_before_its_text_keeps_its_outcome(self, execute: Execute) -> None:
        class Skipping(FakeCluster):
            def _do(self, work: Work, source: Source) -> None:
                away = replace(source, path=Path("/elsewhere"))
                self.say(
                    work,
                    [ClosedSource(source.id, None, Outcome(away, Status.SKIPPED, reason="has subtitles"))],
                )

        report = execute(Skipping())
        assert report.count(Status.SKIPPED) == N_FILES
        assert "/elsewhere" not in {str(outcome.source.path) for outcome in report.outcomes}


class TestLostActors:
    def test_a_lost_actor_costs_nothing_but_time(self, execute: Execute, media: Path) -> None:
        n_answers = Counter[int]()

        def answer(actor: int, source: Source) -> Transcript:
            n_answers[actor] += 1
            if actor == 1 and n_answers[1] == 2:
                raise Death
            return transcript(source)

        cluster, reporter = FakeCluster(answer), Events()
        report = execute(cluster, reporter)
        assert report.count(Status.DONE) == N_FILES
        assert set(ledger(media).values()) == {"done"}
        assert sum(isinstance(event, SourcePrepared) for event in reporter.events) == N_FILES
        assert sum(isinstance(command, StartActor) for command in cluster.commands) == 3
        assert StopActor(1) in cluster.commands

    def test_a_source_that_ends_every_actor_fails_alone(self, execute: Execute, media: Path) -> None:
        def answer(_: int, source: Source) -> Transcript:
            if source.relative.stem == "05":
                raise Death("signal 11")
            return transcript(source)

        cluster = FakeCluster(answer)
        report = execute(cluster)
        (failed,) = (outcome for outcome in report.outcomes if outcome.status is Status.FAILED)
        assert failed.source.relative.name == "05.wav"
        assert str(failed.error) == "05.wav: was with 3 actors that were lost; the last one: signal 11"
        assert report.count(Status.DONE) == N_FILES - 1
        assert ledger(media)["05.wav"] == "failed"
        assert [names for _, names in cluster.tasks].count(["05.wav"]) >= 1

    def test_a_lost_device_is_a_lost_actor(self, execute: Execute) -> None:
        class WithBrokenDevice(FakeCluster):
            def _do(self, work: Work, source: Source) -> None:
                if work.actor == 1:
                    self.say(work, [Broken(QasrError("cuda:0 has failed"))])
                else:
                    super()._do(work, source)

        cluster = WithBrokenDevice()
        assert execute(cluster).count(Status.DONE) == N_FILES
        assert StopActor(1) in cluster.commands

    def test_a_batch_that_ends_early_is_a_lost_actor(self, execute: Execute) -> None:
        class Forgetful(FakeCluster):
            def _do(self, work: Work, source: Source) -> None:
                if work.actor > 1:
                    super()._do(work, source)

        assert execute(Forgetful()).count(Status.DONE) == N_FILES

    def test_without_the_cluster_the_run_ends_and_the_next_one_goes_on(
        self, execute: Execute, media: Path
    ) -> None:
        with pytest.raises(UnavailableError, match="connection to the cluster is lost") as caught:
            execute(FakeCluster(is_cut_off_after=8))
        assert "run the same command to continue" in caught.value.hint
        n_written = len(list(media.glob("*.json")))
        assert 0 < n_written < N_FILES
        rest = FakeCluster()
        assert execute(rest).count(Status.DONE) == N_FILES - n_written
        assert len([name for _, names in rest.tasks for name in names]) == N_FILES - n_written


class TestActorsThatDoNotStart:
    def test_one_machine_without_the_media_is_done_without(
        self, execute: Execute, caplog: pytest.LogCaptureFixture
    ) -> None:
        error = UnavailableError("b does not see /media/a.wav", "mount it")
        cluster = FakeCluster(refuses=lambda actor: refused(1, error) if actor == 1 else None)
        assert execute(cluster).count(Status.DONE) == N_FILES
        assert "an actor does not start: b does not see /media/a.wav; mount it" in caplog.text

    def test_no_machine_that_can_is_one_error(self, execute: Execute) -> None:
        other = ActorRefused(0, b"", "b has qasr 9.9, and this is 0.1")
        cluster = FakeCluster(refuses=lambda actor: replace(other, actor=actor))
        with pytest.raises(UnavailableError, match=r"b has qasr 9\.9") as caught:
            execute(cluster)
        assert caught.value.hint == "install the same qasr on every machine of the cluster"

    def test_an_actor_that_dies_at_its_start_is_tried_three_times(self, execute: Execute) -> None:
        cluster = FakeCluster(n_actors=1, refuses=lambda actor: ActorLost(actor, "out of memory"))
        with pytest.raises(UnavailableError, match="lost before they have started: out of memory"):
            execute(cluster)
        assert sum(isinstance(command, StartActor) for command in cluster.commands) == 3

    def test_another_model_is_refused(self, execute: Execute, caplog: pytest.LogCaptureFixture) -> None:
        other = pickle.dumps(Started("b", replace(FACTS, model="fake/other")))
        cluster = FakeCluster(refuses=lambda actor: ActorStarted(2, other) if actor == 2 else None)
        assert execute(cluster).count(Status.DONE) == N_FILES
        assert "b has model fake/other, and host-1 fake/echo" in caplog.text
        assert {actor for actor, _ in cluster.tasks} == {1}

    def test_without_any_actor_the_run_ends(self, execute: Execute, monkeypatch: pytest.MonkeyPatch) -> None:
        class Pending(FakeCluster):
            def send(self, command: object) -> None:
                pass

        monkeypatch.setattr(cluster_lanes, "_PATIENCE_S", -1.0)
        with pytest.raises(UnavailableError, match="no actor with 1 fake has started"):
            execute(Pending())


class TestWhatTravels:
    def test_no_hook_no_state_and_no_output_folder(self, execute: Execute, tmp_path: Path) -> None:
        cluster = FakeCluster()
        execute(
            cluster,
            hooks=HookOptions(exec_after="notify {media}", webhook="https://user:word@host/?key=s3cr3t"),
            run=RunOptions(workers=3, state=tmp_path / "state", strict=True),
        )
        options = cluster.setup.options
        assert options.hooks == HookOptions()
        assert options.run == RunOptions(workers=3)
        assert options.cluster == ClusterOptions()
        assert options.output.folder is None
        assert cluster.asked is not None
        assert b"s3cr3t" not in cluster.asked.setup

    def test_no_key_of_servers(self, execute: Execute) -> None:
        cluster = FakeCluster()
        remote = RemoteOptions(server_key=Secret("s3cr3t"))  # of a variable, as --server is refused here
        execute(cluster, engine=EngineOptions(engine="tests.fakes:echo", remote=remote))
        assert cluster.setup.options.engine == EngineOptions(engine="tests.fakes:echo")
        assert cluster.asked is not None
        assert b"tests.fakes:echo" in cluster.asked.setup
        assert b"s3cr3t" not in cluster.asked.setup

    def test_a_group_that_is_added_stays_here_until_somebody_says_that_it_travels(self) -> None:
        groups = {name for name in Options.__dataclass_fields__}
        assert groups == {
            *(
                "engine",
                "decode",
                "guard",
                "media",
                "chunk",
                "vad",
                "align",
                "cue",
                "picture",
                "find",
                "speakers",
            ),
            *("output", "run"),  # in part
            *("cluster", "hooks"),  # not
        }

    def test_a_task_has_the_place_of_its_checkpoint(self, execute: Execute, media: Path) -> None:
        cluster = FakeCluster()
        execute(cluster)
        work = next(command for command in cluster.commands if isinstance(command, Work))
        task: SourceTask = pickle.loads(work.payload)[0]
        assert task.state == (media, media / ".qasr")

    @pytest.mark.parametrize("is_own", [True, False])
    def test_a_cluster_that_others_may_reach_is_warned_of(
        self, execute: Execute, caplog: pytest.LogCaptureFixture, is_own: bool
    ) -> None:
        execute(FakeCluster(is_own=is_own))
        assert ("whoever reaches a Ray cluster can run programs" in caplog.text) is not is_own

    def test_messages_of_workers_are_logged_once(
        self, execute: Execute, caplog: pytest.LogCaptureFixture
    ) -> None:
        class Talking(FakeCluster):
            def _do(self, work: Work, source: Source) -> None:
                self.say(work, [Note(logging.WARNING, "the cache is not writable")])
                super()._do(work, source)

        with caplog.at_level(logging.INFO):
            execute(Talking())
        assert caplog.text.count("the cache is not writable") == 1


def test_the_fakes_are_engines_that_a_worker_could_load() -> None:
    assert pickle.loads(pickle.dumps(fakes.echo)) is fakes.echo
