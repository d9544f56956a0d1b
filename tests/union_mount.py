"""A read-only mount that gives all files one inode number, as some union file systems do: for tests.

Speaks the kernel's FUSE protocol (include/uapi/linux/fuse.h, version 7.31) by itself, since no package for it
is needed elsewhere. `python -m tests.union_mount FOLDER MOUNTPOINT` serves until it is unmounted.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

INODE = 42
_IN = struct.Struct("<IIQQIIIHH")  # length, opcode, unique, node, uid, gid, pid, extension, padding
_OUT = struct.Struct("<IiQ")
_LOOKUP, _FORGET, _GETATTR, _OPEN, _READ, _STATFS, _RELEASE = 1, 2, 3, 14, 15, 17, 18
_FLUSH, _INIT, _OPENDIR, _READDIR, _RELEASEDIR, _ACCESS, _BATCH_FORGET = 25, 26, 27, 28, 29, 34, 42
_DETACH = 2


class Server:
    """Answers the kernel; a node's number is its place in the list of paths, from 1."""

    def __init__(self, folder: Path, descriptor: int) -> None:
        self._paths = [folder]
        self._descriptor = descriptor

    def serve(self) -> None:
        while True:
            try:
                message = os.read(self._descriptor, 1 << 18)
            except OSError:  # unmounted
                return
            _, opcode, unique, node, *_ = _IN.unpack_from(message)
            if opcode in {_FORGET, _BATCH_FORGET}:
                continue
            try:
                code, body = 0, self._answer(opcode, node, message[_IN.size :])
            except OSError as error:
                code, body = -(error.errno or errno.EIO), b""
            os.write(self._descriptor, _OUT.pack(_OUT.size + len(body), code, unique) + body)

    def _answer(self, opcode: int, node: int, body: bytes) -> bytes:
        if opcode == _INIT:
            return struct.pack("<IIIIHHIIHHII24x", 7, 31, 0, 0, 12, 9, 1 << 17, 1, 32, 0, 0, 0)
        path = self._paths[node - 1]
        if opcode == _LOOKUP:
            return self._entry(path / os.fsdecode(body.rstrip(b"\0")))
        if opcode == _GETATTR:
            return struct.pack("<QII", 1, 0, 0) + _attributes(path)
        if opcode in {_OPEN, _OPENDIR}:
            return struct.pack("<QII", 0, 0, 0)
        if opcode in {_READ, _READDIR}:
            _, offset, size = struct.unpack_from("<QQI", body)
            return (
                _entries(path, offset, size)
                if opcode == _READDIR
                else path.read_bytes()[offset : offset + size]
            )
        return _trifle(opcode)

    def _entry(self, path: Path) -> bytes:
        attributes = _attributes(path)
        if path not in self._paths:
            self._paths.append(path)
        return struct.pack("<QQQQII", self._paths.index(path) + 1, 0, 1, 1, 0, 0) + attributes


def _trifle(opcode: int) -> bytes:
    """Return the answer that is the same for every file."""
    if opcode == _STATFS:
        return struct.pack("<QQQQQIIII24x", 0, 0, 0, 0, 0, 4096, 255, 4096, 0)
    if opcode in {_RELEASE, _RELEASEDIR, _FLUSH, _ACCESS}:
        return b""
    raise OSError(errno.ENOSYS, "not served")


def _attributes(path: Path) -> bytes:
    status = path.lstat()
    number = INODE if stat.S_ISREG(status.st_mode) else status.st_ino
    seconds = int(status.st_mtime)
    return struct.pack(
        "<QQQQQQIIIIIIIIII",
        *(number, status.st_size, 1, seconds, seconds, seconds, 0, 0, 0),
        *(status.st_mode, 1, status.st_uid, status.st_gid, 0, 4096, 0),
    )


def _entries(path: Path, offset: int, size: int) -> bytes:
    listed = b""
    for place, name in enumerate(sorted(one.name for one in path.iterdir())[offset:], offset + 1):
        encoded = os.fsencode(name)
        kind = (path / name).lstat().st_mode >> 12
        entry = struct.pack("<QQII", INODE, place, len(encoded), kind) + encoded
        entry += bytes(-len(entry) % 8)
        if len(listed) + len(entry) > size:
            break
        listed += entry
    return listed


def main() -> None:
    folder, place = Path(sys.argv[1]), sys.argv[2]
    descriptor = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={descriptor},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()}"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"union", os.fsencode(place), b"fuse.union", 1, options.encode()):  # 1: read-only
        sys.exit(os.strerror(ctypes.get_errno()))
    Server(folder, descriptor).serve()


def _is_mounted(place: Path) -> bool:
    try:
        return place.is_mount()
    except OSError:
        return False


@contextlib.contextmanager
def mounted(folder: Path, place: Path) -> Iterator[str]:
    """Mount a folder for as long as the block runs; yields why it cannot be mounted, or ""."""
    place.mkdir()
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.union_mount", folder, place],
        cwd=Path(__file__).parents[1], stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        deadline_s = time.monotonic() + 20
        while server.poll() is None and not _is_mounted(place) and time.monotonic() < deadline_s:
            time.sleep(0.05)
        yield (
            ""
            if _is_mounted(place)
            else (server.communicate()[1].strip().splitlines() or ["it does not mount"])[-1]
        )
    finally:
        ctypes.CDLL(None).umount2(os.fsencode(place), _DETACH)
        server.kill()
        server.wait()
        if server.stderr:
            server.stderr.close()


if __name__ == "__main__":
    main()
