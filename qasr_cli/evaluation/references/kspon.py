"""KsponSpeech: Korean, with two spellings of numerals and foreign words.

    KsponSpeech_scripts/eval_clean.trn      `PATH :: TEXT`, sound in headerless 16-bit PCM at 16 kHz

A text has `(written)/(spoken)` where both differ, and tags: `b/` breath, `l/` laughter, `o/` others' voices,
`n/` noise, `u/` unintelligible; `word/` a filler, `word+` a repetition, `word*` unclear.
The fillers' words stay: they are spoken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from qasr_cli.evaluation.references.layout import (
    Layout,
    Part,
    damaged,
    first_line,
    is_file,
    listed,
    text_lines,
)
from qasr_cli.evaluation.utterances import AudioPart, Encoding, Utterance
from qasr_cli.options import ReferenceOptions

_SEPARATOR = " :: "
_DUAL = re.compile(r"\(([^()]*)\)\s*/\s*\(([^()]*)\)")
_TAG = re.compile(r"(?<!\w)[blonuBLONU]/")
_MARK = re.compile(r"[/+*]")
_BLANKS = re.compile(r"\s+")


def spelled(text: str, spelling: str) -> str:
    """Return a text in one spelling, without tags.

    Args:
        text: As in a `.trn` file.
        spelling: `written` (3개) or `spoken` (세 개).
    """
    side = 1 if spelling == "written" else 2
    text = _DUAL.sub(lambda match: match[side], text)
    return _BLANKS.sub(" ", _MARK.sub("", _TAG.sub("", text))).strip()


def _parts(path: Path) -> list[Part]:
    folders = [path, *(path / name for name in listed(path) if "script" in name.lower())]
    files = [path] if path.suffix == ".trn" else []
    files += [folder / name for folder in folders for name in listed(folder) if name.endswith(".trn")]
    return [Part(file.stem, file, "ko") for file in files if _SEPARATOR in first_line(file)]


def _read(part: Part, options: ReferenceOptions) -> Iterator[Utterance]:
    roots = [part.path.parent, part.path.parent.parent]
    root: Path | None = None
    for line, text in text_lines(part.path):
        place, separator, spoken = text.partition(_SEPARATOR)
        if not separator:
            raise damaged(part.path, line, "no ` :: ` between path and text")
        if root is None:
            root = next((one for one in roots if is_file(one / place)), roots[-1])
        path = root / place
        is_pcm = path.suffix.lower() == ".pcm"
        yield Utterance(
            path.stem,
            f"ksponspeech {part.name}",
            AudioPart(path, encoding=Encoding.PCM_16K if is_pcm else Encoding.MEDIA),
            spelled(spoken, options.spelling),
            language="ko",
            labels={"spelling": options.spelling},
        )


KSPONSPEECH = Layout("ksponspeech", "*.trn with lines `PATH :: TEXT`", _parts, _read)
