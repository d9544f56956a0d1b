"""Writes SRT with the writers of other tools; runs in an environment of its own, without qasr.

In go cases as JSON on stdin (a language, a line width, and sentences of words with times); out comes
`{writer: {case: SRT}}` as JSON on stdout. The writers are the packages' own, called as their command lines
call them. The packages import torch and much else for work that comes before writing; what a writer does not
use is not installed, and an empty module stands in for it.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
import json
import sys
import types
from typing import Any

Case = dict[str, Any]
MAX_LINES = 2
DEFAULTS, WIDTH = "defaults", "42 x 2"
# What the packages import on the way to their writers and a writer does not use.
ABSENT = ("torch", "torch.nn", "torch.nn.functional", "torchaudio")


class _Empty(types.ModuleType):
    """A module in which every name is an empty class: enough for annotations, of no use for work."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


def _open(package: str) -> None:
    """Make a package's modules importable without running its `__init__`, which imports all there is."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.submodule_search_locations is None:
        raise SystemExit(f"{package} is not installed here")
    module = _Empty(package)
    module.__path__ = list(spec.submodule_search_locations)
    module.__spec__ = spec
    sys.modules[package] = module


def _segments(case: Case, *, is_spaced: bool) -> list[dict[str, Any]]:
    """Return a segment a sentence, as whisperX makes them and whisper nearly does.

    A word carries the space before it, as in whisper, unless `is_spaced` says that the writer adds one.
    """
    segments = []
    for sentence in case["sentences"]:
        words = [
            {
                "word": word["text"] if is_spaced else word["lead"] + word["text"],
                "start": word["start_ms"] / 1000,
                "end": word["end_ms"] / 1000,
            }
            for word in sentence
        ]
        segments.append(
            {
                "start": words[0]["start"],
                "end": words[-1]["end"],
                "text": "".join(word["lead"] + word["text"] for word in sentence),
                "words": words,
            }
        )
    return segments


def _whisper(case: Case, width: int | None) -> str:
    writer = importlib.import_module("whisper.utils").WriteSRT(".")
    options = {"max_line_width": width, "max_line_count": width and MAX_LINES, "highlight_words": False}
    file = io.StringIO()
    writer.write_result({"segments": _segments(case, is_spaced=False)}, file, options)
    return file.getvalue()


def _whisperx(case: Case, width: int | None) -> str:
    writer = importlib.import_module("whisperx.utils").WriteSRT(".")
    options = {"max_line_width": width, "max_line_count": width and MAX_LINES, "highlight_words": False}
    file = io.StringIO()
    result = {"segments": _segments(case, is_spaced=True), "language": case["language"]}
    writer.write_result(result, file, options)
    return file.getvalue()


def _stable_ts(case: Case, width: int | None) -> str:
    """Regroup as stable-ts does by default, then cut to the width as its documentation has it."""
    result = importlib.import_module("stable_whisper.result").WhisperResult(
        {"segments": _segments(case, is_spaced=False), "language": case["language"]}
    )
    result.regroup(True)
    if width is not None:
        result.split_by_length(width * MAX_LINES)
        result.split_by_length(width, newline=True)
    written: str = result.to_srt_vtt(word_level=False)
    return written


WRITERS = {"openai-whisper": _whisper, "whisperX": _whisperx, "stable-ts": _stable_ts}


def main() -> None:
    """Write every case with every writer, with its defaults and with a width."""
    stdout, sys.stdout = sys.stdout, sys.stderr  # stable-ts says on stdout what it does
    for name in ABSENT:
        sys.modules[name] = _Empty(name)
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, sys.modules[name])
    sys.modules["whisper"] = None  # type: ignore[assignment] # stable-ts can do without, and with it wants all
    for package in ("stable_whisper", "stable_whisper.stabilization"):
        _open(package)
    importlib.import_module("stable_whisper.result")
    del sys.modules["whisper"]
    _open("whisper")
    cases: list[Case] = json.load(sys.stdin)
    written = {}
    for name, write in WRITERS.items():
        written[f"{name}, {DEFAULTS}"] = {case["name"]: write(case, None) for case in cases}
        written[f"{name}, {WIDTH}"] = {case["name"]: write(case, case["width"]) for case in cases}
    stdout.write(json.dumps(written))


if __name__ == "__main__":
    main()
