"""The findings of `qasr check`, as a page for a terminal, as lines for a pipe, as CSV and as JSON.

In go results; out come texts. Text from a file is made harmless first: subtitles may hold the escape codes of
a terminal.

On a terminal findings are in the order of time, as an editor goes through a film; if there are more than fit
a few screens, errors are listed and warnings counted. In a pipe each finding is one line,
`file:line: time severity rule: comment; advice`, which editors and grep can use.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction

from qasr_cli import languages
from qasr_cli.errors import printable
from qasr_cli.records import Caption
from qasr_cli.subtitles.qc.check import Checked
from qasr_cli.subtitles.qc.comparison import Comparison
from qasr_cli.subtitles.qc.findings import RULES, Finding
from qasr_cli.tasks.caption_check import CheckedFile
from qasr_cli.tasks.fixed_copies import DROPPED_WHY, FixedCopy
from qasr_cli.terminal import tables
from qasr_cli.timebase import MS_PER_S, format_clock

SCHEMA = "qasr.check.v1"
CSV_HEADER = ("LineNumber", "TimeCode", "Context", "Comment")  # Subtitle Edit's Netflix report
_NESTED = (list, dict)
_MANY = 60  # findings: three screens
_WIDE = 100  # columns, from which on there is room for the cue's text beside ...
_FINDING = 78  # ... its number, its time and the finding


@dataclass(frozen=True, slots=True)
class FileReport:
    """The result of checking one file.

    Attributes:
        result: The file as it is.
        fixed: Its repaired copy; None without `--fix`.
        compared: Its comparison with the reference; None without one.
    """

    result: CheckedFile
    fixed: FixedCopy | None
    compared: Comparison | None

    @property
    def left(self) -> Checked:
        """The check of the repaired copy, or of the file if there is none."""
        return self.fixed.checked if self.fixed else self.result.checked


def text(report: FileReport, width: int | None, *, is_all: bool) -> str:
    """Return a page of `width` columns, or plain lines if `width` is None."""
    head = [*_head(report), *_compared(report.compared), *_fixed(report)]
    if width is None:
        return "".join(f"{line}\n" for line in [*_lines(report), *head])
    findings = report.result.checked.findings
    shown = findings if is_all or len(findings) <= _MANY else report.result.checked.errors
    page = tables.Page(width)
    page.title(head[0])
    page.paragraphs(head[1:])
    if shown:
        names = ("cue", "time", "finding", *(["text"] if width >= _WIDE else []))
        rows = _rows(report.result, shown, max(1, width - _FINDING))
        page.table(names, [row[: len(names)] for row in rows])
    hidden = len(findings) - len(shown)
    if hidden:
        page.paragraphs(
            [f"{hidden} warnings are only counted here; -v lists them, --csv and --json hold all"]
        )
    page.table(("", "rule", "how to fix"), _by_rule(findings))
    return page.text()


def _rows(result: CheckedFile, findings: Sequence[Finding], n_cells: int) -> list[tuple[str, ...]]:
    """Return the rows of a table, each with its cue's text in `n_cells`; no row repeats the cue above."""
    rows: list[tuple[str, ...]] = []
    above: int | None = None
    for finding in findings:
        colour = "red" if finding.is_error else "yellow"
        text = f"[{colour}]{finding.rule}[/]: {tables.plain(_placed_comment(finding))}"
        cue_text = tables.plain(tables.cut(_context(result, finding), n_cells))
        place = (_number(result, finding), _clock(finding))
        if finding.caption is not None and finding.caption == above:
            place, cue_text = ("", ""), ""
        rows.append((*place, text, cue_text))
        above = finding.caption
    return rows


def _by_rule(findings: Sequence[Finding]) -> list[tuple[str, ...]]:
    counts = Counter(finding.rule for finding in findings)
    ranked = sorted(counts, key=lambda rule: (RULES[rule].severity.value, -counts[rule]))
    colours = {"error": "red", "warning": "yellow"}
    return [
        (str(counts[rule]), f"[{colours[RULES[rule].severity]}]{rule}[/]", RULES[rule].advice)
        for rule in ranked
    ]


