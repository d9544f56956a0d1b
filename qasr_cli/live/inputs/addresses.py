"""Addresses of network streams: which ones are read, and what may be shown of them.

In goes what the user has typed; out come a checked address, and its name without credentials. Opens nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from qasr_cli.errors import UsageError
from qasr_cli.media.live_arguments import SCHEMES

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_NEEDS_PORT = {"srt", "udp"}


@dataclass(frozen=True, slots=True)
class StreamAddress:
    """A checked address.

    Attributes:
        url: All of it, for the program that connects; the name and password, the path and the query may be
            secrets, so it is never printed.
        scheme: In small letters.
        name: Scheme, host and port.
    """

    url: str = field(repr=False)
    scheme: str
    name: str


def is_address(where: str) -> bool:
    """Whether an input is an address and no file."""
    return _SCHEME.match(where) is not None


def parse(where: str, *, is_allowed: bool) -> StreamAddress:
    """Check an address.

    Args:
        where: The address.
        is_allowed: The user has allowed addresses.

    Raises:
        UsageError: Addresses are not allowed, or this one cannot be read.
    """
    found = _SCHEME.match(where)
    scheme = found[1].lower() if found else ""
    if scheme not in SCHEMES:
        known = f"schemes that qasr reads: {', '.join(SCHEMES)}; a file is given by its path"
        raise UsageError(f"{scheme}: addresses of this scheme are not read", known)
    try:
        parts = urlsplit(where)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:  # the text may hold a secret, so it is not shown
        raise UsageError(f"not a valid {scheme} address", f"give {scheme}://HOST:PORT") from error
    has_blank = re.search(r"[\x00-\x20\x7f]", where)
    if has_blank or (scheme in _NEEDS_PORT and port is None) or not (host or scheme in _NEEDS_PORT):
        raise UsageError(f"not a valid {scheme} address", f"give {scheme}://HOST:PORT")
    if not is_allowed:
        raise UsageError(
            f"{scheme}://{host}: addresses are not opened unless they are allowed",
            "add --allow-network",
            flag="--allow-network",
        )
    shown = f"[{host}]" if ":" in host else host
    url = scheme + where[len(scheme) :]  # ffmpeg knows small letters only
    return StreamAddress(url, scheme, f"{scheme}://{shown}" + (f":{port}" if port else ""))
