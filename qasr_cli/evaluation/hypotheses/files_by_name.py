"""Outputs in files that are named like the sound.

In goes a folder or a file; out come answers by name, and whether they are of whole recordings. A file that
cannot be read is an answer with an error.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from qasr_cli import languages
from qasr_cli.errors import QasrError, from_read_error, printable
from qasr_cli.evaluation.hypotheses.keys import Claims, bare, keys_of
from qasr_cli.evaluation.hypotheses.transcripts import answer_of
from qasr_cli.evaluation.references import time_annotations
from qasr_cli.evaluation.references.layout import is_file, listed
from qasr_cli.evaluation.references.own_media import spoken_text, words_of
from qasr_cli.evaluation.utterances import Answer, Turn, Utterance, text_of
from qasr_cli.formats.readers import captions as caption_reader
from qasr_cli.operating_system import files

logger = logging.getLogger(__name__)

_MAX_DEPTH = 12  # of folders
# Of several outputs of one name the first is taken: it has the most.
SUFFIXES = (".json", ".textgrid", ".ctm", ".stm", ".srt", ".vtt", ".ass", ".tsv", ".txt")
_CUED = (".srt", ".vtt", ".ass", ".tsv")


def by_name(folder: Path) -> dict[str, Path]:
    """Return the best output for each path below the folder, and for each name that is in one folder only."""
    ranked: dict[str, tuple[int, Path]] = {}
    folders: dict[str, set[Path]] = {}
    for path in _walk(folder, 0):
        suffix = path.suffix.lower()
        if suffix not in SUFFIXES:
            continue
        rank = SUFFIXES.index(suffix)
        stem = path.name[: -len(suffix)]
        base = path.relative_to(folder).parent
        for name in dict.fromkeys((stem, bare(stem), _without_language(stem))):
            folders.setdefault(name, set()).add(base)
            for key in {(base / name).as_posix(), name}:
                if key not in ranked or rank < ranked[key][0]:
                    ranked[key] = rank, path
    ambiguous = {name for name, where in folders.items() if len(where) > 1 and Path() not in where}
    return {key: path for key, (_, path) in ranked.items() if key not in ambiguous}


def _without_language(stem: str) -> str:
    first, dot, last = stem.rpartition(".")
    return first if dot and languages.find_in_name(last) is not None else stem


def _walk(folder: Path, depth: int) -> Iterator[Path]:
    for name in listed(folder):
        path = folder / name
        if is_file(path):
            yield path
        elif depth < _MAX_DEPTH and os.path.isdir(path) and not os.path.islink(path):
            yield from _walk(path, depth + 1)


@dataclass(frozen=True, slots=True)
class Found:
    """An answer; `is_whole`: it is of the whole recording, of which an utterance may be a part."""

    answer: Answer
    is_whole: bool = False


Find = Callable[[Utterance], Found | None]


def lookup(named: Mapping[str, Path]) -> Find:
    """Return what answers an utterance by these files; `talk.en.srt` before others where it is English."""
    claims = Claims()
    read: dict[Path, Answer] = {}  # the last recording: its utterances follow each other

    def find(utterance: Utterance) -> Found | None:
        keys = keys_of(utterance)
        if utterance.language:
            keys = [key for name in keys for key in (f"{name}.{utterance.language}", name)]
        key = claims.key(utterance, keys, named)
        if key is None:
            return None
        path = named[key]
        if path not in read:
            read.clear()
            read[path] = read_file(path)
        return Found(read[path], is_whole=not _is_own(key, utterance))

    return find


def _is_own(key: str, utterance: Utterance) -> bool:
    """Whether a file has the name of an utterance and not of its recording: its times begin with the part."""
    is_named = key.removesuffix(f".{utterance.language}") in {utterance.id, bare(utterance.id)}
    is_recording = utterance.audio is not None and utterance.audio.path.stem == Path(bare(utterance.id)).name
    return is_named and not is_recording


def read_file(path: Path) -> Answer:
    """Return the answer in a file; one that cannot be read is an answer with an error, and is told."""
    try:
        raw = files.read_regular(path, caption_reader.MAX_JSON_BYTES)
        return _parsed(path, raw)
    except QasrError as error:
        logger.warning("%s", printable(f"{path}: {error.reason}"))
        return Answer("", error=error.reason)
    except OSError as error:
        logger.warning("%s", from_read_error(error, path))
        return Answer("", error=error.strerror or "it cannot be read")


def _parsed(path: Path, raw: bytes) -> Answer:
    suffix = path.suffix.lower()
    if not raw.strip():
        return Answer("")  # what whisper writes for silence
    if suffix in {".txt", ".ctm", ".stm", ".textgrid"}:
        text = caption_reader.decode(raw, path.name).text
        if suffix == ".txt":
            return Answer(" ".join(text.split()))
        if suffix == ".stm":
            return of_turns([one.turn for one in time_annotations.stm(text)])
        words = (
            tuple(one.word for one in time_annotations.ctm(text))
            if suffix == ".ctm"
            else time_annotations.words_of(time_annotations.text_grid(text))
        )
        return Answer(text_of(words), words=words)
    file = caption_reader.read(raw, path.name)
    if file.transcript is not None:
        return replace(answer_of(file.transcript), captions=file.captions)
    entry = languages.find(file.language) if file.language else None
    is_cued = suffix in _CUED or bool(file.captions)
    return Answer(
        spoken_text(file),
        language=entry.code if entry else None,
        words=words_of(file),
        captions=file.captions if is_cued else (),
    )


def of_turns(turns: list[Turn]) -> Answer:
    """Return the answer of turns with their texts."""
    return Answer(" ".join(turn.text for turn in turns if turn.text), turns=tuple(turns))
