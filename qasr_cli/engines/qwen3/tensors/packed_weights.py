"""8-bit weights of a model, kept in the cache so that only the first start makes them.

In go a model, the names of its fused weights and a function that returns a dense one; out come `Int8Linear`s
by name. The file is safetensors: `NAME` is int8, `NAME.scales` float32, and its metadata has checksums. It is
the same for every kernel; what a kernel packs from it stays in memory. A file that is missing, foreign, cut
short, damaged or of another model is made anew, and one that cannot be written is done without: neither is an
error. Never opens a pickle, and keeps one dense weight in memory at a time.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import struct
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, BinaryIO

import torch

from qasr_cli import bounded_json
from qasr_cli.engines import cache_files
from qasr_cli.engines.cpu import int8_linear
from qasr_cli.engines.cpu.int8_linear import Int8Kernel, Int8Linear, Int8Weight
from qasr_cli.engines.model_store import StoredModel
from qasr_cli.engines.qwen3.tensors import identity
from qasr_cli.operating_system import files

logger = logging.getLogger(__name__)

Dense = Callable[[str], torch.Tensor]  # the weight of a name, `[n_out, n_in]`

_VERSION = "1"  # of the file's layout and of `int8_linear.quantize`
_SCALES = ".scales"
_LENGTH_BYTES = 8  # a safetensors file begins with the length of its JSON header, little-endian
_MAX_HEADER_BYTES = 10_000_000
_CRC_DIGITS = 8
_N_READERS = 2  # reading and packing go on two cores; each holds one weight


class DamagedError(Exception):
    """A file of the cache is not what was written; the message says where."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A tensor in the file: its place, its shape, and the checksum of its bytes and shape."""

    name: str
    shape: tuple[int, ...]
    begin: int
    n_bytes: int
    crc: int


class PackedWeights:
    """The 8-bit weights of one model; reading and packing begin at once, in threads of their own.

    Attributes:
        names: The fused weights.
    """

    def __init__(self, stored: StoredModel, names: Sequence[str], kernel: Int8Kernel) -> None:
        """Begin to read the weights from the cache.

        Args:
            stored: The model.
            names: The fused weights, in the order in which they are used.
            kernel: What they are packed for.
        """
        self.names, self._kernel = tuple(names), kernel
        self._source = _source(stored, self.names)
        self._prefix = _prefix(stored)
        self._file = f"{self._prefix}{self._source[:16]}.safetensors"
        self._reading: Future[dict[str, Int8Linear]] = Future()
        threading.Thread(target=self._read, name="packed weights", daemon=True).start()

    def linears(self, dense: Dense) -> dict[str, Int8Linear]:
        """Return every weight, packed; wait for those from the cache, or make them and write the cache.

        Args:
            dense: Called once for each name if the cache does not have them. Its errors are raised here.
        """
        found = self._reading.result()
        if found:
            return found
        self._reading = Future()
        return self._make(dense)

    def _read(self) -> None:
        """Fill `_reading`; an empty answer is a cache that has no whole file of this model."""
        found: dict[str, Int8Linear] = {}
        try:
            found = self._read_file()
        except (OSError, ValueError, LookupError, TypeError, AttributeError, DamagedError) as error:
            logger.warning("packed weights %s are damaged and are made anew: %s", self._file, error)
        except (RuntimeError, MemoryError) as error:  # of torch, which may be out of memory
            logger.warning("packed weights %s cannot be used: %s", self._file, error)
        finally:
            self._reading.set_result(found)

    def _read_file(self) -> dict[str, Int8Linear]:
        with cache_files.opened(self._file) as file:
            if file is None:
                return {}
            entries = _entries(file, self._source)
            missing = [name for name in self.names if not {name, name + _SCALES} <= set(entries)]
            if missing:
                raise DamagedError(f"{missing[0]} is missing")

            def load(name: str) -> Int8Linear:
                weight = _weight(file.fileno(), entries[name], entries[name + _SCALES])
                return Int8Linear(weight, self._kernel)

            with ThreadPoolExecutor(_N_READERS, "packed weights") as readers:
                return dict(zip(self.names, readers.map(load, self.names), strict=True))

    def _make(self, dense: Dense) -> dict[str, Int8Linear]:
        """Quantise and pack every weight, and write the file while that goes on."""
        logger.debug("packing %d weights into %s", len(self.names), self._file)
        made: dict[str, Int8Linear] = {}
        place = 4096 + sum(400 + 4 * len(name) for name in self.names)

        def parts() -> Iterator[tuple[str, Int8Weight]]:
            for name in self.names:
                weight = int8_linear.quantize(dense(name))
                made[name] = Int8Linear(weight, self._kernel)
                yield name, weight

        if cache_files.write(self._file, lambda file: _write(file, self._source, place, parts())):
            cache_files.remove_others(f"{self._prefix}*", self._file)
        for name in self.names:  # what is left if the disk became full; an error of `dense` comes again
            if name not in made:
                made[name] = Int8Linear(dense(name), self._kernel)
        return made


