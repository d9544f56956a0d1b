"""The table of rules for subtitles, and findings: violations of a rule.

In goes nothing; out come the rules. Errors are defects for which Netflix or the BBC reject a file, or which
players misread. Warnings are matters of style, which an editor may have chosen. Limits come from the profile.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Whether a finding must be fixed."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        severity: Severity of its findings.
        advice: How to fix a finding, for an editor.
        is_hard: qasr's own cues break it only if the speech leaves no choice; `--strict` fails on it.
    """

    severity: Severity
    advice: str
    is_hard: bool = False


def _error(advice: str, *, is_hard: bool = True) -> Rule:
    return Rule(Severity.ERROR, advice, is_hard)


def _warning(advice: str) -> Rule:
    return Rule(Severity.WARNING, advice)


_REPAIRED = "--fix writes it as players read it"

RULES: dict[str, Rule] = {
    # The file.
    "malformed": _error("fix the file's structure by hand", is_hard=False),
    "encoding": _warning("save the file as UTF-8"),
    "numbering": _warning("number the cues from 1; --fix does"),
    # Times. Netflix Timing Guidelines; a player shows two cues at once, or none.
    "bad_times": _error("set a start of at least 0 and a later end"),
    "order": _error("sort the cues by time"),
    "overlap": _error("end it before the next cue starts"),
    "gap_min": _error("end it earlier, two frames before the next cue"),
    "gap_flicker": _warning("close the gap to two frames, or make it half a second"),
    "dur_min": _error("show it longer, or merge it with a neighbour"),
    "dur_max": _error("end it earlier, or split it"),
    "cps": _error("show it longer, or split it"),
    "cps_soft": _warning("show it longer if there is room"),
    "crosses_shot": _warning("move its start or end to the cut"),
    # Text. Netflix General Requirements; a character that is not text is shown as a box.
    "empty": _error("delete it"),
    "lines": _error("use fewer lines, or split it"),
    "cpl": _error("break the line elsewhere, or split the cue"),
    "illegal_chars": _error("replace the characters that are not text"),
    "double_space": _warning("use one space"),
    "non_nfc": _warning("normalize the text to NFC"),
    "repeat": _warning("check by ear that it is repeated"),
    # Breaks. BBC Subtitle Guidelines 3, TED: style, which an editor may overrule.
    "orphan_word": _warning("merge it with a neighbour"),
    "orphan_line": _warning("make the lines more even"),
    "bad_break_line": _warning("break before this word, not after it"),
    "bad_break_cue": _warning("let the next cue begin with this word"),
    "mixed_sentences": _warning("let the new sentence begin in the next cue"),
    "stranded_fragment": _warning("keep the words with their clause"),
    # Words and speech; these need a transcript.
    "early": _warning("start it with its first word"),
    "late": _warning("start it with its first word"),
    "linger": _warning("end it sooner after its last word"),
    "interpolated_timing": _warning("check the times by ear: they are estimated"),
    "silence_text": _warning("check by ear that there is speech"),
    "untranscribed_speech": _warning("check by ear what is spoken there"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """A violation of a rule.

    Attributes:
        comment: Description in one short line.
        caption: Index of the caption; None for the file.
        time_ms: Its time; None for the file.
        value: The measured value, and `limit` its limit; None if nothing is measured.
        line: Its line in the file, from 1; None for that of the caption, or for none.
        is_repaired: `--fix` repairs it, although its rule says to do it by hand.
    """

    rule: str
    comment: str
    caption: int | None = None
    time_ms: int | None = None
    value: float | None = None
    limit: float | None = None
    line: int | None = None
    is_repaired: bool = False

    @property
    def severity(self) -> Severity:
        """Severity of its rule."""
        return RULES[self.rule].severity

    @property
    def is_error(self) -> bool:
        """Whether it is an error."""
        return self.severity is Severity.ERROR

    @property
    def advice(self) -> str:
        """How to fix it."""
        return _REPAIRED if self.is_repaired else RULES[self.rule].advice
