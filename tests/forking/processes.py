"""Processes for tests: qasr as a shell would start it, most of them forked and so without the imports.

`run` and `start` look at what a process is given: what could change how a library is imported gets a process
that is spawned. `spawn` always spawns, for tests of the start itself.
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.forking import client

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 300.0
ONE_THREAD = "1"  # torch's wait for each other by turning in circles, on the cores that other tests have
Result = subprocess.CompletedProcess[str]

# Imported by qasr only where they are needed, which is in most runs. Not onnxruntime: it starts threads.
_LIGHT = (
    "numpy", "srt", "webvtt", "ffmpeg", "imageio_ffmpeg.binaries", "budoux", "watchfiles",
    "rich.markdown", "rich.progress", "rich.table", "rich.traceback", "typer.rich_utils", "pygments.lexers",
    "pydantic.json_schema", "pydantic.type_adapter", "typer._adapters",
)  # fmt: skip
_TORCH = (
    "torch", "torch._dynamo", "torch.distributed.tensor", "torch.export", "safetensors.torch", "tokenizers",
    "filelock", "httpx", "httpx2", "jinja2", "tqdm.auto",
)  # fmt: skip
_HEAVY = (
    "huggingface_hub", "transformers", "transformers.models.qwen3.modeling_qwen3",
    "transformers.models.qwen3_asr.modeling_qwen3_asr", "transformers.models.qwen3_asr.processing_qwen3_asr",
)  # fmt: skip


def environment(**more: str) -> dict[str, str]:
    """Return what `env -i` would leave, what finds the checkout's modules, and the ffmpeg that was chosen."""
    chosen = {name: os.environ[name] for name in ("QASR_FFMPEG",) if name in os.environ}
    bare = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    return {**bare, "OMP_NUM_THREADS": ONE_THREAD, **chosen, **more}


@dataclass(frozen=True, slots=True)
class Setting:
    """What a process gets besides its arguments.

    Attributes:
        folder: It runs there.
        env: Its whole environment.
        file_limit: Bytes beyond which no file may grow.
        prepare: Called before the program is executed, for which it is always spawned.
        is_session_leader: Whether it leads a session, and a process group, of its own.
    """

    folder: Path
    env: Mapping[str, str]
    file_limit: int | None = None
    prepare: Callable[[], object] | None = None
    is_session_leader: bool = False


class Running:
    """A process that was forked elsewhere: what tests use of `subprocess.Popen`, its streams as text."""

    def __init__(self, pid: int, connection: socket.socket, streams: tuple[IO[str] | None, ...]) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdin, self.stdout, self.stderr = streams
        self._connection = connection
        self._readers: dict[str, tuple[threading.Thread, list[str]]] = {}

    def poll(self) -> int | None:
        """Return the exit code if it has ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = TIMEOUT_S) -> int:
        """Return the exit code, minus a signal's number, once it has ended."""
        if self.returncode is None:
            self._connection.settimeout(timeout)
            try:
                answer = self._connection.recv(64)
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0) from None
            assert answer, "the server has ended"
            self.returncode = int(answer)
            self._connection.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float | None = TIMEOUT_S) -> tuple[str, str]:
        """Return what is still to be read of both streams, once it has ended."""
        for name in ("stdout", "stderr"):
            stream = getattr(self, name)
            if stream is not None and name not in self._readers and not stream.closed:
                texts: list[str] = []
                thread = threading.Thread(target=_drain, args=(stream, texts), daemon=True)
                thread.start()
                self._readers[name] = (thread, texts)
        until_s = time.monotonic() + (TIMEOUT_S if timeout is None else timeout)
        for thread, _ in self._readers.values():
            thread.join(max(0.0, until_s - time.monotonic()))
            if thread.is_alive():
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
        self.wait(max(0.0, until_s - time.monotonic()))
        return self._text("stdout"), self._text("stderr")

    def _text(self, name: str) -> str:
        return "".join(self._readers[name][1]) if name in self._readers else ""


def _drain(stream: IO[str], texts: list[str]) -> None:
    with stream:
        texts.append(stream.read())


