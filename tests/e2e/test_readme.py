"""What the README says is so: its commands run, its flags exist, its exit codes are the program's."""

from __future__ import annotations

import configparser
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from qasr_cli.engines.qwen3.languages import ALIGNED
from qasr_cli.errors import ExitCode
from qasr_cli.languages import LANGUAGES
from qasr_cli.records import Outcome, Source, Status
from qasr_cli.runs.reports import hook_reporter
from qasr_cli.runs.reports.status_file import StatusFile
from tests.e2e.conftest import ROOT, SAMPLES, environment

READMES = ("README.md", "README.ko.md")
_BLOCK = re.compile(r"```sh\n(.*?)```", re.S)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def commands(name: str) -> list[str]:
    lines = [
        line.split("  #")[0].strip() for block in _BLOCK.findall(read(name)) for line in block.splitlines()
    ]
    return [line for line in lines if line]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder as the README imagines the reader's: a film, talks, and qasr on the path."""
    folder = tmp_path_factory.mktemp("desk")
    shutil.copy(SAMPLES / "talk.mp4", folder / "film.mp4")
    shutil.copytree(SAMPLES / "clips", folder / "talks" / "monday")
    spoken = json.loads((SAMPLES / "talk.truth.json").read_text("utf-8"))["text"]
    (folder / "script.txt").write_text(spoken.replace(". ", ".\n"), "utf-8")
    program = folder / "bin" / "qasr"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m qasr_cli "$@"\n')
    program.chmod(0o755)
    return folder


def test_every_command_runs(desk: Path) -> None:
    shown = commands("README.md")
    assert len(shown) >= 10
    env = environment(QASR_MODEL="demo")
    env["PATH"] = f"{desk / 'bin'}:{env['PATH']}"
    for command in shown:
        is_make = command.startswith("make ")  # running one of them here would run this test again
        line = command.replace("make ", "make --dry-run ", 1) if is_make else command
        is_service = command.startswith("qasr watch")  # works until it is told to stop
        line = f"timeout --preserve-status 15 {line}" if is_service else line
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", line],
            cwd=ROOT if is_make else desk, env=env, capture_output=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == (ExitCode.TERMINATED if is_service else 0), (
            f"{command}: {done.stderr.decode()}"
        )
        if command.endswith("| wc -l"):
            assert int(done.stdout) == 10
    assert json.loads((desk / "status.json").read_text("utf-8"))["state"] == "stopped"
    assert (desk / "film.srt").exists()
    assert (desk / "out/talks/monday/clip-01.vtt").exists() or (desk / "out/monday/clip-01.vtt").exists()


def test_both_languages_show_the_same_commands() -> None:
    assert commands("README.ko.md") == commands("README.md")


@pytest.mark.parametrize("name", READMES)
def test_every_flag_exists(name: str, desk: Path) -> None:
    helps = "".join(
        subprocess.run(
            [sys.executable, "-m", "qasr_cli", *command, "--help"],
            env=environment(COLUMNS="200"), capture_output=True, text=True, check=True,
        ).stdout
        for command in map(str.split, ("", "transcribe", "watch", "runs show", "align", "render", "check"))
    )  # fmt: skip
    whisper = {"--output_dir", "--output_format", "--initial_prompt", "--max_line_width", "--max_line_count"}
    whisper |= {"--highlight_words", "--batch_size", "--fp16"}
    text = re.sub(r"`python -m [^`]+`", "", read(name))  # tools have flags of their own
    flags = set(re.findall(r"--[a-z][a-z0-9_-]+", text)) - whisper
    assert len(flags) > 20
    assert [flag for flag in sorted(flags) if flag not in helps] == []


@pytest.mark.parametrize("name", READMES)
def test_the_exit_codes_are_all_there(name: str) -> None:
    table = set(map(int, re.findall(r"^\| (\d+)(?:, \d+)? \|", read(name), re.M)))
    table |= set(map(int, re.findall(r"^\| \d+, (\d+) \|", read(name), re.M)))
    assert table == set(map(int, ExitCode)) | {141}


def test_the_languages_are_all_there() -> None:
    text = read("README.md")
    for language in LANGUAGES:
        mark = r"\*" if language.code in ALIGNED else ""
        assert f"{language.name}{mark}," in text or f"{language.name}{mark}." in text, language.name


@pytest.mark.parametrize("name", READMES)
def test_every_link_leads_somewhere(name: str) -> None:
    targets = re.findall(r"\]\(([^)]+)\)", read(name))
    assert len(targets) >= 3
    files = [target for target in targets if not target.startswith("#")]
    assert [target for target in files if not (ROOT / target).exists()] == []


def test_the_service_s_page_names_flags_and_fields_that_exist(tmp_path: Path) -> None:
    page = read("docs/service.md")
    helps = "".join(
        subprocess.run(
            [sys.executable, "-m", "qasr_cli", command, "--help"],
            env=environment(COLUMNS="200"), capture_output=True, text=True, check=True,
        ).stdout
        for command in ("transcribe", "watch")
    )  # fmt: skip
    without_docker = re.sub(r"docker run.*?\\\n", "", page)
    flags = set(re.findall(r"--[a-z][a-z-]+", without_docker)) - {"--config"}
    assert len(flags) > 10
    assert [flag for flag in sorted(flags) if flag not in helps] == []

    status, of_file, of_run = map(json.loads, re.findall(r"```json\n(.*?)```", page, re.S))
    source = Source(0, Path("a"), Path("a"))
    assert set(of_file) == set(hook_reporter.file_event(Outcome(source, Status.DONE)))
    watched = StatusFile(tmp_path / "status.json", [])
    watched.open()
    assert set(status) == set(json.loads((tmp_path / "status.json").read_text("utf-8")))
    assert set(of_run["counts"]) == set(Status)
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    (text,) = re.findall(r"```ini\n(.*?)```", page, re.S)
    unit.read_string(text)
    assert unit["Service"]["SuccessExitStatus"] == str(int(ExitCode.TERMINATED))