def _lines(report: FileReport) -> list[str]:
    result = report.result
    lines = []
    for finding in result.checked.findings:
        line = _line(result, finding)
        place = f":{line}" if line else ""
        where = f"{printable(result.name)}{place}: {_clock(finding)}".rstrip()
        text = f"{finding.severity} {finding.rule}: {printable(finding.comment)}; {finding.advice}"
        lines.append(f"{where} {text}" if finding.time_ms is not None else f"{where.rstrip(':')}: {text}")
    return lines


def _head(report: FileReport) -> list[str]:
    result, figures = report.result, report.result.checked.figures
    language = languages.find(result.language) if result.language else None
    kind = f"{result.file.kind.upper()}, {language.name if language else 'language not known'}"
    limits = result.limits
    pace = f", {figures.words_per_minute:.0f} words a minute" if figures.words_per_minute else ""
    return [
        f"{printable(result.name)} ({kind}): {_n(figures.n_cues, 'cue')}, {_n(figures.n_errors, 'error')}, "
        f"{_n(figures.n_warnings, 'warning')}, score {figures.score:.1f}",
        f"reading speed: {figures.cps_share:.1%} of cues within {figures.hard_cps:g} characters a second, "
        f"mean {figures.mean_cps:.1f}, 95th percentile {figures.high_cps:.1f}{pace}",
        f"lines: {figures.cpl_share:.1%} of cues within {limits.max_line_cells} characters, "
        f"{figures.lines_share:.1%} within {_n(limits.max_lines, 'line')}",
    ]


