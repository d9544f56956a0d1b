"""Signals: the first begins an orderly end, a second never harms it, a third or a time limit ends at once."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from qasr_cli.cli import signals
from tests.e2e.conftest import CLIP, ECHO, ROOT, StartQasr, environment
from tests.forking.processes import reset_signals

INT, TERM, HUP, QUIT, USR1 = (
    *(signal.SIGINT, signal.SIGTERM, signal.SIGHUP),
    *(signal.SIGQUIT, signal.SIGUSR1),
)
_PATIENCE_S = 40.0

# What a command is to its signals: work, and an end that takes a while and must not be cut off.
PROGRAM = """
import hashlib, os, sys, time
from pathlib import Path
from qasr_cli.cli import signals
signals.install()
{setting}
try:
    Path("begun").touch()
    {work}
except BaseException as error:
    Path("ending").write_text(repr(error))
    {end}
    Path("ended").touch()
    sys.exit(130) if isinstance(error, KeyboardInterrupt) else sys.exit(error.code)
"""
AFTER_GO = "while not Path('go').exists(): time.sleep(0.02)"
COMPUTE = 'hashlib.pbkdf2_hmac("sha256", b"a", b"b", 10**9)'  # minutes in one call of C, as on a device


class Program:
    """A small program with the handlers of qasr."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[str] | None = None

    def start(
        self,
        *,
        setting: str = "",
        work: str = "time.sleep(60)",
        end: str = AFTER_GO,
        is_nohup: bool = False,
    ) -> subprocess.Popen[str]:
        text = PROGRAM.format(setting=setting, work=work, end=end)
        before = {number: signal.SIG_IGN for number in (HUP,) if is_nohup}

        def prepare() -> None:
            reset_signals()
            for number, handler in before.items():
                signal.signal(number, handler)

        self.process = subprocess.Popen(
            [sys.executable, "-c", text], cwd=self.folder, env=environment(), stderr=subprocess.PIPE,
            encoding="utf-8", preexec_fn=prepare,  # noqa: PLW1509 - exec follows
        )  # fmt: skip
        self.until("begun")
        return self.process

    def until(self, name: str) -> None:
        deadline_s = time.monotonic() + _PATIENCE_S
        while not (self.folder / name).exists():
            assert time.monotonic() < deadline_s
            time.sleep(0.01)

    def has(self, name: str) -> bool:
        return (self.folder / name).exists()

    def end(self) -> str:
        assert self.process is not None
        return self.process.communicate(timeout=_PATIENCE_S)[1]


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    one = Program(tmp_path)
    yield one
    if one.process is not None:
        one.process.kill()
        one.process.communicate()


@pytest.mark.parametrize(
    ("numbers", "code"),
    [
        ([INT], 130),
        ([HUP], 129),
        ([QUIT], 131),
        ([USR1], 128 + USR1),
        ([TERM, TERM], 143),
        ([INT, INT], 130),
        ([HUP, TERM], 129),
        ([TERM, INT], 143),
    ],
    ids=lambda value: "-".join(one.name for one in value) if isinstance(value, list) else str(value),
)
def test_a_second_signal_never_harms_the_end_that_the_first_began(
    program: Program, numbers: Sequence[signal.Signals], code: int
) -> None:
    process = program.start()
    process.send_signal(numbers[0])
    program.until("ending")
    for number in numbers[1:]:
        process.send_signal(number)
        if number is INT:
            assert process.stderr is not None
            assert "ending; press Ctrl-C once more to stop at once" in process.stderr.readline()
    time.sleep(0.2)
    (program.folder / "go").touch()
    assert program.end() == ""
    assert process.returncode == code
    assert program.has("ended")


@pytest.mark.parametrize("work", ["time.sleep(60)", COMPUTE], ids=["waits", "computes"])
def test_a_third_signal_ends_at_once(program: Program, work: str) -> None:
    process = program.start(work=work, end="time.sleep(60)")
    begun_s = time.monotonic()
    for number in (TERM, HUP, INT):
        process.send_signal(number)
        time.sleep(0.1)
    told = program.end()
    assert process.returncode == 143  # of the first one
    assert "stopped at once" in told
    assert time.monotonic() - begun_s < 10
    assert not program.has("ended")


def test_the_last_word_is_said_even_when_the_main_thread_computes(program: Program) -> None:
    setting = "from qasr_cli.operating_system import processes; processes.at_stop(Path('said').touch)"
    process = program.start(setting=setting, work=COMPUTE)
    for _ in range(3):
        process.send_signal(TERM)
        time.sleep(0.1)
    program.end()
    assert process.returncode == 143
    assert (program.has("said"), program.has("ending")) == (True, False)


