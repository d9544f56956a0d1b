"""The tables of an evaluation, as texts: terminal, Markdown and page show the same ones.

In goes an evaluation; out come tables of cells. A table without rows is left out. Texts are foreign and
nothing is escaped here: each report escapes for its own format.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

from qasr_cli.evaluation.figures import (
    Evaluation,
    LanguageFigures,
    Rate,
    SetFigures,
    SpeakerFigures,
    SpeedFigures,
)
from qasr_cli.evaluation.reports import published, wording
from qasr_cli.evaluation.scoring import language_id
from qasr_cli.evaluation.scoring.word_times import WITHIN_MS

_Figures = TypeVar("_Figures")
_ALL = "all"  # sets of a system, which were run together
_MAX_CONFUSIONS = 5  # named in a cell; the page has a matrix, and a CSV table all of them


class Table(NamedTuple):
    """A table.

    Attributes:
        key: Its name for links and files.
        title: Its title.
        note: What a reader must know, or "".
        header: Names of the columns.
        rows: Cells; the first `n_names` are names, the rest figures.
        n_names: Columns that name a row.
    """

    key: str
    title: str
    note: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    n_names: int = 2

    @property
    def is_left(self) -> list[bool]:
        """Whether each column begins at the left: names and words do, figures end at the right."""
        columns = zip(*self.rows, strict=True)
        return [number < self.n_names or _is_prose(column) for number, column in enumerate(columns)]


def _is_prose(cells: Sequence[str]) -> bool:
    """Whether a column holds words and no figures."""
    return any(" " in cell and cell[:1].isalpha() for cell in cells)


def tables(evaluation: Evaluation) -> list[Table]:
    """Return all tables that have rows, the most wanted first."""
    sets = evaluation.sets
    found = [
        _rates(sets),
        _other_units(sets),
        _comparisons(evaluation),
        _published(evaluation),
        _missing(sets),
        _languages(sets),
        _times(sets),
        _subtitles(sets),
        _speakers(sets),
        _confidence(sets),
        _detectors(sets),
        _detector_values(sets),
        _speed(sets),
    ]
    return [table for table in found if table.rows]


def _named(one: SetFigures) -> tuple[str, str]:
    return one.set_name, one.system


def _rates(sets: Sequence[SetFigures]) -> Table:
    normalizers = list(dict.fromkeys(rate.normalizer for one in sets for rate in one.rates))
    rows = tuple(_rate_row(one, normalizers) for one in sets)
    fews = dict.fromkeys(
        f"{one.set_name} ({wording.blocks(one.rates[0].interval)})"
        for one in sets
        if one.rates and one.rates[0].interval is not None and not wording.is_told(one.rates[0].interval)
    )
    note = "Percent, with 95 % intervals. S / D / I: substitutions, deletions, insertions, by the first one."
    note += f" Too few to tell: {', '.join(fews)}." if fews else ""
    columns = ("set", "system", "utterances", "audio", "unit", *normalizers, "S / D / I")
    return Table("rates", "Error rates", note, columns, rows)


def _rate_row(one: SetFigures, normalizers: Sequence[str]) -> tuple[str, ...]:
    main = one.rates[0] if one.rates else None
    by_name = {rate.normalizer: rate for rate in one.rates if main is not None and rate.unit is main.unit}
    cells = [wording.rate(by_name[name]) if name in by_name else wording.NOT_KNOWN for name in normalizers]
    errors = wording.NOT_KNOWN if main is None else wording.kinds_of_errors(main.counts)
    return (
        *_named(one),
        wording.count(one.n_utterances),
        wording.duration(one.audio_ms),
        wording.NOT_KNOWN if main is None else main.unit.value,
        *cells,
        errors,
    )


def _other_units(sets: Sequence[SetFigures]) -> Table:
    rows = tuple(
        (*_named(one), rate.unit.value, rate.normalizer, wording.rate(rate)) for one, rate in _others(sets)
    )
    header = ("set", "system", "unit", "normalizer", "rate")
    return Table("units", "Other units", "Percent, with 95 % intervals.", header, rows)


def _others(sets: Sequence[SetFigures]) -> Iterator[tuple[SetFigures, Rate]]:
    """Yield the rates in other units than the main one, under the main normalizer; CSV has all of them."""
    for one in sets:
        for rate in one.rates[1:]:
            if rate.unit is not one.rates[0].unit and rate.normalizer == one.rates[0].normalizer:
                yield one, rate


def _comparisons(evaluation: Evaluation) -> Table:
    rows = tuple(
        (
            one.set_name,
            f"{one.a} against {one.b}",
            wording.rate_name(one.unit, one.normalizer),
            wording.interval(one.difference, is_signed=True),
            wording.outcome(one),
            wording.verdict(one),
        )
        for one in evaluation.comparisons
    )
    note = (
        "First minus second, in points of percent, by paired bootstrap. Fewer / more / equal: utterances by "
        "the first one's errors."
    )
    header = ("set", "systems", "rate", "difference", "fewer / more / equal", "verdict")
    return Table("comparisons", "Systems side by side", note, header, rows)


def _published(evaluation: Evaluation) -> Table:
    return Table(
        "published",
        "Published figures",
        published.NOTE,
        published.HEADER,
        tuple(published.row(one) for one in evaluation.published),
        n_names=4,
    )


def _missing(sets: Sequence[SetFigures]) -> Table:
    rows = tuple(
        (
            *_named(one),
            wording.count(one.n_missing),
            wording.count(one.n_empty),
            wording.count(one.n_empty_references),
            ", ".join(one.missing_ids) + (", …" if one.n_missing > len(one.missing_ids) else ""),
        )
        for one in sets
        if one.n_missing or one.n_empty or one.n_empty_references
    )
    note = (
        "Utterances without an answer and answers without text count as deletions. Where the reference is "
        "empty, insertions count."
    )
    header = ("set", "system", "without an answer", "without text", "empty references", "first without")
    return Table("missing", "Missing texts", note, header, rows)


def _rows_of(
    sets: Iterable[SetFigures],
    pick: Callable[[SetFigures], _Figures | None],
    cells: Callable[[_Figures], tuple[str, ...]],
) -> tuple[tuple[str, ...], ...]:
    """Return a row for each set and system that has such figures."""
    return tuple((*_named(one), *cells(figures)) for one in sets if (figures := pick(one)) is not None)


def _languages(sets: Sequence[SetFigures]) -> Table:
    rows = _rows_of(sets, lambda one: one.lid, _language_cells)
    rows += tuple(("all sets", system, *_language_cells(lid)) for system, lid in _over_all_sets(sets))
    note = "Percent of all utterances, and the mean of languages. Confusions: reference > detected."
    header = ("set", "system", "utterances", "accuracy", "mean of languages", "none detected", "confusions")
    return Table("languages", "Language detection", note, header, rows)


def _language_cells(lid: LanguageFigures) -> tuple[str, ...]:
    return (
        wording.count(lid.n),
        wording.percent(lid.n_right / lid.n if lid.n else None),
        wording.percent(lid.macro if lid.n else None),
        wording.count(lid.n_none),
        _confused(lid),
    )


def _over_all_sets(sets: Sequence[SetFigures]) -> Iterator[tuple[str, LanguageFigures]]:
    """Yield each system's figures of all sets together, where there are several languages."""
    for system, confusions in language_id.by_system(sets).items():
        lid = language_id.figures(confusions)
        if lid is not None and len({reference for reference, _ in confusions}) > 1:
            yield system, lid


