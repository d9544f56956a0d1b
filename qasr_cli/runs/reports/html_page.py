"""A run's report as one HTML page: no script, nothing from elsewhere, light and dark, for a phone too.

In go the values of the JSON report; out comes the page's text. Plots are SVG without text inside, so that
they stretch to any width and the words beside them keep their size. Every name is escaped: file names and
what a model heard are not ours.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from qasr_cli.runs.reports.report_style import STYLE
from qasr_cli.timebase import MS_PER_S, format_clock, format_speed

_STAGES = {
    "load": "load the model",
    "decode": "decode, find speech",
    "recognize": "recognise",
    "align": "align",
    "review": "hear doubts again",
    "write": "cues and files",
}
_WHY = {
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
_PLOT_WIDTH = 1000.0  # units of the drawing, which stretches


def render(told: Mapping[str, Any]) -> str:
    """Return the page of what `report_file.describe` returns."""
    sources = told["sources"]
    body = [
        _head(told),
        _failures(sources, told["error"]),
        _times(told),
        _doubts(sources),
        _table(sources),
        _small_print(told),
    ]
    title = f"qasr: {told['counts']['done']} of {len(sources)} done"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{_text(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(filter(None, body))
        + "\n</main>\n</body>\n</html>\n"
    )


def _text(value: object) -> str:
    return html.escape(str(value))


def _head(told: Mapping[str, Any]) -> str:
    engines = told["engines"]
    model = f", {engines['model']} {engines['device']}".rstrip() if engines else ""
    judged = [one["quality"] for one in told["sources"] if one.get("quality")]
    n_cues = sum(quality["n_cues"] for quality in judged)
    n_readable = sum(quality["n_readable"] for quality in judged)
    tiles = [
        *((name, count, name) for name, count in told["counts"].items() if count),
        ("media", _clock(told["audio_s"]), ""),
        ("wall time", _seconds(told["wall_s"]), ""),
        ("RTFx, loading included", _speed(told["rtfx"]), ""),
        ("doubtful stretches", sum(len(one.get("doubts", ())) for one in told["sources"]), ""),
        ("cues within reading speed", f"{n_readable / n_cues:.1%}" if n_cues else "none", ""),
    ]
    shown = "".join(
        f'<li class="{_text(kind).replace(" ", "-")}"><b>{_text(value)}</b> {_text(name)}</li>'
        for name, value, kind in tiles
    )
    ended = told["ended"]
    note = "" if ended == "complete" else f' <span class="failed">{_text(ended)}</span>'
    return (
        f"<h1>qasr transcribe{note}</h1>\n"
        f"<p>{_text(told['begun'])}, exit code {_text(told['exit_code'])}{_text(model)}</p>\n"
        f'<ul class="tiles">{shown}</ul>'
    )


def _failures(sources: Sequence[Mapping[str, Any]], ending: Mapping[str, Any] | None) -> str:
    failed = [(one["source"], one["error"]) for one in sources if one.get("error")]
    failed += [("the run", ending)] if ending else []
    if not failed:
        return ""
    rows = "".join(
        f"<dt>{_text(name)}</dt><dd>{_text(error['text'])}<br><b>Next:</b> {_text(error['next_step'])}</dd>"
        for name, error in failed
    )
    return f"<h2>What failed</h2>\n<dl>{rows}</dl>"


def _times(told: Mapping[str, Any]) -> str:
    spent = {name: stage["s"] for name, stage in told["stages"].items()}
    if not spent:
        return ""
    speeds = {name: stage["rtfx"] for name, stage in told["stages"].items()}
    if told["engines"]:
        spent = {"load": told["engines"]["load_s"], **spent}
    longest = max(spent.values()) or 1.0
    rows = "".join(
        f"<li><span>{_STAGES[name]}</span>{_bar([(name, taken_s)], longest)}"
        f"<span>{_seconds(taken_s)}{f', RTFx {_speed(speeds[name])}' if speeds.get(name) else ''}</span></li>"
        for name, taken_s in spent.items()
    )
    return (
        "<h2>Where the time went</h2>\n"
        "<p>Seconds of each lane. Lanes work at the same time, so they do not add up to the wall time; "
        "of a batch that several sources shared, each has its part by length.</p>\n"
        f'<ul class="bars">{rows}</ul>\n{_slowest(told["sources"])}'
    )


def _slowest(sources: Sequence[Mapping[str, Any]]) -> str:
    costs = [
        (sum(stage["s"] for stage in one["stages"].values()), one) for one in sources if one.get("stages")
    ]
    costs.sort(key=lambda cost: -cost[0])
    drawn = costs[:_MAX_PLOTS]
    if len(costs) < 2:
        return ""
    legend = "".join(
        f'<li><svg viewBox="0 0 1 1"><rect class="{name}" width="1" height="1"/></svg>{label}</li>'
        for name, label in _STAGES.items()
        if name != "load"
    )
    longest = drawn[0][0] or 1.0
    rows = "".join(
        f"<li><span>{_text(one['source'])}</span>"
        f"{_bar([(name, stage['s']) for name, stage in one['stages'].items()], longest)}"
        f"<span>{_seconds(cost)}</span></li>"
        for cost, one in drawn
    )
    which = "each source" if len(drawn) == len(costs) else f"the {_MAX_PLOTS} sources that took longest"
    return f'<h3>Of {which}</h3>\n<ul class="legend">{legend}</ul>\n<ul class="bars">{rows}</ul>'


def _bar(parts: Sequence[tuple[str, float]], longest: float) -> str:
    """Return a stacked bar; each part says its name and value to whoever points at it."""
    at, drawn = 0.0, []
    for name, value in parts:
        width = value / longest * _PLOT_WIDTH
        label = f"{_STAGES[name]}: {_seconds(value)}"
        drawn.append(
            f'<rect class="{name}" x="{at:.1f}" width="{width:.1f}" height="10"><title>{label}</title></rect>'
        )
        at += width
    return f'<svg viewBox="0 0 {_PLOT_WIDTH:g} 10" preserveAspectRatio="none">{"".join(drawn)}</svg>'


def _doubts(sources: Sequence[Mapping[str, Any]]) -> str:
    doubtful = [one for one in sources if one.get("doubts")]
    doubtful.sort(key=lambda one: -sum(doubt["end_ms"] - doubt["start_ms"] for doubt in one["doubts"]))
    if not doubtful:
        return ""
    shown = "\n".join(_strip(one) for one in doubtful[:_MAX_PLOTS])
    rest = len(doubtful) - _MAX_PLOTS
    more = f"<p>{rest} more sources have some; the table below counts them.</p>" if rest > 0 else ""
    return f"<h2>What to listen to</h2>\n<p>Most doubtful time first.</p>\n{shown}{more}"


def _strip(source: Mapping[str, Any]) -> str:
    """Return a source's timeline with its doubtful stretches, and a list of them."""
    whole_ms = max(1.0, source["audio_s"] * MS_PER_S)
    marks = "".join(
        f'<rect class="{"uncovered" if "uncovered" in doubt["flags"] else "doubt"}" '
        f'x="{doubt["start_ms"] / whole_ms * _PLOT_WIDTH:.1f}" height="10" '
        f'width="{max(2.0, (doubt["end_ms"] - doubt["start_ms"]) / whole_ms * _PLOT_WIDTH):.1f}">'
        f"<title>{_stretch(doubt)}</title></rect>"
        for doubt in source["doubts"]
    )
    rows = "".join(
        f"<li><b>{_stretch(doubt)}</b> {_text(', '.join(_reasons(doubt)))}{_quote(doubt['text'])}</li>"
        for doubt in source["doubts"][:_MAX_STRETCHES]
    )
    n_doubts = len(source["doubts"])
    n_more = n_doubts - _MAX_STRETCHES
    rows += f"<li>and {n_more} more</li>" if n_more > 0 else ""
    return (
        f'<h3>{_text(source["source"])}</h3>\n<div class="strip">'
        f'<svg viewBox="0 0 {_PLOT_WIDTH:g} 10" preserveAspectRatio="none">{marks}</svg>'
        f"<span>0:00</span><span>{_clock(source['audio_s'])}</span></div>\n"
        f"<details{' open' if n_doubts <= _MAX_OPEN else ''}><summary>{n_doubts} "
        f"stretch{'es' if n_doubts > 1 else ''}</summary><ul>{rows}</ul></details>"
    )


