"""English numbers: signs as words before numbers are spelled, and one spelling of several after it.

In goes normalized text; out comes the same with `$5 million` as `5 million dollars`, and later with
`a hundred`, `two thousand twenty four` and `one thousand five hundred` as their digits are spelled.
"""

from __future__ import annotations

import re

_MAGNITUDE = "hundred|thousand|million|billion|trillion"
_AMOUNT = r"(\d[\d,]*(?:\.\d+)?)"
_WITH_CENTS = re.compile(r"([\d,]+)\.(\d\d)")
# Sign: one, several, hundredths
_CURRENCIES = {
    "$": ("dollar", "dollars", "cents"),
    "£": ("pound", "pounds", "pence"),
    "€": ("euro", "euros", "cents"),
}
_SIGNS = "".join(map(re.escape, _CURRENCIES))
_BEFORE = re.compile(rf"(?<!\d)([{_SIGNS}]) ?{_AMOUNT}(?!\d)(?: ({_MAGNITUDE})\b)?")
_AFTER = re.compile(rf"(?<![\d.,]){_AMOUNT} ?([{_SIGNS}])(?!\w)")
_PERCENT = re.compile(r"(?<=\d) ?%")
_PER_CENT = re.compile(r"\bper cent\b")

_UNITS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = "ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen"
_TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_ORDINALS = (
    "first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|(?:thir|four|fif|six|seven|"
    "eigh|nine)teenth|(?:twen|thir|for|fif|six|seven|eigh|nine)tieth"
)
_ANY = "|".join((*_UNITS, _TEENS, _TENS, _MAGNITUDE, _ORDINALS))
_A_HUNDRED = re.compile(rf"\ban?(?= (?:{_MAGNITUDE})\b)")
_AND = re.compile(rf"\b({_MAGNITUDE}) and(?= (?:{_ANY})\b)")
_FIFTEEN_HUNDRED = re.compile(rf"\bone thousand ({'|'.join(_UNITS)}) hundred\b")
_HUNDREDS_OF_UNIT = dict(zip(_UNITS, _TEENS.split("|")[1:], strict=True))
_NINETEEN_HUNDRED = re.compile(
    rf"\b({'|'.join(_HUNDREDS_OF_UNIT.values())}) hundred(?= (?:{_TEENS}|{_TENS})\b)"
)
_TWENTY_TWENTY = re.compile(rf"\btwo thousand(?= (?:{_TEENS}|{_TENS})\b)")


def signs_as_words(text: str) -> str:
    """Return a text with percent, dollars, pounds and euros as words behind their numbers."""
    if not any(sign in text for sign in _CURRENCIES):
        return _PER_CENT.sub("percent", _PERCENT.sub(" percent", text))
    text = _BEFORE.sub(lambda match: _amount(match[2], match[1], match[3] or ""), text)
    text = _AFTER.sub(lambda match: _amount(match[1], match[2], ""), text)
    return _PER_CENT.sub("percent", _PERCENT.sub(" percent", text))


def _amount(number: str, sign: str, magnitude: str) -> str:
    """Return an amount as it is spoken: 1 dollar, 3 dollars and 50 cents, 5.5 billion dollars."""
    one, several, hundredths = _CURRENCIES[sign]
    if magnitude:
        return f" {number} {magnitude} {several}"
    parts = _WITH_CENTS.fullmatch(number)
    if parts is None:
        return f" {number} {one if number == '1' else several}"
    whole = f" {parts[1]} {one if parts[1] == '1' else several}"
    return whole if parts[2] == "00" else f"{whole} and {int(parts[2])} {hundredths}"


def one_spelling(text: str) -> str:
    """Return a text whose spelled numbers are those that the speller gives for their digits.

    A year and a number of the same digits are one: `nineteen hundred ninety nine` is `nineteen ninety nine`.
    """
    if not any(word in text for word in ("hundred", "thousand", "illion")):
        return text
    text = _AND.sub(r"\1", _A_HUNDRED.sub("one", text))
    text = _FIFTEEN_HUNDRED.sub(lambda match: f"{_HUNDREDS_OF_UNIT[match[1]]} hundred", text)
    return _TWENTY_TWENTY.sub("twenty", _NINETEEN_HUNDRED.sub(r"\1", text))


def plural(words: str) -> str:
    """Return the plural of a spelled number: nineteen nineties, fives."""
    return f"{words[:-1]}ies" if words.endswith("y") else f"{words}es" if words.endswith("x") else f"{words}s"
