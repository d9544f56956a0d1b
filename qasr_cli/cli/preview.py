"""`--dry-run`: what a run would do, a line a file.

In go plans and what is left out; out come lines for stdout. Names are made harmless, so that one file is
always one line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qasr_cli.errors import printable
from qasr_cli.runs.inputs.selection import LeftOut
from qasr_cli.runs.planning.output_plan import Plan


def lines(plans: Sequence[Plan], left_out: Sequence[LeftOut]) -> Iterator[str]:
    """Yield `would transcribe FILE -> RESULTS`, `would fail FILE: why` and `would skip FILE: why`."""
    for plan in plans:
        name = printable(plan.source.relative)
        if plan.error is not None:
            why = plan.error.message.removeprefix(f"{name}: ")
            yield f"would fail {name}: {why}; {plan.error.hint}\n"
        elif plan.skip:
            yield f"would skip {name}: {printable(plan.skip)}\n"
        else:
            where = ", ".join(printable(target.shown) for target in plan.targets.values()) or "stdout"
            why = f" ({printable(plan.note)})" if plan.note else ""
            yield f"would transcribe {name} -> {where}{why}\n"
    for one in left_out:
        yield f"would skip {printable(one.relative)}: {printable(one.reason)}\n"
