"""Outputs of many recordings in one file: JSON lines, Kaldi's `text`, TRN, CTM, STM, RTTM.

In goes a file; out come answers by id, by the sound's name, or in the order of the references.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qasr_cli import languages
from qasr_cli.errors import UndecodableError, from_read_error
from qasr_cli.evaluation.hypotheses.files_by_name import Find, Found, of_turns
from qasr_cli.evaluation.hypotheses.keys import Claims, bare, keys_of
from qasr_cli.evaluation.hypotheses.transcripts import answer_of
from qasr_cli.evaluation.matching.recordings import is_like
from qasr_cli.evaluation.references import time_annotations
from qasr_cli.evaluation.references.layout import damaged, keyed_lines, text_lines
from qasr_cli.evaluation.references.manifests import json_rows
from qasr_cli.evaluation.utterances import Answer, TimedWord, Turn, Utterance, text_of
from qasr_cli.formats import parse_transcript
from qasr_cli.operating_system import files

# The leaderboard and NeMo write the reference as `text` beside the answer: the first key counts.
_TEXT_KEYS = ("pred_text", "prediction", "hypothesis", "hyp", "text", "transcript")
_ID_KEYS = ("id", "utt_id", "key", "audio_filepath", "audio_path", "file_name", "path", "wav")
_LANGUAGE_KEYS = ("pred_lang", "detected_language", "language", "lang")
_MAX_WALL_S = 1e9  # for one utterance; also keeps out NaN and numbers that are no float
_SAMPLE = re.compile(r"sample_\d+")  # the leaderboard's ids where the set has none
_TRN = re.compile(r"(.*)\(([^()]+)\)\s*")
_MAX_BYTES = 512_000_000  # of CTM, STM or RTTM: ten thousand hours of words


def by_id(answers: Mapping[str, Answer]) -> Find:
    """Return what answers an utterance by its names."""
    claims = Claims()

    def find(utterance: Utterance) -> Found | None:
        key = claims.key(utterance, keys_of(utterance), answers)
        return None if key is None else Found(answers[key])

    return find


def trn(path: Path) -> dict[str, Answer]:
    """Return the answers of a TRN file: `text (id)`.

    Raises:
        QasrError: It cannot be read, or a line has no id.
    """
    found = {}
    for line, text in text_lines(path):
        match = _TRN.fullmatch(text)
        if match is None:
            raise UndecodableError.about(path, f"line {line}: no (id) at its end", "TRN is `text (id)`")
        found[match[2].strip()] = Answer(match[1].strip())
    return found


def kaldi_text(path: Path) -> dict[str, Answer]:
    """Return the answers of Kaldi's `text`: id, blank, text."""
    found = {}
    for _, id_, spoken in keyed_lines(path):
        found[id_] = Answer(spoken)
    return found


def transcripts(path: Path) -> dict[str, Answer]:
    """Return the answers of transcripts by qasr, one a line, by the names of their sources.

    Raises:
        QasrError: It cannot be read, or a line is no transcript.
    """
    found = {}
    for line, text in text_lines(path):
        try:
            transcript = parse_transcript(text)
        except UndecodableError as error:
            raise damaged(path, line, error.reason) from None
        found[bare(Path(transcript.source_name).name)] = answer_of(transcript)
    return found


@dataclass(frozen=True, slots=True)
class JsonLines:
    """The answers of JSON lines: by id, or in the order of the references if they have no ids."""

    n: int
    is_in_order: bool
    find: Find


def json_lines(path: Path) -> JsonLines:
    """Read JSON lines with an answer each.

    Raises:
        QasrError: It cannot be read, or a line has no text.
    """
    answers: dict[str, Answer] = {}
    in_order: list[Answer] = []
    references: list[str] = []
    for line, row in _merged(json_rows(path)):
        key = next((key for key in _TEXT_KEYS if key in row), None)
        if key is None:
            raise damaged(path, line, f"no text: none of {', '.join(_TEXT_KEYS)}")
        answer = _answer(row, key)
        in_order.append(answer)
        references.append(str(row.get("text") or "") if key != "text" else "")
        for id_key in _ID_KEYS:
            if isinstance(row.get(id_key), str | int) and str(row[id_key]):
                id_ = str(row[id_key])
                for one in (id_, bare(id_), Path(id_).name, bare(Path(id_).name)):
                    answers.setdefault(one, answer)
    if answers and not all(map(_SAMPLE.fullmatch, answers)):
        return JsonLines(len(in_order), is_in_order=False, find=by_id(answers))
    return JsonLines(len(in_order), is_in_order=True, find=_in_order(in_order, references))


