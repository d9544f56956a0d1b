"""An evaluation as CSV tables: plain numbers for spreadsheets and scripts.

In goes an evaluation; out come texts of files by name (RFC 4180, UTF-8). Shares are numbers from 0 to 1 with
all digits, times are milliseconds, an unknown figure is an empty cell. A foreign text that a spreadsheet
would take for a formula begins with an apostrophe (OWASP: "CSV Injection").
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence

from qasr_cli.evaluation.figures import Evaluation, Interval, SetFigures
from qasr_cli.evaluation.scoring.word_times import WITHIN_MS

Cell = str | int | float | None
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")
_INTERVAL = ("low", "high", "n_blocks", "blocks")
_COUNTS = ("n_units", "n_substitutions", "n_deletions", "n_insertions")
_SYSTEM = ("set", "system")


def render(evaluation: Evaluation) -> dict[str, str]:
    """Return the text of each table that has rows, by the name of its file."""
    return {name: text for name, text in all_tables(evaluation).items() if text}


def all_tables(evaluation: Evaluation) -> dict[str, str]:
    """Return the text of every table by the name of its file; "" of one without rows."""
    found: Mapping[str, tuple[Sequence[str], Iterable[Sequence[Cell]]]] = {
        "rates.csv": (_RATES, _rates(evaluation.sets)),
        "comparisons.csv": (_COMPARISONS, _comparisons(evaluation)),
        "groups.csv": (_GROUPS, _groups(evaluation.sets)),
        "errors.csv": (_ERRORS, _errors(evaluation.sets)),
        "languages.csv": (_LANGUAGES, _languages(evaluation.sets)),
        "times.csv": (_TIMES, _times(evaluation.sets)),
        "time_errors.csv": (_HISTOGRAM, _histogram(evaluation.sets)),
        "subtitles.csv": (_SUBTITLES, _subtitles(evaluation.sets)),
        "speakers.csv": (_SPEAKERS, _speakers(evaluation.sets)),
        "speed.csv": (_SPEED, _speed(evaluation.sets)),
        "confidence.csv": (_CONFIDENCE, _confidence(evaluation.sets)),
        "detectors.csv": (_DETECTORS, _detectors(evaluation.sets)),
        "detector_values.csv": (_DETECTOR_VALUES, _detector_values(evaluation.sets)),
        "published.csv": (_PUBLISHED, _published(evaluation)),
    }
    return {name: _text(header, rows) for name, (header, rows) in found.items()}


def _text(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    file = io.StringIO()
    writer = csv.writer(file)
    cells = [[_safe(cell) for cell in row] for row in rows]
    if not cells:
        return ""
    writer.writerows([header, *cells])
    return file.getvalue()


def _safe(cell: Cell) -> Cell:
    """Return a cell that no spreadsheet computes; numbers stay numbers."""
    if not isinstance(cell, str):
        return cell
    text = cell.encode("utf-8", "backslashreplace").decode().replace("\0", "")
    return f"'{text}" if text.lstrip().startswith(_FORMULAS) or text.startswith(_FORMULAS) else text


def _interval(figure: Interval | None) -> tuple[Cell, ...]:
    if figure is None:
        return (None,) * len(_INTERVAL)
    return figure.low, figure.high, figure.n_blocks, figure.blocks


_RATES = (
    *_SYSTEM,
    *("language", "n_utterances", "audio_ms", "n_missing", "n_empty", "n_empty_references"),
    *("unit", "normalizer", *_COUNTS, "rate", *_INTERVAL),
)


def _rates(sets: Sequence[SetFigures]) -> Iterator[Sequence[Cell]]:
    for one in sets:
        missing = (one.n_missing, one.n_empty, one.n_empty_references)
        whole = (one.set_name, one.system, one.language, one.n_utterances, one.audio_ms, *missing)
        for rate in one.rates:
            counts = rate.counts
            errors = (counts.n_units, counts.substitutions, counts.deletions, counts.insertions)
            yield *whole, rate.unit.value, rate.normalizer, *errors, counts.rate, *_interval(rate.interval)


_COMPARISONS = (
    *("set", "a", "b", "unit", "normalizer", "difference", *_INTERVAL),
    *("p_a_better", "n_a_fewer_errors", "n_a_more_errors", "n_equal"),
)


def _comparisons(evaluation: Evaluation) -> Iterator[Sequence[Cell]]:
    for one in evaluation.comparisons:
        names = (one.set_name, one.a, one.b, one.unit.value, one.normalizer)
        outcomes = (one.n_won, one.n_lost, one.n_tied)
        yield *names, one.difference.value, *_interval(one.difference), one.p_better, *outcomes


_GROUPS = (*_SYSTEM, "kind", "group", "n_utterances", *_COUNTS, "rate", "low", "high")


def _groups(sets: Sequence[SetFigures]) -> Iterator[Sequence[Cell]]:
    for one in sets:
        for group in one.groups:
            counts = group.counts
            errors = (counts.n_units, counts.substitutions, counts.deletions, counts.insertions)
            ends = _interval(group.interval)[:2]
            names = (one.set_name, one.system, group.kind, group.name, group.n_utterances)
            yield *names, *errors, counts.rate, *ends


_ERRORS = (*_SYSTEM, "operation", "reference", "hypothesis", "n")


def _errors(sets: Sequence[SetFigures]) -> Iterator[Sequence[Cell]]:
    for one in sets:
        names = (one.set_name, one.system)
        for left, right, n in one.substitutions:
            yield *names, "substitution", left, right, n
        for text, n in one.deletions:
            yield *names, "deletion", text, "", n
        for text, n in one.insertions:
            yield *names, "insertion", "", text, n


_LANGUAGES = (*_SYSTEM, "reference", "detected", "n")


def _languages(sets: Sequence[SetFigures]) -> Iterator[Sequence[Cell]]:
    for one in sets:
        for (reference, detected), n in sorted(one.lid.confusions.items()) if one.lid else ():
            yield one.set_name, one.system, reference, detected, n


_TIMES = (
    *_SYSTEM,
    *("n_words", "n_matched", "aas_ms", "median_ms", "p95_ms", "bias_ms", "start_bias_ms", "end_bias_ms"),
    *(f"within_{limit}_ms" for limit in WITHIN_MS),
)


def _times(sets: Sequence[SetFigures]) -> Iterator[Sequence[Cell]]:
    for one in sets:
        if (times := one.times) is not None:
            errors = (times.aas_ms, times.median_ms, times.p95_ms, times.bias_ms)
            biases = (times.start_bias_ms, times.end_bias_ms)
            shares = [times.within.get(limit) for limit in WITHIN_MS]
            yield one.set_name, one.system, times.n_words, times.n_matched, *errors, *biases, *shares


_HISTOGRAM = (*_SYSTEM, "from_ms", "n")


def _histogram(sets: Sequence[SetFigures]) -> Iterator[Sequence[Cell]]:
    for one in sets:
        for from_ms, n in sorted(one.times.histogram.items()) if one.times else ():
            yield one.set_name, one.system, from_ms, n


_SUBTITLES = (
    *_SYSTEM,
    *("n_captions", "suber_percent", "cue_f1", "shift_ms", "readable_share", "n_broken"),
)


def _subtitles(sets: Sequence[SetFigures]) -> Iterator[Sequence[Cell]]:
    for one in sets:
        if (figures := one.subtitles) is not None:
            quality = (figures.shift_ms, figures.readable_share, figures.n_broken)
            yield one.set_name, one.system, figures.n_captions, figures.edit_rate, figures.cue_f1, *quality


_SPEAKERS = (
    *_SYSTEM,
    *("n_recordings", "collar_ms", "der", "missed", "false_alarm", "confusion", "jer", "cp_wer", "tcp_wer"),
    *("n_right_count", "is_overlap_scored"),
)


def _speakers(sets: Sequence[SetFigures]) -> Iterator[Sequence[Cell]]:
    for one in sets:
        for figures in one.speakers:
            parts = (figures.der, figures.missed, figures.false_alarm, figures.confusion)
            rates = (figures.jer, figures.cp_wer, figures.tcp_wer, figures.n_right_count)
            whole = (one.set_name, one.system, figures.n_recordings, figures.collar_ms)
            yield *whole, *parts, *rates, int(figures.is_overlap_scored)


_SPEED = (*_SYSTEM, "device", "audio_ms", "wall_s", "rtfx", "peak_bytes")


def _speed(sets: Sequence[SetFigures]) -> Iterator[Sequence[Cell]]:
    for one in sets:
        if (speed := one.speed) is not None:
            figures = (speed.audio_ms, speed.wall_s, speed.rtfx, speed.peak_bytes)
            yield one.set_name, one.system, speed.device, *figures


_CONFIDENCE = (*_SYSTEM, "n_words", "n_right", "ece", "auroc")


def _confidence(sets: Sequence[SetFigures]) -> Iterator[Sequence[Cell]]:
    for one in sets:
        if (figures := one.calibration) is not None:
            yield one.set_name, one.system, figures.n_words, figures.n_right, figures.ece, figures.auroc


_DETECTORS = (
    *_SYSTEM,
    *("detector", "n_chunks", "n_flagged", "n_bad", "n_both", "precision", "recall"),
)


def _detectors(sets: Sequence[SetFigures]) -> Iterator[Sequence[Cell]]:
    for one in sets:
        for each in one.detectors:
            counts = (each.n_chunks, each.n_fired, each.n_bad, each.n_hits)
            yield one.set_name, one.system, each.name, *counts, each.precision, each.recall


_DETECTOR_VALUES = (*_SYSTEM, "detector", "chunks", "quantile", "value")


def _detector_values(sets: Sequence[SetFigures]) -> Iterator[Sequence[Cell]]:
    for one in sets:
        for values in one.detector_values:
            for kind, side in (("good", values.good), ("bad", values.bad)):
                for quantile, value in side.items():
                    yield one.set_name, one.system, values.name, kind, quantile, value


_PUBLISHED = ("table", "set", "metric", "model", "ours", "low", "high", "published", "remark")


def _published(evaluation: Evaluation) -> Iterator[Sequence[Cell]]:
    for one in evaluation.published:
        ours = None if one.ours is None else one.ours.value
        ends = _interval(one.ours)[:2]
        yield one.table, one.set_name, one.metric, one.model, ours, *ends, one.published, one.reason
