"""Lists of paths, as `find`, `fd`, `git ls-files` and people make them.

In go bytes; out come paths. Names that are not UTF-8 come through unharmed. Looks at no path of a list.
"""

from __future__ import annotations

import codecs
import os
import sys
from pathlib import Path

from qasr_cli.errors import NoInputError, UsageError
from qasr_cli.operating_system import streams
from qasr_cli.runs.files import typed_paths

_STDIN = "-"


def read(name: str, *, is_null_separated: bool) -> list[Path]:
    """Return the paths of a list, in its order; empty lines are skipped.

    Args:
        name: The list's file, or `-` for stdin.
        is_null_separated: A zero byte ends each path, as `find -print0` writes them; else a line end does.

    Raises:
        NoInputError: There is no such list, or it cannot be read.
        UsageError: Zero bytes in a list of lines.
    """
    data = _bytes(name).removeprefix(codecs.BOM_UTF8)
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


def _bytes(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == _STDIN else streams.read(Path(name))
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise NoInputError(f"--files-from {name}: {reason}", flag="--files-from") from error
