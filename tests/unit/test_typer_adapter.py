"""What is relied on of Typer's insides is there, and does what the adapter says it does."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import pytest

from qasr_cli.cli import typer_adapter
from qasr_cli.cli.help_page import UNBROKEN, HelpPage, Section, render
from qasr_cli.cli.typer_adapter import App, CommandRow, Context, Operand, ValueOrigin
from qasr_cli.options import FlagSpec

WIDTH = FlagSpec("Subtitle style", "Width.", ("--width", "--breadth", "-w"), metavar="N", kind=int, default=4)
STRICT = FlagSpec("Run control", "Strict.", ("--strict",), kind=bool, default=False)


def program(seen: dict[str, Any]) -> App:
    app = App("qasr", "A program.", no_args_is_help=True)

    @app.callback()
    def root(context: Context) -> None:
        context.default_map = {"work": context.obj}

    @app.subcommand("work", epilog="The end.")
    def work(
        context: Context,
        files: Annotated[list[Path], typer_adapter.argument(Operand("FILE...", "Files."))],
        width: Annotated[int, typer_adapter.option(WIDTH)] = 4,
        strict: Annotated[bool, typer_adapter.option(STRICT)] = False,
    ) -> None:
        """Work on files."""
        seen.update(
            files=files,
            width=width,
            strict=strict,
            origin=typer_adapter.value_origin(context, "width"),
            of_strict=typer_adapter.value_origin(context, "strict"),
            is_collecting=gc.isenabled(),
        )

    return app


def run(*arguments: str, file: dict[str, Any] | None = None) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    typer_adapter.run(program(seen), arguments, file or {})
    return seen


def problem(*arguments: str, file: dict[str, Any] | None = None) -> typer_adapter.Problem:
    with pytest.raises(typer_adapter.UsageProblem) as caught:
        run(*arguments, file=file)
    return typer_adapter.problem(caught.value)


def test_who_set_a_value_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("work", "a")["origin"] is ValueOrigin.DEFAULT
    assert run("work", "a", file={"width": 5})["origin"] is ValueOrigin.FILE
    monkeypatch.setenv("QASR_BREADTH", "6")  # a flag's other name has a variable, too
    seen = run("work", "a", file={"width": 5})
    assert (seen["width"], seen["origin"]) == (6, ValueOrigin.VARIABLE)
    seen = run("work", "a", "-w", "7", file={"width": 5})
    assert (seen["width"], seen["origin"]) == (7, ValueOrigin.COMMAND_LINE)
    assert ValueOrigin.DEFAULT < ValueOrigin.FILE < ValueOrigin.VARIABLE < ValueOrigin.COMMAND_LINE


def test_a_command_collects_garbage_though_loading_does_not() -> None:
    gc.disable()
    try:
        assert run("work", "a")["is_collecting"]
    finally:
        gc.enable()


def test_what_a_file_switched_on_can_be_switched_off() -> None:
    seen = run("work", "a", "--no-strict", file={"strict": True})
    assert (seen["strict"], seen["of_strict"]) == (False, ValueOrigin.COMMAND_LINE)


def test_a_mistake_is_told_in_facts() -> None:
    wrong = problem("work", "a", "--width", "many")
    assert (wrong.flag, wrong.is_from_file, wrong.command) == ("--width", False, "qasr work")
    assert wrong.text == "--width: Input should be a valid integer"
    assert problem("work", "a", file={"width": "many"}).is_from_file
    assert problem("work", "a", "--colour").flag is None
    assert problem("work").text.startswith("Missing argument 'FILE...'")


def test_nothing_given_is_answered_with_the_help() -> None:
    nothing = problem()
    assert nothing.is_nothing_given
    assert nothing.text.startswith("Usage: qasr [OPTIONS] COMMAND ...")
    assert not problem("work").is_nothing_given


def test_a_command_s_parameters_are_values() -> None:
    ((names, command),) = typer_adapter.leaves(typer_adapter.root_command(program({})))
    assert names == ("qasr", "work")
    files, width, strict = typer_adapter.parameters(command)
    assert (files.names, files.metavar, files.is_required) == ((), "FILE...", True)
    assert (set(width.names), width.default) == ({"--width", "--breadth", "-w"}, 4)
    assert width.variables == ("QASR_WIDTH", "QASR_BREADTH")
    assert strict.names == ("--strict",)  # its --no- form is said once and not with each
    assert typer_adapter.usage(command, "qasr work") == "qasr work [OPTIONS] FILE..."
    assert list(typer_adapter.panels(command)) == ["Subtitle style", "Run control", "Options"]


def test_a_command_can_be_parsed_without_being_run() -> None:
    seen: dict[str, Any] = {}
    app = program(seen)
    parsed: list[Any] = []

    @app.subcommand("look")
    def look(context: Context) -> None:
        """Look."""
        made = typer_adapter.parse("work", ["-"], context, {"width": 9})
        parsed.extend((made.params["width"], typer_adapter.value_origin(made, "width")))

    typer_adapter.run(app, ["look"], {})
    assert parsed == [9, ValueOrigin.FILE]
    assert seen == {}


def test_a_lazy_command_is_imported_when_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "lazy_one.py").write_text(
        "from qasr_cli.cli import typer_adapter\n"
        "def command() -> None:\n    'Do one.'\n    print('done')\n"
        "app = typer_adapter.single(command)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    rows = [CommandRow("one", "lazy_one", "Do one."), CommandRow("two", "lazy_two_is_nowhere", "Do two.")]
    app = App("qasr", "A program.", cls=typer_adapter.lazy_group(rows))

    @app.callback()
    def root() -> None:
        """Nothing."""

    typer_adapter.run(app, ["--help"], None)
    shown = capsys.readouterr().out
    assert "Do one." in shown
    assert "Do two." in shown
    assert "lazy_one" not in sys.modules
    typer_adapter.run(app, ["one"], None)
    assert capsys.readouterr().out == "done\n"
    with pytest.raises(typer_adapter.UsageProblem, match="Did you mean 'one'"):
        typer_adapter.run(app, ["onne"], None)


class TestHelpPage:
    PAGE = HelpPage(
        "qasr render [OPTIONS] FILE...",
        "Convert files.\n\n\b\nExamples:\n  qasr a    b\n\nMore.",
        [Section("Files", [("-o, --output DIR", "Folder for them. " * 5), ("--" + "x" * 30, "Long.")])],
        "The end.",
    )

    @pytest.mark.parametrize("width", [10, 40, 41, 60, 80, 100, 300])
    def test_no_line_is_longer_than_the_terminal(self, width: int) -> None:
        lines = render(self.PAGE, width).splitlines()
        assert max(map(len, lines)) <= max(40, min(width, 100))
        assert " ".join(lines).count("Folder") == 5

    def test_examples_keep_their_columns(self) -> None:
        assert "\nExamples:\n  qasr a    b\n" in render(self.PAGE, 80)

    def test_bold_is_for_headings_alone(self) -> None:
        assert "\x1b[1mFiles:\x1b[0m" in render(self.PAGE, 80, is_bold=True)
        assert "\x1b" not in render(self.PAGE, 80)

    def test_a_default_stays_on_its_line(self) -> None:
        page = HelpPage("qasr", "", [Section("A", [("--width N", f"x [default:{UNBROKEN}4]" * 9)])])
        assert all(line.count("[") == line.count("]") for line in render(page, 40).splitlines())
        assert UNBROKEN not in render(page, 40)


@pytest.mark.parametrize("arguments", [["--help"], ["transcribe", "--help"]])
def test_help_loads_nothing_that_it_does_without(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom qasr_cli.cli import app\ncode = app._run(sys.argv[1:])\n"
        "heavy = {'torch', 'numpy', 'rich', 'regex', 'onnxruntime', 'srt', 'webvtt'} & set(sys.modules)\n"
        "commands = {name for name in sys.modules if name.startswith('qasr_cli.cli.params')}\n"
        "heavy |= commands if sys.argv[1] == '--help' else set()\n"
        "sys.exit(f'loaded {sorted(heavy)}' if heavy else code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "COLUMNS": "80"}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Usage: qasr" in done.stdout
