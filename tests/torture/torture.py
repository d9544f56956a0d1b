"""The torture itself; see the package."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "samples"
FORMATS = (".srt", ".json")
SIGNALS = (signal.SIGKILL, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Setting:
    """What is tortured.

    Attributes:
        arguments: Of `qasr transcribe`, beside the folder and the formats.
        longest_s: A run is killed at a moment up to here; None: as long as a whole run takes.
    """

    n_files: int
    n_kills: int
    arguments: Sequence[str]
    seed: int = 1
    longest_s: float | None = None


@dataclass(slots=True)
class Toll:
    """What came of it.

    Attributes:
        kills: By signal.
        n_in_time: Kills that met a run at work, and not one that was over already.
        n_rounds: Folders that were finished in spite of it.
        known: Chunks that a later run did not have to hear again.
        slowest_end_s: From a SIGTERM to the end of the process.
        whole_s: What a run takes that nobody kills.
    """

    kills: Counter[str] = field(default_factory=Counter)
    n_in_time: int = 0
    n_rounds: int = 0
    known: int = 0
    slowest_end_s: float = 0.0
    whole_s: float = 0.0


class Torn(AssertionError):
    """Something was lost, torn or left lying about."""


def torture(folder: Path, setting: Setting) -> Toll:
    """Kill runs until there were enough kills, and each folder's last run to its end.

    Raises:
        Torn: A result differs, or something is left over.
    """
    toll = Toll()
    begun_s = time.monotonic()
    reference = folder / "reference"
    fill(reference, setting.n_files)
    _end(_start(reference, folder / "tmp", setting))
    toll.whole_s = time.monotonic() - begun_s
    expected = results(reference)
    if len(expected) != len(FORMATS) * setting.n_files:
        raise Torn(f"the whole run wrote {len(expected)} results for {setting.n_files} files")
    chosen = random.Random(setting.seed)
    while sum(toll.kills.values()) < setting.n_kills:
        tortured = folder / f"round-{toll.n_rounds}"
        fill(tortured, setting.n_files)
        _round(tortured, folder / "tmp", setting, toll, chosen, expected)
        toll.n_rounds += 1
        shutil.rmtree(tortured)
    return toll


def _round(
    folder: Path,
    temporary: Path,
    setting: Setting,
    toll: Toll,
    chosen: random.Random,
    expected: dict[str, bytes],
) -> None:
    longest_s = setting.longest_s or toll.whole_s
    is_over = False
    while not is_over and sum(toll.kills.values()) < setting.n_kills:
        number = SIGNALS[sum(toll.kills.values()) % len(SIGNALS)]
        process = _start(folder, temporary, setting)
        is_over = _kill(process, number, chosen.uniform(0.0, longest_s), toll)
        compare(folder, expected, is_whole=False)
    toll.known += _end(_start(folder, temporary, setting))
    compare(folder, expected, is_whole=True)
    _look_for_leftovers(folder, temporary)


def fill(folder: Path, n_files: int) -> None:
    """Put copies of the samples into a folder and a folder in it: two long ones, and clips."""
    long, clips = (
        [SAMPLES / "talk.mp4", SAMPLES / "three-languages.ogg"],
        sorted((SAMPLES / "clips").iterdir()),
    )
    media = [*long, *(clips[number % len(clips)] for number in range(n_files - len(long)))]
    (folder / "deep").mkdir(parents=True)
    for number, one in enumerate(media):
        place = folder / "deep" if number % 3 == 1 else folder
        shutil.copyfile(one, place / f"{number:03d}{one.suffix}")


def _start(folder: Path, temporary: Path, setting: Setting) -> subprocess.Popen[str]:
    temporary.mkdir(exist_ok=True)
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(temporary),
        "HF_HUB_OFFLINE": "1",
    }
    command = [sys.executable, "-m", "qasr_cli", "transcribe", str(folder), "-r", "-v", "--srt", "--json"]
    return subprocess.Popen(
        [*command, *setting.arguments], env=env, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def _end(process: subprocess.Popen[str]) -> int:
    """Let a run come to its end and return how many chunks it knew already."""
    _, errors = process.communicate()
    if process.returncode:
        raise Torn(f"a run ended with {process.returncode}:\n{errors[-2000:]}")
    lines = [
        line.split(": ")[-1].split() for line in errors.splitlines() if line.endswith("chunks are resumed")
    ]
    return sum(int(words[0]) for words in lines)


def _kill(process: subprocess.Popen[str], number: signal.Signals, after_s: float, toll: Toll) -> bool:
    """Kill a run after a time and return whether it was over before."""
    try:
        process.communicate(timeout=after_s)
    except subprocess.TimeoutExpired:
        toll.kills[number.name] += 1
        toll.n_in_time += 1
        killed_s = time.monotonic()
        process.send_signal(number)
        process.communicate()
        if number is signal.SIGTERM:
            toll.slowest_end_s = max(toll.slowest_end_s, time.monotonic() - killed_s)
            if process.returncode not in {0, 128 + number, -number}:  # -15: before Python was there
                raise Torn(f"SIGTERM ended a run with {process.returncode}") from None
        return process.returncode == 0
    toll.kills[number.name] += 1
    return True


def results(folder: Path) -> dict[str, bytes]:
    """Return all results of a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.suffix in FORMATS and ".qasr" not in path.parts
    }


def compare(folder: Path, expected: dict[str, bytes], *, is_whole: bool) -> None:
    """Compare what is there with what should be."""
    found = results(folder)
    for name, content in found.items():
        wanted = expected.get(name, b"")
        if content != wanted:
            raise Torn(f"{name} differs from that of a whole run: {_difference(content, wanted)}")
    if is_whole and len(found) != len(expected):
        raise Torn(f"{len(found)} of {len(expected)} results are there")


def _difference(one: bytes, other: bytes) -> str:
    for line, wanted in zip(one.splitlines(), other.splitlines(), strict=False):
        if line != wanted:
            return f"{line!r} for {wanted!r}"
    return f"{len(one)} bytes for {len(other)}"


def _look_for_leftovers(folder: Path, temporary: Path) -> None:
    left = [*_strangers(folder), *temporary.glob("*qasr*")]  # torch leaves a folder of its own
    if left:
        raise Torn(f"left lying about: {', '.join(map(str, left))}")
    entries = [json.loads(line) for line in (folder / ".qasr/ledger.jsonl").read_bytes().splitlines()]
    done = {entry["file"] for entry in entries if entry.get("status") == "done"}
    strange = {name for name in done if not (folder / name).is_file()}
    if not done or strange:
        raise Torn(f"the ledger has {len(done)} finished files, of which there are not: {strange}")


def _strangers(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        is_state = path.parent.name == ".qasr" and path.name in {"ledger.jsonl", "lock"}
        if path.is_file() and not is_state and (path.name.startswith(".") or ".qasr" in path.parts):
            yield path
