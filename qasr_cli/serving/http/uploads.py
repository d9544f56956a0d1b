"""A request's body: its fields, and its file, which goes straight to disk.

In go multipart forms; out come fields and an `Upload`. The file is written and hashed as it comes, so that a
film is on disk once and never in memory. A file's name is a label: no path is made of it.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Self

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from qasr_cli.errors import from_os_error, printable
from qasr_cli.serving.ask import Upload
from qasr_cli.serving.http.failures import ApiError
from qasr_cli.serving.http.raw_samples import RawShape
from qasr_cli.serving.http.site import Site
from qasr_cli.serving.refusals import TooLargeError
from qasr_cli.timebase import MS_PER_S

_MAX_FIELDS = 64
_MAX_FIELD_BYTES = 1_000_000  # a context or a script
_MAX_NAME_CHARS = 200
_MAX_BOUNDARY_CHARS = 200  # the standard says 70; the parser refuses 255
_TEXTS = frozenset({"script", "text"})  # files in these fields are texts, and not the recording

_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class TextFile:
    """A text that was sent as a file: its bytes, in whatever encoding, and its client's name for it."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Form:
    """A parsed form.

    Attributes:
        fields: Values by name, without the `[]` of repeated fields; in order.
        upload: The file; None without one.
        texts: Texts that were sent as files, by name; their fields have no value.
    """

    fields: Mapping[str, list[str]]
    upload: Upload | None
    texts: Mapping[str, TextFile] = field(default_factory=dict)

    def one(self, name: str, default: str = "") -> str:
        """Return the last value of a field."""
        return self.fields.get(name, [default])[-1]

    def all(self, name: str) -> list[str]:
        """Return the values of a field, however often it is there."""
        return self.fields.get(name, [])

    @contextlib.contextmanager
    def checked(self) -> Iterator[Upload]:
        """Yield the file to a block that checks the fields; whatever it raises, the file is removed then.

        Raises:
            ApiError: There is no file.
        """
        if self.upload is None:
            raise ApiError(
                400, "file: the form has no file", "send the media as its field `file`", param="file"
            )
        try:
            yield self.upload
        except BaseException:
            self.upload.path.unlink(missing_ok=True)
            raise


class Spool:
    """A file in the scratch folder that is written and hashed as its content comes.

    A context manager: unless `close` was reached, nothing is left behind.

    Args:
        folder: The scratch folder.
        name: The client's name for the file.
        max_bytes: Its largest size.
    """

    def __init__(self, folder: Path, name: str, max_bytes: int) -> None:
        self._path = folder / f"upload-{os.getpid()}-{next(_numbers)}"
        self._name = label(name)
        self._max_bytes = max_bytes
        self._hash = hashlib.sha256()
        self._n_bytes = 0
        self._is_whole = False

    def __enter__(self) -> Self:
        """Create the file."""
        with _receiving():
            self._file: BinaryIO = self._path.open("xb")
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file, and remove it if it is incomplete."""
        self._file.close()
        if not self._is_whole:
            self._path.unlink(missing_ok=True)

    def write(self, data: bytes) -> None:
        """Write some bytes more.

        Raises:
            TooLargeError: The file is larger than the server accepts.
            InputOutputError: The disk is full.
        """
        self._n_bytes += len(data)
        if self._n_bytes > self._max_bytes:
            raise too_large(self._max_bytes)
        self._hash.update(data)
        with _receiving():
            self._file.write(data)

    def close(self) -> Upload:
        """Return the whole file."""
        with _receiving():
            self._file.flush()
        self._is_whole = True
        return Upload(self._path, self._n_bytes, self._hash.hexdigest(), self._name)


class RawSpool(Spool):
    """A spool for samples without a header: its file is a WAV.

    Args:
        folder: The scratch folder.
        name: The client's name for the file.
        max_bytes: Its largest size.
        shape: What the samples are.
    """

    def __init__(self, folder: Path, name: str, max_bytes: int, shape: RawShape) -> None:
        super().__init__(folder, name, max_bytes)
        self._shape = shape

    def __enter__(self) -> Self:
        """Create the file, and leave room for the header."""
        super().__enter__()
        with _receiving():
            self._file.write(self._shape.header(0))
        return self

    @property
    def is_empty(self) -> bool:
        """Whether there are no samples so far."""
        return not self._n_bytes

    @property
    def duration_ms(self) -> int:
        """Milliseconds of audio so far."""
        return self._n_bytes * MS_PER_S // self._shape.bytes_per_s

    def close(self) -> Upload:
        """Return the whole file."""
        with _receiving():
            self._file.seek(0)
            self._file.write(self._shape.header(self._n_bytes))
        # The same bytes as another kind of file are another recording
        self._hash = hashlib.sha256(f"{self._shape} {self._hash.hexdigest()}".encode())
        return super().close()


@contextlib.contextmanager
def _receiving() -> Iterator[None]:
    """Turn the system's errors into those of qasr.

    Raises:
        InputOutputError: The disk is full, or fails.
    """
    try:
        yield
    except OSError as error:
        raise from_os_error(error, "receiving a file") from error


def label(name: str) -> str:
    """Return a client's name for a file as one printable line without folders."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return printable(last)[:_MAX_NAME_CHARS] or "upload"


def too_large(max_bytes: int) -> TooLargeError:
    """Return the error of a body that is larger than the server accepts."""
    return TooLargeError(
        f"the request has more than {max_bytes / 1024**2:,.0f} MiB",
        "send compressed audio, or start the server with a larger --max-upload",
    )


