"""vLLM's environment: whether it is installed, and the variables that it reads.

In goes nothing; out comes the imported module. Variables that the user has set stay as they are, but for
those that send something. vLLM prints nothing below errors, and nothing on stdout.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as package_version
from types import ModuleType

from qasr_cli.engines.cpu import threads
from qasr_cli.errors import UnavailableError

_PACKAGES = ("vllm", "vllm-cpu")  # the project's own, and a rebuild of it for CPUs
_DEFAULTS = {
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_LOGGING_STREAM": "ext://sys.stderr",
    "TORCH_CPP_LOG_LEVEL": "ERROR",  # read when torch's library is loaded
    # Its processes talk to each other on this machine only.
    "VLLM_HOST_IP": "127.0.0.1",
    "GLOO_SOCKET_IFNAME": "lo",
    # Only for processes of its own: on a CPU it would bind the threads of each to all cores.
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
}
_ALWAYS = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
_INSTALL = "in a clone of qasr, into an environment of its own: pip install '.[vllm]'"


def version() -> str | None:
    """Return the installed version of vLLM without importing it; None without one."""
    for name in _PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            return package_version(name)
    return None


def require() -> None:
    """Raise unless vLLM is installed; takes no time, so that weights are not fetched in vain.

    Raises:
        UnavailableError: It is not.
    """
    if importlib.util.find_spec("vllm") is None:
        raise UnavailableError("--engine vllm: vllm is not installed", _INSTALL, flag="--engine")


def prepare() -> None:
    """Set the variables that vLLM and torch read when they are imported, and import torch."""
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
    os.environ.update(_ALWAYS)
    threads.import_torch()


def import_vllm() -> ModuleType:
    """Import vLLM, which takes 10 to 20 s the first time.

    Raises:
        UnavailableError: It is not installed, or does not fit to this machine.
    """
    require()
    prepare()
    try:
        import vllm
    except (
        ImportError,
        OSError,
        RuntimeError,
    ) as error:  # another torch, a driver or library that is missing
        reason = str(error).strip().rpartition("\n")[2]
        raise UnavailableError(
            f"--engine vllm: vllm {version() or ''} cannot be imported: {reason}",
            _INSTALL,
            flag="--engine",
        ) from error
    imported: ModuleType = vllm
    return imported


def is_taken() -> bool:
    """Whether another model cannot be started in this very process.

    vLLM keeps much of one as the process's own state. On a CPU its start also fails once llvmlite is imported
    (its look at all modules asks llvmlite for a symbol called `__dict__`), which our own engine does.
    """
    return _started or "llvmlite.binding.ffi" in sys.modules


def take() -> None:
    """A model is started in this very process."""
    global _started  # noqa: PLW0603 - it is the process's
    _started = True


_started = False


@contextlib.contextmanager
def variables(values: dict[str, str]) -> Iterator[None]:
    """Set variables for a while: vLLM reads them as it starts, and gives them to processes of its own."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
