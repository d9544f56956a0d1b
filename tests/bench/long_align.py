"""An hour's talk followed through a script that is not quite its own, with the demo pair.

    python -m tests.bench.long_align              60 minutes, and 20 to compare the memory with
    python -m tests.bench.long_align --minutes 6

Speaks sentences that the demo pair never heard (so it needs the `demo-model` extra), with two minutes of
music in the middle. In the script one word in twenty is another, a paragraph stands that nobody says, and one
is missing that somebody does. Prints how many kept words are within 200 ms, and what was reported. Below 20
minutes the talk does not fill a batch, so that its memory says nothing about a longer one's.
"""

from __future__ import annotations

import argparse
import difflib
import json
import random
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from tests.measuring import measure_qasr

NEAR_MS = 200
_RATE_HZ = 16_000
_MUSIC_S = 120
_N_APART = 12  # sentences of the ad-lib, and of the paragraph that nobody says
_CHANGED = 0.05


@dataclass
class Talk:
    """What is spoken, and the script that somebody has of it.

    Attributes:
        samples: float32[n] at 16 kHz.
        kept: Words that script and recording share: text, start and end in ms.
        script: Its lines.
        unspoken: The paragraph that nobody says.
        ad_lib: The paragraph that the script lacks.
    """

    samples: np.ndarray
    kept: list[tuple[str, float, float]]
    script: list[str]
    unspoken: str
    ad_lib: str


def speak(minutes: float, seed: int) -> Talk:
    """Make a talk of so many minutes and its script; the same every time."""
    from tools.demo_model import noise
    from tools.demo_model.clips import say
    from tools.demo_model.synth import UntimedError
    from tools.demo_model.texts import LANGUAGES, Mix
    from tools.demo_model.voices import Voice

    rng = random.Random(seed)
    english, voice = LANGUAGES["en"], Voice("gmw/en-US", "f1", 160, 50, 55)
    pieces: list[np.ndarray] = [np.zeros(_RATE_HZ, np.float32)]
    kept: list[tuple[str, float, float]] = []
    script: list[str] = []
    unspoken: list[str] = []
    ad_lib: list[str] = []
    length, half = _RATE_HZ, minutes * 30 * _RATE_HZ
    has_music = False
    while length < minutes * 60 * _RATE_HZ:
        text = english.sentence(rng, "test", Mix(salad=0.0, patchwork=0.0))
        is_late = length > half
        if is_late and len(unspoken) < _N_APART:
            unspoken.append(text)
            script.append(text)
            continue
        try:
            said = say(text, voice)
        except UntimedError:
            continue
        begin_ms = length * 1000 / _RATE_HZ
        if (
            is_late
            and len(unspoken) == _N_APART
            and len(script) > len(unspoken) + 40
            and len(ad_lib) < _N_APART
        ):
            ad_lib.append(text)
        else:
            line = []
            for word in said.words:
                is_changed = rng.random() < _CHANGED
                line.append(rng.choice(english.vocabulary) if is_changed else word.text)
                if not is_changed:
                    kept.append((word.text, begin_ms + word.start_ms, begin_ms + word.end_ms))
            script.append(" ".join(line))
        pause = np.zeros(int(rng.uniform(0.2, 1.2) * _RATE_HZ), np.float32)
        pieces += [said.samples, pause]
        length += len(said.samples) + len(pause)
        if is_late and not has_music:
            has_music = True
            music = 0.3 * noise.make("melody", np.random.default_rng(seed), min(_MUSIC_S, minutes * 10))
            pieces.append(music)
            length += len(music)
    samples = np.concatenate(pieces)
    return Talk(samples / np.abs(samples).max() * 0.7, kept, script, " ".join(unspoken), " ".join(ad_lib))


def _share_near(talk: Talk, words: list[dict[str, Any]]) -> float:
    """Share of the kept words that stand in the result within NEAR_MS at both ends."""
    places: dict[str, list[tuple[int, int]]] = {}
    for word in words:
        places.setdefault(word["text"], []).append((word["start_ms"], word["end_ms"]))
    n_near = sum(
        any(max(abs(begin - start_ms), abs(end - end_ms)) <= NEAR_MS for begin, end in places.get(text, []))
        for text, start_ms, end_ms in talk.kept
    )
    return n_near / len(talk.kept)


def _told(reported: list[dict[str, Any]], truth: str) -> str:
    """Say how many words were reported, and how many of the true ones are among them in their order."""
    words = [word for one in reported for word in one["text"].split()]
    matcher = difflib.SequenceMatcher(None, words, truth.split(), autojunk=False)
    n_right = sum(block.size for block in matcher.get_matching_blocks())
    return f"{len(words)}, {n_right} of {len(truth.split())} right"


def measure(minutes: float, seed: int = 1) -> None:
    """Print a row of the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        talk = speak(minutes, seed)
        soundfile.write(folder / "talk.flac", talk.samples, _RATE_HZ)
        (folder / "script.txt").write_text("\n".join(talk.script), "utf-8")
        usage = measure_qasr(
            *("align", "talk.flac", "script.txt", "--model", "demo", "--json", "--report", "report.json"),
            folder=folder,
        )
        if usage.exit_code:
            raise SystemExit(f"qasr align failed:\n{usage.errors}")
        segments = json.loads((folder / "talk.json").read_text("utf-8"))["segments"]
        report = json.loads((folder / "report.json").read_text("utf-8"))
    words = [word for segment in segments for word in segment["words"]]
    unspoken, ad_lib = _told(report["unspoken"], talk.unspoken), _told(report["ad_libs"], talk.ad_lib)
    length_min, near = len(talk.samples) / _RATE_HZ / 60, 100 * _share_near(talk, words)
    sys.stdout.write(
        f"| {length_min:.1f} min | {len(talk.kept)} | {near:.1f} % "
        f"| {unspoken} | {ad_lib} "
        f"| {usage.wall_s:.0f} s | {usage.peak_mb:.0f} MB |\n"
    )
    sys.stdout.flush()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.long_align", description=__doc__)
    parser.add_argument("--minutes", type=float, nargs="+", default=[20.0, 60.0])
    sys.stdout.write(
        f"| talk | kept words | within {NEAR_MS} ms | unspoken words reported | ad-lib words reported | time "
        "| peak memory |\n|---|---|---|---|---|---|---|\n"
    )
    for minutes in parser.parse_args().minutes:
        measure(minutes)


if __name__ == "__main__":
    main()
