"""What a request says about the speech itself: its language, and names and terms to expect.

In go the server's options and a client's words; out come the options of the request. Knows no protocol.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from qasr_cli import languages
from qasr_cli.engines import registry
from qasr_cli.options import AlignOptions, Options
from qasr_cli.serving.service import Service
from qasr_cli.speech.inference.protocols import refuse_unknown_languages

_MAX_CONTEXT_CHARS = 20_000  # some thousand tokens of the prompt; more leaves no room for speech


def options_of(service: Service, language: str, terms: Iterable[str], *, is_timed: bool) -> Options:
    """Return the options of a request.

    Args:
        service: The service, with the server's own options.
        language: The client's spelling of the spoken language; "" or `auto` leaves it to the server's
            options.
        terms: Texts for the prompt: names, terms, sentences; they follow the server's own.
        is_timed: Whether words need times; a server without an aligner estimates them.

    Raises:
        UsageError: There is no such language, or the engine does not support it.
    """
    options = service.options
    context = ", ".join(filter(None, (options.decode.context, *(term.strip() for term in terms))))
    known = languages.parse(language)
    decode = replace(
        options.decode,
        language=known.code if known else options.decode.language,
        languages=() if known else options.decode.languages,
        context=context[:_MAX_CONTEXT_CHARS],
    )
    registry.refuse_unknown_languages(options.engine, decode)
    if service.lane.engines is not None:  # a factory's engine says what it knows once it is loaded
        refuse_unknown_languages(service.lane.engines.languages, decode, options.engine.engine)
    is_aligned = options.align.is_enabled and is_timed
    return replace(options, decode=decode, align=AlignOptions(is_aligned))


def known_languages(service: Service) -> list[str]:
    """Return the codes of the languages that the engines support, in order."""
    engines = service.lane.engines
    known = engines.languages if engines is not None else None
    return sorted(known or (language.code for language in languages.LANGUAGES))
