"""What is written to results.jsonl comes back exactly, and so do all reports that follow from it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from qasr_cli.evaluation import results
from qasr_cli.evaluation.evaluate import Evaluator
from qasr_cli.evaluation.figures import Interval, Published, SpeedFigures
from qasr_cli.evaluation.normalization import normalizers
from qasr_cli.evaluation.reports import csv_tables, html_page, markdown, terminal
from qasr_cli.evaluation.utterances import Pair
from tests import pairs

SCHEMAS = Path(__file__).parents[2] / "docs" / "reference" / "schemas"
SCHEMA = Draft202012Validator(json.loads((SCHEMAS / "eval.schema.json").read_text("utf-8")))
FACTS = {"command": "qasr eval a\u2028b", "seed": "1"}
PUBLISHED = (
    Published("English", "test-clean", "WER, qasr", "0.6b", 2.11, Interval(3.31, 2.98, 3.7, 40, "speaker")),
    Published("English", "test-other", "WER, qasr", "0.6b", 4.55, None, "not on disk"),
)
SPEEDS = {"a": SpeedFigures(1_000, 0.1, 10.0, None, "cpu")}


def evaluated(of_pairs: Iterable[Pair], path: Path | None = None) -> dict[str, str]:
    """Return all reports of pairs; with a path the results are written there."""
    chosen = [normalizers.get(name) for name in ("qasr", "none")]
    evaluator = Evaluator(chosen, seed=1)
    if path is None:
        for pair in of_pairs:
            evaluator.add(pair)
    else:
        with results.writing(path, FACTS, SPEEDS) as writer:
            for pair in of_pairs:
                writer.add(pair, evaluator.add(pair))
    evaluation = evaluator.finish(FACTS, SPEEDS)
    return {
        "terminal": terminal.render(evaluation, 80),
        "Markdown": markdown.render(evaluation),
        "page": html_page.render(evaluation, Path("reports")),
        **csv_tables.render(evaluation),
    }


def written(of_pairs: Sequence[Pair], path: Path) -> None:
    with results.writing(path, FACTS, SPEEDS) as writer:
        for pair in of_pairs:
            writer.add(pair, ())
        writer.add_published(PUBLISHED)


@given(st.lists(pairs.pairs, max_size=3))
def test_pairs_come_back_exactly(drawn: list[Pair]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "results.jsonl")
        written(drawn, path)
        facts, found = results.read_head(path).facts, results.read_pairs(path)
        assert (dict(facts), list(found)) == (FACTS, drawn)
        assert results.read_head(path).speeds == SPEEDS
        assert results.read_published(path) == PUBLISHED
        lines = path.read_bytes().decode("utf-8").splitlines()
    assert len(lines) == len(drawn) + 2
    for line in lines:
        assert [error.message for error in SCHEMA.iter_errors(json.loads(line))] == []


@settings(max_examples=30)
@given(st.lists(pairs.plain_pairs, min_size=1, max_size=8))
def test_reports_from_a_file_are_those_of_the_run_to_the_byte(drawn: list[Pair]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "results.jsonl")
        first = evaluated(drawn, path)
        lines = path.read_text("utf-8").splitlines()
        again = evaluated(results.read_pairs(path))
    assert again == first
    for line in lines:
        assert [error.message for error in SCHEMA.iter_errors(json.loads(line))] == []
    for text in first.values():
        text.encode("utf-8")  # a report can be written, whatever a name holds
