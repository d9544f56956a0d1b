"""One subtitle file, from its bytes to what is wrong with it, and to its repaired copy.

    read     bytes to captions (formats)
    check    captions to findings (subtitles), by the limits of a profile
    fix      captions to repaired ones, and a new file beside the old or in a folder
    compare  captions against a reference's

In go paths and options; out come results. Nothing is printed here, and the file itself is never written to.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from qasr_cli import formats, languages
from qasr_cli.errors import (
    CannotCreateError,
    NoInputError,
    UndecodableError,
    UsageError,
    from_os_error,
    naming,
)
from qasr_cli.formats.readers import captions as caption_formats
from qasr_cli.formats.readers import encodings
from qasr_cli.formats.readers.caption_file import CaptionFile
from qasr_cli.options import CueOptions, OutputOptions
from qasr_cli.records import Caption, Cue
from qasr_cli.runs.files import atomic_write
from qasr_cli.subtitles.qc import caption_units, comparison
from qasr_cli.subtitles.qc import check as quality
from qasr_cli.subtitles.qc.check import Checked
from qasr_cli.subtitles.qc.comparison import Comparison
from qasr_cli.subtitles.qc.findings import Finding
from qasr_cli.subtitles.qc.fix import mend
from qasr_cli.subtitles.rules.limits import Limits, resolve

STDIN = Path("-")
_STDIN_COPY = "stdin.fixed"  # and its format, once that is known
# What names have after their language: `film.en.forced.srt`; `hi` is also Hindi.
_KINDS = frozenset({"forced", "sdh", "cc", "hi", "default", "fixed", "highlighted"})
_SAMPLE = 2_000  # captions that tell the language; a film has no more


@dataclass(frozen=True, slots=True)
class Rules:
    """By what files are judged: limits, language (None: found out) and encoding ("": found out)."""

    cues: CueOptions
    language: str | None = None
    encoding: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """A file that was read and judged."""

    name: str
    file: CaptionFile
    language: str | None
    limits: Limits
    checked: Checked


@dataclass(frozen=True, slots=True)
class Fixed:
    """A repaired copy, and what is still wrong with it."""

    path: Path
    checked: Checked


def read(path: Path, encoding: str = "") -> CaptionFile:
    """Return what a subtitle file, or stdin, holds.

    Raises:
        NoInputError: There is no such file.
        UndecodableError: It is not a subtitle file, or too large to be one.
        QasrError: It cannot be read.
    """
    name = "stdin" if path == STDIN else str(path)
    raw = _bytes(path, name)
    with naming(name):
        return caption_formats.read(raw, path.name, encoding)


def _bytes(path: Path, name: str) -> bytes:
    # One byte more than any file may have shows that it has too many, and is all that is ever held of it.
    limit = caption_formats.MAX_JSON_BYTES + 1
    try:
        if path == STDIN:
            return sys.stdin.buffer.read(limit)
        with path.open("rb") as file:
            return file.read(limit)
    except FileNotFoundError as error:
        raise NoInputError.about(name, "no such file") from error
    except IsADirectoryError as error:
        raise UndecodableError.about(name, "a folder", "name the subtitle files in it") from error
    except OSError as error:
        raise from_os_error(error, f"reading {name}", path=path) from error


def check(path: Path, file: CaptionFile, rules: Rules) -> Result:
    """Return what is wrong with a file."""
    texts = [line for caption in file.captions[:_SAMPLE] for line in caption.lines]
    language = rules.language or file.language or _language_of_name(path, texts)
    language = language or caption_units.guess_language(_readings(file, texts))
    video = file.transcript.video if file.transcript else None
    known = (video.frame_rate, video.shots_ms) if video else (None, ())
    limits = _on_grid(resolve(rules.cues, language, texts, *known), caption_formats.grid_ms(file))
    name = "stdin" if path == STDIN else str(path)
    return Result(name, file, language, limits, _judge(file, file.captions, language, limits, _faults(file)))


def _readings(file: CaptionFile, texts: Sequence[str]) -> Sequence[str]:
    """Return texts as each encoding that is as good a guess has them, so that none decides the language."""
    if not file.is_guess:
        return texts
    return [said for text in texts for said in encodings.readings(text, file.encoding)]


def _judge(
    file: CaptionFile,
    captions: Sequence[Caption],
    language: str | None,
    limits: Limits,
    faults: Sequence[Finding] = (),
) -> Checked:
    # Events of an ASS script are in the order in which they are drawn, not in that of time.
    is_sorted = file.kind != "ass"
    return quality.check(captions, limits, language, file.transcript, faults, is_sorted=is_sorted)


def _language_of_name(path: Path, texts: Sequence[str]) -> str | None:
    """Return the language that a name such as `film.ko.srt` says, if the text is in its script."""
    letters = [char for text in texts[:200] for char in text if char.isalpha()]
    for part in reversed(PurePath(path.name).stem.split(".")[1:]):
        known = languages.find_covered(part)
        if known is not None:
            n_own = sum(languages.script(char) in known.scripts for char in letters)
            if 2 * n_own > len(letters):
                return known.code
        if part.lower() not in _KINDS:
            return None  # `Lost.in.Space` is not in Indonesian
    return None


def _on_grid(limits: Limits, grid_ms: int) -> Limits:
    """Return limits that times of a coarser format can keep: 5/6 s are 0.83 s in hundredths."""
    return replace(
        limits,
        min_duration_ms=limits.min_duration_ms // grid_ms * grid_ms,
        min_gap_ms=limits.min_gap_ms // grid_ms * grid_ms,
    )


def _faults(file: CaptionFile) -> list[Finding]:
    """Return what was found while the file was read."""
    found = [
        Finding("malformed", f"line {fault.line}: {fault.text}" if fault.line else fault.text)
        for fault in file.faults
    ]
    if file.is_guess:
        found.append(Finding("encoding", f"read as {file.encoding}, which is a guess"))
    elif file.encoding != "utf-8":
        found.append(Finding("encoding", f"is in {file.encoding}"))
    numbers = [caption.number for caption in file.captions]
    if file.kind == "srt" and numbers != [str(number) for number in range(1, len(numbers) + 1)]:
        wrong = next(n for n, said in enumerate(numbers, 1) if said != str(n))
        said = numbers[wrong - 1] or "nothing"
        found.append(Finding("numbering", f"cue {wrong} of the file is numbered {said}"))
    return found


# ── repaired copies ─────────────────────────────────────────────────────────────────────────────────────────


def fixed_paths(paths: Sequence[Path], folder: Path | None, *, is_overwrite: bool) -> dict[Path, Path]:
    """Return where each repaired copy goes.

    Raises:
        UsageError: stdin has no place beside it.
        CannotCreateError: A copy exists, or two files would have the same.
    """
    targets: dict[Path, Path] = {}
    inputs = {os.path.realpath(path) for path in paths}
    for path in paths:
        if path == STDIN and folder is None:
            raise UsageError("--fix needs a place for what comes from stdin", "give -o DIR", flag="--fix")
        name = _STDIN_COPY if path == STDIN else f"{path.stem}.fixed{path.suffix}"
        target = (folder or path.parent) / name
        if target in targets.values():
            raise CannotCreateError.about(
                path, f"another file is repaired to the same {target}", "fix it apart"
            )
        if os.path.lexists(target) and not is_overwrite:
            raise CannotCreateError(f"{target} exists already", path=target)
        if os.path.realpath(target) in inputs:
            raise CannotCreateError.about(path, f"its copy would replace the input {target}", "use -o DIR")
        targets[path] = target
    return targets


def fix(result: Result, target: Path, *, is_overwrite: bool) -> Fixed:
    """Write a repaired copy and return what is left to an editor.

    Raises:
        UndecodableError: A part of the file could not be read and would be lost, or nothing would be left.
        CannotCreateError: The copy exists, or may not be created.
    """
    file = result.file
    lost = next((fault for fault in file.faults if not fault.is_mendable), None)
    if lost is not None:
        where = f"line {lost.line}: " if lost.line else ""
        raise UndecodableError.about(result.name, f"not fixed: {where}{lost.text}", "mend that by hand first")
    if file.is_guess and not encodings.is_likely(file.encoding, result.language):
        # The copy is in UTF-8, which proves itself: wrong letters in it would be taken for what was written.
        raise UndecodableError.about(
            result.name,
            f"not fixed: read as {file.encoding}, which is a guess",
            "say which with --encoding cp1252 (western), cp1250 (central Europe), cp1254 (Turkish), ...",
        )
    if file.kind == "json" and file.transcript is None:
        raise UsageError.about(
            result.name, "not fixed: not a transcript of qasr", "fix its SRT or WebVTT instead"
        )
    grid_ms = caption_formats.grid_ms(file)
    mended = mend(file.captions, result.limits, result.language, grid_ms)
    if file.captions and not any(caption_units.is_seen(one, result.limits) for one in mended):
        raise UndecodableError.about(
            result.name, "not fixed: no caption would be left", "there is nothing to mend"
        )
    checked = _judge(file, mended, result.language, result.limits)
    if target.name == _STDIN_COPY:
        target = target.with_name(f"{target.name}.{file.kind}")
    atomic_write.write(target, _text(file, mended, checked), is_overwrite=is_overwrite)
    return Fixed(target, checked)


def _text(file: CaptionFile, captions: Sequence[Caption], checked: Checked) -> str:
    if file.transcript is None:
        return caption_formats.write(file, captions)
    flags: dict[int | None, list[str]] = {}
    for finding in checked.hard:
        flags.setdefault(finding.caption, []).append(finding.rule)
    cues = [
        Cue(one.start_ms, one.end_ms, one.lines, one.word_range or (0, 0), tuple(flags.get(index, ())))
        for index, one in enumerate(captions)
    ]
    return formats.FORMATS["json"].render(file.transcript, cues, OutputOptions())


def compare(result: Result, reference: CaptionFile) -> Comparison:
    """Return how near a file is to a reference."""
    is_spaced = result.limits.is_spaced
    return comparison.compare(result.file.captions, reference.captions, is_spaced=is_spaced)
