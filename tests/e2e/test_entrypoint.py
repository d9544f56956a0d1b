"""The entrypoint of the container, with programs in place of those that only root may use."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ENTRYPOINT = Path(__file__).parents[2] / "docker" / "entrypoint.sh"
PROGRAMS = {
    "id": 'echo "$FAKE_UID"',
    "stat": "echo 1:1",
    "chown": "exit 0",
    "setpriv": 'echo "setpriv $*"',
    "qasr": 'echo "qasr $* with $(umask)"',
}


def entered(tmp_path: Path, *, uid: int = 0, **variables: str) -> subprocess.CompletedProcess[str]:
    """Return what starting a container does."""
    for name, line in PROGRAMS.items():
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{line}\n", "utf-8")
        program.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "FAKE_UID": str(uid), **variables}
    return subprocess.run(
        ["/bin/sh", str(ENTRYPOINT), "serve"],
        env=environment, capture_output=True, text=True, timeout=10, check=False,
    )  # fmt: skip


def test_root_becomes_the_user_of_the_variables(tmp_path: Path) -> None:
    started = entered(tmp_path, PUID="1001", PGID="1002")
    assert started.returncode == 0
    assert started.stdout.startswith("setpriv --reuid 1001 --regid 1002 --groups 1002 --no-new-privs ")


@pytest.mark.parametrize("number", ["0", "00", "0000000000"])
def test_root_in_any_spelling_stays_root_and_starts_once(tmp_path: Path, number: str) -> None:
    started = entered(tmp_path, PUID=number, PGID="0")
    assert (started.returncode, started.stdout) == (0, "qasr serve with 0022\n")


@pytest.mark.parametrize("number", ["", " ", "-1", "1000 --reuid 0", "$(id)", "1000;id", "9" * 30, "\u0661"])
def test_what_is_no_number_never_runs_as_root(tmp_path: Path, number: str) -> None:
    text = number or "x"  # an empty one is the default
    for started in (entered(tmp_path, PUID=text), entered(tmp_path, PGID=text)):
        assert (started.returncode, started.stdout) == (78, ""), started.stderr


@pytest.mark.parametrize("mask", ["8", "0o22", "022;id", "$(id)", "-S"])
def test_a_mask_is_a_number(tmp_path: Path, mask: str) -> None:
    started = entered(tmp_path, uid=1000, UMASK=mask)
    assert (started.returncode, started.stdout) == (78, "")
