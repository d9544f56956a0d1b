"""Repaired copies of subtitle files: `qasr check --fix`.

In go checked files; out come new files, beside the old ones or in a folder, and the findings that are left.
The checked file itself is never changed. A copy of a format that qasr does not write (SAMI, MicroDVD, JSON of
another program) is SubRip.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qasr_cli import formats
from qasr_cli.errors import CannotCreateError, UndecodableError, UsageError
from qasr_cli.formats.readers import captions as caption_formats
from qasr_cli.formats.readers import encodings, read_formats
from qasr_cli.formats.readers.caption_file import CaptionFile
from qasr_cli.operating_system import streams
from qasr_cli.options import OutputOptions
from qasr_cli.records import Caption, Cue, LineSpeaker, Track, Transcript
from qasr_cli.runs.files import atomic_write
from qasr_cli.runs.files.name_keys import path_key
from qasr_cli.runs.files.spellings import exists, spelt
from qasr_cli.subtitles.qc import caption_atoms
from qasr_cli.subtitles.qc.check import Checked
from qasr_cli.subtitles.qc.fix import fix_captions, kept
from qasr_cli.tasks.caption_check import CheckedFile, check_captions

_STREAM_COPY = re.compile(r"stdin(-\d+)?\.fixed")  # without its format
_SRT = ".srt"
_NO_WORDS = Transcript("", Track(0, "", 0, 0), 0, (), "")  # the writer needs the cues only
DROPPED_WHY = "shows no text"


@dataclass(frozen=True, slots=True)
class FixedCopy:
    """A repaired copy.

    Attributes:
        path: The copy.
        checked: Its own findings.
        dropped: Indices of the file's captions that the copy leaves out, because they show no text.
    """

    path: Path
    checked: Checked
    dropped: tuple[int, ...] = ()


def fixed_paths(paths: Sequence[Path], folder: Path | None, *, is_overwrite: bool) -> dict[Path, Path]:
    """Return the path of each repaired copy.

    Raises:
        UsageError: A copy of stdin has no folder.
        CannotCreateError: A copy exists, or two files would have the same copy.
    """
    targets: dict[Path, Path] = {}
    taken: set[Path] = set()
    n_streams = 0
    inputs = {os.path.realpath(path) for path in paths}
    for path in paths:
        suffix = _SRT if path.suffix.lower() in read_formats.suffixes_of_others() else path.suffix
        name = f"{path.stem}.fixed{suffix}"
        if streams.is_stream(path):
            if folder is None:
                raise UsageError(f"--fix needs a folder for the copy of {streams.shown(path)}", "give -o DIR")
            name = f"{streams.stem(n_streams)}.fixed"  # and its format, once that is known
            n_streams += 1
        target = spelt(folder or path.parent) / name
        if path_key(target) in taken:
            raise CannotCreateError.about(
                path, f"the copy of another file is {target}, too", "fix it in a separate call"
            )
        if exists(target) and not is_overwrite:
            raise CannotCreateError(f"{target} already exists", path=target)
        if os.path.realpath(target) in inputs:
            raise CannotCreateError.about(path, f"its copy would replace the input {target}", "use -o DIR")
        targets[path] = target
        taken.add(path_key(target))
    return targets


def taken_names(paths: Sequence[Path], targets: Mapping[Path, Path]) -> set[Path]:
    """Return the keys of all inputs and copies: what a copy under another name must not replace."""
    return {_key(path) for path in (*paths, *targets.values())}


def _key(path: Path) -> Path:
    return path_key(Path(os.path.realpath(path)))


def fix(result: CheckedFile, target: Path, taken: set[Path], *, is_overwrite: bool) -> FixedCopy:
    """Write a repaired copy and check it.

    Args:
        result: The checked file.
        target: The copy, if the name of the file says what it is.
        taken: Keys of all inputs and copies; that of another name is added.
        is_overwrite: Replace an existing copy.

    Raises:
        UndecodableError: A part of the file could not be read and would be lost, or no caption would be left.
        CannotCreateError: The copy exists, or cannot be created.
    """
    file, planned = result.file, target
    lost = next((fault for fault in file.faults if not fault.is_fixable), None)
    if lost is not None:
        where = f"line {lost.line}: " if lost.line else ""
        raise UndecodableError.about(
            result.name, f"not fixed: {where}{lost.text}", "correct that by hand first"
        )
    if file.is_guess and not encodings.is_likely(file.encoding, result.language):
        # The copy is in UTF-8, which is unambiguous: letters from a wrong guess would look as if they were
        # right.
        raise UndecodableError.about(
            result.name,
            f"not fixed: read as {file.encoding}, which is a guess",
            "choose one with --encoding cp1252 (western), cp1250 (central Europe), cp1254 (Turkish), ...",
        )
    grid_ms = caption_formats.grid_ms(file)
    fixed = fix_captions(file.captions, result.limits, result.language, grid_ms)
    if file.captions and not any(caption_atoms.is_visible(caption, result.limits) for caption in fixed):
        raise UndecodableError.about(
            result.name, "not fixed: no caption would be left", "there is nothing to fix"
        )
    if file.transcript is None:
        fixed = tuple(caption_formats.rebroken(caption, file.kind) for caption in fixed)
    checked = check_captions(file, fixed, result.language, result.limits)
    target = _renamed(file, target)
    if target != planned:
        if _key(target) in taken:
            raise CannotCreateError.about(
                result.name, f"its copy would replace {target}, an input or another copy", "use -o DIR"
            )
        taken.add(_key(target))
    atomic_write.write(target, _text(file, fixed, checked), is_overwrite=is_overwrite)
    places = set(kept(file.captions, result.limits))
    return FixedCopy(target, checked, tuple(n for n in range(len(file.captions)) if n not in places))


def _renamed(file: CaptionFile, target: Path) -> Path:
    """Return the name of a copy for what the file really is."""
    is_own = _is_rewritten(file)
    if _STREAM_COPY.fullmatch(target.name):
        return target.with_name(f"{target.name}.{file.kind if is_own else 'srt'}")
    if is_own or target.suffix.lower() == _SRT:
        return target
    stem = target.name if target.suffix == ".fixed" else target.stem
    return target.with_name(stem + _SRT)


def _is_rewritten(file: CaptionFile) -> bool:
    """Whether the copy of a file has its format."""
    if file.kind == "json":
        return file.transcript is not None
    return read_formats.of_kind(file.kind).is_rewritten


def _text(file: CaptionFile, captions: Sequence[Caption], checked: Checked) -> str:
    if not _is_rewritten(file):
        cues = [Cue(one.start_ms, one.end_ms, one.lines, (0, 0)) for one in captions if one.lines]
        text = formats.FORMATS["srt"].render(_NO_WORDS, cues, OutputOptions())
        return text.removesuffix("\n")  # ends as the copy of a SubRip file does, and so does a copy of it
    if file.transcript is None:
        return caption_formats.write(file, captions)
    flags: dict[int | None, list[str]] = {}
    for finding in checked.hard:
        flags.setdefault(finding.caption, []).append(finding.rule)
    cues = [
        Cue(
            caption.start_ms,
            caption.end_ms,
            caption.lines,
            caption.word_range or (0, 0),
            tuple(flags.get(index, ())),
            _speakers(caption),
        )
        for index, caption in enumerate(captions)
    ]
    return formats.FORMATS["json"].render(file.transcript, cues, OutputOptions())


def _speakers(caption: Caption) -> tuple[LineSpeaker, ...]:
    """Return the speaker of each line; lines of one speaker may have been broken anew."""
    labels = caption.speakers
    if len(set(labels)) == 1:
        labels = labels[:1] * len(caption.lines)
    return tuple(map(LineSpeaker, labels)) if len(labels) == len(caption.lines) else ()
