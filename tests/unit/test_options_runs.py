"""What the flags that choose files say: moments, parts, and what is neither."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from qasr_cli.errors import UsageError
from qasr_cli.options import FindOptions
from qasr_cli.options.runs import newer_than_s, shard_parts

ROUNDED_S = 1e-3  # a moment is a number whose last places are lost in adding


def test_moments_are_understood(tmp_path: Path) -> None:
    assert newer_than_s("") is None
    assert newer_than_s("2026-03-31T00:00+00:00") == 1774915200
    for text, seconds in (("7d", 7 * 86_400), ("1.5h", 5_400)):
        before_s = time.time()
        moment_s = newer_than_s(text)
        assert moment_s is not None
        assert before_s - ROUNDED_S <= moment_s + seconds <= time.time() + ROUNDED_S
    mark = tmp_path / "mark"
    mark.touch()
    assert newer_than_s(str(mark)) == mark.stat().st_mtime


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "7x", "-3d", "a\0b", "x" * 300])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not a date, an age or a file"):
        newer_than_s(text)


@pytest.mark.parametrize(
    "text", ["2", "2/", "0/3", "4/3", "a/b", "-1/3", "1/0", "1/3/5", "٢/٨", "9" * 5000 + "/1"]
)
def test_what_is_no_part_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="K/N"):
        FindOptions(shard=shard_parts(text))


@pytest.mark.parametrize(
    "options", [{"settle_s": -1}, {"settle_s": float("nan")}, {"order": "random"}, {"limit": 0}]
)
def test_what_no_option_can_be_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        FindOptions(**options)  # type: ignore[arg-type]
