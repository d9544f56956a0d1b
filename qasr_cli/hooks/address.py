"""The address of a webhook. Only its scheme and host may be shown; all the rest may be a secret.

In go addresses, and texts that may contain them; out come parsed addresses, and texts without secrets. Sends
nothing.
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
# A scheme is looked for where its characters begin, and not at each of them: that would take quadratic time.
_URL = re.compile(r"""(?i)(?<![a-z0-9+.-])([a-z0-9+.-]++://)(?:[^/?#\s]*@)?([^/?#\s"'\\]*)\S*""")


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a webhook. It prints as scheme and host."""

    parts: SplitResult

    def __str__(self) -> str:
        return f"{self.parts.scheme}://{self.host}"

    @property
    def host(self) -> str:
        """Host, and port where one is given."""
        return self.parts.netloc.rpartition("@")[2]

    @property
    def target(self) -> str:
        """The request target: path and query."""
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
    """Parse an address.

    Raises:
        UsageError: It is not an address, or not http or https.
    """
    hint = "give http://HOST/PATH or https://HOST/PATH"
    try:
        parts = urlsplit(url)
        _ = parts.port
        parts.path.encode("ascii")
        parts.query.encode("ascii")
        parts.netloc.encode()  # bytes of the command line that are not UTF-8
    except ValueError as error:  # the text may hold a secret, so it is not shown
        raise UsageError(f"{FLAG}: not an address", hint, flag=FLAG) from error
    if parts.scheme not in _SCHEMES or not parts.hostname or re.search(r"[\x00-\x20\x7f]", url):
        raise UsageError(f"{FLAG}: not an http or https address", hint, flag=FLAG)
    return Address(parts)