def _n(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _compared(comparison: Comparison | None) -> list[str]:
    if comparison is None:
        return []
    lines = [
        f"against the reference: SubER {comparison.edit_rate:.1f} %; same breaks (F1): "
        f"cues {comparison.cue_f1:.1%}, lines {comparison.line_f1:.1%}, either {comparison.break_f1:.1%}"
    ]
    if comparison.shift_ms is not None:
        lines.append(
            f"starts: median {comparison.shift_ms:+.0f} ms, absolute {comparison.absolute_shift_ms:.0f} ms, "
            f"{comparison.near_share:.1%} within 100 ms, of {_n(comparison.n_starts, 'cue')} that begin alike"
        )
    return lines


def _fixed(report: FileReport) -> list[str]:
    if report.fixed is None:
        return []
    before, after = (
        Counter(finding.rule for finding in checked.findings)
        for checked in (report.result.checked, report.fixed.checked)
    )
    fixed = ", ".join(f"{n} {rule}" for rule, n in sorted((before - after).items())) or "nothing"
    figures = report.fixed.checked.figures
    left = f"{_n(figures.n_errors, 'error')} and {_n(figures.n_warnings, 'warning')} left"
    return [f"fixed: {fixed}; {left} -> {printable(report.fixed.path)}", *_dropped(report)]


def _dropped(report: FileReport) -> list[str]:
    """Return a line for each cue that the repaired copy does not have."""
    if report.fixed is None:
        return []
    lines = []
    for index in report.fixed.dropped:
        caption = report.result.file.captions[index]
        place = f"line {caption.line}, " if caption.line else ""
        clock = _signed_clock(caption.start_ms)
        lines.append(f"dropped: cue {index + 1} ({place}{clock}), which {DROPPED_WHY}")
    return lines


def _caption(result: CheckedFile, finding: Finding) -> Caption | None:
    return None if finding.caption is None else result.file.captions[finding.caption]


def _line(result: CheckedFile, finding: Finding) -> int | None:
    """Return the line of the file that a finding is about."""
    caption = _caption(result, finding)
    return finding.line or (caption.line if caption and caption.line else None)


def _placed_comment(finding: Finding) -> str:
    """Return a comment with its line in front, if no cue says where it belongs."""
    place = f"line {finding.line}: " if finding.line and finding.caption is None else ""
    return place + printable(finding.comment)


def _number(result: CheckedFile, finding: Finding) -> str:
    """Return the cue's number or name in the file, or else its place."""
    caption = _caption(result, finding)
    if caption is None or finding.caption is None:
        return ""
    return caption.number if caption.number.isdecimal() else str(finding.caption + 1)


def _clock(finding: Finding) -> str:
    return "" if finding.time_ms is None else _signed_clock(finding.time_ms)


def _signed_clock(time_ms: int) -> str:
    return ("-" if time_ms < 0 else "") + format_clock(abs(time_ms))


def _context(result: CheckedFile, finding: Finding) -> str:
    caption = _caption(result, finding)
    return printable(" ".join(caption.lines)) if caption else ""


def csv_text(report: FileReport) -> str:
    """Return a file's findings in Subtitle Edit's form; times have frames if the frame rate is known."""
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(CSV_HEADER)
    result = report.result
    for finding in result.checked.findings:
        comment = f"{finding.severity} {finding.rule}: {_placed_comment(finding)}; {finding.advice}"
        time_code = "" if finding.time_ms is None else _time_code(finding.time_ms, result.limits.frame_rate)
        rows.writerow((_number(result, finding), time_code, _context(result, finding), comment))
    return written.getvalue()


def _time_code(time_ms: int, rate: Fraction | None) -> str:
    if rate is None:
        return _signed_clock(time_ms)
    seconds, rest_ms = divmod(abs(time_ms), MS_PER_S)
    frame = int(rest_ms * rate / MS_PER_S + Fraction(1, 2))
    whole = round(rate)  # frames of a second as time codes count them: 23.976 has 24
    seconds, frame = (seconds + 1, 0) if frame >= whole else (seconds, frame)
    return f"{'-' if time_ms < 0 else ''}{format_clock(seconds * MS_PER_S)[:-4]}:{frame:02d}"


def json_text(reports: Sequence[FileReport], profile: str) -> str:
    """Return all results as one JSON object."""
    whole = {"schema": SCHEMA, "profile": profile, "files": [_json_file(report) for report in reports]}
    return _dump(whole, "\n") + "\n"


def _dump(value: object, margin: str) -> str:
    """Return the text of `json.dumps(indent=1)`, which is slow for 100,000 findings: it is pure Python."""
    inner = margin + " "
    if isinstance(value, list) and value:
        return f"[{inner}{f',{inner}'.join(_dump(item, inner) for item in value)}{margin}]"
    if not isinstance(value, dict) or not value:
        return json.dumps(value, ensure_ascii=False)
    if any(isinstance(item, _NESTED) for item in value.values()):
        items = [f"{json.dumps(key)}: {_dump(item, inner)}" for key, item in value.items()]
        return f"{{{inner}{f',{inner}'.join(items)}{margin}}}"
    flat = json.dumps(value, ensure_ascii=False, separators=(f",{inner}", ": "))
    return f"{{{inner}{flat[1:-1]}{margin}}}"


def _json_file(report: FileReport) -> dict[str, object]:
    result = report.result
    fields: dict[str, object] = {
        "file": printable(result.name),
        "format": result.file.kind,
        "encoding": result.file.encoding,
        "language": result.language,
        "figures": _json_figures(result.checked),
        "findings": [_json_finding(result, finding) for finding in result.checked.findings],
    }
    if report.compared:
        fields["against"] = {
            key: round(value, 4) if isinstance(value, float) else value
            for key, value in asdict(report.compared).items()
        }
    if report.fixed:
        left = Counter(finding.rule for finding in report.fixed.checked.findings)
        fields["fixed"] = {
            "file": printable(report.fixed.path),
            "left": dict(sorted(left.items())),
            "dropped": [_json_dropped(result, index) for index in report.fixed.dropped],
        }
    return fields


def _json_dropped(result: CheckedFile, index: int) -> dict[str, object]:
    caption = result.file.captions[index]
    return {
        "cue": index + 1,
        "line": caption.line or None,
        "time_ms": caption.start_ms,
        "reason": DROPPED_WHY,
    }


def _json_figures(checked: Checked) -> dict[str, object]:
    return {
        key: round(value, 4) if isinstance(value, float) else value
        for key, value in asdict(checked.figures).items()
    }


def _json_finding(result: CheckedFile, finding: Finding) -> dict[str, object]:
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "cue": None if finding.caption is None else finding.caption + 1,
        "line": _line(result, finding),
        "time_ms": finding.time_ms,
        "value": finding.value,
        "limit": finding.limit,
        "comment": printable(finding.comment),
        "advice": finding.advice,
        "text": _context(result, finding),
    }
