"""The report of a first run: Markdown and JSON to share, and a qasr.toml.

In go measurements; out come texts. They hold figures and no path, no name and no text of a recording.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qasr_cli.evaluation.figures import SetFigures
from qasr_cli.tasks import bench_report
from qasr_cli.tasks.bench_report import Measurements
from qasr_cli.tasks.first_run_official import OfficialTexts
from qasr_cli.tasks.first_run_trials import AUTO, Trial
from qasr_cli.timebase import MS_PER_S

SCHEMA = "qasr.first-run.v1"
ALIGNED = " (text given)"  # behind the name of a set whose words were only aligned
_NEAR_MS = 10  # an offset below is hardly more than the 10 ms frames of speech features
_N_DIGITS = 4


@dataclass(frozen=True, slots=True)
class FirstRun:
    """All that was measured.

    Attributes:
        facts: Versions and the machine, in order.
        sets: Figures of the evaluation.
        stages: Seconds by stage, in the chosen number format.
        trials: Number formats.
        best: The chosen one.
        official: Comparison with the official package; None if it was not asked for.
    """

    facts: Mapping[str, str]
    sets: Sequence[SetFigures]
    stages: Measurements
    trials: Sequence[Trial]
    best: Trial
    official: OfficialTexts | None


def settings(measured: FirstRun) -> str:
    """Return a qasr.toml with the device, number format and batch size that were found best."""
    best = measured.best
    device = best.device.partition(" ")[0]
    lines = [
        f"# Measured by qasr {measured.facts['qasr']} with {measured.facts['model']}.",
        f"# {measured.facts['machine']}; {best.device}: {best.best_rtfx:.0f} times as fast as the sound.",
        f'device = "{device}"',
        "# auto is as fast as the fastest format, or the only one that changed no text."
        if best.dtype == AUTO
        else "# The fastest format that changed no text of the sentences that ship with qasr.",
        f'dtype = "{best.dtype}"',
        "# The smallest batch that is nearly as fast as the fastest.",
        f"batch-size = {best.batch_size}",
    ]
    return "\n".join(lines) + "\n"


def values(measured: FirstRun) -> dict[str, Any]:
    """Return the report as a JSON object."""
    official = measured.official
    return {
        "schema": SCHEMA,
        **measured.facts,
        "sets": [_set_values(number, one) for number, one in enumerate(measured.sets, 1)],
        "official": None
        if official is None
        else {"clips": official.n_clips, "equal": official.n_equal, "version": official.version,
              "error": official.error},
        "stages": [
            {"stage": one.name, "wall_s": round(one.wall_s, _N_DIGITS),
             "rtfx": round(measured.stages.audio_ms / MS_PER_S / max(one.wall_s, 1e-6), 1)}
            for one in measured.stages.stages
        ],
        "trials": [
            {"dtype": one.dtype, "device": one.device, "error": one.error,
             "rtfx": [{"batch_size": n, "rtfx": round(rtfx, 1)} for n, rtfx in one.rtfx],
             "other_texts": 0 if one.error else one.n_other_texts(measured.best)}
            for one in measured.trials
        ],
        "best": {"dtype": measured.best.dtype, "batch_size": measured.best.batch_size},
    }  # fmt: skip


def _set_values(number: int, one: SetFigures) -> dict[str, Any]:
    rate, times = (one.rates[0] if one.rates else None), one.times
    return {
        "set": number,
        "is_text_given": one.set_name.endswith(ALIGNED),
        "language": one.language,
        "utterances": one.n_utterances,
        "audio_ms": one.audio_ms,
        "rate": None
        if rate is None
        else {"unit": rate.unit.value, "normalizer": rate.normalizer, "value": rate.counts.rate},
        "times": None
        if times is None
        else {"words": times.n_matched, "aas_ms": round(times.aas_ms, 1), "bias_ms": round(times.bias_ms, 1),
              "start_bias_ms": round(times.start_bias_ms, 1), "end_bias_ms": round(times.end_bias_ms, 1)},
        "calibration": None
        if one.calibration is None
        else {"words": one.calibration.n_words, "ece": round(one.calibration.ece, _N_DIGITS),
              "auroc": one.calibration.auroc},
        "detectors": [
            {"name": each.name, "chunks": each.n_chunks, "flagged": each.n_fired, "bad": each.n_bad,
             "both": each.n_hits}
            for each in one.detectors
        ],
        "detector_values": [
            {"name": each.name, "good": _named(each.good), "bad": _named(each.bad)}
            for each in one.detector_values
        ],
    }  # fmt: skip


def _named(quantiles: Mapping[float, float]) -> dict[str, float]:
    return {f"{100 * share:g} %": round(value, _N_DIGITS) for share, value in quantiles.items()}


def markdown(measured: FirstRun) -> str:
    """Return the report as Markdown."""
    parts = [
        ["# First run of a model", *_table(("", ""), measured.facts.items())],
        ["## Accuracy", *_table(("set", "language", "utterances", "unit", "rate, %"), _rates(measured.sets))],
        ["## Times", *_times(measured.sets)],
        ["## Tokens", _official(measured.official)],
        ["## Detectors of hallucinations", *_detectors(measured.sets)],
        ["## Speed by stage", bench_report.sentence(measured.stages), *_stages(measured.stages)],
        ["## Number format and batch size", *_trials(measured)],
    ]
    return "\n\n".join("\n\n".join(filter(None, part)) for part in parts) + "\n"


def _table(header: Sequence[str], rows: Any) -> Iterator[str]:
    lines = [f"| {' | '.join(map(str, row))} |" for row in (header, ["---"] * len(header), *rows)]
    yield "\n".join(lines)


def _rates(sets: Sequence[SetFigures]) -> Iterator[tuple[object, ...]]:
    for number, one in enumerate(sets, 1):
        if not one.set_name.endswith(ALIGNED):
            for rate in one.rates:
                share = "n/a" if rate.counts.rate is None else f"{100 * rate.counts.rate:.2f}"
                yield number, one.language or "several", one.n_utterances, rate.unit.value, share


def _times(sets: Sequence[SetFigures]) -> Iterator[str]:
    rows = []
    for number, one in enumerate(sets, 1):
        if one.times is not None:
            given = "given" if one.set_name.endswith(ALIGNED) else "recognised"
            times = one.times
            biases = [f"{ms:+.1f}" for ms in (times.bias_ms, times.start_bias_ms, times.end_bias_ms)]
            rows.append((number, given, times.n_matched, f"{times.aas_ms:.1f}", *biases))
    if not rows:
        yield "No recording has words with times."
        return
    yield from _table(("set", "text", "words", "mean error, ms", "bias", "of starts", "of ends"), rows)
    biases_ms = [one.times.bias_ms for one in sets if one.times and one.set_name.endswith(ALIGNED)]
    if biases_ms and abs(biases_ms[0]) >= _NEAR_MS:
        yield f"The aligner is {biases_ms[0]:+.0f} ms off; `qasr_offset_ms` in its config.json moves it."


def _official(official: OfficialTexts | None) -> str:
    if official is None:
        return "Not compared: `--official-python` names an interpreter with the package `qwen-asr`."
    if official.error:
        return f"Not compared: {official.error}."
    n_equal, n_clips = official.n_equal, official.n_clips
    return f"{n_equal} of {n_clips} sentences have the text of qwen-asr {official.version}, both in fp32."


def _detectors(sets: Sequence[SetFigures]) -> Iterator[str]:
    fired = [
        (number, each.name, each.n_chunks, each.n_fired, each.n_bad, each.n_hits)
        for number, one in enumerate(sets, 1)
        if not one.set_name.endswith(ALIGNED)
        for each in one.detectors
    ]
    yield from _table(("set", "detector", "chunks", "flagged", "bad", "both"), fired)
    values = [
        (number, each.name, *(f"{quantiles[share]:.2f}" for share in (0.05, 0.5, 0.95, 0.99)), kind)
        for number, one in enumerate(sets, 1)
        if not one.set_name.endswith(ALIGNED)
        for each in one.detector_values
        for kind, quantiles in (("good", each.good), ("bad", each.bad))
        if quantiles
    ]
    if values:
        yield from _table(("set", "value", "5 %", "50 %", "95 %", "99 %", "chunks"), values)


def _stages(stages: Measurements) -> Iterator[str]:
    rows = [
        (one.name, f"{one.wall_s:.3f}", f"{stages.audio_ms / MS_PER_S / max(one.wall_s, 1e-6):,.0f}")
        for one in stages.stages
    ]
    yield from _table(("stage", "wall s", "RTFx"), rows)


def _trials(measured: FirstRun) -> Iterator[str]:
    rows = []
    for one in measured.trials:
        if one.error:
            rows.append((one.dtype, one.error, "", "", ""))
            continue
        others = one.n_other_texts(measured.best)
        rows.append((one.dtype, one.device, f"{one.batch_size}", f"{one.best_rtfx:,.0f}", f"{others}"))
    header = ("dtype", "device", "batch size", "RTFx", "other texts than the chosen one")
    yield from _table(header, rows)
    yield f'Chosen: `dtype = "{measured.best.dtype}"`, `batch-size = {measured.best.batch_size}`.'
