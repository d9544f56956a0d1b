"""Paths as users write them: `~` is a home folder, and any Unicode spelling of a name is the file's.

In go texts from the command line, variables, qasr.toml and lists; out come paths as the disk spells them. A
shell expands `~` only where it begins a word: not in `--flag=~/x`, a file, a variable, or without a shell.
"""

from __future__ import annotations

import os
from pathlib import Path

from qasr_cli.runs.files.spellings import spelt


def setting(text: str) -> str:
    """Return the path that a setting stands for; `~` and `~user` always begin a home folder.

    A file of the current folder whose name begins so is written `./~`. A text that is no path is unchanged.
    """
    path = os.path.expanduser(text)  # noqa: PTH111 - Path would drop the ./ that protects a name
    return path if path.isascii() else os.fspath(spelt(Path(path)))


def operand(text: str) -> Path:
    """Return the path that an input stands for; a file that exists as it is written comes first."""
    if text.startswith("~") and not os.path.lexists(text):
        text = os.path.expanduser(text)  # noqa: PTH111 - as above
    return spelt(Path(text))
