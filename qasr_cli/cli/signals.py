"""Signals: the first begins an orderly end, a second changes nothing, a third ends at once.

A server's orderly end waits for its clients, and a second signal ends that wait (`hasten_with`).

Nothing goes in; handlers are installed for the process. In the main thread the first signal raises, once, so
that every `finally` runs. A thread counts all signals, as they arrive even while the main thread is in a long
computation; it ends the process at the third one, or when the orderly end takes too long. SIGHUP does not end
a service: it reopens the log file.
"""

from __future__ import annotations

import _thread
import atexit
import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from qasr_cli.operating_system import files, processes

# A hook may run for `--hook-timeout` (60 s), and so may one that begins just before that time is over. The
# rest is for decoders, which are killed, and for files in progress. Less than TimeoutStopSec of our unit.
_HOOK_S = 60.0
_REST_S = 20.0
_AT_STOP_S = 2.0  # for the status file, whose disk may hang
_NUDGE_S = 0.2  # the main thread has usually raised after some milliseconds
_ONE_PRESS_S = 0.5  # what comes twice within it was sent once, see below
_N_AT_ONCE = 3  # GNU `timeout` sends two, and systemd's SendSIGHUP adds one to the first

# What ends a process by default and is sent by people and programs. What says that the process is broken
# (SIGSEGV, SIGABRT) is not caught: nothing could be relied on then.
_ENDING = processes.signals(
    *("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGVTALRM", "SIGPROF"),
    *("SIGXCPU", "SIGPOLL", "SIGPWR", "SIGBREAK"),
)
_HANGUP = next(iter(processes.signals("SIGHUP")), None)


class _Ending:
    """What is known about the end of this process.

    Attributes:
        first: The signal that began it.
        first_s: When it came, by the monotonic clock.
        n_signals: Signals so far.
        limit_s: Seconds that an orderly end may take.
        has_raised: The main thread has been told.
        reload: Called at SIGHUP, in the counting thread; None ends the process.
        hasten: Called at the second signal, in the counting thread.
        had_terminal: There was a terminal whose end SIGHUP may report.
        main: The main thread.
        is_nudged: A signal to the main thread is on its way that is not to be counted.
    """

    def __init__(self) -> None:
        self.first: int | None = None
        self.n_signals = 0
        self.limit_s = 2 * _HOOK_S + _REST_S
        self.has_raised = False
        self.reload: Callable[[], None] | None = None
        self.hasten: Callable[[], None] = lambda: None
        self.first_s = 0.0
        self.had_terminal = False
        self.main = _thread.get_ident()
        self.is_nudged = False


_ending = _Ending()


def install() -> None:
    """Install the handlers; call it in the main thread."""
    for number in _ENDING:
        # A shell's `&` ignores SIGINT, and `nohup` SIGHUP: so it stays.
        if number is signal.SIGTERM or not processes.is_ignored(number):
            signal.signal(number, _handle)
    if processes.IS_POSIX:
        reading, writing = os.pipe()
        files.do_not_wait(writing)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        _thread.start_new_thread(_follow, (reading,))
    atexit.register(_ignore_all)  # registered first, called last


def allow_for_hooks(timeout_s: float) -> None:
    """Let an orderly end take as long as hooks with this time limit need."""
    allow(2 * timeout_s)


def allow(seconds: float) -> None:
    """Let an orderly end take this long, and a moment for what comes after."""
    _ending.limit_s = max(_ending.limit_s, seconds + _REST_S)


def hasten_with(hasten: Callable[[], None]) -> None:
    """Call a function at the second signal, in the counting thread: the orderly end should not wait."""
    _ending.hasten = hasten


def reload_on_hangup(reload: Callable[[], None]) -> None:
    """Let SIGHUP call a function, in the counting thread, as long as the terminal of the start is there."""
    _ending.had_terminal = processes.has_terminal()
    _ending.reload = reload


def settle() -> None:
    """The command is over and its exit code certain: a signal does not change it any more."""
    _ending.has_raised = True


