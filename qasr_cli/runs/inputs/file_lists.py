"""Lists of paths, as `find`, `fd`, `git ls-files` and people make them.

In go bytes; out come paths, spelt as on the disk. A list may be UTF-16 or begin with a byte order mark, as
Windows programs write them; in any other list, names that are not UTF-8 come through unharmed.
"""

from __future__ import annotations

import codecs
import os
import sys
from pathlib import Path

from qasr_cli.errors import NoInputError, UsageError
from qasr_cli.operating_system import streams, text_bytes
from qasr_cli.runs.files import typed_paths

_STDIN = "-"
_MAX_BYTES = 256_000_000  # two million paths of 128 bytes


def read(name: str, *, is_null_separated: bool) -> list[Path]:
    """Return the paths of a list, in its order; empty lines are skipped.

    Args:
        name: The list's file, or `-` for stdin.
        is_null_separated: A zero byte ends each path, as `find -print0` writes them; else a line end does.

    Raises:
        NoInputError: There is no such list, or it cannot be read.
        UsageError: Zero bytes in a list of lines, UTF-16 that is damaged, or more than 256 MB.
    """
    data = _narrow(_bytes(name), name, needs_mark=is_null_separated).removeprefix(codecs.BOM_UTF8)
    if is_null_separated:
        names = data.split(b"\0")
    elif b"\0" in data:
        raise UsageError(
            f"--files-from {name}: zero bytes in a list of lines",
            "add -0 for find -print0's lists",
            flag="--files-from",
        )
    else:
        names = [line.removesuffix(b"\r") for line in data.split(b"\n")]
    return [typed_paths.operand(os.fsdecode(one)) for one in names if one]


def _narrow(data: bytes, name: str, *, needs_mark: bool) -> bytes:
    """Return a list in UTF-16 as UTF-8, and any other one as it is."""
    try:
        text = text_bytes.wide_text(data, needs_mark=needs_mark)
    except UnicodeDecodeError as error:
        raise UsageError(
            f"--files-from {name}: damaged {error.encoding.upper()}: {error.reason}",
            "save the list as UTF-8",
            flag="--files-from",
        ) from error
    return data if text is None else text.encode("utf-8")


def _bytes(name: str) -> bytes:
    try:
        data = (
            sys.stdin.buffer.read(_MAX_BYTES + 1)
            if name == _STDIN
            else streams.read(Path(name), _MAX_BYTES + 1)
        )
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise NoInputError(f"--files-from {name}: {reason}", flag="--files-from") from error
    if len(data) > _MAX_BYTES:
        raise UsageError(
            f"--files-from {name}: larger than {_MAX_BYTES / 1e6:.0f} MB, so not a list of paths",
            "split it, or name a folder",
            flag="--files-from",
        )
    return data
