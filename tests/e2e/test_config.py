"""`qasr config`: what is in force and who set it, and a settings file to start from."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import ECHO, Qasr


def shown(qasr: Qasr, *before: str, **env: str) -> dict[str, dict[str, Any]]:
    result = qasr(*before, "config", "show", "--json", env=env)
    assert result.returncode == 0, result.stderr
    return {one["key"]: one for one in json.loads(result.stdout)}


def test_each_value_says_who_set_it(qasr: Qasr, tmp_path: Path) -> None:
    (tmp_path / "qasr.toml").write_text(
        '# mine\nmodel = "demo"\n"max_lines" = 1\nmin-gap = 0\ndevice = "cpu"\nexclude = "b* sub"\n'
    )
    found = shown(qasr, QASR_DEVICE="cuda:1", QASR_STRICT="yes")
    assert found["model"] == {"key": "model", "value": "demo", "from": "qasr.toml:2"}
    assert found["max-lines"] == {"key": "max-lines", "value": 1, "from": "qasr.toml:3"}
    assert found["min-gap"]["value"] == 0
    assert found["exclude"] == {"key": "exclude", "value": ["b*", "sub"], "from": "qasr.toml:6"}
    assert found["device"] == {"key": "device", "value": "cuda:1", "from": "QASR_DEVICE"}
    assert found["strict"] == {"key": "strict", "value": True, "from": "QASR_STRICT"}
    assert found["batch-size"] == {"key": "batch-size", "value": None, "from": "default"}
    assert "inputs" not in found


def test_another_file_is_the_one_that_is_shown(qasr: Qasr, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text('profile = "bbc"\n')
    (tmp_path / "qasr.toml").write_text('profile = "ted"\n')
    assert shown(qasr, "--config", "other.toml")["profile"]["from"] == "other.toml:1"
    assert shown(qasr, QASR_CONFIG="other.toml")["profile"]["value"] == "bbc"
    assert qasr("--config", "other.toml", "config", "path").stdout == f"{tmp_path / 'other.toml'}\n"


def test_the_table_is_for_people_and_names_variables_that_nothing_reads(qasr: Qasr) -> None:
    result = qasr("config", env={"QASR_MODLE": "demo", "COLUMNS": "100"})
    assert result.returncode == 0
    assert re.search(r'^model +"0.6b" +default', result.stdout, re.M)
    assert "QASR_MODLE is not a setting and has no effect; did you mean QASR_MODEL?" in result.stderr


def test_the_path_is_the_file_that_is_read(qasr: Qasr, tmp_path: Path) -> None:
    nothing = qasr("config", "path", env={"HOME": str(tmp_path / "home")})
    assert (nothing.returncode, nothing.stdout) == (0, "")
    assert "home/.config/qasr/qasr.toml" in nothing.stderr
    at_home = tmp_path / "home/.config/qasr/qasr.toml"
    at_home.parent.mkdir(parents=True)
    at_home.write_text("no toml at all")  # its place is told even so
    assert qasr("config", "path", env={"HOME": str(tmp_path / "home")}).stdout == f"{at_home}\n"
    (tmp_path / "qasr.toml").touch()
    assert qasr("config", "path").stdout == f"{tmp_path / 'qasr.toml'}\n"


def test_a_new_file_changes_nothing_until_a_line_is_uncommented(qasr: Qasr, tmp_path: Path) -> None:
    before = shown(qasr)
    assert qasr("config", "init").stdout == "qasr.toml\n"
    text = (tmp_path / "qasr.toml").read_text("utf-8")
    assert tomllib.loads(text) == {}
    assert shown(qasr) == before
    keys = {line.split(" = ")[0].removeprefix("#") for line in text.splitlines() if re.match(r"#[a-z]", line)}
    assert keys == set(before)
    uncommented = re.sub(r"^#(?=[a-z-]+ = (?!.*\(not set\)$))", "", text, flags=re.M)
    (tmp_path / "qasr.toml").write_text(uncommented, "utf-8")
    after = shown(qasr)
    assert len(tomllib.loads(uncommented)) > 20
    assert {key: one["value"] for key, one in after.items()} == {k: one["value"] for k, one in before.items()}


def test_places_may_stand_in_it_too(qasr: Qasr, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('report = "run.json"\nstate = "st"\nstatus = "s.json"\n')
    after = shown(qasr, "--config", "mine.toml")
    assert {key: after[key]["value"] for key in ("report", "state", "status")} == {
        "report": "run.json",
        "state": "st",
        "status": "s.json",
    }


def test_a_file_that_exists_is_never_replaced(qasr: Qasr, tmp_path: Path) -> None:
    (tmp_path / "qasr.toml").write_text('model = "demo"\n')
    result = qasr("config", "init")
    assert result.returncode == 73
    assert len(result.stderr.splitlines()) == 1
    assert (tmp_path / "qasr.toml").read_text() == 'model = "demo"\n'
    assert qasr("config", "init", "gone/other.toml").returncode == 0  # as every output, with its folder
    assert qasr("config", "init", "-").returncode == 2


@pytest.mark.parametrize(
    ("text", "env", "code", "says"),
    [
        ('modle = "demo"', {}, 78, "did you mean model?"),
        ("batch-size = 1.5", {}, 78, "whole number"),
        ("model = ", {}, 78, "qasr.toml"),
        ("", {"QASR_BATCH_SIZE": "many"}, 2, "--batch-size"),
        ("", {"QASR_CONFIG": "gone.toml"}, 78, "no such file"),
    ],
)
def test_bad_settings_are_one_line(
    qasr: Qasr, tmp_path: Path, text: str, env: dict[str, str], code: int, says: str
) -> None:
    (tmp_path / "qasr.toml").write_text(text)
    for command in (("config", "show"), ("transcribe", "a.wav", "--engine", ECHO)):
        result = qasr(*command, env=env)
        assert result.returncode == code, result.stderr
        assert says in result.stderr
        assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("\nmax-lines = -1", "qasr.toml:2: --max-lines must be 1 to 4"),
        ('profile = "netflx"', "qasr.toml:1: no profile 'netflx'"),
        ('output-format = "srt,sub"', "qasr.toml:1: no format 'sub'"),
        ('languages = "en, xx"', "qasr.toml:1: no language 'xx'"),
        ("min_duration = 5\nmax_duration = 3", "qasr.toml:1: cues of at least 5 s"),
        ('device = "gpu"', "qasr.toml:1: --device 'gpu' is unknown"),
        ("json-lines = true", "qasr.toml:1: --json-lines goes to stdout, and -o out is a folder"),
    ],
)
def test_a_value_that_cannot_be_is_laid_at_the_files_door(
    qasr: Qasr, clip: Path, text: str, says: str
) -> None:
    (clip.parent / "qasr.toml").write_text(text)
    result = qasr("transcribe", clip, "--model", "demo", "-o", "out")
    assert result.returncode == 78, result.stderr
    assert result.stderr.startswith(f"qasr: error: {says}")
    assert len(result.stderr.splitlines()) == 1


def test_a_flag_or_a_variable_answers_for_itself(qasr: Qasr, clip: Path) -> None:
    (clip.parent / "qasr.toml").write_text('profile = "ted"\nmax-lines = 1\nlanguage = "en"\n')
    typed = qasr("transcribe", clip, "--max_lines", "-1")
    same_word = qasr("transcribe", clip, "--profile", "en")
    set_before = qasr("transcribe", clip, env={"QASR_PROFILE": "netflx"})
    for result in (typed, same_word, set_before):
        assert result.returncode == 2, result.stderr
        assert "qasr.toml" not in result.stderr


def test_what_a_file_switches_on_can_be_switched_off(qasr: Qasr, clip: Path) -> None:
    (clip.parent / "qasr.toml").write_text("highlight-words = true\n")
    highlighted = qasr("transcribe", clip, "-y", "-o", "-", "--engine", ECHO)
    assert "<u>" in highlighted.stdout, highlighted.stderr
    for flags in (["--highlight_words", "False"], ["--no-highlight-words"]):
        plain = qasr("transcribe", clip, "-o", "-", "--engine", ECHO, *flags)
        assert (plain.returncode, "<u>" in plain.stdout) == (0, False), plain.stderr


def test_the_old_name_of_a_flag_is_a_key_and_a_variable(qasr: Qasr, tmp_path: Path) -> None:
    (tmp_path / "qasr.toml").write_text('rescue-model = "1.7b"\n')
    assert shown(qasr)["fallback-model"] == {
        "key": "fallback-model", "value": "1.7b", "from": "qasr.toml:1"
    }  # fmt: skip
    by_variable = shown(qasr, QASR_RESCUE_MODEL="demo")["fallback-model"]
    assert (by_variable["value"], by_variable["from"]) == ("demo", "QASR_RESCUE_MODEL")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("max-lines = 9", "qasr.toml:1: --max-lines must be 1 to 4"),
        ('# mine\nprofile = "netflx"', "qasr.toml:2: no profile 'netflx'"),
        ("rescan = -1.0", "qasr.toml:1: --rescan must be above 0"),
        ('device = "gpu"', "qasr.toml:1: --device 'gpu' is unknown"),
        ('output-format = "docx"', "qasr.toml:1: no format 'docx'"),
        ('name = "{stm}"', "qasr.toml:1: --name"),
        ('progress = "dots"', "qasr.toml:1: --progress 'dots'"),
        ("port = 70000", "--port must be 0 to 65535"),
    ],
)
def test_the_doctor_judges_the_values(qasr: Qasr, tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "qasr.toml").write_text(text)
    result = qasr("doctor", env={"COLUMNS": "250"})
    assert result.returncode == 78, result.stderr
    (row,) = (line for line in result.stdout.splitlines() if line.startswith("settings"))
    assert row.split()[1] == "wrong"
    assert says in row


def test_formats_of_a_stronger_place_replace_those_of_a_weaker(qasr: Qasr, clip: Path) -> None:
    (clip.parent / "qasr.toml").write_text('output-format = "srt,json"\nvtt = true\n')

    def names(*flags: str, **env: str) -> list[str]:
        result = qasr("transcribe", clip, "--dry-run", *flags, env=env)
        assert result.returncode == 0, result.stderr
        return sorted(
            Path(name).suffix for name in re.findall(r"\S+\.(?:srt|vtt|json|txt|tsv)\b", result.stdout)
        )

    assert names() == [".json", ".srt", ".vtt"]
    assert names(QASR_TXT="1") == [".txt"]
    assert names("--tsv", QASR_TXT="1") == [".tsv"]


def test_a_line_a_source_is_a_format_of_its_own(qasr: Qasr, clip: Path) -> None:
    (clip.parent / "mine.toml").write_text('srt = true\noutput = "out"\n')
    mine = ("--config", "mine.toml")
    only_lines = qasr(*mine, "transcribe", clip, "--json-lines", "--engine", ECHO)
    assert only_lines.returncode == 0, only_lines.stderr
    assert json.loads(only_lines.stdout)["segments"]
    assert not (clip.parent / "out").exists()
    for flags in (["--srt"], ["-f", "vtt"], ["-o", "out"]):
        result = qasr(*mine, "transcribe", clip, "--json-lines", *flags, "--engine", ECHO)
        assert (result.returncode, result.stdout) == (2, ""), result.stderr
        assert "--json-lines" in result.stderr
    (clip.parent / "qasr.toml").write_text("json-lines = true\n")
    assert qasr("transcribe", clip, "--srt", "--engine", ECHO).returncode == 0
    assert clip.with_suffix(".srt").exists()
