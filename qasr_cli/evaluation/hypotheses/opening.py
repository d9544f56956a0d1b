"""Outputs of other programs, as answers to the utterances of a reference set.

In goes a file or folder; out comes a set that answers by an utterance's id, or by the name or path of its
sound. Read are

* folders of files named like the sound: JSON of qasr, whisper, whisperX, stable-ts, faster-whisper,
whisper.cpp and
  OpenAI, SRT, WebVTT, TSV, TextGrid, CTM, STM, plain text;
* JSON lines: NeMo's manifest with `pred_text`, the Open ASR Leaderboard's `MODEL_*_DATASET_*.jsonl`, any
lines with
  an id and a text;
* Kaldi's `text` and `.trn` (`text (id)`); CTM, STM and RTTM of many recordings.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from qasr_cli import languages
from qasr_cli.errors import NoInputError, QasrError, UndecodableError, from_read_error
from qasr_cli.evaluation.hypotheses.transcripts import answer_of
from qasr_cli.evaluation.references import time_annotations
from qasr_cli.evaluation.references.layout import is_file, listed, text_lines
from qasr_cli.evaluation.references.manifests import has_keys, json_rows
from qasr_cli.evaluation.references.own_media import spoken_text, words_of
from qasr_cli.evaluation.utterances import Answer, TimedWord, Turn, Utterance
from qasr_cli.formats.readers import captions as caption_reader
from qasr_cli.operating_system import files
from qasr_cli.options import HypothesisFiles
from qasr_cli.records import Caption, Span

logger = logging.getLogger(__name__)

_MAX_DEPTH = 12
_TEXT_KEYS = ("pred_text", "prediction", "hypothesis", "hyp", "text", "transcript")
_ID_KEYS = ("id", "utt_id", "key", "audio_filepath", "audio_path", "file_name", "path", "wav")
_LANGUAGE_KEYS = ("pred_lang", "detected_language", "language", "lang")
# Of several outputs of one name the first is taken: it has the most.
_SUFFIXES = (".json", ".textgrid", ".ctm", ".stm", ".srt", ".vtt", ".ass", ".tsv", ".txt")
_CUED = (".srt", ".vtt", ".ass", ".tsv")
_TRN = re.compile(r"(.*)\(([^()]+)\)\s*")


@dataclass(frozen=True, slots=True)
class HypothesisSet:
    """One program's outputs.

    Attributes:
        name: Its name in reports.
        kind: What the outputs were taken for.
        n: How many there are.
    """

    name: str
    path: Path
    kind: str
    n: int
    _find: Callable[[Utterance], Answer | None] = field(repr=False)

    @property
    def description(self) -> str:
        """What the outputs were taken for, on one line."""
        return f"{self.name}: {self.path}, taken for {self.kind} ({self.n:,})"

    def answer(self, utterance: Utterance) -> Answer | None:
        """Return the program's answer to an utterance; None if it has none.

        A file that cannot be read is an answer with an error: it counts as deletions, and is told.
        """
        return self._find(utterance)


def open_hypotheses(given: HypothesisFiles) -> HypothesisSet:
    """Find out what a program's outputs are, and return them.

    Raises:
        NoInputError: There is no such path.
        UndecodableError: It is none of the kinds; the message says what is read.
    """
    path = given.path
    if not os.path.lexists(path):
        raise NoInputError.about(path, "no such file or folder", flag="--hyp")
    if os.path.isdir(path):
        manifest = next((path / name for name in listed(path) if _is_table(path / name)), None)
        by_name = _by_name(path)
        if by_name:
            return HypothesisSet(given.name, path, "files by name", len(by_name), _of_files(by_name))
        if manifest is None:
            raise UndecodableError.about(path, "no outputs in it", f"read are {', '.join(_SUFFIXES)}, .jsonl")
        path = manifest
    return _of_table(given.name, path)


def keys_of(utterance: Utterance) -> list[str]:
    """Return the names under which an utterance's answer is looked for, the surest first."""
    keys = [utterance.id]
    if utterance.audio is not None:
        path = utterance.audio.path
        keys += [path.as_posix(), path.name, path.stem]
    keys += [_bare(key) for key in keys]
    return list(dict.fromkeys(key for key in keys if key))


