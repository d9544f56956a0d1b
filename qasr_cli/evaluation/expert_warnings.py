"""Warnings that somebody with experience would give before believing a figure.

In go what was tallied of one system on one set; out come sentences. They are guesses from counts, and change
no figure.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from qasr_cli import languages
from qasr_cli.evaluation import groups, speaker_tally
from qasr_cli.evaluation.figures import Counts
from qasr_cli.evaluation.tally import Tally
from qasr_cli.evaluation.utterances import Pair

_MANY_DELETIONS, _SHORT, _LONG = 0.5, 0.8, 1.2
_MIN_UNITS = 50
_MIN_SHARE = 0.02
_EMPTY_SHARE = 0.05
_WRONG_LANGUAGE = 0.5
_JUMP = 2.0  # of the rate beyond 30 s
_BAD_RATE = 0.6
_CASE_SHARE = 0.3  # of substitutions
_MAX_LOOKED_AT = 20_000  # utterances whose letters are counted: enough to see what a side never has
_MAX_LETTERS = 200  # of a text, that tell its script
_DAMAGING = ("whisper-basic", "leaderboard")
_ENGLISH_ONLY = "whisper-en"
_RESPELLING = "qasr+numbers"


def note(tally: Tally, pair: Pair) -> None:
    """Count capitals, marks and digits of both raw texts."""
    if tally.n > _MAX_LOOKED_AT:
        return
    tally.letters["foreign"] += _is_foreign(pair.utterance.text, tally.language)
    answer = pair.answer.text if pair.answer else ""
    for side, text in (("reference", pair.utterance.text), ("answer", answer)):
        for char in text:
            category = unicodedata.category(char)
            if category == "Lu":
                tally.letters[f"{side} upper"] += 1
            elif category == "Ll":
                tally.letters[f"{side} lower"] += 1
            elif category == "Nd":
                tally.letters[f"{side} digit"] += 1
            elif category in {"Po", "Ps", "Pe"}:
                tally.letters[f"{side} mark"] += 1
            elif category in {"Mn", "Mc"}:
                tally.letters[f"{side} sign"] += 1
    tally.letters["reference"] += len(pair.utterance.text)
    tally.letters["answer"] += len(answer)


def _is_foreign(text: str, language: str) -> bool:
    """Whether most letters of a text belong to no script of its language."""
    entry = languages.find(language) if language else None
    scripts = [languages.script(char) for char in text[:_MAX_LETTERS] if char.isalpha()]
    return entry is not None and sum(script in entry.scripts for script in scripts) < len(scripts) / 2


def of_tally(tally: Tally) -> Iterator[str]:
    """Yield the warnings of one system on one set."""
    yield from _of_answers(tally)
    yield from _of_lengths(tally)
    yield from _of_texts(tally)
    yield from _of_normalizers(tally)


def _of_answers(tally: Tally) -> Iterator[str]:
    if tally.n_missing == tally.n:
        yield "No answer fits an utterance: are ids or file names different? Is it another split?"
    elif tally.n_missing:
        first = ", ".join(tally.missing_ids[:3])
        n = f"{tally.n_missing} of {tally.n}"
        yield f"{n} utterances have no answer (first: {first}); they count as deletions."
    if tally.n_failed:
        yield f"{tally.n_failed} of {tally.n} utterances failed; they count as deletions."
    n_answers = tally.n - tally.n_missing - tally.n_failed
    if n_answers and tally.n_empty - tally.n_failed > max(1, _EMPTY_SHARE * n_answers):
        yield f"{tally.n_empty - tally.n_failed} answers are empty where the reference has text."
    if tally.n_empty_references:
        yield f"{tally.n_empty_references} references are empty; only insertions count there."
    if tally.speakers.n_crowded:
        n_crowded, limit = tally.speakers.n_crowded, speaker_tally.MAX_SPEAKERS
        yield f"{n_crowded} recordings have more than {limit} speakers, and no figures of speakers."
    n_told = sum(tally.confusions.values())
    n_wrong = sum(count for (a, b), count in tally.confusions.items() if b and a != b)
    if tally.letters["foreign"] > min(tally.n, _MAX_LOOKED_AT) / 2:
        yield f"Most references are in another script than {tally.language}: is the set's language right?"
    if n_told and n_wrong > _WRONG_LANGUAGE * n_told:
        yield "Most answers are in another language than the references say: is the set's language right?"


def _of_lengths(tally: Tally) -> Iterator[str]:
    if not tally.columns or tally.n_missing == tally.n:
        return
    total = tally.main.total
    if total.n_units < _MIN_UNITS:
        return
    ratio = (total.n_units - total.deletions + total.insertions) / total.n_units
    if total.deletions > _MANY_DELETIONS * max(total.n_errors, 1) and ratio < _SHORT:
        yield f"Answers have {ratio:.0%} of the references' length, and most errors are deletions: truncated?"
    elif ratio > _LONG:
        yield f"Answers have {ratio:.0%} of the references' length: loops, or more sound than text?"
    rate = total.rate or 0.0
    if rate > _BAD_RATE and total.substitutions > total.n_errors / 2:
        yield "Most units are substituted: is it another split, language or recording?"
    if _loses_long_clips(tally):
        yield "Clips of more than 30 s lose words: does the system read only 30 s?"


def _loses_long_clips(tally: Tally) -> bool:
    """Whether clips of more than 30 s lose far more words than shorter ones."""
    rows = tally.main.rows
    long_clips, short_clips = Counts(), Counts()
    for (kind, name), places in tally.groups.items():
        if kind == groups.LENGTH and name == groups.LONGEST:
            long_clips += groups.counts_at(rows, places)
        elif kind == groups.LENGTH:
            short_clips += groups.counts_at(rows, places)
    if long_clips.rate is None or short_clips.rate is None:
        return False
    is_worse = long_clips.rate > _JUMP * max(short_clips.rate, 0.01)
    return is_worse and long_clips.deletions > long_clips.n_errors / 2


def _of_texts(tally: Tally) -> Iterator[str]:
    """Warn where one side is normalized and the other is not, if the main normalizer keeps the difference."""
    if next(iter(tally.columns), ("", None))[0] != "none":
        digits = [tally.letters[f"{side} digit"] for side in ("reference", "answer")]
        if min(digits) == 0 and max(digits) > _MIN_SHARE * max(tally.letters["reference"], 1):
            side = "references" if digits[0] else "answers"
            yield f"Only the {side} have digits: see the figure with qasr+numbers."
        return
    for what in ("upper", "mark"):
        counts = [tally.letters[f"{side} {what}"] for side in ("reference", "answer")]
        if min(counts) == 0 and max(counts) > _MIN_SHARE * max(tally.letters["reference"], 1):
            name = "capital letters" if what == "upper" else "punctuation"
            yield f"One side has {name} and the other none, and no normalizer is used: one side normalized?"


def _of_normalizers(tally: Tally) -> Iterator[str]:
    """Warn where a normalizer does what its name hides."""
    used = {name for name, _ in tally.columns}
    damaging = [name for name in _DAMAGING if name in used and tally.letters["reference sign"]]
    if damaging and tally.language != "en":
        yield (
            f"{damaging[0]} takes vowel signs and tone marks out of words, as published: "
            "its rates are those of damaged words here."
        )
    if _ENGLISH_ONLY in used and tally.language not in {"en", ""}:
        yield (
            f"{_ENGLISH_ONLY} is a normalizer of English: it takes accents off letters and rewrites words; "
            "figures of other languages are not comparable."
        )
    if _RESPELLING in used and not tally.language:
        yield "The references' language is unknown, and numbers stay as they are: name it in the references."
    yield from _of_case(tally)


def _of_case(tally: Tally) -> Iterator[str]:
    """Warn where texts differ in how they are written, and not in what is said."""
    n_case = sum(n for (a, b), n in tally.substitutions.items() if a.casefold() == b.casefold())
    if n_case > _CASE_SHARE * max(tally.substitutions.total(), 1):
        yield f"{n_case} substitutions differ in capital letters only: see the figure with qasr."
    is_raw = tally.letters["reference upper"] or tally.letters["reference mark"]
    if "fleurs" in tally.set_name.lower() and is_raw:
        yield "These are FLEURS's raw transcriptions; published figures are of its normalized ones."
