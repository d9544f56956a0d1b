"""Words that lean on the next one or hang on the one before, by language.

In goes a language code; out come its `FunctionWords`, by family in the modules of this folder. Japanese and
Korean have none: their particles are part of the word (`endings`).
"""

from __future__ import annotations

from qasr_cli.subtitles.rules.function_words import (
    austronesian,
    chinese,
    germanic,
    greek,
    indo_iranian,
    romance,
    semitic,
    slavic,
    thai,
    turkic,
    uralic,
    vietnamese,
)
from qasr_cli.subtitles.rules.function_words.kinds import FunctionWords, words

_FAMILIES = (
    *(austronesian, chinese, germanic, greek, indo_iranian, romance, semitic, slavic, thai, turkic, uralic),
    vietnamese,
)
_NONE = words()
_BY_CODE: dict[str, FunctionWords] = {
    code: known for family in _FAMILIES for code, known in family.WORDS.items()
}


def function_words(code: str) -> FunctionWords:
    """Return the function words of a language; of one that has none here, empty sets."""
    return _BY_CODE.get(code, _NONE)
