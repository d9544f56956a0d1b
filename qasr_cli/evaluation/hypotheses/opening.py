"""Outputs of other programs, as answers to the utterances of a reference set.

In goes a file or folder; out comes a set that answers by an utterance's id, or by the name or path of its
sound. Read are

* folders of files named like the sound: JSON of qasr, whisper, whisperX, stable-ts, faster-whisper,
  whisper.cpp and OpenAI, SRT, WebVTT, ASS, TSV, TextGrid, CTM, STM, plain text;
* JSON lines: transcripts by qasr, NeMo's manifest with `pred_text`, the Open ASR Leaderboard's
  `MODEL_*_DATASET_*.jsonl`, any lines with an id and a text;
* Kaldi's `text` and `.trn` (`text (id)`); CTM, STM and RTTM of many recordings.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from qasr_cli.errors import NoInputError, UndecodableError
from qasr_cli.evaluation.hypotheses import files_by_name, tables
from qasr_cli.evaluation.hypotheses.files_by_name import Find, Found
from qasr_cli.evaluation.hypotheses.keys import keys_of
from qasr_cli.evaluation.matching import recordings
from qasr_cli.evaluation.references.layout import is_file, listed
from qasr_cli.evaluation.references.manifests import has_keys
from qasr_cli.evaluation.utterances import Answer, Utterance
from qasr_cli.options import HypothesisFiles
from qasr_cli.records import Caption

_MANY = (".ctm", ".stm", ".rttm")
# Keys of a transcript that is one line of JSON, as whisper writes it: no line of a manifest has them.
_TRANSCRIPT_KEYS = ("segments", "schema", "transcription", "results", "word_segments", "chunks")


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
    _find: Find = field(repr=False)

    @property
    def description(self) -> str:
        """What the outputs were taken for, on one line."""
        return f"{self.name}: {self.path}, taken for {self.kind} ({self.n:,})"

    def answers(self, utterances: Sequence[Utterance]) -> list[Answer | None]:
        """Return the answers to utterances of one recording (`by_recording`); None where there is none.

        An output of the whole recording is dealt to its parts. A file that cannot be read is an answer with
        an error: it counts as deletions, and is told.
        """
        found = [self._find(one) for one in utterances]
        given = [None if one is None else one.answer for one in found]
        parts = [
            place
            for place, one in enumerate(found)
            if one is not None and one.is_whole and _is_part(utterances[place])
        ]
        if parts and (whole := given[parts[0]]) is not None:
            members = [utterances[place] for place in parts]
            dealt = recordings.answers(members, _with_times(whole), is_partial=True)
            for place, answer in zip(parts, dealt, strict=True):
                given[place] = answer
        return given


def _is_part(utterance: Utterance) -> bool:
    return utterance.audio is not None and utterance.audio.span is not None


def _with_times(whole: Answer) -> Answer:
    """Return an answer whose turns count as captions where nothing else has times."""
    if whole.words or whole.captions:
        return whole
    turns = (turn for turn in whole.turns if turn.text)
    return replace(whole, captions=tuple(Caption(one.start_ms, one.end_ms, (one.text,)) for one in turns))


def by_recording(utterances: Iterable[Utterance]) -> Iterator[list[Utterance]]:
    """Yield groups of parts of one recording that follow each other; a whole file is a group of its own."""

    def key(one: Utterance) -> object:
        return one.audio.path if one.audio is not None and _is_part(one) else (one.set_name, one.id)

    for _, group in itertools.groupby(utterances, key):
        yield list(group)


def open_hypotheses(given: HypothesisFiles) -> HypothesisSet:
    """Find out what a program's outputs are, and return them.

    Raises:
        NoInputError: There is no such path.
        UndecodableError: It is none of the kinds, or several; the message says what is read.
    """
    path = given.path
    if not os.path.lexists(path):
        raise NoInputError.about(path, "no such file or folder", flag="--hyp")
    return _of_folder(given.name, path) if os.path.isdir(path) else _of_file(given.name, path)


def _of_folder(name: str, folder: Path) -> HypothesisSet:
    manifests = [folder / entry for entry in listed(folder) if _is_table(folder / entry)]
    named = files_by_name.by_name(folder)
    if len(manifests) == 1 and (not named or manifests[0].name.startswith("MODEL_")):
        return _of_file(name, manifests[0])
    if named:
        n_files = len(set(named.values()))
        return HypothesisSet(name, folder, "files by name", n_files, files_by_name.lookup(named))
    if manifests:
        shown = ", ".join(one.name for one in manifests[:5])
        raise UndecodableError.about(folder, f"several tables of outputs: {shown}", "name one of them")
    read = ", ".join((*files_by_name.SUFFIXES, ".jsonl, .trn, text"))
    raise UndecodableError.about(folder, "no outputs in it", f"read are {read}")


def _is_table(path: Path) -> bool:
    name = path.name.lower()
    return is_file(path) and (name == "text" or name.endswith((".jsonl", ".trn", ".manifest")))


def _of_file(name: str, path: Path) -> HypothesisSet:
    suffix = path.suffix.lower()
    if suffix in _MANY:
        found = tables.recordings(path, suffix)
        return HypothesisSet(name, path, suffix[1:].upper(), len(found), tables.by_recording(found))
    if suffix == ".jsonl" and has_keys(path, "schema"):
        found = tables.transcripts(path)
        return HypothesisSet(name, path, "transcripts by qasr", len(found), tables.by_recording(found))
    is_transcript = any(has_keys(path, key) for key in _TRANSCRIPT_KEYS)
    if has_keys(path) and not is_transcript:
        rows = tables.json_lines(path)
        kind = "JSON lines, in the order of the references" if rows.is_in_order else "JSON lines"
        return HypothesisSet(name, path, kind, rows.n, rows.find)
    if suffix in files_by_name.SUFFIXES:
        return HypothesisSet(name, path, "the output for one recording", 1, _of_one(path))
    answers = tables.trn(path) if suffix == ".trn" else tables.kaldi_text(path)
    kind = "TRN" if suffix == ".trn" else "Kaldi's text"
    return HypothesisSet(name, path, kind, len(answers), tables.by_id(answers))


def _of_one(path: Path) -> Find:
    """Return what answers the utterances of one recording: that of the file's name, or else the first."""
    answer = files_by_name.read_file(path)
    recording: Path | None = None

    def find(utterance: Utterance) -> Found | None:
        nonlocal recording
        sound = utterance.audio.path if utterance.audio else Path(utterance.id)
        if recording is None or path.stem in keys_of(utterance):
            recording = sound
        return Found(answer, is_whole=True) if sound == recording else None

    return find
