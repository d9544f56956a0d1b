"""JSON of unknown origin: parsed with a limit on its depth.

In goes JSON text or UTF-8 bytes; out come Python values, or `ValueError` and its subclasses, and no other
error. Never limits the size: `operating_system.files` does while it reads.
"""

from __future__ import annotations

import json
import re
from typing import Any

# qasr's own files and those of models and other tools are nested up to 8 deep. Python's parser calls itself
# at each level, and ends in a RecursionError near 1,000, or sooner where it is called from deep inside.
MAX_DEPTH = 64
_BOM = "\ufeff"
# A string is skipped whole, closed or not: else each quote of an open one would begin a new search.
_STRING_OR_BRACKETS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{]++|[\]}]++', re.DOTALL)


class DepthError(ValueError):
    """JSON that is nested deeper than any file needs."""

    def __init__(self, max_depth: int) -> None:
        super().__init__(f"is nested more than {max_depth} deep")


def loads(content: str | bytes, *, max_depth: int = MAX_DEPTH) -> Any:
    """Parse JSON.

    `NaN` and numbers beyond the range of floats are read as Python reads them: the caller checks its fields.

    Args:
        content: Text, or UTF-8 bytes; a byte order mark is ignored.
        max_depth: How deep objects and lists may be nested.

    Raises:
        DepthError: More than that.
        ValueError: Not JSON, not UTF-8, or a whole number of thousands of digits.
    """
    text = content if isinstance(content, str) else content.decode("utf-8")
    text = text.removeprefix(_BOM)
    _refuse_depth(text, max_depth)
    try:
        return json.loads(text)
    except RecursionError as error:  # the caller itself is deep in calls
        raise DepthError(max_depth) from error


def _refuse_depth(text: str, max_depth: int) -> None:
    if text.count("[") + text.count("{") <= max_depth:  # nearly always: counting costs next to nothing
        return
    depth = 0
    for match in _STRING_OR_BRACKETS.finditer(text):
        first, n_chars = text[match.start()], match.end() - match.start()
        if first in "[{":
            depth += n_chars
            if depth > max_depth:
                raise DepthError(max_depth)
        elif first != '"':
            depth -= n_chars
