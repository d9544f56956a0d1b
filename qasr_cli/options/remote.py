"""Options of remote servers: their addresses, the key, and how many requests each gets at once.

In go the texts of flags; out come checked addresses. Opens no connection. A key prints as `(hidden)` wherever
options are shown.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from qasr_cli.errors import UsageError
from qasr_cli.options.flag import REMOTE, option, require
from qasr_cli.options.secret import Secret

SERVER_APIS = ("auto", "chat", "transcriptions")
_MAX_IN_FLIGHT = 256  # a thread and a connection each
_FORM = "give http://HOST:PORT or https://HOST/PATH, several separated by commas"
# What people copy from a server's documentation after the base of its paths.
_ENDPOINT = re.compile(r"/v1(?:/(?:models|chat/completions|audio/transcriptions))?/?$")


def to_secret(text: str) -> Secret:
    """Return a server's key.

    Raises:
        UsageError: No HTTP header can carry it; the message does not show it.
    """
    key = text.strip()
    is_plain = key.isascii() and key.isprintable() and " " not in key
    require(
        is_plain,
        "--server-key has characters that no header can carry",
        "--server-key",
        "check the variable or the file for a second line, blanks or quotes",
    )
    return Secret(key)


def addresses(text: str) -> tuple[str, ...]:
    """Return the addresses of a list, each once, without the `/v1` at their end.

    Raises:
        UsageError: One of them is no http or https address, or holds a password or a query.
    """
    parts = [part.strip() for part in text.split(",")]
    if not any(parts):
        require(not text.strip(), "--server has no address", "--server", _FORM)
        return ()
    return tuple(dict.fromkeys(_address(part) for part in parts if part))


def _address(text: str) -> str:
    try:
        parts = urlsplit(text)
        _ = parts.port
        parts.path.encode("ascii")
        parts.netloc.encode()  # bytes of the command line that are not UTF-8
        host = parts.hostname
    except ValueError as error:  # the text may hold a password, so it is not shown
        raise UsageError("--server: not an address", _FORM, flag="--server") from error
    is_http = parts.scheme in {"http", "https"} and bool(host)
    if not is_http or re.search(r"[\x00-\x20\x7f]", text):
        raise UsageError("--server: not an http or https address", _FORM, flag="--server")
    if "@" in parts.netloc:
        raise UsageError(
            f"--server: the address of {host} has a user or a password in it",
            "leave them out; a key belongs into QASR_SERVER_KEY, or --server-key @FILE",
            flag="--server",
        )
    if parts.query or parts.fragment:
        raise UsageError(
            f"--server: the address of {host} has a query", "give the base address alone", flag="--server"
        )
    return f"{parts.scheme}://{parts.netloc.lower()}{_ENDPOINT.sub('', parts.path).rstrip('/')}"


@dataclass(frozen=True, slots=True)
class RemoteOptions:
    """Servers that recognise in place of a local model."""

    server: tuple[str, ...] = option(
        (),
        REMOTE,
        "Recognise on servers that speak OpenAI's interface, such as vLLM or qasr serve; several share the "
        "work. --model then names the local aligner only, and --aligner none needs no model here.",
        "--server",
        metavar="URL,...",
        kind=str,
        default="",
        convert=addresses,
    )
    server_key: Secret = option(
        Secret(),
        REMOTE,
        "Key of the servers. @FILE reads it. Other users see a command line: better is QASR_SERVER_KEY.",
        "--server-key",
        metavar="KEY",
        kind=str,
        default="",
        convert=to_secret,
        is_secret=True,
    )
    server_model: str = option(
        "",
        REMOTE,
        "Name of the model on the servers. Default: the only one that they have.",
        "--server-model",
        metavar="NAME",
    )
    in_flight: int = option(
        16,
        REMOTE,
        "Maximum requests at once, for each server.",
        "--in-flight",
        metavar="N",
    )
    server_api: str = option(
        "auto",
        REMOTE,
        "Endpoint: chat (Qwen's own form, with language, context and a sign of truncation), transcriptions, "
        "or auto: chat where the servers speak that form.",
        "--server-api",
        metavar="NAME",
    )
    server_patience_min: float = option(
        10.0,
        REMOTE,
        "Minutes without an answer from any server after which the run ends. The same command resumes it.",
        "--server-patience",
        metavar="MINUTES",
    )

    def __post_init__(self) -> None:
        require(
            1 <= self.in_flight <= _MAX_IN_FLIGHT,
            f"--in-flight must be 1 to {_MAX_IN_FLIGHT}",
            "--in-flight",
        )
        require(
            self.server_api in SERVER_APIS,
            f"--server-api {self.server_api!r} is unknown",
            "--server-api",
            f"known: {', '.join(SERVER_APIS)}",
        )
        is_time = math.isfinite(self.server_patience_min) and self.server_patience_min > 0
        require(is_time, "--server-patience must be above 0", "--server-patience")
