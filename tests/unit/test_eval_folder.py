"""The folder of an evaluation: which one is taken, what beginning anew removes, which tables it holds."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import pytest

from qasr_cli.errors import CannotCreateError, LockedError
from qasr_cli.evaluation.answers import AnswerFile, RunFacts
from qasr_cli.evaluation.utterances import Pair, Utterance
from qasr_cli.options import EngineOptions, EvalOptions, Options
from qasr_cli.tasks import eval_reports
from qasr_cli.tasks.eval_models import ModelSystem
from qasr_cli.terminal.progress import QuietReporter
from tests import corpora, evaluations

HEAD = '{"schema":"qasr.eval.v1","facts":{}}\n'
LEDGER = '{"key": "00000000000000000000000000000000", "transcript": {}}\n'


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"results.jsonl": HEAD, "notes.txt": "mine"},
        {"answers/demo.jsonl": LEDGER, "notes.txt": "mine"},
        {"answers/demo.jsonl": ""},
        {".qasr-0011.tmp": HEAD},
        {"report.html": "<html>", "report.md": "", "tables/rates.csv": "x"},
    ],
)
def test_a_folder_that_an_evaluation_has_made_is_taken(files: Mapping[str, str], tmp_path: Path) -> None:
    corpora.write(tmp_path / "out", files)
    assert eval_reports.prepared_folder(EvalOptions(folder=tmp_path / "out")) == tmp_path / "out"


@pytest.mark.parametrize(
    "files",
    [
        {"results.jsonl": '{"loss": 1}\n'},
        {"answers/question-1.txt": "42", "thesis.tex": ""},
        {"answers/mine.jsonl": '{"question": 1}\n', "thesis.tex": ""},
        {"report.md": "# My report", "tables/mine.csv": "x"},
        {"answers/demo.jsonl": LEDGER, "answers/mine.jsonl": '{"question": 1}\n', "thesis.tex": ""},
    ],
)
@pytest.mark.parametrize("results", [None, Path("results.jsonl")])
def test_files_of_somebody_else_are_neither_removed_nor_written_over(
    files: Mapping[str, str], results: Path | None, tmp_path: Path
) -> None:
    corpora.write(tmp_path, files)
    options = EvalOptions(folder=tmp_path, overwrite=True, results=results)
    with pytest.raises(CannotCreateError, match="no evaluation in it"):
        eval_reports.prepared_folder(options)
    assert {name: (tmp_path / name).read_text() for name in files} == files


def test_beginning_anew_removes_ledgers_alone(tmp_path: Path) -> None:
    corpora.write(tmp_path, {"answers/demo.jsonl": LEDGER, "results.jsonl": HEAD, "answers/x.txt": "mine"})
    eval_reports.prepared_folder(EvalOptions(folder=tmp_path, overwrite=True, results=Path("r.jsonl")))
    assert (tmp_path / "answers/demo.jsonl").read_text() == LEDGER  # figures alone begin anew
    eval_reports.prepared_folder(EvalOptions(folder=tmp_path, overwrite=True))
    assert [path.name for path in (tmp_path / "answers").iterdir()] == ["x.txt"]


def test_a_ledger_that_another_process_writes_stays(tmp_path: Path) -> None:
    with AnswerFile(tmp_path / "answers", "demo") as ledger:
        with pytest.raises(LockedError, match="another evaluation writes it"):
            eval_reports.prepared_folder(EvalOptions(folder=tmp_path, overwrite=True))
        assert ledger.path.stat().st_size == 0
    eval_reports.prepared_folder(EvalOptions(folder=tmp_path, overwrite=True))
    assert not list((tmp_path / "answers").iterdir())


def test_a_table_of_an_earlier_evaluation_does_not_stay(tmp_path: Path) -> None:
    corpora.write(tmp_path, {"tables/published.csv": "old", "tables/mine.csv": "mine"})
    eval_reports.write(evaluations.small(), tmp_path)
    names = {path.name for path in (tmp_path / "tables").iterdir()}
    assert {"rates.csv", "mine.csv"} <= names
    assert "published.csv" not in names


def test_facts_of_calls_with_other_settings_are_not_taken(tmp_path: Path) -> None:
    with AnswerFile(tmp_path, "demo") as ledger:
        ledger.add_run(RunFacts(1_000, 1.0, model="a", aligner="one", settings="x"))
        ledger.add_run(RunFacts(9_000, 1.0, model="a", settings="y"))
    with AnswerFile(tmp_path, "demo") as ledger:
        assert [one.aligner for one in ledger.runs_of("x")] == ["one"]
        assert eval_reports.speed(ledger.runs_of("x")).rtfx == 1.0
        assert ledger.runs_of("z") == []


def test_transcripts_of_another_implementation_or_number_format_are_not_taken(tmp_path: Path) -> None:
    engines = [
        EngineOptions(model="demo"),
        EngineOptions(model="demo", dtype="fp32"),
        EngineOptions(model="demo", engine="qwen3-generate"),
    ]
    systems = [ModelSystem("demo", Options(engine=one), tmp_path, QuietReporter) for one in engines]
    assert len({one.settings for one in systems}) == len(engines)
    assert (
        systems[0].settings
        == ModelSystem("demo", Options(engine=engines[0]), tmp_path, QuietReporter).settings
    )


def test_names_that_are_written_alike_have_ledgers_of_their_own(tmp_path: Path) -> None:
    names = ("a b", "a-b", "a/b", "a.b", "a")
    assert len({AnswerFile(tmp_path, name).path.name for name in names}) == len(names)
    assert AnswerFile(tmp_path, "0.6b", "1-of-2").path.name == "0.6b.shard-1-of-2.jsonl"


def test_scoring_tells_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(eval_reports, "_TOLD_EVERY_S", 0)
    pairs = [Pair("s", Utterance(str(number), "set", None, "one"), None) for number in range(1_002)]
    with caplog.at_level(logging.INFO):
        assert list(eval_reports.told(pairs)) == pairs
    assert caplog.messages[-1] == "answers scored: 1,001"
