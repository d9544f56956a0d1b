"""What the guard changes: word errors, inventions and wrong languages, with it and without.

    python -m tests.bench.guard              with the demo pair; needs the `demo-model` extra, takes minutes
    python -m tests.bench.guard --model 0.6b

Without: the recognizer alone, on the same chunks of speech as with; on sounds without speech on all of them,
since nothing keeps it from them. With: voice detection, the detectors, the ladder and the coverage check, as
in `qasr transcribe`. The speech is the samples, and sentences that the demo pair never heard, in voices that
it knows and in others; half of these clips have noise 10 to 20 dB below them.

A second table spoils every other answer on purpose, in the ways that are known of speech models (`faulty`):
how many of the spoilt chunks still hold a spoilt text, or none, when the guard is done, and how many of those
it does not say are doubtful.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import soundfile

from qasr_cli import engines, languages
from qasr_cli.options import DecodeOptions, EngineOptions, Options
from qasr_cli.pipeline import finish
from qasr_cli.pipeline.containment import contain
from qasr_cli.pipeline.prepare import Prepared, prepare
from qasr_cli.records import Source
from qasr_cli.speech.audio import chunking
from qasr_cli.speech.fallback.review import ReviewedSource, review
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.recognition import recognize
from qasr_cli.speech.recognition.passes import RecognizedSource
from qasr_cli.speech.recognition.recognize import RecognizedChunk
from tests.bench import faulty

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


def _alone(case: Case, prepared: Prepared, pair: Session) -> tuple[str, str | None, list[str]]:
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


def _heard(
    prepared: Prepared, pair: Session, told: DecodeOptions = OPTIONS.decode
) -> tuple[list[RecognizedChunk], ReviewedSource]:
    """What `qasr transcribe` hears first, and what it makes of it."""
    limits = OPTIONS.chunk.limited_to(pair.recognizer.capacity.max_chunk_ms)
    pieces = []
    for chunk in chunking.plan(0, prepared.speech, limits):
        audio = [prepared.waveform.read(chunk.start_ms, chunk.end_ms)]
        pieces += recognize.recognize_batch(audio, [chunk], pair, told)
    recording = RecognizedSource(prepared.waveform, prepared.speech, tuple(pieces))
    (text,) = review([recording], pair, told, OPTIONS.guard, OPTIONS.align, contain)
    return pieces, text


def _guarded(prepared: Prepared, pair: Session) -> tuple[str, str | None, list[str]]:
    """What `qasr transcribe` makes of it."""
    _, text = _heard(prepared, pair)
    whole = finish.build_transcript(prepared, text.segments, pair.engines, OPTIONS)
    flags = [flag for segment in text.segments for flag in segment.flags]
    return " ".join(segment.text for segment in text.segments), whole.language, flags


def measure(name: str, cases: Iterator[Case], pair: Session, folder: Path) -> None:
    """Print a row for each way."""
    scores = {"without": Score(), "with": Score()}
    for case in cases:
        prepared = prepare(Source(0, case.path, Path(case.path.name)), folder, OPTIONS, threading.Event())
        scores["without"].add(case, *_alone(case, prepared, pair))
        scores["with"].add(case, *_guarded(prepared, pair))
    for way, score in scores.items():
        wer = f"{100 * score.n_wrong / score.n_words:.1f} %" if score.n_words else "-"
        language = f"{score.n_wrong_language} of {score.n_clips}" if score.n_words else "-"
        invented = "-" if score.n_words else f"{score.n_invented} in {score.n_clips} clips"
        sys.stdout.write(f"| {name} | {way} | {wer} | {invented} | {language} | {len(score.flags)} |\n")
        sys.stdout.flush()


@dataclass
class Damage:
    """Chunks whose first answer was spoilt, and what became of them."""

    n_chunks: int = 0
    n_spoilt: int = 0
    n_left: int = 0
    n_unsaid: int = 0
    alone: Score = field(default_factory=Score)
    guarded: Score = field(default_factory=Score)

    def add(
        self, case: Case, pieces: Sequence[RecognizedChunk], text: ReviewedSource, spoilt: set[str]
    ) -> None:
        """Count one recording; `spoilt` are the texts that were made up."""
        self.alone.add(case, " ".join(piece.hypothesis.text for piece in pieces), None, ())
        self.guarded.add(case, " ".join(segment.text for segment in text.segments), None, ())
        self.n_chunks += len(pieces)
        for piece in pieces:
            if piece.hypothesis.text not in spoilt:
                continue
            chunk = piece.chunk
            inside = [s for s in text.segments if s.start_ms < chunk.end_ms and chunk.start_ms < s.end_ms]
            left = [segment for segment in inside if segment.text in spoilt]
            lost = [s for s in text.uncovered if s.start_ms < chunk.end_ms and chunk.start_ms < s.end_ms]
            self.n_spoilt += 1
            self.n_left += bool(left or not inside)
            self.n_unsaid += not all(segment.flags for segment in left) or not (inside or lost)


def measure_faults(name: str, cases: Sequence[Case], pair: Session, folder: Path) -> None:
    """Print a row for a recognizer that every other answer of is spoilt in one way."""
    recognizer = faulty.Faulty(pair.recognizer, faulty.FAULTS[name])
    broken = Session(replace(pair.engines, recognizer=recognizer))
    told = replace(OPTIONS.decode, context=faulty.CONTEXT if "context" in name else "")
    damage = Damage()
    for case in cases:
        source = Source(0, case.path, Path(case.path.name))
        prepared = prepare(source, folder, OPTIONS, threading.Event())
        damage.add(case, *_heard(prepared, broken, told), recognizer.spoilt)
    alone, guarded = damage.alone, damage.guarded
    sys.stdout.write(
        f"| {name} | {damage.n_spoilt} of {damage.n_chunks} | {damage.n_left} | {damage.n_unsaid} | "
        f"{100 * alone.n_wrong / alone.n_words:.1f} % | {100 * guarded.n_wrong / guarded.n_words:.1f} % |\n"
    )
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
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        measure("samples", _samples(), pair, folder)
        measure("unheard sentences", _held_out(folder, arguments.clips), pair, folder)
        measure("no speech", _speechless(folder, arguments.clips), pair, folder)
        sys.stdout.write("\n| the model | chunks spoilt | with the guard | of these unsaid | WER | with |\n")
        sys.stdout.write("|---|---|---|---|---|---|\n")
        cases = [*_samples(), *_held_out(folder, arguments.clips // 4)]
        for name in faulty.FAULTS:
            measure_faults(name, cases, pair, folder)


if __name__ == "__main__":
    main()
