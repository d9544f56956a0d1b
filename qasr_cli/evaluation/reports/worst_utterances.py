"""The worst utterances, prepared for the page: what differs, where its sound is.

In go pairs with their edits; out come runs of equal, deleted and inserted text, cut to what a page can hold:
of a long text the stretches around errors.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, quote_from_bytes

from qasr_cli import languages
from qasr_cli.evaluation.figures import Edit, Operation, SetFigures, Unit, Worst
from qasr_cli.evaluation.reports import wording
from qasr_cli.evaluation.utterances import AudioPart, Encoding, Utterance
from qasr_cli.timebase import MS_PER_S, format_clock

MAX_SHOWN = 50  # of one system
_MAX_IN_ALL = 100  # of all systems: two of them have 50 each
_MIN_SHOWN = 5
_CONTEXT = 8  # equal units that are shown on each side of an error
_MAX_UNITS = 160
_MAX_CHARS = 400  # of a unit that an aligner left whole, of names
_MAX_TEXT = 1_200  # of a text as it is
_PLAYED = {".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".mp4", ".m4v", ".webm", ".mov"}
_GAP = "…"


class Run(NamedTuple):
    """A run of units: `kind` is `equal`, `del`, `ins` or `gap`."""

    kind: str
    text: str


class Sound(NamedTuple):
    """Where an utterance's sound is: a link, "" if there is none; and whether browsers play its format."""

    link: str
    name: str
    is_played: bool


class Shown(NamedTuple):
    """One of the worst utterances as the page shows it."""

    system: str
    set_name: str
    id: str
    about: str
    errors: str
    error: str
    runs: list[Run]
    n_left_out: int
    reference: str
    hypothesis: str
    language: str
    sound: Sound


