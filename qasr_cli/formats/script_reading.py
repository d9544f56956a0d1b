r"""A script as people keep them: plain text, or subtitles whose times are to be found anew.

In goes a file's text; out come its blocks, each with its lines: a line of a plain text, a caption of an SRT,
WebVTT or ASS file. Styling (`<i>`, `{\an8}`) is left out; nothing else of the text is. Never looks at the old
times.
"""

from __future__ import annotations

from dataclasses import dataclass

from qasr_cli.errors import UndecodableError
from qasr_cli.formats import captions


@dataclass(frozen=True, slots=True)
class ScriptFile:
    """A script's blocks, each with its lines; `is_cued`: they are cues, whose breaks somebody chose."""

    blocks: tuple[tuple[str, ...], ...]
    is_cued: bool


def parse_script(text: str) -> ScriptFile:
    """Return the blocks of a script; empty ones are left out.

    Raises:
        UndecodableError: There are none, or it is a subtitle file of which a part would be lost.
    """
    kind = captions.kind_of(text.splitlines())
    blocks = [(line.strip(),) for line in text.splitlines()] if kind is None else _cues(text)
    kept = tuple(block for block in blocks if any(block))
    if not kept:
        raise UndecodableError("the script holds no words", "give a text or subtitle file with what is said")
    return ScriptFile(kept, kind is not None)


def _cues(text: str) -> list[tuple[str, ...]]:
    try:
        found = captions.parse(text)
    except UndecodableError:
        return []
    fault = next((fault for fault in found.faults if not fault.is_mendable), None)
    if fault is not None:
        raise UndecodableError(
            f"broken {found.kind.upper()} in line {fault.line}: {fault.text}", "mend it in a subtitle editor"
        )
    return [tuple(" ".join(line.split()) for line in caption.lines) for caption in found.captions]
