"""The Dockerfile, the compose files and the page about them name what exists, without a builder."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from qasr_cli import __version__
from qasr_cli.cli import typer_adapter
from qasr_cli.cli.app import app
from qasr_cli.cli.commands import COMMANDS
from qasr_cli.cli.params.grouped import flags_of_command
from qasr_cli.cli.settings_file import SettingsState
from tests.containers.lint import COMPOSE_FILES, with_defaults

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PAGE = (ROOT / "docs/how-to/docker.md").read_text("utf-8")
ENTRYPOINT = (ROOT / "docker/entrypoint.sh").read_text("utf-8")
# Read by the entrypoint, by the system, or by NVIDIA's toolkit; all others are qasr's own.
OF_THE_IMAGE = {"HOME", "PUID", "PGID", "UMASK", "TZ", "PYTHONDONTWRITEBYTECODE"}
OF_NVIDIA = {"NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES"}


def program(name: str) -> ModuleType:
    """Return a program of the image as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docker" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def compose(name: str) -> dict[str, Any]:
    """Return a compose file with its anchors and the defaults of its variables in place."""
    loaded = yaml.safe_load(with_defaults((ROOT / name).read_text("utf-8")))
    assert isinstance(loaded, dict)
    return loaded


def own_services() -> dict[str, dict[str, Any]]:
    """Return the services that run this image."""
    services = compose("compose.yaml")["services"]
    return {name: one for name, one in services.items() if one["image"].startswith("qasr:")}


def instructions(word: str) -> list[str]:
    """Return the arguments of each such instruction, with its continued lines."""
    joined = re.sub(r"\\\n\s*", "", DOCKERFILE)
    return re.findall(rf"^{word} (.*)$", joined, re.M)


def copied() -> Iterator[str]:
    """Yield what is copied from the repository."""
    for line in instructions("COPY"):
        if not line.startswith("--from"):
            yield from line.split()[:-1]


def ignored_but() -> list[str]:
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert "*" in lines
    return [line[1:] for line in lines if line.startswith("!")]


def test_what_is_copied_exists_and_is_in_the_context() -> None:
    names = set(copied())
    assert len(names) >= 9
    assert {name for name in names if not (ROOT / name).exists()} == set()
    assert names == set(ignored_but())


def test_what_the_wheel_is_made_of_is_copied() -> None:
    tables = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    needed = {PROJECT["readme"], *(name for names in tables["data-files"].values() for name in names)}
    needed |= {name for name in PROJECT["license-files"] if "/" not in name}
    assert needed <= set(copied())


def test_the_versions_are_those_of_the_project() -> None:
    (label,) = re.findall(r'image\.version="([^"]*)"', DOCKERFILE)
    assert label == __version__
    (licences,) = re.findall(r'image\.licenses="([^"]*)"', DOCKERFILE)
    assert licences == PROJECT["license"]
    (description,) = re.findall(r'image\.description="([^"]*)"', DOCKERFILE)
    assert description == PROJECT["description"]
    bases = re.findall(r"python:([\d.]+)-slim-(\w+)", DOCKERFILE)
    assert len(bases) == 2
    assert len(set(bases)) == 1
    minor = bases[0][0]
    assert f"Programming Language :: Python :: {minor}" in PROJECT["classifiers"]
    assert set(re.findall(r"/python([\d.]+)/", DOCKERFILE)) == {minor}


def test_the_folders_of_the_environment_are_made_and_kept() -> None:
    variables = dict(pair.split("=", 1) for line in instructions("ENV") for pair in shlex.split(line))
    own = set(variables) - OF_THE_IMAGE - OF_NVIDIA
    assert own == {"HF_HOME", "QASR_CACHE"}
    (made,) = re.findall(r"^RUN mkdir -p (.*?) &&", DOCKERFILE, re.M)
    roots = {f"/{variables[name].split('/')[1]}" for name in ("HOME", *own)}
    assert roots == {"/config", "/models"}
    assert roots <= set(made.split())
    assert roots == set(re.findall(r'"(/\w+)"', instructions("VOLUME")[0]))
    assert set(re.findall(r"take_over (/\w+)", ENTRYPOINT)) == roots
    assert int(variables["PUID"]) == int(variables["PGID"]) == 1000


def test_the_extras_and_what_is_left_out_exist() -> None:
    (extras,) = re.findall(r"^ARG EXTRAS=(.*)$", DOCKERFILE, re.M)
    (without,) = re.findall(r"--without ([\w -]+?) >", DOCKERFILE)
    found = program("requirements").requirements(ROOT / "pyproject.toml", extras.split(","), without.split())
    plain = {re.split(r"[<>=]", line)[0] for line in found}
    assert {"transformers", "starlette", "wyoming", "onnxruntime"} <= plain
    assert not {"torch", "imageio-ffmpeg"} & plain
    named = set(re.findall(r"EXTRAS=([\w,]+)", PAGE))
    assert named
    assert {extra for one in named for extra in one.split(",")} <= set(PROJECT["optional-dependencies"])


