"""The adapter of the hub library: the only module that imports huggingface_hub or depends on its internals.

In go a repository and a revision; out come listings, whole snapshots, the rest of one file, and the meaning
of errors of the library or its HTTP client. Decides nothing and writes no messages for people.

Not part of the library's public interface: `http_get`, `WeakFileLock`, `build_hf_headers`, the layout of its
cache, and the class names of its HTTP client's errors. tests/e2e/test_hub_adapter.py fails when they change.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from qasr_cli.operating_system import refusals
from qasr_cli.operating_system.refusals import Refusal

_SHA256 = re.compile(r"[0-9a-f]{64}")  # the hub's names of large files; small ones need no resuming
_ANSWER_S = 10  # the library would wait for ever for a hub that accepts the connection and sends nothing
# By name, over the whole family of an error: the HTTP client is the hub library's choice, and it changes.
_UNREACHABLE = {"ConnectError", "TimeoutException", "ProxyError"}
_BROKEN = {"TransportError"}


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A large file of a repository.

    Attributes:
        url: Its address at the hub.
        store_url: Address of its content, which may be another host.
        n_bytes: Its size; None if the hub does not send it.
        blob: Its path in the library's cache; the name is the SHA-256.
        lock: The library's lock file for it.
    """

    url: str
    store_url: str
    n_bytes: int | None
    blob: Path
    lock: Path


class HubFailure(StrEnum):
    """Why a request to the hub failed."""

    BAD_NAME = "bad name"
    NO_REVISION = "no revision"
    GATED = "gated"
    NO_REPOSITORY = "no repository"
    OFFLINE = "offline"  # by HF_HUB_OFFLINE
    STATUS = "status"  # an HTTP status that is none of the above
    UNREACHABLE = "unreachable"
    BROKEN = "broken"  # a connection that broke
    OTHER = "other"


def cache_folder() -> Path:
    """Return the library's model folder; it need not exist yet."""
    from huggingface_hub.constants import HF_HUB_CACHE

    return Path(HF_HUB_CACHE)


def endpoint() -> str:
    """Return the address of the hub in use."""
    from huggingface_hub.constants import ENDPOINT

    return str(ENDPOINT)


def config_error() -> type[Exception]:
    """Return the error class of transformers' configurations, which are built on the library."""
    from huggingface_hub.errors import StrictDataclassError

    kind: type[Exception] = StrictDataclassError
    return kind


def cached_snapshot(location: str, revision: str | None, patterns: Sequence[str]) -> Path | None:
    """Return the snapshot in the cache, or None; uses no network and compares no digests."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        folder = snapshot_download(
            location, revision=revision, local_files_only=True, allow_patterns=list(patterns)
        )
    except (LocalEntryNotFoundError, HFValidationError, FileNotFoundError):
        return None
    return Path(folder)


def snapshot(location: str, revision: str | None, patterns: Sequence[str]) -> Path:
    """Return the snapshot with all files of these patterns, downloading what is missing.

    Raises:
        Exception: Any error of the library or its HTTP client; `failure` interprets it.
    """
    from huggingface_hub import snapshot_download

    return Path(
        snapshot_download(location, revision=revision, allow_patterns=list(patterns), etag_timeout=_ANSWER_S)
    )


def large_files(location: str, revision: str | None, suffix: str) -> Iterator[RemoteFile]:
    """Yield the files of a repository that the hub names by SHA-256 and that end in `suffix`.

    Raises:
        Exception: As `snapshot`.
    """
    from huggingface_hub import HfApi, get_hf_file_metadata, hf_hub_url

    listing = HfApi().model_info(location, revision=revision, timeout=_ANSWER_S)
    folder = "models--" + location.replace("/", "--")
    for name in (sibling.rfilename for sibling in listing.siblings or ()):
        if not name.endswith(suffix):
            continue
        url = hf_hub_url(location, name, revision=listing.sha)
        file = get_hf_file_metadata(url, timeout=_ANSWER_S)
        if file.etag and _SHA256.fullmatch(file.etag):
            blob = cache_folder() / folder / "blobs" / file.etag
            lock = cache_folder() / ".locks" / folder / f"{file.etag}.lock"
            yield RemoteFile(url, file.location, file.size, blob, lock)


@contextlib.contextmanager
def locked(file: RemoteFile) -> Iterator[None]:
    """Hold the library's own lock on a file, waiting for it, if the file system has locks."""
    from huggingface_hub.utils import WeakFileLock

    with contextlib.ExitStack() as held:
        try:
            held.enter_context(WeakFileLock(file.lock))
        except OSError as error:
            if error.errno not in refusals.NO_LOCKS:
                raise
            refusals.note(Refusal.LOCKS, file.lock.parent, error)
        yield


def append_rest(file: RemoteFile, part: IO[bytes]) -> None:
    """Append the missing rest of the file to `part`, with the library's progress bar and retries.

    Raises:
        Exception: As `snapshot`; the received bytes are in `part`.
    """
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers

    headers = build_hf_headers()
    if urlsplit(file.url).netloc != urlsplit(file.store_url).netloc:
        headers.pop("authorization", None)  # the token must not be sent to the store of large files
    http_get(
        file.store_url,
        part,
        resume_size=part.tell(),
        headers=headers,
        expected_size=file.n_bytes,
        displayed_filename=urlsplit(file.url).path.rsplit("/", 1)[-1],
    )


def failure(error: BaseException) -> tuple[HubFailure, int | None]:
    """Return the meaning of an error of the library or its HTTP client, and the HTTP status of `STATUS`."""
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    refusals: tuple[tuple[type[Exception], HubFailure], ...] = (
        (HFValidationError, HubFailure.BAD_NAME),
        (RevisionNotFoundError, HubFailure.NO_REVISION),
        (GatedRepoError, HubFailure.GATED),  # before the next: it is one of those, too
        (RepositoryNotFoundError, HubFailure.NO_REPOSITORY),
    )
    for kind, meaning in refusals:
        if isinstance(error, kind):
            return meaning, None
    return _transport_failure(error)


def _transport_failure(error: BaseException) -> tuple[HubFailure, int | None]:
    """Return the meaning of a network error."""
    from huggingface_hub.errors import OfflineModeIsEnabled

    cause: BaseException | None = error
    while cause is not None:  # the library wraps the error into "not found in the cache"
        if isinstance(cause, OfflineModeIsEnabled):
            return HubFailure.OFFLINE, None
        status = getattr(getattr(cause, "response", None), "status_code", None)
        if status is not None:
            return HubFailure.STATUS, int(status)
        names = {kind.__name__ for kind in type(cause).__mro__}
        if names & _UNREACHABLE:
            return HubFailure.UNREACHABLE, None
        if names & _BROKEN:
            return HubFailure.BROKEN, None
        cause = cause.__cause__
    return HubFailure.OTHER, None
