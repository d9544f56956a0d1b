"""One subtitle file, from its bytes to its findings.

    read     bytes to captions (formats)
    check    captions to findings (subtitles), by the limits of a profile
    compare  captions against a reference's

In go paths and rules; out come results. Nothing is printed here, and no file is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from qasr_cli import languages
from qasr_cli.formats.readers import captions as caption_formats
from qasr_cli.formats.readers import encodings
from qasr_cli.formats.readers.caption_file import CaptionFile
from qasr_cli.operating_system import streams
from qasr_cli.options import CueOptions
from qasr_cli.records import Caption
from qasr_cli.subtitles.qc import caption_atoms, comparison
from qasr_cli.subtitles.qc import check as quality
from qasr_cli.subtitles.qc.check import Checked, Figures
from qasr_cli.subtitles.qc.comparison import Comparison
from qasr_cli.subtitles.qc.findings import Finding
from qasr_cli.subtitles.rules.limits import Limits, resolve
from qasr_cli.tasks import caption_input
from qasr_cli.tasks.caption_input import Reading

# Parts of a name after its language: `film.en.forced.srt`; `hi` is also Hindi.
_KINDS = frozenset({"forced", "sdh", "cc", "hi", "default", "fixed", "highlighted"})
_SAMPLE = 2_000  # captions from which the language is detected; a film has no more


@dataclass(frozen=True, slots=True)
class CheckRules:
    """The rules of a check.

    Attributes:
        cues: Limits of a cue.
        language: A code; None detects it.
        encoding: Python's name of it; "" detects it.
    """

    cues: CueOptions
    language: str | None = None
    encoding: str = ""

    @property
    def reading(self) -> Reading:
        """The user's choices about the text of a file."""
        return Reading(self.encoding, self.language, self.cues.frame_rate)


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """A file that was read and checked.

    Attributes:
        name: Its name as the user gave it.
        file: Its captions, and how they were read.
        language: Code of its language; None if unknown.
        limits: Limits of its profile and language.
        checked: Findings and figures.
    """

    name: str
    file: CaptionFile
    language: str | None
    limits: Limits
    checked: Checked

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings, in order of time."""
        return self.checked.findings

    @property
    def figures(self) -> Figures:
        """Counts and shares over the whole file."""
        return self.checked.figures


def read(path: Path, rules: CheckRules) -> CaptionFile:
    """Read a subtitle file, or stdin.

    Raises:
        NoInputError: There is no such file.
        UndecodableError: It is not a subtitle file, or too large to be one.
        QasrError: It cannot be read.
    """
    return caption_input.read_captions(path, rules.reading)


def check(path: Path, file: CaptionFile, rules: CheckRules) -> CheckedFile:
    """Check a file."""
    language = language_of(path, file, rules.language)
    texts = _texts(file)
    video = file.transcript.video if file.transcript else None
    picture = (video.frame_rate, video.shots_ms) if video else (None, ())
    limits = _on_grid(resolve(rules.cues, language, texts, *picture), caption_formats.grid_ms(file))
    name = streams.shown(path)
    return CheckedFile(
        name, file, language, limits, check_captions(file, file.captions, language, limits, _faults(file))
    )


def language_of(path: Path, file: CaptionFile, chosen: str | None) -> str | None:
    """Return the code of a file's language: the user's, its own, its name's, or a guess from its text."""
    texts = _texts(file)
    language = chosen or file.language or _language_of_name(path, texts)
    return language or caption_atoms.guess_language(_readings(file, texts))


def _texts(file: CaptionFile) -> list[str]:
    return [line for caption in file.captions[:_SAMPLE] for line in caption.lines]


def _readings(file: CaptionFile, texts: Sequence[str]) -> Sequence[str]:
    """Return the texts in each equally likely encoding, so that no single guess decides the language."""
    if not file.is_guess:
        return texts
    return [reading for text in texts for reading in encodings.readings(text, file.encoding)]


def check_captions(
    file: CaptionFile,
    captions: Sequence[Caption],
    language: str | None,
    limits: Limits,
    faults: Sequence[Finding] = (),
) -> Checked:
    """Check a file's captions, or its repaired ones."""
    # Events of an ASS script are in the order in which they are drawn, not in that of time.
    is_sorted = file.kind != "ass"
    return quality.check(captions, limits, language, file.transcript, faults, is_sorted=is_sorted)


def _language_of_name(path: Path, texts: Sequence[str]) -> str | None:
    """Return the language in a name such as `film.ko.srt`, if the text is in its script."""
    letters = [char for text in texts[:200] for char in text if char.isalpha()]
    for part in reversed(PurePath(path.name).stem.split(".")[1:]):
        found = languages.find_in_name(part)
        # A word of a title may be a language of few speakers: the `me` of `Kill.Me` is not Montenegrin.
        named = languages.find_covered(found.code) if found else None
        if named is not None:
            n_own = sum(languages.script(char) in named.scripts for char in letters)
            if 2 * n_own > len(letters):
                return named.code
        if part.lower() not in _KINDS:
            return None  # the `in` of `Lost.in.Space` is not Indonesian
    return None


def _on_grid(limits: Limits, grid_ms: int) -> Limits:
    """Return limits rounded to the time grid of a format: 5/6 s are 0.83 s in hundredths."""
    return replace(
        limits,
        min_duration_ms=limits.min_duration_ms // grid_ms * grid_ms,
        min_gap_ms=limits.min_gap_ms // grid_ms * grid_ms,
    )


def _faults(file: CaptionFile) -> list[Finding]:
    """Return the findings of reading the file."""
    findings = [
        Finding("malformed", fault.text, line=fault.line or None, is_repaired=fault.is_fixable)
        for fault in file.faults
    ]
    if file.is_guess:
        findings.append(Finding("encoding", f"read as {file.encoding}, which is a guess"))
    elif file.encoding != "utf-8":
        findings.append(Finding("encoding", f"is in {file.encoding}"))
    numbers = [caption.number for caption in file.captions]
    if file.kind == "srt" and numbers != [str(number) for number in range(1, len(numbers) + 1)]:
        wrong = next(n for n, number in enumerate(numbers, 1) if number != str(n))
        number = numbers[wrong - 1]
        comment = f"cue {wrong} of the file " + (f"is numbered {number}" if number else "has no number")
        findings.append(Finding("numbering", comment, line=file.captions[wrong - 1].line))
    return findings


def compare(result: CheckedFile, reference: CaptionFile) -> Comparison:
    """Compare a file with a reference."""
    is_spaced = result.limits.is_spaced
    return comparison.compare(result.file.captions, reference.captions, is_spaced=is_spaced)
