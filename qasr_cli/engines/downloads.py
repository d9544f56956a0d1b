"""Weight files of a hub repository, resumed where an earlier download stopped.

In go a repository and a revision; out come whole files in the hub library's own cache. The library deletes an
incomplete file when a download ends, and weights have gigabytes. All else is left to the library: names,
listings, the cache's layout, the transfer itself. Never verifies a file: the caller compares digests.
"""

from __future__ import annotations

import os

from qasr_cli.engines import hub_adapter
from qasr_cli.engines.hub_adapter import RemoteFile
from qasr_cli.operating_system import refusals


def fetch_weights(location: str, revision: str | None) -> None:
    """Download the safetensors files of a repository that are not in the cache yet.

    Received bytes stay in `<blob>.part`, whatever ends the download, and the next one requests the rest.

    Raises:
        Exception: Whatever the hub library and its HTTP client raise; `hub_adapter.failure` reads it.
    """
    for file in hub_adapter.large_files(location, revision, ".safetensors"):
        _finish(file)


def _finish(file: RemoteFile) -> None:
    """Download the missing part of one file; a second process waits until it is complete."""
    part = file.blob.with_name(file.blob.name + ".part")
    for needed in (file.blob.parent, file.lock.parent):
        needed.mkdir(parents=True, exist_ok=True)
    with hub_adapter.locked(file):
        if os.path.exists(file.blob):
            return
        with part.open("ab") as opened:
            hub_adapter.append_rest(file, opened)
            opened.flush()
            refusals.sync(opened.fileno(), part.parent)
        part.replace(file.blob)
