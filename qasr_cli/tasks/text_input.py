"""The user's text files, and text from stdin.

In goes a path; out comes the text in UTF-8, or the bytes for a reader that knows other encodings.
"""

from __future__ import annotations

from pathlib import Path

from qasr_cli.errors import UndecodableError, from_read_error
from qasr_cli.operating_system import streams

STDIO = "-"  # as an input: stdin; as an output: stdout
STDIN = streams.STDIN
_MAX_BYTES = 10_000_000  # two Bibles


def read_bytes(path: Path, name: str, max_bytes: int) -> bytes:
    """Read a text file of any encoding, a pipe, or stdin; at most one byte more than `max_bytes`.

    Args:
        path: The file; `-` is stdin, and `/dev/fd/63` another stream.
        name: Its name in errors.
        max_bytes: One more byte shows that the file is larger; never more than that is read.

    Raises:
        NoInputError: There is no such file.
        UndecodableError: It is a folder.
        QasrError: It cannot be read.
    """
    try:
        return streams.read(path, max_bytes + 1)
    except IsADirectoryError as error:
        raise UndecodableError(f"{name}: a folder", "name the subtitle files in it", path=path) from error
    except OSError as error:
        raise from_read_error(error, path, name) from error


def read_text(path: Path, name: str, hint: str) -> str:
    """Read a text file, or stdin.

    Args:
        path: The file; `-` is stdin, and `/dev/fd/63` another stream.
        name: Its name in errors.
        hint: Hint of the error if it is not text.

    Raises:
        NoInputError: There is no such file.
        UndecodableError: It is not text in UTF-8, or larger than 10 MB.
        QasrError: It cannot be read.
    """
    try:
        data = streams.read(path, _MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            raise UndecodableError(f"{name}: larger than {_MAX_BYTES / 1e6:.0f} MB", hint, path=path)
        # As strict as possible: sys.stdin would replace bytes that are not UTF-8.
        return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except (UnicodeDecodeError, IsADirectoryError) as error:
        raise UndecodableError(f"{name}: not a text file", hint, path=path) from error
    except OSError as error:
        raise from_read_error(error, path, name) from error
