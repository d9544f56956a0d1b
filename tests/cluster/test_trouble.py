"""A cluster that cannot be had, machines that are not alike, files that end actors: one clear line each."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import nodes
from tests.cluster.conftest import SAMPLES, Desk, ledger, results
from tests.cluster.nodes import Nodes

ECHO = ("--engine", "tests.fakes:echo", "--srt")


def errors(lines: list[str]) -> list[str]:
    """Return the lines without the warning that every run over a cluster begins with."""
    return [line for line in lines if "whoever reaches a Ray cluster" not in line]


class TestAddresses:
    def test_nobody_listens(self, desk: Desk, clips: Path) -> None:
        begun_s = time.monotonic()
        call = desk.run("transcribe", clips, *ECHO, "--cluster", "127.0.0.1:1")
        assert call.process.returncode == 69
        (line,) = errors(call.lines)
        assert "--cluster 127.0.0.1:1: [Errno 111] Connection refused; run ray status" in line
        assert time.monotonic() - begun_s < 20

    @pytest.mark.parametrize("address", ["head", "ray://head:10001", "head:port", ":6379"])
    def test_what_is_no_address(self, desk: Desk, clips: Path, address: str) -> None:
        call = desk.run("transcribe", clips, *ECHO, "--cluster", address)
        assert call.process.returncode == 2
        (line,) = errors(call.lines)
        assert f"--cluster {address}: not an address; give HOST:PORT of the head node" in line

    def test_something_else_listens(self, desk: Desk, clips: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            threading.Thread(target=accept_all, args=(server,), daemon=True).start()
            port = server.getsockname()[1]
            begun_s = time.monotonic()
            call = desk.run("transcribe", clips, *ECHO, "--cluster", f"127.0.0.1:{port}")
        assert call.process.returncode == 69
        (line,) = errors(call.lines)
        assert f"--cluster 127.0.0.1:{port}: " in line
        assert time.monotonic() - begun_s < 150

    def test_a_wrong_token(self, desk: Desk, three: Nodes, clips: Path) -> None:
        call = desk.run(
            "transcribe", clips, *ECHO, "--cluster", three.address, RAY_AUTH_TOKEN="fedcba9876543210" * 2
        )
        assert call.process.returncode == 69
        (line,) = errors(call.lines)
        assert f"--cluster {three.address}: " in line
        assert "fedcba9876543210" not in line

    def test_more_cores_than_any_machine_has(self, desk: Desk, three: Nodes, clips: Path) -> None:
        call = desk.run("transcribe", clips, *ECHO, "--cluster", three.address, "--cluster-cpus", 9)
        assert call.process.returncode == 69
        assert "no machine has 9 cores for an actor" in call.stderr


def accept_all(server: socket.socket) -> None:
    """Accept connections, and never answer."""
    kept = []
    try:
        while True:
            kept.append(server.accept()[0])
    except OSError:
        for connection in kept:
            connection.close()


class TestFilesAndDevices:
    def test_a_file_that_ends_every_actor_fails_alone(self, desk: Desk, three: Nodes, clips: Path) -> None:
        copied = Path(shutil.copy(SAMPLES / "talk.mp4", clips / "long.mp4"))
        os.utime(copied, (1_700_000_000, 1_700_000_000))
        call = desk.run(
            "transcribe",
            clips,
            "--engine",
            "tests.cluster.engines:deadly",
            "--srt",
            "--cluster",
            three.address,
        )
        assert call.process.returncode == 3, call.stderr
        assert "60 done, 1 failed" in call.stderr
        (failed,) = (line for line in call.lines if line.startswith("failed"))
        assert failed.startswith("failed  long.mp4: was with 3 actors that were lost; the last one: ")
        assert "without --cluster" in failed
        assert {entry["status"] for name, entry in ledger(clips).items() if name != "long.mp4"} == {"done"}
        assert ledger(clips)["long.mp4"]["status"] == "failed"

    def test_a_bad_file_is_an_error_of_its_own(self, desk: Desk, three: Nodes, clips: Path) -> None:
        (clips / "30.wav").write_bytes(b"RIFF no sound")
        os.utime(clips / "30.wav", (1_700_000_000, 1_700_000_000))
        alone = desk.run("transcribe", clips, *ECHO, "-o", "alone")
        call = desk.run("transcribe", clips, *ECHO, "-o", "out", "--cluster", three.address)
        assert call.process.returncode == alone.process.returncode == 3
        assert [line for line in call.lines if line.startswith("failed")] == [
            line for line in alone.lines if line.startswith("failed")
        ]
        assert results(desk.folder / "out") == results(desk.folder / "alone")

    def test_results_on_stdout_come_in_the_order_of_the_files(
        self, desk: Desk, three: Nodes, clips: Path
    ) -> None:
        arguments = ("transcribe", clips, "--engine", "tests.fakes:echo", "--json-lines")
        call = desk.start(*arguments, "--cluster", three.address)
        assert call.process.stdout is not None
        out = call.process.stdout.read()
        assert call.end() == 0, call.stderr
        alone = desk.start(*arguments)
        assert alone.process.stdout is not None
        assert out == alone.process.stdout.read()
        assert len(out.splitlines()) == 60


class TestMachines:
    """Nodes that are not like the others join for one run; the others do the work."""

    @pytest.fixture
    def old_qasr(self, tmp_path: Path) -> Path:
        package = tmp_path / "old/qasr_cli"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("")
        (package / "version.py").write_text('__version__ = "0.0.9"\n')
        return package.parent

    @pytest.fixture
    def two(self, env: dict[str, str]) -> Iterator[Nodes]:
        """A head that has no core, and one node to do the work."""
        with nodes.running(env, 0, port=6390) as cluster:
            cluster.start(n_cpus=0)
            yield cluster

    def test_another_qasr_the_media_elsewhere_and_a_broken_device(
        self, desk: Desk, two: Nodes, clips: Path, old_qasr: Path
    ) -> None:
        two.start(PYTHONPATH=str(old_qasr))
        call = desk.run("transcribe", clips, *ECHO, "--cluster", two.address)
        assert call.process.returncode == 69
        assert "has qasr 0.0.9, and this is 0.1.0; install the same qasr" in errors(call.lines)[-1]
        hidden = ("unshare", "-m", "sh", "-c", f'mount -t tmpfs none {clips} && exec "$@"', "hidden")
        two.start(before=hidden)
        call = desk.run("transcribe", clips, *ECHO, "--cluster", two.address)
        assert call.process.returncode == 69
        assert f"does not see {clips}/00.wav; mount the media on every machine" in call.stderr
        two.start()
        call = desk.run("transcribe", clips, *ECHO, "-v", "--cluster", two.address)
        assert call.process.returncode == 0, call.stderr
        assert "an actor does not start: " in call.stderr
        assert "60 done" in call.stderr

    def test_the_head_is_lost(self, desk: Desk, two: Nodes, media: Path) -> None:
        two.start()
        arguments = ("transcribe", media, "-r", "--model", "demo", "--srt", "--batch-size", "1", "-o", "out")
        call = desk.start(*arguments, "--cluster", two.address)
        call.await_line("done")
        two.nodes[0].kill()
        assert call.end() == 69
        assert "the connection to the cluster is lost; finished files are kept" in call.stderr
        done = {name for name, entry in ledger(desk.folder / "out").items() if entry["status"] == "done"}
        assert done
        again = desk.run(*arguments)
        assert again.process.returncode == 0
        assert f"{len(done)} skipped" in again.stderr
