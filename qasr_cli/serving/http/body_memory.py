"""How much of all requests' bodies is in memory at once: fields of forms, and clips in JSON.

In go numbers of bytes; beyond the limit a request is refused, and may come again. Each body has a limit of
its own, but thousands of connections may send one at the same time. Only the event loop calls it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from qasr_cli.serving.refusals import OverloadedError

MOST_BYTES = 512 * 1024**2  # 400 clips of 30 s in base64


class BodyMemory:
    """The bytes of all bodies.

    Args:
        most: Largest number of bytes.

    Attributes:
        n_bytes: Those that are held now.
    """

    def __init__(self, most: int = MOST_BYTES) -> None:
        self.n_bytes = 0
        self._most = most

    @contextlib.contextmanager
    def holding(self) -> Iterator[Callable[[int], None]]:
        """Yield what notes bytes of one body; they count until the block ends.

        Raises:
            OverloadedError: Of what is yielded: all bodies together have too many.
        """
        n_held = 0

        def hold(n_bytes: int) -> None:
            nonlocal n_held
            if self.n_bytes + n_bytes > self._most:
                raise OverloadedError("too many large requests at once")
            n_held += n_bytes
            self.n_bytes += n_bytes

        try:
            yield hold
        finally:
            self.n_bytes -= n_held
