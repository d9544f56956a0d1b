"""The errors of one system on one set, utterance by utterance, in little memory.

In go pairs as they are scored; what stays of each is a few numbers and the names of its blocks, so that a
million utterances take some hundred MB. Texts stay for the worst utterances only.
"""

from __future__ import annotations

import heapq
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from qasr_cli.evaluation import groups
from qasr_cli.evaluation.calibration.detectors import DetectorTally
from qasr_cli.evaluation.figures import Counts, Edit, Operation, Unit
from qasr_cli.evaluation.scoring import language_id, word_times
from qasr_cli.evaluation.scoring.subtitle_figures import Compared
from qasr_cli.evaluation.speaker_tally import SpeakerTally
from qasr_cli.evaluation.utterances import Pair

N_WORST = 50
_N_MISSING = 10
_MAX_KINDS = 200_000  # of substitutions; rare ones are dropped when there are more
COLUMNS = ("units", "substitutions", "deletions", "insertions")
_MAX_NAMES = 20_000  # of one kind of groups; utterances of further speakers or labels belong to no group


@dataclass(frozen=True, slots=True)
class Scored:
    """One pair under one normalizer.

    Attributes:
        counts: Errors by unit, the main unit first.
        reference: The normalized text; `hypothesis` likewise.
        edits: Steps in the main unit.
    """

    normalizer: str
    counts: Mapping[Unit, Counts]
    reference: str
    hypothesis: str
    edits: Sequence[Edit]

    @property
    def main(self) -> Counts:
        """Errors in the main unit."""
        return next(iter(self.counts.values()))


@dataclass(slots=True)
class Column:
    """Errors of each utterance in one unit under one normalizer."""

    values: dict[str, array[int]] = field(default_factory=lambda: {name: array("i") for name in COLUMNS})

    def add(self, counts: Counts) -> None:
        """Add an utterance."""
        row = (counts.n_units, counts.substitutions, counts.deletions, counts.insertions)
        for name, value in zip(COLUMNS, row, strict=True):
            self.values[name].append(value)

    @property
    def rows(self) -> np.ndarray:
        """`int64[4, n]`: units, substitutions, deletions, insertions."""
        return np.stack([np.array(self.values[name], dtype=np.int64) for name in COLUMNS])

    @property
    def units(self) -> np.ndarray:
        """`int64[n]`: units of the references."""
        return np.array(self.values["units"], dtype=np.int64)

    @property
    def errors(self) -> np.ndarray:
        """`int64[n]`: errors."""
        return np.asarray(self.rows[1:].sum(axis=0))

    @property
    def total(self) -> Counts:
        """The sum of all utterances."""
        return Counts(*map(int, self.rows.sum(axis=1)))


@dataclass(slots=True)
class Blocks:
    """The speakers and recordings of utterances, as numbers."""

    speakers: dict[str, int] = field(default_factory=dict)
    recordings: dict[str, int] = field(default_factory=dict)
    of_speaker: array[int] = field(default_factory=lambda: array("q"))
    of_recording: array[int] = field(default_factory=lambda: array("q"))
    is_without_speaker: bool = False
    is_without_recording: bool = False

    def add(self, pair: Pair) -> None:
        """Add an utterance."""
        utterance = pair.utterance
        self.is_without_speaker |= not utterance.speaker
        self.is_without_recording |= not utterance.recording
        self.of_speaker.append(self.speakers.setdefault(utterance.speaker, len(self.speakers)))
        self.of_recording.append(self.recordings.setdefault(utterance.recording, len(self.recordings)))

    @property
    def chosen(self) -> tuple[np.ndarray, str]:
        """`int64[n]` and what the blocks are: speakers, or recordings, or the utterances themselves."""
        if not self.is_without_speaker:
            return np.array(self.of_speaker, dtype=np.int64), "speaker"
        if not self.is_without_recording:
            return np.array(self.of_recording, dtype=np.int64), "recording"
        return np.arange(len(self.of_speaker), dtype=np.int64), "utterance"


