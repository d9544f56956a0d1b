"""The user's folders for settings, state, data and caches (XDG base directories 0.8).

In go the names of variables; out come paths, which need not exist.
"""

from __future__ import annotations

import os
from pathlib import Path


def xdg(variable: str, *usual: str) -> Path | None:
    """Return a base folder of the user: that of an XDG variable, else the usual one below HOME.

    By the XDG specification, relative paths do not count. A relative HOME would lead into the working
    folder.

    Args:
        variable: Such as `XDG_CACHE_HOME`.
        usual: The parts of the path below HOME, such as `.cache`.
    """
    chosen, home = Path(os.environ.get(variable, "")), Path(os.environ.get("HOME", ""))
    if chosen.is_absolute():
        return chosen
    return home.joinpath(*usual) if home.is_absolute() else None
