"""`--exec-after`: a command of the user's, run without a shell for each source that is done.

In go a line such as `notify {media} {outputs}` and the facts about a source; out come arguments, one for
each word, so that a file name is never taken for anything else. A command is its own process group; after its
time limit it is killed with all its children. Its output never reaches stdout.
"""

from __future__ import annotations

import logging
import os
import shlex
import shutil
import string
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from qasr_cli.errors import QasrError, UnavailableError, UsageError, printable
from qasr_cli.operating_system import processes

logger = logging.getLogger(__name__)

FLAG = "--exec-after"
FIELDS = ("media", "outputs", "language", "status")
_MANY = "outputs"
_OUTPUT_BYTES = 64 * 1024  # of its output, for the log


@dataclass(frozen=True, slots=True)
class Facts:
    """Values for the placeholders of a command. Paths are absolute, so that none begins with a dash."""

    media: Path
    outputs: tuple[Path, ...]
    language: str
    status: str


@dataclass(frozen=True, slots=True)
class CommandTemplate:
    """A command whose words may hold placeholders."""

    words: tuple[str, ...]

    def arguments(self, facts: Facts) -> list[str]:
        """Return the command for one source."""
        single = {"media": str(facts.media), "language": facts.language, "status": facts.status}
        filled: list[str] = []
        for word in self.words:
            if word == f"{{{_MANY}}}":
                filled += map(str, facts.outputs)
            else:
                filled.append(word.format(**single))
        return filled


def parse(line: str) -> CommandTemplate:
    """Parse a command line.

    Raises:
        UsageError: Quotes or braces are not closed, a placeholder or program is unknown, or the line is
            empty.
    """
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise UsageError(f"{FLAG} {line!r}: {error}", "close the quotes", flag=FLAG) from error
    if not words or not words[0]:
        raise UsageError(f"{FLAG} is empty", "name a program, such as 'notify-send {media}'", flag=FLAG)
    for word in words:
        _check(word)
    words[0] = os.path.expanduser(words[0])  # noqa: PTH111 - no shell does it
    if "{" in words[0] or shutil.which(words[0]) is None:
        raise UsageError(f"{FLAG}: there is no program {words[0]!r}", "check its name and PATH", flag=FLAG)
    return CommandTemplate(tuple(words))


def _check(word: str) -> None:
    hint = f"known: {', '.join(f'{{{name}}}' for name in FIELDS)}; write {{{{ and }}}} for braces"
    try:
        parts = list(string.Formatter().parse(word))
    except ValueError as error:
        raise UsageError(f"{FLAG}: {word!r}: {error}", hint, flag=FLAG) from error
    for _, name, form, conversion in parts:
        if name is None:
            continue
        if name not in FIELDS or form or conversion:
            raise UsageError(f"{FLAG}: unknown placeholder in {word!r}", hint, flag=FLAG)
        if name == _MANY and word != f"{{{_MANY}}}":
            raise UsageError(
                f"{FLAG}: {word!r}: {{outputs}} stands for several arguments",
                "make it a word of its own",
                flag=FLAG,
            )


def _temporary(program: str) -> IO[bytes]:
    try:
        return tempfile.TemporaryFile()
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise QasrError(
            f"{program} cannot be started: temporary files: {why}", "free some space, or set TMPDIR"
        ) from error


class Runner:
    """Runs a command for one source after another.

    One thread calls `run`; another may call `stop`, so a lock guards the process.

    Args:
        template: The command.
        timeout_s: Seconds after which it is killed.
    """

    def __init__(self, template: CommandTemplate, timeout_s: float) -> None:
        self._template = template
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, facts: Facts) -> None:
        """Run the command to its end.

        Raises:
            UnavailableError: It took too long and was killed.
            QasrError: It cannot be started, or its exit code is not 0.
        """
        command = self._template.arguments(facts)
        with _temporary(command[0]) as output:  # no pipe, which something left in the background would hold
            code = self._wait(command, output.fileno(), facts)
            output.seek(0)
            text = output.read(_OUTPUT_BYTES).decode("utf-8", "backslashreplace").strip()
        for line in text.splitlines():
            logger.debug("%s: %s", command[0], line)
        if code:
            how = f"exit code {code}" if code > 0 else f"signal {-code}"
            raise QasrError(
                f"{command[0]} ended with {how} for {facts.media.name}",
                f"-vv shows its output; by hand: {shlex.join(map(printable, command))}",
                path=facts.media,
            )

    def stop(self) -> None:
        """Kill the running command with all its children."""
        with self._lock:
            if self._process is not None and self._process.returncode is None:
                processes.kill_group(self._process)

    def _wait(self, command: Sequence[str], output: int, facts: Facts) -> int:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise QasrError(f"{command[0]} cannot be started: {error}", "check the command") from error
        processes.enter_group(process)
        with self._lock:
            self._process = process
        try:
            return process.wait(self._timeout_s)
        except subprocess.TimeoutExpired as error:
            self.stop()
            process.wait()
            raise UnavailableError(
                f"{command[0]} took more than {self._timeout_s:g} s for {facts.media.name} and was killed",
                "raise --hook-timeout, or let it work in the background",
                path=facts.media,
            ) from error
        finally:
            processes.leave_group(process)
            with self._lock:
                self._process = None
