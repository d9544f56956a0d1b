"""Accuracy of language detection.

In go the reference's and the detected codes; out come figures. Dialects count as their language (`zh` for all
of Mandarin), Cantonese apart; an answer without a language is wrong, and counted apart.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Mapping

from qasr_cli import languages
from qasr_cli.evaluation.figures import LanguageFigures, SetFigures

# Sinitic languages that models have no code of their own for; Cantonese has one
_CHINESE = dict.fromkeys(("nan", "wuu", "hak", "hsn", "gan", "cjy", "cdo", "mnp", "cpx", "czh", "czo"), "zh")


@functools.lru_cache(maxsize=4_096)
def code(spelling: str | None) -> str:
    """Return the code under which a language is counted: `zh` for `cmn_hans_cn`; "" for none."""
    if not spelling:
        return ""
    found = languages.find(spelling)
    plain = found.code if found else spelling.strip().lower()
    return _CHINESE.get(plain, plain)


def by_system(sets: Iterable[SetFigures]) -> dict[str, Counter[tuple[str, str]]]:
    """Return each system's confusions of all sets together."""
    sums: dict[str, Counter[tuple[str, str]]] = {}
    for one in sets:
        if one.lid is not None:
            sums.setdefault(one.system, Counter()).update(dict(one.lid.confusions))
    return sums


def figures(confusions: Mapping[tuple[str, str], int]) -> LanguageFigures | None:
    """Return the figures of counts by (reference, detected); None without any."""
    n = sum(confusions.values())
    if not n:
        return None
    by_language: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for (reference, detected), number in confusions.items():
        by_language[reference] += number
        right[reference] += number if reference == detected else 0
    shares = [right[code] / number for code, number in by_language.items()]
    return LanguageFigures(
        n=n,
        n_right=right.total(),
        n_none=sum(number for (_, detected), number in confusions.items() if not detected),
        macro=sum(shares) / len(shares),
        confusions=dict(sorted(confusions.items())),
    )
