"""The process that holds the connection to a Ray cluster, and the only one that imports Ray.

In go commands over a socket; out come events. A process of its own, since Ray ends the process that it is in
when the head of the cluster is lost, prints to its streams and takes over its signals. Ends when the run
does: the socket is closed then, whatever ended it. What a worker says is passed on as bytes, unread.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from qasr_cli.runs.cluster import actor_shell, frames
from qasr_cli.runs.cluster.messages import (
    ActorLost,
    ActorRefused,
    ActorStarted,
    BatchOver,
    Connect,
    Connected,
    Event,
    NotConnected,
    Replies,
    StartActor,
    StopActor,
    Work,
)

_LOCAL = "127.0.0.1"
_AUTO = "auto"
_DEFAULT_CORES = 4  # beyond that a core more is worth less in one actor than in a second one
_MAX_UNREAD = 64  # messages of one batch that wait for the run; then its actor waits
_STORE_BYTES = 100_000_000  # of a cluster that is started here; transcripts are small
_CALLS = 8  # threads of an actor: batches, and the call that ends it
_STOP_S = 10.0
_MAX_REASON_CHARS = 300
# Read by Ray when it is imported. Ray's own log files stay.
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}


class _Connection:
    """Ray, as long as there are commands. Each batch has a thread that waits for what its actor says."""

    def __init__(self, connection: socket.socket, asked: Connect) -> None:
        import ray

        self._ray = ray
        self._socket = connection
        self._sending = threading.Lock()
        self._asked = asked
        self._actors: dict[int, Any] = {}
        self._started: set[int] = set()  # only these answer
        self._make_actor: Callable[[], Any] = lambda: None
        self._open = contextlib.ExitStack()  # what goes when Ray has ended

    def open(self) -> None:
        """Connect and say what there is."""
        try:
            is_own = self._connect()
            n_actors, shown, demand = offer(self._ray.nodes(), self._asked)
        except Exception as error:  # noqa: BLE001 - Ray raises many kinds; each is the reason for the user
            self._tell(NotConnected(_one_line(error)))
            return
        if not n_actors:
            self._tell(NotConnected(f"no machine has {shown} for an actor"))
            return
        self._ray.cloudpickle.register_pickle_by_value(actor_shell)
        kind = self._ray.remote(actor_shell.ActorShell)
        options = kind.options(max_concurrency=_CALLS, max_restarts=0, **demand)
        self._make_actor = options.remote
        self._tell(Connected(n_actors, shown, is_own))

    def _connect(self) -> bool:
        """Connect to the cluster of the address; return whether it had to be started."""
        quiet = {"log_to_driver": False, "configure_logging": False, "logging_level": "critical"}
        if self._asked.address != _AUTO:
            self._ray.init(address=self._asked.address, **quiet)
            return False
        try:
            self._ray.init(address=_AUTO, **quiet)
        except ConnectionError:
            self._ray.init(
                address="local",
                _node_ip_address=_LOCAL,
                _temp_dir=self._open.enter_context(_short_folder()),
                include_dashboard=False,
                object_store_memory=_STORE_BYTES,
                **quiet,
            )
            return True
        return False

    def serve(self) -> None:
        """Do what the run says until it is gone."""
        try:
            while True:
                match frames.receive(self._socket):
                    case StartActor(number):
                        self._start(number)
                    case Work(number, batch, payload):
                        self._in_thread(self._follow, number, batch, payload)
                    case StopActor(number):
                        self._in_thread(self._end, number)
                    case _:
                        pass
        except (EOFError, OSError):
            self._close()

    def _start(self, number: int) -> None:
        self._actors[number] = self._make_actor()
        self._in_thread(self._await_start, number)

    def _await_start(self, number: int) -> None:
        begun = self._actors[number].start.remote(self._asked.version, self._asked.setup)
        is_started, answer, reason = self._ray.get(begun)
        if is_started:
            self._started.add(number)
            self._tell(ActorStarted(number, answer))
        else:
            self._tell(ActorRefused(number, answer, reason))

    def _follow(self, number: int, batch: int, payload: bytes) -> None:
        work = self._actors[number].work.options(
            num_returns="streaming", _generator_backpressure_num_objects=_MAX_UNREAD
        )
        for reply in work.remote(payload):
            self._tell(Replies(number, batch, self._ray.get(reply)))
        self._tell(BatchOver(number, batch))

    def _end(self, number: int) -> None:
        self._stop([number])

    def _stop(self, numbers: Iterable[int]) -> None:
        """End actors: what is on the disks of their machines goes if they answer, and they go anyway."""
        actors = {number: self._actors.pop(number) for number in list(numbers) if number in self._actors}
        with contextlib.suppress(Exception):
            answers = [actors[number].stop.remote() for number in actors if number in self._started]
            self._ray.wait(answers, num_returns=len(answers), timeout=_STOP_S)
        for actor in actors.values():
            with contextlib.suppress(Exception):
                self._ray.kill(actor)

    def _close(self) -> None:
        self._stop(self._actors)
        self._ray.shutdown()
        self._open.close()

    def _in_thread(self, work: Callable[..., None], number: int, *more: Any) -> None:
        threading.Thread(target=self._watched, args=(work, number, *more), daemon=True).start()

    def _watched(self, work: Callable[..., None], number: int, *more: Any) -> None:
        try:
            work(number, *more)
        except OSError:  # the run is gone, which `serve` notices as well
            pass
        except Exception as error:  # noqa: BLE001 - Ray raises many kinds for an actor that is gone
            self._tell(ActorLost(number, _one_line(error)))

    def _tell(self, event: Event) -> None:
        with self._sending:
            frames.send(self._socket, event)


@contextlib.contextmanager
def _short_folder() -> Iterator[str]:
    """Yield a folder for Ray's logs and sockets, whose names must not be long."""
    folder = tempfile.mkdtemp(prefix="qasr-ray-", dir="/tmp")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def offer(nodes: Sequence[Mapping[str, Any]], asked: Connect) -> tuple[int, str, dict[str, int]]:
    """Return how many actors the machines are enough for, what each gets for people, and for Ray.

    One actor a GPU; where there is none, one for every so many cores of a machine.
    """
    resources = [node["Resources"] for node in nodes if node["Alive"]]
    with_gpu = [(int(one["GPU"]), int(one.get("CPU", 0))) for one in resources if one.get("GPU", 0) >= 1]
    if asked.has_gpu and with_gpu:
        n_cores = min(_DEFAULT_CORES, *(cores // gpus for gpus, cores in with_gpu))
        return sum(gpus for gpus, _ in with_gpu), "1 GPU", {"num_gpus": 1, "num_cpus": n_cores}
    cores = [int(one.get("CPU", 0)) for one in resources]
    n_cores = asked.n_cpus or max(1, min(_DEFAULT_CORES, max(cores, default=0)))
    shown = f"{n_cores} core{'' if n_cores == 1 else 's'}"
    return sum(one // n_cores for one in cores), shown, {"num_cpus": n_cores}


def _one_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = next((line for line in lines if line.startswith("The actor is dead")), lines[0] if lines else "")
    return f"{type(error).__name__}: {text}"[:_MAX_REASON_CHARS]


def main(descriptor: int) -> None:
    """Serve the run at the other end of a socket."""
    os.environ.update(_QUIET)
    with socket.socket(fileno=descriptor) as connection:
        served = _Connection(connection, frames.receive(connection))
        served.open()
        served.serve()


if __name__ == "__main__":
    main(int(sys.argv[1]))