def test_a_time_limit_ends_at_once(program: Program) -> None:
    process = program.start(setting="signals._ending.limit_s = 0.3", end="time.sleep(60)")
    process.send_signal(TERM)
    told = program.end()
    assert process.returncode == 143
    assert "took more than" in told


def test_the_limit_leaves_room_for_hooks_and_is_shorter_than_that_of_the_unit() -> None:
    fresh = signals._Ending()
    assert fresh.limit_s == 140
    (limit,) = [
        int(line.partition("=")[2])
        for line in (ROOT / "docs/how-to/services.md").read_text("utf-8").splitlines()
        if line.startswith("TimeoutStopSec=")
    ]
    assert fresh.limit_s < limit


def test_a_signal_that_another_thread_gets_ends_the_main_thread_s_wait(program: Program) -> None:
    work = (
        "import threading; wait = lambda: (time.sleep(0.3), signal.pthread_kill(threading.get_ident(), 15));"
        "threading.Thread(target=wait, daemon=True).start(); time.sleep(60)"
    )
    process = program.start(setting="import signal", work=work)
    program.until("ending")
    process.send_signal(TERM)  # the nudge does not count, so this is the second one
    time.sleep(0.2)
    (program.folder / "go").touch()
    program.end()
    assert process.returncode == 143
    assert program.has("ended")


def test_an_import_is_not_interrupted(program: Program) -> None:
    (program.folder / "slow.py").write_text(
        "import time; from pathlib import Path; Path('importing').touch()\n"
        "for _ in range(5): time.sleep(0.1)\nPath('imported').touch()\n"
    )
    process = program.start(work="import slow; time.sleep(60)", end="")
    program.until("importing")
    process.send_signal(TERM)
    program.end()
    assert process.returncode == 143
    assert program.has("imported")


def test_nohup_stays_in_force(program: Program) -> None:
    process = program.start(is_nohup=True, work="time.sleep(1)")
    process.send_signal(HUP)
    program.end()
    assert process.returncode == 0
    assert not program.has("ending")


def test_after_the_command_a_signal_changes_nothing(program: Program) -> None:
    process = program.start(work="signals.settle(); time.sleep(1)")
    process.send_signal(TERM)
    program.end()
    assert process.returncode == 0


def test_a_signal_while_the_interpreter_ends_changes_nothing(program: Program) -> None:
    """Objects of modules are deleted after all handlers are set back to the system's defaults."""
    setting = (
        "class Last:\n"
        "    def __del__(self, mark=os.mkdir, sleep=time.sleep):\n"
        "        mark('torn')\n"
        "        sleep(1)\n"
        "sys.last = Last()"
    )
    process = program.start(setting=setting, work="pass")
    program.until("torn")
    process.send_signal(TERM)
    program.end()
    assert process.returncode == 0


def test_children_end_with_a_process_that_stops_at_once(program: Program) -> None:
    work = (
        "import subprocess; from qasr_cli.operating_system import processes;"
        "child = subprocess.Popen(['sleep', '60'], start_new_session=True); processes.enter_group(child);"
        "Path('child').write_text(str(child.pid)); time.sleep(60)"
    )
    process = program.start(work=work, end="time.sleep(60)")
    program.until("child")
    time.sleep(0.1)
    child = int((program.folder / "child").read_text())
    for _ in range(3):
        process.send_signal(TERM)
        time.sleep(0.1)
    program.end()
    deadline_s = time.monotonic() + 10
    while is_alive(child):
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def test_a_read_that_ctrl_z_holds_up_is_not_stuck(program: Program) -> None:
    work = """
    from qasr_cli.media import process
    process._SILENCE_S, process._STOPPED_S = 0.6, 0.3
    watchdog = process.Watchdog(Path("bitten").touch)
    watchdog.start()
    with watchdog.watching():
        Path("reading").touch()
        for _ in range(5):
            time.sleep(0.1)  # it takes less than it may
    """
    process = program.start(work=work.strip())
    program.until("reading")
    process.send_signal(signal.SIGSTOP)
    time.sleep(1.5)
    process.send_signal(signal.SIGCONT)
    program.end()
    assert process.returncode == 0
    assert not program.has("bitten")


# ── qasr itself ─────────────────────────────────────────────────────────────────────────────────────────


