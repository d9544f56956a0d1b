"""The figures of a pair: ``python -m tools.demo_model evaluate``.

In: a folder with ``asr`` and ``aligner``. Out: Markdown tables on standard output, 95 % bounds in brackets.
"dev" is for choosing; "test" is for one look at the end. Clips go through transformers' own path, whole
recordings through ``qasr transcribe`` as a user runs it.
"""

from __future__ import annotations

import difflib
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from tools.demo_model import clips as held_out
from tools.demo_model import human
from tools.demo_model.clips import HeldOut
from tools.demo_model.pair import Heard, Pair
from tools.demo_model.samples import TALK_VOICE, TURNS, Recording, Turn, in_turn, record
from tools.demo_model.scoring import bare, errors_by_word, interval, percent, share
from tools.demo_model.synth import SAMPLE_RATE_HZ
from tools.demo_model.texts import LANGUAGES, talks
from tools.demo_model.voices import Voice

_GROUPS_S = ((0, 3), (3, 6), (6, 12), (12, 20), (20, 31))
_GROUP_NAMES = " | ".join(f"{low}-{min(high, 30)} s" for low, high in _GROUPS_S)
_NEAR_MS = 1500  # words that begin so near a cut count as beside it
_Errors = list[np.ndarray]


def _word_errors(clips: list[HeldOut], heard: list[Heard]) -> _Errors:
    return [errors_by_word(bare(clip.text), bare(one.text)) for clip, one in zip(clips, heard, strict=True)]


def _by_length(clips: list[HeldOut], values: _Errors) -> list[np.ndarray]:
    pairs = list(zip(clips, values, strict=True))
    empty = [np.zeros(0)]
    return [
        np.concatenate(empty + [v.reshape(-1) for c, v in pairs if low < c.duration_s <= high])
        for low, high in _GROUPS_S
    ]


def _wer(errors: _Errors) -> str:
    return f"{percent(np.concatenate(errors))} ({interval(errors)})"


def _head(first: str, *columns: str) -> None:
    cells = " | ".join((first, *columns))  # a column may be several, parted already
    print(f"\n| {cells} |\n|{'---|' * (cells.count('|') + 1)}")


def _print_words(pair: Pair, sets: dict[str, list[HeldOut]]) -> None:
    _head("WER", "all", "grammar", "salads", _GROUP_NAMES, "language right")
    for name, clips in sets.items():
        heard = pair.recognise([clip.samples for clip in clips])
        errors = _word_errors(clips, heard)
        flat, is_salad = np.concatenate(errors), np.concatenate([clip.is_salad for clip in clips])
        groups = " | ".join(percent(group) for group in _by_length(clips, errors))
        right = sum(one.language == LANGUAGES[c.language].name for c, one in zip(clips, heard, strict=True))
        print(
            f"| {name} | {_wer(errors)} | {percent(flat, ~is_salad)} | {percent(flat, is_salad)} | {groups} "
            f"| {share(right, len(clips))} |",
            flush=True,
        )


def _print_conditions(pair: Pair, clips: list[HeldOut]) -> None:
    _head("the same clips under", "WER")
    changed = {"nothing": clips}
    changed |= {name: held_out.disturbed(clips, name) for name in held_out.CONDITIONS}
    changed |= {f"speed {speed}": held_out.at_speed(clips, speed) for speed in held_out.SPEEDS}
    for name, some in changed.items():
        heard = pair.recognise([clip.samples for clip in some])
        print(f"| {name} | {_wer(_word_errors(some, heard))} |", flush=True)
    rng = random.Random(5)
    prompts = [", ".join(rng.sample(LANGUAGES[clip.language].vocabulary, 6)) for clip in clips]
    heard = pair.recognise([clip.samples for clip in clips], prompts)
    print(f"| a context of six words that are not said | {_wer(_word_errors(clips, heard))} |", flush=True)


