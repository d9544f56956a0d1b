"""The built-in engines: how each is loaded, and what of it works alone.

In go the engine options; out come engines. Imports nothing heavy before the weights are on this machine.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from qasr_cli.engines import memory
from qasr_cli.engines.cpu import threads
from qasr_cli.options import EngineOptions
from qasr_cli.speech.inference.protocols import Aligner, Engines, SpeakerEncoder

if TYPE_CHECKING:
    from qasr_cli.engines.model_store import StoredModel

EngineFactory = Callable[[EngineOptions], Engines]


def fetch_recognizer(options: EngineOptions) -> StoredModel:
    """Return the recognizer's model, downloaded if it is not here.

    Raises:
        UnavailableError: It is neither here nor can be downloaded.
    """
    from qasr_cli.engines import model_store

    location = model_store.recognizer_location(options.model)
    return model_store.fetch(location, options.revision, is_offline=options.offline)


def resolve(names: Sequence[str], options: EngineOptions) -> tuple[tuple[str, ...], EngineOptions]:
    """Return the devices in the machine and the options for all of them, before weights are read."""
    fetch_recognizer(options)  # torch takes seconds that a missing model should not cost
    return resolve_devices(names, options)


def resolve_devices(names: Sequence[str], options: EngineOptions) -> tuple[tuple[str, ...], EngineOptions]:
    """Return the devices in the machine and the options for all of them.

    Raises:
        UnavailableError: A device is missing.
    """
    threads.import_torch()
    from qasr_cli.engines import device

    found, dtype = device.resolve(names, options.dtype)
    return found, replace(options, dtype=dtype)


def fallback_loader(
    factory: EngineFactory, options: EngineOptions, model: str
) -> Callable[[], Engines] | None:
    """Return the function that loads the fallback recognizer of an engine; None without a model."""
    return functools.partial(factory, for_fallback(options, model)) if model else None


def for_fallback(options: EngineOptions, model: str) -> EngineOptions:
    """Return the options of the fallback recognizer, which needs no aligner."""
    return replace(options, model=model, aligner="none", revision=None)


def speaker_loader(options: EngineOptions) -> Callable[[], SpeakerEncoder]:
    """Return the function that loads the speaker encoder on the options' device."""
    return functools.partial(_load_speaker_encoder, options.device)


def _load_speaker_encoder(device: str) -> SpeakerEncoder:
    from qasr_cli.engines.speakers import package

    package.find()  # torch takes seconds that missing weights should not cost
    threads.import_torch()
    from qasr_cli.engines.speakers import encoder

    return encoder.load(device)


def _load_qwen3(options: EngineOptions, *, is_plain: bool = False, is_forced_loop: bool = False) -> Engines:
    """Locate the weights before importing torch, which takes seconds that a missing model should not cost."""
    from qasr_cli.engines import confidence_files, model_store

    recognizer = fetch_recognizer(options)
    where = model_store.aligner_location(options.aligner, options.model)
    aligner = model_store.fetch(where, is_offline=options.offline) if where else None
    threads.import_torch()
    from qasr_cli.engines.qwen3 import preloading

    with memory.converting(), preloading.begun(() if is_plain else (recognizer, aligner), options):
        from qasr_cli.engines.qwen3 import engine  # and transformers with it

        loaded = engine.load(recognizer, aligner, options, is_plain=is_plain, is_forced_loop=is_forced_loop)
    return replace(loaded, confidence=confidence_files.load(recognizer, loaded.aligner_id))


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
    from qasr_cli.engines import confidence_files, model_store
    from qasr_cli.engines.vllm import environment

    environment.require()
    recognizer = fetch_recognizer(options)
    where = model_store.aligner_location(options.aligner, options.model)
    aligner = model_store.fetch(where, is_offline=options.offline) if where else None
    environment.prepare()
    from qasr_cli.engines.vllm import recognizer as vllm_recognizer

    loaded = vllm_recognizer.load(recognizer, aligner, options, is_apart=is_apart)
    return replace(loaded, confidence=confidence_files.load(recognizer, loaded.aligner_id))


def _load_vllm_apart(options: EngineOptions) -> Engines:
    return _load_vllm(options, is_apart=True)


BUILT_IN: dict[str, EngineFactory] = {
    "qwen3": _load_qwen3,
    "qwen3-generate": _load_plain_qwen3,
    "qwen3-loop": _load_loop_qwen3,
    "vllm": _load_vllm,
}
# Those whose aligner works beside a recognizer on servers.
ALIGNERS: dict[EngineFactory, Callable[[EngineOptions], tuple[Aligner | None, str]]] = {
    _load_qwen3: _load_qwen3_aligner,
    _load_plain_qwen3: functools.partial(_load_qwen3_aligner, is_plain=True),
    _load_loop_qwen3: functools.partial(_load_qwen3_aligner, is_forced_loop=True),
}
ONE_OF_SEVERAL: dict[str, EngineFactory] = {"vllm": _load_vllm_apart}  # where a device needs another way
