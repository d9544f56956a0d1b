"""`qasr models`: which models there are, which are on this machine, and how one gets here."""

from __future__ import annotations

from typing import Annotated

import typer

from qasr_cli.errors import ExitCode, QasrError, UsageError

app = typer.Typer(
    help="List, download and check models.", rich_markup_mode="rich", pretty_exceptions_enable=False
)

_Name = Annotated[
    str, typer.Argument(metavar="NAME", help="0.6b, 1.7b, demo, a folder, or a hub id.", show_default=False)
]
_Revision = Annotated[
    str,
    typer.Option(
        "--revision", metavar="REV", help="Commit, tag or branch of its repository.", show_default=False
    ),
]


@app.callback(invoke_without_command=True)
def overview(context: typer.Context) -> None:
    """List, download and check models. Without a command: the list."""
    if context.invoked_subcommand is None:
        print_list()


@app.command("list")
def print_list() -> None:
    """List the models that --model knows by name, and whether they are on this machine."""
    from qasr_cli.engines import model_store
    from qasr_cli.terminal.tables import print_table

    rows = [
        (
            model.name,
            "yes" if _is_here(model.recognizer) and _is_here(model.aligner) else "no",
            model.size,
            model.remark,
            "inside the package"
            if model.name == model_store.DEMO
            else f"{model.recognizer}, {model.aligner}",
        )
        for model in model_store.MODELS
    ]
    print_table(("--model", "here", "size", "remark", "weights (recognizer, aligner)"), rows)
    typer.echo(
        "\nA model that is not here is downloaded when it is first used, or now: qasr models pull NAME. "
        "Folders and hub ids work too."
    )


@app.command("pull")
def pull(name: _Name, revision: _Revision = "") -> None:
    """Download a model, or what is missing of it, and verify it.

    Goes on where a connection breaks; files that are here stay. 0.6b and 1.7b bring their aligner along.
    """
    from qasr_cli.engines import model_store

    for location in _locations(name, revision):
        typer.echo(f"{location}: {model_store.pull(location, revision or None).folder}")


@app.command("check")
def check(name: _Name) -> None:
    """Say what is wrong with a model, without loading its weights; exit 69 when something is."""
    from qasr_cli.engines import model_store
    from qasr_cli.terminal import logs

    code = ExitCode.OK
    for location in _locations(name, ""):
        try:
            checkpoint = model_store.find(location)
            if checkpoint is None:
                raise model_store.not_here(location)
            from qasr_cli.engines.qwen3 import loading

            kind = loading.check(checkpoint)
            typer.echo(f"{location}: a whole {kind}, {checkpoint.id}")
        except QasrError as error:
            logs.report_error(error)
            code = error.exit_code
    raise typer.Exit(code)


@app.command("path")
def path(name: _Name, revision: _Revision = "") -> None:
    """Print the folder a model is in; exit 69 when it is not on this machine."""
    from qasr_cli.engines import model_store

    for location in _locations(name, revision):
        checkpoint = model_store.find(location, revision or None)
        if checkpoint is None:
            raise model_store.not_here(location)
        typer.echo(checkpoint.folder)


def _locations(name: str, revision: str) -> tuple[str, ...]:
    """Return what belongs to a name: recognizer and aligner of a known model, else the one thing named."""
    from qasr_cli.engines import model_store

    known = model_store.named(name)
    if known is None:
        return (name,)
    if revision:
        raise UsageError(
            f"--revision {revision}: {name} stands for two repositories", "name one of them by its hub id"
        )
    return (known.recognizer, known.aligner)


def _is_here(location: str) -> bool:
    from qasr_cli.engines import model_store
    from qasr_cli.errors import UnavailableError

    try:
        return model_store.find(location) is not None
    except UnavailableError:
        return False
