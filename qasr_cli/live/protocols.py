"""The interfaces between a live session, its input and its outputs.

An input yields samples, the session turns them into events, and outputs take events. None of them knows
another one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from qasr_cli.speech.streaming.events import LiveEvent


@dataclass(frozen=True, slots=True)
class Missing:
    """Audio that an input has lost: a device was gone, a stream was down, times have leapt."""

    duration_ms: int
    reason: str


class LiveInput(Protocol):
    """A running input; a context manager outside of this protocol opens and closes it.

    Attributes:
        name: For people and outputs, without credentials.
        is_real_time: Audio comes as it is spoken and cannot wait; False for files and pipes, which can.
    """

    name: str
    is_real_time: bool

    def blocks(self) -> Iterator[np.ndarray | Missing]:
        """Yield `int16[n_samples]` mono at 16 kHz, in blocks of any size, as they arrive.

        Raises:
            QasrError: The input has failed for good.
        """

    def stop(self) -> None:
        """End the iterator soon, from any thread."""


class Output(Protocol):
    """One place where events go; called from one thread."""

    def handle(self, event: LiveEvent) -> None:
        """Take one event.

        Raises:
            QasrError: The output cannot be written any more; the others go on.
        """

    def close(self) -> None:
        """Finish files and connections, after the last event."""
