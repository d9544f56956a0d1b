"""What the documentation says is so: its commands run, its options exist, its tables are the program's."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

import qasr_cli
from qasr_cli.engines.qwen3.languages import ALIGNED
from qasr_cli.errors import ExitCode
from qasr_cli.languages import LANGUAGES
from qasr_cli.options import CueOptions
from qasr_cli.subtitles.qc.findings import RULES
from qasr_cli.subtitles.rules import limits
from qasr_cli.subtitles.rules.profiles import PROFILES
from tests.e2e.conftest import ECHO, ROOT, SAMPLES, environment
from tests.e2e.page_servers import extras_in, key_file, serve
from tests.serving.server import Served, started

DOCS = ROOT / "docs"
EXTRAS = set(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"])
READMES = ("README.md", "README.ko.md")
PAGES = sorted(str(path.relative_to(ROOT)) for path in DOCS.rglob("*.md"))
PROJECT = ("CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")
_BLOCK = re.compile(r"```sh\n(.*?)```", re.S)
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.S)
_HEADING = re.compile(r"^#+ (.*)$", re.M)
_LINK = re.compile(r"\]\(([^)\s]+)\)")

# What the demo pair runs; everything else runs with made-up words.
WITH_DEMO = ("qasr transcribe film.mp4", "qasr align film.mp4 script.txt")
# What ends otherwise than with 0: nothing can be downloaded here, and the lines are wider than the BBC's.
CODES = {f"qasr models {what} 0.6b": ExitCode.UNAVAILABLE for what in ("pull", "check", "path")}
CODES["qasr check film.srt --profile bbc --csv > findings.csv"] = ExitCode.QUALITY
CODES["qasr transcribe talks/ -r --srt --engine vllm"] = ExitCode.UNAVAILABLE  # tests/vllm has it
# What must stand there before a command, and after it.
BEFORE = {"qasr runs show talks --failed": "qasr transcribe talks/ -r --srt -q"}
AFTER = {
    "qasr transcribe film.mp4": ["film.srt"],
    "qasr transcribe film.mp4 talks/ -r --srt --vtt --json -o out": [
        *("out/film.srt", "out/film.vtt", "out/film.json", "out/monday/clip-01.vtt"),
    ],
    "qasr transcribe talks/ -r --srt -q": ["talks/monday/clip-02.srt", "talks/.qasr/ledger.jsonl"],
    'qasr transcribe talks/ -r --name "{stem}.{lang}{tag}.{ext}" --tag ai': [
        "talks/monday/clip-01.en.ai.srt"
    ],
    "qasr align film.mp4 script.txt --srt -o timed --report differences.json": [
        *("timed/film.srt", "differences.json"),
    ],
    "qasr render out/film.json --vtt --backup": ["out/film.vtt", "out/film.vtt.bak"],
    "qasr check film.srt --fix -o repaired": ["repaired/film.fixed.srt"],
    "qasr config init": ["qasr.toml"],
    "qasr eval talks/ --model demo": ["qasr-eval/report.html", "qasr-eval/results.jsonl"],
    "qasr live film.mp4 --write live.srt": ["live.srt"],
    "qasr live film.mp4 --save live.flac": ["live.flac"],
}


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def commands(name: str) -> list[str]:
    """Return the commands that a page shows in its `sh` blocks, without their comments."""
    lines = [
        line.split("  #")[0].strip() for block in _BLOCK.findall(read(name)) for line in block.splitlines()
    ]
    return [line for line in lines if line and not line.startswith("vllm ")]  # tests/vllm runs that


def all_commands() -> dict[str, str]:
    """Return every command once, with the first page that shows it."""
    first: dict[str, str] = {}
    for name in ("README.md", *PAGES):
        for command in commands(name):
            first.setdefault(command, Path(name).stem)
    return first


SHOWN = all_commands()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder as the pages imagine the reader's: a film, talks, and programs on the path."""
    folder = tmp_path_factory.mktemp("template")
    (folder / "talks" / "monday").mkdir(parents=True)
    for clip in ("clip-01.wav", "clip-02.mp3", "clip-04.ogg"):
        copied = Path(shutil.copy(SAMPLES / "clips" / clip, folder / "talks" / "monday" / clip))
        os.utime(copied, (time.time() - 3600,) * 2)  # a run waits for newer ones, whether they still change
    (folder / "talks/monday/clip-01.ctm").write_text("clip-01 1 0.0 0.4 one\n", "utf-8")
    (folder / "bin").mkdir()
    notify = folder / "bin" / "notify-send"
    notify.write_text('#!/bin/sh\ntest -f "$2"\n')
    notify.chmod(0o755)
    return folder


