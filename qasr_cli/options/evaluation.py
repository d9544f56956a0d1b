"""Options of `qasr eval`: references, systems, normalizers, results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qasr_cli.errors import UsageError
from qasr_cli.options.flag import EVALUATION, option, require

NORMALIZERS = ("none", "qasr", "qasr+numbers", "whisper-en", "whisper-basic", "leaderboard")


@dataclass(frozen=True, slots=True)
class HypothesisFiles:
    """The outputs of another program: a name for the reports, and a file or folder."""

    name: str
    path: Path


def _hypotheses(given: Sequence[str] | None) -> tuple[HypothesisFiles, ...]:
    """Return the systems that NAME=PATH stand for; a path alone is named after its last part.

    Raises:
        UsageError: A text has no path, or a name stands twice.
    """
    found: list[HypothesisFiles] = []
    for text in given or ():
        name, sign, path = text.partition("=")
        files = HypothesisFiles(name.strip(), Path(path)) if sign else HypothesisFiles("", Path(text))
        name = files.name or files.path.stem
        if not name or not (path if sign else text):
            raise UsageError(f"--hyp {text}: give NAME=PATH", flag="--hyp")
        if any(other.name == name for other in found):
            raise UsageError(f"--hyp: two systems are named {name}", "give NAME=PATH", flag="--hyp")
        found.append(HypothesisFiles(name, files.path))
    return tuple(found)


def _normalizers(text: str) -> tuple[str, ...]:
    """Return the names of normalizers.

    Raises:
        UsageError: One is unknown.
    """
    names = tuple(dict.fromkeys(name.strip().lower() for name in text.split(",") if name.strip()))
    for name in names:
        if name not in NORMALIZERS:
            raise UsageError(
                f"--normalizer {name}: no such normalizer",
                f"one of {', '.join(NORMALIZERS)}",
                flag="--normalizer",
            )
    if not names:
        raise UsageError("--normalizer is empty", f"one of {', '.join(NORMALIZERS)}", flag="--normalizer")
    return names


@dataclass(frozen=True, slots=True)
class ReferenceOptions:
    """Which references are taken, and how recordings are cut.

    Attributes:
        layout: Name of the layout; `auto` finds it out.
        split: Part of the corpus, such as `test-clean`; "" takes every part that is named as a test.
        limit: Utterances that are drawn; None takes all.
        seed: Seed of every draw: of `limit`, and of bootstrap intervals.
        long: Whole recordings are transcribed, and their words matched with the reference.
        spelling: Which of two spellings KsponSpeech's texts are read in.
    """

    layout: str = option(
        "auto",
        EVALUATION,
        "Layout of the references; auto finds it out and prints it. --layout list prints all.",
        "--layout",
        metavar="NAME",
        is_setting=False,
    )
    split: str = option(
        "", EVALUATION, "Part of a corpus, such as test-clean.", "--split", metavar="NAME", is_setting=False
    )
    limit: int | None = option(
        None,
        EVALUATION,
        "Draw so many utterances, by --seed. Default: all.",
        "--limit",
        metavar="N",
        is_setting=False,
    )
    seed: int = option(
        1, EVALUATION, "Seed of draws and of intervals.", "--seed", metavar="N", is_setting=False
    )
    long: bool = option(
        False,
        EVALUATION,
        "Transcribe whole recordings and match their words, in place of cutting them where the references "
        "say. Always so beside subtitles, whose times are those of reading.",
        "--long",
        is_setting=False,
    )
    spelling: str = option(
        "written",
        EVALUATION,
        "Spelling where a Korean reference has two: written (digits) or spoken (words).",
        "--spelling",
        metavar="NAME",
        is_setting=False,
    )

    def __post_init__(self) -> None:
        require(self.limit is None or self.limit >= 1, "--limit must be at least 1", "--limit")
        require(self.spelling in {"written", "spoken"}, "--spelling is written or spoken", "--spelling")


@dataclass(frozen=True, slots=True)
class EvalOptions:
    """Systems, normalizers and results of an evaluation.

    Attributes:
        hypotheses: Other programs' outputs.
        no_model: Only other programs' outputs are compared.
        normalizers: The first one's figures come first.
        results: A file of results, from which everything is derived again; None evaluates anew.
        suite: Name of a table of published figures, or a TOML file with one; "" for none.
        data: Folder with the corpora of a suite.
        detectors: Print precision and recall of each detector of hallucinations.
        fit_confidence: Fit the map from raw to calibrated confidences, and store it beside the model.
        first_run: Check a model on this machine, and write a report and a qasr.toml.
        first_run_seconds: Seconds for the trials of number formats and batch sizes in a first run.
        official_python: Interpreter with the package `qwen-asr`, whose text a first run compares.
        folder: Folder of results and reports.
        overwrite: Begin anew in a folder of results.
    """

    hypotheses: tuple[HypothesisFiles, ...] = option(
        (),
        EVALUATION,
        "Outputs of another program for the same references: a file or folder. Repeatable.",
        "--hyp",
        metavar="NAME=PATH",
        kind=str,
        default=None,
        convert=_hypotheses,
        is_repeatable=True,
        is_setting=False,
        is_path=True,
    )
    no_model: bool = option(
        False,
        EVALUATION,
        "Run no model: only the outputs of --hyp are compared.",
        "--no-model",
        is_setting=False,
    )
    normalizers: tuple[str, ...] = option(
        ("qasr", "qasr+numbers"),
        EVALUATION,
        f"Normalizers of both texts, separated by commas: {', '.join(NORMALIZERS)}.",
        "--normalizer",
        metavar="NAME,...",
        kind=str,
        default="qasr,qasr+numbers",
        convert=_normalizers,
        is_setting=False,
    )
    results: Path | None = option(
        None,
        EVALUATION,
        "Derive tables and page again from a file of results. No model is needed.",
        "--from-results",
        "--from",
        metavar="results.jsonl",
        is_setting=False,
    )
    suite: str = option(
        "",
        EVALUATION,
        "Run the tables of a release with published figures beside ours: seed-tables, or a TOML file.",
        "--suite",
        metavar="NAME",
        is_setting=False,
        is_path=True,
    )
    data: Path | None = option(
        None,
        EVALUATION,
        "Folder with the corpora of --suite.",
        "--data",
        metavar="DIR",
        is_setting=False,
    )
    detectors: bool = option(
        False,
        EVALUATION,
        "Print precision and recall of each detector of hallucinations, and the values it looks at.",
        "--detectors",
        is_setting=False,
    )
    fit_confidence: bool = option(
        False,
        EVALUATION,
        "Fit words' confidences to how often they are right, and store the map beside the model.",
        "--fit-confidence",
        is_setting=False,
    )
    first_run: bool = option(
        False,
        EVALUATION,
        "Check a model on this machine: tokens, times, detectors, speed by stage, batch size, number format. "
        "Writes a report to share and a qasr.toml.",
        "--first-run",
        is_setting=False,
    )
    first_run_seconds: float = option(
        60.0,
        EVALUATION,
        "Seconds for the trials of number formats and batch sizes of --first-run.",
        "--first-run-seconds",
        metavar="SECONDS",
        is_setting=False,
    )
    official_python: Path | None = option(
        None,
        EVALUATION,
        "Python interpreter with the package qwen-asr, whose text --first-run compares with.",
        "--official-python",
        metavar="PROGRAM",
        is_setting=False,
    )
    folder: Path = option(
        Path("qasr-eval"),
        EVALUATION,
        "Folder of results and reports; the same command resumes in it.",
        "--output",
        "-o",
        metavar="DIR",
        is_setting=False,
    )
    overwrite: bool = option(
        False, EVALUATION, "Begin anew in a folder of results.", "--overwrite", "-y", is_setting=False
    )

    def __post_init__(self) -> None:
        require(self.data is None or bool(self.suite), "--data needs --suite", "--data")
        require(self.first_run_seconds > 0, "--first-run-seconds must be above 0", "--first-run-seconds")
        is_one = sum((self.results is not None, bool(self.suite), self.first_run)) <= 1
        require(is_one, "--from, --suite and --first-run exclude each other", "--from")
