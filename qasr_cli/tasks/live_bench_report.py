"""The figures of `qasr live --bench`: latencies, stability, errors and cost of live text.

In go measurements; out come a text of tables for a reader, and JSON. Measures nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qasr_cli.errors import printable
from qasr_cli.live.latencies import Latencies, words_of
from qasr_cli.live.metrics import percentile
from qasr_cli.live.step_lane import Batch
from qasr_cli.terminal.tables import aligned_lines
from qasr_cli.timebase import MS_PER_S

_MB = 1e6
# Lengths of utterances, and of what is spoken of one at a step: around 5, 10 and 20 s.
_RANGES_MS = ((0, 7_500), (7_500, 15_000), (15_000, 60_000))


@dataclass(frozen=True, slots=True)
class Errors:
    """How the finals compare with other texts of the same recording; word error rates.

    Attributes:
        n_equal: Utterances whose final is the text of a file with the same span.
        live_to_offline: All finals against the text of the whole file, which is cut elsewhere.
        live_to_reference: All finals against what is said; None if that is unknown.
        offline_to_reference: The text of the whole file against what is said.
    """

    n_equal: int
    live_to_offline: float
    live_to_reference: float | None
    offline_to_reference: float | None


@dataclass(frozen=True, slots=True)
class LiveMeasurements:
    """All that was measured.

    Attributes:
        model: The recognizer's id.
        device: Device and number format.
        sample: Name of the media.
        audio_ms: Its length.
        step_ms: New audio between two partials.
        is_real_time: Measured as fast as it was spoken, and not with a simulated clock.
        utterances_ms: Lengths of the utterances.
        latencies: Of words and finals.
        errors: Against other texts.
        batches: Each batch of the engine.
        metrics: The session's own figures.
        memory_bytes: Peak of this process at the begin and the end; None where the system does not report it.
    """

    model: str
    device: str
    sample: str
    audio_ms: int
    step_ms: int
    is_real_time: bool
    utterances_ms: tuple[int, ...]
    latencies: Latencies
    errors: Errors
    batches: tuple[Batch, ...]
    metrics: Mapping[str, float]
    memory_bytes: tuple[int | None, int | None]


def word_error_rate(reference: str, text: str, language: str | None) -> float:
    """Return the word error rate of a text: edits divided by the reference's words."""
    expected, found = words_of(reference, language), words_of(text, language)
    numbers: dict[str, int] = {}
    rows = [numbers.setdefault(word, len(numbers)) for word in expected]
    columns = np.array([numbers.setdefault(word, len(numbers)) for word in found], dtype=np.int64)
    steps = np.arange(len(columns) + 1)
    cost = steps
    for word in rows:
        replaced = np.concatenate([cost[:1] + 1, np.minimum(cost[1:] + 1, cost[:-1] + (columns != word))])
        cost = np.minimum.accumulate(replaced - steps) + steps  # insertions, one by one
    return int(cost[-1]) / max(len(rows), 1)


def text(measured: LiveMeasurements) -> str:
    """Return the figures as lines and tables for a reader."""
    parts = [
        _conditions(measured),
        aligned_lines(("latency", "p50, s", "p95, s"), _latency_rows(measured)),
        aligned_lines(("text", "value"), _text_rows(measured)),
        aligned_lines(("cost by length", "around 5 s", "around 10 s", "around 20 s"), _cost_rows(measured)),
        _load(measured),
    ]
    return "\n\n".join("\n".join(map(printable, lines)) for lines in parts) + "\n"


def _conditions(measured: LiveMeasurements) -> list[str]:
    clock = "in real time" if measured.is_real_time else "with a simulated clock"
    return [
        f"Model: {measured.model} on {measured.device or 'an unknown device'}.",
        f"Sample: {measured.sample}, {measured.audio_ms / MS_PER_S:.1f} s, "
        f"utterances: {len(measured.utterances_ms)}; steps of {measured.step_ms / MS_PER_S:g} s, {clock}.",
    ]


def _percentiles(measured: LiveMeasurements) -> dict[str, tuple[float, float]]:
    """Return the median and the 95th percentile of each latency in milliseconds, by name."""
    found = measured.latencies
    rows = {
        "word shown, after its end": found.shown_ms,
        "word stable, after its end": found.stable_ms,
        "final, after the last word": found.final_ms,
        "final, after the pause": found.compute_ms,
    }
    return {name: (percentile(values, 50), percentile(values, 95)) for name, values in rows.items() if values}


def _latency_rows(measured: LiveMeasurements) -> list[tuple[str, ...]]:
    return [
        (name, f"{median / MS_PER_S:.2f}", f"{high / MS_PER_S:.2f}")
        for name, (median, high) in _percentiles(measured).items()
    ]


