"""Implementations of the recognizer and the aligner; the only room with torch in it.

In goes the name of an engine; out come a `Recognizer` and an `Aligner` as
`speech.inference.protocols` describes them.
Importing this package loads nothing heavy: torch and transformers come in with the first engine that needs
them, so that `qasr --help` and a run with nothing to do never wait for them.
"""

from __future__ import annotations

import difflib
import functools
import importlib
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from qasr_cli.errors import UnavailableError, UsageError
from qasr_cli.options import EngineOptions
from qasr_cli.speech.inference.protocols import Engines

if TYPE_CHECKING:
    from qasr_cli.engines.model_store import StoredModel

EngineFactory = Callable[[EngineOptions], Engines]


def load(options: EngineOptions, rescue_model: str = "") -> Engines:
    """Return the engines that `options.engine` names: a built-in name or `module:factory`.

    A factory takes the `EngineOptions` and returns `Engines`; it is how other implementations, and the
    tests' fakes, come in. The rescue model comes from the same factory, when something is doubtful.

    Raises:
        UsageError: The name is neither built in nor of the form `module:factory`.
        UnavailableError: The module or the factory in it does not exist, or weights or a device are missing.
    """
    factory = _find_factory(options.engine)
    if not rescue_model:
        return factory(options)
    other = replace(options, model=rescue_model, aligner="none", revision=None)
    if factory is _load_qwen3:
        _fetch_recognizer(other)  # one that is missing is found out now, and not hours into the run
    return replace(factory(options), load_rescue=functools.cache(lambda: factory(other)))


def _fetch_recognizer(options: EngineOptions) -> StoredModel:
    from qasr_cli.engines import model_store

    location = model_store.recognizer_location(options.model)
    return model_store.fetch(location, options.revision, is_offline=options.offline)


def _load_qwen3(options: EngineOptions) -> Engines:
    """Find the weights first: torch takes seconds to load, and a missing model should not."""
    from qasr_cli.engines import model_store

    recognizer = _fetch_recognizer(options)
    where = model_store.aligner_location(options.aligner, options.model)
    aligner = model_store.fetch(where, is_offline=options.offline) if where else None
    from qasr_cli.engines.qwen3 import engine

    return engine.load(recognizer, aligner, options)


_BUILT_IN: dict[str, EngineFactory] = {"qwen3": _load_qwen3}


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
            f"--engine {name}: {error}", "check the module's name and that it is installed"
        ) from error
    return factory
