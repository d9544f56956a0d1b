"""Names that a file system refuses, or takes for one, are said before the work."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from qasr_cli.errors import CannotCreateError, InputOutputError
from qasr_cli.options import OutputOptions
from qasr_cli.records import Source
from qasr_cli.runs.files import atomic_write
from qasr_cli.runs.planning import name_limits, output_plan
from qasr_cli.runs.planning.output_names import OutputLayout
from qasr_cli.runs.planning.output_plan import Plan


def plans(place: Path, *names: str, **options: object) -> list[Plan]:
    sources = [Source(n, place / name, Path(name), is_found=True) for n, name in enumerate(names)]
    output = OutputOptions(formats=("srt",), **options)  # type: ignore[arg-type]
    planned = output_plan.plan(sources, OutputLayout.of(output, {"srt": ".srt"}))
    return name_limits.refuse_unnameable(planned)


@pytest.fixture
def vfat(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Make `os.open` refuse the names that FAT refuses; the list has what it refused."""
    real, refused = os.open, list[str]()

    def open_as_fat(path: Any, flags: int, mode: int = 0o777, **more: Any) -> int:
        if set(os.fspath(path)) & set('<>:"|?*\\'):
            refused.append(os.fspath(path))
            raise OSError(errno.EINVAL, "Invalid argument", path)
        return real(path, flags, mode, **more)

    monkeypatch.setattr(os, "open", open_as_fat)
    return refused


@pytest.mark.parametrize("char", '<>:"|?*')
def test_a_character_that_is_refused(tmp_path: Path, vfat: list[str], char: str) -> None:
    fine, bad, again = plans(tmp_path, "a.mp4", f"b{char} c.mp4", f"{char}d.mp4", folder=tmp_path / "out")
    assert (fine.error, bool(fine.targets)) == (None, True)
    for plan in (bad, again):
        assert isinstance(plan.error, CannotCreateError)
        assert "takes no file of the name" in str(plan.error)
        assert "--name" in plan.error.hint
    assert len(vfat) == 1  # it is tried once
    assert not list(tmp_path.iterdir())


def test_a_character_that_is_taken(tmp_path: Path) -> None:
    assert all(plan.is_work for plan in plans(tmp_path, "a: b?.mp4", 'c "d".mp4'))
    assert not list(tmp_path.iterdir())


def test_a_folder_that_takes_nothing_says_why_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "open", full)
    assert plans(tmp_path, "a: b.mp4")[0].error is None
    with pytest.raises(InputOutputError):
        atomic_write.write(tmp_path / "a: b.srt", "", is_overwrite=False)


def test_a_name_that_was_not_foreseen_has_its_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(CannotCreateError, match="Invalid argument") as raised:
        atomic_write.write(tmp_path / "a: b.srt", "", is_overwrite=False)
    assert "without <" in raised.value.hint
    assert not list(tmp_path.iterdir())


def test_capitals_where_they_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert all(plan.is_work for plan in plans(tmp_path, "Film.mkv", "film.mp4", "Ätna.mkv", "ätna.mp4"))
    real = os.path.lexists
    monkeypatch.setattr(
        os.path,
        "lexists",
        lambda path: (
            real(path)
            or Path(path).name.casefold() in {one.name.casefold() for one in Path(path).parent.glob("*")}
        ),
    )
    made = plans(tmp_path, "Film.mkv", "film.mp4", "other.mp4", overwrite=True)
    assert [plan.error is None for plan in made] == [True, False, True]
    assert "Film.mkv is transcribed to Film.srt, which is the same as film.srt" in str(made[1].error)
    assert not list(tmp_path.iterdir())