@pytest.fixture
def desk(template: Path, tmp_path: Path) -> Path:
    """Return a copy of that folder for one command."""
    return Path(shutil.copytree(template, tmp_path / "desk"))


def furnish(desk: Path, command: str) -> None:
    """Put there what a command starts from; what it makes must not be there yet."""
    shutil.copy(SAMPLES / "two-tracks.mkv", desk / "film.mp4")  # a picture, and 18 seconds of speech
    if command.startswith("qasr align"):
        truth = json.loads((SAMPLES / "two-tracks.truth.json").read_text("utf-8"))
        (desk / "script.txt").write_text(truth["tracks"][0]["text"].replace(". ", ".\n"), "utf-8")
    if " films/ " in command:
        shutil.copytree(desk / "talks", desk / "films")
    if command.startswith("qasr render"):
        (desk / "out").mkdir()
        for ending in ("json", "vtt"):
            shutil.copy(ROOT / f"tests/golden/english-talk.{ending}", desk / f"out/film.{ending}")
        (desk / "film.ko.smi").write_bytes(
            "<SAMI><BODY><SYNC Start=0><P Class=KRCC>안녕</SAMI>\n".encode("cp949")
        )
    if "config trust" in command or command.startswith("cat "):
        for folder in (desk, desk / "talks"):
            (folder / "qasr.toml").write_text('output = "out"\n', "utf-8")
    if command.startswith("qasr check"):
        for name in ("film.srt", "reference.srt"):
            shutil.copy(ROOT / "tests/golden/english-talk.srt", desk / name)


def surroundings(shell: dict[str, str], desk: Path, command: str) -> dict[str, str]:
    """Return the environment of a command: no downloaded models, and the demo pair or made-up words."""
    env = {
        **shell,
        "QASR_MODEL": "demo",
        "XDG_STATE_HOME": str(desk / "state"),
        "PATH": f"{desk / 'bin'}:{shell['PATH']}",
    }
    if command.startswith(WITH_DEMO[1]) or command in WITH_DEMO:
        return env
    return {**env, "HF_HOME": str(desk / "models"), "QASR_ENGINE": ECHO}


