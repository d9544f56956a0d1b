"""Fit the map of confidences that ships with the demo pair: `python -m tools.make_confidence`.

In go the sentences of `samples/`, alone and two in a row, without noise and with noise at four levels; out
goes `confidence.json` into the demo recognizer's folder. It prints figures of raw and fitted confidences, the
latter on held-out fifths, and the table of docs/explanation/confidence.md: ways to make one of both.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rapidfuzz.distance import Levenshtein

from qasr_cli import engines
from qasr_cli.engines import confidence_files
from qasr_cli.evaluation.calibration import reliability
from qasr_cli.evaluation.calibration.evidence import ConfidenceEvidence
from qasr_cli.evaluation.scoring.word_times import folded
from qasr_cli.media import decode
from qasr_cli.options import AlignOptions, DecodeOptions, EngineOptions, MediaOptions
from qasr_cli.records import INT16_SCALE, Chunk, Span
from qasr_cli.speech.inference.confidence_map import Evidence
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.recognition import recognize
from qasr_cli.timebase import SAMPLES_PER_MS
from tools import calibrate_aligner, make_calibration

SAMPLES = Path(__file__).parents[1] / "samples"
FILE = Path(__file__).parents[1] / "qasr_cli" / "demo" / "asr" / confidence_files.NAME
_PAD_MS, _MAX_MS = 150, 20_000
_NOISES_DB = (None, 20, 12, 6, 2)  # signal to noise; the last one leaves half of the words right
_SEED = 5

Words = list[dict[str, Any]]


def clips() -> Iterator[tuple[np.ndarray, Words]]:
    """Yield `float32[n_samples]` and true words of every sentence, and of every two in a row."""
    for media, track, truth in calibrate_aligner.recordings(SAMPLES):
        with decode.open_audio(media, MediaOptions(audio_track=track)) as stream:
            samples = np.concatenate([*stream]).astype(np.float32) * INT16_SCALE
        sentences = make_calibration.split(truth["words"])
        for spoken in [*sentences, *([*a, *b] for a, b in itertools.pairwise(sentences))]:
            start_ms, end_ms = spoken[0]["start_ms"] - _PAD_MS, spoken[-1]["end_ms"] + _PAD_MS
            if end_ms - start_ms <= _MAX_MS:
                yield samples[max(0, start_ms) * SAMPLES_PER_MS : end_ms * SAMPLES_PER_MS], spoken


def with_noise(clip: np.ndarray, noise_db: int | None, generator: np.random.Generator) -> np.ndarray:
    """Return the clip with smoothed white noise at a ratio of signal to noise."""
    if noise_db is None:
        return clip
    noise = np.convolve(generator.standard_normal(len(clip)), np.ones(4) / 4, "same")
    scale = np.sqrt((clip**2).mean() / (noise**2).mean()) * 10 ** (-noise_db / 20)
    noisy: np.ndarray = (clip + scale * noise).astype(np.float32)
    return noisy


def add(
    evidence: ConfidenceEvidence, clip: np.ndarray, truth: Words, session: Session
) -> list[tuple[float, float, bool]]:
    """Recognise a clip and add its words; return both posteriors of each, and whether it is right."""
    duration_ms = len(clip) // SAMPLES_PER_MS
    chunk = Chunk(0, 0, 0, duration_ms, (Span(0, duration_ms),), duration_ms)
    results = recognize.recognize_batch([clip], [chunk], session, DecodeOptions())
    segment = recognize.align_batch([clip], results, session, AlignOptions())[0].segment
    words = segment.words if segment else ()
    sides = [folded(word["text"]) for word in truth], [folded(word.text) for word in words]
    rights = [False] * len(words)
    for step in Levenshtein.opcodes(*sides):
        if step.tag == "equal":
            rights[step.dest_start : step.dest_end] = [True] * (step.dest_end - step.dest_start)
    evidence.add(words, rights)
    # Where the aligner does not know the language there are no times.
    evidence.add([dataclasses.replace(word, time_posterior=None) for word in words], rights)
    return [
        (word.token_posterior, word.time_posterior, is_right)
        for word, is_right in zip(words, rights, strict=True)
        if word.token_posterior is not None and word.time_posterior is not None
    ]


def print_ways(known: list[tuple[float, float, bool]]) -> None:
    """Print how well each way to make one confidence of both posteriors tells right words from wrong ones."""
    ways: dict[str, Callable[[float, float], float]] = {
        "tokens alone": lambda tokens, times: tokens,
        "times alone": lambda tokens, times: times,
        "product": lambda tokens, times: tokens * times,
        "geometric mean": lambda tokens, times: (tokens * times) ** 0.5,
        "lesser of both": min,
        "tokens x times^1/2": lambda tokens, times: tokens * times**0.5,
        "tokens x times^1/4": lambda tokens, times: tokens * times**0.25,
    }
    rights = [is_right for _, _, is_right in known]
    print(f"{len(known):,} words, {sum(rights) / len(known):.1%} right")
    for name, confidence in ways.items():
        found = reliability.figures([confidence(tokens, times) for tokens, times, _ in known], rights)
        assert found is not None
        print(f"{name:20} AUROC {found.auroc:.3f}  ECE {100 * found.ece:.1f} %")


def main() -> None:
    """Fit, print, write."""
    session = engines.load(EngineOptions(model="demo", device="cpu", dtype="fp32"))
    evidence, generator = ConfidenceEvidence(), np.random.default_rng(_SEED)
    known = [
        word
        for clip, truth in clips()
        for noise_db in _NOISES_DB
        for word in add(evidence, with_noise(clip, noise_db, generator), truth, session)
    ]
    print_ways(known)
    fitted = evidence.fit()
    assert fitted is not None
    for name, figures in (("raw", fitted.before), ("fitted, held out", fitted.after)):
        print(f"{name}: ECE {figures.ece:.4f}, AUROC {figures.auroc:.3f}, {figures.n_words} words")
    content = {
        "schema": confidence_files.SCHEMA,
        "model": session.recognizer.model_id,
        "aligner": session.engines.aligner_id,
        "curves": {one.value: list(fitted.map.knots(one)) for one in Evidence},
        "n_words": fitted.n_words,
    }
    FILE.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
