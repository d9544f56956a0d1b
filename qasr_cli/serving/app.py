"""The HTTP application: all routes, and what holds for every request.

In go the site; out comes an ASGI application. Starts nothing and listens nowhere.
"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from qasr_cli.errors import QasrError
from qasr_cli.serving import asr_api, openai_api
from qasr_cli.serving.http import failures
from qasr_cli.serving.http.site import Site, site_of


def build(site: Site) -> Starlette:
    """Return the application of a site."""
    app = Starlette(
        routes=[Route("/health", _health), *openai_api.routes(), *asr_api.routes()],
        exception_handlers={
            QasrError: failures.on_qasr_error,
            HTTPException: failures.on_http_error,
            Exception: failures.on_crash,
        },
    )
    app.state.site = site
    return app


async def _health(request: Request) -> Response:
    state = site_of(request).service.state
    return JSONResponse({"status": state}, 200 if state == "ready" else 503)
