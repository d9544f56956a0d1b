"""8-bit weights that are read and packed while transformers is imported, which takes as long.

In go the models and the options; the weights wait here until their model is made. What cannot be begun early
is left to the model, which then reads it itself and reports what is wrong.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qasr_cli.engines import device, layouts, weights
from qasr_cli.engines.cpu import int8_linear
from qasr_cli.engines.layouts import Kind, Layout
from qasr_cli.engines.model_store import StoredModel
from qasr_cli.engines.qwen3 import calibration
from qasr_cli.engines.qwen3.decoding import language_model
from qasr_cli.engines.qwen3.tensors.packed_weights import PackedWeights
from qasr_cli.errors import QasrError
from qasr_cli.options import EngineOptions

_begun: dict[Path, PackedWeights] = {}


@contextlib.contextmanager
def begun(models: tuple[StoredModel | None, ...], options: EngineOptions) -> Iterator[None]:
    """Begin to read the weights of the models that the options place in 8 bits.

    What nobody has taken at the end of the context is forgotten: a load that failed must leave neither memory
    in use nor weights for a later load, whose model may be another one in the same folder.

    Args:
        models: Recognizer and aligner, or None.
        options: Device and number format.
    """
    found = [stored for stored in models if stored is not None]
    try:
        _begin(found, options)
        yield
    finally:
        for stored in found:
            _begun.pop(stored.folder, None)


def _begin(models: list[StoredModel], options: EngineOptions) -> None:
    for stored in models:
        with contextlib.suppress(QasrError, OSError, LookupError, TypeError):
            layout = layouts.read(stored.folder)
            if _is_int8(stored, layout, options):
                _begun[stored.folder] = _read(stored, _names(layout))


def packed(stored: StoredModel, names: tuple[str, ...]) -> PackedWeights:
    """Return a model's 8-bit weights, begun early or now; `names` are those of its products."""
    found = _begun.pop(stored.folder, None)
    return found if found and found.names == names else _read(stored, names)


def _read(stored: StoredModel, names: tuple[str, ...]) -> PackedWeights:
    kernel = int8_linear.exact_int8()
    assert kernel is not None  # noqa: S101 - or no placement is in 8 bits
    return PackedWeights(stored, names, kernel)


def _is_int8(stored: StoredModel, layout: Layout, options: EngineOptions) -> bool:
    n_parameters = weights.n_parameters(stored.folder)
    placement = device.place(options.device, options.dtype, n_parameters)
    if placement.int8_bits or layout.kind is Kind.ALIGNER:
        return bool(placement.int8_bits)
    bits = device.untried_int8_bits(placement, options.dtype, n_parameters)
    known = calibration.known_verdict(stored, placement, bits) if bits else None
    return known is not None and known.is_equal


def _names(layout: Layout) -> tuple[str, ...]:
    text: Any = layout.config["text_config"]
    if layout.kind is Kind.ALIGNER:
        return tuple(language_model.products(text["num_hidden_layers"]))
    is_tied = layout.config.get("tie_word_embeddings", True)
    return tuple(language_model.decoder_products(text["num_hidden_layers"], is_tied=is_tied))
