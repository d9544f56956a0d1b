"""Figures of papers beside ours, as rows of cells.

In go rows of a suite; out come cells. Rates are percent and times milliseconds already, as papers print them.
"""

from __future__ import annotations

from qasr_cli.evaluation.figures import Published
from qasr_cli.evaluation.reports import wording

HEADER = ("table", "set", "metric", "model", "ours", "published", "difference", "remark")
NOTE = "Ours with its 95 % interval; the difference is ours minus the published figure."
OUTSIDE = "The published figure lies outside of our interval."
WITHIN = "The published figure lies within our interval."


def row(one: Published) -> tuple[str, ...]:
    """Return the cells of a figure: ours, published, difference, and why they may differ."""
    ours = one.ours
    return (
        one.table,
        one.set_name,
        one.metric,
        one.model,
        wording.interval(ours, 1.0),
        f"{one.published:,.2f}",
        wording.NOT_KNOWN if ours is None else f"{ours.value - one.published:+,.2f}",
        " ".join(filter(None, (_placed(one), one.reason))),
    )


def _placed(one: Published) -> str:
    """Return where the published figure lies."""
    if one.ours is None or one.ours.low is None or one.ours.high is None:
        return ""
    return WITHIN if one.ours.low <= one.published <= one.ours.high else OUTSIDE
