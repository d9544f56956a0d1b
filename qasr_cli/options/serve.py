"""Options of a server: where it listens, who may use it, its limits, and its end.

In go the texts of flags; out come checked values. Reads no file: keys in a file are read by `tasks.serve`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qasr_cli.errors import UsageError
from qasr_cli.options.flag import SERVER, option, require
from qasr_cli.options.secret import Secret

_GIB = 1024**3
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": _GIB, "t": 1024**4}
_DECIMAL = {"k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4}
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?\.?|\[?[0-9A-Fa-f:.]{2,45}\]?")
_MAX_HOURS = 24.0 * 365


def size_bytes(text: str) -> int:
    """Return the bytes of a size such as `500MB`, `4GiB` or `4G` (GiB).

    Raises:
        UsageError: It is no size.
    """
    parts = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)\s*([kmgt]?)(i?)(b?)", text.strip().lower(), re.ASCII)
    if not parts or (parts[3] and not parts[2]):
        raise UsageError(
            f"--max-upload {text}: not a size", "give one such as 500MB, 4GiB or 0.5G", flag="--max-upload"
        )
    is_decimal = parts[4] and not parts[3] and parts[2]
    return round(float(parts[1]) * (_DECIMAL if is_decimal else _UNITS)[parts[2]])


def keys_of(texts: Sequence[str] | None) -> tuple[Secret, ...]:
    """Return the keys in the values of `--key`, each once.

    Raises:
        UsageError: No HTTP header can carry one of them; the message does not show it.
    """
    parts = [part.strip() for text in texts or () for part in text.split(",")]
    return tuple(Secret(one) for one in dict.fromkeys(map(checked_key, filter(None, parts))))


def checked_key(key: str, flag: str = "--key") -> str:
    """Return a key that a header can carry.

    Raises:
        UsageError: It has blanks or other characters than printable ASCII; the message does not show it.
    """
    hint = "a key in a file is given with --key-file FILE" if key.startswith("@") else ""
    is_plain = key.isascii() and key.isprintable() and " " not in key and not key.startswith("@")
    require(
        is_plain, f"{flag} has a key that no header can carry", flag, hint or "use letters, digits, - and _"
    )
    return key


def _names(hosts: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(host.lower().strip("[]").removesuffix(".") for host in hosts or ())


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """Options of a server.

    Attributes:
        key: Keys of which a request must have one.
        allowed_host: Names that clients may use for the server besides its own, in small letters.
        max_upload_bytes: Largest body of a request.
        max_waiting_hours: Audio that may wait.
        keep_results_hours: How long results can be fetched.
        drain_s: Seconds that requests have to end after the first signal.
        idle_unload_min: Minutes without work after which engines are released; 0 never releases them.
        threads: Threads of the engine on a CPU; None is one less than the cores.
        ready_file: Gets the server's address as JSON once it is ready.
    """

    host: str = option(
        "127.0.0.1",
        SERVER,
        "Address to listen on; 0.0.0.0 is every one. Other than a loopback address, it needs a key or "
        "--no-key.",
        "--host",
        metavar="ADDRESS",
    )
    port: int = option(8000, SERVER, "Port to listen on. 0: any free one.", "--port", metavar="N")
    key: tuple[Secret, ...] = option(
        (),
        SERVER,
        "Accept only requests with this key. Several are separated by commas; repeatable. Other users see a "
        "command line: better are QASR_KEY and --key-file.",
        "--key",
        metavar="KEY",
        kind=str,
        default=None,
        convert=keys_of,
        is_repeatable=True,
        is_secret=True,
    )
    key_file: Path | None = option(
        None,
        SERVER,
        "File with a key a line. It is read again at SIGHUP.",
        "--key-file",
        metavar="FILE",
    )
    no_key: bool = option(
        False,
        SERVER,
        "Accept requests without a key on any address: on a network that you trust.",
        "--no-key",
        is_setting=False,
    )
    allowed_host: tuple[str, ...] = option(
        (),
        SERVER,
        "Name by which clients may call the server, such as that of a proxy before it. Repeatable.",
        "--allowed-host",
        metavar="NAME",
        kind=str,
        default=None,
        convert=_names,
        is_repeatable=True,
    )
    max_upload_bytes: int = option(
        4 * _GIB,
        SERVER,
        "Refuse larger requests, such as 500MB or 4GiB.",
        "--max-upload",
        metavar="SIZE",
        kind=str,
        default="4GiB",
        convert=size_bytes,
    )
    max_waiting_hours: float = option(
        4.0,
        SERVER,
        "Refuse requests while more than this many hours of audio wait; the answer says when to ask again.",
        "--max-waiting",
        metavar="HOURS",
    )
    max_live: int = option(
        16,
        SERVER,
        "Live sessions at once, such as those of microphones; more are refused. 0: none.",
        "--max-live",
        metavar="N",
    )
    keep_results_hours: float = option(
        6.0,
        SERVER,
        "Keep results for so many hours, for clients that fetch them later or ask again. 0: not at all.",
        "--keep-results",
        metavar="HOURS",
    )
    drain_s: float = option(
        30.0,
        SERVER,
        "Seconds that requests have to end after SIGTERM or Ctrl-C. A second signal ends them at once.",
        "--drain",
        metavar="SECONDS",
    )
    idle_unload_min: float = option(
        0.0,
        SERVER,
        "Unload the model after this many minutes without work; it is loaded again on demand. 0: never.",
        "--idle-unload",
        metavar="MINUTES",
        harmless=True,
    )
    threads: int | None = option(
        None,
        SERVER,
        "Threads of the model on a CPU. Default: one less than the cores, which decoding and answers need.",
        "--threads",
        metavar="N",
    )
    no_page: bool = option(False, SERVER, "Show no web page at /.", "--no-page", is_setting=False)
    wyoming: str = option(
        "",
        SERVER,
        "Speak Wyoming, Home Assistant's protocol, too, on an address such as 127.0.0.1:10300. It has no "
        "keys.",
        "--wyoming",
        metavar="HOST:PORT",
    )
    ready_file: Path | None = option(
        None,
        SERVER,
        "Write the server's address to a file as JSON once the model is loaded; it is removed at the end.",
        "--ready-file",
        metavar="FILE",
    )

    def __post_init__(self) -> None:
        for flag, host in (("--host", self.host), *(("--allowed-host", one) for one in self.allowed_host)):
            is_name = _HOST.fullmatch(host) is not None
            require(is_name, f"{flag} {host}: not a name or address", flag, "give it without scheme and port")
        require(0 <= self.port <= 65_535, "--port must be 0 to 65535", "--port")
        require(0 <= self.max_live <= 1_000, "--max-live must be 0 to 1000", "--max-live")
        require(self.max_upload_bytes >= 1, "--max-upload must be above 0", "--max-upload")
        for flag, hours in (
            ("--max-waiting", self.max_waiting_hours),
            ("--keep-results", self.keep_results_hours),
        ):
            require(0 <= hours <= _MAX_HOURS, f"{flag} must be 0 to {_MAX_HOURS:.0f} hours", flag)
        require(0 <= self.drain_s <= 3600, "--drain must be 0 to 3600 seconds", "--drain")
        require(0 <= self.idle_unload_min < math.inf, "--idle-unload must not be negative", "--idle-unload")
        require(self.threads is None or self.threads >= 1, "--threads must be at least 1", "--threads")
        require(
            not (self.no_key and (self.key or self.key_file)),
            "--no-key together with a key",
            "--no-key",
            "leave one of them out; a key may also be in QASR_KEY or qasr.toml",
        )