def shown(sets: Sequence[SetFigures], folder: Path) -> dict[str, list[Shown]]:
    """Return the worst utterances of each system: of each set in turn the one with the most errors.

    Args:
        sets: Figures with their worst utterances.
        folder: Where the page will lie; links to sounds begin there.
    """
    by_system: dict[str, list[SetFigures]] = {}
    for one in sets:
        if one.worst:
            by_system.setdefault(one.system, []).append(one)
    most = max(_MIN_SHOWN, min(MAX_SHOWN, _MAX_IN_ALL // max(1, len(by_system))))
    return {system: _of_system(found, most, folder) for system, found in by_system.items()}


def _of_system(sets: Sequence[SetFigures], most: int, folder: Path) -> list[Shown]:
    """Return so many utterances of a system, those of each set together; a small set leaves its share."""
    n_taken = [0] * len(sets)
    for rank in range(most):
        for number, one in enumerate(sets):
            n_taken[number] += rank < len(one.worst) and sum(n_taken) < most
    return [
        _shown(worst, one.rates[0].unit if one.rates else Unit.WORD, folder)
        for one, n in zip(sets, n_taken, strict=True)
        for worst in one.worst[:n]
    ]


def _shown(worst: Worst, unit: Unit, folder: Path) -> Shown:
    utterance, answer = worst.pair.utterance, worst.pair.answer
    runs, n_left_out = differences(worst.edits, unit)
    counts = worst.counts
    kinds = f"{counts.substitutions:,} / {counts.deletions:,} / {counts.insertions:,}"
    share = f", {wording.percent(counts.rate)} %" if counts.rate is not None else ""
    error = "no answer" if answer is None else answer.error
    return Shown(
        system=worst.pair.system,
        set_name=utterance.set_name,
        id=_cut(utterance.id, _MAX_CHARS),
        about=_about(utterance),
        errors=f"{counts.n_errors:,} of {counts.n_units:,}{share} (S / D / I {kinds})",
        error=_cut(error, _MAX_CHARS),
        runs=runs,
        n_left_out=n_left_out,
        reference=_cut(utterance.text, _MAX_TEXT),
        hypothesis="" if answer is None else _cut(answer.text, _MAX_TEXT),
        language=utterance.language or "",
        sound=_sound(utterance.audio, folder),
    )


def _about(utterance: Utterance) -> str:
    parts = [
        f"speaker {utterance.speaker}" if utterance.speaker else "",
        "" if utterance.duration_ms is None else wording.duration(utterance.duration_ms),
        *(f"{name} {value}" for name, value in utterance.labels.items()),
    ]
    return _cut(", ".join(filter(None, parts)), _MAX_CHARS)


def differences(edits: Sequence[Edit], unit: Unit) -> tuple[list[Run], int]:
    """Return runs of text around all errors, and the number of errors that are left out at the end."""
    is_error = [edit.operation is not Operation.EQUAL for edit in edits]
    runs: list[Run] = []
    n_units = n_errors = since = 0
    pending: list[Edit] = []  # equal units since the last error
    for edit, wrong in zip(edits, is_error, strict=True):
        if n_units >= _MAX_UNITS:
            break
        if not wrong:
            pending.append(edit)
            continue
        equal, is_gap = _around(pending, is_first=not n_errors)
        runs += _equal_runs(equal, unit, is_gap=is_gap)
        n_units += len(equal) + 1
        n_errors += 1
        _add(runs, edit, unit)
        pending = []
        since = n_errors
    runs += _equal_runs(pending[:_CONTEXT], unit, is_gap=False)
    if len(pending) > _CONTEXT:
        runs.append(Run("gap", _GAP))
    return runs, sum(is_error) - since


def _around(pending: Sequence[Edit], *, is_first: bool) -> tuple[Sequence[Edit], bool]:
    """Return the equal units between two errors that are shown, and whether some between are not."""
    if is_first:
        return pending[-_CONTEXT:], len(pending) > _CONTEXT
    if len(pending) <= _CONTEXT * 2:
        return pending, False
    return [*pending[:_CONTEXT], Edit(Operation.EQUAL, _GAP, _GAP), *pending[-_CONTEXT:]], False


def _equal_runs(edits: Sequence[Edit], unit: Unit, *, is_gap: bool) -> Iterator[Run]:
    if is_gap:
        yield Run("gap", _GAP)
    text = ""
    for edit in edits:
        text = _joined(text, edit.reference, unit)
    if text:
        yield Run("equal", text)


def _add(runs: list[Run], edit: Edit, unit: Unit) -> None:
    """Add an error; deletions, or insertions, that follow each other are one run.

    A substitution is a deletion with an insertion behind it. Several in a row are so two runs in all, as
    people read them: what was said, and what was written in its place.
    """
    sides = [Run("del", edit.reference), Run("ins", edit.hypothesis)]
    for kind, text in sides:
        if not text:
            continue
        place = _place(runs, kind)
        if place is None:
            # What was said stands before what was written in its place
            is_behind = kind == "del" and runs and runs[-1].kind == "ins"
            runs.insert(len(runs) - bool(is_behind), Run(kind, _visible(text)))
        else:
            runs[place] = Run(kind, _joined(runs[place].text, text, unit))


def _place(runs: Sequence[Run], kind: str) -> int | None:
    """Return where the run of a kind is since the last equal text; None if there is none."""
    for back in (1, 2):
        if len(runs) < back or runs[-back].kind not in {"del", "ins"}:
            return None
        if runs[-back].kind == kind:
            return len(runs) - back
    return None


def _joined(text: str, unit_text: str, unit: Unit) -> str:
    new = _visible(unit_text) if unit is not Unit.CHARACTER_AND_BLANK else unit_text
    if unit is Unit.WORD:
        return f"{text} {new}" if text else new
    return text + (languages.joint(text, new) if unit is Unit.MIXED else "") + new


def _visible(text: str) -> str:
    """Return a unit as it is shown: a blank alone as a sign."""
    return "␣" if text == " " else _cut(text, _MAX_CHARS)


def _sound(audio: AudioPart | None, folder: Path) -> Sound:
    if audio is None or audio.content is not None:
        return Sound("", "", is_played=False)
    is_played = audio.encoding is Encoding.MEDIA and audio.path.suffix.lower() in _PLAYED
    span, name = audio.span, audio.path.name.encode("utf-8", "replace").decode()
    place = "" if span is None else f"#t={span.start_ms / MS_PER_S:.3f},{span.end_ms / MS_PER_S:.3f}"
    times = "" if span is None else f", {format_clock(span.start_ms)} to {format_clock(span.end_ms)}"
    return Sound(link(audio.path, folder) + place, _cut(name, _MAX_CHARS) + times, is_played)


def link(path: Path, folder: Path) -> str:
    """Return a link from a page in `folder` to a file; a relative one wherever there is a way."""
    whole = os.path.abspath(path)  # noqa: PTH100 - links stay as they are
    try:
        relative = os.path.relpath(whole, os.path.abspath(folder))  # noqa: PTH100
    except ValueError:  # another drive of Windows
        return "file:///" + quote(whole.replace(os.sep, "/"))
    return quote_from_bytes(os.fsencode(relative.replace(os.sep, "/")))


def _cut(text: str, n_chars: int) -> str:
    return text if len(text) <= n_chars else text[: n_chars - 1] + _GAP
