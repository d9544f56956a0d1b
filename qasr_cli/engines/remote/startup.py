"""The first questions to the servers: which models they have, and which form of speech they take.

In go the options; out comes a recognizer, or an error that names each server and what is wrong with it. A
server that is down is left out for now, as long as another one answers.
"""

from __future__ import annotations

import contextlib
import ipaddress
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

from qasr_cli.engines.qwen3.languages import RECOGNIZED
from qasr_cli.engines.remote.dispatcher import Dispatcher
from qasr_cli.engines.remote.recognizer import RemoteRecognizer
from qasr_cli.engines.remote.reply_errors import RefusedError, RejectedError, ReplyError
from qasr_cli.engines.remote.server import CHAT, TRANSCRIPTIONS, Form, Server
from qasr_cli.engines.remote.transport import Deadlines
from qasr_cli.errors import RemoteError, ServersLostError, printable
from qasr_cli.options import RemoteOptions

logger = logging.getLogger(__name__)

_PROBE_S = 60.0  # the first request of a server may compile something
_N_NAMED = 8
_S_PER_MIN = 60

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Connected:
    """Servers that answer.

    Attributes:
        recognizer: Recognises on them.
        languages: Codes of the languages that the model supports; None if unknown.
        place: Where it recognises, for reports.
    """

    recognizer: RemoteRecognizer
    languages: frozenset[str] | None
    place: str


def connect(options: RemoteOptions) -> Connected:
    """Return a recognizer on the servers of the options.

    Raises:
        ServersLostError: None answers.
        RemoteError: A key, a model or an address is wrong, or a server does not speak OpenAI's interface.
    """
    deadlines, key = Deadlines(), options.server_key.reveal()
    servers = [Server(address, key, deadlines) for address in options.server]
    _warn_of_plain_text(options)
    try:
        return _connected(servers, options, deadlines)
    except BaseException:
        for server in servers:
            server.close()
        raise


def _connected(servers: Sequence[Server], options: RemoteOptions, deadlines: Deadlines) -> Connected:
    listed = _ask_each(servers, lambda server: _models(server, options.server_model), deadlines)
    lost = {server: answer for server, answer in listed.items() if isinstance(answer, ReplyError)}
    names = {server: answer for server, answer in listed.items() if not isinstance(answer, ReplyError)}
    _refuse_without_any(lost, names)
    model = _choose_model(names, options.server_model)
    form, silent = _choose_form(list(names), model, options, deadlines)
    lost |= silent
    _refuse_without_any(lost, {server: model for server in servers if server not in lost})
    for server in servers:
        server.form = form
    for server, error in lost.items():
        logger.warning("%s %s; going on without it until it answers", server.address, error.reason)
    benched = {number: lost[server].reason for number, server in enumerate(servers) if server in lost}
    patience_s = options.server_patience_min * _S_PER_MIN
    dispatcher = Dispatcher(servers, model, options.in_flight, patience_s, deadlines, benched)
    model_id = f"{printable(model)}@server" + ("" if form is CHAT else f"/{form.name}")
    return Connected(
        RemoteRecognizer(dispatcher, model, model_id, options.in_flight * len(servers)),
        RECOGNIZED if form is CHAT else None,
        f"{', '.join(options.server)} ({form.name})",
    )


def describe(options: RemoteOptions) -> list[tuple[str, str, bool]]:
    """Return each server's address, its models or what is wrong with it, and whether it works."""
    deadlines = Deadlines()
    servers = [Server(address, options.server_key.reveal(), deadlines) for address in options.server]
    found = _ask_each(servers, lambda server: server.models(), deadlines)
    for server in servers:
        server.close()
    return [
        (server.address, answer.reason, False)
        if isinstance(answer, ReplyError)
        else (server.address, f"models: {_named(answer)}", True)
        for server, answer in found.items()
    ]


