"""A job's changes in the event loop.

In go jobs, whose threads call from anywhere; out come awaits. Leaving a block ends the interest in the job.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from starlette.requests import Request

from qasr_cli.serving.jobs import Job

T = TypeVar("T")


class Changes:
    """The changes of one job, for one client.

    Args:
        job: The job.
        is_end_only: Only its end counts as a change. Each change wakes the event loop, which would be kept
            busy by many clients that merely wait for their results.
    """

    def __init__(self, job: Job, *, is_end_only: bool = False) -> None:
        self._job = job
        self._is_end_only = is_end_only
        self._changed = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def notify(self) -> None:
        """Tell the client; from any thread."""
        if not self._is_end_only or self._job.is_final:
            self._loop.call_soon_threadsafe(self._changed.set)

    async def next(self, timeout_s: float) -> bool:
        """Wait for the next change; return False if there was none in time."""
        try:
            await asyncio.wait_for(self._changed.wait(), timeout_s)
        except TimeoutError:
            return False
        self._changed.clear()
        return True


@asynccontextmanager
async def following(job: Job, *, is_client: bool = True, is_end_only: bool = False) -> AsyncIterator[Changes]:
    """Yield the changes of a job, or only its end; whoever follows is its client, or only looks on."""
    changes = Changes(job, is_end_only=is_end_only)
    leave = job.subscribe(changes.notify, is_client=is_client)
    try:
        yield changes
    finally:
        leave()


async def finished(job: Job, request: Request) -> bool:
    """Wait until a job is final; return False if the client has gone away before."""
    async with following(job, is_end_only=True) as changes:
        end = asyncio.ensure_future(changes.next(_FOREVER_S))
        await unless_gone(end, request)
        request.state.audio_ms = job.audio_ms  # for the log
        return job.is_final


async def unless_gone(future: asyncio.Future[T], request: Request) -> T | None:
    """Wait for a result; cancel it and return None if the client goes away before."""
    gone = asyncio.ensure_future(_gone(request))
    try:
        waited: set[asyncio.Future[Any]] = {future, gone}
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        return future.result() if future.done() else None
    finally:
        gone.cancel()
        future.cancel()


_FOREVER_S = 7 * 86_400.0


async def _gone(request: Request) -> None:
    """Return when the client has closed the connection; its body must have been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
