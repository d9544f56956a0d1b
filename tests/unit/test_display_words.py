"""Display words: every character of the text stays."""

from __future__ import annotations

import pytest

from qasr_cli.speech.text import display_words


class TestDisplayWords:
    @pytest.mark.parametrize(
        ("text", "language", "shown"),
        [
            ("Yes, 3.5% — that's it.", "en", ["Yes,", " 3.5% —", " that's", " it."]),
            ("— Oh! —", "fr", ["— Oh! —"]),
            ("¿Qué? “So.”", "es", ["¿Qué?", " “So.”"]),
            ("我们说「好」。", "zh", ["我", "们", "说", "「好」。"]),
            ("我用Python 3写。", "zh", ["我", "用", "Python", " 3", "写。"]),
            ("안녕하세요, 여러분.", "ko", ["안녕하세요,", " 여러분."]),
            ("So yes—no, or “yes”--“no”.", "en", ["So", " yes—", "no,", " or", " “yes”--", "“no”."]),
            (
                "Wait—” he said — 1990–1995 and/or",
                "en",
                ["Wait—”", " he", " said —", " 1990–1995", " and/or"],
            ),
            ("₩43,000 is 3.5%…", "en", ["₩43,000", " is", " 3.5%…"]),
            ("हिन्दी में। Привет!", "hi", ["हिन्दी", " में।", " Привет!"]),
            ("...", "en", ["..."]),
        ],
    )
    def test_display_words_keep_every_mark(self, text: str, language: str, shown: list[str]) -> None:
        assert [word.lead + word.text for word in display_words.split(text, language)] == shown
