"""Names as they are compared: one key for all Unicode spellings of a name.

In go names and paths; out come keys, for comparing only. macOS and some network file systems return a name
decomposed (NFD) that was written composed (NFC): `é` as one code point or as two is one name.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path


def name_key(name: str) -> str:
    """Return the name in Unicode's composed form (NFC)."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def name_spellings(name: str) -> set[str]:
    """Return the spellings in which a disk may have a name: as it is written, composed and decomposed."""
    return {name, name_key(name), name if name.isascii() else unicodedata.normalize("NFD", name)}


def path_key(path: Path) -> Path:
    """Return the path with every part in Unicode's composed form; it may not exist under this spelling."""
    text = str(path)
    return path if text.isascii() else Path(name_key(text))
