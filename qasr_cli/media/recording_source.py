"""One recording in a file: where it is, how to read it, and what its headers promise of it.

In go a path and the extents of its recordings; out come what the container promises and whether the sound is
encrypted. Reads headers, and decodes nothing.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path

from qasr_cli.errors import UndecodableError
from qasr_cli.media import byte_window, encryption, promises
from qasr_cli.media.byte_window import Extent
from qasr_cli.media.ffmpeg_arguments import Clock, Reading
from qasr_cli.media.promises import NO_PROMISE, Promise
from qasr_cli.timebase import BYTES_PER_MS, format_clock

AS_STORED = Reading()
_DECRYPT = "qasr has no keys; give a copy without protection"


@dataclasses.dataclass(frozen=True, slots=True)
class RecordingSource:
    """A recording in a file, and how to read it.

    Attributes:
        path: The file.
        reading: How to read its times and its level.
        extent: Its bytes; None if it is the whole file.
        others: The recordings behind it.
        n_unread: Bytes behind all of them.
        number: Its place in the file, from 1.
        promise: What its container promises.
        may_be_scrambled: It is of a kind whose packets may be encrypted.
    """

    path: Path
    reading: Reading = AS_STORED
    extent: Extent | None = None
    others: tuple[Extent, ...] = ()
    n_unread: int = 0
    number: int = 1
    promise: Promise = NO_PROMISE
    may_be_scrambled: bool = False

    def name(self, n_bytes: int) -> str:
        """Return what warnings call it: its number, and where its samples begin."""
        return f"recording {self.number} of {self.number + len(self.others)}, from {clock(n_bytes)}"

    def split_others(self) -> Iterator[RecordingSource]:
        """Yield each of the recordings behind it as a source of its own."""
        for place, extent in enumerate(self.others, start=1):
            behind = self.others[place:]
            number = self.number + place
            yield dataclasses.replace(self, extent=extent, others=behind, n_unread=0, number=number)

    def with_promise(self, audio_track: int) -> RecordingSource:
        """Return the recording with what its headers promise.

        A clock that contradicts its samples is not used.

        Raises:
            UndecodableError: Its headers say that it is encrypted.
        """
        try:
            with byte_window.opened(self.path, self.extent) as window:
                if name := encryption.protection(window, audio_track):
                    raise UndecodableError.about(self.path, f"its sound is encrypted ({name})", _DECRYPT)
                promise = promises.read(window, audio_track)
                may_be_scrambled = encryption.may_be_scrambled(window.read(0, 16))
        except OSError:
            return self  # and ffmpeg says why
        reading = self.reading
        if promise.is_clock_wrong and reading.clock is Clock.CONTAINER:
            reading = dataclasses.replace(reading, clock=Clock.COUNTED)
        return dataclasses.replace(self, promise=promise, reading=reading, may_be_scrambled=may_be_scrambled)

    def refuse_encrypted(self, reason: str) -> None:
        """Raise if what ffmpeg cannot decode is encrypted."""
        name = "DRM" if "encrypted" in reason.lower() else ""
        if self.may_be_scrambled:
            with contextlib.suppress(OSError), byte_window.opened(self.path, self.extent) as window:
                name = encryption.protection_of_undecodable(window) or name
        if name:
            raise UndecodableError.about(self.path, f"its sound is encrypted ({name})", _DECRYPT)


def clock(n_bytes: int) -> str:
    """Return the time at which samples of so many bytes end, as `00:01:02`."""
    return format_clock(n_bytes // BYTES_PER_MS)[:-4]
