"""Bytes of strangers on a Wyoming connection: an event, the end, or an error, and nothing else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qasr_cli.errors import UsageError
from qasr_cli.serving.wyoming_events import MAX_LINE_BYTES, Received, read_event

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_HEADS = st.dictionaries(st.sampled_from(["type", "data", "data_length", "payload_length"]), _VALUES)


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    """One event loop for all examples: making one takes longer than to read."""
    with asyncio.Runner() as runner:
        yield runner


def events_of(content: bytes, loop: asyncio.Runner) -> list[Received]:
    """Return all events in the bytes of a connection.

    Raises:
        UsageError: There is something else.
    """

    async def read_all() -> list[Received]:
        reader = asyncio.StreamReader(limit=MAX_LINE_BYTES)
        reader.feed_data(content)
        reader.feed_eof()
        events = []
        while (event := await read_event(reader)) is not None:
            events.append(event)
        return events

    return loop.run(read_all())


@given(st.binary(max_size=200) | st.builds(lambda head: json.dumps(head).encode() + b"\n{}\n", _HEADS))
def test_any_bytes_are_events_or_refused(loop: asyncio.Runner, content: bytes) -> None:
    try:
        events = events_of(content, loop)
    except UsageError:
        return
    assert all(isinstance(event.type, str) for event in events)


@given(
    st.lists(
        st.tuples(
            st.text(max_size=20),
            st.dictionaries(st.text(), st.integers() | st.text()),
            st.binary(max_size=50),
        ),
        max_size=4,
    )
)
def test_events_are_read_as_they_were_written(
    loop: asyncio.Runner, written: list[tuple[str, dict[str, int | str], bytes]]
) -> None:
    content = b""
    for kind, data, payload in written:
        fields = json.dumps(data).encode()
        head = {"type": kind, "data_length": len(fields), "payload_length": len(payload)}
        content += json.dumps(head).encode() + b"\n" + fields + payload
    assert [(one.type, one.data, one.payload) for one in events_of(content, loop)] == written


def test_data_of_the_line_and_behind_it_are_one(loop: asyncio.Runner) -> None:
    content = b'{"type": "x", "data": {"a": 1, "b": 1}, "data_length": 8}\n{"b": 2}'
    assert events_of(content, loop) == [Received("x", {"a": 1, "b": 2})]


def test_a_list_where_an_object_should_be_is_refused(loop: asyncio.Runner) -> None:
    with pytest.raises(UsageError, match="no JSON object"):
        events_of(b'{"type": "x", "data_length": 2}\n[]', loop)
