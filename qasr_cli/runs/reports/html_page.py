"""A run's report as one HTML page: no script, no external resources, light and dark, for phones too.

In go the values of the JSON report; out comes the page's text. This module picks, sorts and words the values;
`report.html.jinja` lays them out. Plots are SVG without text inside, so that they stretch to any width and
the words beside them keep their size. The template escapes every value: file names and what a model
recognised are foreign text.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any, NamedTuple

from qasr_cli.timebase import MS_PER_S, format_clock, format_speed

if TYPE_CHECKING:
    import jinja2

_STAGES = {
    "load": "load the model",
    "decode": "decode, find speech",
    "recognize": "recognise",
    "align": "align",
    "review": "retry doubtful chunks",
    "speakers": "tell speakers apart",
    "write": "cues and files",
}
_REASONS = {
    "loop": "loops",
    "truncated": "cut short",
    "rate": "impossible pace",
    "context": "repeats the context",
    "script": "wrong script",
    "language": "another language",
    "empty": "no text on clear speech",
    "uncovered": "speech without words",
}
_MAX_PLOTS = 40  # sources drawn: the slowest, the most doubtful; the table has all
_MAX_STRETCHES = 100  # listed of one source; the JSON report has all
_MAX_OPEN = 5  # stretches that are shown without a click
_PLOT_WIDTH = 1000  # units of the drawing, which stretches
_MIN_MARK_WIDTH = 2.0  # in these units, so that a short stretch of a long film stays visible


class _Tile(NamedTuple):
    name: str
    value: str
    kind: str = ""  # a status, for its colour


class _Rect(NamedTuple):
    """A part of a plot, `x` and `width` in its units; its title is the tooltip."""

    kind: str
    x: float
    width: float
    title: str


class _Lane(NamedTuple):
    """A bar with words on both sides."""

    label: str
    rects: list[_Rect]
    cost: str


class _FlaggedRow(NamedTuple):
    span: str
    reasons: str
    text: str


class _FlaggedSource(NamedTuple):
    """A source's timeline with its doubtful stretches, and a list of the first of them."""

    source: str
    length: str
    rects: list[_Rect]
    stretches: list[_FlaggedRow]
    n_stretches: int
    is_open: bool


class _Row(NamedTuple):
    status: str
    source: str
    notes: list[str]
    media: str
    work: str
    rtfx: str
    n_flagged: str
    cues: str


def render(report: Mapping[str, Any]) -> str:
    """Return the page for a report, as `report_file.describe` returns it."""
    sources = report["sources"]
    flagged = _most_flagged_first(sources)
    slowest = _slowest_first(sources)
    return _template().render(
        report=report,
        model=_model(report["engines"]),
        tiles=_tiles(report),
        passed_over=_passed_over(report.get("passed_over", {})),
        failures=_failures(sources, report["error"]),
        lanes=_lanes(report),
        legend={name: label for name, label in _STAGES.items() if name != "load"},
        slowest=_source_lanes(slowest[:_MAX_PLOTS]) if len(slowest) > 1 else [],
        is_each_drawn=len(slowest) <= _MAX_PLOTS,
        flagged=[_flagged_source(source) for source in flagged[:_MAX_PLOTS]],
        n_flagged=len(flagged),
        rows=[_row(source) for source in sources],
        versions=", ".join(f"{name} {number}" for name, number in report["versions"].items()),
        options=json.dumps(report["options"], ensure_ascii=False, indent=1),
        plot_width=_PLOT_WIDTH,
    )


def _passed_over(counts: Mapping[str, Any]) -> str:
    """Return what the search of folders passed over, such as `2 links, 3 unknown (.xyz)`."""
    numbers = {name: n for name, n in counts.items() if name != "unknown"}
    unknown = counts.get("unknown", {})
    parts = [f"{n} {name.replace('_', ' ')}" for name, n in numbers.items() if n]
    kinds = ", ".join(suffix or "no suffix" for suffix in unknown)
    return ", ".join([*parts, *([f"{sum(unknown.values())} of unknown kind ({kinds})"] if unknown else [])])


@functools.cache
def _template() -> jinja2.Template:
    import jinja2  # only a run with a report needs it

    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    text = resources.files("qasr_cli.runs.reports").joinpath("report.html.jinja").read_text("utf-8")
    return environment.from_string(text)


def _model(engines: Mapping[str, Any] | None) -> str:
    return f", {engines['model']} {engines['device']}".rstrip() if engines else ""


def _tiles(report: Mapping[str, Any]) -> list[_Tile]:
    qualities = [source["quality"] for source in report["sources"] if source.get("quality")]
    n_cues = sum(quality["n_cues"] for quality in qualities)
    n_readable = sum(quality["n_readable"] for quality in qualities)
    n_flagged = sum(len(source.get("doubts", ())) for source in report["sources"])
    return [
        *(_Tile(name, str(count), name) for name, count in report["counts"].items() if count),
        _Tile("media", _clock(report["audio_s"])),
        _Tile("wall time", _seconds(report["wall_s"])),
        _Tile("RTFx, loading included", _speed(report["rtfx"])),
        _Tile("doubtful stretches", str(n_flagged)),
        _Tile("cues within reading speed", f"{n_readable / n_cues:.1%}" if n_cues else "none"),
    ]


