"""The description of the interface against a real server, with requests that schemathesis makes of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import schemathesis

from qasr_cli.serving.openapi.document import document
from tests.serving import server

ROOT = Path(__file__).parents[2]
KEY = "a-key-of-the-tests"


@pytest.mark.slow
@pytest.mark.parametrize("needs_key", [False, True])
def test_the_description_is_valid_openapi(needs_key: bool) -> None:
    schemathesis.openapi.from_dict(document(needs_key=needs_key)).validate()


@pytest.mark.slow
def test_the_server_does_what_its_description_says(tmp_path: Path) -> None:
    with server.started(tmp_path, "--engine", "tests.fakes:echo", "--key", KEY) as served:
        found = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli"),
                *("--config-file", str(ROOT / "tests/serving/schemathesis.toml"), "run"),
                *(f"{served.url}/openapi.json", "-H", f"Authorization: Bearer {KEY}", "--max-examples", "10"),
                *("--continue-on-failure", "--warnings", "off"),
            ],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert found.returncode == 0, found.stdout + found.stderr
        assert "Operations:       16 selected / 16 total" in found.stdout
        assert served.ask("GET", "/health").status == 200
        assert served.scratch_files() == []
