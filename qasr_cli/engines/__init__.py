"""Implementations of the recognizer and the aligner; the only room with torch in it.

    registry      names of engines, and `module:factory`
    qwen3/        Qwen3-ASR and its aligner on torch and transformers
    model_store   a model's name becomes a folder with weights
    downloads     resumed downloads of weights
    hub_adapter   the only module that imports the hub library
    layouts       the two layouts of Qwen3-ASR models
    weights       safetensors files by their headers
    device        devices, number formats, memory budgets
    device_names  the names in `--device`
    memory        returns freed memory to the machine
    cpu/          what a CPU can do: number format, 8-bit products, a kernel for attention, threads
    speakers/     voices as vectors, for `--speakers`
    confidence_files  maps of confidences that were fitted for models
    cache_files   what can be made again: measurements, packed weights

In goes the name of an engine; out comes a `Session` with a `Recognizer` and an `Aligner`, as
`speech.inference.protocols` describes them. Importing this package loads nothing heavy: torch and
transformers are imported with the first engine that needs them, so that `qasr --help` and a run without work
never wait for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qasr_cli.options import DecodeOptions, EngineOptions
    from qasr_cli.speech.inference.session import Session


def load(options: EngineOptions, fallback_model: str = "") -> Session:
    """Return a session with the engines that `options.engine` names; see `registry.load`."""
    from qasr_cli.engines import registry

    return registry.load(options, fallback_model)


def refuse_unknown_languages(engine: EngineOptions, decode: DecodeOptions) -> None:
    """Refuse a language that the engine lacks; see `registry.refuse_unknown_languages`."""
    from qasr_cli.engines import registry

    registry.refuse_unknown_languages(engine, decode)


def refuse_missing(engine: EngineOptions) -> None:
    """Refuse a model that is neither here nor can be downloaded; see `registry.refuse_missing`."""
    from qasr_cli.engines import registry

    registry.refuse_missing(engine)


def refuse_missing_speaker_encoder(engine: EngineOptions) -> None:
    """Refuse `--speakers` without an encoder; see `registry.refuse_missing_speaker_encoder`."""
    from qasr_cli.engines import registry

    registry.refuse_missing_speaker_encoder(engine)
