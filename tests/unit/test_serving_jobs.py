"""A job that several clients share is the business of all of them."""

from __future__ import annotations

from qasr_cli.options import Options
from qasr_cli.serving.ask import Ask
from qasr_cli.serving.jobs import Job, JobStore

LATER, NOW = Ask(Options(), is_kept=True), Ask(Options())


def shared(*asks: Ask) -> Job:
    """Return the job of clients that have sent the same recording."""
    store = JobStore(60)
    jobs = {id(job): job for job, _ in (store.join("key", ask, "a.wav") for ask in asks)}
    (job,) = jobs.values()
    return job


def test_who_would_have_fetched_it_ends_it_alone() -> None:
    job = shared(LATER)
    job.give_up()
    assert job.is_cancelled


def test_it_goes_on_as_long_as_one_of_two_will_fetch_it() -> None:
    job = shared(LATER, LATER)
    job.give_up()
    assert job.is_kept
    assert not job.is_cancelled
    job.give_up()
    assert job.is_cancelled


def test_it_goes_on_for_who_waits() -> None:
    job = shared(LATER, NOW)
    leave = job.subscribe(lambda: None)
    job.give_up()
    assert not job.is_cancelled
    leave()
    assert job.is_cancelled
