"""Kaldi's data folders, and corpora that are one: AISHELL-1, AISHELL-2, KeSpeech.

    wav.scp     RECORDING PATH      a pipe is a command and is refused
    segments    UTTERANCE RECORDING START END       in seconds; without it an utterance is a recording
    text        UTTERANCE TEXT
    utt2spk, utt2lang, utt2subdialect   optional

AISHELL-1 has one transcript for all parts (`transcript/aishell_transcript_v0.8.txt`), its words set apart by
blanks that no text has; sounds without a line there have no text and are left out, as in its own scoring.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from qasr_cli.errors import UsageError
from qasr_cli.evaluation.references.layout import (
    Layout,
    Part,
    code,
    damaged,
    first_base,
    is_file,
    listed,
    number,
    span,
    text_lines,
)
from qasr_cli.evaluation.utterances import AudioPart, Utterance
from qasr_cli.options import ReferenceOptions

_AISHELL_TEXT = "aishell_transcript_v0.8.txt"
_TEXTS = ("text", "trans.txt")  # AISHELL-2 calls it so


def _parts(path: Path) -> list[Part]:
    folders = [path, *(path / name for name in listed(path))]
    for inside in (Path("data"), Path("iOS"), Path("Tasks", "ASR")):  # recipes, AISHELL-2, KeSpeech
        folders += [path / inside / name for name in listed(path / inside)]
    return [
        Part(folder.absolute().name, folder, "zh" if _is_mandarin(folder) else None)
        for folder in dict.fromkeys(folders)
        if is_file(folder / "wav.scp") and any(is_file(folder / name) for name in _TEXTS)
    ]


def _is_mandarin(folder: Path) -> bool:
    """Whether a folder is of AISHELL-2, or of KeSpeech, whose subdialects are those of Mandarin."""
    return is_file(folder / "trans.txt") or is_file(folder / "utt2subdialect")


def _set_name(folder: Path) -> str:
    if is_file(folder / "trans.txt"):
        return f"aishell-2 {folder.absolute().name}"
    if is_file(folder / "utt2subdialect"):
        return f"kespeech {folder.absolute().name}"
    return f"{folder.absolute().parent.name} {folder.absolute().name}"


def _read(part: Part, _options: ReferenceOptions) -> Iterator[Utterance]:
    folder = part.path
    set_name = _set_name(folder)
    is_by_speaker = is_file(folder / "trans.txt")  # AISHELL-2: wav/SPEAKER/ID.wav
    recordings = _scp(folder / "wav.scp", folder)
    segments = _table(folder / "segments")
    speakers, tongues, dialects = (
        _table(folder / name) for name in ("utt2spk", "utt2lang", "utt2subdialect")
    )
    text_file = next(folder / name for name in _TEXTS if is_file(folder / name))
    for line, row in text_lines(text_file):
        id_, _, spoken = row.replace("\t", " ").partition(" ")
        cut = None
        recording = id_
        if segments:
            fields = segments.get(id_, "").split()
            if len(fields) < 3:
                raise damaged(text_file, line, f"{id_} is not in segments")
            recording = fields[0]
            start_s, end_s = (number(folder / "segments", 0, field) for field in fields[1:3])
            cut = span(folder / "segments", line, start_s, end_s)
        path = recordings.get(recording)
        if path is None:
            raise damaged(text_file, line, f"{recording} is not in wav.scp")
        yield Utterance(
            id_,
            set_name,
            AudioPart(path, cut),
            spoken.strip(),
            language=code(tongues[id_]) if id_ in tongues else part.language,
            speaker=speakers.get(id_, "") or (path.parent.name if is_by_speaker else ""),
            recording=recording if segments else "",
            duration_ms=cut.duration_ms if cut else None,
            labels={"subdialect": dialects[id_]} if id_ in dialects else {},
        )


def _scp(path: Path, folder: Path) -> dict[str, Path]:
    """Return the path of each recording.

    Raises:
        UsageError: One is a command.
    """
    found = {}
    base: Path | None = None
    for line, row in text_lines(path):
        id_, _, place = row.replace("\t", " ").partition(" ")
        place = place.strip()
        if place.endswith("|") or place.startswith("|"):
            raise UsageError.about(
                path,
                f"line {line}: {id_} is a command, which qasr does not start",
                "write its sound to a file",
            )
        if not place:
            raise damaged(path, line, f"{id_} has no path")
        if "://" in place:
            raise UsageError.about(
                path, f"line {line}: {place[:80]} is an address, and no file", "download it first"
            )
        if base is None:
            base = first_base(_bases(folder), place) or folder
        found[id_] = base / place
    return found


def _bases(folder: Path) -> list[Path]:
    """Return the folders that relative paths may be meant from.

    Kaldi's recipes are started two folders above the data, and KeSpeech's paths begin three above.
    """
    return [folder, Path(), *folder.absolute().parents[:4]]


def _table(path: Path) -> dict[str, str]:
    """Return the rows of an optional table by their first column."""
    if not is_file(path):
        return {}
    rows = (text.replace("\t", " ").partition(" ") for _, text in text_lines(path))
    return {id_: rest.strip() for id_, _, rest in rows}


def _aishell_parts(path: Path) -> list[Part]:
    folders = (path, path / "data_aishell")
    base = next((one for one in folders if is_file(one / "transcript" / _AISHELL_TEXT)), None)
    if base is None:
        return []
    return [Part(name, base / "wav" / name, "zh") for name in listed(base / "wav")]


def _aishell(part: Part, _: ReferenceOptions) -> Iterator[Utterance]:
    texts = _table(part.path.parent.parent / "transcript" / _AISHELL_TEXT)
    for speaker in listed(part.path):
        for name in listed(part.path / speaker):
            id_, suffix = os.path.splitext(name)  # noqa: PTH122 - names only
            if suffix == ".wav" and id_ in texts:
                yield Utterance(
                    id_,
                    f"aishell-1 {part.name}",
                    AudioPart(part.path / speaker / name),
                    texts[id_].replace(" ", ""),
                    language="zh",
                    speaker=speaker,
                )


KALDI = Layout("kaldi", "wav.scp beside text (also KeSpeech; AISHELL-2 with trans.txt)", _parts, _read)
AISHELL = Layout("aishell", f"transcript/{_AISHELL_TEXT} beside wav/", _aishell_parts, _aishell)
