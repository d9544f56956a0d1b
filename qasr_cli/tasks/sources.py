"""The sources that the user named: files, folders, patterns, lists, and stdin.

In go input options; out come sources. Media from stdin is stored in a file for the length of a run, since mp4
cannot be read forward only.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from qasr_cli.errors import UsageError
from qasr_cli.media.spool import spool_stdin
from qasr_cli.options import FindOptions, InputOptions
from qasr_cli.records import Source
from qasr_cli.runs.files import scratch
from qasr_cli.runs.inputs import discovery, file_lists
from qasr_cli.runs.inputs.discovery import Discovered
from qasr_cli.tasks.text_input import STDIN

_STDIN_NAME = Path("stdin")


def is_stdin(inputs: InputOptions) -> bool:
    """Whether the media comes from stdin.

    Raises:
        UsageError: There are other inputs, too.
    """
    if STDIN not in inputs.inputs:
        return False
    if len(inputs.inputs) > 1 or inputs.files_from:
        raise UsageError(
            "- (stdin) cannot be combined with other inputs", "transcribe the files in another call"
        )
    return True


def discover(inputs: InputOptions, options: FindOptions) -> Discovered:
    """Return the sources, without reading stdin.

    Raises:
        NoInputError: One of the inputs does not exist, or there is no media at all.
    """
    if is_stdin(inputs):
        return Discovered([Source(0, STDIN, _STDIN_NAME)], [], [])
    listed = file_lists.read(inputs.files_from, is_null_separated=inputs.null) if inputs.files_from else []
    return discovery.discover(inputs.inputs, options, listed)


@contextlib.contextmanager
def opened(inputs: InputOptions, options: FindOptions) -> Iterator[Discovered]:
    """Yield the sources; media from stdin is stored in a file until the block ends.

    Raises:
        QasrError: As `discover`; or stdin is empty, or cannot be stored.
    """
    if not is_stdin(inputs):
        yield discover(inputs, options)
        return
    with scratch.folder() as folder:
        yield Discovered([Source(0, spool_stdin(0, folder), _STDIN_NAME)], [], [])
