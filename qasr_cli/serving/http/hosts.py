"""The names by which clients may call a server, and the pages from which a browser may.

In go a request's headers; out comes whether they are those of a wanted request. A page of a stranger can let
a browser send requests to this machine. It may do so under a name of its own that leads here (DNS rebinding),
so a name must be known; or it posts a form, which browsers mark.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

_CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE", "CONNECT"})
_WANTED_SITES = frozenset({"same-origin", "none"})


@dataclass(frozen=True, slots=True)
class Hosts:
    """The names of a server.

    Attributes:
        names: Names that clients use, in small letters.
        is_open: Every name is accepted: without a key no request of a stranger's page gets anywhere.
        has_other_names: Addresses, and names without a dot, are accepted too: no stranger owns such a name.
    """

    names: frozenset[str] = frozenset()
    is_open: bool = True
    has_other_names: bool = False

    def accepts(self, host: str) -> bool:
        """Whether a Host header names this server."""
        if self.is_open:
            return True
        name = name_of(host)
        if name in self.names or name.endswith(".localhost") or _is_loopback(name):
            return True
        return self.has_other_names and bool(name) and ("." not in name or is_address(name))


def of_server(host: str, allowed: tuple[str, ...], *, has_keys: bool) -> Hosts:
    """Return the names of a server that listens on `host`."""
    names = frozenset({"localhost", host.lower().strip("[]"), *allowed})
    if is_loopback(host):
        return Hosts(names, is_open=False)
    if has_keys and not allowed:
        return Hosts()
    own = {socket.gethostname().lower(), socket.getfqdn().lower()}
    return Hosts(names | own, is_open=False, has_other_names=True)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens on an address or name."""
    name = host.lower().strip("[]")
    return name == "localhost" or _is_loopback(name)


def _is_loopback(name: str) -> bool:
    return is_address(name) and ipaddress.ip_address(name).is_loopback


def is_address(name: str) -> bool:
    """Whether a name is an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def name_of(host: str) -> str:
    """Return the name in a Host header, in small letters, without port; "" if there is none."""
    try:
        return (urlsplit(f"//{host}").hostname or "").removesuffix(".")
    except ValueError:
        return ""


def is_foreign(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a browser sends a request for a page that is not this server's."""
    if method not in _CHANGING:
        return False
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in _WANTED_SITES
    origin = headers.get("origin")
    if origin is None:
        return False
    return _authority(origin) != _authority(f"//{headers.get('host', '')}")


def _authority(url: str) -> tuple[str, int | None]:
    """Return host and port of an address; the ports that need not be named count as none."""
    try:
        parts = urlsplit(url)
        port = None if parts.port in {80, 443} else parts.port
        return (parts.hostname or "").removesuffix("."), port
    except ValueError:
        return "", None
