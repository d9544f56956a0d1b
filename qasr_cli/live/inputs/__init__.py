"""What a session listens to: microphones, stdin, files and network streams."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from qasr_cli.errors import NoInputError, UsageError
from qasr_cli.live.inputs import addresses, microphone, pipe
from qasr_cli.live.inputs.media_file import MediaFile
from qasr_cli.live.inputs.microphone import list_devices
from qasr_cli.live.inputs.network import NetworkStream
from qasr_cli.live.inputs.pacing import Paced
from qasr_cli.live.inputs.saving import Saved
from qasr_cli.live.protocols import LiveInput
from qasr_cli.media import saved_sound
from qasr_cli.operating_system import processes, streams
from qasr_cli.options import LiveOptions

__all__ = ["list_devices", "opened"]


@contextlib.contextmanager
def opened(where: str, options: LiveOptions) -> Iterator[LiveInput]:
    """Open an input for the time of a block.

    With `--save` all that the input yields is written to a file, too: silence of the same length for what is
    missing. If that fails, the input goes on, and the end of the block raises.

    Args:
        where: "" for a microphone, `-` for stdin, a file, or an address.
        options: Which microphone, which rate, what is allowed.

    Raises:
        UsageError: The options do not fit the input.
        NoInputError: There is no such file, or nothing on stdin.
        UndecodableError: A file is not media, or has no audio.
        UnavailableError: There is no microphone, or no program that reads it.
        CannotCreateError: The file for the sound exists or cannot be created.
        InputOutputError: At the end of the block: that file could not be written.
    """
    processes.require_posix()
    _refuse_contradictions(where, options)
    with contextlib.ExitStack() as stack:
        saved = stack.enter_context(saved_sound.opened(options.save, overwrite=options.overwrite))
        source = stack.enter_context(_source(where, options))
        if options.realtime and not source.is_real_time:
            source = Paced(source)
        yield source if saved is None else Saved(source, saved)


@contextlib.contextmanager
def _source(where: str, options: LiveOptions) -> Iterator[LiveInput]:
    if not where:
        yield microphone.chosen(options.mic)
    elif addresses.is_address(where):
        yield NetworkStream(addresses.parse(where, is_allowed=options.allow_network))
    elif _is_pipe(where):
        with pipe.opened(Path(where), options.pcm_hz) as source:
            yield source
    else:
        with MediaFile.opened(Path(where)) as source:
            yield source


def _is_pipe(where: str) -> bool:
    return streams.is_stream(Path(where)) or streams.is_pipe(Path(where))


def _refuse_contradictions(where: str, options: LiveOptions) -> None:
    if where and options.mic:
        raise UsageError("--mic and an input contradict each other", "leave one of them out", flag="--mic")
    if options.pcm_hz is not None and (addresses.is_address(where) or not where or not _is_pipe(where)):
        raise UsageError("--pcm is for raw samples on stdin", "give - as the input", flag="--pcm")
    if where == "-" and sys.stdin is not None and sys.stdin.isatty():
        raise NoInputError(
            "stdin is a terminal", "pipe sound into qasr, or leave out the - for the microphone"
        )
    written: list[tuple[str, Path | None]] = [("--write", path) for path in options.write]
    written += [("--save", options.save), ("--caption-file", options.caption_file)]
    for flag, path in written:
        if path is not None and _is_same_file(path, where):
            raise UsageError(f"{path}: {flag} would replace the input", "name another file", flag=flag)


def _is_same_file(path: Path, where: str) -> bool:
    try:
        return path.samefile(where)
    except OSError:
        return False
