"""Events as lines of JSON: their schema, and readers that are older or newer than it."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from qasr_cli.formats.readers import transcript_json
from qasr_cli.live.outputs import event_lines
from qasr_cli.speech.streaming.events import Ended, Final
from tests.live_events import TALK, every_kind, final, segment
from tools.make_schema_page import SCHEMAS

SCHEMA = json.loads((SCHEMAS / "live.schema.json").read_text("utf-8"))


def complaints(value: Any) -> list[str]:
    return [error.message for error in Draft202012Validator(SCHEMA).iter_errors(value)]


def objects() -> list[Any]:
    return [json.loads(event_lines.line(event)) for event in every_kind()]


def test_every_event_keeps_the_schema_and_every_kind_is_in_it() -> None:
    values = objects()
    assert [complaint for value in values for complaint in complaints(value)] == []
    assert {value["type"] for value in values} == set(SCHEMA["$defs"])


def test_a_key_that_the_schema_lacks_and_a_value_that_is_none_are_found() -> None:
    for value in objects():
        assert complaints({**value, "surplus": 1})
        assert complaints({key: one for key, one in value.items() if key != "type"})


def test_the_segments_of_a_final_are_those_of_a_transcript() -> None:
    value = json.loads(event_lines.line(final(3, TALK[2])))
    assert [transcript_json.read_segment(one) for one in value["segments"]] == [segment(TALK[2])]


def test_a_reader_that_ignores_what_it_does_not_know_gets_the_text() -> None:
    lines = [event_lines.line(event) for event in every_kind()]
    lines.insert(3, '{"type": "of a later version", "utterance": 0}\n')
    texts = [value["text"] for value in map(json.loads, lines) if value["type"] == "final"]
    assert texts == [said.text for said in TALK]


@pytest.mark.parametrize("figure", [math.nan, math.inf])
def test_figures_that_are_no_numbers_are_left_out(figure: float) -> None:
    value = json.loads(event_lines.line(Ended(0, {"n_utterances": 0, "final_p95_ms": figure})))
    assert value["metrics"] == {"n_utterances": 0}


def test_a_final_without_words_has_no_segments() -> None:
    value = json.loads(event_lines.line(Final(1, 0, 400, ())))
    assert (value["segments"], value["text"]) == ([], "")
    assert complaints(value) == []
