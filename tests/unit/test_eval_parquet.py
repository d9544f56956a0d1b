"""Parquet files as the hub has them: sound inside, parts and languages from names."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from qasr_cli.errors import UndecodableError
from qasr_cli.evaluation.references import opening
from qasr_cli.evaluation.utterances import AudioPart, Utterance
from qasr_cli.options import ReferenceOptions


def stored(path: Path, rows: list[dict[str, Any]], row_group: int = 2) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.Table.from_pylist(rows), path, row_group_size=row_group)
    return path


def sound(name: str, content: bytes = b"RIFF") -> dict[str, Any]:
    return {"bytes": content, "path": name}


def read(path: Path) -> list[Utterance]:
    found = opening.open_set(path, ReferenceOptions())
    assert found.layout == "parquet"
    return list(found)


def test_fleurs(tmp_path: Path) -> None:
    row = {"id": 9, "audio": sound("7.wav"), "transcription": "oo", "raw_transcription": "Oo.", "gender": 1}
    stored(tmp_path / "fil_ph/test-00000-of-00001.parquet", [row])
    stored(tmp_path / "fil_ph/train-00000-of-00001.parquet", [row])
    (one,) = read(tmp_path)
    audio = AudioPart(tmp_path / "fil_ph/7.wav", content=b"RIFF")
    assert one == Utterance("7", "fil_ph test", audio, "oo", language="fil")


def test_several_files_of_one_part_and_no_names(tmp_path: Path) -> None:
    for number in range(2):
        rows = [{"audio": {"bytes": b"x", "path": None}, "text": f"{number}-{row}"} for row in range(3)]
        stored(tmp_path / f"corpus/data/test-0000{number}-of-00002-{'ab' * 8}.parquet", rows)
    found = read(tmp_path / "corpus")
    assert [one.text for one in found] == ["0-0", "0-1", "0-2", "1-0", "1-1", "1-2"]
    assert {one.set_name for one in found} == {"corpus test"}


def test_speakers_labels_and_the_converted_layout(tmp_path: Path) -> None:
    row = {"id": "61-1", "audio": sound("61-1.flac"), "text": "GO", "speaker_id": 61, "accent": "us"}
    stored(tmp_path / "clean/test/0000.parquet", [row])
    (one,) = read(tmp_path)
    assert (one.id, one.speaker, one.labels, one.set_name) == ("61-1", "61", {"accent": "us"}, "clean test")


def test_an_empty_text_stays(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"audio": sound("a.wav"), "text": None},
        {"audio": sound("b.wav"), "text": "b"},
    ]
    stored(tmp_path / "d/test.parquet", rows)
    assert [one.text for one in read(tmp_path / "d")] == ["", "b"]


def test_sound_is_streamed(tmp_path: Path) -> None:
    content = hashlib.shake_128(b"noise").digest(1_000_000)  # it cannot be compressed
    rows = [{"audio": sound(f"{number}.wav", content + bytes([number])), "text": "x"} for number in range(60)]
    stored(tmp_path / "test.parquet", rows, row_group=4)
    before_bytes = pa.total_allocated_bytes()
    utterances = iter(opening.open_set(tmp_path / "test.parquet", ReferenceOptions()))
    first = next(utterances)
    assert first.audio is not None
    assert first.audio.content == content + b"\x00"
    assert pa.total_allocated_bytes() - before_bytes < 30_000_000


@pytest.mark.parametrize("rows", [[{"audio": sound("a.wav")}], [{"text": "a"}]])
def test_without_sound_or_text(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    stored(tmp_path / "test.parquet", rows)
    with pytest.raises(UndecodableError, match="no column audio, or none of"):
        read(tmp_path)


def test_damaged(tmp_path: Path) -> None:
    path = stored(tmp_path / "test.parquet", [{"audio": sound("a.wav"), "text": "a"}])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UndecodableError, match=r"test\.parquet: row 1"):
        read(tmp_path)
