"""The registry of engines: built-in names, and `module:factory` for others.

In go the engine options; out comes a `Session`. Imports nothing heavy before the weights are on this machine.
"""

from __future__ import annotations

import difflib
import functools
import importlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from qasr_cli.engines import device_names, memory
from qasr_cli.engines.cpu import threads
from qasr_cli.engines.qwen3 import languages as qwen3_languages
from qasr_cli.errors import UnavailableError, UsageError
from qasr_cli.options import DecodeOptions, EngineOptions, RemoteOptions
from qasr_cli.speech.inference import protocols
from qasr_cli.speech.inference.protocols import Aligner, Engines
from qasr_cli.speech.inference.session import Session

if TYPE_CHECKING:
    from qasr_cli.engines.model_store import StoredModel

EngineFactory = Callable[[EngineOptions], Engines]


def load(options: EngineOptions, fallback_model: str = "") -> Session:
    """Return a session with the engines of `options.engine`: a built-in name or `module:factory`.

    A factory takes the `EngineOptions` and returns `Engines`; other implementations, and the tests' fakes,
    are factories. It is called once for each device, with its name in the options. The fallback model comes
    from the same factory, once a chunk is flagged. With servers (`options.remote`) it supplies the aligner
    and the fallback model alone.

    Raises:
        RemoteError: The servers cannot be used.
        UsageError: The name is neither built in nor of the form `module:factory`, or a device is unknown.
        UnavailableError: The module or the factory in it does not exist, or weights or a device are missing.
    """
    factory = _find_factory(options.engine)
    names = device_names.split(options.device)
    if options.remote.server:
        return _load_remote(factory, names, options, fallback_model)
    if factory in _BUILT_IN.values():
        if fallback_model:  # a missing model is an error now, and not hours into the run
            _fetch_recognizer(_for_fallback(options, fallback_model))
        if len(names) > 1 or names == (device_names.ALL,):
            names, options = _resolve(names, options)
    if len(names) > 1:
        factory = _ONE_OF_SEVERAL.get(options.engine, factory)
    first, *others = [
        (factory(one), _fallback_loader(factory, one, fallback_model))
        for one in (replace(options, device=name) for name in names)
    ]
    return Session(*first, [Session(*other) for other in others])


def _load_remote(
    factory: EngineFactory, names: Sequence[str], options: EngineOptions, fallback_model: str
) -> Session:
    """Return sessions with the recognizer on servers, and the local aligner of the engine.

    Two at least, so that the servers work while a batch is aligned here.
    """
    from qasr_cli.engines.remote import startup
    from qasr_cli.engines.remote.one_at_a_time import SharedAligner, SharedLoader

    load_aligner = _aligner_loader(factory, options)
    local = replace(options, remote=RemoteOptions())
    if fallback_model and factory in _BUILT_IN.values():
        _fetch_recognizer(_for_fallback(local, fallback_model))
    connected = startup.connect(options.remote)
    aligners: list[Aligner | None] = [None]
    place = connected.place
    if options.aligner.lower() != "none":
        if factory in _BUILT_IN.values() and (len(names) > 1 or names == (device_names.ALL,)):
            names, local = _resolve_devices(names, local)
        found = [load_aligner(replace(local, device=name)) for name in names]
        aligners = [SharedAligner(aligner) if aligner else None for aligner, _ in found]
        places = ", ".join(filter(None, (each for _, each in found)))
        place += f", aligner on {places}" if places else ""
    fallback = _fallback_loader(factory, local, fallback_model)
    load_fallback = SharedLoader(fallback) if fallback else None

    def session(aligner: Aligner | None, place: str, replicas: Sequence[Session] = ()) -> Session:
        engines = Engines(connected.recognizer, aligner, place, connected.languages)
        return Session(engines, load_fallback, replicas)

    others = aligners[1:] or aligners
    return session(aligners[0], place, [session(aligner, "") for aligner in others])


def _aligner_loader(
    factory: EngineFactory, options: EngineOptions
) -> Callable[[EngineOptions], tuple[Aligner | None, str]]:
    """Return the function that loads an engine's aligner alone, and its place as text.

    Raises:
        UsageError: The engine has none that works without its recognizer.
    """
    if factory in _ALIGNERS:
        return _ALIGNERS[factory]
    if factory in _BUILT_IN.values():
        raise UsageError(
            f"--server recognises in place of --engine {options.engine}",
            "leave one of them out; the aligner is that of --engine qwen3",
            flag="--engine",
        )

    def load_alone(one: EngineOptions) -> tuple[Aligner | None, str]:
        made = factory(one)
        return made.aligner, made.device

    return load_alone


def _resolve(names: Sequence[str], options: EngineOptions) -> tuple[tuple[str, ...], EngineOptions]:
    """Return the devices in the machine and the options for all of them, before weights are read."""
    _fetch_recognizer(options)  # torch takes seconds that a missing model should not cost
    return _resolve_devices(names, options)


def _resolve_devices(names: Sequence[str], options: EngineOptions) -> tuple[tuple[str, ...], EngineOptions]:
    threads.import_torch()
    from qasr_cli.engines import device

    found, dtype = device.resolve(names, options.dtype)
    return found, replace(options, dtype=dtype)


def _fallback_loader(
    factory: EngineFactory, options: EngineOptions, model: str
) -> Callable[[], Engines] | None:
    return functools.partial(factory, _for_fallback(options, model)) if model else None


def _for_fallback(options: EngineOptions, model: str) -> EngineOptions:
    return replace(options, model=model, aligner="none", revision=None)


