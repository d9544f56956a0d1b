"""Real servers for tests: `qasr serve` as a process of its own on a free port of this machine.

`started` is a server of one test; `shared` is one for all workers of a session: whoever comes first starts
it, and whoever goes last ends it.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import http.client
import io
import json
import os
import resource
import signal
import subprocess
import sys
import time
import wave
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from tests.e2e.conftest import CLIP
from tests.forking.processes import environment, reset_signals

READY_S = 300.0  # a busy machine loads the demo pair in a minute
_DEMO = ("-m", "demo")
_ECHO = ("--engine", "tests.fakes:echo")  # no torch: starts in a second, answers at once
_processes: list[subprocess.Popen[bytes]] = []  # of shared servers, as long as this worker lives
_SLEEPY = ("--engine", "tests.fakes:sleepy")  # three seconds a batch
KINDS: Mapping[str, tuple[str, ...]] = {"demo": _DEMO, "echo": _ECHO, "sleepy": _SLEEPY}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, read to its end; header names in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8")

    def json(self) -> object:
        """The body as a JSON value."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Served:
    """A server that runs.

    Attributes:
        url: Its address, without a slash at the end.
        pid: Its process.
        log: What it writes to stderr.
    """

    url: str
    pid: int
    log: Path

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        assert parts.port is not None
        return parts.hostname, parts.port

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 120.0,
    ) -> Answer:
        """Send a request on a connection of its own, and return the answer."""
        connection = http.client.HTTPConnection(*self.address, timeout=timeout_s)
        with contextlib.closing(connection):
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            named = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, named, response.read())

    def memory_bytes(self) -> int:
        """Return the memory that its process holds."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024

    def n_descriptors(self) -> int:
        """Return how many files and sockets its process has open."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))  # noqa: PTH208 - not a folder's content

    def scratch_files(self) -> list[Path]:
        """Return the files in its scratch folder."""
        links = [Path(f"/proc/{self.pid}/fd/{name}") for name in os.listdir(f"/proc/{self.pid}/fd")]  # noqa: PTH208
        for link in links:
            with contextlib.suppress(OSError):
                folder = link.readlink()
                if folder.name.startswith("qasr-scratch-"):
                    return sorted(folder.iterdir())
        raise AssertionError("the server has no scratch folder")


def speech(seconds: float, number: int = 0) -> bytes:
    """Return a WAV file with so much speech; another number has other samples, so that no job is joined."""
    with wave.open(str(CLIP), "rb") as clip:
        spoken = np.frombuffer(clip.readframes(clip.getnframes()), np.int16)
    samples = np.resize(spoken, round(seconds * 16_000)).copy()
    samples[:32] = (number >> np.arange(32)) & 1  # silent bits
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(samples.tobytes())
    return made.getvalue()


def form(fields: Mapping[str, str], file: tuple[str, bytes] | None = None) -> tuple[bytes, dict[str, str]]:
    """Return the body and headers of a multipart form; a file is its name and content."""
    boundary = "qasr-tests-0123456789"
    parts = [
        f'Content-Disposition: form-data; name="{name}"\r\n\r\n{text}'.encode()
        for name, text in fields.items()
    ]
    if file is not None:
        head = f'Content-Disposition: form-data; name="file"; filename="{file[0]}"'
        parts.append(f"{head}\r\nContent-Type: application/octet-stream\r\n\r\n".encode() + file[1])
    body = b"".join(b"--%s\r\n%s\r\n" % (boundary.encode(), part) for part in parts)
    return body + b"--%s--\r\n" % boundary.encode(), {
        "Content-Type": f"multipart/form-data; boundary={boundary}"
    }


def _limited(file_limit: int | None) -> None:
    reset_signals()
    if file_limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))


def begin(
    folder: Path,
    *arguments: object,
    env: Mapping[str, str] | None = None,
    file_limit: int | None = None,
) -> tuple[subprocess.Popen[bytes], Path]:
    """Start a server in a folder, as a shell would; return its process and the file that says it is ready."""
    ready = folder / "ready.json"
    ready.unlink(missing_ok=True)
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "qasr_cli",
        "serve",
        "--port",
        "0",
        "--ready-file",
        ready,
    ]
    with (folder / "stderr.txt").open("wb") as errors, (folder / "stdout.txt").open("wb") as output:
        process = subprocess.Popen(
            [*command, *map(str, arguments)],
            stdin=subprocess.DEVNULL, stdout=output, stderr=errors, cwd=folder,
            env=environment(TMPDIR=str(folder), HOME=str(folder), **(env or {})), start_new_session=True,
            preexec_fn=functools.partial(_limited, file_limit),  # noqa: PLW1509 - exec follows
        )  # fmt: skip
    return process, ready


def await_ready(process: subprocess.Popen[bytes], ready: Path) -> Served:
    """Return a server once it answers."""
    until_s = time.monotonic() + READY_S
    log = ready.with_name("stderr.txt")
    while not ready.exists():
        assert process.poll() is None, f"{process.returncode}: {log.read_text()}"
        assert time.monotonic() < until_s, log.read_text()
        time.sleep(0.02)
    found = json.loads(ready.read_text())
    return Served(found["url"], found["pid"], log)


@contextlib.contextmanager
def started(
    folder: Path,
    *arguments: object,
    env: Mapping[str, str] | None = None,
    file_limit: int | None = None,  # bytes; no file of the server may grow beyond
) -> Iterator[Served]:
    """Run a server for the time of a block; it ends as by SIGTERM."""
    process, ready = begin(folder, *arguments, env=env, file_limit=file_limit)
    try:
        yield await_ready(process, ready)
    finally:
        process.terminate()
        try:
            process.wait(60)
        finally:
            process.kill()


@contextlib.contextmanager
def shared(base: Path, kind: str) -> Iterator[Served]:
    """Run one server of a kind (`KINDS`) for all who call this with one folder at the same time."""
    folder = base / f"serve-{kind}"
    users = folder / "users"
    users.mkdir(parents=True, exist_ok=True)
    mark = users / str(os.getpid())
    with _locked(folder):
        _forget_the_dead(users)
        if not any(users.iterdir()):
            process, ready = begin(folder, *KINDS[kind])
            _processes.append(process)
            await_ready(process, ready)
        mark.touch()
        found = json.loads((folder / "ready.json").read_text())
    try:
        yield Served(found["url"], found["pid"], folder / "stderr.txt")
    finally:
        with _locked(folder):
            mark.unlink()
            _forget_the_dead(users)
            if not any(users.iterdir()):
                os.kill(found["pid"], signal.SIGTERM)
                _await_end(folder / "ready.json")


def _await_end(ready: Path) -> None:
    until_s = time.monotonic() + 60
    while ready.exists() and time.monotonic() < until_s:
        time.sleep(0.05)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _forget_the_dead(users: Path) -> None:
    for mark in users.iterdir():
        try:
            os.kill(int(mark.name), 0)
        except ProcessLookupError:
            mark.unlink()
