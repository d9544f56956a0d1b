"""`--webhook`: the outcome of each source, as JSON by POST to the user's address.

In go objects; out go requests. Straight to the address: no proxy of the environment is used, and a redirect
is followed to http and https only, at most five times.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from urllib.parse import urljoin

from qasr_cli.errors import QasrError, UnavailableError, UsageError
from qasr_cli.hooks.address import FLAG, Address, parse
from qasr_cli.version import __version__

logger = logging.getLogger(__name__)

_SCHEMES: dict[str, type[http.client.HTTPConnection]] = {
    "http": http.client.HTTPConnection,
    "https": http.client.HTTPSConnection,
}
_MAX_REDIRECTS = 5
_REDIRECTS = {301, 302, 307, 308}  # repeat the same request; after 303 the answer is at another address


class Sender:
    """Sends objects one after another.

    One thread calls `send`; another may call `stop`, which reads the connection once and shuts it down.

    Args:
        address: The webhook's address.
        timeout_s: Seconds for one whole request, redirects included.
    """

    def __init__(self, address: Address, timeout_s: float) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._connection: http.client.HTTPConnection | None = None

    def send(self, payload: Mapping[str, object]) -> None:
        """Send an object.

        Raises:
            UnavailableError: No answer arrived in time.
            QasrError: The answer is not a success.
        """
        body = json.dumps(payload, ensure_ascii=False, default=str).encode("utf-8", "backslashreplace")
        address, until_s, status = self._address, time.monotonic() + self._timeout_s, 0
        for _ in range(_MAX_REDIRECTS + 1):
            status, location = self._post(address, body, until_s)
            if status not in _REDIRECTS or not location:
                break
            address = self._elsewhere(address, location)
        if not 200 <= status < 300 and status != 303:
            raise QasrError(f"{address} answers {status}", "check the log of the server there")
        logger.debug("%s: %s answers %d", FLAG, address, status)

    def stop(self) -> None:
        """End the request in progress."""
        connection = self._connection
        sock = connection.sock if connection is not None else None
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _elsewhere(self, address: Address, location: str) -> Address:
        try:
            return parse(urljoin(address.parts.geturl(), location))
        except (UsageError, ValueError) as error:  # the latter from urljoin, at an open bracket
            raise QasrError(
                f"{address} redirects to an address that is not http or https",
                "check the log of the server there",
            ) from error

    def _post(self, address: Address, body: bytes, until_s: float) -> tuple[int, str | None]:
        headers = {"Content-Type": "application/json", "User-Agent": f"qasr/{__version__}"}
        headers |= address.authorization  # of this address: a password goes to no other
        left_s = until_s - time.monotonic()
        try:
            with self._connected(address, left_s) as connection:
                connection.request("POST", address.target, body, headers)
                answer = connection.getresponse()
                return answer.status, answer.getheader("Location")
        except (OSError, http.client.HTTPException, ValueError) as error:
            is_late = time.monotonic() >= until_s or isinstance(error, TimeoutError)
            why = f"no answer within {self._timeout_s:g} s" if is_late else str(error) or type(error).__name__
            raise UnavailableError(
                f"{address} cannot be reached: {why}", "check that the server runs"
            ) from error

    @contextlib.contextmanager
    def _connected(self, address: Address, left_s: float) -> Iterator[http.client.HTTPConnection]:
        """Yield a connection that is closed at the time limit: a socket's own limit is per read."""
        if left_s <= 0:
            raise TimeoutError
        kind = _SCHEMES[address.parts.scheme]
        connection = kind(address.parts.hostname or "", address.parts.port, timeout=left_s)
        self._connection = connection
        watchdog = threading.Timer(left_s, self.stop)
        watchdog.daemon = True
        watchdog.start()
        try:
            yield connection
        finally:
            watchdog.cancel()
            self._connection = None
            connection.close()
