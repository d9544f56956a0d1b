"""Where a webhook's requests go, and what of it may be shown: scheme and host; all the rest may be a secret.

In go addresses and texts that may hold some; nothing is sent from here.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from qasr_cli.errors import UsageError

FLAG = "--webhook"
_SCHEMES = ("http", "https")
# Up to the next white space, which no address has; quotes and the like may stand in a password.
_URL = re.compile(r"""(?i)\b([a-z][a-z0-9+.-]*://)(?:[^/?#\s]*@)?([^/?#\s"'\\]*)\S*""")


@dataclass(frozen=True, slots=True)
class Address:
    """Where to send to. It prints as scheme and host."""

    parts: SplitResult

    def __str__(self) -> str:
        return f"{self.parts.scheme}://{self.host}"

    @property
    def host(self) -> str:
        """Host, and port where one is given."""
        return self.parts.netloc.rpartition("@")[2]

    @property
    def target(self) -> str:
        """What is asked of the host."""
        query = f"?{self.parts.query}" if self.parts.query else ""
        return (self.parts.path or "/") + query

    @property
    def authorization(self) -> dict[str, str]:
        """The header for a user's name and password in the address."""
        user, password = self.parts.username, self.parts.password
        if user is None:
            return {}
        both = f"{unquote(user)}:{unquote(password or '')}".encode()
        return {"Authorization": f"Basic {base64.b64encode(both).decode()}"}


def without_secrets(text: str) -> str:
    """Return a text in which only scheme and host of each address are left."""
    return _URL.sub(r"\1\2/...", text)


def parse(url: str) -> Address:
    """Return an address.

    Raises:
        UsageError: It is none, or not of the web.
    """
    hint = "give http://HOST/PATH or https://HOST/PATH"
    try:
        parts = urlsplit(url)
        _ = parts.port
        parts.path.encode("ascii")
        parts.query.encode("ascii")
    except ValueError as error:  # and may hold a secret: its own words are not shown
        raise UsageError(f"{FLAG}: not an address", hint, flag=FLAG) from error
    if parts.scheme not in _SCHEMES or not parts.hostname or re.search(r"[\x00-\x20\x7f]", url):
        raise UsageError(f"{FLAG}: not an http or https address", hint, flag=FLAG)
    return Address(parts)