def _ignore_all() -> None:
    """Let no signal end the process while the interpreter is torn down.

    Python sets the signals back to their defaults then, and only ignored ones stay as they are: a second
    SIGTERM would end the process with another code than the first.
    """
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)


def _handle(number: int, frame: FrameType | None) -> None:
    if not processes.IS_POSIX:
        _count(number)
    if _ending.has_raised or _is_reload(number):
        return
    if processes.IS_POSIX and _is_importing(frame):
        return  # the next nudge comes soon
    _ending.has_raised = True
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)


def _is_importing(frame: FrameType | None) -> bool:
    """Whether modules are being imported: an exception there ends torch's C++ code with SIGABRT."""
    while frame is not None and frame.f_code.co_filename != "<frozen importlib._bootstrap>":
        frame = frame.f_back
    return frame is not None


def _is_reload(number: int) -> bool:
    if number != _HANGUP or _ending.reload is None:
        return False
    return not _ending.had_terminal or processes.has_terminal()


def _follow(reading: int) -> None:
    """Count signals as they arrive; end the process when the orderly end takes too long."""
    until_s: float | None = None
    while True:
        if not select.select([reading], [], [], _left_s(until_s))[0]:
            if not _left_s(until_s):
                _stop_at_once(f"the end took more than {_ending.limit_s:.0f} s; stopped at once")
            _nudge()
            continue
        for number in os.read(reading, 64):
            if _ending.is_nudged and number == _ending.first:
                _ending.is_nudged = False
            elif _is_reload(number):
                _reload()
            elif number in _ENDING:
                _count(number)
                until_s = until_s or time.monotonic() + _ending.limit_s


def _left_s(until_s: float | None) -> float | None:
    """Return how long to wait for the next signal; None is for ever, 0 that the limit is over."""
    if until_s is None:
        return None
    left_s = max(0.0, until_s - time.monotonic())
    return left_s if _ending.has_raised else min(left_s, _NUDGE_S)


def _nudge() -> None:
    """Interrupt what the main thread waits for.

    A signal that arrives just before a system call, or in another thread, does not interrupt that call: the
    main thread would learn of it after the call only, which may wait for ever.
    """
    if not _ending.is_nudged and not _ending.has_raised and _ending.first is not None:
        _ending.is_nudged = True
        signal.pthread_kill(_ending.main, _ending.first)


def _reload() -> None:
    assert _ending.reload is not None  # noqa: S101 - as `_is_reload` has found
    try:
        _ending.reload()
    except Exception as error:  # noqa: BLE001 - a thread that ended here would count no signals any more
        _tell(f"after SIGHUP: {error}")


def _count(number: int) -> None:
    _ending.n_signals += 1
    if _ending.first is None:
        _ending.first, _ending.first_s = number, time.monotonic()
    if _ending.n_signals >= _N_AT_ONCE:
        _stop_at_once("stopped at once")
    if _ending.n_signals > 1 and time.monotonic() - _ending.first_s > _ONE_PRESS_S:
        _ending.hasten()
    if _ending.n_signals > 1 and number == signal.SIGINT:
        _tell("ending; press Ctrl-C once more to stop at once")


def _stop_at_once(text: str) -> NoReturn:
    # Files in progress have no name yet, and the next run removes the scratch folder.
    processes.kill_groups()
    processes.run_at_stop(_AT_STOP_S)
    _tell(text, is_last=True)
    os._exit(128 + (_ending.first or signal.SIGTERM))


def _tell(text: str, *, is_last: bool = False) -> None:
    """Write a line to the descriptor itself: the main thread may hold the locks of sys.stderr."""
    logs = sys.modules.get("qasr_cli.terminal.logs")
    line = logs.plain_line(text) if logs is not None else f"qasr: {text}"
    cursor = "\x1b[?25h" if is_last and os.isatty(2) else ""
    with contextlib.suppress(OSError, ValueError):
        if (
            not processes.IS_POSIX or select.select([], [2], [], 0)[1]
        ):  # a full pipe would hold this thread up
            os.write(2, f"{cursor}{line}\n".encode())
