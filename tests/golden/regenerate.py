"""Writes the expected files beside each `<case>.json`: run `python -m tests.golden.regenerate`.

A case is a transcript as qasr writes it; everything else in this folder follows from it. Read the diff of the
`.srt` files as a subtitler would before committing it: a change that reads worse is a defect, however small
the code that made it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from qasr_cli.formats import COMMON_FORMATS, FILE_FORMATS, FORMATS, parse_transcript
from qasr_cli.options import CueOptions, OutputOptions
from qasr_cli.pipeline import finish
from qasr_cli.records import Cue, Transcript
from qasr_cli.subtitles.rules import limits

FOLDER = Path(__file__).parent
RENDERED = COMMON_FORMATS
ALSO_RENDERED = tuple(name for name in FILE_FORMATS if name not in COMMON_FORMATS)
OF_SPEAKERS = ("dialogue", "dialogue-arabic", "dialogue-japanese")  # every format, low confidence marked
HIGHLIGHTED = ("english-talk", "chinese", "markup")  # cases that are written with --highlight-words as well


def cases() -> list[Path]:
    """Return the transcript of every case."""
    return sorted(FOLDER.glob("*.json"))


def load(case: Path) -> tuple[Transcript, tuple[Cue, ...]]:
    """Return a case's transcript and the cues that qasr makes of it now."""
    transcript = parse_transcript(case.read_text(encoding="utf-8"))
    kept = limits.of_transcript(transcript, CueOptions())
    return transcript, finish.lay_out(transcript, kept)


def expected_files(case: Path) -> Iterator[tuple[Path, str]]:
    """Yield each file that belongs to a case, and what should be in it."""
    transcript, laid_out = load(case)
    for name in RENDERED:
        yield case.with_suffix("." + name), FORMATS[name].render(transcript, laid_out, OutputOptions())
    if case.stem in OF_SPEAKERS:
        marked = OutputOptions(low_confidence=0.5)
        for name in ALSO_RENDERED:
            yield (
                case.with_suffix(FORMATS[name].extension),
                FORMATS[name].render(transcript, laid_out, marked),
            )
        options = OutputOptions(highlight_words=True)
        for name in ("srt", "vtt", "ass"):
            yield (
                case.with_suffix(f".highlighted.{name}"),
                FORMATS[name].render(transcript, laid_out, options),
            )
    if case.stem in HIGHLIGHTED:
        for name in ("srt", "vtt"):
            options = OutputOptions(highlight_words=True)
            yield (
                case.with_suffix(f".highlighted.{name}"),
                FORMATS[name].render(transcript, laid_out, options),
            )


if __name__ == "__main__":
    for found in cases():
        for path, text in expected_files(found):
            path.write_text(text, encoding="utf-8")
