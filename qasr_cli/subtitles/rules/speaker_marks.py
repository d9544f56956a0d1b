"""What a cue shows of its speakers: names where a turn begins, dashes where it holds two.

In go a profile's form of names, the user's choice and a language; out come `SpeakerMarks`. Nothing of them is
used for words without speakers.

Dashes by language: the dual speaker rules of Netflix's Timed Text Style Guides, as Subtitle Edit's
`NetflixQualityController.SpeakerStyle` lists them (English and most others: a hyphen without a space on both
lines; a space after it in the Romance and Slavic languages, Korean and others; Dutch and Finnish: the second
line only).
"""

from __future__ import annotations

from dataclasses import dataclass

from qasr_cli import languages
from qasr_cli.options import SpeakerStyle
from qasr_cli.subtitles.rules.profiles import NameForm

_SPACED_DASH = frozenset(
    {"ar", "cs", "es", "fr", "hu", "id", "it", "ko", "ms", "pl", "pt", "ro", "ru", "th", "vi"}
)
_SECOND_LINE_ONLY = frozenset({"fi", "nl"})
_DASH = "-"
_RIGHT_TO_LEFT = frozenset({"ar", "fa"})
_RIGHT_TO_LEFT_MARK = "\u200f"  # the first strong letter decides a line's direction, and names may be Latin


@dataclass(frozen=True, slots=True)
class SpeakerMarks:
    """Marks of speakers.

    Attributes:
        form: How names are shown.
        dashes: Of the first and the second line of a cue with two speakers; None: a cue holds one speaker.
        brackets: What stands before and behind a name of the form `BRACKETS`.
        direction: An invisible mark of direction before a name, or "".
    """

    form: NameForm = NameForm.NONE
    dashes: tuple[str, str] | None = (_DASH, _DASH)
    brackets: tuple[str, str] = ("[", "] ")
    direction: str = ""

    def name(self, shown: str) -> str:
        """Return a name as a line begins with it; "" if names are not shown."""
        match self.form:
            case NameForm.BRACKETS:
                return f"{self.direction}{self.brackets[0]}{shown}{self.brackets[1]}"
            case NameForm.CAPITALS:
                return f"{self.direction}{shown.upper()}: "
            case NameForm.COLON:
                return f"{self.direction}{shown}: "
            case NameForm.NONE:
                return ""


def resolve(style: SpeakerStyle, form: NameForm, language: str | None) -> SpeakerMarks:
    """Return the marks of a text.

    Args:
        style: The user's choice; `AUTO` leaves it to the profile.
        form: The profile's form of names.
        language: Code, or None.
    """
    if style is SpeakerStyle.NONE:
        return SpeakerMarks(NameForm.NONE, None)
    if style is SpeakerStyle.DASH:
        form = NameForm.NONE
    elif style is SpeakerStyle.NAME and form is NameForm.NONE:
        form = NameForm.BRACKETS
    entry = languages.find(language) if language else None
    code = entry.code if entry else ""
    brackets = ("[", "] " if entry is None or entry.is_spaced else "]")
    if code == "ja":
        brackets = ("（", "）")  # Netflix, Japanese: full-width parentheses
    dash = f"{_DASH} " if code in _SPACED_DASH else _DASH
    direction = _RIGHT_TO_LEFT_MARK if code in _RIGHT_TO_LEFT else ""
    return SpeakerMarks(form, ("" if code in _SECOND_LINE_ONLY else dash, dash), brackets, direction)
