"""What all tests share: no deadlines for examples, one thread for torch, and which ffmpeg is used."""

from __future__ import annotations

import os

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
