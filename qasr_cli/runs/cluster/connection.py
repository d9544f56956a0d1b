"""A cluster as a run sees it: a protocol, and the process of `ray_process` behind it.

In go commands; out come events. The process leads a group of its own, so that Ctrl-C reaches the run alone,
and ends with the socket to it, whatever ends the run.
"""

from __future__ import annotations

import contextlib
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Protocol

from qasr_cli.errors import UnavailableError, UsageError
from qasr_cli.operating_system import processes
from qasr_cli.runs.cluster import frames
from qasr_cli.runs.cluster.messages import Command, Connect, Connected, ConnectionLost, Event, NotConnected

AUTO = "auto"
_PROGRAM = "qasr_cli.runs.cluster.ray_process"
_DIAL_S = 5.0
_CONNECT_S = 90.0  # a cluster that is started here took 6 s on two busy cores
_END_S = 20.0  # longer than the process itself waits for its actors
_GIVE_UP_S = 5.0  # for one that is still connecting, and hears nothing
_FLAG = "--cluster"


class Cluster(Protocol):
    """Actors somewhere, by number. One thread calls it."""

    def send(self, command: Command) -> None:
        """Pass on a command; nothing happens if the cluster is out of reach."""

    def next_event(self, timeout_s: float) -> Event | None:
        """Return the next event; None if there is none for so long. After `ConnectionLost` there is none."""


class RayCluster:
    """The process that holds the connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._is_lost = False

    def send(self, command: Command) -> None:
        """Pass on a command; a process that is gone is reported by `next_event`."""
        with contextlib.suppress(OSError):
            frames.send(self._socket, command)

    def next_event(self, timeout_s: float) -> Event | None:
        """Return the next event; None if there is none for so long."""
        if self._is_lost or not select.select([self._socket], [], [], timeout_s)[0]:
            return None
        try:
            event: Event = frames.receive(self._socket)
        except (EOFError, OSError):
            self._is_lost = True
            return ConnectionLost()
        return event


@contextlib.contextmanager
def connected(asked: Connect) -> Iterator[tuple[RayCluster, Connected]]:
    """Yield a cluster; at the end of the block its actors end.

    Raises:
        UsageError: The address is none.
        UnavailableError: Ray is missing, or there is no cluster at the address.
    """
    if find_spec("ray") is None:
        raise UnavailableError(f"{_FLAG} needs Ray", "pip install 'qasr[ray]'", flag=_FLAG)
    if asked.address != AUTO:
        _dial(asked.address)
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            process = _start(theirs)
        limit_s = _GIVE_UP_S
        try:
            cluster = RayCluster(ours)
            cluster.send(asked)
            found = _greeting(cluster, asked.address)
            limit_s = _END_S
            yield cluster, found
        finally:
            ours.close()
            _await_end(process, limit_s)


def _start(theirs: socket.socket) -> subprocess.Popen[bytes]:
    # Not in the working folder, which Ray would add to the path of all workers: media may lie beside code.
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", _PROGRAM, str(theirs.fileno())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        pass_fds=(theirs.fileno(),),
        start_new_session=True,
    )
    processes.enter_group(process)
    return process


def _await_end(process: subprocess.Popen[bytes], limit_s: float) -> None:
    try:
        process.wait(limit_s)
    except subprocess.TimeoutExpired:
        processes.kill_group(process)
        process.wait()
    finally:
        processes.leave_group(process)


def _greeting(cluster: RayCluster, address: str) -> Connected:
    until_s = time.monotonic() + _CONNECT_S
    while (left_s := until_s - time.monotonic()) > 0:
        match cluster.next_event(left_s):
            case Connected() as found:
                return found
            case NotConnected(reason):
                raise _unreachable(address, reason)
            case ConnectionLost():
                raise _unreachable(address, "Ray gave up on the connection")
            case _:
                pass
    raise _unreachable(address, f"no answer within {_CONNECT_S:.0f} s")


def _dial(address: str) -> None:
    """Refuse an address that nobody listens at, which Ray would try for a minute."""
    host, separator, port = address.rpartition(":")
    if not separator or not host or not port.isdigit() or "/" in address:
        hint = "give HOST:PORT of the head node, as ray start --head prints it, or auto"
        raise UsageError(f"{_FLAG} {address}: not an address", hint, flag=_FLAG)
    try:
        with socket.create_connection((host.strip("[]"), int(port)), _DIAL_S):
            pass
    except (OSError, OverflowError) as error:
        raise _unreachable(address, str(error)) from error


def _unreachable(address: str, reason: str) -> UnavailableError:
    hint = "run ray status on this machine; its Ray and Python must be those of the cluster"
    return UnavailableError(f"{_FLAG} {address}: {reason}", hint, flag=_FLAG)
