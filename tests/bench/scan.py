"""How long a pass over a tree takes in which everything is finished: what cron waits for every night.

    python -m tests.bench.scan                  10,000 finished files
    python -m tests.bench.scan --files 100000

Each file has its subtitles beside it, and nothing may load a model: the engine that is named does not exist.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from qasr_cli.options import Options
from qasr_cli.records import Status
from qasr_cli.runs.files.file_identity import identify
from qasr_cli.runs.state.ledger import LedgerEntry, LedgerOutput, to_line
from tests.measuring import Usage, measure_qasr

ROOT = Path(__file__).parents[2]
N_IN_A_FOLDER = 50
N_RUNS = 5


def make_tree(folder: Path, n_files: int) -> None:
    """Write empty media and their subtitles, a show of shows as a media server has them."""
    for number in range(n_files):
        place = (
            folder / f"show-{number // N_IN_A_FOLDER // 10:03d}" / f"season-{number // N_IN_A_FOLDER % 10}"
        )
        if number % N_IN_A_FOLDER == 0:
            place.mkdir(parents=True)
        for suffix in (".mkv", ".srt", ".nfo"):
            (place / f"episode-{number:06d}{suffix}").touch()


def make_ledger(folder: Path) -> None:
    """Write the ledger that a run over the tree would have left."""
    state = folder / ".qasr"
    state.mkdir(exist_ok=True)
    fingerprint = Options().request_fingerprint()
    lines = []
    for media in sorted(folder.rglob("*.mkv")):
        written = media.with_suffix(".srt")
        outputs = [
            LedgerOutput(str(written.relative_to(folder)), state_of)
            for state_of in [identify(written)]
            if state_of
        ]
        name = str(media.relative_to(folder))
        lines.append(
            to_line(LedgerEntry(name, 1.0, Status.DONE, identify(media), fingerprint, tuple(outputs), "en"))
        )
    (state / "ledger.jsonl").write_bytes(b"\n".join(lines) + b"\n")


def measure(folder: Path, *arguments: str) -> list[Usage]:
    """Run qasr over the tree a few times, once for nothing."""
    command = ("transcribe", folder, "-r", "--engine", "no.such:thing", *arguments)
    usages = [measure_qasr(*command, folder=ROOT) for _ in range(N_RUNS + 1)][1:]
    for usage in usages:
        if usage.exit_code:
            raise SystemExit(f"qasr {' '.join(map(str, command))} failed:\n{usage.errors[-2000:]}")
    return usages


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000)
    n_files = parser.parse_args().files
    say = sys.stdout.write
    say("| pass | files | median s | slowest s | CPU s | peak memory MB |\n|---|---|---|---|---|---|\n")
    with tempfile.TemporaryDirectory() as name:
        make_tree(Path(name), n_files)
        for label, arguments in (
            ("cron: -q", ["-q"]),
            ("a line a file", []),
            ("--dry-run", ["--dry-run"]),
            ("--shard 2/8", ["-q", "--shard", "2/8"]),
            ("cron, with a ledger that knows all", ["-q"]),
        ):
            usages = measure(Path(name), *arguments)
            walls = [usage.wall_s for usage in usages]
            cpu_s = statistics.median(usage.cpu_s for usage in usages)
            say(f"| {label} | {n_files:,} | {statistics.median(walls):.2f} | {max(walls):.2f} | {cpu_s:.2f} ")
            say(f"| {max(usage.peak_mb for usage in usages):.0f} |\n")
            sys.stdout.flush()
            if label.startswith("--shard"):
                make_ledger(Path(name))


if __name__ == "__main__":
    main()
