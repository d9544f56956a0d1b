"""Languages by every spelling, and where their texts join."""

from __future__ import annotations

import pytest

from qasr_cli import languages
from qasr_cli.errors import (
    UsageError,
)


class TestLanguages:
    def test_there_are_thirty_with_rules_of_their_own(self) -> None:
        assert len({language.code for language in languages.LANGUAGES}) == 30

    @pytest.mark.parametrize(
        ("spelling", "code", "name", "scripts"),
        [
            ("ukr", "uk", "Ukrainian", ("CYRILLIC",)),
            ("he-IL", "he", "Hebrew", ("HEBREW",)),
            ("wel", "cy", "Welsh", ("LATIN",)),
            ("norwegian bokmål", "nb", "Norwegian Bokmål", ("LATIN",)),
            ("Serbian", "sr", "Serbian", ("CYRILLIC", "LATIN")),
        ],
    )
    def test_the_rest_of_iso_639_is_known_by_name(
        self, spelling: str, code: str, name: str, scripts: tuple[str, ...]
    ) -> None:
        language = languages.find(spelling)
        assert language is not None
        assert (language.code, language.name, language.scripts) == (code, name, scripts)
        assert languages.find_covered(spelling) is None

    def test_every_language_has_two_codes_and_a_name_of_its_own(self) -> None:
        every = set(languages._BY_SPELLING.values())
        assert len(every) > 170
        assert len({language.code for language in every}) == len(every)
        assert len({language.code3 for language in every}) == len(every)
        assert all(len(language.code3) == 3 and language.name[0].isupper() for language in every)
        letters = {
            "ARABIC": "ا",
            "CYRILLIC": "д",
            "GEORGIAN": "ა",
            "MYANMAR": "က",
            "GURMUKHI": "ਕ",
            "ORIYA": "କ",
        }
        for script, letter in letters.items():
            assert languages.script(letter) == script

    def test_a_word_in_a_file_s_name_is_seldom_a_language(self) -> None:
        assert languages.find("is") is not None
        assert languages.find_covered("is") is None

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
