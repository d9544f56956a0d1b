"""Jobs over HTTP: how far one is, its result, its events, and its end.

In go requests with a job's id, which is not to be guessed and the only thing that one needs to know; out come
its state and result.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from qasr_cli.serving.http import failures, job_fields
from qasr_cli.serving.http.failures import ApiError
from qasr_cli.serving.http.site import Site, site_of
from qasr_cli.serving.http.waiting import following
from qasr_cli.serving.jobs import Job
from qasr_cli.serving.openai_api import answers, asks

_BETWEEN_S = 0.25  # events: people read no faster
_COMMENT_S = 15.0  # proxies close what says nothing for 30 or 60 s


def routes() -> list[Route]:
    """Return the routes."""
    return [
        Route("/v1/jobs/{id}", show_or_cancel, methods=["GET", "DELETE"]),  # two would name one in `Allow`
        Route("/v1/jobs/{id}/result", result),
        Route("/v1/jobs/{id}/events", events),
    ]


def _job(request: Request) -> tuple[Site, Job]:
    site = site_of(request)
    job = site.service.jobs.find(request.path_params["id"])
    if job is None:
        raise ApiError(
            404, "there is no such job", "results are kept for --keep-results; send it again", code="no_job"
        )
    return site, job


async def show_or_cancel(request: Request) -> Response:
    """Answer a request for a job itself."""
    return await (cancel if request.method == "DELETE" else show)(request)


async def show(request: Request) -> Response:
    """Return a job's state, progress and text so far."""
    site, job = _job(request)
    return JSONResponse(job_fields.of_job(job, site.service.speed))


async def cancel(request: Request) -> Response:
    """End a job, unless another client that sent the same recording waits for it."""
    site, job = _job(request)
    job.give_up()
    return JSONResponse(job_fields.of_job(job, site.service.speed))


async def result(request: Request) -> Response:
    """Return a finished job's result in a format, as a transcription would; any number of times."""
    site, job = _job(request)
    if job.error is not None:
        return failures.answer(job.error)  # raised each time, it would collect the frames of all requests
    if job.result is None:
        raise ApiError(409, f"the job is {job.state.value}", "ask again when it is done", code="not_done")
    query = request.query_params
    fields = {name.removesuffix("[]"): query.getlist(name) for name in query}
    response_format = asks.response_format_of(fields)
    wanted = asks.answer_options(fields, site.service.options)
    return await run_in_threadpool(answers.body, job.result, response_format, wanted)


async def events(request: Request) -> Response:
    """Return a job's changes as server-sent events, each the whole job; they end with the final one."""
    site, job = _job(request)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_events(site, job), media_type="text/event-stream", headers=headers)


async def _events(site: Site, job: Job) -> AsyncIterator[str]:
    async with following(job, is_client=False) as changes:
        told, is_final = "", False
        while not is_final:
            is_final = job.is_final  # before the fields: what changes in between is told next time
            fields = json.dumps(job_fields.of_job(job, site.service.speed), ensure_ascii=False)
            if fields != told or is_final:
                yield f"data: {fields}\n\n"
                told = fields
                await asyncio.sleep(0 if is_final else _BETWEEN_S)
            until_s = time.monotonic() + _COMMENT_S
            while not is_final and not await changes.next(max(0.0, until_s - time.monotonic())):
                yield ": still here\n\n"
                until_s = time.monotonic() + _COMMENT_S
