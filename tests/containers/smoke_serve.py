"""`qasr serve` in a container: its key, health, clients, the orderly end.

The client is curl, started in the container's network, which is its own loopback and nothing else.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.containers.__main__ import ROOT
from tests.containers.conftest import HARDENED
from tests.containers.container_tool import Container, ContainerTool, run_once, started
from tests.containers.waiting import wait_for

KEY = "a-key-of-thirty-two-letters-or-so"
SAMPLE = ROOT / "samples/clips/clip-01.wav"
TALK = ROOT / "samples/talk.mp4"
TEXT = "Where is the yellow bicycle?"
URL = "http://127.0.0.1:8000"


def curl(container: Container, *arguments: str) -> subprocess.Popen[str]:
    """Start curl in the network of a container."""
    return subprocess.Popen(
        [
            *("nsenter", "--net", f"--target={container.state('{{.State.Pid}}')}"),
            *("curl", "--silent", "--show-error", "--max-time", "500", *arguments),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def answer(container: Container, *arguments: str) -> tuple[str, str]:
    """Return the body and the status of an answer."""
    process = curl(container, "--write-out", "\n%{http_code}", *arguments)
    printed, complaint = process.communicate(timeout=510)
    assert process.returncode == 0, complaint
    body, _, status = printed.rpartition("\n")
    return body, status


@pytest.fixture(scope="module")
def server(
    tool: ContainerTool, image: str, models: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Container]:
    """The image's own command as compose.yaml runs it: fewest rights, read-only root, the key in a file."""
    key = tmp_path_factory.mktemp("secrets") / "key"
    key.write_text(f"{KEY}\n", "utf-8")
    key.chmod(0o444)
    options = [*HARDENED, "-v", f"{models}:/models", "-v", f"{key}:/run/secrets/qasr_key:ro"]
    options += ["-e", "QASR_KEY_FILE=/run/secrets/qasr_key", "-e", "QASR_MODEL=demo"]
    with started(tool, image, options) as container:
        assert not container.is_healthy()  # it loads
        wait_for(container, container.is_healthy)
        yield container


def test_a_server_that_anybody_reaches_needs_a_key(tool: ContainerTool, image: str) -> None:
    done = run_once(tool, image, ["-e", "QASR_MODEL=demo"])
    assert done.returncode == 2
    assert "QASR_KEY" in done.stderr
    assert "--no-key" in done.stderr


def test_the_server_runs_without_rights_and_its_key_is_nowhere(server: Container) -> None:
    status = server.execute("cat", "/proc/1/status").stdout
    assert "CapEff:\t0000000000000000" in status
    assert "Uid:\t1000\t1000\t1000\t1000" in status
    assert KEY not in server.logs()
    environment = server.execute("cat", "/proc/1/environ", user="1000:1000").stdout
    assert "QASR_KEY_FILE" in environment
    assert KEY not in environment


def test_curl_gets_text_with_the_key_alone(server: Container) -> None:
    form = ("-F", f"file=@{SAMPLE}", "-F", "model=whisper-1", "-F", "response_format=text")
    address = f"{URL}/v1/audio/transcriptions"
    body, status = answer(server, "-H", f"Authorization: Bearer {KEY}", *form, address)
    assert (body.strip(), status) == (TEXT, "200")
    body, status = answer(server, *form, address)
    assert status == "401"
    assert "error" in json.loads(body)


def test_the_page_and_the_health_need_no_key(server: Container) -> None:
    body, status = answer(server, f"{URL}/")
    assert status == "200"
    assert "<html" in body
    assert answer(server, f"{URL}/health")[1] == "200"


def test_the_daemons_health_check_finds_it_healthy(server: Container) -> None:
    if server.tool.is_podman:  # with a daemon, it has run by itself
        assert server.tool.run("healthcheck", "run", server.ident).returncode == 0
    else:
        wait_for(server, lambda: server.state("{{.State.Health.Status}}") == "healthy")


def test_requests_of_bazarr_need_no_key_in_its_network(
    tool: ContainerTool, image: str, models: str, tmp_path: Path
) -> None:
    options = [*HARDENED, "-v", f"{models}:/models", "-e", "QASR_MODEL=demo"]
    line = ("serve", "--host", "0.0.0.0", "--no-key", "--no-page")
    name = ("-H", "Host: qasr-for-bazarr:8000")
    with started(tool, image, options, *line) as container:
        wait_for(container, container.is_healthy)
        samples = SAMPLE.read_bytes()[44:]
        path = tmp_path / "samples"
        path.write_bytes(samples)
        query = "task=transcribe&language=en&output=srt&encode=false"
        body, status = answer(container, *name, "-F", f"audio_file=@{path}", f"{URL}/asr?{query}")
        assert status == "200"
        assert "bicycle" in body
        assert "-->" in body
        assert json.loads(answer(container, *name, f"{URL}/status")[0])["version"]
        assert "<html" not in answer(container, f"{URL}/")[0]


def test_a_request_under_way_is_answered_after_sigterm(tool: ContainerTool, image: str, models: str) -> None:
    options = [*HARDENED, "-v", f"{models}:/models", "-e", "QASR_MODEL=demo", "-e", f"QASR_KEY={KEY}"]
    options += ["-e", "QASR_DRAIN=300"]
    with started(tool, image, options) as container:
        wait_for(container, container.is_healthy)
        form = ("-F", f"file=@{TALK}", "-F", "response_format=srt", "-H", f"Authorization: Bearer {KEY}")
        process = curl(container, "--write-out", "\n%{http_code}", *form, f"{URL}/v1/audio/transcriptions")
        wait_for(container, lambda: is_at_work(container))
        assert process.poll() is None
        assert container.stop(wait_s=400) == 143, container.logs()
        printed, _ = process.communicate(timeout=60)
        assert printed.endswith("\n200")
        assert printed.count("-->") > 5


def is_at_work(container: Container) -> bool:
    """Return whether the server has a recording that is not over."""
    body, _ = answer(container, f"{URL}/metrics")
    return "\nqasr_recordings_open 1.0\n" in body
