"""What a server says about itself: health, figures, version, models.

In go requests without a body; out come small answers. Nothing of a recording is in them.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from qasr_cli import languages
from qasr_cli.serving import gauges
from qasr_cli.serving.http.failures import ApiError
from qasr_cli.serving.http.site import Site, site_of
from qasr_cli.version import __version__


def routes() -> list[Route]:
    """Return the routes."""
    return [
        Route("/health", health),
        Route("/metrics", metrics),
        Route("/status", status),
        Route("/v1/models", models),
        Route("/v1/models/{id:path}", model),
    ]


async def health(request: Request) -> Response:
    """Say whether the server takes requests now: 200, or 503 while it loads, ends or has failed."""
    state = site_of(request).service.state
    return JSONResponse({"status": state}, 200 if state == "ready" else 503)


async def metrics(request: Request) -> Response:
    """Return the figures in Prometheus' form."""
    return Response(site_of(request).gauges.text(), media_type=gauges.CONTENT_TYPE)


async def status(request: Request) -> Response:
    """Return version and load; Bazarr shows the version when it tests the connection."""
    service = site_of(request).service
    return JSONResponse(
        {
            "version": f"qasr {__version__}",
            "state": service.state,
            "model": site_of(request).model_name,
            "waiting_audio_s": round(service.waiting_ms / 1000, 1),
            "recordings": service.n_open,
            "live_sessions": service.live.n_open,
            "rtfx": round(service.speed, 1) if service.lane.counts.busy_s > 1 else None,
        }
    )


async def models(request: Request) -> Response:
    """Return the server's model, as a list of one."""
    return JSONResponse({"object": "list", "data": [_model(site_of(request))]})


async def model(request: Request) -> Response:
    """Return the server's model by its name."""
    site = site_of(request)
    if request.path_params["id"] != site.model_name:
        raise ApiError(
            404,
            "the server has no such model",
            f"its model is {site.model_name}",
            param="model",
            code="model_not_found",
        )
    return JSONResponse(_model(site))


def _model(site: Site) -> dict[str, object]:
    engines = site.service.lane.engines
    codes = engines.languages if engines is not None else None
    known = [one for one in languages.LANGUAGES if codes is None or one.code in codes]
    return {
        "id": site.model_name,
        "object": "model",
        "created": int(site.service.created_s),
        "owned_by": "qasr",
        "languages": [{"code": one.code, "name": one.name} for one in known],
    }
