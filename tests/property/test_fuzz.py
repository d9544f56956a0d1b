"""The short form of `make fuzz`, and everything that it once found."""

from __future__ import annotations

from pathlib import Path

import pytest

from qasr_cli.errors import QasrError
from tests.fuzz import campaign
from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS

OF_TEXT = [
    target for target in TARGETS if target.name not in {"media", "headers"}
]  # whose inputs cost a process each


def pieces(targets: list[Target]) -> list[object]:
    return [pytest.param(target, id=target.name) for target in targets]


@pytest.mark.parametrize("target", pieces(OF_TEXT))
def test_what_was_found_once_is_read_or_refused(target: Target, tmp_path: Path) -> None:
    for name, content in campaign.corpus(target):
        assert len(content) <= 20_000  # a larger one is made small by hand
        assert campaign.try_one(target, name, content, tmp_path) is None, name


@pytest.mark.parametrize("target", pieces(OF_TEXT))
def test_a_file_to_begin_with_is_right(target: Target, tmp_path: Path) -> None:
    """Or its edits would only find what refuses it."""
    contents = target.seeds(tmp_path)
    refused = [content for content in contents if is_refused(target, content, tmp_path)]
    assert len(refused) <= len(contents) // 4, refused


def is_refused(target: Target, content: bytes, folder: Path) -> bool:
    path = folder / target.file_names[0]
    path.write_bytes(content)
    try:
        target.read(path)
    except QasrError:
        return True
    return False


@pytest.mark.slow
@pytest.mark.parametrize("target", pieces(list(TARGETS)))
def test_any_file_is_read_or_refused(target: Target) -> None:
    n_inputs = 8 * target.share
    faults = campaign.fuzz(target, n_inputs, seed=1)
    assert faults.inputs == {}
    assert faults.n_inputs >= n_inputs


def test_a_fault_is_found_and_made_small() -> None:
    def read(path: Path) -> None:
        if b"there" in path.read_bytes():
            raise LookupError("a fault")

    (known,) = (target for target in TARGETS if target.name == "script")
    broken = Target("broken", ("a.txt",), known.seeds, read, 1)
    faults = campaign.fuzz(broken, 60, seed=1)
    ((place, (name, content)),) = faults.inputs.items()
    assert (place.partition(" ")[0], name) == ("LookupError", "a.txt")
    assert b"there" in content
    assert len(content) < max(map(len, known.seeds(Path())))