def _fetch_recognizer(options: EngineOptions) -> StoredModel:
    from qasr_cli.engines import model_store

    location = model_store.recognizer_location(options.model)
    return model_store.fetch(location, options.revision, is_offline=options.offline)


def refuse_missing(options: EngineOptions) -> None:
    """Refuse a built-in engine's model that is neither here nor can be downloaded, before the work begins.

    Raises:
        UnavailableError: The recognizer or the aligner is missing.
        UsageError: The engine is unknown.
    """
    if _find_factory(options.engine) not in _BUILT_IN.values():
        return
    from qasr_cli.engines import model_store

    recognizer = model_store.recognizer_location(options.model)
    aligner = model_store.aligner_location(options.aligner, options.model)
    is_local = not options.remote.server
    for location, revision in ((recognizer if is_local else None, options.revision), (aligner, None)):
        if location is not None:
            model_store.refuse_missing(location, revision, is_offline=options.offline)


def _load_qwen3(options: EngineOptions, *, is_plain: bool = False, is_forced_loop: bool = False) -> Engines:
    """Locate the weights before importing torch, which takes seconds that a missing model should not cost."""
    from qasr_cli.engines import model_store

    recognizer = _fetch_recognizer(options)
    where = model_store.aligner_location(options.aligner, options.model)
    aligner = model_store.fetch(where, is_offline=options.offline) if where else None
    threads.import_torch()
    from qasr_cli.engines.qwen3 import preloading

    with memory.converting(), preloading.begun(() if is_plain else (recognizer, aligner), options):
        from qasr_cli.engines.qwen3 import engine  # and transformers with it

        return engine.load(recognizer, aligner, options, is_plain=is_plain, is_forced_loop=is_forced_loop)


def _load_plain_qwen3(options: EngineOptions) -> Engines:
    return _load_qwen3(options, is_plain=True)


def _load_loop_qwen3(options: EngineOptions) -> Engines:
    return _load_qwen3(options, is_forced_loop=True)


def _load_qwen3_aligner(
    options: EngineOptions, *, is_plain: bool = False, is_forced_loop: bool = False
) -> tuple[Aligner | None, str]:
    """Return the aligner alone, and where it computes; None for `none`."""
    from qasr_cli.engines import model_store

    where = model_store.aligner_location(options.aligner, options.model)
    if where is None:
        return None, ""
    aligner = model_store.fetch(where, is_offline=options.offline)
    threads.import_torch()
    with memory.converting():
        from qasr_cli.engines.qwen3 import engine

        return engine.load_aligner(aligner, options, is_plain=is_plain, is_forced_loop=is_forced_loop)


def _load_vllm(options: EngineOptions, *, is_apart: bool = False) -> Engines:
    """Ask for the package first: weights that it is missing for need not be fetched."""
    from qasr_cli.engines import model_store
    from qasr_cli.engines.vllm import environment

    environment.require()
    recognizer = _fetch_recognizer(options)
    where = model_store.aligner_location(options.aligner, options.model)
    aligner = model_store.fetch(where, is_offline=options.offline) if where else None
    environment.prepare()
    from qasr_cli.engines.vllm import recognizer as vllm_recognizer

    return vllm_recognizer.load(recognizer, aligner, options, is_apart=is_apart)


def _load_vllm_apart(options: EngineOptions) -> Engines:
    return _load_vllm(options, is_apart=True)


_BUILT_IN: dict[str, EngineFactory] = {
    "qwen3": _load_qwen3,
    "qwen3-generate": _load_plain_qwen3,
    "qwen3-loop": _load_loop_qwen3,
    "vllm": _load_vllm,
}
# Those whose aligner works beside a recognizer on servers.
_ALIGNERS: dict[EngineFactory, Callable[[EngineOptions], tuple[Aligner | None, str]]] = {
    _load_qwen3: _load_qwen3_aligner,
    _load_plain_qwen3: functools.partial(_load_qwen3_aligner, is_plain=True),
    _load_loop_qwen3: functools.partial(_load_qwen3_aligner, is_forced_loop=True),
}
_ONE_OF_SEVERAL: dict[str, EngineFactory] = {"vllm": _load_vllm_apart}  # where a device needs another way
_LANGUAGES = dict.fromkeys(_BUILT_IN, qwen3_languages.RECOGNIZED)


def refuse_unknown_languages(engine: EngineOptions, decode: DecodeOptions) -> None:
    """Refuse a language that a built-in engine lacks, before anything heavy is loaded.

    For a factory's engine and for servers this is checked when they are loaded.

    Raises:
        UsageError: The engine does not support a language of the options.
    """
    if not engine.remote.server:
        protocols.refuse_unknown_languages(_LANGUAGES.get(engine.engine), decode, engine.engine)


def _find_factory(name: str) -> EngineFactory:
    if name in _BUILT_IN:
        return _BUILT_IN[name]
    module_name, separator, attribute = name.partition(":")
    if not (separator and module_name and attribute):
        nearest = difflib.get_close_matches(name, _BUILT_IN, n=1)
        guess = f"did you mean {nearest[0]}? " if nearest else ""
        raise UsageError(
            f"--engine {name!r} is not an engine",
            f"{guess}known: {', '.join(_BUILT_IN)}, or module:factory",
            flag="--engine",
        )
    try:
        factory: EngineFactory = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError) as error:
        raise UnavailableError(
            f"--engine {name}: {error}", "check the module's name and that it is installed", flag="--engine"
        ) from error
    return factory
