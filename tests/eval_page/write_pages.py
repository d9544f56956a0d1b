"""Writes the pages that tests look at: `.venv/bin/python -m tests.eval_page.write_pages FOLDER`.

In goes a folder; out come a page for each kind of evaluation, and a sound beside them that the first of the
worst utterances links to.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path

from qasr_cli.evaluation.figures import Evaluation
from qasr_cli.evaluation.reports import html_page
from qasr_cli.evaluation.utterances import AudioPart
from qasr_cli.records import Span
from tests import evaluations

SOUND = "clip #1 100%.wav"
SPAN = Span(250, 900)
_CLIP = Path(__file__).parents[2] / "samples/clips/clip-01.wav"


def with_sound(evaluation: Evaluation, path: Path) -> Evaluation:
    """Return an evaluation whose first utterance has a sound that is there."""
    first, *others = evaluation.sets
    worst = first.worst[0]
    utterance = replace(worst.pair.utterance, audio=AudioPart(path, SPAN))
    there = replace(worst, pair=replace(worst.pair, utterance=utterance))
    return replace(evaluation, sets=(replace(first, worst=(there, *first.worst[1:])), *others))


def main(folder: Path) -> None:
    """Write the pages."""
    (folder / "sounds").mkdir(exist_ok=True)
    sound = folder / "sounds" / SOUND
    shutil.copyfile(_CLIP, sound)
    pages = {
        "big": with_sound(evaluations.big(), sound),
        "small": evaluations.small(),
        "empty": evaluations.empty(),
        "hostile": evaluations.hostile(),
    }
    for name, evaluation in pages.items():
        (folder / f"{name}.html").write_text(html_page.render(evaluation, folder), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
