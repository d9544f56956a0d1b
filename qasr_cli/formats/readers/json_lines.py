"""The lines of a JSON text where the objects of a list begin, which `json` does not report.

In go a JSON text that has been parsed, and the key of a list in its outermost object; out come line numbers.
One pass over strings and brackets: a text of any shape takes time in proportion to its length.
"""

from __future__ import annotations

import json
import re

# A string with its escapes, never given back; a bracket; a line end.
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{}\n]', re.DOTALL)


def lines_of(text: str, key: str) -> tuple[int, ...]:
    """Return the line, from 1, of each element that is an object in the outermost object's list `key`."""
    lines: list[int] = []
    line, depth, last, is_inside = 1, 0, "", False
    for match in _TOKEN.finditer(text):
        piece = match[0]
        if piece[0] == '"':
            last = piece if depth == 1 else last
        elif piece == "\n":
            line += 1
        elif piece in "[{":
            if is_inside and depth == 2 and piece == "{":
                lines.append(line)
            depth += 1
            if depth == 2 and piece == "[":
                is_inside = _is_key(last, key)
        else:
            depth -= 1
            is_inside = is_inside and depth >= 2
    return tuple(lines)


def _is_key(piece: str, key: str) -> bool:
    return piece == f'"{key}"' or ("\\" in piece and json.loads(piece) == key)
