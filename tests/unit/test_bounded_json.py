"""Foreign JSON ends in values or in a ValueError, whatever is in it."""

from __future__ import annotations

import contextlib
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qasr_cli import bounded_json
from qasr_cli.bounded_json import MAX_DEPTH, DepthError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=20,
)


@given(VALUES)
def test_values_come_back(value: object) -> None:
    text = json.dumps(value)
    assert bounded_json.loads(text) == value
    assert bounded_json.loads(b"\xef\xbb\xbf" + text.encode()) == value


@pytest.mark.parametrize("pair", ["[]", '{"a":}', '["[",]', '["\\"[",]'])
def test_depth_is_limited_and_not_the_number_of_brackets(pair: str) -> None:
    begin, end = pair[:-1], pair[-1]
    inner = "1" if pair != "[]" else ""
    assert bounded_json.loads(begin * MAX_DEPTH + inner + end * MAX_DEPTH)
    for n_levels in (MAX_DEPTH + 1, 100_000):
        with pytest.raises(DepthError, match="more than 64 deep"):
            bounded_json.loads(begin * n_levels + inner + end * n_levels)
        with pytest.raises(DepthError):
            bounded_json.loads(begin * n_levels)
    assert bounded_json.loads("[" + ",".join(["[]"] * 1_000) + "]") == [[]] * 1_000


@given(st.text('[]{}",:\\0a \ud800', max_size=300) | st.binary(max_size=300))
def test_anything_else_is_a_value_error(content: str | bytes) -> None:
    with contextlib.suppress(ValueError):
        bounded_json.loads(content)


def test_a_number_of_thousands_of_digits_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="digits"):
        bounded_json.loads("9" * 5_000)


@pytest.mark.parametrize("worst", ['"', '\\"', '"\\"\\"', "[]", '[]"', "]", "\\"])
def test_time_grows_with_the_size_only(worst: str) -> None:
    begun_s = time.process_time()
    with pytest.raises(ValueError, match=r"Expecting|Extra|Unterminated|Invalid"):
        bounded_json.loads("[]" * MAX_DEPTH + '"' + worst * (1_000_000 // len(worst)))
    assert time.process_time() - begun_s < 2
