"""A script as words: every line comes back from its words."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from qasr_cli.speech.script import script


class TestScript:
    def test_lines_of_a_language_without_spaces(self) -> None:
        text = script.read(["你好。", "世界"], "zh")
        assert [word.lead for word in text.words] == ["", "", "", ""]
        assert "".join(word.text for word in text.words) == "你好。世界"

    @given(st.lists(st.text(" abc.,'", max_size=12), max_size=5))
    def test_every_line_comes_back_from_its_words(self, lines: list[str]) -> None:
        text = script.read(lines, "en")
        for number, line in enumerate(text.lines):
            line_words = [w for w, at in zip(text.words, text.line_of, strict=True) if at == number]
            assert "".join(word.lead + word.text for word in line_words).strip() == line