def _print_spellings(pair: Pair, part: str, n: int) -> None:
    _head("names with two spellings", "spelt unusually without a context", "as the context spells it")
    for code in LANGUAGES:
        said = held_out.spellings(part, code, n)
        rng = random.Random(6)
        prompts = []
        for one in said:
            others = [unusual for usual, unusual in LANGUAGES[code].spellings if usual != one.usual]
            listed = [one.unusual, *rng.sample(others, min(3, len(others)))]
            rng.shuffle(listed)
            prompts.append(", ".join(listed))
        sounds = [one.clip.samples for one in said]
        cells = []
        for given in (None, prompts):
            heard = pair.recognise(sounds, given)
            n_right = sum(one.unusual in text.text for one, text in zip(said, heard, strict=True))
            cells.append(share(n_right, len(said)))
        print(f"| {LANGUAGES[code].name} | {' | '.join(cells)} |", flush=True)


def _time_errors(clips: list[HeldOut], times: list[np.ndarray]) -> _Errors:
    truth = [np.array([(word.start_ms, word.end_ms) for word in clip.words]) for clip in clips]
    return [np.abs(found - true) for found, true in zip(times, truth, strict=True)]


def _print_times(pair: Pair, sets: dict[str, list[HeldOut]]) -> None:
    _head("time error, ms", "mean", "start / end", "median", "95th", "within 150 ms", _GROUP_NAMES)
    for name, clips in sets.items():
        errors = _time_errors(clips, pair.align(clips))
        flat, both = np.concatenate([e.reshape(-1) for e in errors]), np.concatenate(errors)
        groups = " | ".join(
            f"{group.mean():.0f}" if len(group) else "-" for group in _by_length(clips, errors)
        )
        print(
            f"| {name} | {flat.mean():.0f} ({interval(errors, 1, 0)}) "
            f"| {both[:, 0].mean():.0f} / {both[:, 1].mean():.0f} | {np.median(flat):.0f} "
            f"| {np.percentile(flat, 95):.0f} | {100 * (flat <= 150).mean():.1f} % | {groups} |",
            flush=True,
        )


def _print_speechless(pair: Pair, part: str) -> None:
    probes = held_out.speechless(part)
    heard = pair.recognise([sound for _, sound in probes])
    wrong = sorted({kind for (kind, _), one in zip(probes, heard, strict=True) if one.text.strip()})
    n_silent = sum(not one.text.strip() for one in heard)
    print(
        f"\nSpeechless clips: nothing written on {n_silent} of {len(probes)}. {', '.join(wrong)}", flush=True
    )


def _through_qasr(folder: Path, whole: Recording, *flags: str) -> list[dict[str, Any]]:
    """The segments that ``qasr transcribe`` writes for a recording."""
    import soundfile

    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "talk.wav"
        soundfile.write(path, whole.samples * 0.7 / np.abs(whole.samples).max(), SAMPLE_RATE_HZ)
        command = [sys.executable, "-m", "qasr_cli", "transcribe", str(path), "--json", "-o", place, "-q"]
        models = ["--model", str(folder / "asr"), "--aligner", str(folder / "aligner")]
        subprocess.run([*command, *models, *flags], check=True)
        segments: list[dict[str, Any]] = json.loads((Path(place) / "talk.json").read_text("utf-8"))[
            "segments"
        ]
        return segments