def _ask_each(
    servers: Sequence[Server], ask: Callable[[Server], Value], deadlines: Deadlines
) -> dict[Server, Value | ReplyError]:
    """Return the answer of each server, or what it failed with; all are asked at once."""

    def attempt(server: Server) -> Value | ReplyError:
        try:
            return ask(server)
        except ReplyError as error:
            return error

    with ThreadPoolExecutor(len(servers), thread_name_prefix="server question") as pool:
        try:
            return dict(zip(servers, pool.map(attempt, servers), strict=True))
        except BaseException:  # Ctrl-C: leaving the pool would wait for the answers
            deadlines.end_all()
            raise


def _models(server: Server, asked_for: str) -> list[str]:
    """Return a server's models; the one that is asked for if the server has no list."""
    try:
        return server.models()
    except RefusedError as error:
        if asked_for and error.status == 404:
            return [asked_for]
        raise


def _refuse_without_any(lost: Mapping[Server, ReplyError], working: Mapping[Server, object]) -> None:
    """Raise if a server refuses what would be asked of it, or if none answers."""
    for server, error in lost.items():
        if isinstance(error, RefusedError):
            raise RemoteError(f"{server.address} {error.reason}", error.hint)
    if not working:
        raise ServersLostError(
            "; ".join(f"{server.address} {error.reason}" for server, error in lost.items())
        )


def _choose_model(names: Mapping[Server, Sequence[str]], asked_for: str) -> str:
    """Return the name of the model that all servers have.

    Raises:
        RemoteError: There is none, or more than one.
    """
    common = [name for name in next(iter(names.values())) if all(name in found for found in names.values())]
    if asked_for:
        for server, found in names.items():
            if asked_for not in found:
                raise RemoteError(
                    f"{server.address} has no model {asked_for}",
                    f"give another --server-model; it has: {_named(found)}",
                )
        return asked_for
    if len(common) == 1:
        return common[0]
    if common:
        raise RemoteError(
            f"the servers have {len(common)} models: {_named(common)}",
            "name one of them: --server-model NAME",
        )
    each = "; ".join(f"{server.address} has {_named(found)}" for server, found in names.items())
    raise RemoteError(
        f"the servers have no model in common: {each}", "one run takes one model; leave one out"
    )


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _N_NAMED} more" if len(names) > _N_NAMED else ""
    return printable(", ".join(names[:_N_NAMED]) + more)


def _choose_form(
    servers: Sequence[Server], model: str, options: RemoteOptions, deadlines: Deadlines
) -> tuple[Form, dict[Server, ReplyError]]:
    """Return the endpoint for all servers, and the servers that do not answer about silence now.

    Raises:
        RemoteError: A server speaks none of the forms.
    """
    limit_s = min(_PROBE_S, options.server_patience_min * _S_PER_MIN)
    form = TRANSCRIPTIONS if options.server_api == "transcriptions" else CHAT
    if options.server_api == "auto":
        found = _ask_each(servers, lambda server: server.speaks_chat(model, limit_s), deadlines)
        failed = {server: error for server, error in found.items() if isinstance(error, ReplyError)}
        if all(found[server] for server in found if server not in failed):
            return CHAT, failed
        form = TRANSCRIPTIONS
        servers = [server for server in servers if server not in failed]
    else:
        failed = {}
    for server in servers:
        server.form = form
    tried = _ask_each(servers, lambda server: server.probe(model, limit_s), deadlines)
    failed |= {server: error for server, error in tried.items() if isinstance(error, ReplyError)}
    if options.server_api == "auto":
        _refuse_without_form(tried)
    return form, failed


def _refuse_without_form(tried: Mapping[Server, object]) -> None:
    for server, error in tried.items():
        if isinstance(error, RefusedError | RejectedError):
            raise RemoteError(
                f"{server.address} speaks neither Qwen's form of chat/completions nor audio/transcriptions: "
                f"the latter {error.reason}",
                "check --server and --server-model, and that the server has a model for speech",
            )


def _warn_of_plain_text(options: RemoteOptions) -> None:
    """Warn of a key that would be readable on the network."""
    for address in options.server:
        host = urlsplit(address).hostname or ""
        if options.server_key and address.startswith("http://") and not _is_loopback(host):
            logger.warning("%s: the key and the audio are sent without encryption; use https", address)


def _is_loopback(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"
