"""JSON of other programs: segments, words with and without times, and the lines where they are."""

from __future__ import annotations

import json

import pytest

from qasr_cli.errors import UndecodableError
from qasr_cli.formats.readers import captions
from qasr_cli.formats.readers.caption_file import CaptionFile

Row = tuple[int, int, tuple[str, ...]]


def rows(file: CaptionFile) -> list[Row]:
    return [(one.start_ms, one.end_ms, one.lines) for one in file.captions]


WORDS = [
    {"word": " Hello", "start": 1.0, "end": 1.5, "probability": 0.9},
    {"word": " there.", "start": 1.6, "end": 2},
]


class TestJsonOfOthers:
    @pytest.mark.parametrize(
        "whole",
        [
            {"segments": [{"start": 1, "end": 2, "text": " Hello there.", "words": WORDS}], "language": "en"},
            [{"start": 1, "end": 2, "text": "Hello there."}],
            {"transcription": [{"offsets": {"from": 1000, "to": 2000}, "text": " Hello there."}]},
            {"chunks": [{"timestamp": [1.0, 2.0], "text": " Hello there."}]},
            {
                "chunks": [
                    {"timestamp": [1, 1.5], "text": " Hello"},
                    {"timestamp": [1.6, 2], "text": " there."},
                ]
            },
            {"words": WORDS, "language": "english"},
            {"segments": [], "words": WORDS},
            {
                "words": [
                    {"word": "Hello", "start": 1, "end": 1.5},
                    {"word": "there.", "start": 1.6, "end": 2},
                ]
            },
        ],
    )
    def test_each_program_is_read(self, whole: object) -> None:
        found = captions.parse(json.dumps(whole, indent=1))
        assert rows(found) == [(1_000, 2_000, ("Hello there.",))]
        assert found.segments[0].words[0].text.startswith("Hello")

    def test_words_without_segments_end_at_pauses_and_full_stops(self) -> None:
        times = (("One", 0, 0.4), ("two.", 0.5, 1), ("Three", 1.2, 1.5), ("four", 2.5, 3))
        words = [{"word": text, "start": start, "end": end} for text, start, end in times]
        found = captions.parse(json.dumps({"words": words}))
        assert [one.lines for one in found.captions] == [("One two.",), ("Three",), ("four",)]

    def test_words_keep_their_times_and_get_missing_ones(self) -> None:
        words = [
            {"word": "In", "start": 1, "end": 1.2, "score": 0.5},
            {"word": "2024"},
            {"word": "we", "start": 2, "end": 3},
        ]
        found = captions.parse(
            json.dumps({"segments": [{"start": 1, "end": 3, "text": "In 2024 we", "words": words}]})
        )
        (segment,) = found.segments
        assert [(word.text, word.start_ms, word.end_ms, word.timing.value) for word in segment.words] == [
            ("In", 1_000, 1_200, "aligned"),
            ("2024", 1_200, 2_000, "interpolated"),
            ("we", 2_000, 3_000, "aligned"),
        ]
        assert segment.words[0].confidence == 0.5

    def test_a_missing_time_of_a_segment_is_that_of_its_words_or_its_neighbour(self) -> None:
        words = [{"word": "b", "start": 3, "end": 4.5}]
        segments = [
            {"start": 1, "end": None, "text": "a"},
            {"start": None, "end": None, "text": "b", "words": words},
            {"start": None, "end": 7, "text": "c"},
            {"start": 8, "end": None, "text": "d"},
        ]
        found = captions.parse(json.dumps({"segments": segments}))
        assert [row[:2] for row in rows(found)] == [
            (1_000, 3_000),
            (3_000, 4_500),
            (4_500, 7_000),
            (8_000, 11_000),
        ]

    def test_captions_of_words_have_the_line_of_their_first_word(self) -> None:
        words = [{"word": text, "start": n, "end": n + 0.5} for n, text in enumerate(("a.", " ", "b", "c."))]
        text = '\n{"words": [\n' + ",\n".join(map(json.dumps, words)) + "\n]}"
        assert [one.line for one in captions.parse(text).captions] == [3, 5]

    @pytest.mark.parametrize("key", ["segments", "x"])
    def test_depth_and_numbers_have_limits(self, key: str) -> None:
        deep = f'{{"{key}":' + "[" * 100_000 + "]" * 100_000 + "}"
        with pytest.raises(UndecodableError, match="nested more than 64 deep"):
            captions.read(deep.encode(), "a.json")
        for number in ("1e400", "-1e400", "NaN", "1" + "0" * 400, "1" + "0" * 5_000, '"1"', "[]", "true"):
            text = f'{{"segments":[{{"start":{number},"end":2,"text":"a"}}]}}'
            with pytest.raises(UndecodableError):
                captions.read(text.encode(), "a.json")
