"""`qasr transcribe --dry-run`: prints what a run would do, one line a file.

In go inputs and options; out come lines on stdout. Reads no media, loads no model, writes nothing. Names are
made harmless, so that one file is always one line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from qasr_cli.errors import ExitCode, printable
from qasr_cli.options import InputOptions, Options
from qasr_cli.runs.inputs.selection import LeftOut
from qasr_cli.runs.planning.output_plan import Plan
from qasr_cli.runs.state import journal
from qasr_cli.runs.state.journal import Journal
from qasr_cli.tasks import outputs, sources
from qasr_cli.tasks.run_pass import choose, has_state
from qasr_cli.terminal import logs, stdio


def dry_run(inputs: InputOptions, options: Options, *, verbosity: int) -> int:
    """Print what a run would do and return the exit code.

    Raises:
        QasrError: An input does not exist, or the name template is wrong.
    """
    logs.configure(verbosity)
    layout = outputs.resolve(options.output)
    options = replace(options, output=layout.options)
    stdout = stdio.guard()
    discovered = sources.discover(inputs, options.find)
    run_journal = journal.consulted(discovered.sources, options) if has_state(inputs, options) else Journal()
    chosen = choose(discovered, layout, options, run_journal)
    stdout.write("".join(lines(chosen.plans, [*discovered.left_out, *chosen.left_out])))
    if passed_over := discovered.passed_over.words():
        stdout.write(f"passed over: {passed_over}\n")
    return ExitCode.OK


def lines(plans: Sequence[Plan], left_out: Sequence[LeftOut]) -> Iterator[str]:
    """Yield `would transcribe FILE -> RESULTS`, `would fail FILE: why` and `would skip FILE: why`."""
    for plan in plans:
        name = printable(plan.source.relative)
        if plan.error is not None:
            yield f"would fail {name}: {plan.error.reason}; {plan.error.hint}\n"
        elif plan.skip:
            yield f"would skip {name}: {printable(plan.skip)}\n"
        else:
            where = ", ".join(printable(target.shown) for target in plan.targets.values()) or "stdout"
            why = f" ({printable(plan.note)})" if plan.note else ""
            yield f"would transcribe {name} -> {where}{why}\n"
    for file in left_out:
        yield f"would skip {printable(file.relative)}: {printable(file.reason)}\n"
