"""The keywords that the Python API takes in place of a whole tree of options.

In go keywords as a user writes them; out come options.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypedDict

from qasr_cli import languages
from qasr_cli.options import Options, RemoteOptions
from qasr_cli.options.remote import addresses, to_secret
from qasr_cli.options.speakers import speaker_count


class EngineKeywords(TypedDict, total=False):
    """The keywords of `Transcriber`; its docstring describes each."""

    model: str
    language: str | None
    languages: Sequence[str]
    context: str
    device: str
    dtype: str
    aligner: str
    batch_size: int | None
    offline: bool
    server: str
    server_key: str
    server_model: str
    speakers: str | int | None


def with_keywords(options: Options, keywords: EngineKeywords) -> Options:
    """Return the options with the keywords applied.

    Raises:
        TypeError: A keyword is unknown.
        UsageError: A language is unknown, or a value is impossible.
    """
    unknown = sorted(keywords.keys() - EngineKeywords.__annotations__.keys())
    if unknown:
        known = ", ".join(EngineKeywords.__annotations__)
        raise TypeError(f"unknown keyword {unknown[0]!r}; known: {known}")
    engine, decode, align = options.engine, options.decode, options.align
    engine = replace(
        engine,
        model=keywords.get("model", engine.model),
        device=keywords.get("device", engine.device),
        dtype=keywords.get("dtype", engine.dtype),
        aligner=keywords.get("aligner", engine.aligner),
        batch_size=keywords.get("batch_size", engine.batch_size),
        offline=keywords.get("offline", engine.offline),
        remote=_remote(engine.remote, keywords),
    )
    codes = map(language_code, keywords.get("languages", decode.languages))
    decode = replace(
        decode,
        language=language_code(keywords.get("language", decode.language)),
        languages=tuple(code for code in codes if code),
        context=keywords.get("context", decode.context),
    )
    if "aligner" in keywords:
        align = replace(align, is_enabled=keywords["aligner"].lower() != "none")
    speakers = options.speakers
    if "speakers" in keywords:
        count = keywords["speakers"]
        speakers = replace(speakers, count=speaker_count("" if count is None else str(count)))
    return replace(options, engine=engine, decode=decode, align=align, speakers=speakers)


def _remote(remote: RemoteOptions, keywords: EngineKeywords) -> RemoteOptions:
    key = to_secret(keywords["server_key"]) if "server_key" in keywords else remote.server_key
    return replace(
        remote,
        server=addresses(keywords["server"]) if "server" in keywords else remote.server,
        server_key=key,
        server_model=keywords.get("server_model", remote.server_model),
    )


def language_code(language: str | None) -> str | None:
    """Return the code of a language in any usual spelling; None for detection.

    Raises:
        UsageError: The language is unknown.
    """
    parsed = languages.parse(language or "")
    return parsed.code if parsed else None
