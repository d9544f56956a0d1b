"""The registry of engines: built-in names, and `module:factory` for others.

In go the engine options; out comes a `Session`. Imports nothing heavy before the weights are on this machine.
"""

from __future__ import annotations

import difflib
import importlib
from dataclasses import replace

from qasr_cli.engines import built_in, device_names
from qasr_cli.engines.built_in import EngineFactory
from qasr_cli.engines.qwen3 import languages as qwen3_languages
from qasr_cli.engines.speakers import package
from qasr_cli.errors import UnavailableError, UsageError
from qasr_cli.options import DecodeOptions, EngineOptions
from qasr_cli.speech.inference import protocols
from qasr_cli.speech.inference.session import Session


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
        from qasr_cli.engines import beside_servers

        return beside_servers.load(factory, names, options, fallback_model)
    if factory in built_in.BUILT_IN.values():
        if fallback_model:  # a missing model is an error now, and not hours into the run
            built_in.fetch_recognizer(built_in.for_fallback(options, fallback_model))
        if len(names) > 1 or names == (device_names.ALL,):
            names, options = built_in.resolve(names, options)
    if len(names) > 1:
        factory = built_in.ONE_OF_SEVERAL.get(options.engine, factory)
    first, *others = [
        (factory(one), built_in.fallback_loader(factory, one, fallback_model), built_in.speaker_loader(one))
        for one in (replace(options, device=name) for name in names)
    ]
    replicas = [Session(pair, fallback, (), encoder) for pair, fallback, encoder in others]
    return Session(first[0], first[1], replicas, first[2])


def refuse_missing(options: EngineOptions) -> None:
    """Refuse a built-in engine's model that is neither here nor can be downloaded, before the work begins.

    Raises:
        UnavailableError: The recognizer or the aligner is missing.
        UsageError: The engine is unknown.
    """
    if _find_factory(options.engine) not in built_in.BUILT_IN.values():
        return
    from qasr_cli.engines import model_store

    recognizer = model_store.recognizer_location(options.model)
    aligner = model_store.aligner_location(options.aligner, options.model)
    is_local = not options.remote.server
    for location, revision in ((recognizer if is_local else None, options.revision), (aligner, None)):
        if location is not None:
            model_store.refuse_missing(location, revision, is_offline=options.offline)


def refuse_missing_speaker_encoder(options: EngineOptions) -> None:
    """Refuse to tell speakers apart without the encoder's weights, before the work begins.

    An engine of a factory may have an encoder of its own, which shows when it is loaded.

    Raises:
        UnavailableError: The package with the weights is not installed.
    """
    if _find_factory(options.engine) in built_in.BUILT_IN.values():
        package.find()


_LANGUAGES = dict.fromkeys(built_in.BUILT_IN, qwen3_languages.RECOGNIZED)


def refuse_unknown_languages(engine: EngineOptions, decode: DecodeOptions) -> None:
    """Refuse a language that a built-in engine lacks, before anything heavy is loaded.

    For a factory's engine and for servers this is checked when they are loaded.

    Raises:
        UsageError: The engine does not support a language of the options.
    """
    if not engine.remote.server:
        protocols.refuse_unknown_languages(_LANGUAGES.get(engine.engine), decode, engine.engine)


def _find_factory(name: str) -> EngineFactory:
    if name in built_in.BUILT_IN:
        return built_in.BUILT_IN[name]
    module_name, separator, attribute = name.partition(":")
    if not (separator and module_name and attribute):
        nearest = difflib.get_close_matches(name, built_in.BUILT_IN, n=1)
        guess = f"did you mean {nearest[0]}? " if nearest else ""
        raise UsageError(
            f"--engine {name!r} is not an engine",
            f"{guess}known: {', '.join(built_in.BUILT_IN)}, or module:factory",
            flag="--engine",
        )
    try:
        factory: EngineFactory = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError) as error:
        raise UnavailableError(
            f"--engine {name}: {error}", "check the module's name and that it is installed", flag="--engine"
        ) from error
    return factory