def _bare(name: str) -> str:
    """Return a name without the suffix of a sound."""
    suffix = Path(name).suffix
    return name[: -len(suffix)] if suffix and not suffix[1:].isdecimal() else name


# ── files by name ───────────────────────────────────────────────────────────────────────────────────────


def _by_name(folder: Path) -> dict[str, Path]:
    """Return the best output for each name, and for each name with its folders."""
    ranked: dict[str, tuple[int, Path]] = {}
    for path in _walk(folder, 0):
        suffix = path.suffix.lower()
        if suffix not in _SUFFIXES:
            continue
        stem = path.name[: -len(suffix)]
        rank = _SUFFIXES.index(suffix)
        within = path.relative_to(folder).parent / stem
        for key in (within.as_posix(), stem, _bare(stem), _without_language(stem)):
            if key not in ranked or rank < ranked[key][0]:
                ranked[key] = rank, path
    return {key: path for key, (_, path) in ranked.items()}


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


def _of_files(by_name: Mapping[str, Path]) -> Callable[[Utterance], Answer | None]:
    read: dict[Path, Answer] = {}  # the last recording: its utterances follow each other

    def find(utterance: Utterance) -> Answer | None:
        key = next((key for key in keys_of(utterance) if key in by_name), None)
        if key is None:
            return None
        path = by_name[key]
        if path not in read:
            read.clear()
            read[path] = _read_file(path)
        span = utterance.audio.span if utterance.audio else None
        # A file of the utterance's own name is of this part alone, with times from its begin.
        is_own = key in {utterance.id, _bare(utterance.id)}
        return read[path] if span is None or is_own else within(read[path], span)

    return find


def _read_file(path: Path) -> Answer:
    try:
        raw = files.read_regular(path, caption_reader.MAX_JSON_BYTES)
        return _parsed(path, raw)
    except QasrError as error:
        logger.warning("%s: %s", path, error.reason)
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
            return _of_turns([one.turn for one in time_annotations.stm(text)])
        words = (
            tuple(one.word for one in time_annotations.ctm(text))
            if suffix == ".ctm"
            else time_annotations.words_of(time_annotations.text_grid(text))
        )
        return Answer(_joined(words), words=words)
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


def _of_turns(turns: list[Turn]) -> Answer:
    return Answer(" ".join(turn.text for turn in turns if turn.text), turns=tuple(turns))


def within(answer: Answer, span: Span) -> Answer:
    """Return the part of an answer whose words, or captions, have their middle in a span."""
    words = tuple(word for word in answer.words if _is_inside(word.start_ms, word.end_ms, span))
    captions = tuple(one for one in answer.captions if _is_inside(one.start_ms, one.end_ms, span))
    cued = " ".join(line for one in captions for line in one.lines)
    text = _joined(words) if answer.words else cued
    return replace(answer, text=text, words=words, captions=(), turns=(), segments=())


def _is_inside(start_ms: int, end_ms: int, span: Span) -> bool:
    return span.start_ms <= (start_ms + end_ms) // 2 < span.end_ms


def _joined(words: tuple[TimedWord, ...]) -> str:
    text = ""
    for word in words:
        text += languages.joint(text, word.text) + word.text
    return text


# ── tables ──────────────────────────────────────────────────────────────────────────────────────────────


def _is_table(path: Path) -> bool:
    name = path.name.lower()
    return is_file(path) and (name == "text" or name.endswith((".jsonl", ".trn", ".manifest")))