def remove(stored: StoredModel) -> None:
    """Remove a model's 8-bit weights from the cache, if they are there."""
    cache_files.remove_others(f"{_prefix(stored)}*", "")


def _prefix(stored: StoredModel) -> str:
    """Return how the names of a model's files begin."""
    return f"int8-{identity.slug(stored)}-"


def _source(stored: StoredModel, names: Iterable[str]) -> str:
    """Return a digest of all that the file depends on: model, names, and how they are quantised."""
    try:
        facts = identity.digest(stored.folder)
    except OSError as error:  # the weights themselves are read next, and say so
        logger.debug("no identity of %s: %s", stored.folder, error)
        facts = os.urandom(16).hex()
    return hashlib.sha256("\n".join((_VERSION, stored.id, facts, *names)).encode()).hexdigest()


def _write(file: BinaryIO, source: str, place: int, parts: Iterable[tuple[str, Int8Weight]]) -> None:
    """Write a file.

    The header stands first and has the checksums of the data. So the data is written behind the header's
    place, which is then filled; spaces may end a safetensors header.
    """
    header: dict[str, Any] = {}
    file.seek(_LENGTH_BYTES + place)
    offset = 0
    checksums: dict[str, str] = {}
    for name, weight in parts:
        for key, tensor in ((name, weight.values), (name + _SCALES, weight.scales)):
            content = tensor.contiguous().numpy().data.cast("B")
            shape = list(tensor.shape)
            header[key] = {
                "dtype": "I8" if tensor.dtype == torch.int8 else "F32",
                "shape": shape,
                "data_offsets": [offset, offset + len(content)],
            }
            checksums[key] = f"{_crc(key, shape, content):0{_CRC_DIGITS}x}"
            file.write(content)
            offset += len(content)
    metadata = {"version": _VERSION, "source": source, "crc32": json.dumps(checksums)}
    text = json.dumps({"__metadata__": metadata, **header}).encode()
    file.seek(0)
    file.write(struct.pack("<Q", place) + text.ljust(place))


def _crc(name: str, shape: Sequence[int], content: memoryview) -> int:
    """Return the checksum of a tensor, with its name and shape: header and data cannot be of two files."""
    return zlib.crc32(content, zlib.crc32(f"{name} {list(shape)}".encode()))


def _entries(file: BinaryIO, source: str) -> dict[str, _Entry]:
    """Return the tensors of a file by its header.

    Raises:
        DamagedError: It is of another model, or its header and its length contradict each other.
        ValueError, LookupError, TypeError: It is no header.
    """
    size = os.fstat(file.fileno()).st_size
    (length,) = struct.unpack("<Q", file.read(_LENGTH_BYTES).ljust(_LENGTH_BYTES, b"\xff"))
    if length > min(_MAX_HEADER_BYTES, size):
        raise DamagedError("no header")
    header = bounded_json.loads(file.read(length))
    metadata: Mapping[str, str] = header.pop("__metadata__")
    if metadata["version"] != _VERSION or metadata["source"] != source:
        raise DamagedError("it is of another model")
    checksums = bounded_json.loads(metadata["crc32"])
    begin = _LENGTH_BYTES + length
    return {name: _entry(name, fields, checksums[name], (begin, size)) for name, fields in header.items()}


def _entry(name: str, fields: Mapping[str, Any], crc: str, bounds: tuple[int, int]) -> _Entry:
    begin, size = bounds
    shape, (first, last) = fields["shape"], fields["data_offsets"]
    is_scales = name.endswith(_SCALES)
    n_bytes = math.prod(shape) * (4 if is_scales else 1)
    is_sound = (
        all(type(number) is int and number >= 0 for number in (*shape, first, last))
        and fields["dtype"] == ("F32" if is_scales else "I8")
        and len(shape) == (1 if is_scales else 2)
        and last - first == n_bytes
        and begin + last <= size
    )
    if not is_sound:
        raise DamagedError(f"{name} does not fit the file")
    return _Entry(name, tuple(shape), begin + first, n_bytes, int(crc, 16))


def _weight(descriptor: int, values: _Entry, scales: _Entry) -> Int8Weight:
    if scales.shape != values.shape[:1]:
        raise DamagedError(f"{values.name} and its scales differ")
    return Int8Weight(_tensor(descriptor, values, torch.int8), _tensor(descriptor, scales, torch.float32))


def _tensor(descriptor: int, entry: _Entry, dtype: torch.dtype) -> torch.Tensor:
    """Read one tensor; reading, and not mapping, keeps its pages out of this process's memory afterwards."""
    tensor = torch.empty(entry.shape, dtype=dtype)
    buffer = tensor.numpy().data.cast("B")
    done = 0
    while done < entry.n_bytes:
        part = files.read_at(descriptor, min(entry.n_bytes - done, 1 << 24), entry.begin + done)
        if not part:
            raise DamagedError(f"{entry.name} is cut short")
        buffer[done : done + len(part)] = part
        done += len(part)
    if _crc(entry.name, entry.shape, buffer) != entry.crc:
        raise DamagedError(f"the checksum of {entry.name} differs")
    return tensor
