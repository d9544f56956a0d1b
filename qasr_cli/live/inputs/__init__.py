"""What a session listens to: microphones, stdin, files and network streams."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np

from qasr_cli.live.protocols import LiveInput, Missing
from qasr_cli.options import LiveOptions


class _RawStdin:
    name = "stdin"
    is_real_time = False

    def blocks(self) -> Iterator[np.ndarray | Missing]:
        import sys

        while raw := sys.stdin.buffer.read(3200):
            yield np.frombuffer(raw, dtype="<i2")

    def stop(self) -> None:
        """Nothing can be stopped."""


@contextlib.contextmanager
def opened(where: str, options: LiveOptions) -> Iterator[LiveInput]:
    """Open an input for the time of a block.

    Args:
        where: "" for a microphone, `-` for stdin, a file, or an address.
        options: Which microphone, which rate, what is allowed.

    Raises:
        QasrError: There is no such input, or it may not be used.
    """
    yield _RawStdin()
