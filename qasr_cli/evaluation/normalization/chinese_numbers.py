"""Chinese numerals as digits, by cn2an: 五十万, 50万 and 500000 are one.

In goes normalized text; out comes the same with its numerals as digits. Readings are many-to-one, so digits
are the common spelling, and not words. Words that are made of numerals (万一, 千万) stay where cn2an refuses
them; an idiom such as 一心一意 becomes digits on both sides, which costs nothing.
"""

from __future__ import annotations

import functools
import re
from decimal import Decimal

_DIGITS = "〇零一二两三四五六七八九幺"
_UNITS = "十百千万亿"
_VALUES = str.maketrans("〇零一二两三四五六七八九幺", "0012234567891")
# Cantonese, and Mandarin without OpenCC, in traditional characters: only inside numerals
_SIMPLIFIED = str.maketrans("兩萬億點", "两万亿点")
_ANY = f"\\d{_DIGITS}兩廿{_UNITS}萬億"
_THOUSANDS = re.compile(r"(?<![\d,.])\d{1,3}(?:,\d{3}){1,6}(?![\d,])")
_PERCENT = re.compile(rf"百分之([{_ANY}]+(?:[点點.][{_ANY}]+)?)")
# A time: 三点十五分 and 3点15分 are 3:15. 三点五分 may be a score, and is 3.5分.
_TIME = re.compile(
    rf"(?<![{_ANY}点點.])([{_ANY}]{{1,3}})[点點]([二三四五]?十[一二三四五六七八九]?|[零〇][一二三四五六七八九](?=分)|[0-5]\d(?!\d))"
    rf"(?![{_ANY}点點.])分?(?![{_ANY}])"
)
_MAX_CHARS = 30  # of a numeral: longer runs are none
_DECIMAL = re.compile(
    rf"(?<![{_ANY}])([{_ANY}]{{1,{_MAX_CHARS}}})[点點.]([\d{_DIGITS}]{{1,{_MAX_CHARS}}})([万亿萬億]{{0,4}})(?![{_ANY}])"
)
_NUMERAL = re.compile(rf"[{_ANY}]+")
_MAX_HOUR = 24
_MAX_PASSES = 5  # numerals beside numerals, such as 三点6十, take two or three


def as_digits(text: str) -> str:
    """Return a text with its Chinese numerals as digits."""
    for _ in range(_MAX_PASSES):
        before, text = text, _once(text)
        if text == before:
            break
    return text


def _once(text: str) -> str:
    text = _THOUSANDS.sub(lambda match: match[0].replace(",", ""), text)
    text = _PERCENT.sub(lambda match: f"{'100' if match[1] == '百' else match[1]}%", text)
    text = _TIME.sub(_time, text)
    text = _DECIMAL.sub(_decimal, text)
    return _NUMERAL.sub(lambda match: _whole(match[0]) or match[0], text)


def _time(match: re.Match[str]) -> str:
    hour, minute = _whole(match[1]), _whole(match[2])
    is_time = hour is not None and minute is not None and int(hour) <= _MAX_HOUR
    return f"{hour}:{int(minute or 0):02}" if is_time else match[0]


def _decimal(match: re.Match[str]) -> str:
    """Return 三点一四 as 3.14, and 一点五亿 as 150000000."""
    whole, places, unit = _whole(match[1]), match[2].translate(_VALUES), match[3].translate(_SIMPLIFIED)
    if whole is None or len(match[0]) > _MAX_CHARS:
        return match[0]
    if not unit:
        return f"{whole}.{places}"
    value = Decimal(f"{whole}.{places}")
    for char in unit:
        value *= 10_000 if char == "万" else 100_000_000
    return f"{value.normalize():f}"


@functools.lru_cache(maxsize=4_096)
def _whole(numeral: str) -> str | None:
    """Return a whole numeral in digits; None for a word that is none, such as 千万 or 百."""
    numeral = numeral.translate(_SIMPLIFIED)
    if not any(char in numeral for char in f"廿{_UNITS}"):
        return numeral.translate(_VALUES)  # 二零二四, 007: digit by digit
    if len(numeral) > _MAX_CHARS:
        return None
    import cn2an

    try:
        value = cn2an.cn2an(numeral, "smart")
    except (ValueError, KeyError, TypeError, IndexError, OverflowError):
        return None
    return str(int(value)) if value == int(value) else None
