"""Opens a stored model, exactly or not at all, and loads its weights into transformers' native classes.

In goes a model in either layout; out come its configuration, tokenizer and feature extractor, and on request
transformers' model on its device. What we take of transformers' Qwen3 classes, we take here. The names and
shapes in the files are compared with those of the classes before a weight is read, so a wrong, damaged or
incomplete model is refused in a second and never becomes random weights.
"""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import Qwen2Tokenizer, Qwen3ASRConfig, Qwen3ASRFeatureExtractor
from transformers.models.qwen3.modeling_qwen3 import Qwen3RotaryEmbedding
from transformers.models.qwen3_asr.modeling_qwen3_asr import (
    Qwen3ASRForConditionalGeneration,
    Qwen3ASRForTokenClassification,
)

from qasr_cli.engines import hub_adapter, layouts, weights
from qasr_cli.engines.device import Placement
from qasr_cli.engines.layouts import Kind, Layout
from qasr_cli.engines.model_store import StoredModel
from qasr_cli.engines.weights import AGAIN
from qasr_cli.errors import QasrError, UnavailableError

logger = logging.getLogger(__name__)

CLASSES: dict[Kind, Any] = {
    Kind.RECOGNIZER: Qwen3ASRForConditionalGeneration,
    Kind.ALIGNER: Qwen3ASRForTokenClassification,
}
_NEEDED_TOKENS = ("<|im_start|>", "<|im_end|>", "<|audio_start|>", "<|audio_pad|>", "<|audio_end|>")
_OWN_TOKEN = {Kind.RECOGNIZER: "<asr_text>", Kind.ALIGNER: "<timestamp>"}
_LAYER_KEYS = ("num_hidden_layers", "encoder_layers")
_SIZE_KEYS = ("max_source_positions", "num_mel_bins", "num_labels")
_MAX_SIZE = 100_000  # the family has 5,000 time classes and 1,500 positions of audio at most
_TIED_HEAD = "lm_head.weight"
_LOADING_ERRORS = (
    *(OSError, ValueError, LookupError, RuntimeError, TypeError, AttributeError, ImportError),
    *(ArithmeticError, AssertionError, SafetensorError, hub_adapter.config_error()),
)


@dataclass(frozen=True, slots=True)
class OpenModel:
    """A stored model whose files fit together; its weights are not read yet.

    Attributes:
        kind: Recognizer or aligner.
        stored: The model.
        layout: Its layout.
        config: transformers' configuration.
        tokenizer: Converts text to ids; its chat template is never used.
        extractor: Converts samples to log-mel features.
    """

    kind: Kind
    stored: StoredModel
    layout: Layout
    config: Any
    tokenizer: Any
    extractor: Any


def open_model(kind: Kind, stored: StoredModel) -> OpenModel:
    """Return the stored model with everything but its weights.

    Raises:
        UnavailableError: It is of another kind, or its weights do not fit the classes.
    """
    layout = layouts.read(stored.folder)
    if layout.kind is not kind:
        flag = "--aligner" if layout.kind is Kind.ALIGNER else "--model"
        raise UnavailableError(
            f"model {stored.id} is {_a(layout.kind)} and cannot serve as {_a(kind)}", f"use it with {flag}"
        )
    with _refusing(stored):
        config = _configuration(stored, layout)
        _refuse_misfit(kind, stored, layout, config)
        tokenizer = _tokenizer(kind, stored)
    # All models of the family use whisper's features with 128 bands.
    extractor = Qwen3ASRFeatureExtractor(feature_size=config.audio_config.num_mel_bins)
    return OpenModel(kind, stored, layout, config, tokenizer, extractor)


def read_weights(opened: OpenModel, placement: Placement) -> Any:
    """Return transformers' model, in evaluation mode on its device.

    Raises:
        UnavailableError: The weights cannot be read completely.
    """
    with _refusing(opened.stored):
        model = _read_weights(opened.kind, opened.stored, opened.layout, opened.config, placement)
    return model.to(placement.device).eval()


