"""What all tests share: no deadlines for examples, one thread for torch, their own cache, which ffmpeg."""

from __future__ import annotations

import importlib.util
import os
import tempfile
from pathlib import Path

from hypothesis import settings

from qasr_cli.errors import UnavailableError
from qasr_cli.media.ffmpeg import find_tools

# Tests with a real vLLM, which `make vllm` installs in an environment of its own.
has_vllm = importlib.util.find_spec("vllm") or os.environ.get("QASR_VLLM_URL")
# Tests in a browser have an environment of their own: `make page`, `make eval-page`, `make live-page`.
# Those of microphones need a sound server: `make live-devices`.
# Those with other packages' figures of evaluations have an environment, too: `make oracles`.
has_oracles = importlib.util.find_spec("meeteval")
collect_ignore = [
    "page",
    "eval_page",
    "live_page",
    "live_devices",
    *([] if has_vllm else ["vllm"]),
    *([] if has_oracles else ["oracles"]),
]

# No deadline for one example: a machine that is busy is no reason to fail. The examples are the
# same for the same code, so that a commit passes everywhere or nowhere; `make search` draws new ones.
settings.register_profile("qasr", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "qasr"))

# Before torch is imported: each worker has about one core.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Not the cache of whoever runs the tests; all workers and runs share it, and it holds a self-test's result.
os.environ["QASR_CACHE"] = str(Path(tempfile.gettempdir(), f"qasr-tests-{os.getuid()}"))


def pytest_report_header() -> str:
    """Say which ffmpeg the tests use; QASR_FFMPEG chooses another."""
    try:
        tools = find_tools()
    except UnavailableError as error:
        return f"ffmpeg: {error}"
    return f"ffmpeg: {tools.version} ({tools.origin}: {tools.ffmpeg})"
