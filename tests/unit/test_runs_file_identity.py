"""The identity of a file that is asked for again: not read again, unless it has changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from qasr_cli.runs.files import file_identity
from qasr_cli.runs.files.file_identity import identify, identify_once


def test_a_file_is_read_once_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, asked = tmp_path / "a.wav", list[Path]()

    def counting(one: Path) -> file_identity.Identity | None:
        asked.append(one)
        return identify(one)

    monkeypatch.setattr(file_identity, "identify", counting)
    path.write_bytes(b"one")
    first = identify_once(path)
    assert identify_once(path) == first == identify(path)
    assert asked == [path]
    path.write_bytes(b"two")
    os.utime(path, ns=(1, 1))
    assert identify_once(path) == identify(path) != first
    assert asked == [path, path]


def test_what_is_no_file_has_none(tmp_path: Path) -> None:
    assert identify_once(tmp_path) is None
    assert identify_once(tmp_path / "missing") is None