def _answer(row: Mapping[str, Any], key: str) -> Answer:
    tongue = next((row[name] for name in _LANGUAGE_KEYS if isinstance(row.get(name), str)), "")
    entry = languages.find(tongue) if tongue else None
    wall = row.get("time")
    is_number = isinstance(wall, int | float) and not isinstance(wall, bool) and 0 <= wall < _MAX_WALL_S
    return Answer(
        row[key] if isinstance(row[key], str) else "",  # null is no text, and never the reference's
        language=entry.code if entry else None,
        wall_s=float(wall) if is_number and wall is not None else None,
    )


def _merged(rows: Iterator[tuple[int, dict[str, Any]]]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield rows; chunks of one recording (`parent_id`, `chunk_index`, as the leaderboard's) as one."""
    parents: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    for line, row in rows:
        if row.get("parent_id") is None or not isinstance(row.get("chunk_index"), int):
            yield line, row
        else:
            parents.setdefault(str(row["parent_id"]), []).append((line, row))
    for parent, chunks in parents.items():
        ordered = sorted(chunks, key=lambda chunk: chunk[1]["chunk_index"])
        line, first = ordered[0]
        texts = [str(row.get("pred_text") or "").strip() for _, row in ordered]
        yield (
            line,
            {**first, "audio_filepath": parent, "pred_text": " ".join(filter(None, texts)), "time": None},
        )


def _in_order(answers: Sequence[Answer], references: Sequence[str]) -> Find:
    """Return what answers utterances in the order of the rows, checked by the reference in each row.

    Sets are filtered, drawn or sorted in other ways than the program's: where rows have references, the next
    row with the utterance's own is taken, or the next one of all if it is like it. Without, only the order is
    left.
    """
    letters = [_letters(text) for text in references]
    places: dict[str, list[int]] = {}
    for place, text in enumerate(letters):
        places.setdefault(text, []).append(place)
    has_references = any(letters)
    following = 0

    def find(utterance: Utterance) -> Found | None:
        nonlocal following
        place = following
        if has_references:
            wanted = _letters(utterance.text)
            known = places.get(wanted, [])
            if known:
                place = known[bisect.bisect_left(known, following) % len(known)]
            elif following >= len(letters) or not is_like(letters[following], wanted):
                return None
        if place >= len(answers):
            return None
        following = place + 1
        return Found(answers[place])

    return find


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


def recordings(path: Path, suffix: str) -> dict[str, Answer]:
    """Return the answer for each recording of a CTM, STM or RTTM file.

    Raises:
        QasrError: It cannot be read, or a line is damaged.
    """
    try:
        text = files.read_regular(path, _MAX_BYTES).decode("utf-8-sig", "replace")
    except OSError as error:
        raise from_read_error(error, path) from error
    words: dict[str, list[TimedWord]] = {}
    turns: dict[str, list[Turn]] = {}
    try:
        if suffix == ".ctm":
            for one in time_annotations.ctm(text):
                words.setdefault(one.recording, []).append(one.word)
        elif suffix == ".stm":
            for segment in time_annotations.stm(text):
                turns.setdefault(segment.recording, []).append(segment.turn)
        else:
            for recording, turn in time_annotations.rttm(text):
                turns.setdefault(recording, []).append(turn)
    except UndecodableError as error:
        raise UndecodableError.about(path, error.reason, error.hint) from None
    found = {name: Answer(text_of(own), words=tuple(own)) for name, own in words.items()}
    return found | {name: of_turns(own) for name, own in turns.items()}


def by_recording(found: Mapping[str, Answer]) -> Find:
    """Return what answers an utterance by its recording."""
    claims = Claims()

    def find(utterance: Utterance) -> Found | None:
        key = claims.key(utterance, [utterance.recording, *keys_of(utterance)], found)
        return None if key is None else Found(found[key], is_whole=True)

    return find