class Servers:
    """The processes that fork, each started when it is first needed. For one thread, but for `run`."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="qasr-"))  # short: a socket's name has 100 characters
        self._started: dict[str, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()
        self.base = environment()

    def close(self) -> None:
        """End them."""
        for server in self._started.values():
            assert server.stdin is not None
            server.stdin.close()
            server.wait(timeout=30)
        shutil.rmtree(self._folder)

    def socket_of(self, kind: str) -> str:
        """Return the socket of a server that listens."""
        path = self._folder / kind
        with self._lock:
            if kind not in self._started:
                self._started[kind] = self._start(kind, path)
        return str(path)

    def maps_of(self, kind: str) -> str:
        """Return what a server has in memory, as Linux lists it."""
        self.socket_of(kind)
        return Path(f"/proc/{self._started[kind].pid}/maps").read_text()

    def _start(self, kind: str, path: Path) -> subprocess.Popen[bytes]:
        modules = [*_LIGHT, *_qasr_modules(kind)]
        modules += {client.LIGHT: (), client.TORCH: _TORCH, client.HEAVY: _TORCH + _HEAVY}[kind]
        log = path.with_suffix(".log")
        with log.open("wb") as out:
            server = subprocess.Popen(
                [sys.executable, "-m", "tests.forking.server", path, *modules],
                stdin=subprocess.PIPE, stdout=out, stderr=out, cwd=ROOT, env=self.base,
                preexec_fn=reset_signals,  # noqa: PLW1509 - exec follows
            )  # fmt: skip
        until_s = time.monotonic() + TIMEOUT_S
        while not _listens(path):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < until_s, log.read_text()
            time.sleep(0.01)
        return server

    def start(
        self,
        arguments: tuple[object, ...],
        setting: Setting,
        *,
        stdin: int | IO[bytes] = subprocess.DEVNULL,
        stdout: int | IO[bytes] = subprocess.PIPE,
        stderr: int | IO[bytes] = subprocess.PIPE,
    ) -> Running | subprocess.Popen[str]:
        """Start `qasr ARGUMENTS`; streams as `subprocess.Popen` takes them."""
        texts, env = list(map(str, arguments)), dict(setting.env)
        kind = client.choose(texts, env, self.base)
        if kind is None or setting.prepare is not None:
            return popen(arguments, setting, stdin=stdin, stdout=stdout, stderr=stderr)
        request = {
            "arguments": texts, "folder": os.fspath(setting.folder), "env": env,
            "file_limit": setting.file_limit, "is_session_leader": setting.is_session_leader,
        }  # fmt: skip
        with contextlib.ExitStack() as theirs:
            ends = [_open(given, place, theirs) for place, given in enumerate((stdin, stdout, stderr))]
            inside = (ends[0][0], ends[1][0], ends[2][0])
            pid, connection = client.ask(self.socket_of(kind), request, inside)
        return Running(pid, connection, tuple(ours for _, ours in ends))

    def run(self, arguments: tuple[object, ...], setting: Setting, *, stdin: bytes = b"") -> Result:
        """Run `qasr ARGUMENTS` to its end and return what it wrote."""
        with tempfile.TemporaryFile() as given:
            given.write(stdin)
            given.seek(0)
            process = self.start(arguments, setting, stdin=given if stdin else subprocess.DEVNULL)
            try:
                out, err = process.communicate(timeout=TIMEOUT_S)
            except BaseException:
                process.kill()
                raise
        assert process.returncode is not None
        return subprocess.CompletedProcess(list(map(str, arguments)), process.returncode, out, err)


def reset_signals() -> None:
    """Undo what a shell's background jobs (SIGINT, SIGQUIT) and `nohup` (SIGHUP) let a child ignore."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def popen(
    arguments: tuple[object, ...],
    setting: Setting,
    *,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    stdout: int | IO[bytes] = subprocess.PIPE,
    stderr: int | IO[bytes] = subprocess.PIPE,
) -> subprocess.Popen[str]:
    """Start `python -m qasr_cli ARGUMENTS` from nothing."""

    def prepare() -> None:
        reset_signals()
        if setting.file_limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (setting.file_limit, setting.file_limit))
        if setting.prepare is not None:
            setting.prepare()

    return subprocess.Popen(
        [sys.executable, "-m", "qasr_cli", *map(str, arguments)],
        stdin=stdin, stdout=stdout, stderr=stderr, cwd=setting.folder, env=dict(setting.env),
        encoding="utf-8", errors="backslashreplace", start_new_session=setting.is_session_leader,
        preexec_fn=prepare,  # noqa: PLW1509 - exec follows
    )  # fmt: skip


def spawn(arguments: tuple[object, ...], setting: Setting, *, stdin: bytes = b"") -> Result:
    """Run `python -m qasr_cli ARGUMENTS` from nothing to its end and return what it wrote."""
    process = popen(arguments, setting, stdin=subprocess.PIPE)
    try:
        out, err = process.communicate(stdin.decode("latin-1"), timeout=TIMEOUT_S)
    except BaseException:
        process.kill()
        raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def _qasr_modules(kind: str) -> list[str]:
    """Return qasr's modules; those that import transformers only for the server that has it."""
    names = []
    for path in sorted((ROOT / "qasr_cli").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if parts[-1] != "__main__" and (kind == client.HEAVY or parts[1:2] != ("engines",)):
            names.append(".".join(parts))
    return names


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection, contextlib.suppress(OSError):
        connection.connect(str(path))
        return True
    return False


def _open(given: int | IO[bytes], place: int, theirs: contextlib.ExitStack) -> tuple[int, IO[str] | None]:
    """Return a stream's end for the process, which `theirs` closes, and the one that is kept here."""
    if given == subprocess.DEVNULL:
        return theirs.enter_context(Path(os.devnull).open("r+b", buffering=0)).fileno(), None
    if given != subprocess.PIPE:
        return given if isinstance(given, int) else given.fileno(), None
    reading, writing = os.pipe()
    inside, ours = (reading, writing) if place == 0 else (writing, reading)
    theirs.callback(os.close, inside)
    kept = open(ours, "w" if place == 0 else "r", encoding="utf-8", errors="backslashreplace")  # noqa: SIM115, PTH123
    return inside, kept
