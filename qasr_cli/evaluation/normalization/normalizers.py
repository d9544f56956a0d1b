"""The table of normalizers.

In goes a name; out comes a list of steps with a version, which reports print. A normalizer is a function of
the text and its language alone, is applied to both sides, and changes nothing that it has given itself.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from qasr_cli.errors import UsageError
from qasr_cli.evaluation.normalization import foreign, numbers, steps

Step = Callable[[str, str | None], str]
_ENGLISH = "en"
_MAX_KEPT_CHARS = 1_000  # of a text: longer ones are rare, and would take much memory
_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Normalizer:
    """A named list of steps.

    Attributes:
        name: As `--normalizer` takes it.
        version: Changes with every change of its results; of a package's normalizer that of the package.
        described: Its steps for people.
        merges_compounds: "white paper" for "whitepaper" counts as right, as the Open ASR Leaderboard scores.
    """

    name: str
    version: str
    described: str
    steps: tuple[Step, ...]
    merges_compounds: bool = False

    def normalize(self, text: str, language: str | None) -> str:
        """Return a text as it is compared; lone surrogates, which no package takes, are replaced."""
        compute = _kept if len(text) <= _MAX_KEPT_CHARS else _normalized
        return compute(self.steps, text, language)


def _normalized(steps_: tuple[Step, ...], text: str, language: str | None) -> str:
    text = _SURROGATES.sub("\ufffd", text)
    for step in steps_:
        text = step(text, language)
    return text


# A reference comes back with each system: at the latest after a round of utterances.
_kept = functools.lru_cache(maxsize=2 * 4_096)(_normalized)


_PLAIN: tuple[Step, ...] = (
    steps.compatibility,
    steps.apostrophes,
    steps.lower,
    steps.punctuation,
    steps.blanks,
    foreign.simplified,  # last: it looks at words, in which there are no blanks now
)
_PLAIN_DESCRIBED = (
    "NFKC; digits 0 to 9; one apostrophe; lower case; punctuation and symbols out, but not inside numbers or "
    "words, nor % and currencies; marks kept; blanks out in zh, yue, ja, th{simplified}"
)


def get(name: str) -> Normalizer:
    """Return a normalizer.

    Raises:
        UsageError: There is none of this name.
        UnavailableError: It needs a package that is not installed.
    """
    simplified = "; Mandarin simplified (OpenCC)" if foreign.has_opencc() else ""
    plain = _PLAIN_DESCRIBED.format(simplified=simplified)
    packages = ["opencc"] if foreign.has_opencc() else []
    if name == "none":
        return Normalizer(name, "1", "nothing but single blanks", (_single_blanks,))
    if name == "qasr":
        return Normalizer(name, _version(packages), plain, _PLAIN)
    if name == "qasr+numbers":
        numbers.require()
        described = (
            f"{plain}; numbers as words (num2words; indic-numtowords in languages of India), in Chinese as "
            "digits and times such as 3:15 (cn2an); in English also ordinals, years, decades, percent, "
            "dollars, pounds and euros"
        )
        steps_ = (*_PLAIN, numbers.as_words, *_PLAIN)
        return Normalizer(
            name, _version([*packages, "num2words", "cn2an", "indic-numtowords"]), described, steps_
        )
    if name in {"whisper-en", "whisper-basic", "leaderboard"}:
        return _of_whisper(name)
    raise UsageError(f"--normalizer {name}: no such normalizer", flag="--normalizer")


def _version(packages: Sequence[str]) -> str:
    """Return the version of qasr's own steps, with those of the packages that they use."""
    return ", ".join(["1", *(f"{name} {foreign.version_of(name)}" for name in packages)])


def _of_whisper(name: str) -> Normalizer:
    foreign.require("whisper_normalizer", "whisper-normalizer", name)
    version = foreign.version_of("whisper-normalizer")
    if name == "whisper-en":
        return Normalizer(name, version, "whisper-normalizer's English", (foreign.whisper_english,))
    if name == "whisper-basic":
        described = "whisper-normalizer's basic; it takes marks out of Indic, Thai and Arabic words"
        return Normalizer(name, version, described, (foreign.whisper_basic,))
    foreign.require("kaldialign", "kaldialign", name)
    described = (
        "whisper-normalizer's English for en, its basic for others; compounds merged (kaldialign), as the "
        "Open ASR Leaderboard since 2026-07 but without its own tables of acronyms and names"
    )
    return Normalizer(name, version, described, (_leaderboard,), merges_compounds=True)


def _single_blanks(text: str, language: str | None) -> str:
    del language
    return " ".join(text.split())


def _leaderboard(text: str, language: str | None) -> str:
    normalize = foreign.whisper_english if language in {_ENGLISH, None} else foreign.whisper_basic
    return normalize(text, language)
