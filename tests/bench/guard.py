"""What the guard changes: word errors, inventions and wrong languages, with it and without.

    python -m tests.bench.guard              with the demo pair; needs the `demo-model` extra, takes minutes
    python -m tests.bench.guard --model 0.6b

Without: the recognizer alone, on the same chunks of speech as with; on sounds without speech on all of them,
since nothing keeps it from them. With: voice detection, the detectors, the ladder and the coverage check, as
in `qasr transcribe`. The speech is the samples, and sentences that the demo pair never heard, in voices that
it knows and in others; half of these clips have noise 10 to 20 dB below them.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile

from qasr_cli import engines, languages, pipeline
from qasr_cli.options import EngineOptions, Options
from qasr_cli.records import Source
from qasr_cli.runs.engine_lane import contain
from qasr_cli.speech import chunking, transcribe
from qasr_cli.speech.hearing import Recording
from qasr_cli.speech.protocols import Engines
from qasr_cli.speech.review import review

SAMPLES = Path(__file__).parents[2] / "samples"
OPTIONS = Options()
_RATE_HZ = 16_000


@dataclass(frozen=True)
class Case:
    """One recording: where it is, what is said in it (nothing: no speech), and in which language."""

    path: Path
    text: str = ""
    language: str = ""


@dataclass
class Score:
    """Errors so far."""

    n_words: int = 0
    n_wrong: float = 0.0
    n_invented: int = 0
    n_clips: int = 0
    n_wrong_language: int = 0
    flags: list[str] = field(default_factory=list)

    def add(self, case: Case, text: str, language: str | None, flags: Sequence[str]) -> None:
        """Count one recording."""
        from tools.demo_model.scoring import bare, errors_by_word

        said, written = bare(case.text), bare(text)
        self.n_clips += 1
        self.flags += flags
        if not said:
            self.n_invented += len(written)
            return
        self.n_words += len(said)
        self.n_wrong += float(errors_by_word(said, written).sum())
        self.n_wrong_language += language != case.language


def _samples() -> Iterator[Case]:
    talk = json.loads((SAMPLES / "talk.truth.json").read_text("utf-8"))
    yield Case(SAMPLES / "talk.mp4", talk["text"], "en")
    for name, truth in json.loads((SAMPLES / "clips.truth.json").read_text("utf-8")).items():
        yield Case(SAMPLES / "clips" / name, truth["text"], "en")


def _held_out(folder: Path, n_each: int) -> Iterator[Case]:
    from tools.demo_model import noise
    from tools.demo_model.clips import held_out_clips
    from tools.demo_model.texts import LANGUAGES

    rng = np.random.default_rng(9)
    for code in LANGUAGES:
        for voices in ("training", "held-out"):
            for number, clip in enumerate(held_out_clips("dev", voices, code, n_each)):
                samples = clip.samples
                if number % 2:
                    sound = noise.make("coloured", rng, len(samples) / _RATE_HZ + 1)[: len(samples)]
                    level = (samples**2).mean() / (sound**2).mean() * 10 ** -rng.uniform(1, 2)
                    samples = samples + sound * np.sqrt(level)
                path = folder / f"{code}-{voices}-{number}.flac"
                soundfile.write(path, samples * 0.7 / np.abs(samples).max(), _RATE_HZ)
                yield Case(path, clip.text, code)


def _speechless(folder: Path, n_each: int) -> Iterator[Case]:
    from tools.demo_model.clips import speechless

    for number, (kind, samples) in enumerate(speechless("dev", n_each)):
        path = folder / f"speechless-{number}-{kind}.flac"
        soundfile.write(path, samples, _RATE_HZ)
        yield Case(path)


def _alone(case: Case, prepared: pipeline.Prepared, pair: Engines) -> tuple[str, str | None, list[str]]:
    """What the recognizer says by itself."""
    limits = OPTIONS.chunk.limited_to(pair.recognizer.capacity.max_chunk_ms)
    if case.text:
        spans = [(chunk.start_ms, chunk.end_ms) for chunk in chunking.plan(0, prepared.speech, limits)]
    else:
        end_ms = prepared.waveform.duration_ms
        spans = [(at, min(at + limits.max_ms, end_ms)) for at in range(0, end_ms, limits.max_ms)]
    answers = [
        answer
        for span in spans
        for answer in pair.recognizer.recognize([prepared.waveform.read(*span)], OPTIONS.decode)
    ]
    named = [languages.find(answer.language) for answer in answers if answer.language]
    codes = [known.code for known in named if known]
    language = max(set(codes), key=codes.count) if codes else None
    return " ".join(answer.text for answer in answers), language, []


def _guarded(prepared: pipeline.Prepared, pair: Engines) -> tuple[str, str | None, list[str]]:
    """What `qasr transcribe` makes of it."""
    limits = OPTIONS.chunk.limited_to(pair.recognizer.capacity.max_chunk_ms)
    chunks = chunking.plan(0, prepared.speech, limits)
    pieces = []
    for chunk in chunks:
        audio = [prepared.waveform.read(chunk.start_ms, chunk.end_ms)]
        pieces += transcribe.hear(audio, [chunk], pair, OPTIONS.decode)
    recording = Recording(prepared.waveform, prepared.speech, tuple(pieces))
    (text,) = review([recording], pair, OPTIONS.decode, OPTIONS.guard, OPTIONS.align, contain)
    whole = pipeline.finish(prepared, text.segments, pair, OPTIONS)
    flags = [flag for segment in text.segments for flag in segment.flags]
    return " ".join(segment.text for segment in text.segments), whole.language, flags


def measure(name: str, cases: Iterator[Case], pair: Engines, folder: Path) -> None:
    """Print a row for each way."""
    scores = {"without": Score(), "with": Score()}
    for case in cases:
        prepared = pipeline.prepare(
            Source(0, case.path, Path(case.path.name)), folder, OPTIONS, threading.Event()
        )
        scores["without"].add(case, *_alone(case, prepared, pair))
        scores["with"].add(case, *_guarded(prepared, pair))
    for way, score in scores.items():
        wer = f"{100 * score.n_wrong / score.n_words:.1f} %" if score.n_words else "-"
        language = f"{score.n_wrong_language} of {score.n_clips}" if score.n_words else "-"
        invented = "-" if score.n_words else f"{score.n_invented} in {score.n_clips} clips"
        sys.stdout.write(f"| {name} | {way} | {wer} | {invented} | {language} | {len(score.flags)} |\n")
        sys.stdout.flush()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.guard", description=__doc__)
    parser.add_argument("--model", default="demo")
    parser.add_argument("--clips", type=int, default=20, help="of each kind")
    arguments = parser.parse_args()
    pair = engines.load(EngineOptions(model=arguments.model))
    sys.stdout.write("| recordings | guard | WER | invented words | wrong language | flags left |\n")
    sys.stdout.write("|---|---|---|---|---|---|\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        measure("samples", _samples(), pair, folder)
        measure("unheard sentences", _held_out(folder, arguments.clips), pair, folder)
        measure("no speech", _speechless(folder, arguments.clips), pair, folder)


if __name__ == "__main__":
    main()
