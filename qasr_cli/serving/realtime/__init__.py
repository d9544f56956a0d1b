"""OpenAI's realtime interface: a WebSocket that takes sound and gives text while somebody speaks.

connection     the WebSocket: events in and out, their limits, the end
conversation   what happens in a session becomes OpenAI's events
settings       what a client says about its sound and its turns
sound          the bytes of a client become samples

Only transcription is offered: there is no model that answers. Both spellings are accepted, that of today
(`session.update` with `audio.input`) and the older one (`transcription_session.update`).
"""

from __future__ import annotations

from starlette.routing import BaseRoute, WebSocketRoute

from qasr_cli.serving.realtime import connection


def routes() -> list[BaseRoute]:
    """Return the routes."""
    return [WebSocketRoute("/v1/realtime", connection.serve)]
