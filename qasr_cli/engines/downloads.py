"""Weight files of a hub repository, taken up where an earlier download stopped.

In go a repository and a revision; out come whole files in the hub library's own cache. The library throws
half a file away when a download ends, and weights have gigabytes. All else is the library's: names, listings,
the cache's layout, the transfer itself. Never says whether a file is right: who calls this compares digests.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_SHA256 = re.compile(r"[0-9a-f]{64}")  # how the hub names large files; small ones come in one piece anyway
_ANSWER_S = 10  # the library would wait for ever for a hub that takes the connection and says nothing


def fetch_weights(location: str, revision: str | None) -> None:
    """Bring the safetensors files of a repository that are not in the cache yet.

    What has arrived stays in `<blob>.part`, whatever ends the download, and the next one asks for the rest.

    Raises:
        Exception: Whatever the hub library and its HTTP client raise; `checkpoints.pull` knows them.
    """
    from huggingface_hub import HfApi, get_hf_file_metadata, hf_hub_url
    from huggingface_hub.constants import HF_HUB_CACHE

    found = HfApi().model_info(location, revision=revision, timeout=_ANSWER_S)
    cache = Path(HF_HUB_CACHE)
    folder = "models--" + location.replace("/", "--")
    for name in (sibling.rfilename for sibling in found.siblings or ()):
        if not name.endswith(".safetensors"):
            continue
        url = hf_hub_url(location, name, revision=found.sha)
        file = get_hf_file_metadata(url, timeout=_ANSWER_S)
        if file.etag and _SHA256.fullmatch(file.etag):
            _finish(url, file, cache / folder / "blobs" / file.etag, cache / ".locks" / folder)


def _finish(url: str, file: Any, blob: Path, locks: Path) -> None:
    """Download what is missing of one file; a second process waits and then finds it done."""
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import WeakFileLock, build_hf_headers

    headers = build_hf_headers()
    if urlsplit(url).netloc != urlsplit(file.location).netloc:
        headers.pop("authorization", None)  # the hub's token is nothing to its store of large files
    part = blob.with_name(blob.name + ".part")
    for needed in (blob.parent, locks):
        needed.mkdir(parents=True, exist_ok=True)
    with WeakFileLock(locks / f"{blob.name}.lock"):
        if blob.exists():
            return
        with part.open("ab") as saved:
            http_get(
                file.location, saved, resume_size=saved.tell(), headers=headers, expected_size=file.size,
                displayed_filename=urlsplit(url).path.rsplit("/", 1)[-1],
            )  # fmt: skip
            saved.flush()
            os.fsync(saved.fileno())
        part.replace(blob)
