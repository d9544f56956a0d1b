"""Measure qasr on this machine with the demo pair, and print the README's tables.

    make bench                       all of it, about ten minutes on two cores
    python -m tests.bench stages     one part: stages, throughput, memory or start

The demo pair is far smaller than a model for work, so the recognizer's and aligner's rows say what qasr
itself adds around a model and not what Qwen3-ASR costs. Compare rows of one run only: machines differ.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.bench.stages import measure_stages
from tests.measuring import Usage, measure_python, measure_qasr

ROOT = Path(__file__).parents[2]
TALK = ROOT / "samples" / "talk.mp4"
CLIPS = ROOT / "samples" / "clips"
N_CLIPS = 200
N_STARTS = 31
HOURS = (1 / 6, 1.0, 3.0)


def _say(*cells: object) -> None:
    sys.stdout.write(f"| {' | '.join(str(cell) for cell in cells)} |\n")
    sys.stdout.flush()


def _head(*cells: str) -> None:
    sys.stdout.write("\n")
    _say(*cells)
    _say(*("---" for _ in cells))


def _run(*arguments: object) -> Usage:
    usage = measure_qasr(*arguments, folder=ROOT)
    if usage.exit_code:
        raise SystemExit(f"qasr {' '.join(map(str, arguments))} failed:\n{usage.errors}")
    return usage


def looped_talk(folder: Path, seconds: float) -> Path:
    """Return an audio file of the talk again and again, coded as video files usually are."""
    from qasr_cli.media.ffmpeg import find_tools

    path = folder / f"talk-{round(seconds)}.m4a"
    looped: list[str | Path] = [
        "-v",
        "error",
        "-stream_loop",
        "-1",
        "-i",
        TALK,
        "-vn",
        "-c:a",
        "copy",
        "-t",
        str(seconds),
        path,
    ]
    subprocess.run([find_tools().ffmpeg, *looped], check=True, stdin=subprocess.DEVNULL)
    return path


def stages() -> None:
    """CPU milliseconds per audio second, stage by stage."""
    _head("stage", "CPU ms per audio s", "times real time on one core")
    for name, cpu_ms in measure_stages(TALK).items():
        _say(name, f"{cpu_ms:.2f}", f"{1000 / cpu_ms:,.0f}")


def throughput() -> None:
    """RTFx end to end: many short clips against one long file with the same amount of audio."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = folder / "clips"
        clips.mkdir()
        originals = sorted(CLIPS.iterdir())
        for number in range(N_CLIPS):
            original = originals[number % len(originals)]
            # Real copies: qasr transcribes a file that is linked twice only once.
            (clips / f"{number:03d}{original.suffix}").write_bytes(original.read_bytes())
        media_s = media_seconds(originals) * N_CLIPS / len(originals)
        long_file = looped_talk(folder, media_s)
        _head("input", "audio s", "wall s", "RTFx")
        for label, path in (("one file", long_file), (f"folder of {N_CLIPS} clips", clips)):
            usage = _run("transcribe", path, "--model", "demo", "-o", folder / "out", "-q")
            _say(label, f"{media_s:.0f}", f"{usage.wall_s:.1f}", f"{media_s / usage.wall_s:.0f}")


def media_seconds(paths: list[Path]) -> float:
    from qasr_cli.media import decode
    from qasr_cli.options import MediaOptions

    total = 0
    for path in paths:
        with decode.open_audio(path, MediaOptions()) as audio:
            total += sum(len(block) for block in audio)
    return total / 16_000


def memory() -> None:
    """Peak resident memory against the length of the media."""
    _head("media", "peak memory MB", "wall s", "RTFx")
    with tempfile.TemporaryDirectory() as name:
        for hours in HOURS:
            path = looped_talk(Path(name), hours * 3600)
            usage = _run("transcribe", path, "--model", "demo", "-o", Path(name) / "out", "-q")
            label = f"{hours:.0f} h" if hours >= 1 else f"{hours * 60:.0f} min"
            _say(label, f"{usage.peak_mb:.0f}", f"{usage.wall_s:.0f}", f"{hours * 3600 / usage.wall_s:.0f}")


def start() -> None:
    """CPU time of `--help` beside a bare Typer program's: at most 1.3 times for qasr, 1.6 for transcribe."""
    bare = (
        "import typer\napp = typer.Typer()\n@app.command()\ndef main(name: str = 'x') -> None: 'Help.'\napp()"
    )
    programs = {"bare Typer program --help": ["-c", bare, "--help"]}
    programs["qasr --help"] = ["-m", "qasr_cli", "--help"]
    programs["qasr transcribe --help"] = ["-m", "qasr_cli", "transcribe", "--help"]
    _head("command", f"CPU ms, median of {N_STARTS}", "times the bare program's")
    times_s: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(N_STARTS):  # interleaved, so that a busy moment hits all of them
        for name, arguments in programs.items():
            usage = measure_python(*arguments, folder=ROOT)
            times_s[name].append(usage.cpu_s)
    bare_s, *_ = map(statistics.median, times_s.values())
    for name, samples in times_s.items():
        median_s = statistics.median(samples)
        _say(name, f"{median_s * 1000:.0f}", f"{median_s / bare_s:.2f}")


PARTS: dict[str, Callable[[], None]] = {
    "stages": stages,
    "throughput": throughput,
    "memory": memory,
    "start": start,
}


def main() -> None:
    """Run the parts named on the command line, or all."""
    sys.stdout.write(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    for name in sys.argv[1:] or PARTS:
        PARTS[name]()


if __name__ == "__main__":
    main()
