"""Which detection of encodings reads subtitles: qasr's, and libraries that are installed beside it.

`python -m tests.bench.encodings` prints the share of files that come out as the text that was saved. A file
is three cues (short), or all sentences of a language (long), in one of its encodings
(`tests/legacy_texts.py`). chardetng (`chardetng-py`), uchardet (`faust-cchardet`) and charset-normalizer are
measured if they are installed.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable

from qasr_cli.errors import QasrError
from qasr_cli.formats.readers import encodings
from tests import legacy_texts

Detect = Callable[[bytes], str | None]


def _of_library(name: str) -> Detect | None:
    try:
        module = importlib.import_module(name)
    except ImportError:
        return None
    if name == "charset_normalizer":

        def best(raw: bytes) -> str | None:
            found = module.from_bytes(raw).best()
            return str(found.encoding) if found else None

        return best
    if name == "chardetng_py":
        return lambda raw: str(module.detect(raw))
    return lambda raw: module.detect(raw)["encoding"]


def _text_by(detect: Detect, raw: bytes) -> str | None:
    try:
        name = detect(raw)
        return raw.decode(name) if name else None
    except (LookupError, UnicodeDecodeError):
        return None


def read_by_qasr(raw: bytes, language: str = "") -> str | None:
    """Return the text that qasr reads; None if it refuses the file."""
    try:
        return encodings.decode(raw, known=(language,) if language else ()).text
    except QasrError:
        return None


def main() -> None:
    """Print the table."""
    files = list(legacy_texts.files())
    readers: dict[str, Callable[[legacy_texts.LegacyFile], str | None]] = {
        "qasr": lambda file: read_by_qasr(file.raw),
        "qasr, language in the name": lambda file: read_by_qasr(file.raw, file.language),
    }
    for name in ("chardet", "chardetng_py", "cchardet", "charset_normalizer"):
        detect = _of_library(name)
        if detect is not None:
            readers[name] = lambda file, detect=detect: _text_by(detect, file.raw)  # type: ignore[misc]
    sys.stdout.write("| detection | short | long |\n|---|---|---|\n")
    for name, read in readers.items():
        shares = []
        for is_long in (False, True):
            some = [file for file in files if file.is_long is is_long]
            right = sum(read(file) == file.text for file in some)
            shares.append(f"{right / len(some):.1%} of {len(some)}")
        sys.stdout.write(f"| {name} | {' | '.join(shares)} |\n")


if __name__ == "__main__":
    main()
