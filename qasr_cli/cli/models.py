"""`qasr models`: lists, downloads and checks models."""

from __future__ import annotations

from typing import Annotated

from qasr_cli.cli import typer_adapter
from qasr_cli.cli.typer_adapter import Context, Operand
from qasr_cli.errors import ExitCode, QasrError, UsageError
from qasr_cli.options import FlagSpec
from qasr_cli.runs.files import typed_paths

app = typer_adapter.App("models", "List, download and check models.")

_Name = Annotated[
    str,
    typer_adapter.argument(Operand("NAME", "0.6b, 1.7b, demo, a folder, or a hub id.", is_path=False)),
]
_Revision = Annotated[
    str,
    typer_adapter.option(
        FlagSpec(
            "", "Commit, tag or branch of its repository.", ("--revision",), metavar="REV", is_setting=False
        )
    ),
]


@app.callback(invoke_without_command=True)
def overview(context: Context) -> None:
    """List, download and check models. Without a command: the list."""
    if context.invoked_subcommand is None:
        print_list()


@app.subcommand("list")
def print_list() -> None:
    """List the models that --model knows by name, and whether each is on this machine."""
    from qasr_cli.engines import model_store
    from qasr_cli.terminal.tables import print_table

    rows = [
        (
            model.name,
            "yes" if _is_stored(model.recognizer) and _is_stored(model.aligner) else "no",
            model.size,
            model.remark,
            "inside the package"
            if model.name == model_store.DEMO
            else f"{model.recognizer}, {model.aligner}",
        )
        for model in model_store.MODELS
    ]
    print_table(("--model", "here", "size", "remark", "weights (recognizer, aligner)"), rows)
    typer_adapter.echo(
        "\nA model that is not here is downloaded when it is first used, or now: qasr models pull NAME. "
        "Folders and hub ids work too."
    )


@app.subcommand("pull")
def pull(name: _Name, revision: _Revision = "") -> None:
    """Download a model, or its missing files, and verify it.

    Interrupted downloads are resumed; complete files are kept. 0.6b and 1.7b include their aligner.
    """
    from qasr_cli.engines import model_store
    from qasr_cli.terminal import logs

    logs.configure(0)  # a damaged file that is downloaded again is a warning
    for location in _locations(name, revision):
        typer_adapter.echo(f"{location}: {model_store.pull(location, revision or None).folder}")


@app.subcommand("check")
def check(name: _Name) -> None:
    """Check the files of a model without loading its weights. Exit code 69: something is wrong."""
    from qasr_cli.engines import model_store
    from qasr_cli.terminal import logs

    code = ExitCode.OK
    for location in _locations(name, ""):
        try:
            stored = model_store.find(location)
            if stored is None:
                raise model_store.not_here(location)
            from qasr_cli.engines.qwen3 import loading

            kind = loading.check(stored)
            typer_adapter.echo(f"{location}: a whole {kind}, {stored.id}")
        except QasrError as error:
            logs.report_error(error)
            code = error.exit_code
    raise typer_adapter.Exit(code)


@app.subcommand("path")
def path(name: _Name, revision: _Revision = "") -> None:
    """Print the folder of a model. Exit code 69: it is not on this machine."""
    from qasr_cli.engines import model_store

    for location in _locations(name, revision):
        stored = model_store.find(location, revision or None)
        if stored is None:
            raise model_store.not_here(location)
        typer_adapter.echo(stored.folder)


def _locations(name: str, revision: str) -> tuple[str, ...]:
    """Return the repositories of a name: recognizer and aligner of a known model, else the name itself."""
    from qasr_cli.engines import model_store

    model = model_store.named(name)
    if model is None:
        return (typed_paths.setting(name),)
    if revision:
        raise UsageError(
            f"--revision {revision}: {name} stands for two repositories", "name one of them by its hub id"
        )
    return (model.recognizer, model.aligner)


def _is_stored(location: str) -> bool:
    from qasr_cli.engines import model_store
    from qasr_cli.errors import UnavailableError

    try:
        return model_store.find(location) is not None
    except UnavailableError:
        return False
