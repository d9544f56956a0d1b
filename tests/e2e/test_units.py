"""The units of systemd on the pages: what they say of exit codes and signals is so; systemd takes them."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from qasr_cli.errors import ExitCode
from qasr_cli.options import ServeOptions
from tests.e2e.conftest import ROOT

PAGES = {"services": "watch", "server": "serve"}


def unit_of(page: str) -> str:
    (text,) = re.findall(r"```ini\n(.*?)```", (ROOT / f"docs/how-to/{page}.md").read_text("utf-8"), re.S)
    return str(text)


@pytest.mark.parametrize(("page", "command"), PAGES.items())
def test_a_unit_of_systemd_is_one(page: str, command: str) -> None:
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string(unit_of(page))
    service = unit["Service"]
    assert service["SuccessExitStatus"] == str(int(ExitCode.TERMINATED))
    assert service["Restart"] == "always"  # but after `systemctl stop`
    assert "RestartPreventExitStatus" not in service
    assert int(service["RestartSec"]) * 5 > 10  # systemd gives up after 5 starts in 10 s
    assert int(service["TimeoutStopSec"]) > ServeOptions().drain_s + 20
    assert service["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert service["ExecStart"].startswith(f"/opt/qasr/bin/qasr {command} ")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd")
@pytest.mark.parametrize("page", PAGES)
def test_systemd_has_no_complaint_about_a_unit(page: str, tmp_path: Path) -> None:
    unit = tmp_path / "qasr.service"
    unit.write_text(unit_of(page).replace("/opt/qasr/bin/qasr", sys.executable))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if "Failed to" in done.stderr and "qasr.service" not in done.stderr:
        pytest.skip(done.stderr)  # it needs more of systemd than a container has
    assert [line for line in done.stderr.splitlines() if "qasr.service" in line] == []
    assert done.returncode == 0, done.stderr
