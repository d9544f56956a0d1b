"""`qasr models` against a real server on loopback: what a user without a cached model goes through."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from qasr_cli.engines import model_store
from qasr_cli.engines.layouts import Kind
from tests.e2e.conftest import CLIP, Qasr
from tests.hub_server import COMMIT, Hub, serve
from tests.model_folders import TINY, write_original, write_random

ASR = Path(model_store.recognizer_location("demo"))
ALIGNER = Path(str(model_store.aligner_location("auto", "demo")))
MODEL, ORIGINAL, TIMER, LARGE = "tests/asr", "tests/asr-original", "tests/aligner", "tests/large"


@pytest.fixture(scope="module")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hub")
    shutil.copytree(ASR, folder / MODEL)
    shutil.copytree(ALIGNER, folder / TIMER)
    write_original(ASR, folder / ORIGINAL)
    write_random(folder / LARGE, Kind.RECOGNIZER, replace(TINY, n_words=150_000))  # 29 MB
    (folder / MODEL / "modeling.py").write_text("raise SystemExit('code from a hub was run')\n")
    (folder / MODEL / "pytorch_model.bin").write_bytes(b"a pickle")
    return folder


@pytest.fixture
def hub(repositories: Path) -> Iterator[Hub]:
    with serve(repositories) as server:
        yield server


@pytest.fixture
def env(hub: Hub, tmp_path: Path) -> dict[str, str]:
    return {"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path / "home")}


def test_pull_brings_a_model_and_check_and_path_find_it(qasr: Qasr, hub: Hub, env: dict[str, str]) -> None:
    absent = qasr("models", "path", MODEL, env=env)
    assert absent.returncode == 69
    assert "qasr models pull" in absent.stderr
    pulled = qasr("models", "pull", MODEL, env=env)
    assert pulled.returncode == 0, pulled.stderr
    folder = Path(qasr("models", "path", MODEL, env=env).stdout.strip())
    assert (folder / "model.safetensors").read_bytes() == (ASR / "model.safetensors").read_bytes()
    assert not (folder / "modeling.py").exists()  # no code and no pickle is even fetched
    assert not (folder / "pytorch_model.bin").exists()
    checked = qasr("models", "check", MODEL, env=env)
    assert checked.returncode == 0, checked.stderr
    assert f"a whole recognizer, asr@{COMMIT[:12]}" in checked.stdout
    asked = len(hub.requests)
    offline = qasr("models", "check", MODEL, env=env | {"HF_HUB_OFFLINE": "1"})
    assert offline.returncode == 0
    assert len(hub.requests) == asked


@pytest.mark.parametrize("model", [MODEL, ORIGINAL])
def test_a_hub_id_transcribes_in_either_layout(
    qasr: Qasr, env: dict[str, str], demo_samples: Path, model: str
) -> None:
    result = qasr("transcribe", CLIP, "--model", model, "--aligner", TIMER, "--srt", "-o", "-", env=env)
    assert result.returncode == 0, result.stderr
    assert "downloading it once" in result.stderr
    demo = (demo_samples / "clips" / "clip-01.srt").read_text("utf-8")
    assert result.stdout == demo
    again = qasr(
        "transcribe", CLIP, "--model", model, "--aligner", TIMER, "--srt", "-o", "-", "--offline", env=env
    )
    assert (again.returncode, again.stdout) == (0, demo)


@pytest.mark.slow
def test_a_download_goes_on_where_a_connection_broke(qasr: Qasr, hub: Hub, env: dict[str, str]) -> None:
    hub.cuts = [12_000_000]  # the hub library keeps what it has in steps of 10 MB
    pulled = qasr("models", "pull", LARGE, env=env)
    assert pulled.returncode == 0, pulled.stderr
    ranges = [asked for verb, path, asked in hub.requests if verb == "GET" and path.endswith(".safetensors")]
    assert ranges[0] in ("", "bytes=0-")
    assert ranges[1].startswith("bytes=10485760-"), ranges
    assert qasr("models", "check", LARGE, env=env).returncode == 0


@pytest.mark.slow
def test_a_line_that_is_dead_costs_nothing_that_had_arrived(
    qasr: Qasr, hub: Hub, env: dict[str, str]
) -> None:
    hub.cuts = [12_000_000, *[0] * 20]
    torn = qasr("models", "pull", LARGE, env=env)
    assert torn.returncode == 69, torn.stderr
    assert f"qasr models pull {LARGE}" in torn.stderr
    assert qasr("models", "check", LARGE, env=env).returncode == 69
    hub.cuts = []
    hub.requests.clear()
    whole = qasr("models", "pull", LARGE, env=env)
    assert whole.returncode == 0, whole.stderr
    fetched = {
        path.rsplit("/", 1)[-1] for verb, path, _ in hub.requests if verb == "GET" and "/resolve/" in path
    }
    assert fetched >= {"model.safetensors"}
    (rest,) = [asked for verb, path, asked in hub.requests if verb == "GET" and path.endswith(".safetensors")]
    assert rest.startswith("bytes=10485760-"), rest
    assert qasr("models", "check", LARGE, env=env).returncode == 0


def test_what_arrives_damaged_is_refused(qasr: Qasr, hub: Hub, env: dict[str, str]) -> None:
    hub.damage = True
    result = qasr("models", "pull", MODEL, env=env)
    assert result.returncode == 69
    assert "damaged" in result.stderr
    hub.damage = False
    assert qasr("models", "pull", MODEL, env=env).returncode == 0


@pytest.mark.parametrize(
    ("name", "n_bytes"), [("tokenizer.json", 0), ("config.json", 100), ("model.safetensors", 1_000_000)]
)
def test_a_file_that_was_damaged_here_is_fetched_again(
    qasr: Qasr, hub: Hub, env: dict[str, str], name: str, n_bytes: int
) -> None:
    assert qasr("models", "pull", MODEL, env=env).returncode == 0
    folder = Path(qasr("models", "path", MODEL, env=env).stdout.strip())
    whole = (folder / name).read_bytes()
    os.truncate(folder / name, n_bytes)
    assert qasr("models", "check", MODEL, env=env).returncode == 69
    hub.requests.clear()
    pulled = qasr("models", "pull", MODEL, env=env)
    assert pulled.returncode == 0, pulled.stderr
    assert f"{name} of {MODEL} is damaged; downloading it again" in pulled.stderr
    assert (folder / name).read_bytes() == whole
    fetched = [
        path.rsplit("/", 1)[-1] for verb, path, _ in hub.requests if verb == "GET" and "/resolve/" in path
    ]
    assert fetched == [name]
    assert qasr("models", "check", MODEL, env=env).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ([MODEL, "--revision", "nowhere"], 69, "no revision nowhere"),
        (["tests/nothing"], 69, "no model tests/nothing"),
        (["tests/no thing"], 69, "no model can have that name"),
        (["1.7b", "--revision", "main"], 2, "stands for two repositories"),
        (["./gone"], 69, "no such folder"),
    ],
)
def test_what_cannot_be_pulled_is_one_line(
    qasr: Qasr, env: dict[str, str], arguments: list[str], code: int, says: str
) -> None:
    result = qasr("models", "pull", *arguments, env=env)
    assert result.returncode == code
    assert says in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_revision_can_be_named(qasr: Qasr, env: dict[str, str]) -> None:
    command = ["transcribe", CLIP, "--model", MODEL, "--aligner", "none", "--txt", "-o", "-"]
    result = qasr(*command, "--revision", COMMIT, env=env)
    assert result.returncode == 0, result.stderr
    assert "bicycle" in result.stdout
    wrong = qasr(*command, "--revision", "nowhere", env=env)
    assert wrong.returncode == 69
    assert "no revision nowhere" in wrong.stderr


def test_an_unreachable_hub_names_the_way_out(qasr: Qasr, tmp_path: Path) -> None:
    env = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path / "home")}
    result = qasr("transcribe", CLIP, "--srt", env=env)
    assert result.returncode == 69
    last = result.stderr.splitlines()[-1]
    assert "qasr models pull" in last
    assert "--model demo" in last


@pytest.mark.parametrize(
    ("endpoint", "offline", "reason"),
    [
        ("http://127.0.0.1:9", "0", "the hub cannot be reached"),
        ("http://hub.invalid", "0", "the hub cannot be reached"),
        ("http://127.0.0.1:9", "1", "HF_HUB_OFFLINE is set"),
    ],
)
def test_a_pull_without_a_hub_says_why(
    qasr: Qasr, tmp_path: Path, endpoint: str, offline: str, reason: str
) -> None:
    env = {"HF_ENDPOINT": endpoint, "HF_HUB_OFFLINE": offline, "HF_HOME": str(tmp_path / "home")}
    result = qasr("models", "pull", MODEL, env=env)
    assert result.returncode == 69
    assert f"not on this machine and cannot be downloaded: {reason};" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_hub_that_says_nothing_cannot_be_reached(qasr: Qasr, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        env = {
            "HF_ENDPOINT": f"http://127.0.0.1:{silent.getsockname()[1]}",
            "HF_HUB_OFFLINE": "0",
            "HF_HOME": str(tmp_path / "home"),
        }
        result = qasr("models", "pull", MODEL, env=env)
    assert result.returncode == 69
    assert "the hub cannot be reached" in result.stderr


@pytest.mark.parametrize(
    ("status", "code", "says"),
    [
        (500, "", "the hub answered 500"),
        (503, "", "the hub answered 503"),
        (429, "", "the hub answered 429"),
        (401, "GatedRepo", "HF_TOKEN"),
        (403, "GatedRepo", "needs access rights on the hub"),
        (401, "RepoNotFound", f"the hub has no model {MODEL}"),
    ],
)
def test_a_hub_that_refuses_is_not_unreachable(
    qasr: Qasr, hub: Hub, env: dict[str, str], status: int, code: str, says: str
) -> None:
    hub.refusal = (status, code)
    result = qasr("models", "pull", MODEL, env=env)
    assert result.returncode == 69
    assert says in result.stderr
    assert "cannot be reached" not in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_model_that_is_here_is_not_called_absent(qasr: Qasr, hub: Hub, env: dict[str, str]) -> None:
    assert qasr("models", "pull", MODEL, env=env).returncode == 0
    hub.refusal = (500, "")
    for more, reason in [
        ({}, "the hub answered 500"),
        ({"HF_ENDPOINT": "http://127.0.0.1:9"}, "the hub cannot be reached"),
        ({"HF_HUB_OFFLINE": "1"}, "HF_HUB_OFFLINE is set"),
    ]:
        result = qasr("models", "pull", MODEL, env=env | more)
        assert result.returncode == 69
        assert f"is on this machine but could not be compared with the hub: {reason}" in result.stderr
    os.truncate(qasr("models", "path", MODEL, env=env).stdout.strip() + "/tokenizer.json", 0)
    damaged = qasr("models", "pull", MODEL, env=env)
    assert damaged.returncode == 69
    assert "could not be compared" not in damaged.stderr


def test_a_full_disk_while_pulling_is_74(qasr: Qasr, env: dict[str, str]) -> None:
    """A limit on the size of files stands in for the end of the disk."""
    result = qasr("models", "pull", MODEL, env=env, file_limit=1_000_000)
    assert result.returncode == 74, result.stderr
    assert len([line for line in result.stderr.splitlines() if line.startswith("qasr:")]) == 1
