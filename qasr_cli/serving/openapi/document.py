"""The whole description, and its route.

In go what a server needs of a request; out comes the document. It says of each server what holds there: with
keys every operation but a few needs one.
"""

from __future__ import annotations

import functools
import json

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qasr_cli.serving.http.site import site_of
from qasr_cli.serving.openapi import chat, jobs, recordings, server, whisper
from qasr_cli.serving.openapi.parts import Part
from qasr_cli.serving.openapi.schemas import schemas
from qasr_cli.version import __version__

_DESCRIPTION = (
    "Subtitles and transcripts from speech. The paths below /v1 are those of OpenAI where it has them; /asr "
    "and /detect-language are those of whisper-asr-webservice. /v1/realtime is OpenAI's WebSocket for "
    "transcription, which OpenAPI has no words for. Every answer has the header X-Request-Id."
)
_SCHEMES: dict[str, Part] = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "basic": {"type": "http", "scheme": "basic", "description": "The key is the password; any user"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


def routes() -> list[Route]:
    """Return the route of the description."""
    return [Route("/openapi.json", _describe)]


async def _describe(request: Request) -> Response:
    return Response(_text(bool(site_of(request).settings.keys)), media_type="application/json")


@functools.cache
def _text(needs_key: bool) -> str:
    return json.dumps(document(needs_key=needs_key), ensure_ascii=False)


def document(*, needs_key: bool) -> Part:
    """Return the description of a server that needs a key, or none."""
    whole: Part = {
        "openapi": "3.1.0",
        "info": {"title": "qasr", "version": __version__, "description": _DESCRIPTION},
        "paths": {
            **recordings.paths(),
            **chat.paths(),
            **jobs.paths(),
            **whisper.paths(),
            **server.paths(),
        },
        "components": {"schemas": schemas()},
    }
    if needs_key:
        whole["components"]["securitySchemes"] = _SCHEMES
        whole["security"] = [{name: []} for name in _SCHEMES]
    return whole
