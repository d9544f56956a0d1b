"""OpenAI's interface: transcripts, alignments and chat completions, as its clients send and read them.

transcriptions   forms with media: the whole pipeline
chat             one clip, recognised once
asks, chat_asks  fields of a request become options
answers, events  results become bodies and events
fields           single values

In go requests; out come responses in OpenAI's shapes. Every name of a model is accepted, since many clients
have one built in.
"""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from qasr_cli.serving.openai_api import chat, transcriptions


def routes() -> list[BaseRoute]:
    """Return the routes."""
    return [
        Route("/v1/audio/transcriptions", transcriptions.transcribe, methods=["POST"]),
        Route("/v1/audio/translations", transcriptions.translate, methods=["POST"]),
        Route("/v1/audio/alignments", transcriptions.align, methods=["POST"]),
        Route("/v1/chat/completions", chat.complete, methods=["POST"]),
    ]