def _quote(text: str) -> str:
    return f"<q>{_text(text)}</q>" if text else ""


def _stretch(doubt: Mapping[str, Any]) -> str:
    return f"{_clock(doubt['start_ms'] / MS_PER_S)} to {_clock(doubt['end_ms'] / MS_PER_S)}"


def _reasons(doubt: Mapping[str, Any]) -> Iterator[str]:
    return (_WHY.get(flag, flag) for flag in doubt["flags"])


def _table(sources: Sequence[Mapping[str, Any]]) -> str:
    rows = "".join(
        f'<tr><td class="{_text(one["status"]).replace(" ", "-")}">{_text(one["status"])}</td>'
        f"<td>{_text(one['source'])}{_notes(one)}</td>"
        f"<td>{_clock(one['audio_s']) if one.get('audio_s') else ''}</td>"
        f"<td>{_seconds(one['work_s']) if one.get('work_s') else ''}</td><td>{_speed(one.get('rtfx'))}</td>"
        f"<td>{len(one.get('doubts', ())) or ''}</td><td>{_cues(one.get('quality'))}</td></tr>"
        for one in sources
    )
    heads = "".join(f"<th>{name}</th>" for name in ("", "source", "media", "work", "RTFx", "doubts", "cues"))
    return (
        "<h2>All sources</h2>\n"
        "<p>Work is the time of all lanes, without waiting for other sources.</p>\n"
        f'<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _notes(source: Mapping[str, Any]) -> str:
    reason = [source["reason"]] if source.get("reason") and not source.get("error") else []
    lines = [*reason, *source.get("warnings", ()), *((source.get("quality") or {}).get("broken", ()))]
    return "".join(f"<small>{_text(line)}</small>" for line in lines)


def _cues(quality: Mapping[str, Any] | None) -> str:
    if not quality:
        return ""
    n_broken = len(quality["broken"])
    return f"{quality['n_cues']}{f', {n_broken} against a rule' if n_broken else ''}"


def _small_print(told: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in told["versions"].items())
    options = json.dumps(told["options"], ensure_ascii=False, indent=1)
    return (
        f"<h2>How it was made</h2>\n<p>{_text(versions)}</p>\n"
        f"<p><code>qasr {_text(' '.join(told['arguments']))}</code></p>\n"
        f"<details><summary>All options</summary><pre>{_text(options)}</pre></details>"
    )


def _clock(seconds: float) -> str:
    return format_clock(round(seconds * MS_PER_S))[:-4]


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s" if seconds < 600 else _clock(seconds)


def _speed(rtfx: float | None) -> str:
    return "" if rtfx is None else format_speed(rtfx)
