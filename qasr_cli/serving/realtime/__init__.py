"""OpenAI's realtime interface: a WebSocket that takes sound and gives text while somebody speaks.

connection     the WebSocket: events in and out, their limits, the end
conversation   what happens in a session becomes OpenAI's events
settings       what a client says about its sound and its turns
sound          the bytes of a client become samples

Only transcription is offered: there is no model that answers. Both spellings are accepted, that of today
(`session.update` with `audio.input`) and the older one (`transcription_session.update`).
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from qasr_cli.serving.http.failures import ApiError
from qasr_cli.serving.realtime import connection


def routes() -> list[BaseRoute]:
    """Return the routes."""
    return [
        WebSocketRoute("/v1/realtime", connection.serve),
        Route("/v1/realtime", _refuse, include_in_schema=False),
    ]


async def _refuse(request: Request) -> Response:
    """Refuse a request that does not ask for a WebSocket."""
    raise ApiError(426, "/v1/realtime is a WebSocket", "connect to it with ws:// or wss://")
