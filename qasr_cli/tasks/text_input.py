"""Text that the user gives: a file, or stdin.

In goes a path; out comes the text, in UTF-8 or not at all.
"""

from __future__ import annotations

import sys
from pathlib import Path

from qasr_cli.errors import NoInputError, UndecodableError, from_os_error

STDIO = "-"  # as an input: stdin; as an output: stdout
STDIN = Path(STDIO)


def read_text(path: Path, name: str, hint: str) -> str:
    """Return what a text file, or stdin, holds.

    Args:
        path: Of the file; `-` is stdin.
        name: Names it in errors.
        hint: What it should be, for the error of one that is not text.

    Raises:
        NoInputError: There is no such file.
        UndecodableError: It is not text.
        QasrError: It cannot be read.
    """
    try:
        if path == STDIN:
            # As strict as of a file: the text of sys.stdin would have odd signs in place of what is no UTF-8.
            text = sys.stdin.buffer.read().decode("utf-8-sig")
            return text.replace("\r\n", "\n").replace("\r", "\n")
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise NoInputError(f"{name}: no such file", path=path) from error
    except (UnicodeDecodeError, IsADirectoryError) as error:
        raise UndecodableError(f"{name}: not a text file", hint, path=path) from error
    except OSError as error:
        raise from_os_error(error, f"reading {name}") from error
