"""The taggers that the aligner was trained with: nagisa for Japanese, soynlp for Korean; both optional.

In go text and a language; out come words with the characters they came from, or None if no tagger is
installed or its words differ from the text: then the caller splits without one. No other module imports
either package (`pip install 'qasr[ja]'`, `'qasr[ko]'`), and importing this module loads neither.
"""

from __future__ import annotations

import functools
import logging
import os
import threading
import unicodedata
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

logger = logging.getLogger(__name__)

Segmenter = Callable[[str], Sequence[str]]
Form = Literal["NFC", "NFKC"]  # of Unicode normalization

# Of the official package, which loads its Korean tokenizer with it: a word a line, further columns ignored.
_OFFICIAL_SCORES = Path("inference") / "assets" / "korean_dict_jieba.dict"
_SCORES_VARIABLE = "QASR_KOREAN_DICT"
_tagging = threading.Lock()  # nagisa has one global graph, and several devices align at once
_VOICING_MARKS = "\uff9e\uff9f"  # half-width, one character with the kana before them when normalised


@dataclass(frozen=True, slots=True)
class SegmentedWord:
    """A word in a tagger's form, from characters `[start, end)` of the text."""

    text: str
    start: int
    end: int


def segment(text: str, language: str | None) -> list[SegmentedWord] | None:
    """Return the words of a text, in order and without white space, or None without a tagger."""
    if language not in {"ja", "ko"}:
        return None
    segmenter = _japanese() if language == "ja" else _korean()
    form: Form = "NFKC" if language == "ja" else "NFC"  # nagisa normalises what it reads
    if segmenter is None or not text.strip():
        return None
    with _tagging:
        words = segmenter(unicodedata.normalize(form, text))
    return locate(words, text, form)


def locate(words: Sequence[str], text: str, form: Form) -> list[SegmentedWord] | None:
    """Locate a tagger's words in the text before its normalization; None if the letters differ.

    Words that share a character of the text (`㍿` is four) are one word.

    Args:
        words: Words in order; white space in them is ignored.
        text: The text before normalization.
        form: Normalization form of the tagger's words.
    """
    origins: list[tuple[int, int]] = []
    clusters: list[str] = []
    for start, end in _clusters(text):
        cluster = "".join(unicodedata.normalize(form, text[start:end]).split())
        clusters.append(cluster)
        origins += [(start, end)] * len(cluster)
    stripped = ["".join(word.split()) for word in words]
    if "".join(stripped) != "".join(clusters):
        return None
    segmented: list[SegmentedWord] = []
    position = 0
    for word in filter(None, stripped):
        start, end = origins[position][0], origins[position + len(word) - 1][1]
        position += len(word)
        if segmented and start < segmented[-1].end:
            before = segmented.pop()
            segmented.append(SegmentedWord(before.text + word, before.start, end))
        else:
            segmented.append(SegmentedWord(word, start, end))
    return segmented


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """Yield spans of characters that normalization may combine."""
    start = 0
    for position, char in enumerate(text):
        is_medial = "\u1160" <= char <= "\u11ff"  # vowels and finals of Hangul written letter by letter
        if position > start and not (unicodedata.combining(char) or char in _VOICING_MARKS or is_medial):
            yield start, position
            start = position
    if text:
        yield start, len(text)


@functools.cache
def _japanese() -> Segmenter | None:
    """Return nagisa's segmentation: the words of its `tagging`, without parts of speech."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # advice to its authors
            import nagisa
    except (ImportError, OSError, RuntimeError) as error:  # it cannot load its model from every path
        logger.debug("Japanese without nagisa: %s", error)
        return None
    wakati: Segmenter = nagisa.wakati
    return wakati


@functools.cache
def _korean() -> Segmenter | None:
    """Return soynlp's tokenizer; without scores it splits at spaces, with scores also before endings."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from soynlp.tokenizer import LTokenizer
    except (ImportError, OSError) as error:
        logger.debug("Korean without soynlp: %s", error)
        return None
    tokenizer: Segmenter = LTokenizer(korean_scores()).tokenize
    return tokenizer


def korean_scores() -> dict[str, float]:
    """Return the score dictionary of the official aligner; empty if it is not on this machine.

    Its path is QASR_KOREAN_DICT, or else inside the official package.
    """
    path = _scores_path()
    if path is None or not os.path.isfile(path):
        return {}
    lines = path.read_text("utf-8").splitlines()
    return {columns[0]: 1.0 for line in lines if (columns := line.split())}


def _scores_path() -> Path | None:
    named = os.environ.get(_SCORES_VARIABLE)
    if named:
        return Path(os.path.expanduser(named))  # noqa: PTH111 - an unknown user is no error
    package = find_spec("qwen_asr")  # found without importing it
    return Path(package.origin).parent / _OFFICIAL_SCORES if package and package.origin else None
