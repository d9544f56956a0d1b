"""Cut the clips on which a model's 8-bit weights are judged, out of `samples/`.

    python -m tools.make_calibration

They are whole sentences in three languages, with 150 ms before and after. The file is small (IMA ADPCM, four
bits a sample), so that it travels with the package; the loss is the same for both formats that are compared.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from qasr_cli.engines.qwen3 import calibration, ima_adpcm
from qasr_cli.media import decode
from qasr_cli.options import MediaOptions
from qasr_cli.timebase import SAMPLE_RATE_HZ, SAMPLES_PER_MS

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "samples" / "three-languages.ogg"
TRUTH = ROOT / "samples" / "three-languages.truth.json"
OUT = ROOT / "qasr_cli" / "engines" / "qwen3" / calibration.CLIPS_FILE
_MARGIN_MS = 150  # less than half of the pause between two sentences
# Sentences of the truth, by language: 2 to 4 s, names and numbers among them.
CHOSEN = (*(0, 1, 3, 17), *(5, 6, 8, 22), *(10, 11, 13, 24))


def sentences() -> list[list[dict[str, Any]]]:
    """Return the words of each sentence of the recording."""
    return split(json.loads(TRUTH.read_text("utf-8"))["words"])


def split(words: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return the words of each sentence; words without an end of a sentence behind them are left out."""
    found: list[list[dict[str, Any]]] = [[]]
    for word in words:
        found[-1].append(word)
        if word["text"][-1] in ".?!":
            found.append([])
    return found[:-1]


def cut(samples: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the chosen sentences, `int16[n]` with n even."""
    every = sentences()
    for number in CHOSEN:
        start_ms = every[number][0]["start_ms"] - _MARGIN_MS
        end_ms = every[number][-1]["end_ms"] + _MARGIN_MS
        yield samples[start_ms * SAMPLES_PER_MS : end_ms * SAMPLES_PER_MS]


def main() -> None:
    """Write the file."""
    with decode.open_audio(SOURCE, MediaOptions()) as stream:
        samples = np.concatenate(list(stream))
    pieces = list(cut(samples))
    padded = np.zeros((len(pieces), max(map(len, pieces))), dtype=np.int16)
    for row, piece in zip(padded, pieces, strict=True):
        row[: len(piece)] = piece
    n_samples = np.array([len(piece) for piece in pieces], dtype=np.int32)
    np.savez_compressed(OUT, codes=ima_adpcm.encode(padded), n_samples=n_samples)
    seconds, n_bytes = n_samples.sum() / SAMPLE_RATE_HZ, OUT.stat().st_size
    print(f"{OUT.relative_to(ROOT)}: {len(pieces)} clips, {seconds:.1f} s, {n_bytes} bytes")


if __name__ == "__main__":
    main()
