"""Lint, build and try the image; see the package."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import tests.containers
from tests.containers import build, container_tool
from tests.containers.lint import lint

ROOT = Path(__file__).parents[2]
SCRATCH = ROOT / "build" / "containers"
IMAGE = "localhost/qasr:cpu"
STEPS = ("lint", "build", "try")
_NO_TOOL = (
    "containers: neither docker with its daemon nor podman is here. On Debian:\n"
    "  apt-get install podman runc debootstrap catatonit"
)


def main() -> int:
    """Take the steps, each after the one before it has succeeded."""
    parser = argparse.ArgumentParser(description=(tests.containers.__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=STEPS, action="append", help="may be repeated")
    parser.add_argument("--linters", type=Path, default=ROOT / ".venv-containers" / "bin")
    parser.add_argument("tests", nargs="*", help="what pytest gets for the last step")
    asked = parser.parse_args()
    steps = asked.only or STEPS
    if "lint" in steps and not _is_clean(asked.linters):
        return 1
    if not {"build", "try"} & set(steps):
        return 0
    tool = container_tool.find(SCRATCH / "containers.conf")
    if tool is None:
        _tell(_NO_TOOL)
        return 1
    try:
        if "build" in steps:
            _tell(f"base image: {build.provide_base(tool, ROOT)}")
            build.build(tool, ROOT, IMAGE, SCRATCH)
    except (RuntimeError, subprocess.CalledProcessError) as error:
        _tell(f"containers: {error}")
        return 1
    return _try(asked.tests) if "try" in steps else 0


def _is_clean(linters: Path) -> bool:
    findings = lint(ROOT, linters)
    _tell("\n".join(findings) or "lint: Dockerfile, entrypoint.sh and the compose files are clean")
    return not findings


def _try(arguments: list[str]) -> int:
    """Run what is in `smoke_*.py`, which no other run of the tests collects."""
    command = [sys.executable, "-m", "pytest", "-o", "python_files=smoke_*.py", "--rootdir", str(ROOT)]
    done = subprocess.run(
        [*command, *(arguments or [str(Path(__file__).parent)])],
        cwd=ROOT, env={**os.environ, "QASR_IMAGE": IMAGE}, check=False,
    )  # fmt: skip
    _tell("not tried here: the image for NVIDIA's cards, other processors than this one")
    return done.returncode


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
