"""TED-LIUM, and other corpora in STM: segments with speakers beside recordings.

PART/stm/NAME.stm beside PART/sph/NAME.sph (or wav, flac; or in the same folder)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from qasr_cli.errors import UndecodableError, from_read_error
from qasr_cli.evaluation.references import time_annotations
from qasr_cli.evaluation.references.layout import Layout, Part, is_file, listed
from qasr_cli.evaluation.utterances import AudioPart, Utterance
from qasr_cli.operating_system import files
from qasr_cli.options import ReferenceOptions
from qasr_cli.records import Span

_MAX_BYTES = 1_000_000_000
_MARKS = re.compile(r"\{[A-Z_]+\}|\[[A-Z_]+\]|<sil>|\(\d\)")
_SUFFIXES = (".sph", ".wav", ".flac", ".mp3", ".opus", ".ogg")
_SOUND_FOLDERS = ("sph", "wav", "flac", "audio", ".")


def _parts(path: Path) -> list[Part]:
    if path.suffix == ".stm" and is_file(path):
        return [Part(path.stem, path)]
    folders = [path, *(path / name for name in listed(path))]
    folders += [path / "legacy" / name for name in listed(path / "legacy")]
    return [
        Part(folder.name, folder / "stm")
        for folder in folders
        if any(name.endswith(".stm") for name in listed(folder / "stm"))
    ]


def _read(part: Part, _options: ReferenceOptions) -> Iterator[Utterance]:
    is_one = is_file(part.path)
    folder = part.path.parent
    names = [part.path.name] if is_one else [name for name in listed(part.path) if name.endswith(".stm")]
    sounds = _sounds(folder)
    # A recording of TED-LIUM is English, and its marks are no speech; other STM says nothing of either.
    is_tedlium = any("tedlium" in name.lower().replace("-", "") for name in folder.absolute().parts[-4:])
    language = "en" if is_tedlium else None
    for name in names:
        path = folder / name if is_one else part.path / name
        try:
            text = files.read_regular(path, _MAX_BYTES).decode("utf-8-sig")
            segments = list(time_annotations.stm(text))
        except OSError as error:
            raise from_read_error(error, path) from error
        except UnicodeDecodeError:
            raise UndecodableError.about(path, "not UTF-8") from None
        except UndecodableError as error:
            raise UndecodableError.about(path, error.reason, error.hint) from None
        for number, one in enumerate(segments, 1):
            turn = one.turn if language is None else replace(one.turn, text=_spoken(one.turn.text))
            if turn.end_ms <= turn.start_ms:
                raise UndecodableError.about(path, f"segment {number} of {one.recording} has no length")
            span = Span(turn.start_ms, turn.end_ms)
            yield Utterance(
                f"{one.recording}-{one.channel}-{turn.start_ms:08}-{turn.end_ms:08}-{turn.speaker}",
                f"{folder.absolute().parent.name} {part.name}",
                AudioPart(sounds.get(one.recording, folder / "sph" / f"{one.recording}.sph"), span),
                turn.text,
                language=language,
                speaker=turn.speaker,
                recording=one.recording,
                duration_ms=span.duration_ms,
                labels={"labels": one.labels} if one.labels else {},
            )


def _spoken(text: str) -> str:
    """Return a text of TED-LIUM without marks: `{NOISE}`, `<sil>`, `the(2)` for a second pronunciation."""
    return " ".join(_MARKS.sub("", text).split())


def _sounds(folder: Path) -> dict[str, Path]:
    """Return the recordings by their names."""
    found: dict[str, Path] = {}
    for name in _SOUND_FOLDERS:
        for entry in listed(folder / name):
            path = folder / name / entry
            if path.suffix.lower() in _SUFFIXES:
                found.setdefault(path.stem, path)
    return found


TEDLIUM = Layout("stm", "PART/stm/*.stm beside PART/sph/ (TED-LIUM), or one .stm file", _parts, _read)
