"""Checkpoints of random weights at the released models' shapes, for measuring speed.

    python -m tests.bench.random_weights [0.6b 1.7b aligner] [--out build/bench-weights]

In goes the name of a model; out comes a folder in the original layout (`thinker.*`, bf16) that qasr, the
official package and other programs for Qwen3-ASR all read. A folder that is complete already stays.

Every program writes exactly as many tokens as it may: the rows of all special tokens are 0 in embedding and
head, so that a stop token has the logit 0, and among 151,643 random logits the largest is never that one.
Says nothing about accuracy: there is no speech in these weights.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import shutil
import string
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from qasr_cli.engines.layouts import Kind
from qasr_cli.engines.qwen3.loading import CLASSES
from tests.model_folders import (
    REAL_ALIGNER,
    REAL_ASR_06B,
    REAL_ASR_17B,
    TINY,
    Shape,
    configuration,
    original_name,
    write_original_settings,
)

ROOT = Path(__file__).parents[2]
DEFAULT_FOLDER = ROOT / "build" / "bench-weights"
MODELS: dict[str, tuple[Kind, Shape]] = {
    "0.6b": (Kind.RECOGNIZER, REAL_ASR_06B),
    "1.7b": (Kind.RECOGNIZER, REAL_ASR_17B),
    "aligner": (Kind.ALIGNER, REAL_ALIGNER),
    # To try the benchmarks themselves: the family's vocabulary, and hardly anything else.
    "tiny": (Kind.RECOGNIZER, replace(TINY, n_words=REAL_ASR_06B.n_words)),
    "tiny-aligner": (Kind.ALIGNER, replace(TINY, n_words=REAL_ALIGNER.n_words)),
}
_REAL = ("0.6b", "1.7b", "aligner")
# The family's own ids: programs in C have them in their code.
SPECIAL_IDS = {
    "<|endoftext|>": 151_643, "<|im_start|>": 151_644, "<|im_end|>": 151_645, "<|audio_start|>": 151_669,
    "<|audio_end|>": 151_670, "<|audio_pad|>": 151_676, "<asr_text>": 151_704, "<timestamp>": 151_705,
}  # fmt: skip
_N_ORDINARY = min(SPECIAL_IDS.values())  # all ids from here on are special, named or not
_BIN_MS = 80
_STD = 0.02  # Qwen3's own initializer_range
_RECIPE = "2"  # changes when a folder written before must be written anew
_MARKER = "recipe.json"


def write(name: str, folder: Path = DEFAULT_FOLDER, seed: int = 1) -> Path:
    """Return the folder of a model, written if it is not there yet.

    Args:
        name: A key of `MODELS`.
        folder: The folder of all of them.
        seed: Of the random numbers; the same seed gives the same bytes.
    """
    kind, shape = MODELS[name]
    target = folder / name
    recipe = {"recipe": _RECIPE, "seed": seed, "shape": repr(shape)}
    if _is_written(target, recipe):
        return target
    folder.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(target, ignore_errors=True)
    with tempfile.TemporaryDirectory(
        dir=folder
    ) as name_of_draft:  # an interrupted one is never taken for whole
        draft = Path(name_of_draft) / "model"
        draft.mkdir()
        _write_model(draft, kind, shape, seed)
        (draft / _MARKER).write_text(json.dumps(recipe), "utf-8")
        draft.replace(target)
    return target


def _is_written(target: Path, recipe: dict[str, Any]) -> bool:
    marker = target / _MARKER
    return os.path.isfile(marker) and json.loads(marker.read_text("utf-8")) == recipe


def _write_model(folder: Path, kind: Kind, shape: Shape, seed: int) -> None:
    config = configuration(kind, shape)
    settings = {**config.to_dict(), **_special_settings()}
    with torch.device("meta"):
        empty = CLASSES[kind](config)
    generator = torch.Generator().manual_seed(seed)
    weights = {
        original_name(name): _random(name, tuple(tensor.shape), generator)
        for name, tensor in empty.state_dict().items()
        if kind is Kind.ALIGNER or name != "lm_head.weight"
    }
    embedding = weights["thinker.model.embed_tokens.weight"]
    embedding[_N_ORDINARY:] = 0
    if kind is Kind.RECOGNIZER:  # the official files carry the tied head a second time
        weights["thinker.lm_head.weight"] = embedding.clone()
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    write_original_settings(folder, settings, _tokenizer(kind), _BIN_MS if kind is Kind.ALIGNER else None)


def _special_settings() -> dict[str, Any]:
    ids = SPECIAL_IDS
    return {
        "audio_token_id": ids["<|audio_pad|>"],
        "audio_start_token_id": ids["<|audio_start|>"],
        "timestamp_token_id": ids["<timestamp>"],
        "pad_token_id": ids["<|endoftext|>"],
        "eos_token_id": [ids["<|endoftext|>"], ids["<|im_end|>"]],
    }


def _random(name: str, shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    """Return random matrices, norms of 1 and biases of 0, `bfloat16`."""
    if len(shape) == 1:
        return torch.full(shape, 0.0 if name.endswith("bias") else 1.0, dtype=torch.bfloat16)
    return (torch.randn(shape, generator=generator) * _STD).to(torch.bfloat16)


def _tokenizer(kind: Kind) -> dict[str, Any]:
    """Return the demo pair's tokenizer with the family's special ids, and made-up words up to these."""
    folder = ROOT / "qasr_cli" / "demo" / ("aligner" if kind is Kind.ALIGNER else "asr")
    tokenizer: dict[str, Any] = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    ids: dict[str, int] = tokenizer["model"]["vocab"]
    words = sorted(ids, key=ids.__getitem__)
    known = set(words)
    fillers = (word for word in _filler_words() if word not in known)
    words += itertools.islice(fillers, _N_ORDINARY - len(words))
    tokenizer["model"]["vocab"] = {word: number for number, word in enumerate(words)}
    added = {SPECIAL_IDS[token["content"]]: token for token in tokenizer["added_tokens"]}
    like = added[SPECIAL_IDS["<|im_end|>"]]
    # Without gaps: the tokenizers library numbers added tokens one after another, whatever ids they claim.
    tokenizer["added_tokens"] = [
        {**added.get(number, {**like, "content": f"<|unused_{number}|>"}), "id": number}
        for number in range(_N_ORDINARY, max(SPECIAL_IDS.values()) + 1)
    ]
    return tokenizer


def _filler_words() -> Iterator[str]:
    """Yield made-up words; five of eight begin with a space, which gives 75 words in 120 tokens."""
    for number, letters in enumerate(itertools.product(string.ascii_lowercase, repeat=4)):
        yield ("Ġ" if number % 8 < 5 else "") + "".join(letters)


def main() -> None:
    """Write the models that are named, or those of real shapes."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.random_weights")
    parser.add_argument("models", nargs="*", choices=[*MODELS, []], help=f"default: {' '.join(_REAL)}")
    parser.add_argument("--out", type=Path, default=DEFAULT_FOLDER)
    arguments = parser.parse_args()
    for name in arguments.models or _REAL:
        sys.stdout.write(f"{write(name, arguments.out)}\n")


if __name__ == "__main__":
    main()
