"""The sources that the user named: files, folders, patterns, lists, and stdin.

In go input options; out come sources. Media from stdin or another stream, such as `/dev/fd/63`, which a shell
writes for `<(command)`, is stored in a file for the length of a run: mp4 cannot be read forward only.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from qasr_cli.errors import UsageError
from qasr_cli.media.spool import spool
from qasr_cli.operating_system import scratch, streams
from qasr_cli.options import FindOptions, InputOptions
from qasr_cli.records import Source
from qasr_cli.runs.inputs import discovery, file_lists
from qasr_cli.runs.inputs.discovery import Discovered


def is_stdin(inputs: InputOptions) -> bool:
    """Whether the media comes from stdin or other streams, so that it has no place of its own.

    Named pipes count only if there is nothing else: `*` may match one by chance.

    Raises:
        UsageError: There are other inputs, too, or a stream is named twice.
    """
    named = [path for path in inputs.inputs if streams.is_stream(path)]
    if not named and not (inputs.inputs and all(map(streams.is_pipe, inputs.inputs))):
        return False
    first = "- (stdin)" if named[:1] == [streams.STDIN] else str((named or list(inputs.inputs))[0])
    others = [path for path in inputs.inputs if path not in named and not streams.is_pipe(path)]
    if others or inputs.files_from:
        raise UsageError(
            f"{first} cannot be combined with other inputs", "transcribe the files in another call"
        )
    streams.refuse_twice(named)
    return True


def discover(inputs: InputOptions, options: FindOptions) -> Discovered:
    """Return the sources, without reading stdin.

    Raises:
        NoInputError: One of the inputs does not exist, or there is no media at all.
    """
    if is_stdin(inputs):
        return Discovered(of_streams(inputs.inputs), [], [])
    listed = file_lists.read(inputs.files_from, is_null_separated=inputs.null) if inputs.files_from else []
    return discovery.discover(inputs.inputs, options, listed)


def of_streams(paths: Sequence[Path]) -> list[Source]:
    """Return the sources of streams, by the names that their results get."""
    numbered = iter(range(len(paths)))
    return [
        Source(number, path, Path(streams.stem(next(numbered)) if streams.is_stream(path) else path.name))
        for number, path in enumerate(paths)
    ]


@contextlib.contextmanager
def opened(inputs: InputOptions, options: FindOptions) -> Iterator[Discovered]:
    """Yield the sources; media from streams is stored in files until the block ends.

    Raises:
        QasrError: As `discover`; or a stream is empty, or cannot be stored.
    """
    discovered = discover(inputs, options)
    if not is_stdin(inputs):
        yield discovered
        return
    with scratch.folder() as folder:
        yield Discovered([stored(source, folder) for source in discovered.sources], [], [])


def stored(source: Source, folder: Path) -> Source:
    """Return a source whose stream is stored in a file.

    Raises:
        QasrError: The stream is empty, or cannot be read or stored.
    """
    return Source(source.id, spool(source.path, folder, streams.stem(source.id)), source.relative)
