"""The figures of an evaluation, as reports show them.

`evaluate` makes them from pairs; reports draw them and compute nothing. A figure that cannot be given (no
times, no speakers, too few utterances) is None, and never 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from qasr_cli.evaluation.utterances import Pair


class Unit(StrEnum):
    """What an error rate counts."""

    WORD = "WER"
    CHARACTER = "CER"  # without blanks
    CHARACTER_AND_BLANK = "CER with blanks"
    MIXED = "MER"  # Han, kana, hangul and Thai by character, the rest by word


class Operation(StrEnum):
    """One step of an alignment of two texts."""

    EQUAL = "equal"
    SUBSTITUTION = "substitution"
    DELETION = "deletion"
    INSERTION = "insertion"


@dataclass(frozen=True, slots=True)
class Edit:
    """One step of an alignment, in order; the side that has nothing is ""."""

    operation: Operation
    reference: str
    hypothesis: str


@dataclass(frozen=True, slots=True)
class Counts:
    """Errors of one text, or the sum of many."""

    n_units: int = 0
    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0

    @property
    def n_errors(self) -> int:
        """All errors."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float | None:
        """Errors by units of the reference, 0.05 is 5 %; None without units."""
        return self.n_errors / self.n_units if self.n_units else None

    def __add__(self, other: Counts) -> Counts:
        """Return the sum: rates are those of sums and never the mean of rates."""
        return Counts(
            self.n_units + other.n_units,
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
        )


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its 95 % interval by bootstrap.

    Attributes:
        low: Lower end; None where there are too few blocks to tell, as is `high`.
        n_blocks: Speakers, recordings or utterances that were drawn.
        blocks: What they are: `speaker`, `recording`, `utterance`.
    """

    value: float
    low: float | None = None
    high: float | None = None
    n_blocks: int = 0
    blocks: str = "utterance"


@dataclass(frozen=True, slots=True)
class Rate:
    """An error rate of a set, with a unit and a normalizer."""

    unit: Unit
    normalizer: str
    counts: Counts
    interval: Interval | None  # None without units


@dataclass(frozen=True, slots=True)
class LanguageFigures:
    """Accuracy of language detection.

    Attributes:
        n: Utterances whose language is known.
        n_right: Of these, detected right.
        n_none: Of these, without a detected language.
        macro: Mean of the languages' accuracies.
        confusions: Utterances by (reference, detected), right ones included; `""` is no language.
    """

    n: int
    n_right: int
    n_none: int
    macro: float
    confusions: Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class TimeFigures:
    """Errors of word times, in ms: system minus reference, starts and ends of words that match.

    Attributes:
        n_words: Words of the reference with times.
        n_matched: Of these, matched by a word of the system.
        aas_ms: Accumulated average shift: mean of absolute errors.
        bias_ms: Mean of the signed errors; `start_bias_ms` and `end_bias_ms` of one side.
        within: Share of the absolute errors that are at most so many ms, by that number.
        histogram: Count of signed errors by the lower end of bins of 20 ms, from -500 to 500 with the rest
            in the outer ones.
    """

    n_words: int
    n_matched: int
    aas_ms: float
    median_ms: float
    p95_ms: float
    bias_ms: float
    start_bias_ms: float
    end_bias_ms: float
    within: Mapping[int, float]
    histogram: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class SubtitleFigures:
    """Figures of a system's captions against those of the reference (`subtitles.qc`).

    Attributes:
        edit_rate: SubER in percent.
        readable_share: Share of its cues within the reading speed.
        n_broken: Hard rules that it breaks.
    """

    n_captions: int
    edit_rate: float
    cue_f1: float
    shift_ms: float | None
    readable_share: float | None = None
    n_broken: int | None = None


@dataclass(frozen=True, slots=True)
class SpeakerFigures:
    """Diarization error, in shares of the reference's speech; and the words' error rate by speaker.

    Attributes:
        collar_ms: Half width around each edge that is not scored.
        der: Diarization error rate: missed, false alarm and confusion together.
        is_overlap_scored: Speech of several speakers at once counts.
        jer: Jaccard error rate; None with a collar.
        cp_wer: Concatenated minimum-permutation WER; None without words. `tcp_wer` adds that words match in
            time, 5 s around.
        n_right_count: Recordings with the right number of speakers.
    """

    n_recordings: int
    collar_ms: int
    der: float
    missed: float
    false_alarm: float
    confusion: float
    jer: float | None = None
    cp_wer: float | None = None
    tcp_wer: float | None = None
    n_right_count: int = 0
    is_overlap_scored: bool = True


@dataclass(frozen=True, slots=True)
class SpeedFigures:
    """Speed and memory of a system, as its run reported them; always with device and scope.

    Attributes:
        rtfx: Audio seconds by wall seconds, models loaded.
        peak_bytes: Highest resident memory of the process.
        device: Device and number format.
    """

    audio_ms: int
    wall_s: float | None = None
    rtfx: float | None = None
    peak_bytes: int | None = None
    device: str = ""


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Words of a range of confidence: how many, their mean confidence, and the share that is right."""

    n: int
    confidence: float
    right: float


