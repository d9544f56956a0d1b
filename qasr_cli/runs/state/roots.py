"""Which folder is a source's output root, where the state of its runs lies in `.qasr`.

With `-o DIR` it is DIR; else the folder that was searched, or, of a file that was named, its own. Where a
folder above has a state already, that one is meant: a run over a part of an archive must know, and be known
by, the run over all of it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from qasr_cli.records import Source

FOLDER_NAME = ".qasr"


class OutputRoots:
    """The output roots of a run.

    Args:
        sources: All of the run.
        output_folder: Of `-o`; None beside the media.
    """

    def __init__(self, sources: Sequence[Source], output_folder: Path | None) -> None:
        self._output_folder = None if output_folder is None else output_folder.resolve()
        self._resolved: dict[str, Path] = {}
        own = set() if self._output_folder else {self._own(source) for source in sources}
        self._outer = {root: _outermost(root, own) for root in own}

    def of(self, source: Source) -> Path:
        """Return a source's output root, absolute."""
        own = self._own(source)
        return self._output_folder or self._outer.get(own, own)

    def _own(self, source: Source) -> Path:
        """Return the folder that the source's relative path starts in."""
        path, relative = os.fspath(source.path), os.fspath(source.relative)
        text = path[: -len(relative)] if path.endswith(relative) else os.path.dirname(path)  # noqa: PTH120 - fast
        if text not in self._resolved:
            self._resolved[text] = Path(text or ".").resolve()
        return self._resolved[text]


def _outermost(root: Path, others: set[Path]) -> Path:
    """Return the highest folder from here up that is a root of this run or has a state that we may write."""
    above = [folder for folder in root.parents if folder in others or _has_state(folder)]
    return above[-1] if above else root


def _has_state(folder: Path) -> bool:
    state = folder / FOLDER_NAME
    return os.path.isdir(state) and os.access(state, os.W_OK)  # noqa: PTH112 - never raises
