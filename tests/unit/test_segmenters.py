"""Japanese and Korean cut by the taggers that the aligner was trained with, and without them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from qasr_cli.speech.text import aligner_tokens, display_words, segmenters
from qasr_cli.speech.text.segmenters import SegmentedWord, locate


@pytest.fixture
def unloaded() -> Iterator[None]:
    """Forgets which taggers are there, before and after."""
    for loader in (segmenters._japanese, segmenters._korean):
        loader.cache_clear()
    yield
    for loader in (segmenters._japanese, segmenters._korean):
        loader.cache_clear()


@pytest.mark.usefixtures("unloaded")
@pytest.mark.parametrize(
    ("package", "language", "text", "expected"),
    [
        ("nagisa", "ja", "東京へ、行く", ["東", "京", "へ", "行", "く"]),
        ("soynlp", "ko", "학교에서 43,000원", ["학교에서", "43000원"]),
    ],
)
def test_without_the_package_text_is_cut_without_it(
    monkeypatch: pytest.MonkeyPatch, package: str, language: str, text: str, expected: list[str]
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)  # importing it now fails, installed or not
    assert segmenters.segment(text, language) is None
    assert [unit.text for unit in aligner_tokens.tokenize(text, language)] == expected


@pytest.mark.usefixtures("unloaded")
class TestJapanese:
    def test_units_are_nagisa_s_words(self) -> None:
        pytest.importorskip("nagisa", reason="needs the extra: pip install 'qasr[ja]'")
        assert [unit.text for unit in aligner_tokens.tokenize("東京タワーへ、行く。", "ja")] == [
            *("東京", "タワー", "へ", "行く"),
        ]

    def test_every_character_stays_where_it_was(self) -> None:
        pytest.importorskip("nagisa", reason="needs the extra: pip install 'qasr[ja]'")
        text = "ｶﾞｽは３．５％です。㍿の「e-mail」を—見た　か\u3099"
        shown = display_words.split(text, "ja")
        assert "".join(word.lead + word.text for word in shown) == text
        found = aligner_tokens.tokenize(text, "ja")
        assert next(unit for unit in found if unit.text == "ガス") == aligner_tokens.AlignerToken(
            "ガス", 0, 3
        )
        assert next(unit for unit in found if unit.text == "株式会社").start == text.index("㍿")


@pytest.mark.usefixtures("unloaded")
class TestKorean:
    TEXT = "학교에서 친구를 만났습니다."

    def test_without_scores_soynlp_cuts_at_spaces(self, monkeypatch: pytest.MonkeyPatch) -> None:
        pytest.importorskip("soynlp", reason="needs the extra: pip install 'qasr[ko]'")
        monkeypatch.setattr(segmenters, "korean_scores", dict)
        assert [unit.text for unit in aligner_tokens.tokenize(self.TEXT, "ko")] == [
            "학교에서",
            "친구를",
            "만났습니다",
        ]

    def test_with_scores_endings_are_units_of_their_own(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        pytest.importorskip("soynlp", reason="needs the extra: pip install 'qasr[ko]'")
        scores = tmp_path / "words.dict"
        scores.write_text("학교 12 NNG\n친구\n\n만났 3\n", "utf-8")
        monkeypatch.setenv("QASR_KOREAN_DICT", str(scores))
        found = aligner_tokens.tokenize(self.TEXT, "ko")
        assert [unit.text for unit in found] == ["학교", "에서", "친구", "를", "만났", "습니다"]
        assert [word.tokens for word in display_words.split(self.TEXT, "ko")] == [
            *(("학교", "에서"), ("친구", "를"), ("만났", "습니다")),
        ]

    def test_no_dictionary_is_no_error(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("QASR_KOREAN_DICT", str(tmp_path / "gone"))
        assert segmenters.korean_scores() == {}


class TestLocate:
    def test_words_are_found_in_what_was_normalised(self) -> None:
        assert locate(["ガス", "\u3000", "3.5"], "ｶﾞｽ　３．５", "NFKC") == [
            SegmentedWord("ガス", 0, 3),
            SegmentedWord("3.5", 4, 7),
        ]

    def test_words_that_share_a_character_are_one(self) -> None:
        assert locate(["株式", "会社", "だ"], "㍿だ", "NFKC") == [
            SegmentedWord("株式会社", 0, 1),
            SegmentedWord("だ", 1, 2),
        ]

    def test_a_tagger_that_says_another_thing_is_not_believed(self) -> None:
        assert locate(["東京", "都"], "東京", "NFKC") is None
        assert locate([], "", "NFKC") == []
