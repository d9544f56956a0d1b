"""Runs `python -m qasr_cli` as on a system that is not POSIX: `python -m tests.without_posix ARGUMENTS`.

The modules and names that ruff bans outside the doors (pyproject.toml) are hidden from qasr's code.
Python's own library and numpy keep theirs: on Windows they have other ways, which cannot be gone here.
"""

from __future__ import annotations

import builtins
import errno
import os
import runpy
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).parents[1]


def banned() -> list[str]:
    """Return the names that only the doors may use."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    return sorted(settings["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-api"])


def _open(path: object, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
    """Open a file as Windows does: no folder, and nothing from the descriptor of one."""
    if dir_fd is not None:
        raise NotImplementedError("dir_fd unavailable on this platform")
    if os.path.isdir(path):  # type: ignore[arg-type]
        raise PermissionError(errno.EACCES, "Permission denied", path)
    return os.open(path, flags, mode)  # type: ignore[arg-type]


# Names that are there on Windows, too, and do less.
_LESS: dict[str, dict[str, Any]] = {"os": {"open": _open, "supports_dir_fd": frozenset()}}


class _Without(ModuleType):
    """A module without some of its names."""

    def __init__(self, module: ModuleType, hidden: Sequence[str]) -> None:
        super().__init__(module.__name__)
        self._module, self._hidden = module, hidden

    def __getattr__(self, name: str) -> Any:
        if name in self._hidden:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        less = _LESS.get(self.__name__, {})
        return less[name] if name in less else getattr(self._module, name)


def hide() -> None:
    """Hide modules and names from what is imported from now on and belongs to qasr."""
    real, names = builtins.__import__, banned()
    modules = {name for name in names if "." not in name}
    parts = [name.split(".") for name in names if "." in name]

    def without(
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        importer = str((globals or {}).get("__name__", ""))
        if not importer.startswith("qasr_cli"):
            return real(name, globals, locals, fromlist or (), level)
        if name in modules:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        module = real(name, globals, locals, fromlist or (), level)
        hidden = [attribute for owner, attribute in parts if owner == name]
        return _Without(module, hidden) if hidden else module

    builtins.__import__ = without


if __name__ == "__main__":
    hide()
    sys.argv[0] = "qasr"
    sys.path[0] = ""
    runpy.run_module("qasr_cli", run_name="__main__", alter_sys=True)
