"""Normalizers of other projects, by their own packages: whisper's two, and simplified Chinese by OpenCC.

In goes text; out comes what the packages give. All belong to the extra eval, and are imported when first
used.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from qasr_cli.errors import UnavailableError

_MAX_STEPS = 10  # two are known
_INSTALL = "pip install 'qasr[eval]'"


def version_of(package: str) -> str:
    """Return the version of a package; "" if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def require(module: str, package: str, normalizer: str) -> None:
    """Refuse a normalizer whose package is missing.

    Raises:
        UnavailableError: It is not installed; the hint says how to get it.
    """
    if find_spec(module) is None:
        raise UnavailableError(f"--normalizer {normalizer} needs {package}, which is not installed", _INSTALL)


@functools.cache
def _english() -> Callable[[str], str]:
    from whisper_normalizer.english import EnglishTextNormalizer

    normalize: Callable[[str], str] = EnglishTextNormalizer()
    return normalize


@functools.cache
def _basic() -> Callable[[str], str]:
    from whisper_normalizer.basic import BasicTextNormalizer

    normalize: Callable[[str], str] = BasicTextNormalizer()
    return normalize


def whisper_english(text: str, language: str | None) -> str:
    """Return whisper's normalization of English, whatever the language is.

    A word of thousands of digits breaks the package; such a text is only put in lower case.
    """
    del language
    try:
        return _english()(text)
    except (ArithmeticError, AssertionError, LookupError, ValueError):
        return text.lower()


def whisper_basic(text: str, language: str | None) -> str:
    """Return whisper's normalization of all other languages; it takes marks away that are letters' parts."""
    del language
    return _basic()(text)


def has_opencc() -> bool:
    """Whether OpenCC is installed."""
    return find_spec("opencc") is not None


@functools.cache
def _simplifier() -> Callable[[str], str]:
    import opencc

    convert: Callable[[str], str] = opencc.OpenCC("t2s").convert
    return convert


def simplified(text: str, language: str | None) -> str:
    """Return Mandarin in simplified characters, if OpenCC is installed; other languages as they are.

    The package simplifies words, and some in two steps (乾圖, 乾图, 干图): it is repeated.
    """
    if language != "zh" or not has_opencc():
        return text
    for _ in range(_MAX_STEPS):
        before, text = text, _simplifier()(text)
        if text == before:
            break
    return text