def run(command: str, folder: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=folder, env=env, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("command", [pytest.param(one, id=f"{page}: {one}") for one, page in SHOWN.items()])
def test_a_command_runs(
    command: str, desk: Path, shell_environment: dict[str, str], request: pytest.FixtureRequest
) -> None:
    furnish(desk, command)
    env = surroundings(shell_environment, desk, command)
    if command.startswith("qasr watch"):
        watch(command, desk, env)
        return
    if " qasr serve" in f" {command}":
        serve(command, desk, env)
        return
    if command.startswith("pip install"):
        assert set() < extras_in(command) <= EXTRAS
        return
    if " --server " in command:  # of this machine, instead of those on the page
        command = re.sub(r"https?://[\w.:,/]+", request.getfixturevalue("recognizing").url, command)
        command = re.sub(r"@/[\w/]+", f"@{key_file(desk)}", command)
    if command.startswith("make "):  # running one of them here would run this test again
        done = run(command.replace("make ", "make --dry-run ", 1), ROOT, env)
    else:
        if command in BEFORE:
            assert run(BEFORE[command], desk, env).returncode == 0
        done = run(command, desk, env)
    assert done.returncode == CODES.get(command, 0), done.stderr
    assert [name for name in AFTER.get(command, []) if not (desk / name).exists()] == []
    if command.endswith("| wc -l"):
        assert int(done.stdout) == 3
    if command.endswith("| wc -w"):
        assert int(done.stdout) > 10


@pytest.fixture(scope="module")
def recognizing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that recognises for others."""
    with started(tmp_path_factory.mktemp("server"), "--engine", ECHO) as served:
        yield served


def watch(command: str, desk: Path, env: dict[str, str]) -> None:
    """Start a service, and end it when it has done what there was."""
    status = desk / "status.json"
    line = ["bash", "-c", f"exec {command} --settle 0.1"]
    with subprocess.Popen(line, cwd=desk, env=env, stderr=subprocess.PIPE, text=True) as service:
        try:
            until_s = time.monotonic() + 60
            while not is_waiting(status):
                assert service.poll() is None
                assert time.monotonic() < until_s
                time.sleep(0.05)
        finally:
            service.send_signal(signal.SIGTERM)
        service.communicate(timeout=60)
    assert service.returncode == ExitCode.TERMINATED
    assert json.loads(status.read_text("utf-8"))["state"] == "stopped"


def is_waiting(status: Path) -> bool:
    if not status.exists():
        return False
    found = json.loads(status.read_text("utf-8"))
    return bool(found["state"] == "waiting" and found["totals"]["done"] == 3)


def test_the_pages_show_as_many_commands_as_ever() -> None:
    assert (len(commands("README.md")) >= 12, len(SHOWN) >= 40) == (True, True)


def test_only_two_commands_wait_for_the_demo_pair() -> None:
    with_demo = [one for one in SHOWN if "QASR_ENGINE" not in surroundings({"PATH": ""}, Path(), one)]
    assert len(with_demo) == 2


def test_what_stands_here_about_commands_is_of_commands_that_are_shown() -> None:
    assert {*CODES, *BEFORE, *AFTER, WITH_DEMO[0]} - set(SHOWN) == set()


def test_python_on_the_page_of_scripts_runs(desk: Path, shell_environment: dict[str, str]) -> None:
    (block,) = python_blocks("docs/how-to/scripts.md")
    done = subprocess.run(
        [sys.executable, "-c", block],
        cwd=desk, env=surroundings(shell_environment, desk, ""),
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 3


def python_blocks(name: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", read(name), re.S)


def test_no_python_stands_where_no_test_runs_it() -> None:
    run_by_test_api = "docs/how-to/python.md"
    run_with_a_server = "docs/how-to/openai-python.md"  # tests/serving/test_openai_pages.py
    pages = {name for name in [*READMES, *PAGES, *PROJECT] if python_blocks(name)}
    assert pages == {"docs/how-to/scripts.md", run_by_test_api, run_with_a_server}


def test_every_public_name_of_python_is_on_its_page() -> None:
    named = re.findall(r"^(?:::: qasr_cli\.| {8}- )(\w+)$", read("docs/reference/python.md"), re.M)
    assert sorted([*named, "__version__"]) == sorted([*qasr_cli.__all__, "errors"])


def test_both_languages_show_the_same_commands_and_pages() -> None:
    assert commands("README.ko.md") == commands("README.md")
    english, korean = (set(_LINK.findall(read(name))) - set(READMES) for name in READMES)
    assert english == korean


@pytest.mark.parametrize("name", READMES)
def test_a_readme_is_short_and_begins_with_what_is_not_known(name: str) -> None:
    lines = read(name).splitlines()
    assert len(lines) <= 200
    first_screen = "\n".join(lines[:24])
    assert re.search(
        "has not been measured with the released Qwen3 weights|아직 측정하지 못했습니다", first_screen
    )


@pytest.fixture(scope="module")
def helps() -> str:
    names = ["transcribe", "watch", "align", "render", "check", "bench", "serve", "live", "eval"]
    shown_by = ("", *names, "runs show", "models pull", "config show", "config trust")
    return "".join(
        subprocess.run(
            [sys.executable, "-m", "qasr_cli", *command.split(), "--help"],
            env=environment(COLUMNS="200"), capture_output=True, text=True, check=True,
        ).stdout
        for command in shown_by
    )  # fmt: skip


WHISPER = {"--output_dir", "--output_format", "--initial_prompt", "--max_line_width", "--max_line_count"}
WHISPER |= {"--highlight_words", "--batch_size", "--fp16"}
# Of the programs that run containers.
CONTAINERS = {
    "--init",
    "--stop-timeout",
    "--user",
    "--group-add",
    "--read-only",
    "--cpus",
    "--shm-size",
    "--ipc",
}
# Of vLLM's server, whose command is on two pages
VLLM = {"--host", "--port", "--max-model-len", "--limit-mm-per-prompt", "--no-enable-prefix-caching"}
VLLM |= {"--mm-processor-cache-gb", "--data-parallel-size", "--tensor-parallel-size", "--api-key"}
VLLM |= {"--max-num-queued-reqs", "--shutdown-timeout"}


def options_on(name: str) -> set[str]:
    docker = r"docker (?:run.*? qasr:\w+|(?:build|compose|exec) .*$)"  # what is behind the image is qasr's
    others = rf"`(?:python -m|make)\s[^`]+`|^(?:python -m|pip) .*$|{docker}"  # have options of their own
    others += r"|docker run.*?\\\n|`ray [^`]+`|^ray .*$|^#SBATCH .*$"
    text = re.sub(others, "", read(name), flags=re.M).replace("\\_", "_")
    is_about_vllm = "vllm" in name or "remote-servers" in name
    theirs = WHISPER | CONTAINERS | (VLLM if is_about_vllm else {"--tensor-parallel-size"})
    return set(re.findall(r"--[a-z][a-z0-9_-]+", text)) - theirs


@pytest.mark.parametrize("name", [*READMES, *PAGES, "SECURITY.md"])
def test_every_option_exists(name: str, helps: str) -> None:
    assert [one for one in sorted(options_on(name)) if not re.search(rf"{one}\b(?!-)", helps)] == []


def test_the_pages_name_most_options() -> None:
    assert len(set().union(*map(options_on, [*READMES, *PAGES]))) > 60


@pytest.mark.parametrize("name", [*READMES, *PAGES])
def test_every_make_target_exists(name: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.M))
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", read(name), re.M))
    assert named - targets == set()


def test_the_exit_codes_are_all_there() -> None:
    rows = re.findall(r"^\| (\d+)(?:, (\d+))? \|", read("docs/reference/exit-codes.md"), re.M)
    assert {int(code) for row in rows for code in row if code} == {*map(int, ExitCode), 141}


def test_the_languages_are_all_there() -> None:
    text = read("docs/reference/languages.md")
    for language in LANGUAGES:
        mark = r"\*" if language.code in ALIGNED else ""
        assert f"{language.name}{mark}," in text or f"{language.name}{mark}." in text, language.name


def test_the_rules_are_all_there() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (error|warning) \|", read("docs/reference/checking.md"), re.M)
    assert len(rows) == len(RULES)
    assert dict(rows) == {name: rule.severity.value for name, rule in RULES.items()}


def test_the_profiles_are_all_there_with_their_numbers() -> None:
    page = read("docs/reference/checking.md")
    for name in PROFILES:
        kept = limits.resolve(CueOptions(profile=name), "en")
        numbers = (kept.max_line_cells, kept.max_lines, kept.hard_cps, kept.soft_cps)
        times = (kept.min_duration_ms, kept.max_duration_ms, kept.min_gap_ms)
        row = " | ".join([*(f"{one:g}" for one in numbers), *(f"{one:,}" for one in times)])
        assert re.search(rf"^\| `{name}`.*\| {re.escape(row)} \|", page, re.M), (name, row)


# ── links ───────────────────────────────────────────────────────────────────────────────────────────────


def anchors(path: Path) -> set[str]:
    """Return the names of a page's headings, as GitHub and mkdocs make them."""
    headings = _HEADING.findall(re.sub(r"```.*?```", "", path.read_text("utf-8"), flags=re.S))
    plain = (re.sub(r"[^\w\s-]", "", heading.lower()).strip() for heading in headings)
    return {re.sub(r"\s+", "-", heading) for heading in plain}


@pytest.mark.parametrize("name", [*READMES, *PAGES, *PROJECT])
def test_every_link_leads_somewhere(name: str) -> None:
    page = ROOT / name
    for target in _LINK.findall(_CODE.sub("", page.read_text("utf-8"))):
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        path = page if not file else page.parent / file
        assert path.exists(), target
        assert not anchor or anchor in anchors(path), target


def test_there_are_links_to_check() -> None:
    n_links = sum(len(_LINK.findall(read(name))) for name in [*READMES, *PAGES])
    assert n_links > 100


# ── the services' page ──────────────────────────────────────────────────────────────────────────────────


def test_the_examples_of_json_keep_their_schemas() -> None:
    blocks = re.findall(r"```json\n(.*?)```", read("docs/how-to/services.md"), re.S)
    for block, name in zip(blocks, ("status", "webhook", "webhook"), strict=True):
        schema = json.loads(read(f"docs/reference/schemas/{name}.schema.json"))
        assert [error.message for error in Draft202012Validator(schema).iter_errors(json.loads(block))] == []