def _text_rows(measured: LiveMeasurements) -> list[tuple[str, ...]]:
    errors, found, metrics = measured.errors, measured.latencies, measured.metrics
    n_words = max(found.n_words, 1)
    return [
        ("finals equal to the same spans of a file", f"{errors.n_equal} of {len(measured.utterances_ms)}"),
        ("WER of finals against the file's text", _percent(errors.live_to_offline)),
        ("WER of finals against the reference", _percent(errors.live_to_reference)),
        ("WER of the file's text against the reference", _percent(errors.offline_to_reference)),
        ("erased words per final word", f"{found.n_erased / n_words:.2f}"),
        ("changed words per final word", f"{found.n_changed / n_words:.2f}"),
        (
            "stable words withdrawn",
            f"{metrics.get('n_withdrawn_words', 0):.0f} of {metrics.get('n_stable_words', 0):.0f}",
        ),
    ]


def _percent(rate: float | None) -> str:
    return "unknown" if rate is None else f"{rate:.1%}"


def step_cost_ms(batches: Sequence[Batch]) -> list[float | None]:
    """Return the mean cost of a partial, by the length of the utterance until then."""
    costs: list[list[float]] = [[] for _ in _RANGES_MS]
    for batch in batches:
        if len(batch.audio_ms) == 1 and not batch.is_final[0]:
            costs[_range(batch.audio_ms[0])].append(batch.seconds * MS_PER_S)
    return [sum(values) / len(values) if values else None for values in costs]


def audio_cost(batches: Sequence[Batch]) -> list[float | None]:
    """Return the engine's seconds per second of an utterance, by its length, partials and final together."""
    seconds: dict[int, float] = {}
    lengths_ms: dict[int, int] = {}
    for batch in batches:
        whole_ms = max(sum(batch.audio_ms), 1)
        for number, audio_ms in zip(batch.utterances, batch.audio_ms, strict=True):
            seconds[number] = seconds.get(number, 0.0) + batch.seconds * audio_ms / whole_ms
            lengths_ms[number] = max(lengths_ms.get(number, 0), audio_ms)
    spent, audio_s = [0.0 for _ in _RANGES_MS], [0.0 for _ in _RANGES_MS]
    for number, length_ms in lengths_ms.items():
        spent[_range(length_ms)] += seconds[number]
        audio_s[_range(length_ms)] += length_ms / MS_PER_S
    return [cost / length if length else None for cost, length in zip(spent, audio_s, strict=True)]


def _range(length_ms: int) -> int:
    return next((number for number, (_, end_ms) in enumerate(_RANGES_MS) if length_ms < end_ms), 2)


def _cost_rows(measured: LiveMeasurements) -> list[tuple[str, ...]]:
    steps, audio = step_cost_ms(measured.batches), audio_cost(measured.batches)
    return [
        ("a partial, ms", *("-" if cost is None else f"{cost:.0f}" for cost in steps)),
        ("an utterance, s per audio s", *("-" if cost is None else f"{cost:.3f}" for cost in audio)),
    ]


def _load(measured: LiveMeasurements) -> list[str]:
    busy_s = sum(batch.seconds for batch in measured.batches)
    begun, ended = ("unknown" if n is None else f"{n / _MB:.0f} MB" for n in measured.memory_bytes)
    return [
        f"The engine computes for {busy_s / (measured.audio_ms / MS_PER_S):.3f} s per second of audio.",
        f"Work waited for the engine for at most {measured.metrics.get('max_lag_ms', 0) / MS_PER_S:.2f} s. "
        f"Peak memory: {begun} at the begin, {ended} at the end.",
    ]


def json_text(measured: LiveMeasurements, version: str) -> str:
    """Return the measurements as JSON, schema `qasr.live-bench.v1`."""
    return json.dumps(content(measured, version), indent=2, ensure_ascii=False) + "\n"


def content(measured: LiveMeasurements, version: str) -> dict[str, Any]:
    """Return the measurements as values of JSON."""
    errors, found = measured.errors, measured.latencies
    n_words = max(found.n_words, 1)
    names = ("shown_ms", "stable_ms", "final_ms", "compute_ms")
    return {
        "schema": "qasr.live-bench.v1",
        "version": version,
        "model": measured.model,
        "device": measured.device,
        "sample": measured.sample,
        "audio_ms": measured.audio_ms,
        "step_ms": measured.step_ms,
        "is_real_time": measured.is_real_time,
        "n_utterances": len(measured.utterances_ms),
        "n_equal": errors.n_equal,
        "wer_to_offline": errors.live_to_offline,
        "wer": errors.live_to_reference,
        "wer_offline": errors.offline_to_reference,
        "latency": {
            name: {"p50": round(percentile(values, 50)), "p95": round(percentile(values, 95))}
            for name in names
            if (values := getattr(found, name))
        },
        "erasure": round(found.n_erased / n_words, 4),
        "changed": round(found.n_changed / n_words, 4),
        "step_ms_by_length": step_cost_ms(measured.batches),
        "s_per_audio_s_by_length": audio_cost(measured.batches),
        "s_per_audio_s": sum(batch.seconds for batch in measured.batches) * MS_PER_S / measured.audio_ms,
        "session": dict(measured.metrics),
        "memory_bytes": list(measured.memory_bytes),
    }
