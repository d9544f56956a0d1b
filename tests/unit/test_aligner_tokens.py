"""Aligner tokens and the characters that they come from."""

from __future__ import annotations

import pytest

from qasr_cli.speech.text import aligner_tokens


class TestAlignerTokens:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("yes—no", ["yes", "no"]),  # the models' own code glues these, and the second gets no time
            ("1990–1995 and/or well...maybe", ["1990", "1995", "and", "or", "well", "maybe"]),
            ("don’t l’homme rock’n’roll dogs’", ["don't", "l'homme", "rock'n'roll", "dogs"]),
            (
                "cafe\u0301 na\u00efve",
                ["caf\u00e9", "na\u00efve"],
            ),  # a mark of its own is an accent all the same
            ("\u1112\u1161\u11ab\u1100\u1173\u11af", ["한글"]),  # letter by letter
            ("OK。Python，３．５", ["OK", "Python", "３５"]),
        ],
    )
    def test_tokens_that_differ_from_the_models_own_code(self, text: str, expected: list[str]) -> None:
        assert [token.text for token in aligner_tokens.tokenize(text, "en")] == expected

    def test_a_token_has_its_characters(self) -> None:
        text = "“Cafe\u0301” don’t"
        spans = [(token.start, token.end) for token in aligner_tokens.tokenize(text, "fr")]
        assert [text[start:end] for start, end in spans] == ["Cafe\u0301", "don’t"]
