"""A child process that writes sound for as long as it runs: ffmpeg, or a recorder of the system.

In goes a command; out come `int16` blocks as soon as they arrive, and why they ended. The reason may hold an
address with its secrets: whoever shows it removes them. Starts nothing again.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qasr_cli.errors import UnavailableError
from qasr_cli.media import probe
from qasr_cli.media.failure_reason import kill_reason
from qasr_cli.media.process import Child, StderrFilter, Terms, running
from qasr_cli.timebase import BYTES_PER_SAMPLE

_BLOCK_BYTES = 32_000  # a second; what a pipe holds comes in two reads
# And what makes HLS end before its playlist says so, which ffmpeg calls a warning.
_LOST_PLAYLIST = rb"\[warning\] (HTTP error.*|Failed to reload.*)"
_FILTER = StderrFilter(
    keep=re.compile(probe.STDERR_FILTER.keep.pattern + rb"|^(?:\[[^\]]* @ 0x[0-9a-f]+\] )*" + _LOST_PLAYLIST),
    until=probe.STDERR_FILTER.until,
)
_SYSTEM_WORDS = re.compile(r"(?:Cannot|cannot|Failed|failed|No such|refused|denied|[Ee]rror)")


@dataclass(frozen=True, slots=True)
class Command:
    """A program that writes sound.

    Attributes:
        arguments: The program with its arguments.
        silence_s: It is ended after so long without a sample.
        environment: Variables that it needs beside the search path.
        stdin: A descriptor for it to read, or None.
        is_of_media: It decodes foreign media, and has the limits of a decoder.
    """

    arguments: Sequence[str]
    silence_s: float
    environment: Mapping[str, str]
    stdin: int | None = None
    is_of_media: bool = True


class LiveStream:
    """The sound of a running child; iterate `blocks` once."""

    def __init__(self, child: Child) -> None:
        self._child = child

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield `int16[n_samples]` as they arrive, until the child ends or is stuck."""
        rest = b""
        while read := self._child.read_available(_BLOCK_BYTES):
            block = rest + read
            n_bytes = len(block) // BYTES_PER_SAMPLE * BYTES_PER_SAMPLE
            rest = block[n_bytes:]
            if n_bytes:
                yield np.frombuffer(block[:n_bytes], dtype="<i2")

    def stop(self) -> None:
        """End the child, from any thread; `blocks` ends with it."""
        self._child.stop()

    @property
    def stderr_text(self) -> str:
        """What the child has printed so far; with the first sample, ffmpeg's description of its input."""
        if _is_ffmpeg(self._child.command[0]):
            return self._child.stderr_until_match()
        return self._child.stderr_text

    def failure(self) -> str:
        """Return why the child has ended, in its words; "" if it came to the end of its input."""
        status = self._child.finish()
        if self._child.was_stuck:
            return "the sound has stopped"
        if killed := kill_reason(self._child):
            return killed
        complaint = (
            probe.first_complaint(self.stderr_text) or self._lost_playlist() or self._other_complaint()
        )
        if complaint:
            return complaint[:1].lower() + complaint[1:]
        name = Path(self._child.command[0]).name
        return f"{name} ended with {status}" if status else ""

    def _lost_playlist(self) -> str:
        found = re.search(_LOST_PLAYLIST.decode(), self.stderr_text)
        return found[1] if found else ""

    def _other_complaint(self) -> str:
        """Return the last line of a program that is not ffmpeg, if it is of an error."""
        lines = [line for line in self.stderr_text.splitlines() if not line.startswith("[")]
        return next((line for line in reversed(lines) if _SYSTEM_WORDS.search(line)), "")


@contextlib.contextmanager
def opened(command: Command) -> Iterator[LiveStream]:
    """Run a command for as long as the context lasts.

    Raises:
        UnavailableError: It cannot be started.
    """
    program = command.arguments[0]
    terms = Terms(command.silence_s, command.environment, command.stdin, command.is_of_media)
    with contextlib.ExitStack() as stack:
        try:
            child = stack.enter_context(running(command.arguments, _kept(program), None, terms))
        except OSError as error:
            raise UnavailableError(
                f"{program} does not start: {error.strerror}", path=Path(program)
            ) from error
        yield LiveStream(child)


def _kept(program: str) -> StderrFilter | None:
    """Return what is kept of a program's stderr; of ffmpeg no tags, which radio sends with each song."""
    return _FILTER if _is_ffmpeg(program) else None


def _is_ffmpeg(program: str) -> bool:
    return "ffmpeg" in Path(program).name