def _of_table(name: str, path: Path) -> HypothesisSet:
    suffix = path.suffix.lower()
    if suffix in {".ctm", ".stm", ".rttm"}:
        found = _many(path, suffix)
        return HypothesisSet(name, path, suffix[1:].upper(), len(found), _cut_lookup(found))
    if suffix in _SUFFIXES and not has_keys(path):
        answer = _read_file(path)
        return HypothesisSet(name, path, "the output for one recording", 1, lambda _: answer)
    if suffix == ".trn":
        return _looked_up(name, path, "TRN", dict(_trn(path)))
    if has_keys(path):
        return _of_json_lines(name, path)
    return _looked_up(name, path, "Kaldi's text", dict(_kaldi_text(path)))


def _looked_up(name: str, path: Path, kind: str, answers: Mapping[str, Answer]) -> HypothesisSet:
    def find(utterance: Utterance) -> Answer | None:
        return next((answers[key] for key in keys_of(utterance) if key in answers), None)

    return HypothesisSet(name, path, kind, len(answers), find)


def _trn(path: Path) -> Iterator[tuple[str, Answer]]:
    for line, text in text_lines(path):
        match = _TRN.fullmatch(text)
        if match is None:
            raise UndecodableError.about(path, f"line {line}: no (id) at its end", "TRN is `text (id)`")
        yield match[2].strip(), Answer(match[1].strip())


def _kaldi_text(path: Path) -> Iterator[tuple[str, Answer]]:
    for _, text in text_lines(path):
        id_, _, spoken = text.replace("\t", " ").partition(" ")
        yield id_, Answer(spoken.strip())


def _of_json_lines(name: str, path: Path) -> HypothesisSet:
    """Return the answers of JSON lines by their ids; those without ids by their order."""
    answers: dict[str, Answer] = {}
    in_order: list[Answer] = []
    for line, row in json_rows(path):
        text = next((row[key] for key in _TEXT_KEYS if isinstance(row.get(key), str)), None)
        if text is None:
            raise UndecodableError.about(path, f"line {line}: no text: none of {', '.join(_TEXT_KEYS)}")
        tongue = next((row[key] for key in _LANGUAGE_KEYS if isinstance(row.get(key), str)), "")
        entry = languages.find(tongue) if tongue else None
        wall = row.get("time")
        answer = Answer(
            text,
            language=entry.code if entry else None,
            wall_s=float(wall) if isinstance(wall, int | float) and not isinstance(wall, bool) else None,
        )
        in_order.append(answer)
        for key in _ID_KEYS:
            if isinstance(row.get(key), str | int) and str(row[key]):
                id_ = str(row[key])
                for one in (id_, Path(id_).name, _bare(Path(id_).name)):
                    answers.setdefault(one, answer)
    # The leaderboard's files have ids of its own (`sample_7`), and the order of the set.
    has_own_ids = not answers or all(key.startswith("sample_") for key in answers)
    kind = "JSON lines, in the order of the references" if has_own_ids else "JSON lines"
    if not has_own_ids:
        return replace(_looked_up(name, path, kind, answers), n=len(in_order))
    following = iter(in_order)
    return HypothesisSet(name, path, kind, len(in_order), lambda _: next(following, None))


def _many(path: Path, suffix: str) -> dict[str, Answer]:
    """Return the answer for each recording of a file of many."""
    try:
        text = files.read_regular(path, caption_reader.MAX_JSON_BYTES * 8).decode("utf-8-sig", "replace")
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
    found = {name: Answer(_joined(tuple(own)), words=tuple(own)) for name, own in words.items()}
    found |= {name: _of_turns(own) for name, own in turns.items()}
    return found


def _cut_lookup(found: Mapping[str, Answer]) -> Callable[[Utterance], Answer | None]:
    def find(utterance: Utterance) -> Answer | None:
        names = [utterance.recording, *keys_of(utterance)]
        answer = next((found[key] for key in names if key in found), None)
        span = utterance.audio.span if utterance.audio else None
        if answer is None or span is None:
            return answer
        if answer.words:
            return within(answer, span)
        cues = tuple(Caption(turn.start_ms, turn.end_ms, (turn.text,)) for turn in answer.turns)
        return within(replace(answer, captions=cues), span)

    return find