def _confused(lid: LanguageFigures) -> str:
    wrong = [(n, pair) for pair, n in lid.confusions.items() if pair[0] != pair[1]]
    wrong.sort(key=lambda one: (-one[0], one[1]))
    return ", ".join(
        f"{reference} > {detected or 'none'} {n:,}" for n, (reference, detected) in wrong[:_MAX_CONFUSIONS]
    )


def _times(sets: Sequence[SetFigures]) -> Table:
    rows = _rows_of(
        sets,
        lambda one: one.times,
        lambda times: (
            f"{times.n_matched:,} of {times.n_words:,}",
            wording.milliseconds(times.aas_ms),
            wording.milliseconds(times.median_ms),
            wording.milliseconds(times.p95_ms),
            wording.milliseconds(times.bias_ms, is_signed=True),
            wording.milliseconds(times.start_bias_ms, is_signed=True),
            wording.milliseconds(times.end_bias_ms, is_signed=True),
            *(wording.percent(times.within.get(limit)) for limit in WITHIN_MS),
        ),
    )
    note = (
        "Milliseconds, of starts and ends of the words that match. AAS is the mean absolute error, bias the "
        "mean signed one: positive is late. The last columns are percent of the errors."
    )
    within = (f"within {limit} ms" for limit in WITHIN_MS)
    errors = ("AAS", "median", "95th percentile", "bias", "bias of starts", "bias of ends")
    header = ("set", "system", "words matched", *errors, *within)
    return Table("times", "Times of words", note, header, rows)


