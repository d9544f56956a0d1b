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

from qasr_cli.evaluation.references.layout import (
    Layout,
    Part,
    code,
    damaged,
    first_base,
    is_file,
    keyed_lines,
    listed,
    number,
    refuse_remote,
    span,
)
from qasr_cli.evaluation.utterances import AudioPart, Utterance
from qasr_cli.options import ReferenceOptions
from qasr_cli.records import Span

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
    segments = _segments(folder / "segments")
    speakers, tongues, dialects = (
        _table(folder / name) for name in ("utt2spk", "utt2lang", "utt2subdialect")
    )
    text_file = next(folder / name for name in _TEXTS if is_file(folder / name))
    for line, id_, spoken in keyed_lines(text_file):
        if segments and id_ not in segments:
            raise damaged(text_file, line, f"{id_} is not in segments")
        recording, cut = _cut(folder / "segments", *segments[id_]) if segments else (id_, None)
        path = recordings.get(recording)
        if path is None:
            raise damaged(text_file, line, f"{recording} is not in wav.scp")
        yield Utterance(
            id_,
            set_name,
            AudioPart(path, cut),
            spoken,
            language=code(tongues[id_]) if id_ in tongues else part.language,
            speaker=speakers.get(id_, "") or (path.parent.name if is_by_speaker else ""),
            recording=recording if segments else "",
            duration_ms=cut.duration_ms if cut else None,
            labels={"subdialect": dialects[id_]} if id_ in dialects else {},
        )


def _segments(path: Path) -> dict[str, tuple[int, str]]:
    """Return line and cells of each utterance's row; none if all utterances are whole recordings."""
    return {id_: (line, rest) for line, id_, rest in keyed_lines(path)} if is_file(path) else {}


def _cut(path: Path, line: int, row: str) -> tuple[str, Span]:
    """Return the recording and the span of a row of `segments`.

    Raises:
        UndecodableError: It has too few cells, or no times.
    """
    cells = row.split()
    if len(cells) < 3:
        raise damaged(path, line, "not UTTERANCE RECORDING START END")
    start_s, end_s = (number(path, line, cell) for cell in cells[1:3])
    return cells[0], span(path, line, start_s, end_s)


def _scp(path: Path, folder: Path) -> dict[str, Path]:
    """Return the path of each recording.

    Raises:
        UsageError: One is a command or an address.
    """
    found = {}
    base: Path | None = None
    for line, id_, place in keyed_lines(path):
        if not place:
            raise damaged(path, line, f"{id_} has no path")
        refuse_remote(path, line, place)
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
    return {id_: rest for _, id_, rest in keyed_lines(path)} if is_file(path) else {}


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
