"""The temporary folder of a run, when it gives way."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path
from typing import NoReturn

import pytest

from qasr_cli.errors import ExitCode, InputOutputError
from qasr_cli.operating_system import scratch


class TestScratch:
    def folder(self) -> Path:
        with scratch.folder() as folder:
            return folder

    @pytest.fixture
    def gone(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
        """Return a temporary folder that went away after it was found."""
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
        return tmp_path / "gone"

    @pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.ENOENT, errno.EROFS])
    def test_no_room_is_trouble_that_may_pass(self, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
        def refuse(**_: object) -> NoReturn:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(tempfile, "mkdtemp", refuse)
        with pytest.raises(InputOutputError, match=os.strerror(number)) as raised:
            self.folder()
        assert raised.value.exit_code == ExitCode.IO
        assert raised.value.hint == "free some space, or set TMPDIR"

    def test_no_usable_folder_is_the_same(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse() -> NoReturn:
            raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']")

        monkeypatch.setattr(tempfile, "gettempdir", refuse)
        with pytest.raises(InputOutputError, match="No usable temporary directory"):
            self.folder()

    def test_a_folder_that_is_back_is_used_again(self, gone: Path) -> None:
        with pytest.raises(InputOutputError):
            self.folder()
        gone.mkdir()
        assert self.folder().parent == gone