def rotary_angles(config: Any, n_positions: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return cosines and sines `float32[n_positions, head_dim]` of a text model's rotary embedding."""
    positions = torch.arange(n_positions)[None]
    cosines, sines = Qwen3RotaryEmbedding(config)(torch.zeros(1), positions)
    return cosines[0], sines[0]


def check(stored: StoredModel) -> Kind:
    """Check everything about a model except the values of its weights, and return its kind.

    Raises:
        UnavailableError: The first defect.
    """
    layout = layouts.read(stored.folder)
    with _refusing(stored):
        _refuse_misfit(layout.kind, stored, layout, _configuration(stored, layout))
        _tokenizer(layout.kind, stored)
    return layout.kind


@contextlib.contextmanager
def _refusing(stored: StoredModel) -> Iterator[None]:
    """Convert any error of transformers about a model into an error of one line."""
    try:
        yield
    except Exception as error:
        # All kinds: the tokenizers library raises `Exception` itself. Any other kind is not about the model.
        if isinstance(error, QasrError) or not (
            isinstance(error, _LOADING_ERRORS) or type(error) is Exception
        ):
            raise
        logger.debug("loading %s failed", stored.folder, exc_info=True)
        raise UnavailableError(
            f"model {stored.id} cannot be loaded: {_last_line(error)}",
            AGAIN,
        ) from error


def _configuration(stored: StoredModel, layout: Layout) -> Any:
    _refuse_endless(stored, layout, len(weights.tensors(stored.folder)))
    return Qwen3ASRConfig.from_dict(layout.config)


def _refuse_misfit(kind: Kind, stored: StoredModel, layout: Layout, config: Any) -> None:
    """Compare names and shapes with those of an empty model."""
    actual = {
        layout.native_name(name): tensor.shape for name, tensor in weights.tensors(stored.folder).items()
    }
    with torch.device("meta"):
        empty = CLASSES[kind](config)
    expected = {name: tuple(tensor.shape) for name, tensor in empty.state_dict().items()}
    if kind is Kind.RECOGNIZER and config.tie_word_embeddings and _TIED_HEAD not in actual:
        del expected[_TIED_HEAD]
    wrong = sorted(name for name in expected.keys() | actual.keys() if expected.get(name) != actual.get(name))
    if wrong:
        first = wrong[0]
        raise UnavailableError(
            f"model {stored.id} does not fit its config.json: {len(wrong)} of {len(expected)} weights are "
            f"missing, unexpected or of another shape; {first} is {_shape(actual.get(first))} and not "
            f"{_shape(expected.get(first))}",
            AGAIN,
        )


def _refuse_endless(stored: StoredModel, layout: Layout, n_weights: int) -> None:
    """Refuse a configuration whose empty model alone would take hours or all memory to make."""
    most = dict.fromkeys(_LAYER_KEYS, n_weights) | dict.fromkeys(
        _SIZE_KEYS, _MAX_SIZE
    )  # a layer has a weight
    audio = layout.config.get("audio_config")
    for part in (layout.config, layout.config.get("text_config"), audio):
        values = part if isinstance(part, dict) else {}
        for key in [*most, *(("max_position_embeddings",) if part is audio else ())]:
            limit = most.get(key, _MAX_SIZE)
            if isinstance(values.get(key), int | float) and not values[key] <= limit:
                raise UnavailableError(
                    f"model {stored.id} does not fit its config.json: {key} is larger than {limit:,}", AGAIN
                )


def _tokenizer(kind: Kind, stored: StoredModel) -> Any:
    tokenizer = Qwen2Tokenizer.from_pretrained(stored.folder, local_files_only=True)
    vocabulary = tokenizer.get_vocab()
    missing = [token for token in (*_NEEDED_TOKENS, _OWN_TOKEN[kind]) if token not in vocabulary]
    if missing:
        raise UnavailableError(
            f"model {stored.id} has a tokenizer without the token {missing[0]}",
            f"tokenizer files are missing or foreign; {AGAIN}",
        )
    return tokenizer


def _read_weights(kind: Kind, stored: StoredModel, layout: Layout, config: Any, placement: Placement) -> Any:
    mapping = {f"^{re.escape(old)}": new for old, new in layout.renames}
    model, report = CLASSES[kind].from_pretrained(
        stored.folder,
        config=config,
        dtype=placement.dtype,
        use_safetensors=True,
        local_files_only=True,
        output_loading_info=True,
        **({"key_mapping": mapping} if mapping else {}),
    )
    wrong = [*report["missing_keys"], *report["unexpected_keys"], *report["mismatched_keys"]]
    if wrong:
        raise UnavailableError(
            f"model {stored.id} was not read completely: {len(wrong)} weights differ, such as {wrong[0]}",
            "please report this with the output of: qasr doctor",
        )
    if kind is Kind.RECOGNIZER and config.tie_word_embeddings:
        table = model.get_input_embeddings().weight
        if model.lm_head.weight.data_ptr() != table.data_ptr():
            raise UnavailableError(
                f"model {stored.id}: its head should be tied to its embedding and is another tensor",
                AGAIN,
            )
    return model


def _last_line(error: Exception) -> str:
    """Return the last line of an error: in transformers' longer messages it holds the reason."""
    lines = str(error).strip().splitlines()
    return lines[-1].strip() if lines else type(error).__name__


def _a(kind: Kind) -> str:
    return f"an {kind}" if kind is Kind.ALIGNER else f"a {kind}"


def _shape(shape: tuple[int, ...] | None) -> str:
    return "missing" if shape is None else "x".join(map(str, shape)) or "a number"
