"""The tables of the documentation are those of the code: floors, doors, exit codes, formats, variables."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tools import make_man, make_reference

ROOT = Path(__file__).parents[2]
CONTRACTS: list[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"][
    "importlinter"
]["contracts"]
ARCHITECTURE = (ROOT / "docs/explanation/architecture.md").read_text("utf-8")


def section(mark: str) -> str:
    """Return what stands behind a mark of the architecture's page."""
    (text,) = re.findall(rf"<!-- {mark}: .*?-->(.*?)<!-- end -->", ARCHITECTURE, re.S)
    return str(text)


def rows(text: str) -> dict[str, str]:
    """Return the second cell of each row of a table by its first."""
    cells = re.findall(r"^\| (`.*?) \| (.*) \|$", text, re.M)
    return dict(cells)


def layers(container: str) -> list[list[str]]:
    """Return the layers of a contract, the upper ones first, without those that need not be there."""
    (contract,) = (
        one for one in CONTRACTS if one["type"] == "layers" and one["containers"] == [f"qasr_cli{container}"]
    )
    split = ([name.strip() for name in layer.split("|")] for layer in contract["layers"])
    return [sorted(name for name in layer if not name.startswith("(")) for layer in split]


def test_the_floors_are_those_that_import_linter_keeps() -> None:
    (floors,) = re.findall(r"```text\n(  1   cli.*?)```", ARCHITECTURE, re.S)
    names = {name for layer in layers("") for name in layer}
    # What stands on the right explains a floor, and may name packages of other floors.
    lefts = [re.split(r" {6,}", line[6:])[0] for line in floors.splitlines()]
    shown = [sorted(names & set(left.split())) for left in lefts]
    assert shown == layers("")


def test_the_parts_of_each_package_are_those_that_import_linter_keeps() -> None:
    parts = rows(section("floors"))
    contracts = [one for one in CONTRACTS if one["type"] == "layers" and len(one["containers"]) == 1]
    packages = {one["containers"][0].removeprefix("qasr_cli.") for one in contracts} - {"qasr_cli"}
    assert {name.strip("`") for name in parts} == {name for name in packages if "." not in name}
    for name, text in parts.items():
        plain = re.sub(r"\([^)]*\)", "", text).replace("one module per command", "")
        shown = [sorted(re.findall(r"`(\w+)`", layer)) for layer in plain.split("·")]
        kept = layers(f".{name.strip('`')}")
        if name == "`cli`":
            kept[1] = []  # the commands
        assert shown == kept, name


def test_the_doors_are_those_that_import_linter_keeps() -> None:
    kept = {
        library: {door.removeprefix("qasr_cli.") for door in contract["allowed_importers"]}
        for contract in CONTRACTS
        if contract["type"] == "protected"
        for library in contract["protected_modules"]
    }
    shown = {
        library: set(re.findall(r"`([\w.]+)`", doors))
        for libraries, doors in rows(section("doors")).items()
        for library in re.findall(r"`(\w+)`", libraries)
    }
    assert shown == kept
    assert len(shown) > 12


@pytest.mark.parametrize("path", make_reference.tables(), ids=str)
def test_tables_of_the_reference_are_made_of_the_code(path: Path) -> None:
    text = (ROOT / path).read_text("utf-8")
    assert text == make_reference.with_table(text, make_reference.tables()[path]), "run: make man"


def test_a_page_without_a_place_for_its_table_is_refused() -> None:
    with pytest.raises(ValueError, match="0 places"):
        make_reference.with_table("# A page\n", "| table |")


def test_the_variables_that_are_no_options_are_those_of_the_manual_page() -> None:
    page = (ROOT / "docs/reference/configuration.md").read_text("utf-8").split("## Variables")[1]
    assert {name.strip("`") for name in rows(page)} == set(make_man.VARIABLES)


def test_the_help_names_pages_that_exist() -> None:
    named = set(re.findall(r"docs/[\w./-]+\.md", make_reference.page()))
    assert named
    assert [name for name in named if not (ROOT / name).is_file()] == []
