"""Where maps of confidences are kept, and what in such a file does not count."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qasr_cli.engines import confidence_files
from qasr_cli.engines.model_store import StoredModel
from qasr_cli.errors import CannotCreateError
from qasr_cli.speech.inference.confidence_map import UNFITTED, ConfidenceMap

MAP = ConfidenceMap(both=((0.1, 0.2), (0.9, 0.95)), tokens=((0.5, 0.4),), times=((0.3, 0.3),))


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data" / "qasr" / "confidence"


def model(folder: Path) -> StoredModel:
    folder.mkdir(parents=True, exist_ok=True)
    return StoredModel(folder, "mine/asr@0123", None)


def test_a_map_lies_beside_the_weights_of_the_users_own(tmp_path: Path, data: Path) -> None:
    mine = model(tmp_path / "mine")
    assert confidence_files.load(mine, "al@1") is UNFITTED
    path = confidence_files.store(mine, "al@1", MAP, {"n_words": 5})
    assert path == mine.folder / "confidence.json"
    assert json.loads(path.read_text("utf-8"))["n_words"] == 5
    assert confidence_files.load(mine, "al@1") == MAP
    assert not data.exists()
    assert [one.name for one in mine.folder.iterdir()] == ["confidence.json"]


def test_a_model_of_the_hub_has_its_map_among_qasrs_data(tmp_path: Path, data: Path) -> None:
    cached = model(tmp_path / "hub" / "models--mine" / "snapshots" / "0123")
    path = confidence_files.store(cached, "", MAP, {})
    assert path == data / "mine-asr@0123.json"
    assert list(cached.folder.iterdir()) == []
    assert confidence_files.load(cached, "") == MAP


def test_the_newest_map_counts(tmp_path: Path, data: Path) -> None:
    mine = model(tmp_path / "mine")
    data.mkdir(parents=True)
    old = {"schema": "qasr.confidence.v1", "model": mine.id, "aligner": "", "curves": {"both": [[0.5, 0.1]]}}
    (data / "mine-asr@0123.json").write_text(json.dumps(old))
    assert confidence_files.load(mine, "").both == ((0.5, 0.1),)
    confidence_files.store(mine, "", MAP, {})
    assert confidence_files.load(mine, "") == MAP


def test_with_another_aligner_only_the_tokens_curve_counts(tmp_path: Path) -> None:
    mine = model(tmp_path / "mine")
    confidence_files.store(mine, "al@1", MAP, {})
    assert confidence_files.load(mine, "al@2") == ConfidenceMap(tokens=MAP.tokens)


GOOD = {"schema": "qasr.confidence.v1", "model": "mine/asr@0123", "aligner": "", "curves": {}}


@pytest.mark.parametrize(
    "content",
    [
        b"", b"[" * 100_000, b"[]", b"\xff", b"{" + b" " * 200_000 + b"}",
        json.dumps(GOOD | {"schema": "v2"}).encode(),
        json.dumps(GOOD | {"model": "other@1"}).encode(),
        json.dumps(GOOD | {"curves": []}).encode(),
        json.dumps(GOOD | {"curves": {"both": 5}}).encode(),
        json.dumps(GOOD | {"curves": {"both": [[0.5, True]]}}).encode(),
        json.dumps(GOOD | {"curves": {"both": [[0.5, 0.9], [0.6, 0.8]]}}).encode(),
        json.dumps(GOOD | {"curves": {"both": [[0.5, 7]]}}).encode(),
        json.dumps(GOOD | {"curves": {"both": [[i / 2_000, 0.5] for i in range(1_001)]}}).encode(),
    ],
)  # fmt: skip
def test_what_does_not_count(tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    mine = model(tmp_path / "mine")
    (mine.folder / "confidence.json").write_bytes(content)
    assert confidence_files.load(mine, "") is UNFITTED
    assert "is no map of confidences for mine/asr@0123" in caplog.text


def test_a_folder_in_its_place_is_an_error(tmp_path: Path, data: Path) -> None:
    mine = model(tmp_path / "mine")
    for place in (mine.folder / "confidence.json", data / "mine-asr@0123.json"):
        (place / "x").mkdir(parents=True)
    with pytest.raises(CannotCreateError):
        confidence_files.store(mine, "", MAP, {})
    assert [one.name for one in mine.folder.iterdir()] == ["confidence.json"]