@dataclass(slots=True)
class _Part:
    """The part of a form that is being read."""

    name: str = ""
    header: bytes = b""
    headers: dict[bytes, bytes] = field(default_factory=dict)
    value: bytearray | None = None  # of a field, or of a text that is sent as a file
    file_name: str | None = None
    spool: Spool | None = None  # of a file


class FormReader:
    """Reads one multipart form; a context manager that leaves no incomplete file behind.

    Args:
        boundary: From the request's Content-Type.
        open_spool: Returns the spool of the file with a client's name.
        hold: Notes bytes that stay in memory.
    """

    def __init__(
        self, boundary: bytes, open_spool: Callable[[str], Spool], hold: Callable[[int], None]
    ) -> None:
        self._open_spool = open_spool
        self._hold = hold
        self._fields: dict[str, list[str]] = {}
        self._n_fields = 0
        self._texts: dict[str, TextFile] = {}
        self._part = _Part()
        self._spools: list[Spool] = []
        self._upload: Upload | None = None
        self._is_over = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._header_field,
                "on_header_value": self._header_value,
                "on_headers_finished": self._headers_finished,
                "on_part_data": self._data,
                "on_part_end": self._end_part,
                "on_end": self._end,
            },
        )

    def __enter__(self) -> FormReader:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Remove the files if the form is not whole."""
        for spool in self._spools:
            spool.__exit__()
        if kind is not None and self._upload is not None:
            self._upload.path.unlink(missing_ok=True)

    def write(self, data: bytes) -> None:
        """Read some bytes more.

        Raises:
            ApiError: They are no form, or there are too many fields or files.
            QasrError: The file is too large, or the disk is full.
        """
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise ApiError(400, "the body is not a multipart form") from error

    def close(self) -> Form:
        """Return the whole form.

        Raises:
            ApiError: It ends too early.
        """
        if not self._is_over:
            raise ApiError(400, "the body ends in the middle of the form", "send it again")
        return Form(self._fields, self._upload, self._texts)

    def _begin(self) -> None:
        self._part = _Part()
        self._n_fields += 1
        if self._n_fields > _MAX_FIELDS:
            raise ApiError(400, f"the form has more than {_MAX_FIELDS} fields")

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._part.header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        name = self._part.header.lower()
        self._part.headers[name] = self._part.headers.get(name, b"") + data[start:end]

    def _headers_finished(self) -> None:
        _, parameters = parse_options_header(self._part.headers.get(b"content-disposition", b""))
        self._part.name = parameters.get(b"name", b"").decode("utf-8", "replace").removesuffix("[]")
        if b"filename" in parameters:
            self._part.file_name = parameters[b"filename"].decode("utf-8", "replace")
        if self._part.file_name is None or self._part.name in _TEXTS:
            self._part.value = bytearray()
            return
        if self._spools:
            raise ApiError(400, "the form has more than one file", "send one file a request")
        self._part.spool = self._open_spool(self._part.file_name).__enter__()
        self._spools.append(self._part.spool)

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._part.spool is not None:
            self._part.spool.write(data[start:end])
        elif self._part.value is not None:
            self._hold(end - start)
            self._part.value += data[start:end]
            if len(self._part.value) > _MAX_FIELD_BYTES:
                raise ApiError(
                    400, f"the field {label(self._part.name)} has more than {_MAX_FIELD_BYTES} bytes"
                )

    def _end_part(self) -> None:
        if self._part.spool is not None:
            self._upload = self._part.spool.close()
        elif self._part.value is not None and self._part.file_name is not None:
            text_file = TextFile(label(self._part.file_name), bytes(self._part.value))
            self._texts[self._part.name] = text_file
        elif self._part.value is not None:
            text = self._part.value.decode("utf-8", "replace")
            self._fields.setdefault(self._part.name, []).append(text)

    def _end(self) -> None:
        self._is_over = True


async def receive(request: Request, site: Site, open_spool: Callable[[str], Spool] | None = None) -> Form:
    """Return the form of a request, its file on disk.

    Args:
        request: A request whose body is not read yet.
        site: The server.
        open_spool: Returns the spool for a file's name, if it is not a plain one.

    Raises:
        ApiError: The body is no form.
        TooLargeError: It is larger than the server accepts.
        OverloadedError: All requests together are too large for the memory.
        ClientDisconnect: The client has gone away.
    """
    kind, parameters = parse_options_header(request.headers.get("content-type", ""))
    if (
        kind != b"multipart/form-data"
        or not 1 <= len(parameters.get(b"boundary", b"")) <= _MAX_BOUNDARY_CHARS
    ):
        raise ApiError(400, "the body is not multipart/form-data", "send the file as a form's field `file`")
    length = content_length(request)
    most = site.settings.max_upload_bytes
    if length is not None and length > most:
        raise too_large(most)

    def plain(name: str) -> Spool:
        return Spool(site.service.folder, name, most)

    with (
        site.service.arriving(length),
        site.bodies.holding() as hold,
        FormReader(parameters[b"boundary"], open_spool or plain, hold) as reader,
    ):
        async for block in request.stream():
            reader.write(block)
        return reader.close()


def content_length(request: Request) -> int | None:
    """Return the size of a body that its client announces; None if it does not."""
    value = request.headers.get("content-length", "")
    return int(value) if value.isascii() and value.isdigit() else None