@dataclass(frozen=True, slots=True)
class CalibrationFigures:
    """How far confidences are probabilities.

    Attributes:
        ece: Expected calibration error, ten bins of equal count.
        bins: The bins.
        risk_coverage: (share of words kept, error rate among them), most confident first.
        auroc: Probability that a right word has a higher confidence than a wrong one.
    """

    n_words: int
    n_right: int
    ece: float
    bins: tuple[ReliabilityBin, ...]
    risk_coverage: tuple[tuple[float, float], ...]
    auroc: float | None = None


@dataclass(frozen=True, slots=True)
class DetectorFigures:
    """A detector of hallucinations against references.

    Attributes:
        name: As in `hallucination.Flag`.
        n_chunks: Chunks that were judged.
        n_fired: Of these, flagged.
        n_bad: Of these, really bad: an error rate above the threshold.
        n_hits: Flagged and bad.
    """

    name: str
    n_chunks: int
    n_fired: int
    n_bad: int
    n_hits: int

    @property
    def precision(self) -> float | None:
        """Share of the flagged chunks that are bad."""
        return self.n_hits / self.n_fired if self.n_fired else None

    @property
    def recall(self) -> float | None:
        """Share of the bad chunks that are flagged."""
        return self.n_hits / self.n_bad if self.n_bad else None


@dataclass(frozen=True, slots=True)
class DetectorValues:
    """One of a segment's `detectors`: values by quantile among good and bad chunks; empty without any."""

    name: str
    good: Mapping[float, float]
    bad: Mapping[float, float]


@dataclass(frozen=True, slots=True)
class Group:
    """Errors of a part of a set, for drawings: a range of lengths, a speaker, a range of noise, a label.

    Attributes:
        kind: `length`, `speaker`, `noise`, or the name of a label of the corpus.
        name: The part, such as `5-10 s`.
    """

    kind: str
    name: str
    n_utterances: int
    counts: Counts
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class Worst:
    """One of the worst utterances: its pair, its counts and the edits between the normalized texts."""

    pair: Pair
    counts: Counts
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class SetFigures:
    """All figures of one system on one set.

    Attributes:
        rates: Every unit and normalizer, the main one first.
        n_missing: Utterances without an answer; they count as deletions.
        missing_ids: The first of them.
        n_empty: Answers without text where the reference has some.
        n_empty_references: References without text; only insertions count there.
        substitutions: The commonest pairs of words with their counts.
        deletions: The commonest deleted words with their counts; `insertions` likewise.
        groups: Parts of the set, for drawings.
        worst: The worst utterances, the worst first.
        warnings: What an expert would ask about, one sentence each.
    """

    set_name: str
    system: str
    language: str | None
    n_utterances: int
    audio_ms: int
    rates: tuple[Rate, ...]
    n_missing: int = 0
    missing_ids: tuple[str, ...] = ()
    n_empty: int = 0
    n_empty_references: int = 0
    substitutions: tuple[tuple[str, str, int], ...] = ()
    deletions: tuple[tuple[str, int], ...] = ()
    insertions: tuple[tuple[str, int], ...] = ()
    lid: LanguageFigures | None = None
    times: TimeFigures | None = None
    subtitles: SubtitleFigures | None = None
    speakers: tuple[SpeakerFigures, ...] = ()
    speed: SpeedFigures | None = None
    calibration: CalibrationFigures | None = None
    detectors: tuple[DetectorFigures, ...] = ()
    detector_values: tuple[DetectorValues, ...] = ()
    groups: tuple[Group, ...] = ()
    worst: tuple[Worst, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two systems on the same utterances, by paired bootstrap.

    Attributes:
        difference: Rate of `a` minus rate of `b`, with its interval.
        p_better: Share of the draws in which `a` has the lower rate.
        n_won: Utterances with fewer errors of `a`; `n_lost` with more; `n_tied` with as many.
    """

    set_name: str
    a: str
    b: str
    unit: Unit
    normalizer: str
    difference: Interval
    p_better: float
    n_won: int
    n_lost: int
    n_tied: int


@dataclass(frozen=True, slots=True)
class Published:
    """A figure of a paper beside ours.

    Attributes:
        table: The table's name.
        ours: None if the set is not on disk.
        reason: Why it is missing, or why it may differ (split, normalizer).
    """

    table: str
    set_name: str
    metric: str
    model: str
    published: float
    ours: Interval | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """An evaluation: what was compared, with what, and all figures.

    Attributes:
        facts: What a reader needs to repeat it, in order: versions, models, normalizers, seed, command.
        sets: One entry for each set and system, in the order in which they were named.
        normalizers: The steps of each normalizer that was used, by its name with its version.
    """

    facts: Mapping[str, str]
    sets: tuple[SetFigures, ...]
    comparisons: tuple[Comparison, ...] = ()
    published: tuple[Published, ...] = ()
    normalizers: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
