"""What qasr knows of the hub library's insides, against the library that is installed.

Each test fails when the library moves what `engines.hub_adapter` reaches for.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import hub_server
from tests.hub_server import COMMIT, Hub

CONTENT = bytes(range(256)) * 8192  # 2 MiB: large enough to be named by its SHA-256
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    repository = tmp_path / "repositories" / "org" / "model"
    repository.mkdir(parents=True)
    (repository / "model.safetensors").write_bytes(CONTENT)
    (repository / "config.json").write_text("{}")
    with hub_server.serve(tmp_path / "repositories") as served:
        yield served


def ask(code: str, endpoint: str, home: Path, **env: str) -> list[str]:
    """Run code with the adapter in a process of its own: the library reads its settings when imported."""
    done = subprocess.run(
        [sys.executable, "-c", f"from qasr_cli.engines import hub_adapter as hub\n{code}"],
        env={"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "PATH": "/usr/bin:/bin", **env},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_large_files_have_their_place_in_the_library_s_own_cache(hub: Hub, tmp_path: Path) -> None:
    """The blob that is brought past the library must be the one that the library then finds."""
    out = ask(
        "(file,) = hub.large_files('org/model', None, '.safetensors')\n"
        "print(file.blob, file.lock, file.n_bytes, file.store_url)\n"
        "folder = hub.snapshot('org/model', None, ['*.safetensors'])\n"
        "print((folder / 'model.safetensors').resolve())\n"
        "print(hub.cached_snapshot('org/model', None, ['*.safetensors']))\n"
        "print(hub.cache_folder(), hub.endpoint())",
        hub.url,
        tmp_path / "home",
    )
    blob, lock, n_bytes, store_url, resolved, cached, cache, endpoint = out
    cache_folder = tmp_path / "home" / "hub"
    assert blob == resolved == str(cache_folder / "models--org--model" / "blobs" / DIGEST)
    assert Path(lock).is_file()  # the library used the same one for its own download
    assert (int(n_bytes), store_url) == (
        len(CONTENT),
        f"{hub.url}/org/model/resolve/{COMMIT}/model.safetensors",
    )
    assert cached == str(cache_folder / "models--org--model" / "snapshots" / COMMIT)
    assert (cache, endpoint) == (str(cache_folder), hub.url)


def test_the_rest_of_a_file_is_appended(hub: Hub, tmp_path: Path) -> None:
    part = tmp_path / "part"
    part.write_bytes(CONTENT[:1_000_000])
    ask(
        "import pathlib\n"
        "(file,) = hub.large_files('org/model', None, '.safetensors')\n"
        "file.lock.parent.mkdir(parents=True)\n"
        f"with hub.locked(file), pathlib.Path({str(part)!r}).open('ab') as opened:\n"
        "    hub.append_rest(file, opened)",
        hub.url,
        tmp_path / "home",
    )
    assert part.read_bytes() == CONTENT
    ranges = [span for method, _, span in hub.requests if method == "GET" and span]
    assert ranges == ["bytes=1000000-"]


def test_the_token_is_given_to_the_hub_and_not_to_its_store(hub: Hub, tmp_path: Path) -> None:
    """The store is another host: here the same server under another name."""
    code = (
        "import dataclasses, tempfile\n"
        "(file,) = hub.large_files('org/model', None, '.safetensors')\n"
        "hub.append_rest(file, tempfile.TemporaryFile())\n"
        "elsewhere = dataclasses.replace(file, store_url=file.store_url.replace('127.0.0.1', 'localhost'))\n"
        "hub.append_rest(elsewhere, tempfile.TemporaryFile())"
    )
    ask(code, hub.url, tmp_path / "home", HF_TOKEN="secret")
    downloads = [
        token
        for (method, path, _), token in zip(hub.requests, hub.tokens, strict=True)
        if method == "GET" and path.endswith("model.safetensors")
    ]
    assert downloads == ["Bearer secret", ""]


PULL = """
try:
    list(hub.large_files({location!r}, {revision!r}, '.safetensors'))
    hub.snapshot({location!r}, {revision!r}, ['*'])
except Exception as error:
    kind, status = hub.failure(error)
    print(kind.name, status)
"""


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (("org/model--x", None, None, {}), ["BAD_NAME", "None"]),
        (("org/model", "nope", None, {}), ["NO_REVISION", "None"]),
        (("org/other", None, None, {}), ["NO_REPOSITORY", "None"]),
        (("org/model", None, (403, "GatedRepo"), {}), ["GATED", "None"]),
        (("org/model", None, (500, "Internal"), {}), ["STATUS", "500"]),
        (("org/model", None, None, {"HF_HUB_OFFLINE": "1"}), ["OFFLINE", "None"]),
        (("org/model", None, None, {"HF_ENDPOINT": "http://127.0.0.1:9"}), ["UNREACHABLE", "None"]),
    ],
)
def test_a_failure_is_told_apart(
    hub: Hub,
    tmp_path: Path,
    case: tuple[str, str | None, tuple[int, str] | None, dict[str, str]],
    expected: list[str],
) -> None:
    location, revision, hub.refusal, env = case
    code = PULL.format(location=location, revision=revision)
    assert ask(code, hub.url, tmp_path / "home", **env) == expected


def test_a_connection_that_breaks_is_told_apart(hub: Hub, tmp_path: Path) -> None:
    """Without the library's own retries, of which there are five, it is the HTTP client's error."""
    hub.cuts = [100_000] * 20
    code = (
        "import tempfile\n"
        "(file,) = hub.large_files('org/model', None, '.safetensors')\n"
        "try:\n"
        "    hub.append_rest(file, tempfile.TemporaryFile())\n"
        "except Exception as error:\n"
        "    print(hub.failure(error)[0].name)"
    )
    assert ask(code, hub.url, tmp_path / "home") == ["BROKEN"]


def test_a_configuration_s_error_is_the_library_s() -> None:
    from transformers import Qwen3ASRConfig

    from qasr_cli.engines import hub_adapter

    with pytest.raises(hub_adapter.config_error()):
        Qwen3ASRConfig.from_dict({"audio_config": {"num_mel_bins": "many"}})
