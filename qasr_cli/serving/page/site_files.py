"""The routes of the web page.

In go requests; out come the page's files with headers that forbid all else: no script but ours, no other
host, no frame around it. Reads nothing but this package's own files, each once.
"""

from __future__ import annotations

import functools
import hashlib
from importlib import resources

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from qasr_cli.errors import QasrError
from qasr_cli.languages import LANGUAGES, find
from qasr_cli.serving.http import failures
from qasr_cli.serving.http.site import Site, site_of
from qasr_cli.serving.refusals import OverloadedError
from qasr_cli.subtitles.rules.profiles import PROFILES

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "media-src blob:",  # the recording that was sent, and its cues
        "img-src data:",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",  # the browser asks whether the file has changed, which costs no body
}
_KINDS = {"html": "text/html", "css": "text/css", "js": "text/javascript"}

# What the page offers to download: the value of `response_format`, and the file's extension.
DOWNLOADS = {"srt": ".srt", "vtt": ".vtt", "text": ".txt", "qasr_json": ".json", "tsv": ".tsv"}


def routes() -> list[Route]:
    """Return the routes of the page."""
    return [
        Route("/", _index),
        Route("/page/server.json", _server, include_in_schema=False),
        Route("/page/page.css", functools.partial(_file, name="page.css"), include_in_schema=False),
        Route("/page/page.js", functools.partial(_file, name="page.js"), include_in_schema=False),
    ]


async def _index(request: Request) -> Response:
    if site_of(request).settings.has_page:
        return await _file(request, "page.html")
    return PlainTextResponse("qasr: subtitles from speech; its interface is described in /openapi.json\n")


async def _file(request: Request, name: str) -> Response:
    body, tag = _content(name)
    headers = {**_HEADERS, "ETag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=_KINDS[name.rpartition(".")[2]])


@functools.cache
def _content(name: str) -> tuple[bytes, str]:
    """Return a file of this package and its tag."""
    body = resources.files(__package__).joinpath(name).read_bytes()
    return body, f'"{hashlib.sha256(body).hexdigest()[:16]}"'


async def _server(request: Request) -> Response:
    return JSONResponse(described(site_of(request)), headers={"Cache-Control": "no-store"})


def described(site: Site) -> dict[str, object]:
    """Return what the page must know of its server: what can be chosen, and whether it takes work now."""
    service = site.service
    engines = service.lane.engines  # None while they are not loaded
    codes = engines.languages if engines is not None and engines.languages is not None else None
    names = {code: language.name for code in sorted(codes or ()) if (language := find(code))}
    return {
        "state": service.state,
        "languages": [
            {"code": code, "name": name}
            for code, name in (names or {one.code: one.name for one in LANGUAGES}).items()
        ],
        "formats": [{"name": name, "extension": extension} for name, extension in DOWNLOADS.items()],
        "profiles": [{"name": name, "summary": profile.summary} for name, profile in PROFILES.items()],
        "profile": service.options.cue.profile,
        "max_upload_bytes": site.settings.max_upload_bytes,
        "refusal": _refusal(site),
    }


def _refusal(site: Site) -> dict[str, object] | None:
    """Return why an upload would be refused now, and when to ask again."""
    try:
        site.service.admit()
    except OverloadedError as error:
        return {"message": _line(error), "retry_after_s": error.retry_after_s}
    return None


def _line(error: QasrError) -> str:
    body = failures.body_of(error)["error"]
    assert isinstance(body, dict)  # noqa: S101 - as OpenAI's errors are
    return str(body["message"])
