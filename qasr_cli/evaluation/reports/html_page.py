"""An evaluation as one HTML page: no script, nothing from any network, light and dark, for phones too.

In goes an evaluation; out comes the page's text. `page.html.jinja` lays the values out and escapes every one
of them: names, references and recognised texts are foreign. The page holds sums and the worst
utterances alone, so its size does not grow with the corpus. Sounds are links to files beside it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from qasr_cli.escapes import for_terminal
from qasr_cli.evaluation.figures import Evaluation, SetFigures
from qasr_cli.evaluation.reports import drawings, page_drawings, tables, worst_utterances
from qasr_cli.evaluation.reports.warnings import collected

if TYPE_CHECKING:
    import jinja2

_N_COMMON = 15
_KINDS = {
    "length": "Errors by length",
    "noise": "Errors by noise",
    "speaker": "Errors by speaker",
}


class CommonErrors(NamedTuple):
    """The commonest errors of a set and system: a reference and a hypothesis with a count each."""

    title: str
    substitutions: list[tuple[str, str, str]]
    deletions: list[tuple[str, str]]
    insertions: list[tuple[str, str]]


def render(evaluation: Evaluation, folder: Path) -> str:
    """Return the page.

    Args:
        evaluation: What to show.
        folder: Where the page will lie; links to sounds begin there.
    """
    names = page_drawings.systems(evaluation)
    n_sets = len({one.set_name for one in evaluation.sets})
    return _template().render(
        evaluation=evaluation,
        title=_title(names, n_sets),
        systems=names,
        n_sets=n_sets,
        n_sets_left_out=max(0, n_sets - page_drawings.MAX_SETS),
        warnings=collected(evaluation),
        tables={table.key: table for table in tables.tables(evaluation)},
        rates=page_drawings.rates(evaluation),
        comparisons=page_drawings.comparisons(evaluation),
        groups=[
            (_KINDS.get(kind, f"Errors by {kind}"), charts)
            for kind, charts in page_drawings.groups(evaluation)
        ],
        common=list(_common_errors(evaluation)),
        worst=worst_utterances.shown(evaluation.sets, folder),
        matrices=page_drawings.matrices(evaluation),
        histograms=page_drawings.histograms(evaluation),
        curves=page_drawings.curves(evaluation),
        strip_width=drawings.WIDTH,
        plot=(drawings.PLOT_WIDTH, drawings.PLOT_HEIGHT),
    )


@functools.cache
def _template() -> jinja2.Template:
    import jinja2  # only a run with a report needs it

    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    text = resources.files("qasr_cli.evaluation.reports").joinpath("page.html.jinja").read_text("utf-8")
    return environment.from_string(text)


def _visible(value: object) -> object:
    """Return a value of the template; control and direction characters of a text are escapes.

    A direction character would turn round the words of the page that stand behind it. Bytes of a name that
    are not UTF-8 would make the page unwritable.
    """
    is_text = isinstance(value, str) and not hasattr(value, "__html__")  # what macros return is safe
    return for_terminal(str(value)) if is_text else value


def _title(names: list[str], n_sets: int) -> str:
    shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    return f"{shown or 'no system'} on {n_sets} set{'' if n_sets == 1 else 's'}"


def _common_errors(evaluation: Evaluation) -> Iterable[CommonErrors]:
    for one in page_drawings.drawn(evaluation):
        if one.substitutions or one.deletions or one.insertions:
            yield _common(one)


def _common(one: SetFigures) -> CommonErrors:
    return CommonErrors(
        f"{one.set_name}, {one.system}",
        [(left, right, f"{n:,}") for left, right, n in one.substitutions[:_N_COMMON]],
        [(text, f"{n:,}") for text, n in one.deletions[:_N_COMMON]],
        [(text, f"{n:,}") for text, n in one.insertions[:_N_COMMON]],
    )