@pytest.mark.parametrize(("extras", "without"), [(["nothing"], []), ([], ["nothing"])])
def test_a_wrong_name_ends_the_build(extras: list[str], without: list[str]) -> None:
    with pytest.raises(SystemExit, match="nothing"):
        program("requirements").requirements(ROOT / "pyproject.toml", extras, without)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("/usr/local/bin/python /usr/local/bin/qasr serve --host 0.0.0.0", "http://127.0.0.1:8000/health"),
        ("qasr serve --port 9000", "http://127.0.0.1:9000/health"),
        ("qasr --config /config/other.toml serve --port=9000", "http://127.0.0.1:9000/health"),
        ("qasr serve --host 10.0.0.7", "http://10.0.0.7:8000/health"),
        ("qasr watch /media", None),
        ("/sbin/docker-init -- /usr/local/lib/qasr/entrypoint.sh serve", None),
        ("/bin/sh /usr/local/lib/qasr/entrypoint.sh serve", None),
    ],
)
def test_the_health_check_asks_the_server_that_runs(line: str, found: str | None) -> None:
    check = program("healthcheck")
    arguments = check.server_arguments(line.split())
    assert (check.address(arguments) if arguments is not None else None) == found


def test_the_health_check_knows_the_port_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QASR_PORT", "8080")
    assert program("healthcheck").address([]) == "http://127.0.0.1:8080/health"


def test_every_service_names_a_command_and_mounts_what_the_image_keeps() -> None:
    services = own_services()
    assert {"qasr", "watch", "qasr-for-bazarr"} == set(services)
    known = {row.name for row in COMMANDS}
    for name, service in services.items():
        assert service["command"][0] in known, name
        targets = {volume.rpartition(":")[2] for volume in service["volumes"]}
        assert {"/config", "/models", "/tmp"} <= targets, name
        assert service["read_only"] is True
        assert service["init"] is True


def test_no_service_without_a_key_has_a_port() -> None:
    for name, service in own_services().items():
        if "--no-key" in service["command"]:
            assert "ports" not in service, name
            assert service["networks"] == ["bazarr"], name
        elif service["command"][0] == "serve":
            assert "QASR_KEY_FILE" in service["environment"], name


def test_what_the_compose_file_refers_to_is_in_it() -> None:
    found = compose("compose.yaml")
    for service in found["services"].values():
        named = {volume.split(":")[0] for volume in service["volumes"] if not volume.startswith(("/", "."))}
        assert named <= set(found["volumes"])
        assert set(service.get("networks", ())) <= set(found["networks"])
        assert set(service.get("secrets", ())) <= set(found["secrets"])
        assert set(service.get("depends_on", ())) <= set(found["services"])
    assert set(compose("compose.cuda.yaml")["services"]) == set(own_services())


def test_the_variables_of_the_compose_file_are_in_its_comment_and_on_the_page() -> None:
    text = (ROOT / "compose.yaml").read_text("utf-8")
    (listed,) = re.findall(r"environment or a file \.env: (.*?)\. compose", text.replace("\n# ", " "))
    names = set(re.findall(r"\$\{(\w+):-", text))
    assert names == set(re.findall(r"[A-Z_]{2,}", listed))
    assert names <= set(re.findall(r"`([A-Z_]+)`", PAGE))


def test_the_build_arguments_of_the_page_and_the_compose_files_exist() -> None:
    known = set(re.findall(r"^ARG (\w+)", DOCKERFILE, re.M))
    named = set(re.findall(r"--build-arg (\w+)", PAGE + DOCKERFILE))
    named |= {name for service in own_services().values() for name in service["build"]["args"]}
    assert "TORCH" in named
    assert named <= known
    assert all(name in PAGE for name in COMPOSE_FILES)


def run_lines() -> list[list[str]]:
    """Return the words of each `docker run` of the page that are qasr's own: those behind the image."""
    lines = [shlex.split(line, comments=True) for line in re.findall(r"^docker run .*$", PAGE, re.M)]
    return [
        line[next(at for at, word in enumerate(line) if re.match(r"qasr:\w+$", word)) + 1 :] for line in lines
    ]


def service_lines() -> list[list[str]]:
    return [service["command"] for service in own_services().values()]


def test_the_page_shows_commands() -> None:
    assert len(run_lines()) >= 5
    assert [] in run_lines()  # the image's own command


@pytest.mark.parametrize(
    "words", [*run_lines(), *service_lines(), json.loads(instructions("CMD")[-1])], ids=" ".join
)
def test_the_commands_of_the_page_and_the_services_parse(words: list[str]) -> None:
    name, *rest = words or ["serve"]
    root = typer_adapter.root_command(app)
    parent = root.make_context("qasr", [name], obj=SettingsState())
    root.commands[name].make_context(name, rest, parent=parent)


def test_the_variables_of_services_and_page_are_options_or_the_images() -> None:
    of_services = {name for service in own_services().values() for name in service["environment"]}
    of_page = set(re.findall(r"-e (\w+)=", PAGE)) | set(re.findall(r"`(QASR_\w+)=", PAGE))
    of_compose = set(re.findall(r"\$\{(\w+):-", (ROOT / "compose.yaml").read_text("utf-8")))
    flags = [flag for row in COMMANDS for flag in flags_of_command(row.load()) if flag.is_setting]
    known = {f"QASR_{flag.key.upper()}" for flag in flags}
    assert (of_services | of_page) - OF_THE_IMAGE - of_compose - known == set()
