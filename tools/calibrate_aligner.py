"""Measure how early or late an aligner puts words, on recordings whose word times are known.

    python -m tools.calibrate_aligner                          the demo pair's aligner, on samples/
    python -m tools.calibrate_aligner --model 0.6b --truth DIR on recordings of your own
    ... --write                                                keep the number in the aligner's config.json

A truth file is `NAME.truth.json` beside the media: language, text and words with start_ms and end_ms, as in
samples/. The true text is aligned, so that no recognizer's error is in the figures. The offset is measured on
every second piece of audio and judged on the others. It is the mean signed error of starts and ends, of words
that are less than 200 ms off: a misplaced word says nothing about rounding.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from transformers.utils import logging as transformers_logging

from qasr_cli import languages
from qasr_cli.engines import device, model_store
from qasr_cli.engines.layouts import OFFSET_KEY, Kind
from qasr_cli.engines.model_store import StoredModel
from qasr_cli.engines.qwen3 import loading
from qasr_cli.engines.qwen3.engine import Qwen3Aligner
from qasr_cli.engines.qwen3.setup import Setup
from qasr_cli.media import decode
from qasr_cli.options import MediaOptions
from qasr_cli.records import Chunk, Span
from qasr_cli.speech.alignment.forced_alignment import AlignmentInput, align_words
from qasr_cli.speech.inference.protocols import Aligner, AlignRequest, Capacity, Engines, Posterior
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.text import display_words
from qasr_cli.timebase import SAMPLES_PER_MS

SAMPLES = Path(__file__).parents[1] / "samples"
_MARGIN_MS = 200  # what voice detection leaves around speech
_PAUSE_MS = 250  # where a recording may be cut
_NEAR_MS = 200


@dataclasses.dataclass(frozen=True)
class Piece:
    """A stretch of a recording for one pass of the aligner, and the truth about it.

    Attributes:
        edges_ms: `float64[n_words, 2]`, from the piece's start.
    """

    spoken: AlignmentInput
    edges_ms: np.ndarray


class Shifted:
    """The aligner with another offset than its own."""

    def __init__(self, aligner: Qwen3Aligner, offset_ms: int) -> None:
        self._aligner, self._offset_ms = aligner, offset_ms
        self.model_id = aligner.model_id
        self.capacity: Capacity = aligner.capacity

    def supports(self, language: str | None) -> bool:
        """As the aligner says."""
        return self._aligner.supports(language)

    def align(self, requests: Sequence[AlignRequest]) -> list[Posterior]:
        """Return the aligner's answers, moved."""
        return [
            dataclasses.replace(answer, offset_ms=self._offset_ms) for answer in self._aligner.align(requests)
        ]


def load_aligner(aligner: str, model: str, device_name: str) -> tuple[StoredModel, Qwen3Aligner]:
    """Return an aligner in full precision, named as on qasr's command line, and where it is."""
    transformers_logging.disable_progress_bar()
    location = model_store.aligner_location(aligner, model)
    assert location, "--aligner none has no offset"
    checkpoint = model_store.fetch(location)
    return checkpoint, Qwen3Aligner(
        loading.open_model(Kind.ALIGNER, checkpoint), Setup(device.place(device_name, "fp32"))
    )


def recordings(folder: Path) -> Iterator[tuple[Path, int, dict[str, Any]]]:
    """Yield media file, audio track and truth of every recording in one language in a folder."""
    for path in sorted(folder.rglob("*.truth.json")):
        name = path.name.removesuffix(".truth.json")
        content = json.loads(path.read_text("utf-8"))
        if "words" in content or "tracks" in content:
            media = next(file for file in sorted(path.parent.glob(f"{name}.*")) if file != path)
            for track, truth in enumerate(content.get("tracks", [content])):
                if "," not in truth.get("language", ""):
                    yield media, track, truth
        else:  # a folder of clips, by file name
            for file, truth in content.items():
                yield path.parent / name / file, 0, truth


