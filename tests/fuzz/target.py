"""What a target of fuzzing is, and what is demanded of texts that people see."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from qasr_cli import escapes

GOLDEN = Path(__file__).parents[1] / "golden"


@dataclass(frozen=True)
class Target:
    """A reader.

    Attributes:
        name: Its folder in the corpus.
        file_names: Names under which its files are read, one after the other; the first one's suffix is that
            of a finding.
        seeds: Returns valid files; `tmp` is a folder for their making.
        read: Reads the file at a path, and raises `AssertionError` if what comes out is wrong.
        share: How many of a hundred inputs are for it.
    """

    name: str
    file_names: tuple[str, ...]
    seeds: Callable[[Path], Sequence[bytes]]
    read: Callable[[Path], object]
    share: int


def require(is_right: bool, what: str) -> None:
    """Raise if a promise is broken."""
    if not is_right:
        raise AssertionError(what)


def require_printable(text: str) -> None:
    """Raise if a text that is printed as it is would reach a terminal with control characters."""
    require(escapes.for_terminal(text) == text, "control characters reach the terminal")


def goldens(*suffixes: str) -> list[bytes]:
    """Return the beginnings of golden files."""
    return [
        path.read_bytes()[:4_000].rpartition(b"\n")[0] + b"\n"
        for suffix in suffixes
        for path in sorted(GOLDEN.glob(f"*{suffix}"))
    ]


def small_transcripts() -> list[bytes]:
    """Return golden transcripts of a few segments."""
    found = []
    for path in sorted(GOLDEN.glob("*.json")):
        transcript = json.loads(path.read_bytes())
        transcript["segments"] = transcript["segments"][:2]
        transcript["cues"] = transcript.get("cues", [])[:2]
        found.append(json.dumps(transcript, ensure_ascii=False, indent=1).encode())
    return found
