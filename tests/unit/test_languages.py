"""Languages by every spelling, and where their texts join."""

from __future__ import annotations

import pytest

from qasr_cli import languages
from qasr_cli.errors import (
    UsageError,
)


class TestLanguages:
    def test_there_are_thirty_and_eleven_are_aligned(self) -> None:
        assert len(languages.LANGUAGES) == 30
        assert sum(language.is_aligned for language in languages.LANGUAGES) == 11
        assert len({language.code for language in languages.LANGUAGES}) == 30

    @pytest.mark.parametrize(
        ("spelling", "code"),
        [
            *(("en", "en"), ("EN-us", "en"), ("pt_BR", "pt"), ("eng", "en"), ("Korean", "ko"), ("ger", "de")),
            *(("zh-Hant-TW", "zh"), ("cmn", "zh"), ("tl", "fil"), ("CANTONESE", "yue"), (" fr ", "fr")),
        ],
    )
    def test_every_usual_spelling_is_understood(self, spelling: str, code: str) -> None:
        language = languages.parse(spelling)
        assert language is not None
        assert language.code == code

    @pytest.mark.parametrize("spelling", ["auto", "AUTO", "", "None"])
    def test_auto_is_no_language(self, spelling: str) -> None:
        assert languages.parse(spelling) is None

    def test_a_wrong_one_names_the_nearest(self) -> None:
        with pytest.raises(UsageError) as caught:
            languages.parse("Germn")
        assert "did you mean German (de)?" in caught.value.hint


class TestSeams:
    @pytest.mark.parametrize(
        ("before", "after", "between"),
        [
            ("Hello.", "World", " "),
            ("안녕하세요.", "여러분", " "),
            ("你好。", "再见", ""),
            ("です", "ABC", ""),
            ("OK", "東京", ""),
            ("สวัสดี", "ครับ", ""),
            ("OK。", "yes", ""),
            ("2026", "5", " "),
            ("", "a", ""),
        ],
    )
    def test_texts_are_joined_as_their_scripts_want_it(self, before: str, after: str, between: str) -> None:
        assert languages.joint(before, after) == between
