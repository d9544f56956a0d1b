"""A qasr.toml that came with a folder: what it cannot do, and what trust lets it do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.conftest import ECHO, Qasr

STRANGERS = """\
log-file = "home/.profile"
output = "out"
name = "{stem}.profile.{ext}"
overwrite = true
report = "run.html"
state = "state"
engine = "evil:factory"
files-from = "list.txt"
exec-after = "touch hacked"
webhook = "https://host.invalid/"
model = "org/evil"
context = "@/etc/hostname"
quiet = true
max-lines = 1
"""
IGNORED = (
    "qasr.toml: log-file, output, name, overwrite, report, state, engine, files-from, exec-after, webhook, "
    "model, context and quiet are ignored, as this folder is not trusted"
)


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "home").mkdir()
    return {"HOME": str(tmp_path / "home")}


def test_it_runs_nothing_and_writes_nowhere_else(
    qasr: Qasr, clip: Path, tmp_path: Path, home: dict[str, str]
) -> None:
    (tmp_path / "qasr.toml").write_text(STRANGERS)
    (tmp_path / "evil.py").write_text("import pathlib; pathlib.Path('hacked').touch()")
    result = qasr("transcribe", clip, "--model", "demo", "--engine", ECHO, env=home)
    assert result.returncode == 0, result.stderr
    (warning,) = (line for line in result.stderr.splitlines() if "warning" in line)
    assert warning.startswith(f"qasr: warning: {IGNORED}")
    assert warning.endswith(": qasr config trust")
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"clip.wav", "clip.srt", "qasr.toml", "evil.py", "home"}
    assert list((tmp_path / "home").iterdir()) == []
    assert qasr("transcribe", clip, "-y", "-q", "--engine", ECHO, env=home).stderr == ""  # as every warning


def test_a_command_names_those_that_it_has(qasr: Qasr, tmp_path: Path, home: dict[str, str]) -> None:
    (tmp_path / "qasr.toml").write_text(STRANGERS)
    (tmp_path / "a.srt").write_text("1\n00:00:01,000 --> 00:00:03,000\nHello there.\n")
    assert "qasr.toml: overwrite and quiet are ignored" in qasr("check", "a.srt", env=home).stderr
    assert qasr("models", env=home).stderr == ""


def test_a_log_in_json_has_it_as_an_event(
    qasr: Qasr, clip: Path, tmp_path: Path, home: dict[str, str]
) -> None:
    (tmp_path / "qasr.toml").write_text('output = "out"\n')
    flags = ("--engine", ECHO, "--log-file", "a.log", "--log-format", "json")
    assert qasr("transcribe", clip, *flags, env=home).returncode == 0
    events = [json.loads(line) for line in (tmp_path / "a.log").read_text().splitlines()]
    (event,) = (event for event in events if event["level"] == "warning")
    assert event["text"].startswith("qasr.toml: output is ignored, as this folder is not trusted")


def test_trust_lets_it_count_until_it_changes(
    qasr: Qasr, clip: Path, tmp_path: Path, home: dict[str, str]
) -> None:
    file = tmp_path / "qasr.toml"
    file.write_text('output = "out"\n')
    trusted = qasr("config", "trust", env=home)
    assert trusted.stdout == f'{file}: trusted until it changes\n  output = "out"\n'
    result = qasr("transcribe", clip, "--engine", ECHO, env=home)
    assert "warning" not in result.stderr
    assert (tmp_path / "out/clip.srt").exists()
    assert qasr("config", "trust", "--list", env=home).stdout == f"trusted  {file}\n"
    file.write_text('output = "out2"\n')
    assert qasr("config", "trust", "--list", env=home).stdout == f"changed  {file}\n"
    changed = qasr("transcribe", clip, "--dry-run", env=home)
    assert "output is ignored, as it has changed since the folder was trusted" in changed.stderr
    assert qasr("config", "untrust", file, env=home).stdout == f"{file}: no longer trusted\n"
    assert qasr("config", "untrust", ".", env=home).stdout == f"{file}: was not trusted\n"
    assert qasr("config", "trust", "--list", env=home).stdout == ""


def test_trust_in_a_link_is_trust_in_its_place(qasr: Qasr, tmp_path: Path, home: dict[str, str]) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/qasr.toml").write_text('log-file = "log"\n')
    (tmp_path / "qasr.toml").symlink_to("mine/qasr.toml")
    trusted = qasr("config", "trust", env=home)
    assert trusted.stdout.startswith(f"{tmp_path}/qasr.toml: trusted"), trusted.stderr
    assert "ignored" not in qasr("config", "show", env=home).stderr
    assert qasr("config", "untrust", env=home).stdout == f"{tmp_path}/qasr.toml: no longer trusted\n"


def test_what_cannot_be_trusted(qasr: Qasr, tmp_path: Path, home: dict[str, str]) -> None:
    assert qasr("config", "trust", env=home).returncode == 66
    (tmp_path / "qasr.toml").write_text("outptu = 1\n")
    assert qasr("config", "trust", env=home).returncode == 78
    (tmp_path / "qasr.toml").write_text('output = "a"\n')
    nowhere = qasr("config", "trust")
    assert (nowhere.returncode, len(nowhere.stderr.splitlines())) == (73, 1)
    assert "neither HOME nor XDG_STATE_HOME" in nowhere.stderr


def test_what_is_ignored_is_shown(qasr: Qasr, tmp_path: Path, home: dict[str, str]) -> None:
    (tmp_path / "qasr.toml").write_text('# mine\noutput = "out"\nprofile = "ted"\n')
    shown = qasr("config", "show", "--json", env=home)
    rows = {row["key"]: row for row in json.loads(shown.stdout)}
    assert rows["output"] == {"key": "output", "value": "", "from": "default", "ignored": "qasr.toml:2"}
    assert rows["profile"] == {"key": "profile", "value": "ted", "from": "qasr.toml:3"}
    by_variable = qasr("config", "show", env={**home, "QASR_OUTPUT": "mine"})
    assert "QASR_OUTPUT (qasr.toml:2 is ignored)" in by_variable.stdout
    for command in (("config", "show"), ("config", "path")):
        assert "output is ignored" in qasr(*command, env=home).stderr
    doctor = qasr("doctor", env={**home, "COLUMNS": "250"})
    (row,) = (line for line in doctor.stdout.splitlines() if line.startswith("settings"))
    assert row.split()[1] == "note"
    assert "qasr config trust" in row
    assert qasr("config", "init", "new.toml", env=home).returncode == 0
    template = (tmp_path / "new.toml").read_text()
    assert "qasr config trust" in template.splitlines()[2]
    assert template.count("(trust)\n") > 15


@pytest.mark.parametrize("text", ["a = " + "[" * 90_000, "unknown = 1", "\0"])
def test_help_needs_no_right_file_but_a_run_does(qasr: Qasr, tmp_path: Path, text: str) -> None:
    (tmp_path / "qasr.toml").write_text(text)
    for arguments in (["--help"], ["transcribe", "--help"], ["check", "-h"]):
        assert qasr(*arguments).returncode == 0
    for arguments in (["transcribe", "a.wav"], ["transcribe", "a.wav", "--tag", "-h"], ["config", "show"]):
        result = qasr(*arguments)
        assert (result.returncode, len(result.stderr.splitlines())) == (78, 1), result.stderr
        assert "qasr.toml" in result.stderr
