"""The warnings of an evaluation and of its sets, each with what it is about.

In goes an evaluation; out come names and sentences. A sentence that several systems share stands once for
each set, with their names.
"""

from __future__ import annotations

from typing import NamedTuple

from qasr_cli.evaluation.figures import Evaluation


class Warned(NamedTuple):
    """A warning: `name` is the set with its systems, or `evaluation`."""

    name: str
    text: str


def collected(evaluation: Evaluation) -> list[Warned]:
    """Return all warnings, those of the whole evaluation first."""
    about: dict[tuple[str, str], list[str]] = {}
    for one in evaluation.sets:
        for text in one.warnings:
            about.setdefault((one.set_name, text), []).append(one.system)
    return [
        *(Warned("evaluation", text) for text in evaluation.warnings),
        *(Warned(f"{name}, {', '.join(systems)}", text) for (name, text), systems in about.items()),
    ]
