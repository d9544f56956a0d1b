"""What all but the models costs: decoding by container, finding speech, cues, starting a decoder.

    python -m tests.bench.host                 a minute on an idle machine
    python -m tests.bench.host --rounds 9

CPU milliseconds of this process and its children, medians of rounds in which all rows take turns, so that a
busy moment hits all of them. A clip is two seconds of the samples' talk.
"""

from __future__ import annotations

import argparse
import functools
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from qasr_cli.media import decode, flac_server
from qasr_cli.options import CueOptions, MediaOptions, VadOptions
from qasr_cli.speech.audio import vad
from qasr_cli.timebase import SAMPLE_RATE_HZ
from tests.bench.cues import MINUTES
from tests.bench.cues import speech as spoken
from tests.bench.stages import Meter
from tests.cue_building import build_cues
from tests.media_factory import ffmpeg

ROOT = Path(__file__).parents[2]
TALK = ROOT / "samples" / "talk.mp4"
CLIP_S = 2
N_CLIPS = 10  # in a row of the table: one alone is too short for the clock
NAMES = ("16 kHz.wav", "48 kHz.wav", "16 kHz.flac", "opus.ogg", "a.mp3", "aac.m4a")


def say(*cells: object) -> None:
    """Print a row."""
    sys.stdout.write(f"| {' | '.join(map(str, cells))} |\n")
    sys.stdout.flush()


def medians(rows: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return each row's CPU milliseconds."""
    times: dict[str, list[float]] = {name: [] for name in rows}
    for _ in range(rounds + 1):
        for name, work in rows.items():
            meter = Meter()
            meter.run(name, work)
            times[name].append(meter.cpu_s[name] * 1000)
    return {name: statistics.median(taken[1:]) for name, taken in times.items()}  # the first round warms up


def heard(path: Path) -> np.ndarray:
    """Return a file's samples as a run reads them."""
    with decode.open_audio(path, MediaOptions()) as audio:
        return np.concatenate(list(audio))


def heard_by_ffmpeg(path: Path) -> np.ndarray:
    """Return the same by ffmpeg, whatever the file is."""
    with decode.open_with_ffmpeg(path, MediaOptions()) as audio:
        return np.concatenate(list(audio))


def decoding(folder: Path, talk: np.ndarray, rounds: int) -> None:
    """Print a table about clips of two seconds, and a row about a film's sound."""
    clip = folder / "clip.wav"
    soundfile.write(clip, talk[: CLIP_S * SAMPLE_RATE_HZ], SAMPLE_RATE_HZ, subtype="PCM_16")
    rows: dict[str, Callable[[], object]] = {"ffmpeg -version": lambda: _start(N_CLIPS)}
    for name in NAMES:
        rate = 16_000 if "16" in name else 48_000
        ffmpeg("-i", clip, "-ar", rate, folder / name)
        rows[name] = functools.partial(_repeat, heard, folder / name)
    rows["16 kHz.wav, by ffmpeg"] = functools.partial(_repeat, heard_by_ffmpeg, folder / NAMES[0])
    rows[f"16 kHz.flac, {10 * N_CLIPS} by one child"] = functools.partial(_by_child, folder / "16 kHz.flac")
    say("decode", "CPU ms a clip of 2 s", "CPU ms a second of audio")
    say("---", "---", "---")
    for name, spent_ms in medians(rows, rounds).items():
        clip_ms = spent_ms / N_CLIPS / (10 if "child" in name else 1)
        say(name, f"{clip_ms:.2f}", f"{clip_ms / CLIP_S:.2f}")
    seconds = len(talk) / SAMPLE_RATE_HZ
    (spent_ms,) = medians({"talk.mp4": lambda: heard(TALK)}, rounds).values()
    say(f"talk.mp4, {seconds:.0f} s", "", f"{spent_ms / seconds:.2f}")


def _repeat(work: Callable[..., object], *given: object) -> None:
    for _ in range(N_CLIPS):
        work(*given)


def _by_child(path: Path) -> None:
    """Decode ten times as many, its start and its end included."""
    with flac_server.serving(10 * N_CLIPS):
        for _ in range(10):
            _repeat(heard, path)


def _start(times: int) -> None:
    from qasr_cli.media.ffmpeg import find_tools
    from qasr_cli.media.process import capture

    for _ in range(times):
        capture([str(find_tools().ffmpeg), "-hide_banner", "-version"])


def speech(talk: np.ndarray, rounds: int) -> None:
    """Print a table about the detector with its graph as shipped, and rebuilt."""
    rebuilt = vad._session()
    sessions = {"graph as silero-vad ships it": shipped(), "graph in large products": rebuilt}

    clip = talk[: CLIP_S * SAMPLE_RATE_HZ]
    found = [_detect(session, talk) for session in sessions.values()]
    long = medians({name: functools.partial(_detect, one, talk) for name, one in sessions.items()}, rounds)
    short = medians(
        {name: functools.partial(_repeat, _detect, one, clip) for name, one in sessions.items()}, rounds
    )
    say("find speech", "CPU ms a second of a talk", "CPU ms a clip of 2 s")
    say("---", "---", "---")
    for name in sessions:
        say(name, f"{long[name] / (len(talk) / SAMPLE_RATE_HZ):.2f}", f"{short[name] / N_CLIPS:.2f}")
    difference = float(np.abs(found[0].probs - found[1].probs).max())
    same = found[0].spans == found[1].spans
    sys.stdout.write(f"largest difference of a probability {difference:.1e}; spans equal: {same}\n")


def _detect(session: Any, samples: np.ndarray) -> vad.SpeechMap:
    detector = vad.SpeechDetector(VadOptions())
    detector._frames._session = session
    for start in range(0, len(samples), 2 * SAMPLE_RATE_HZ):
        detector.feed(samples[start : start + 2 * SAMPLE_RATE_HZ])
    return detector.finish()


def shipped() -> Any:
    """Return silero-vad's graph as it is."""
    import onnxruntime

    package = find_spec("silero_vad")
    if package is None or package.origin is None:
        raise SystemExit("silero-vad is not installed")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    path = Path(package.origin).parent / vad._MODEL_FILE
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def cues(rounds: int) -> None:
    """Print a table about the cues of 45 minutes of speech."""
    words = {language: spoken(language) for language in ("en", "ko")}
    say("cues", "CPU ms a second of audio")
    say("---", "---")
    rows: dict[str, Callable[[], object]] = {
        language: functools.partial(build_cues, found, language, MINUTES * 60_000 + 5_000, CueOptions())
        for language, found in words.items()
    }
    for name, spent_ms in medians(rows, rounds).items():
        say(name, f"{spent_ms / (MINUTES * 60):.2f}")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    talk = heard(TALK)
    with tempfile.TemporaryDirectory() as name:
        decoding(Path(name), talk, rounds)
    speech(talk, rounds)
    cues(rounds)


if __name__ == "__main__":
    main()
