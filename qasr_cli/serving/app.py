"""The HTTP application: all routes, and what holds for every request.

In go the site; out comes an ASGI application. Starts nothing and listens nowhere.
"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp

from qasr_cli.errors import QasrError
from qasr_cli.serving import asr_api, jobs_api, openai_api, openapi, page, realtime, status_api
from qasr_cli.serving.http import failures
from qasr_cli.serving.http.gate import Gate
from qasr_cli.serving.http.site import Site
from qasr_cli.serving.http.tracing import Tracing


def build(site: Site) -> ASGIApp:
    """Return the application of a site, with what holds for every request around it."""
    app = routed(site)
    return Tracing(Gate(app, site.settings), app, site.service, site.gauges)


def routed(site: Site) -> Starlette:
    """Return the routes of a site."""
    app = Starlette(
        routes=[
            *status_api.routes(),
            *jobs_api.routes(),
            *openai_api.routes(),
            *realtime.routes(),
            *asr_api.routes(),
            *page.routes(),
            *openapi.routes(),
        ],
        exception_handlers={
            QasrError: failures.on_qasr_error,
            HTTPException: failures.on_http_error,
            ClientDisconnect: failures.on_gone,
            Exception: failures.on_crash,
        },
    )
    app.router.redirect_slashes = False
    app.state.site = site
    return app
