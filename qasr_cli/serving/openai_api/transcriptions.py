"""POST /v1/audio/transcriptions and /v1/audio/alignments: the whole pipeline behind one form.

In go forms with media; out come results in the wanted format, events, or, with `Prefer: respond-async`, the
job, whose result is fetched later.
"""

from __future__ import annotations

from http import HTTPStatus

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from qasr_cli.serving.ask import Upload
from qasr_cli.serving.http import job_fields, uploads
from qasr_cli.serving.http.failures import ApiError
from qasr_cli.serving.http.site import Site, site_of
from qasr_cli.serving.http.waiting import finished
from qasr_cli.serving.openai_api import answers, asks
from qasr_cli.serving.openai_api.events import EventStream

CLIENT_GONE = 499  # nginx's status; nobody reads it but the log


async def transcribe(request: Request) -> Response:
    """Answer a request for a transcript."""
    site = site_of(request)
    site.service.admit()
    form = await uploads.receive(request, site)
    with form.checked() as upload:
        site.service.admit()  # many may have been let in before the first of them was here
        wanted = asks.transcription(form.fields, site.service.options, is_kept=_is_kept(request))
    del form  # its fields may have megabytes, and the answer hours
    return await _answer(request, site, wanted, upload)


async def align(request: Request) -> Response:
    """Answer a request for the times of a script's words."""
    site = site_of(request)
    site.service.admit()
    form = await uploads.receive(request, site)
    with form.checked() as upload:
        site.service.admit()  # many may have been let in before the first of them was here
        wanted = await run_in_threadpool(  # a script of a megabyte takes a second to read
            asks.alignment, form.fields, form.texts, site.service.options, is_kept=_is_kept(request)
        )
    del form
    return await _answer(request, site, wanted, upload)


async def translate(request: Request) -> Response:
    """Refuse a translation, which the models cannot do."""
    raise ApiError(
        HTTPStatus.NOT_IMPLEMENTED,
        "qasr does not translate",
        "send it to /v1/audio/transcriptions, and translate the text",
    )


def _is_kept(request: Request) -> bool:
    """Whether the client will fetch the result later (RFC 7240)."""
    preferences = request.headers.get("prefer", "").split(",")
    return any(one.partition(";")[0].strip().lower() == "respond-async" for one in preferences)


async def _answer(request: Request, site: Site, wanted: asks.Request, upload: Upload) -> Response:
    job = site.service.submit(wanted.ask, upload)
    if wanted.ask.is_kept:
        headers = {"Location": f"/v1/jobs/{job.id}", "Preference-Applied": "respond-async", **wanted.headers}
        return JSONResponse(job_fields.of_job(job, site.service.speed), HTTPStatus.ACCEPTED, headers)
    if wanted.is_streamed:
        return EventStream(job, wanted.headers)
    if not await finished(job, request):
        return Response(status_code=CLIENT_GONE)
    return await answers.of_job(job, wanted.response_format, wanted.wanted, wanted.headers)