def state(folder: Path) -> str:
    with contextlib.suppress(OSError, ValueError):
        return str(json.loads((folder / "status.json").read_text("utf-8"))["state"])
    return ""


def until(is_so: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + _PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    shutil.copy(CLIP, tmp_path / "in" / "a.wav")
    return tmp_path


WATCH = ("watch", "in", "--engine", ECHO, "--status", "status.json", "--settle", "0", "-q")


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace slows the disk down")
def test_two_sigterms_and_a_slow_disk_leave_the_right_status(start_qasr: StartQasr, folder: Path) -> None:
    watch = start_qasr(*WATCH)
    until(lambda: state(folder) == "waiting")
    trace = folder / "trace"
    slowing = subprocess.Popen(
        ["strace", "-f", "-p", str(watch.pid), "-o", trace, "-e", "trace=fsync",
         "-e", "inject=fsync:delay_enter=600000"],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert slowing.stderr is not None
    if "attached" not in slowing.stderr.readline():
        slowing.communicate(timeout=30)
        pytest.skip("processes may not be traced here")
    watch.send_signal(TERM)  # as GNU `timeout` does: to its child, and to the group
    time.sleep(0.3)  # the status is being synced
    watch.send_signal(TERM)
    watch.communicate(timeout=60)
    slowing.communicate(timeout=30)
    assert watch.returncode == 143
    assert trace.read_text().count("DELAYED") >= 2  # the file's and the folder's, while the second came
    assert state(folder) == "stopped"


@pytest.mark.parametrize(("number", "code"), [(USR1, 128 + USR1), (QUIT, 131)])
def test_whatever_ends_a_watch_is_in_its_status(
    start_qasr: StartQasr, folder: Path, number: signal.Signals, code: int
) -> None:
    watch = start_qasr(*WATCH)
    until(lambda: state(folder) == "waiting")
    watch.send_signal(number)
    watch.communicate(timeout=60)
    assert (watch.returncode, state(folder)) == (code, "stopped")


def test_a_watch_that_cannot_begin_says_so_in_its_status(start_qasr: StartQasr, folder: Path) -> None:
    watch = start_qasr(*WATCH[:2], "--engine", "tests.fakes:nothing", *WATCH[4:])
    watch.communicate(timeout=60)
    assert watch.returncode not in (0, None)
    assert state(folder) == "stopped"
    assert json.loads((folder / "status.json").read_text("utf-8"))["last_error"]["text"]


def test_sighup_lets_a_watch_open_its_log_anew_and_go_on(start_qasr: StartQasr, folder: Path) -> None:
    log, rotated = folder / "log", folder / "log.1"
    watch = start_qasr(*WATCH, "--log-file", "log")
    until(lambda: state(folder) == "waiting")
    log.rename(rotated)
    watch.send_signal(HUP)
    until(log.exists)
    shutil.copy(CLIP, folder / "in" / "b.wav")
    until(lambda: "source=b.wav" in log.read_text("utf-8"))
    assert "b.wav" not in rotated.read_text("utf-8")
    assert watch.poll() is None
    watch.send_signal(TERM)
    watch.communicate(timeout=60)
    assert (watch.returncode, state(folder)) == (143, "stopped")


def test_a_watch_ends_in_order_with_its_terminal(folder: Path) -> None:
    pid, terminal = pty.fork()
    if pid == 0:  # in the child, which the terminal controls
        os.chdir(folder)
        reset_signals()
        os.execve(sys.executable, [sys.executable, "-m", "qasr_cli", *WATCH], environment())
    until(lambda: state(folder) == "waiting")
    os.kill(pid, HUP)  # the terminal is there: only the log is opened anew
    time.sleep(0.3)
    assert is_alive(pid)
    os.close(terminal)  # the window is closed
    try:
        until(lambda: not is_alive(pid))
    finally:
        os.kill(pid, signal.SIGKILL)  # changes nothing if it has ended
        _, status = os.waitpid(pid, 0)
    assert (os.waitstatus_to_exitcode(status), state(folder)) == (129, "stopped")


def test_a_signal_during_the_imports_is_no_traceback(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "qasr_cli", "--help"],
        cwd=tmp_path, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        preexec_fn=reset_signals,  # noqa: PLW1509 - exec follows
    )  # fmt: skip
    assert process.stderr is not None
    while "qasr_cli.cli.signals" not in (line := process.stderr.readline()):
        assert line
    process.send_signal(INT)
    _, told = process.communicate(timeout=60)
    assert "Traceback" not in told
    assert process.returncode in (0, 130)  # it may have been quicker
