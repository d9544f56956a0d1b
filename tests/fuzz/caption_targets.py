"""Targets that are subtitles, transcripts and scripts: `check`, `check --fix`, `render` and `align`.

Beside what every reader promises, a repaired copy has every word and is not repaired again, what is rendered
is read again without a fault, and a text in an encoding that the user names is the text that was encoded.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from qasr_cli import escapes
from qasr_cli.errors import ExitCode, QasrError
from qasr_cli.formats import registry
from qasr_cli.formats.readers import captions, time_lines
from qasr_cli.formats.readers.caption_file import FileContext
from qasr_cli.formats.readers.encodings import Decoded
from qasr_cli.options import CueOptions, OutputOptions
from qasr_cli.pipeline import finish
from qasr_cli.records import Caption
from qasr_cli.tasks import caption_check, caption_input, check_report, fixed_copies, render
from qasr_cli.tasks.caption_check import CheckedFile, CheckRules
from qasr_cli.tasks.check_report import FileReport
from tests.fuzz.seeds import FOREIGN_JSON, SUBTITLES
from tests.fuzz.target import Target, goldens, require, require_printable, small_transcripts

_NAMES = (
    *("a.srt", "a.vtt", "a.ass", "a.json", "a.smi", "a.sub", "a.ttml", "a.lrc", "a.sbv", "a.txt", "a.tsv"),
    *("a.ko.srt", "a.en.smi", "a.unrated.sub", "a"),
)
_ENCODINGS = (
    *("utf-8", "utf-16", "utf-16-be", "utf-32", "cp949", "cp1251", "cp1252", "big5", "shift-jis", "gb18030"),
    *("iso8859-7", "cp1256", "cp1255", "cp874", "koi8-r", "euc-jp", "iso2022-jp"),
)
_ALL = OutputOptions(formats=registry.FILE_FORMATS)


def _seeds(tmp: Path) -> Sequence[bytes]:
    return [*SUBTITLES * 3, *FOREIGN_JSON, *goldens(".srt", ".vtt", ".tsv"), *small_transcripts()]


def _rules(path: Path) -> CheckRules:
    """Return the user's choices, which follow from the file's name so that a finding can be read again."""
    is_rated, has_language = ".unrated." not in path.name, ".ko." in path.name or ".en." in path.name
    cues = CueOptions(frame_rate=Fraction(25)) if is_rated else CueOptions()
    return CheckRules(cues, path.name.split(".")[1] if has_language else None)


def _checked(path: Path, rules: CheckRules | None = None) -> CheckedFile:
    rules = rules or _rules(path)
    return caption_check.check(path, caption_check.read(path, rules), rules)


def _check(path: Path) -> None:
    result = _checked(path)
    entry = FileReport(result, None, caption_check.compare(result, result.file))
    require_printable(check_report.text(entry, None, is_all=True))
    for form in (check_report.csv_text(entry), check_report.json_text([entry], "netflix-sdh")):
        require_printable(escapes.for_terminal(form))
        form.encode()


def _said(shown: Iterable[Caption]) -> Counter[str]:
    """Return the letters and digits that each caption shows."""
    return Counter(filter(None, (_letters("".join(one.lines)) for one in shown)))


def _seen(result: CheckedFile) -> Counter[str]:
    return Counter("".join("".join("".join(one.lines).split()) for one in result.file.captions))


def _fixed(result: CheckedFile) -> Path | None:
    """Return the repaired copy of a file; None if it is refused."""
    path = Path(result.name)
    target = fixed_copies.fixed_paths([path], path.parent, is_overwrite=True)[path]
    try:
        return fixed_copies.fix(result, target, set(), is_overwrite=True).path
    except QasrError as error:
        require(error.exit_code is not ExitCode.INTERNAL, str(error))
        return None


def _fix(path: Path) -> None:
    before = _checked(path)
    once = _fixed(before)
    if once is None:
        return
    twice = None
    try:
        # A copy in SubRip does not have what names the language in SAMI or JSON.
        after = _checked(once, replace(_rules(path), language=before.language))
        require(_said(before.file.captions) == _said(after.file.captions), "--fix changes words")
        if not fixed_copies._is_rewritten(before.file) and _seen(before) != _seen(after):
            return  # SubRip has wide braces and brackets only, and wide characters need more time
        twice = _fixed(after)
        require(twice is not None, "a repaired copy is not repaired")
        require(twice is not None and once.read_bytes() == twice.read_bytes(), "--fix changes its own copy")
    finally:
        for copy in filter(None, (once, twice)):
            copy.unlink()


def _render(path: Path) -> None:
    rules = _rules(path)
    source = render.read_source(path, rules.reading)
    texts = finish.render(source.transcript, rules.cues, _ALL, source.cues)
    for text in texts.values():
        text.encode()
    lines = [line for cue in source.cues for line in cue.lines] if source.cues is not None else []
    words = [word.text for word in source.transcript.words]
    said = Counter(_letters("".join(lines if source.cues is not None else words)))
    if any("-->" not in line and time_lines.is_time_line(line) for line in texts["srt"].split("\n")):
        return  # a text about subtitles, with arrows of other kinds: SubRip has no escapes
    for kind in ("srt", "vtt"):
        if "-->" in texts[kind]:
            again = captions.read(texts[kind].encode(), f"a.{kind}")
            require(again.faults == (), f"what is rendered as {kind} has faults")
            require(all(one.start_ms < one.end_ms for one in again.captions), "a cue that lasts no time")
            left = Counter(_letters("".join(line for one in again.captions for line in one.lines)))
            is_named = kind == "srt" and source.transcript.is_dialogue  # WebVTT has names in tags
            is_whole = not said - left if is_named else left == said
            require(is_whole, f"what is rendered as {kind} has other words")
        else:
            require(not said, f"nothing is rendered as {kind}")


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, unicodedata.normalize("NFC", text)))


def _script_seeds(tmp: Path) -> Sequence[bytes]:
    plain = "Hello there.\n\nYes, (laughs) 42!\n안녕하세요. 今日は。\n"
    return [plain.encode(), plain.encode("utf-16"), "안녕하세요, 여러분.\n".encode("cp949"), *SUBTITLES]


def _script(path: Path) -> None:
    script = caption_input.read_script(path, _rules(path).reading)
    require(len(script.blocks) == len(script.origins) > 0, "a block without a place")


def _encoded(path: Path) -> None:
    """Read a text in each encoding that has all of its characters."""
    text = path.read_bytes().decode("utf-8", "ignore").lstrip("\ufeff")
    for encoding in _ENCODINGS:
        try:
            raw = text.encode(encoding)
            text_again = raw.decode(encoding)
        except UnicodeError:
            continue
        if text_again == text:
            require(_shown(text, path.name) == _shown(raw, path.name, encoding), f"{encoding} is not kept")


def _shown(
    content: str | bytes, name: str, encoding: str = ""
) -> list[tuple[int, int, tuple[str, ...]]] | str:
    """Return the captions of a text, or of bytes in an encoding; the name of an error if it is refused."""
    try:
        decoded = (
            Decoded(content, "") if isinstance(content, str) else captions.decode(content, name, encoding)
        )
        file = captions.of_decoded(decoded, FileContext(name, None, Fraction(25)))
    except QasrError as error:
        require(error.exit_code is not ExitCode.INTERNAL, str(error))
        return "refused"
    return [(one.start_ms, one.end_ms, one.marked) for one in file.captions]


CAPTION_TARGETS = (
    Target("subtitles", _NAMES, _seeds, _check, 16),
    Target("fix", _NAMES, _seeds, _fix, 14),
    Target("render", _NAMES, _seeds, _render, 14),
    Target("script", ("a.txt", "a.srt", "a.ko.smi"), _script_seeds, _script, 6),
    Target("encoding", ("a.srt", "a.vtt", "a.smi", "a.txt"), _seeds, _encoded, 4),
)
