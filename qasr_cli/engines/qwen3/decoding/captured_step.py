"""One step as a CUDA graph for each shape: the kernels of a step are launched in one call.

In goes a function that reads and writes static tensors; out comes nothing, for the results are in the
tensors. A graph is captured when its shape is first asked for, and the tensors are as before the capture.
On other devices the function runs as it is.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import torch

SIZES = (1, 8, 32, 64, 128, 256)  # rows of a step: between two of them rows are computed for nothing
_WIDTH_STEP = 256  # keys: more graphs for a finer step, which each take time and memory
N_WARM_UPS = 2  # libraries choose kernels and allocate workspaces in the first calls

Work = Callable[[], None]
Capture = Callable[[Work], Work]  # runs the work any number of times; returns what replays it


def size(n_rows: int, n_most: int) -> int:
    """Return the least size of a step that holds `n_rows`, and at most `n_most`."""
    return min(next((found for found in SIZES if found >= n_rows), n_most), n_most)


def width(n_keys: int) -> int:
    """Return the least width of the cache that holds `n_keys`."""
    return -(-n_keys // _WIDTH_STEP) * _WIDTH_STEP


class CapturedStep:
    """Runs a function of a number of rows and a width.

    Args:
        function: Takes rows and width; works on static tensors only and never waits for the device.
        state: The tensors whose values the function changes and depends on.
        capture: Records work and returns its replay; None runs the function each time.
    """

    def __init__(
        self,
        function: Callable[[int, int], None],
        state: Sequence[torch.Tensor],
        capture: Capture | None = None,
    ) -> None:
        self._function = function
        self._state = state
        self._capture = capture
        self._replays: dict[tuple[int, int], Work] = {}

    def __call__(self, n_rows: int, n_keys: int) -> None:
        """Run the function for this shape once."""
        shape = (n_rows, n_keys)
        if shape not in self._replays:
            self._replays[shape] = self._record(functools.partial(self._function, *shape))
        self._replays[shape]()

    def _record(self, work: Work) -> Work:
        if self._capture is None:
            return work
        before = [tensor.clone() for tensor in self._state]
        replay = self._capture(work)
        for tensor, values in zip(self._state, before, strict=True):
            tensor.copy_(values)
        return replay


def cuda_graphs(device: torch.device) -> Capture | None:
    """Return the capture of CUDA graphs, which share one pool of memory; None on another device."""
    if device.type != "cuda":
        return None
    pool = torch.cuda.graph_pool_handle()

    def capture(work: Work) -> Work:
        with torch.cuda.device(device):
            side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                for _ in range(N_WARM_UPS):
                    work()
            torch.cuda.current_stream().wait_stream(side)
            graph = torch.cuda.CUDAGraph()
            # Engines on other GPUs run in other threads and may allocate meanwhile.
            with torch.cuda.graph(graph, pool=pool, capture_error_mode="thread_local"):
                work()
        replay: Work = graph.replay
        return replay

    return capture
