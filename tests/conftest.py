"""What all tests share: no deadlines for examples, one thread for torch, and which ffmpeg is used."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

from qasr_cli.errors import UnavailableError
from qasr_cli.media.ffmpeg import find_tools

# No deadline for one example: a machine that is busy with other work is no reason to fail.
settings.register_profile("qasr", deadline=None)
settings.load_profile("qasr")

# Before torch is imported: each worker has about one core.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_report_header() -> str:
    """Say which ffmpeg the tests use; QASR_FFMPEG chooses another."""
    try:
        tools = find_tools()
    except UnavailableError as error:
        return f"ffmpeg: {error}"
    return f"ffmpeg: {tools.version} ({tools.origin}: {tools.ffmpeg})"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many ran and how many did not, in one line beside the slowest."""
    counts = {kind: len(reports) for kind, reports in terminalreporter.stats.items() if kind in _KINDS}
    n_deselected = len(terminalreporter.stats.get("deselected", ()))
    told = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    terminalreporter.write_line(f"{told}, {n_deselected} left out by -m or -k; skips are explained above")


_KINDS = ("passed", "failed", "error", "skipped", "xfailed")
