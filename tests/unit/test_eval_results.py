"""results.jsonl: its lines, damaged and foreign files, and that a failed run leaves the earlier one."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import pytest

from qasr_cli.errors import CannotCreateError, InputOutputError, NoInputError, QasrError, UndecodableError
from qasr_cli.evaluation import results
from qasr_cli.evaluation.figures import Counts, Edit, Operation, Unit
from qasr_cli.evaluation.tally import Scored
from qasr_cli.evaluation.utterances import Answer, AudioPart, Pair, TimedWord, Utterance

PAIR = Pair(
    "qasr",
    Utterance("u-1", "own", AudioPart(Path("a.wav")), "the colour is red", words=(TimedWord("the", 0, 90),)),
    Answer("um the color red"),
)
EDITS = (
    Edit(Operation.INSERTION, "", "um"),
    Edit(Operation.EQUAL, "the", "the"),
    Edit(Operation.SUBSTITUTION, "colour", "color"),
    Edit(Operation.DELETION, "is", ""),
    Edit(Operation.EQUAL, "red", "red"),
)
SCORED = Scored("none", {Unit.WORD: Counts(4, 1, 1, 1)}, PAIR.utterance.text, "um the color red", EDITS)
LINE = {
    "id": "u-1",
    "set": "own",
    "system": "qasr",
    "reference": {
        "audio": {"path": "a.wav"},
        "text": "the colour is red",
        "words": [{"text": "the", "start_ms": 0, "end_ms": 90}],
    },
    "hypothesis": {"text": "um the color red"},
    "scores": [
        {
            "normalizer": "none",
            "reference": "the colour is red",
            "hypothesis": "um the color red",
            "counts": {"WER": {"n_units": 4, "n_substitutions": 1, "n_deletions": 1, "n_insertions": 1}},
            "edits": [["I", "um"], ["=", 1], ["S", "colour", "color"], ["D", "is"], ["=", 1]],
        }
    ],
}
HEAD = {"schema": "qasr.eval.v1", "facts": {"seed": "1"}}


def reference(**values: Any) -> dict[str, Any]:
    return {**LINE, "reference": {"text": "", **values}}


def answer(wall_s: float) -> dict[str, Any]:
    return {**LINE, "hypothesis": {"text": "", "wall_s": wall_s}}


def file_of(folder: Path, *lines: Any) -> Path:
    """Write lines, as JSON unless they are bytes, and return the file."""
    path = folder / "results.jsonl"
    texts = (line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines)
    path.write_bytes(b"".join(texts))
    return path


def message_of(path: Path) -> str:
    with pytest.raises(UndecodableError) as caught:
        list(results.read_pairs(path))
    assert caught.value.path == path
    assert caught.value.hint
    return caught.value.reason


def test_a_line_is_what_the_reference_says(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    with results.writing(path, {"seed": "1"}) as writer:
        writer.add(PAIR, [SCORED])
    assert [json.loads(line) for line in path.read_text("utf-8").splitlines()] == [HEAD, LINE]


def test_unknown_keys_of_a_later_version_are_ignored(tmp_path: Path) -> None:
    line = {**LINE, "new": 1, "reference": {**LINE["reference"], "new": [1]}}  # type: ignore[dict-item]
    assert list(results.read_pairs(file_of(tmp_path, {**HEAD, "new": {}}, line))) == [PAIR]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ((), "is no JSON object"),
        ((b"RIFF\xff\xfe",), "is no JSON object"),
        ((b"[" * 100_000,), "is no JSON object"),
        (({"schema": "qasr.v1"},), "its schema is 'qasr.v1', and qasr.eval.v1 is expected"),
        (({"facts": {}},), "it names no schema, and qasr.eval.v1 is expected"),
        (({**HEAD, "facts": {"seed": 1}},), "line 1: facts.seed must be a text"),
        ((HEAD, LINE, b'{"id": "u'), "line 3 is damaged"),
        ((HEAD, b"7\n"), "line 2 is no JSON object"),
        ((HEAD, {**LINE, "id": 7}), "line 2: id must be a text"),
        ((HEAD, {"id": "", "set": "", "system": ""}), "line 2: reference must be an object"),
        ((HEAD, {**LINE, "reference": {}}), "line 2: reference has no text"),
        ((HEAD, {**LINE, "hypothesis": []}), "line 2: hypothesis must be an object"),
        (
            (HEAD, reference(words=[{"text": "a", "start_ms": True, "end_ms": 1}])),
            "line 2: reference.words[0].start_ms must be a whole number",
        ),
        (
            (HEAD, reference(audio={"path": "a", "encoding": "mp3"})),
            "line 2: reference.audio.encoding must be one of media, s16le-16k",
        ),
        (
            (HEAD, reference(audio={"path": "a", "span": {"start_ms": 5, "end_ms": 5}})),
            "line 2: reference.audio.span is not possible",
        ),
        ((HEAD, answer(math.inf)), "line 2: hypothesis.wall_s must be a finite number"),
        ((HEAD, answer(10**400)), "line 2: hypothesis.wall_s must be a finite number"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path: Path, lines: tuple[Any, ...], message: str) -> None:
    assert message_of(file_of(tmp_path, *lines)).startswith(message)


def test_what_is_wrong_with_published_figures_is_named(tmp_path: Path) -> None:
    path = file_of(tmp_path, HEAD, LINE, b'{"published":[{"table":"English"}]}\n')
    with pytest.raises(UndecodableError) as caught:
        results.read_published(path)
    assert caught.value.reason == "line 3: published[0] has no set_name"


def test_a_line_without_an_end_is_not_read_whole(tmp_path: Path) -> None:
    path = file_of(tmp_path, HEAD)
    os.truncate(path, 200_000_000)  # a hole: no bytes on the disk
    assert message_of(path) == "line 2 is longer than 128 MB"


def test_there_is_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(NoInputError):
        results.read_head(tmp_path / "results.jsonl")


def test_a_folder_or_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(QasrError):
            results.read_head(path)


def test_a_run_that_fails_leaves_the_earlier_file(tmp_path: Path) -> None:
    path = file_of(tmp_path, HEAD, LINE)
    before = path.read_bytes()

    def write_half() -> None:
        with results.writing(path, {}) as writer:
            writer.add(PAIR, [])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_full_disk_is_told_with_its_file(tmp_path: Path) -> None:
    file = open("/dev/full", "wb", buffering=0)  # noqa: PTH123, SIM115 - a device, which fails at each write
    with file, pytest.raises(InputOutputError) as caught:
        results.ResultWriter(tmp_path / "results.jsonl", file, results.Head({}))
    assert str(caught.value).startswith(f"writing {tmp_path}/results.jsonl: No space left")


def test_a_folder_that_is_missing_is_an_error_of_the_place(tmp_path: Path) -> None:
    with pytest.raises(CannotCreateError), results.writing(tmp_path / "none" / "results.jsonl", {}):
        pass


def test_a_number_that_is_not_finite_is_unknown(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    with results.writing(path, {}) as writer:
        writer.add(Pair("a", PAIR.utterance, Answer("", wall_s=math.nan)), [])
    [pair] = results.read_pairs(path)
    assert pair.answer == Answer("")


def test_embedded_sound_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    sound = AudioPart(Path("in.parquet/1.wav"), content=b"RIFF")
    with results.writing(path, {}) as writer:
        writer.add(Pair("a", Utterance("1", "own", sound, "text"), None), [])
    assert b"RIFF" not in path.read_bytes()
    [pair] = results.read_pairs(path)
    assert pair.utterance.audio == AudioPart(sound.path)
