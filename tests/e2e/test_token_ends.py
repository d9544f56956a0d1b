"""Ends of tokens in the text, by the demo recognizer's tokenizer, against decoding each begin."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qasr_cli.engines.layouts import Kind
from qasr_cli.engines.qwen3.answers import Answers
from qasr_cli.engines.qwen3.prompts import Prompts
from qasr_cli.engines.qwen3.token_ends import TokenEnds
from tests.demo_pair import opened

TOKENIZER = opened(Kind.RECOGNIZER).tokenizer
PIECES = ["the ", "안녕", " 하세요", "字", "👩\u200d👩\u200d👧", "é", "\u0301", "  ", "\n", "ท", "'s"]
TEXTS = st.one_of(
    st.text(max_size=30),
    st.lists(st.sampled_from(PIECES)).map("".join),
)


def expected(ids: list[int], text: str) -> tuple[int, ...]:
    """Return the whole characters of every begin: decoding it leaves marks in place of half ones."""
    n_before = len(text) - len(text.lstrip())
    ends = []
    for n in range(1, len(ids) + 1):
        begin = TOKENIZER.decode(ids[:n], skip_special_tokens=True)
        whole = begin if n == len(ids) else begin.rstrip("\ufffd")
        ends.append(min(max(len(whole) - n_before, 0), len(text.strip())))
    return tuple(ends)


@given(TEXTS.filter(lambda text: "\ufffd" not in text))
@example("  Good morning, 안녕하세요!  ")
@example("")
def test_a_token_ends_where_its_bytes_do(text: str) -> None:
    ids = TOKENIZER.encode(text, add_special_tokens=False)
    decoded = TOKENIZER.decode(ids, skip_special_tokens=True)
    assert TokenEnds(TOKENIZER).of(ids, decoded) == expected(ids, decoded)


@given(st.lists(st.integers(0, len(TOKENIZER) - 1), max_size=20))
def test_whatever_a_model_writes(ids: list[int]) -> None:
    """Half characters in any order: marks of replacement count as characters, and nothing falls."""
    decoded = TOKENIZER.decode(ids, skip_special_tokens=True)
    ends = TokenEnds(TOKENIZER).of(ids, decoded)
    assert len(ends) == len(ids)
    assert list(ends) == sorted(ends)
    assert not ends or ends[-1] == len(decoded.strip())


def test_other_text_has_no_ends() -> None:
    assert TokenEnds(TOKENIZER).of(TOKENIZER.encode("some words"), "other words") == ()


def test_a_language_tag_has_no_part_in_them() -> None:
    prompts = Prompts(TOKENIZER)
    tag = TOKENIZER.encode("language English", add_special_tokens=False)
    words = TOKENIZER.encode(" Good day.", add_special_tokens=False)
    ids = [*tag, prompts.text_marker, *words, prompts.stop_ids[0]]
    posteriors = [1 - 0.01 * n for n in range(len(ids))]
    found = Answers(TOKENIZER, prompts).parse(ids, None, posteriors)
    assert found.text == "Good day."
    assert found.token_ends[-1] == len(found.text)
    first = len(tag) + 1
    assert found.token_posteriors == pytest.approx(posteriors[first : first + len(words)])
    assert Answers(TOKENIZER, prompts).parse(ids, None).token_ends == ()