def _print_recordings(folder: Path) -> None:
    """A ten-minute talk, and one file in which three languages take turns."""
    _head(
        "through `qasr transcribe`", "length", "WER", "errors beside cuts", "time error, ms", "language right"
    )
    stranger = Voice("gmw/en", "f4", 155, 50, 50)
    lecture = (*talks.TALK, *talks.LECTURE)
    for name, whole, flags in (
        ("talk, training voice", record([Turn(text, TALK_VOICE) for text in lecture]), ()),
        ("talk, held-out voice", record([Turn(text, stranger) for text in lecture]), ()),
        ("three languages in turn, 2.6 s between", record(in_turn(), TURNS), ()),
        ("three languages in turn, 1.3 s between", record(in_turn()), ()),
        ("the same, `--multilingual`", record(in_turn()), ("--multilingual",)),
    ):
        segments = _through_qasr(folder, whole, *flags)
        words = [word for segment in segments for word in segment["words"]]
        truth = [bare(word.text) for word in whole.words]
        errors = errors_by_word([w for parts in truth for w in parts], bare(_text_of(words)))
        pairs = zip(whole.words, truth, strict=True)
        starts_ms = np.array([word.start_ms for word, parts in pairs for _ in parts])
        cuts_ms = np.array([segment["start_ms"] for segment in segments[1:]] or [-1e9])
        is_near = np.abs(starts_ms[:, None] - cuts_ms).min(1) < _NEAR_MS
        n_right = sum(
            any(s["start_ms"] <= w.start_ms < s["end_ms"] and s["language"] == language for s in segments)
            for w, language in zip(whole.words, whole.languages, strict=True)
        )
        print(
            f"| {name} | {len(whole.samples) / SAMPLE_RATE_HZ / 60:.1f} min | {percent(errors)} "
            f"| {percent(errors, is_near)} of {is_near.sum()} | {_matched_error_ms(whole, words):.0f} "
            f"| {100 * n_right / len(whole.words):.0f} % |",
            flush=True,
        )


def _text_of(words: list[dict[str, Any]]) -> str:
    return " ".join(word["text"] for word in words)


def _matched_error_ms(whole: Recording, words: list[dict[str, Any]]) -> float:
    """Mean error of the boundaries of the words that were heard right, matched in order."""
    ours = [" ".join(bare(str(word["text"]))) for word in words]
    truth = [" ".join(bare(word.text)) for word in whole.words]
    errors = []
    for block in difflib.SequenceMatcher(None, truth, ours, autojunk=False).get_matching_blocks():
        for i in range(block.size):
            true, found = whole.words[block.a + i], words[block.b + i]
            errors += [abs(true.start_ms - found["start_ms"]), abs(true.end_ms - found["end_ms"])]
    return float(np.mean(errors)) if errors else float("nan")


def _print_human(pair: Pair, packages: Path, part: str) -> None:
    """Real people: the held-out telephone prompts, each a clip."""
    _head("real voices, one speaker each", "prompts", "WER", "exact", "language right")
    for code in human.SPEAKERS:
        said = [prompt for prompt in human.prompts(packages, part) if prompt.language == code]
        heard = pair.recognise([prompt.samples for prompt in said])
        errors = [errors_by_word(bare(p.text), bare(h.text)) for p, h in zip(said, heard, strict=True)]
        exact = sum(not e.any() for e in errors)
        name = LANGUAGES[code].name
        right = share(sum(one.language == name for one in heard), len(said))
        print(f"| {name} | {len(said)} | {_wer(errors)} | {exact} | {right} |", flush=True)


def evaluate(folder: Path, part: str, n_clips: int, packages: Path | None) -> None:
    """Print all tables of the pair in ``folder``; real voices only where their packages are at hand."""
    pair = Pair.load(folder)
    sets = {
        f"{language.name}, {voices} voices": held_out.held_out_clips(part, voices, code, n_clips)
        for code, language in LANGUAGES.items()
        for voices in held_out.VOICES
    }
    print(f"{part} sentences, {n_clips} clips of 0.5 to 30 s a row; 95 % bounds in brackets")
    _print_words(pair, sets)
    trained = [clip for name, some in sets.items() if "training" in name for clip in some[::2]]
    _print_conditions(pair, trained)
    _print_spellings(pair, part, n_clips)
    sets["5 s of silence before, 3 s inside"] = held_out.with_pauses(
        [clip for clip in trained if clip.duration_s < 20], lead_ms=5000, gap_ms=3000
    )
    _print_times(pair, sets)
    _print_speechless(pair, part)
    _print_recordings(folder)
    if packages is not None:
        _print_human(pair, packages, part)
