"""Outputs of other programs, as answers to the utterances of a reference set.

In goes a file or folder; out comes a set that answers by an utterance's id, or by the name or path of its
sound. Read are

* folders of files named like the sound: JSON of qasr, whisper, whisperX, stable-ts, faster-whisper,
  whisper.cpp and OpenAI, SRT, WebVTT, ASS, TSV, TextGrid, CTM, STM, plain text;
* JSON lines: NeMo's manifest with `pred_text`, the Open ASR Leaderboard's `MODEL_*_DATASET_*.jsonl`, any
  lines with an id and a text;
* Kaldi's `text` and `.trn` (`text (id)`); CTM, STM and RTTM of many recordings.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from qasr_cli.errors import NoInputError, UndecodableError
from qasr_cli.evaluation.hypotheses import files_by_name, tables
from qasr_cli.evaluation.hypotheses.keys import keys_of
from qasr_cli.evaluation.references.layout import is_file, listed
from qasr_cli.evaluation.references.manifests import has_keys
from qasr_cli.evaluation.utterances import Answer, Utterance
from qasr_cli.options import HypothesisFiles

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


def _of_one(path: Path) -> Callable[[Utterance], Answer | None]:
    """Return what answers the utterances of one recording: that of the file's name, or else the first."""
    answer = files_by_name.read_file(path)
    recording: Path | None = None

    def find(utterance: Utterance) -> Answer | None:
        nonlocal recording
        sound = utterance.audio.path if utterance.audio else Path(utterance.id)
        if recording is None or path.stem in keys_of(utterance):
            recording = sound
        return files_by_name.cut(answer, utterance) if sound == recording else None

    return find
