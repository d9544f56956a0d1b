"""The program that decodes FLAC for `flac_server`, in a process of its own; nothing imports it.

In come descriptors of open files, one at a time over the socket that is its stdin; out go their samples.
Its arguments are the folders of its libraries. Opens no file itself; ends with its parent.
"""

from __future__ import annotations

import os
import socket
import struct
import sys


def main() -> None:
    """Answer until the parent is gone."""
    sys.path += sys.argv[1:]
    with socket.socket(fileno=0) as parent:
        while True:
            asked, descriptors, _, _ = socket.recv_fds(parent, 1, 1)
            if not asked or not descriptors:
                return
            samples = _samples(descriptors[0])
            parent.sendall(struct.pack("<q", -1 if samples is None else len(samples)))
            parent.sendall(samples or b"")


def _samples(descriptor: int) -> bytes | None:
    """Return all samples, interleaved, 16 bits in the machine's order; None if they cannot be decoded."""
    import soundfile

    try:
        os.lseek(descriptor, 0, os.SEEK_SET)
        with soundfile.SoundFile(descriptor, closefd=False) as file:
            if (file.format, file.subtype) != ("FLAC", "PCM_16"):
                return None
            return bytes(file.buffer_read(dtype="int16"))
    except (OSError, RuntimeError, ValueError, MemoryError):
        return None
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    main()
