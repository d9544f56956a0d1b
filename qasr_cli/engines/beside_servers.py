"""Servers that recognise, and what of an engine works beside them: its aligner and the fallback model.

In go the engine options with the servers' addresses; out comes a session, whose batches go to the servers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from qasr_cli.engines import built_in, device_names
from qasr_cli.engines.built_in import EngineFactory
from qasr_cli.engines.remote import startup
from qasr_cli.engines.remote.one_at_a_time import SharedAligner, SharedLoader
from qasr_cli.errors import UsageError
from qasr_cli.options import EngineOptions, RemoteOptions
from qasr_cli.speech.inference.protocols import Aligner, Engines
from qasr_cli.speech.inference.session import Session

AlignerLoader = Callable[[EngineOptions], tuple[Aligner | None, str]]
_NO_ALIGNER = "none"


def load(
    factory: EngineFactory, names: Sequence[str], options: EngineOptions, fallback_model: str
) -> Session:
    """Return sessions with the recognizer on servers, and the local aligner of the engine.

    Two at least, so that the servers work while a batch is aligned here.
    """
    load_aligner = _aligner_loader(factory, options)
    local = replace(options, remote=RemoteOptions())
    is_built_in = factory in built_in.BUILT_IN.values()
    if fallback_model and is_built_in:
        built_in.fetch_recognizer(built_in.for_fallback(local, fallback_model))
    connected = startup.connect(options.remote)
    if is_built_in and options.aligner.lower() != _NO_ALIGNER and _is_several(names):
        names, local = built_in.resolve_devices(names, local)
    aligners, places = _load_aligners(load_aligner, names, local)
    place = connected.place + (f", aligner on {places}" if places else "")
    fallback = built_in.fallback_loader(factory, local, fallback_model)
    load_fallback = SharedLoader(fallback) if fallback else None
    load_encoder = built_in.speaker_loader(replace(local, device=names[0]))

    def session(aligner: Aligner | None, place: str, replicas: Sequence[Session] = ()) -> Session:
        engines = Engines(connected.recognizer, aligner, place, connected.languages)
        return Session(engines, load_fallback, replicas, load_encoder)

    others = aligners[1:] or aligners
    return session(aligners[0], place, [session(aligner, "") for aligner in others])


def _is_several(names: Sequence[str]) -> bool:
    return len(names) > 1 or names == (device_names.ALL,)


def _load_aligners(
    load_aligner: AlignerLoader, names: Sequence[str], local: EngineOptions
) -> tuple[list[Aligner | None], str]:
    """Return the aligner of each device, and their places as text; one None if no aligner is wanted."""
    if local.aligner.lower() == _NO_ALIGNER:
        return [None], ""
    found = [load_aligner(replace(local, device=name)) for name in names]
    aligners = [SharedAligner(aligner) if aligner else None for aligner, _ in found]
    return list(aligners), ", ".join(filter(None, (place for _, place in found)))


def _aligner_loader(factory: EngineFactory, options: EngineOptions) -> AlignerLoader:
    """Return the function that loads an engine's aligner alone, and its place as text.

    Raises:
        UsageError: The engine has none that works without its recognizer.
    """
    if factory in built_in.ALIGNERS:
        return built_in.ALIGNERS[factory]
    if factory in built_in.BUILT_IN.values():
        raise UsageError(
            f"--server recognises in place of --engine {options.engine}",
            "leave one of them out; the aligner is that of --engine qwen3",
            flag="--engine",
        )

    def load_alone(one: EngineOptions) -> tuple[Aligner | None, str]:
        made = factory(one)
        return made.aligner, made.device

    return load_alone
