"""`qasr eval`: from flags to options; the work is in `tasks.eval`, imported when needed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from qasr_cli.cli import typer_adapter
from qasr_cli.cli.params.grouped import Selection, grouped
from qasr_cli.cli.typer_adapter import Operand
from qasr_cli.errors import UsageError
from qasr_cli.options import (
    AlignOptions,
    ChunkOptions,
    DecodeOptions,
    EngineOptions,
    EvalOptions,
    FlagSpec,
    GuardOptions,
    LogOptions,
    MediaOptions,
    Options,
    ReferenceOptions,
    RemoteOptions,
    SpeakerOptions,
    VadOptions,
)
from qasr_cli.options.flag import MODEL

EPILOG = """
References are a corpus (LibriSpeech, FLEURS, Common Voice, AISHELL, Kaldi, NeMo and others; --layout list
prints all), or your own media beside texts or subtitles. What they were taken for is printed first.

\b
Examples:
  qasr eval recordings/                               the model, on media beside .txt, .srt, .json, ...
  qasr eval LibriSpeech/test-clean -m 0.6b -m 1.7b    two models side by side
  qasr eval recordings/ --hyp whisper=out/            another program's files, beside the model
  qasr eval recordings/ --hyp a=out-a --no-model      another program's alone
  qasr eval --from qasr-eval/results.jsonl --normalizer none       other figures, without a model
  qasr eval --first-run -m 0.6b -o first-run          what this machine makes of a model
  qasr eval --suite seed-tables --data corpora/       the release's tables, as far as they are on disk

Tables go to stdout; the folder of -o gets results.jsonl, report.html, report.md and CSV tables. The same
command goes on where an earlier one was interrupted.
"""

Inputs = Annotated[
    list[Path] | None,
    Operand("REFERENCES...", "Folders of corpora, manifests, or media beside texts and subtitles."),
]
Models = Annotated[
    list[str] | None,
    FlagSpec(
        MODEL,
        "0.6b, 1.7b, demo (a toy model), a folder, or a hub id. Repeatable. Default: 0.6b.",
        ("--model", "-m"),
        metavar="NAME",
        is_repeatable=True,
        is_path=True,
        default=None,
        is_setting=False,
    ),
]
_TRANSCRIPTION = (
    *(EngineOptions, RemoteOptions, DecodeOptions, GuardOptions, MediaOptions, ChunkOptions, VadOptions),
    *(AlignOptions, SpeakerOptions, "shard", "workers"),
)


@grouped
def command(
    inputs: Inputs = None,
    *,
    references: ReferenceOptions,
    evaluation: EvalOptions,
    models: Models = None,
    options: Annotated[Options, Selection(only=_TRANSCRIPTION, without=("model",))],
    log: LogOptions,
) -> None:
    """Measure how good models and programs are on your own recordings, or on a corpus.

    Error rates with intervals, language detection, word times, subtitles, speakers, speed; several systems
    side by side, as tables and one page.
    """
    _refuse(inputs or [], evaluation, models or [], references.layout)
    from qasr_cli.tasks import eval as task
    from qasr_cli.tasks.eval_systems import EvalRequest

    chosen = () if evaluation.no_model else tuple(models or ("0.6b",))
    request = EvalRequest(tuple(inputs or ()), chosen, options, references, evaluation)
    if evaluation.first_run:
        from qasr_cli.tasks import first_run

        raise typer_adapter.Exit(first_run.run(request, log))
    raise typer_adapter.Exit(task.evaluate(request, log))


def _refuse(inputs: list[Path], evaluation: EvalOptions, models: list[str], layout: str) -> None:
    needs_none = evaluation.results is not None or bool(evaluation.suite) or evaluation.first_run
    if not inputs and not needs_none and layout != "list":
        raise UsageError("Missing argument 'REFERENCES...'", "see qasr eval --help")
    if inputs and (evaluation.results is not None or evaluation.suite):
        flag = "--from" if evaluation.results is not None else "--suite"
        raise UsageError(f"{flag} takes no references", "leave one of them out", flag=flag)
    if evaluation.no_model and models:
        raise UsageError("--no-model with --model", "leave one of them out", flag="--model")
    if evaluation.no_model and not evaluation.hypotheses:
        raise UsageError("--no-model needs --hyp", "name the outputs of a program", flag="--no-model")
    if len(set(models)) < len(models):
        raise UsageError("--model: the same model twice", "name each once", flag="--model")


app = typer_adapter.single(command, epilog=EPILOG)
