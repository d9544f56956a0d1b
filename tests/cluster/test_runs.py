"""Runs over three nodes: bytes and ledger are those of one machine, whatever is killed in the middle."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from tests.cluster.conftest import N_FILES, OPTIONS, Call, Desk, ledger, results
from tests.cluster.nodes import Nodes, wait_until


def start(desk: Desk, cluster: Nodes, media: Path, *more: object) -> Call:
    arguments = ("-r", *OPTIONS, "-o", "out", "--cluster", cluster.address, *more)
    return desk.start("transcribe", media, *arguments)


def check(desk: Desk, plain: Path) -> None:
    """The results are those of a plain run, and each is written and entered once."""
    assert results(desk.folder / "out") == results(plain)
    assert ledger(desk.folder / "out") == ledger(plain)
    assert len(ledger(plain)) == N_FILES
    assert not (desk.folder / "out/.qasr/checkpoints").exists()


def test_bytes_and_ledger_are_those_of_one_machine(
    desk: Desk, three: Nodes, media: Path, plain: Path
) -> None:
    call = start(desk, three, media, "-v", "--report", "report.json")
    assert call.end() == 0, call.stderr
    assert "3 actors, 1 core each" in call.stderr
    assert f"{N_FILES} done" in call.stderr
    assert [line for line in call.lines if "ray" in line.lower()] == [
        "qasr: warning: whoever reaches a Ray cluster can run programs on its machines; "
        "how to close it: docs/how-to/clusters.md"
    ]
    check(desk, plain)
    wait_until(lambda: not three.actors(), 20, "the actors end with the run")


def test_an_actor_that_is_killed_costs_nothing_but_time(
    desk: Desk, three: Nodes, media: Path, plain: Path
) -> None:
    call = start(desk, three, media)
    call.await_line("done")
    actors = three.actors()
    assert len(actors) == 3
    os.kill(actors[0], signal.SIGKILL)
    assert call.end() == 0, call.stderr
    assert "is lost" in call.stderr
    check(desk, plain)


def test_a_node_that_is_killed_costs_nothing_but_time(
    desk: Desk, three: Nodes, media: Path, plain: Path
) -> None:
    call = start(desk, three, media)
    call.await_line("done")
    three.nodes[-1].kill()
    assert call.end() == 0, call.stderr
    assert "is lost" in call.stderr
    check(desk, plain)
    three.start()


def test_a_killed_run_ends_its_actors_and_the_next_one_goes_on(
    desk: Desk, three: Nodes, media: Path, plain: Path
) -> None:
    call = start(desk, three, media)
    call.await_line("done")
    call.process.kill()
    assert call.end() == -signal.SIGKILL
    wait_until(lambda: not three.actors(), 30, "the actors end with the run")
    n_written = len(ledger(desk.folder / "out"))
    assert 0 < n_written < N_FILES
    again = start(desk, three, media)
    assert again.end() == 0, again.stderr
    assert f"{N_FILES - n_written} done, {n_written} skipped" in again.stderr
    check(desk, plain)


def test_ctrl_c_ends_all_and_the_next_run_goes_on(desk: Desk, three: Nodes, media: Path, plain: Path) -> None:
    call = start(desk, three, media)
    call.await_line("done")
    begun_s = time.monotonic()
    call.process.send_signal(signal.SIGINT)
    assert call.end() == 130
    assert time.monotonic() - begun_s < 30
    assert call.lines[-1] == ("qasr: interrupted; finished files are kept. Run the same command to continue.")
    wait_until(lambda: not three.actors(), 20, "the actors end with the run")
    assert list(Path(three.env["TMPDIR"]).glob("qasr-scratch-*")) == []
    again = start(desk, three, media)
    assert again.end() == 0, again.stderr
    check(desk, plain)