def _failures(
    sources: Sequence[Mapping[str, Any]], ending: Mapping[str, Any] | None
) -> list[tuple[str, Mapping[str, Any]]]:
    failures = [(source["source"], source["error"]) for source in sources if source.get("error")]
    return [*failures, ("the run", ending)] if ending else failures


def _lanes(report: Mapping[str, Any]) -> list[_Lane]:
    """Return how long each stage took in all."""
    costs = {name: stage["s"] for name, stage in report["stages"].items()}
    speeds = {name: stage["rtfx"] for name, stage in report["stages"].items()}
    if costs and report["engines"]:
        costs = {"load": report["engines"]["load_s"], **costs}
    longest = max(costs.values(), default=0.0) or 1.0
    return [
        _Lane(
            _STAGES[name],
            _bar({name: cost_s}, longest),
            _seconds(cost_s) + (f", RTFx {_speed(speeds[name])}" if speeds.get(name) else ""),
        )
        for name, cost_s in costs.items()
    ]


def _slowest_first(sources: Sequence[Mapping[str, Any]]) -> list[tuple[str, dict[str, float]]]:
    """Return each source's name and the seconds of its stages."""
    costs = [
        (source["source"], {name: stage["s"] for name, stage in source["stages"].items()})
        for source in sources
        if source.get("stages")
    ]
    return sorted(costs, key=lambda cost: -sum(cost[1].values()))


def _source_lanes(costs: Sequence[tuple[str, dict[str, float]]]) -> list[_Lane]:
    longest = sum(costs[0][1].values()) or 1.0
    return [_Lane(name, _bar(stages, longest), _seconds(sum(stages.values()))) for name, stages in costs]


def _bar(stages: Mapping[str, float], longest: float) -> list[_Rect]:
    """Return a stacked bar of seconds; a bar of `longest` fills the plot."""
    x, rects = 0.0, []
    for name, cost_s in stages.items():
        width = cost_s / longest * _PLOT_WIDTH
        rects.append(_Rect(name, x, width, f"{_STAGES[name]}: {_seconds(cost_s)}"))
        x += width
    return rects


def _most_flagged_first(sources: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    flagged = [source for source in sources if source.get("doubts")]
    return sorted(
        flagged, key=lambda source: -sum(span["end_ms"] - span["start_ms"] for span in source["doubts"])
    )


def _flagged_source(source: Mapping[str, Any]) -> _FlaggedSource:
    per_ms = _PLOT_WIDTH / max(1.0, source["audio_s"] * MS_PER_S)
    spans = source["doubts"]
    return _FlaggedSource(
        source["source"],
        _clock(source["audio_s"]),
        [_mark(span, per_ms) for span in spans],
        [
            _FlaggedRow(
                _span(span), ", ".join(_REASONS.get(flag, flag) for flag in span["flags"]), span["text"]
            )
            for span in spans[:_MAX_STRETCHES]
        ],
        len(spans),
        len(spans) <= _MAX_OPEN,
    )


def _mark(span: Mapping[str, Any], per_ms: float) -> _Rect:
    kind = "uncovered" if "uncovered" in span["flags"] else "doubt"
    width = max(_MIN_MARK_WIDTH, (span["end_ms"] - span["start_ms"]) * per_ms)
    return _Rect(kind, span["start_ms"] * per_ms, width, _span(span))


def _span(span: Mapping[str, Any]) -> str:
    return f"{_clock(span['start_ms'] / MS_PER_S)} to {_clock(span['end_ms'] / MS_PER_S)}"


def _row(source: Mapping[str, Any]) -> _Row:
    return _Row(
        source["status"],
        source["source"],
        _notes(source),
        _clock(source["audio_s"]) if source.get("audio_s") else "",
        _seconds(source["work_s"]) if source.get("work_s") else "",
        _speed(source.get("rtfx")),
        str(len(source.get("doubts", ())) or ""),
        _cues(source.get("quality")),
    )


def _notes(source: Mapping[str, Any]) -> list[str]:
    reason = [source["reason"]] if source.get("reason") and not source.get("error") else []
    return [*reason, *source.get("warnings", ()), *((source.get("quality") or {}).get("broken", ()))]


def _cues(quality: Mapping[str, Any] | None) -> str:
    if not quality:
        return ""
    n_broken = len(quality["broken"])
    return f"{quality['n_cues']}{f', {n_broken} against a rule' if n_broken else ''}"


def _clock(seconds: float) -> str:
    return format_clock(round(seconds * MS_PER_S))[:-4]


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s" if seconds < 600 else _clock(seconds)


def _speed(rtfx: float | None) -> str:
    return "" if rtfx is None else format_speed(rtfx)
