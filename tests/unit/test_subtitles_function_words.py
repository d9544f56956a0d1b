"""The data of function words: every table is used, and a misspelt kind is refused, not passed over."""

from __future__ import annotations

import pytest

from qasr_cli import languages
from qasr_cli.subtitles.rules import function_words as rules
from qasr_cli.subtitles.rules.function_words import FunctionWords, function_words


def test_every_table_is_of_a_language_that_qasr_knows() -> None:
    assert set(rules._tables()) <= {known.code for known in languages.LANGUAGES}


def test_languages_without_a_table_have_none() -> None:
    assert function_words("ja") == function_words("ko") == FunctionWords()


def test_chinese_demonstratives_lean_with_each_measure_word() -> None:
    assert {"这", "个", "这个", "那位", "幾次"} <= function_words("zh").leaning
    assert "嗰個" in function_words("yue").leaning


def test_a_kind_that_does_not_exist_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "_tables", lambda: {"xx": {"praepositions": "in on"}})
    with pytest.raises(ValueError, match="praepositions"):
        function_words("xx")
    function_words.cache_clear()
