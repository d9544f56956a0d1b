"""How requests end when something fails, and whose interest in a shared recording ends with whom."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qasr_cli.engines.qwen3.token_budget import token_budget
from qasr_cli.engines.remote import chunk_request
from qasr_cli.errors import DeviceLostError, QasrError, ServersLostError, from_os_error
from qasr_cli.options import DecodeOptions, EngineOptions, Options
from qasr_cli.pipeline.engine_cache import EngineCache
from qasr_cli.pipeline.open_source import OpenSource
from qasr_cli.records import Finish, Hypothesis, Source
from qasr_cli.serving.ask import Ask, Upload
from qasr_cli.serving.batch_queue import Request
from qasr_cli.serving.clips import Clip, RecognizedClip
from qasr_cli.serving.jobs import Job, JobState, JobStore
from qasr_cli.serving.recordings import Lanes, Recording
from qasr_cli.serving.refusals import DrainingError, OverloadedError, of_client
from qasr_cli.serving.request_lane import RequestLane
from qasr_cli.serving.service import Service, ServiceLimits
from qasr_cli.speech.inference import stopping
from qasr_cli.speech.inference.protocols import Engines
from qasr_cli.speech.inference.session import Session
from tests import fakes
from tests.lanes import FILM, Pool, wait_for


class Failing(fakes.Echo):
    """Fails with an error as long as there is one."""

    error: BaseException | None = None

    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        if self.error is not None:
            raise self.error
        return super().recognize(audio, options)


class LongReview(fakes.Echo):
    """Its answers are doubtful, and the second one takes long."""

    is_reviewing = threading.Event()
    n_calls = 0

    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        LongReview.n_calls += 1
        if LongReview.n_calls > 1:
            self.is_reviewing.set()
            until_s = time.monotonic() + 10
            while time.monotonic() < until_s:
                stopping.check()
                time.sleep(0.02)
        return [replace(one, finish=Finish.TRUNCATED) for one in super().recognize(audio, options)]


@pytest.fixture
def failing() -> Failing:
    return Failing(EngineOptions(batch_size=8))


@pytest.fixture
def pool(tmp_path: Path, failing: Failing) -> Iterator[Pool]:
    made = Pool(tmp_path, Session(Engines(failing, fakes.Even())))
    yield made
    made.lane.close()


class TestLane:
    @pytest.mark.parametrize("error", [ServersLostError("no server answers"), SystemError("a bug")])
    def test_what_ends_all_work_ends_every_request_and_not_the_lane(
        self, pool: Pool, failing: Failing, error: Exception
    ) -> None:
        failing.error = error
        asked = [pool.ask("a"), pool.ask("film", FILM), pool.ask("b")]
        pool.lane.start()
        wait_for(*asked)
        assert all(opened.error is not None for opened in asked)
        assert pool.lane.n_running == pool.lane.waiting_ms == 0
        failing.error = None
        again = pool.ask("again")
        wait_for(again)
        assert again.error is None
        assert again.text.segments

    def test_engines_that_cannot_be_loaded_again_end_requests_alone(self, tmp_path: Path) -> None:
        pool, failures = Pool(tmp_path, Session(fakes.echo(EngineOptions()))), [QasrError("no memory")]

        def load() -> Session:
            if failures:
                raise failures.pop()
            return Session(fakes.echo(EngineOptions()))

        pool.lane = RequestLane(EngineCache(load, lambda: None, 0), lambda: 0, pool.lost.append)
        failed = pool.ask("failed")
        pool.lane.start()
        wait_for(failed)
        good = pool.ask("good")
        wait_for(good)
        pool.lane.close()
        assert str(failed.error) == "no memory"
        assert good.error is None

    def test_the_end_does_not_wait_for_a_review_on_another_device(self, tmp_path: Path) -> None:
        sessions = [Session(Engines(LongReview(EngineOptions(batch_size=8)), fakes.Even())) for _ in range(2)]
        session = Session(sessions[0].engines, replicas=sessions[1:])
        pool = Pool(tmp_path, session)
        pool.ask("a")
        pool.lane.start()
        assert LongReview.is_reviewing.wait(20)
        begun_s = time.monotonic()
        pool.lane.close()
        assert time.monotonic() - begun_s < 2

    def test_a_review_on_a_lost_device_is_done_by_another(self, pool: Pool) -> None:
        def lost(*_: object) -> list[object]:
            raise DeviceLostError("cuda:1 has failed")

        opened = pool.ask("a")
        with pool.lane._changed:
            pool.lane._incoming.clear()
        opened.recognized, opened.n_left = [None], 0
        with pytest.raises(DeviceLostError):
            pool.lane._give_back([opened], lost)
        assert not pool.log
        pool.lane.start()
        wait_for(opened)
        assert opened.error is None
        assert pool.log == ["a settled"]


def no_engines() -> Engines:
    raise AssertionError


def at_once(work: Callable[[], None]) -> None:
    work()


def recording(folder: Path, over: list[Recording]) -> Recording:
    upload = Upload(folder / "upload-1", 1, "0", "talk.wav")
    lanes = Lanes(no_engines, lambda opened: None, at_once, over.append, lambda job: None)
    return Recording(Job("key", Ask(Options()), upload.name), upload, 1, lanes)


class TestRecording:
    def test_one_that_failed_needs_no_engines(self, tmp_path: Path) -> None:
        over: list[Recording] = []
        ended = recording(tmp_path, over)
        opened: OpenSource[Request] = Pool(tmp_path, Session(fakes.echo(EngineOptions()))).opened("a")
        opened.error = QasrError("no memory")
        ended.settled(opened)
        assert (ended.job.state, str(ended.job.error)) == (JobState.FAILED, "no memory")
        assert over == [ended]

    def test_nothing_more_is_computed_for_one_that_a_server_ended(self, tmp_path: Path) -> None:
        ended = recording(tmp_path, [])
        assert not ended.is_cancelled
        ended.job.fail(DrainingError("the server is about to end"))
        assert ended.is_cancelled

    @pytest.mark.parametrize("name", ["1.s16le", "1.timed.s16le", "upload-1"])
    def test_a_full_disk_is_told_without_paths_of_the_server(self, tmp_path: Path, name: str) -> None:
        path = tmp_path / name
        error = from_os_error(OSError(errno.ENOSPC, "No space left on device"), f"writing {path}", path=path)
        told = of_client(error, Source(1, tmp_path / "upload-1", Path("talk.wav")))
        assert str(tmp_path) not in f"{told} {told.hint}"
        assert str(told).startswith("talk.wav: ")
        assert "No space left" in str(told)
        assert type(told) is type(error)


class TestClip:
    def test_two_threads_may_end_one_at_once(self, tmp_path: Path) -> None:
        clip = Clip(Upload(tmp_path / "clip", 1, "0", "clip"), Options(), 1, lambda opened: None)
        # What waits for the result is told while the future is not done yet for others
        clip.future.set_result = lambda result: clip.fail(DrainingError("twice"))  # type: ignore[method-assign]
        clip._end(RecognizedClip(Hypothesis("", None, Finish.COMPLETE), 1))
        assert clip.future.running()

    def test_a_cancelled_one_is_over(self, tmp_path: Path) -> None:
        clip = Clip(Upload(tmp_path / "clip", 1, "0", "clip"), Options(), 1, lambda opened: None)
        clip.future.cancel()
        clip.fail(DrainingError("once"))
        clip.fail(DrainingError("twice"))
        assert clip.is_cancelled


class TestLimit:
    """How much may wait."""

    def service(self, folder: Path) -> Service:
        return Service(Options(), ServiceLimits(), lambda: Session(no_engines()), lambda: None, folder)

    def test_one_large_film_shuts_nobody_out(self, tmp_path: Path) -> None:
        service = self.service(tmp_path)  # not started: nothing is decoded
        service.submit(Ask(Options()), Upload(tmp_path / "film", 2 * 1024**3, "0", "film.mkv"))
        service.admit()
        assert service.waiting_ms == 3_600_000

    def test_many_do(self, tmp_path: Path) -> None:
        service = self.service(tmp_path)
        for number in range(5):
            service.submit(Ask(Options()), Upload(tmp_path / f"{number}", 10**9, f"{number}", "film.mkv"))
        with pytest.raises(OverloadedError):
            service.admit()


class TestShared:
    def test_who_ends_a_job_does_not_end_it_for_another_who_fetches_it_later(self) -> None:
        store, ask = JobStore(60), Ask(Options(), is_kept=True)
        job, _ = store.join("key", ask, "a.wav")
        assert store.join("key", ask, "b.wav") == (job, False)
        job.give_up()
        assert not job.is_final
        job.give_up()
        assert job.state is JobState.CANCELLED

    def test_who_only_waited_and_leaves_ends_nothing_that_is_kept(self) -> None:
        store = JobStore(60)
        job, _ = store.join("key", Ask(Options()), "a.wav")
        leave = job.subscribe(lambda: None)
        store.join("key", Ask(Options(), is_kept=True), "a.wav")
        leave()
        assert not job.is_final


@pytest.mark.parametrize(
    ("asked", "sent"), [(None, token_budget(16_000)), (5, 5), (10**9, token_budget(16_000))]
)
def test_an_answer_is_as_long_as_a_client_allows(asked: int | None, sent: int) -> None:
    options = DecodeOptions(max_tokens=asked)
    assert chunk_request.of_chunk("m", np.zeros(16_000, np.float32), options).max_tokens == sent