def _subtitles(sets: Sequence[SetFigures]) -> Table:
    rows = _rows_of(
        sets,
        lambda one: one.subtitles,
        lambda figures: (
            wording.count(figures.n_captions),
            wording.number(figures.edit_rate),
            wording.number(figures.cue_f1, 3),
            wording.milliseconds(figures.shift_ms, is_signed=True),
            wording.percent(figures.readable_share),
            wording.count(figures.n_broken),
        ),
    )
    note = "SubER and share within the reading speed in percent, shift in milliseconds."
    header = ("set", "system", "captions", "SubER", "cue F1", "shift", "readable", "rules broken")
    return Table("subtitles", "Subtitles", note, header, rows)


def _scored_part(figures: SpeakerFigures) -> str:
    collar = f"±{figures.collar_ms} ms" if figures.collar_ms else "0"
    return collar if figures.is_overlap_scored else f"{collar}, no overlap"


def _speakers(sets: Sequence[SetFigures]) -> Table:
    rows = tuple(
        (
            *_named(one),
            _scored_part(figures),
            wording.percent(figures.der),
            " / ".join(map(wording.percent, (figures.missed, figures.false_alarm, figures.confusion))),
            wording.percent(figures.jer),
            wording.percent(figures.cp_wer),
            wording.percent(figures.tcp_wer),
            f"{figures.n_right_count:,} of {figures.n_recordings:,}",
        )
        for one in sets
        for figures in one.speakers
    )
    note = "Percent of the reference's speech. M / F / C: missed, false alarm, confusion."
    header = ("set", "system", "collar", "DER", "M / F / C", "JER", "cpWER", "tcpWER", "number right")
    return Table("speakers", "Speakers", note, header, rows)


def _confidence(sets: Sequence[SetFigures]) -> Table:
    rows = _rows_of(
        sets,
        lambda one: one.calibration,
        lambda figures: (
            wording.count(figures.n_words),
            wording.percent(figures.n_right / figures.n_words if figures.n_words else None),
            wording.percent(figures.ece),
            wording.number(figures.auroc, 3),
        ),
    )
    note = (
        "ECE: mean distance of confidence and share of right words, in points of percent. AUROC: "
        "probability that a right word has a higher confidence than a wrong one."
    )
    header = ("set", "system", "words", "right", "ECE", "AUROC")
    return Table("confidence", "Confidence of words", note, header, rows)


def _detectors(sets: Sequence[SetFigures]) -> Table:
    rows = tuple(
        (
            *_named(one),
            detector.name,
            wording.count(detector.n_chunks),
            wording.count(detector.n_fired),
            wording.count(detector.n_bad),
            wording.count(detector.n_hits),
            wording.percent(detector.precision),
            wording.percent(detector.recall),
        )
        for one in sets
        for detector in one.detectors
    )
    note = "Precision and recall in percent. A chunk is bad if it has more than half as many errors as units."
    header = ("set", "system", "detector", "chunks", "flagged", "bad", "both", "precision", "recall")
    return Table("detectors", "Detectors of hallucinations", note, header, rows, n_names=3)


def _detector_values(sets: Sequence[SetFigures]) -> Table:
    shares = (0.05, 0.5, 0.95, 0.99)
    rows = tuple(
        (
            *_named(one),
            values.name,
            *(wording.number(side.get(share), 2) for side in (values.good, values.bad) for share in shares),
        )
        for one in sets
        for values in one.detector_values
    )
    note = "Quantiles: of 5 % of the good chunks the value is lower than `good 5 %`, and so on."
    names = tuple(f"{side} {100 * share:.0f} %" for side in ("good", "bad") for share in shares)
    header = ("set", "system", "value", *names)
    return Table("detector-values", "What detectors look at", note, header, rows, n_names=3)


def _speed(sets: Sequence[SetFigures]) -> Table:
    """Return a row for each system, or for each of its sets where they differ."""
    found = [(one, one.speed) for one in sets if one.speed is not None]
    speeds: dict[str, set[SpeedFigures]] = {}
    for one, speed in found:
        speeds.setdefault(one.system, set()).add(speed)
    rows = dict.fromkeys(
        (
            one.set_name if len(speeds[one.system]) > 1 else _ALL,
            one.system,
            speed.device or wording.NOT_KNOWN,
            wording.duration(speed.audio_ms),
            wording.NOT_KNOWN if speed.wall_s is None else f"{speed.wall_s:,.1f} s",
            wording.speed(speed.rtfx),
            wording.memory(speed.peak_bytes),
        )
        for one, speed in found
    )
    note = "RTFx: seconds of audio by second of wall time, with the models loaded."
    header = ("set", "system", "device", "audio", "wall time", "RTFx", "memory")
    return Table("speed", "Speed and memory", note, header, tuple(rows), n_names=3)
