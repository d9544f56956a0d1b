"""`qasr models`: which models there are, and which of them are on this machine."""

from __future__ import annotations

import typer


def command() -> None:
    """List the models that --model knows by name, and whether they are on this machine."""
    from qasr_cli.engines import checkpoints
    from qasr_cli.terminal.tables import print_table

    rows = [
        (
            model.name,
            "yes" if _is_here(model.recognizer) and _is_here(model.aligner) else "no",
            model.size,
            model.remark,
            "inside the package"
            if model.name == checkpoints.DEMO
            else f"{model.recognizer}, {model.aligner}",
        )
        for model in checkpoints.MODELS
    ]
    print_table(("--model", "here", "size", "remark", "weights (recognizer, aligner)"), rows)
    typer.echo(
        "\nA model that is not here is downloaded when it is first used. Folders and hub ids work too."
    )


def _is_here(location: str) -> bool:
    from qasr_cli.engines import checkpoints
    from qasr_cli.errors import UnavailableError

    try:
        return checkpoints.find(location) is not None
    except UnavailableError:
        return False