def pieces(media: Path, track: int, truth: dict[str, Any], max_ms: int) -> Iterator[Piece]:
    """Yield a recording in pieces that the aligner can hear at once, cut at pauses."""
    with decode.open_audio(media, MediaOptions(audio_track=track)) as stream:
        samples = np.concatenate(list(stream)).astype(np.float32) / 32768
    known = languages.parse(truth.get("language") or "")
    code, name = (known.code, known.name) if known else (None, None)
    for some in _cut(truth["words"], max_ms - 2 * _MARGIN_MS):
        start_ms = max(0, some[0]["start_ms"] - _MARGIN_MS)
        end_ms = min(len(samples) // SAMPLES_PER_MS, some[-1]["end_ms"] + _MARGIN_MS)
        shown = display_words.split(" ".join(word["text"] for word in some), code)
        if len(shown) != len(some):
            continue  # a truth whose words are not words to qasr
        audio = samples[start_ms * SAMPLES_PER_MS : end_ms * SAMPLES_PER_MS]
        chunk = Chunk(0, 0, 0, end_ms - start_ms, (Span(0, end_ms - start_ms),))
        edges = np.array([[word["start_ms"], word["end_ms"]] for word in some], dtype=float) - start_ms
        yield Piece(AlignmentInput(chunk, audio, name, shown), edges)


def _cut(truth: Sequence[dict[str, Any]], max_ms: int) -> Iterator[Sequence[dict[str, Any]]]:
    """Yield runs of words as long as possible that end at a pause; without one, at the limit."""
    first = 0
    while first < len(truth):
        fitting = [
            last
            for last in range(first + 1, len(truth) + 1)
            if truth[last - 1]["end_ms"] - truth[first]["start_ms"] <= max_ms
        ] or [first + 1]
        pauses = [
            last
            for last in fitting
            if last == len(truth) or truth[last]["start_ms"] - truth[last - 1]["end_ms"] >= _PAUSE_MS
        ]
        last = (pauses or fitting)[-1]
        yield truth[first:last]
        first = last


def errors_ms(aligner: Aligner, heard: Sequence[Piece]) -> np.ndarray:
    """Return `float64[n_words, 2]`, found minus true start and end, of words that were found."""
    timed = align_words([piece.spoken for piece in heard], Session(Engines(None, aligner)))  # type: ignore[arg-type]
    found = [
        np.array([[word.start_ms, word.end_ms] for word in some], dtype=float) - piece.edges_ms
        for some, piece in zip(timed, heard, strict=True)
    ]
    every = np.concatenate(found)
    near: np.ndarray = every[np.abs(every).max(axis=1) < _NEAR_MS]
    return near


def describe(errors: np.ndarray) -> str:
    """Return one line: means of the signed and the absolute errors, and over how many words."""
    starts, ends = errors.mean(axis=0)
    return (
        f"mean signed error {errors.mean():+6.1f} ms (starts {starts:+.1f}, ends {ends:+.1f}), "
        f"mean absolute {np.abs(errors).mean():.1f} ms, {len(errors)} words"
    )


def main() -> None:
    """Measure, print, and write if asked to."""
    parser = argparse.ArgumentParser(prog="python -m tools.calibrate_aligner")
    parser.add_argument("--model", default="demo", help="as qasr's --model; its aligner is measured")
    parser.add_argument("--aligner", default="auto", help="as qasr's --aligner")
    parser.add_argument("--truth", type=Path, default=SAMPLES, help="folder of media and truth files")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--write", action="store_true", help=f"set {OFFSET_KEY} in the aligner's config.json")
    arguments = parser.parse_args()
    checkpoint, aligner = load_aligner(arguments.aligner, arguments.model, arguments.device)
    heard = [
        piece
        for media, track, truth in recordings(arguments.truth)
        for piece in pieces(media, track, truth, aligner.capacity.max_chunk_ms)
    ]
    offset_ms = round(-float(errors_ms(Shifted(aligner, 0), heard[::2]).mean()))
    print(f"{aligner.model_id}: {len(heard)} pieces")
    print(f"measured on every second piece: {OFFSET_KEY} = {offset_ms}")
    for label, tried_ms in (("before", 0), ("after", offset_ms)):
        print(f"the other pieces, {label}: {describe(errors_ms(Shifted(aligner, tried_ms), heard[1::2]))}")
    if arguments.write:
        path = checkpoint.folder / "config.json"
        if path.is_symlink():
            raise SystemExit(
                f"{path} belongs to the hub's cache; copy the checkpoint to a folder of yours first"
            )
        config = json.loads(path.read_text("utf-8")) | {OFFSET_KEY: offset_ms}
        path.write_text(json.dumps(config, indent=2) + "\n", "utf-8")
        print(f"written to {path}")


if __name__ == "__main__":
    main()
