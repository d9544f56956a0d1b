"""Figures as texts, the same in every report: a percentage has two decimals, what is unknown is "n/a".

In go figures; out come short texts for cells, and sentences. Never computes a figure.
"""

from __future__ import annotations

from qasr_cli.evaluation.figures import Comparison, Counts, Interval, Rate, Unit
from qasr_cli.timebase import MS_PER_S, format_speed

NOT_KNOWN = "n/a"
_PERCENT = 100.0
_MIB = 1024 * 1024
_SURE = 0.975  # as the ends of a 95 % interval


def percent(share: float | None) -> str:
    """Return a share as percent, without the sign: 0.0452 is `4.52`."""
    return NOT_KNOWN if share is None else f"{share * _PERCENT:.2f}"


def number(value: float | None, n_decimals: int = 2) -> str:
    """Return a number with so many decimals."""
    return NOT_KNOWN if value is None else f"{value:,.{n_decimals}f}"


def count(value: int | None) -> str:
    """Return a count with marks between thousands."""
    return NOT_KNOWN if value is None else f"{value:,}"


def milliseconds(value: float | None, *, is_signed: bool = False) -> str:
    """Return milliseconds with one decimal."""
    if value is None:
        return NOT_KNOWN
    return f"{value:+,.1f}" if is_signed else f"{value:,.1f}"


def interval(figure: Interval | None, factor: float = _PERCENT, *, is_signed: bool = False) -> str:
    """Return a figure and its interval: `4.52 [4.10, 5.00]`; without one the figure alone.

    Args:
        figure: The figure.
        factor: What it is multiplied by: 100 for shares, 1 for what is in its unit already.
        is_signed: A difference: with its sign.
    """
    if figure is None:
        return NOT_KNOWN
    kind = "+,.2f" if is_signed else ",.2f"
    value = format(figure.value * factor, kind)
    if figure.low is None or figure.high is None:
        return value
    return f"{value} [{figure.low * factor:{kind}}, {figure.high * factor:{kind}}]"


def is_told(figure: Interval | None) -> bool:
    """Whether a figure has an interval."""
    return figure is not None and figure.low is not None and figure.high is not None


def few(figure: Interval) -> str:
    """Return why a figure has no interval: `12 speakers: too few to tell`."""
    return f"{blocks(figure)}: too few to tell"


def blocks(figure: Interval) -> str:
    """Return what was drawn for an interval: `12 speakers`."""
    return f"{figure.n_blocks:,} {figure.blocks}{'' if figure.n_blocks == 1 else 's'}"


def rate(one: Rate) -> str:
    """Return a rate in percent with its interval."""
    return interval(one.interval) if one.interval is not None else percent(one.counts.rate)


def rate_name(unit: Unit, normalizer: str) -> str:
    """Return the name of a rate: `WER, qasr+numbers`."""
    return f"{unit.value}, {normalizer}"


def kinds_of_errors(counts: Counts) -> str:
    """Return substitutions, deletions and insertions in percent of the units: `2.10 / 0.80 / 0.30`."""
    if not counts.n_units:
        return f"{counts.substitutions:,} / {counts.deletions:,} / {counts.insertions:,} errors"
    parts = (counts.substitutions, counts.deletions, counts.insertions)
    return " / ".join(percent(part / counts.n_units) for part in parts)


def duration(time_ms: int) -> str:
    """Return a length of sound: `1:02:03 h`, `2:03 min` or `4.5 s`; 0 is that of an unknown one."""
    if not time_ms:
        return NOT_KNOWN
    seconds = time_ms / MS_PER_S
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,}:{minutes:02d}:{rest:02d} h" if hours else f"{minutes}:{rest:02d} min"


def memory(n_bytes: int | None) -> str:
    """Return an amount of memory in MiB."""
    return NOT_KNOWN if n_bytes is None else f"{n_bytes / _MIB:,.0f} MiB"


def speed(rtfx: float | None) -> str:
    """Return audio seconds by wall seconds."""
    return NOT_KNOWN if rtfx is None else format_speed(rtfx)


def verdict(comparison: Comparison) -> str:
    """Return what a comparison tells, as a sentence."""
    a, b, share = comparison.a, comparison.b, comparison.p_better
    if not is_told(comparison.difference):
        return few(comparison.difference)
    name, of_draws = (a, share) if share >= 0.5 else (b, 1 - share)
    drawn = f"{name} is better in {of_draws * _PERCENT:.1f} % of the draws"
    return drawn if of_draws >= _SURE else f"no clear difference: {drawn}"


def outcome(comparison: Comparison) -> str:
    """Return utterances with fewer, more and as many errors of the first system: `120 / 80 / 800`."""
    return f"{comparison.n_won:,} / {comparison.n_lost:,} / {comparison.n_tied:,}"
