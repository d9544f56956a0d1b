"""How torch's threads are counted and how they wait, set before torch is imported.

In go the environment and the limits of this process; out comes torch, imported. OpenMP reads its variables
when its library is loaded, so they are set for the import alone, and no child of this process gets them. What
the user has set, and a torch that a program has imported itself, stay as they are.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from qasr_cli.operating_system import processes

_WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
_COUNTS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
# How often a thread looks for work before it sleeps. libgomp's default, 300,000 times or more, takes cores
# from other programs: on two cores with a load of 8 a step took 269 ms of CPU, and 34 with this bound (793
# and 106 ms of wall time). Sleeping at once (OMP_WAIT_POLICY=PASSIVE) leaves a second, free core unused.
_SPINS = "2000"
_CGROUP = Path("/sys/fs/cgroup")
_OWN_CGROUP = Path("/proc/self/cgroup")


def import_torch() -> None:
    """Import torch with a bound on spinning, on no more threads than this process has cores.

    Cores are those of its affinity and the whole ones of its cgroup's quota, at least one. Nothing happens if
    torch is imported already.
    """
    if "torch" in sys.modules:
        return
    with _spin_bound():
        import torch
    if any(os.environ.get(name) for name in _COUNTS):
        return
    torch.set_num_threads(max(1, min(torch.get_num_threads(), _n_cores())))


@contextlib.contextmanager
def _spin_bound() -> Iterator[None]:
    if any(name in os.environ for name in _WAITING):
        yield
        return
    os.environ["GOMP_SPINCOUNT"] = _SPINS
    try:
        yield
    finally:
        del os.environ["GOMP_SPINCOUNT"]


def _n_cores() -> int:
    n_cores = processes.n_usable_cores()
    quota = quota_cores()
    return n_cores if quota is None else min(n_cores, int(quota))


def quota_cores(mount: Path = _CGROUP, own: Path = _OWN_CGROUP) -> float | None:
    """Return how many cores' time the cgroups of this process may use; None without a limit.

    A quota of 1.5 cores is 150 ms in each 100 ms. Reads version 2, where every group above counts as well,
    and version 1, as containers show it.

    Args:
        mount: Where the groups are.
        own: The list of this process's groups.
    """
    quotas = [_quota(folder) for folder in _folders(mount, own)]
    return min((quota for quota in quotas if quota is not None), default=None)


def _folders(mount: Path, own: Path) -> Iterator[Path]:
    """Yield the group of this process and those above it, by version 2; then version 1's, in a container."""
    yield mount
    with contextlib.suppress(OSError, UnicodeDecodeError):
        for line in own.read_text("utf-8").splitlines():
            if line.startswith("0::/") and ".." not in line:
                group = Path(line.removeprefix("0::/"))
                yield from (mount / part for part in (group, *group.parents))
    yield mount / "cpu"


def _quota(folder: Path) -> float | None:
    with contextlib.suppress(OSError, ValueError, ZeroDivisionError):
        if os.path.isfile(folder / "cpu.max"):
            used, period = (folder / "cpu.max").read_text("ascii").split()
        else:
            used = (folder / "cpu.cfs_quota_us").read_text("ascii")
            period = (folder / "cpu.cfs_period_us").read_text("ascii")
        quota = float(used) / float(period)  # "max" is no number: no limit
        return quota if quota > 0 else None  # version 1 writes -1
    return None