@dataclass(slots=True)
class Tally:
    """What is kept of one system on one set.

    Attributes:
        language: Code of all its utterances; "" if unknown.
        place: Set and language, as they were first named.
        columns: Errors by (normalizer, unit), in the order of reports.
        ids: Hash of each utterance's id, by which those of two systems are paired.
        groups: Places of the utterances of each part of the set, by (kind, name); `n_names` of each kind.
        texts: Letters of reference and hypothesis in capitals, small ones, and marks, for warnings.
    """

    set_name: str
    language: str
    system: str
    columns: dict[tuple[str, Unit], Column] = field(default_factory=dict)
    blocks: Blocks = field(default_factory=Blocks)
    ids: array[int] = field(default_factory=lambda: array("q"))
    confusions: Counter[tuple[str, str]] = field(default_factory=Counter)
    substitutions: Counter[tuple[str, str]] = field(default_factory=Counter)
    deletions: Counter[str] = field(default_factory=Counter)
    insertions: Counter[str] = field(default_factory=Counter)
    groups: dict[tuple[str, str], array[int]] = field(default_factory=dict)
    n_names: Counter[str] = field(default_factory=Counter)
    worst: list[tuple[int, int, Pair, Scored]] = field(default_factory=list)
    slots: array[int] = field(default_factory=lambda: array("i"))
    n_timed_words: int = 0
    compared: list[Compared] = field(default_factory=list)
    speakers: SpeakerTally = field(default_factory=SpeakerTally)
    confidences: array[float] = field(default_factory=lambda: array("d"))
    rights: bytearray = field(default_factory=bytearray)
    chunks: DetectorTally = field(default_factory=DetectorTally)
    letters: Counter[str] = field(default_factory=Counter)
    audio_ms: int = 0
    n: int = 0
    n_missing: int = 0
    missing_ids: list[str] = field(default_factory=list)
    n_failed: int = 0
    n_empty: int = 0
    n_empty_references: int = 0
    place: tuple[str, str] = ("", "")

    def __post_init__(self) -> None:
        self.place = (self.set_name, self.language)

    def add(self, pair: Pair, scored: Sequence[Scored]) -> None:
        """Add a pair, scored with every normalizer; the first one's figures are the main ones."""
        utterance, answer, main = pair.utterance, pair.answer, scored[0]
        self.n += 1
        self.blocks.add(pair)
        self.ids.append(hash(utterance.id))
        language = language_id.code(utterance.language)
        self.audio_ms += utterance.duration_ms or 0
        for one in scored:
            for unit, counts in one.counts.items():
                self.columns.setdefault((one.normalizer, unit), Column()).add(counts)
        self.n_empty_references += not main.reference
        if answer is None:
            self.n_missing += 1
            self.missing_ids += [utterance.id] if len(self.missing_ids) < _N_MISSING else []
        else:
            self.n_failed += bool(answer.error)
            self.n_empty += bool(main.reference) and not main.hypothesis
            if language and not answer.error:
                self.confusions[language, language_id.code(answer.language)] += 1
        self._note_edits(main.edits)
        for group in groups.of_utterance(utterance):
            self._note_group(group)
        self._note_worst(pair, main)

    @property
    def main(self) -> Column:
        """Errors in the main rate."""
        return next(iter(self.columns.values()))

    def _note_group(self, group: tuple[str, str]) -> None:
        if group not in self.groups:
            if self.n_names[group[0]] >= _MAX_NAMES:
                return
            self.n_names[group[0]] += 1
            self.groups[group] = array("i")
        self.groups[group].append(self.n - 1)

    def _note_edits(self, edits: Sequence[Edit]) -> None:
        for edit in edits:
            if edit.operation is Operation.SUBSTITUTION:
                self.substitutions[edit.reference, edit.hypothesis] += 1
            elif edit.operation is Operation.DELETION:
                self.deletions[edit.reference] += 1
            elif edit.operation is Operation.INSERTION:
                self.insertions[edit.hypothesis] += 1
        for name in ("substitutions", "deletions", "insertions"):
            counter = getattr(self, name)
            if len(counter) > _MAX_KINDS:
                setattr(self, name, Counter(dict(counter.most_common(_MAX_KINDS // 2))))

    def _note_worst(self, pair: Pair, main: Scored) -> None:
        """Keep the pairs with the most errors; of equals the first."""
        n_errors = main.main.n_errors
        if not n_errors:
            return
        entry = (n_errors, -self.n, pair, main)
        if len(self.worst) < N_WORST:
            heapq.heappush(self.worst, entry)
        elif entry[:2] > self.worst[0][:2]:
            heapq.heapreplace(self.worst, entry)

    def add_times(self, pair: Pair) -> None:
        """Add the errors of word times, where both sides have them."""
        answer = pair.answer
        if not pair.utterance.words:
            return
        self.n_timed_words += len(pair.utterance.words)
        if answer is not None and answer.words:
            for start_ms, end_ms in word_times.errors(pair.utterance.words, answer.words):
                self.slots.extend((start_ms, end_ms))
