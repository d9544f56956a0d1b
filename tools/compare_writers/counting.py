"""Counts in finished SRT files what a subtitler would send back.

In goes SRT text and its language; out come counts by rule. It knows only what a viewer sees. It shares no
code with qasr's cue builder or its checks on purpose: a builder must not mark its own work. The numbers are
Netflix's for subtitles in the language spoken (SDH, adults) at 24 frames a second; where a language has its
own, those. Function words are counted in English, German, French and Spanish.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

RULES = {
    "cps": "too fast",  # over 20 characters a second
    "width": "too wide",  # a line over 42 characters
    "lines": "> 2 lines",
    "short": "< 5/6 s",
    "long": "> 7 s",
    "gap": "gap < 2 frames",
    "flicker": "flickering gap",  # of 3 to 11 frames
    "overlap": "overlap",
    "ending": "ends on function word",  # a line that does not end its sentence
    "mixed": "mixed sentences",  # the end of one and the beginning of the next
}
_SPEED = {"ko": 14, "zh": 11, "ja": 7, "ar": 23, "hi": 25}
_WIDTH = {"ko": 16, "zh": 16, "ja": 16, "th": 35}
_SHORTEST_MS = {"ja": 500}
_LONGEST_MS = 7_000
_TWO_FRAMES_MS, _TWELVE_FRAMES_MS = 83, 500
_UNSPACED = {"zh", "ja", "th"}
_HALF = {"ko", "zh", "ja"}  # where Latin letters, spaces and Western marks count half
_NO_WIDTH = {"Mn", "Mc", "Me", "Cf", "Cc"}  # marks that sit on a letter or beside it, and what is not seen
_SENTENCE_END = re.compile(r"[.!?…。！？؟।][\"'”’»」』)]*$")
_TITLES = {"dr.", "mr.", "mrs.", "ms.", "st.", "prof.", "z.b.", "m.", "mme."}
_FUNCTION_WORDS = {
    "en": """
        a an the my your his its our their this these those of in on at to for from with by about into through
        over under between against during without within and or but nor so because although if when while that
        which who whom whose than as is are was were be been am will would can could shall should may might
        must do does did have has had not very i he she we they
    """,
    "de": """
        der die das den dem des ein eine einen einem einer eines mein sein ihr unser und oder aber denn weil
        dass wenn als ob in im an am auf aus bei mit nach von vom zu zum zur für über unter um durch ohne
        gegen ist sind war waren wird werden hat haben ich du er wir nicht sehr
    """,
    "fr": """
        le la les un une des du de mon ma mes son sa ses notre votre leur et ou mais donc car que qui dont où
        si quand à au aux en dans sur sous avec sans pour par entre chez est sont était a ont je tu il ils ne
        très
    """,
    "es": """
        el la los las un una unos unas de del al a en con sin por para sobre entre mi tu su sus nuestro y e o
        u pero que quien cuyo si cuando es son era está ha han no muy yo
    """,
}
_TIMES = re.compile(r"(\d+):(\d\d):(\d\d)[,.](\d{3}) --> (\d+):(\d\d):(\d\d)[,.](\d{3})")


@dataclass(frozen=True, slots=True)
class Shown:
    """A cue as it is shown."""

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]


def read(srt: str) -> list[Shown]:
    """Return the cues of an SRT file."""
    shown = []
    for block in re.split(r"\n\s*\n", srt.strip()):
        _, times, *lines = block.split("\n")
        numbers = _TIMES.fullmatch(times.strip())
        assert numbers is not None, block
        hours, minutes, seconds, ms, *end = (int(number) for number in numbers.groups())
        start_ms = ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms
        end_ms = ((end[0] * 60 + end[1]) * 60 + end[2]) * 1000 + end[3]
        shown.append(Shown(start_ms, end_ms, tuple(line.strip() for line in lines if line.strip())))
    return shown


def width(text: str, language: str) -> float:
    """Return how wide a text is: marks that sit on a letter are nothing, half-width signs of CJK a half."""
    cells = 0.0
    for char in unicodedata.normalize("NFC", text):
        if unicodedata.category(char) in _NO_WIDTH:
            continue
        is_half = language in _HALF and unicodedata.east_asian_width(char) not in {"W", "F"}
        cells += 0.5 if is_half else 1.0
    return cells


def count(srt: str, language: str) -> Counter[str]:
    """Return how many cues there are (`cues`), and how often each rule is broken."""
    cues = read(srt)
    found = Counter(cues=len(cues))
    is_at_start = True
    for cue in cues:
        found.update(_of_cue(cue, language))
        ends = _sentence_ends(cue, language)
        is_at_end = bool(ends) and ends[-1]
        found["mixed"] += any(ends[:-1]) and not (is_at_start and is_at_end)
        is_at_start = is_at_end
    for cue, following in pairwise(cues):
        gap_ms = following.start_ms - cue.end_ms
        found["overlap"] += gap_ms < 0
        found["gap"] += 0 <= gap_ms < _TWO_FRAMES_MS
        found["flicker"] += _TWO_FRAMES_MS + 1 < gap_ms < _TWELVE_FRAMES_MS - 1  # a ms of rounding each way
    return found


def _of_cue(cue: Shown, language: str) -> Counter[str]:
    duration_ms = cue.end_ms - cue.start_ms
    text = ("" if language in _UNSPACED else " ").join(cue.lines)
    return Counter(
        cps=int(width(text, language) * 1000 > _SPEED.get(language, 20) * duration_ms),
        width=sum(width(line, language) > _WIDTH.get(language, 42) for line in cue.lines),
        lines=int(len(cue.lines) > 2),
        short=int(duration_ms < _SHORTEST_MS.get(language, 833)),
        long=int(duration_ms > _LONGEST_MS),
        ending=sum(_ends_on_function_word(line, language) for line in cue.lines),
    )


def _ends_on_function_word(line: str, language: str) -> bool:
    words = line.split()
    return bool(words) and words[-1].lower() in _FUNCTION_WORDS.get(language, "").split()


def _sentence_ends(cue: Shown, language: str) -> list[bool]:
    """Return for each word (or line, in languages without spaces) whether a sentence ends with it."""
    if language in _UNSPACED:
        pieces = re.findall(r"[^。！？]+[。！？]?[」』”’）]*", "".join(cue.lines)) or ["".join(cue.lines)]
    else:
        pieces = " ".join(cue.lines).split()
    ends = [bool(_SENTENCE_END.search(piece)) and not _is_abbreviation(piece, language) for piece in pieces]
    starts_small = [piece[:1].islower() for piece in pieces[1:]] + [False]
    return [is_end and not is_small for is_end, is_small in zip(ends, starts_small, strict=True)]


def _is_abbreviation(piece: str, language: str) -> bool:
    is_ordinal = language == "de" and piece[:-1].isdigit()  # am 3. Mai
    return is_ordinal or piece.lower() in _TITLES
