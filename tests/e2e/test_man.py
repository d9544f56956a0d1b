"""The manual page is the help's, and shells complete what the help knows."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from qasr_cli.errors import ExitCode
from qasr_cli.options import InputOptions, LogOptions, Options, WatchOptions
from qasr_cli.options.flag import walk
from tests.e2e.conftest import ROOT, Qasr
from tools import make_man, make_reference

PAGE = ROOT / make_man.PAGE
REFERENCE = ROOT / make_reference.PAGE


def test_the_pages_are_what_the_help_says_now() -> None:
    assert PAGE.read_text("utf-8") == make_man.page(), "run: make man"
    assert REFERENCE.read_text("utf-8") == make_reference.page(), "run: make man"


def test_the_reference_has_every_flag_variable_and_key() -> None:
    text = REFERENCE.read_text("utf-8")
    flags = [flag for kind in (Options, InputOptions, LogOptions, WatchOptions) for flag in walk(kind)]
    assert len(flags) > 60
    for flag in flags:
        named = (*flag.names, *flag.variables, *(key.replace("_", "-") for key in flag.keys))
        assert [name for name in named if f"`{name}`" not in text] == []


def test_every_flag_and_exit_code_is_on_the_page(qasr: Qasr) -> None:
    text = PAGE.read_text("utf-8").replace("\\-", "-")
    for command in ("transcribe", "watch", "align", "render", "check"):
        shown = qasr(command, "--help", env={"COLUMNS": "200"}).stdout
        flags = set(re.findall(r"--[a-z][a-z-]+", shown)) - {"--help"}
        assert len(flags) > 10
        assert [flag for flag in sorted(flags) if flag not in text] == []
    assert [code for code in ExitCode if f".B {int(code)}\n" not in text] == []


@pytest.mark.parametrize("width", [80, 200])
def test_help_shows_no_types_of_python(qasr: Qasr, width: int) -> None:
    for name in (
        "",
        "transcribe",
        "watch",
        "align",
        "render",
        "check",
        "models pull",
        "runs show",
        "config init",
    ):
        shown = qasr(*name.split(), "--help", env={"COLUMNS": str(width)}).stdout
        assert shown.startswith(f"Usage: qasr {name}".rstrip())
        assert re.findall(r"<\w+|[A-Z]\.\.\.\]?\.\.\.|Optional|\[bold\]|--no-\w+,", shown) == []


@pytest.mark.skipif(shutil.which("groff") is None, reason="no groff on this system")
def test_roff_reads_it_without_a_warning() -> None:
    done = subprocess.run(
        ["groff", "-ww", "-man", "-Tutf8", PAGE], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "qasr transcribe" in done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_its_completion(qasr: Qasr, shell: str) -> None:
    script = qasr(env={"_QASR_COMPLETE": f"source_{shell}"})
    assert script.returncode == 0, script.stderr
    assert f"complete_{shell}" in script.stdout


def test_bash_completes_commands_and_flags(qasr: Qasr, tmp_path: Path) -> None:
    (tmp_path / "qasr.toml").write_text("not toml")  # a mistake there must not show up behind the prompt
    bash = {"_QASR_COMPLETE": "complete_bash"}
    commands = qasr(env={**bash, "COMP_WORDS": "qasr ", "COMP_CWORD": "1"})
    assert set(commands.stdout.split()) == {
        "transcribe", "watch", "align", "render", "check", "models", "bench", "config", "doctor", "runs",
        "serve", "live", "eval",
    }  # fmt: skip
    flags = qasr(env={**bash, "COMP_WORDS": "qasr transcribe --log", "COMP_CWORD": "2"})
    assert flags.stdout.split() == ["--log-file", "--log-format"]
    assert flags.stderr == ""
