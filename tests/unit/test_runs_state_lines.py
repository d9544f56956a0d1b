"""Each line of a ledger or a checkpoint is checked: what no run writes is passed over, the others count."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from qasr_cli.records import Chunk, Finish, Hypothesis, Segment, Status, Word
from qasr_cli.runs.files.file_identity import Identity
from qasr_cli.runs.state import checkpoints, ledger
from qasr_cli.runs.state.ledger import LedgerEntry, LedgerOutput
from qasr_cli.speech.recognition.recognize import RecognizedChunk

MEDIA = Identity(5, 7, "ab")
ENTRY = LedgerEntry("a.mp4", 1_000.0, Status.DONE, MEDIA, "f" * 16, (LedgerOutput("a.srt", MEDIA),), "en")
CHUNK = Chunk(0, 0, 0, 900)
PIECE = RecognizedChunk(
    CHUNK,
    Hypothesis("Hi.", "English", Finish.COMPLETE, 2, (2, 3), (0.75, 1.0)),
    ("loop",),
    Segment(0, 900, "en", "Hi.", (Word("", "Hi.", 10, 500),)),
    {"letters_per_s": 2.5},
)


def state_of(folder: Path, *lines: bytes) -> Path:
    """Make a state folder with a ledger."""
    state = folder / ".qasr"
    state.mkdir(parents=True)
    (state / "ledger.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
    return state


class TestLedgerLines:
    """Each line is checked; the others count."""

    GOOD = json.loads(ledger.to_line(ENTRY))

    @pytest.mark.parametrize(
        "line",
        [
            b"[" * 100_000,
            b'{"a":' * 100_000,
            b"[]",
            b"null",
            b'"text"',
            b"\xff\xfe\x00",
            b"\0" * 50_000,
            b'{"schema": "qasr.ledger.v1", "at": "2026-01-01T00:00:00+00:00", "status": "done"}',
            b"{" + b" " * 2_000_000 + b"}",
        ],
        ids=lambda line: repr(line[:12]),
    )
    def test_what_is_no_entry(self, tmp_path: Path, caplog: pytest.LogCaptureFixture, line: bytes) -> None:
        good = ledger.to_line(ENTRY)
        state = state_of(tmp_path, good, line, line, good)
        assert ledger.load(state).entries == {"a.mp4": ENTRY}
        assert ledger.load(state).entries == {"a.mp4": ENTRY}
        assert [record.getMessage() for record in caplog.records] == [
            f"{state}/ledger.jsonl:2: 2 lines are damaged and passed over; qasr never writes such a line"
        ]

    @pytest.mark.parametrize(
        "wrong",
        [
            {"file": "\ud800.mp4"},
            {"reason": "\udfff\ud800"},
            {"warnings": ["\ud800"]},
            {"file": 5},
            {"file": None},
            {"file": ""},
            {"file": ["a.mp4"]},
            {"at": 5},
            {"at": "2026-01-01T00:00:00"},
            {"at": "0001-01-01T00:00:00+00:00"},
            {"at": "9999-12-31T23:59:59+00:00"},
            {"at": "1600-01-01T00:00:00+00:00"},
            {"status": "maybe"},
            {"status": []},
            {"media": 5},
            {"media": []},
            {"media": {"size_bytes": "5", "mtime_ns": 7, "digest": "ab"}},
            {"media": {"size_bytes": 10**30, "mtime_ns": 7, "digest": "ab"}},
            {"media": {"size_bytes": -1, "mtime_ns": 7, "digest": "ab"}},
            {"media": {"size_bytes": True, "mtime_ns": 7, "digest": "ab"}},
            {"media": {"size_bytes": 5, "mtime_ns": 7.5, "digest": "ab"}},
            {"media": {"size_bytes": 5, "mtime_ns": 7, "digest": None}},
            {"media": {"size_bytes": 5, "mtime_ns": 7}},
            {"outputs": {"path": "a"}},
            {"outputs": [5]},
            {"outputs": [{"path": "a.srt"}]},
            {"outputs": [{"path": 5, "identity": dataclasses.asdict(MEDIA)}]},
            {"audio_s": float("inf")},
            {"audio_s": float("nan")},
            {"audio_s": -1},
            {"audio_s": "1"},
            {"audio_s": 10**400},
            {"wall_s": True},
            {"warnings": "text"},
            {"warnings": [5]},
            {"reason": 5},
            {"next_step": {}},
            {"exit_code": 1.5},
            {"exit_code": -1},
            {"n_failures": 10**300},
            {"n_failures": float("inf")},
            {"fingerprint": []},
            {"language": 5},
            {"subtitles": "../../etc/passwd"},
            {"subtitles": "a\0b"},
        ],
        ids=repr,
    )
    def test_what_no_run_writes(self, wrong: dict[str, object]) -> None:
        with pytest.raises(ValueError, match=r"."):
            ledger.from_line(json.dumps(self.GOOD | wrong).encode())

    def test_what_a_later_version_may_add_is_ignored(self) -> None:
        assert ledger.from_line(json.dumps(self.GOOD | {"colour": {"deep": [[1]]}}).encode()) == ENTRY

    def test_a_number_beyond_all_floats(self) -> None:
        line = ledger.to_line(ENTRY).replace(b'"status"', b'"audio_s": 1e400, "status"')
        for number in (b"1e400", b"9" * 5_000):
            with pytest.raises(ValueError, match=r"."):
                ledger.from_line(line.replace(b"1e400", number))

    def test_of_a_key_that_is_there_twice_the_last_counts(self) -> None:
        line = ledger.to_line(ENTRY).replace(b'"status"', b'"status": 5, "status"')
        assert ledger.from_line(line) == ENTRY

    def test_what_a_kill_cut_off_is_expected(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        good = ledger.to_line(ENTRY)
        state = state_of(tmp_path, good, good[:50], b"", good[:5], good)
        assert ledger.load(state).entries == {"a.mp4": ENTRY}
        assert not caplog.records

    def test_a_line_longer_than_any_is_skipped_and_the_next_one_is_not(self, tmp_path: Path) -> None:
        good = ledger.to_line(ENTRY)
        state = state_of(tmp_path, b"x" * 3_500_000, good)
        assert ledger.load(state).entries == {"a.mp4": ENTRY}


class TestCheckpointLines:
    def written(self, folder: Path, *lines: bytes) -> checkpoints.Checkpoint:
        one = checkpoints.checkpoint(folder / ".qasr", "a.mp4", MEDIA, "f")
        one.path.parent.mkdir(parents=True, exist_ok=True)
        one.path.write_bytes(b"".join(line + b"\n" for line in (one.head, *lines)))
        return one

    def fields(self) -> dict[str, object]:
        fields: dict[str, object] = checkpoints._fields(PIECE)
        return fields

    @pytest.mark.parametrize(
        "wrong",
        [
            {"chunk": -1},
            {"chunk": 10**30},
            {"chunk": True},
            {"chunk": 0.0},
            {"chunk": "0"},
            {"span": [0]},
            {"span": [0, 900, 1]},
            {"answer": ["Hi.", "English", "complete"]},
            {"answer": [5, "English", "complete", 2]},
            {"answer": ["\ud800", "English", "complete", 2]},
            {"answer": ["Hi.", 5, "complete", 2]},
            {"answer": ["Hi.", "English", "sometime", 2]},
            {"answer": ["Hi.", "English", "complete", 1e400]},
            {"answer": ["Hi.", "English", "complete", -1]},
            {"answer": "abcd"},
            {"answer": ["Hi.", "English", "complete", 2, [3]]},
            {"answer": ["Hi.", "English", "complete", 2, [3, 2], [0.5, 0.5]]},
            {"answer": ["Hi.", "English", "complete", 2, [1, 4], [0.5, 0.5]]},
            {"answer": ["Hi.", "English", "complete", 2, [1, 3], [0.5]]},
            {"answer": ["Hi.", "English", "complete", 2, [1, 3], [0.5, 1.5]]},
            {"answer": ["Hi.", "English", "complete", 2, [1, True], [0.5, 0.5]]},
            {"detectors": []},
            {"detectors": {"letters": "many"}},
            {"detectors": {"letters": None}},
            {"flags": "loop"},
            {"flags": ["of-a-stranger"]},
            {"flags": [5]},
            {"segment": []},
            {"segment": {"text": "Hi."}},
        ],
        ids=repr,
    )
    def test_what_no_run_writes(self, tmp_path: Path, wrong: dict[str, object]) -> None:
        bad = json.dumps([self.fields() | wrong]).encode()
        assert self.written(tmp_path, bad).load([CHUNK]) == {}
        good = json.dumps([self.fields()]).encode()
        assert self.written(tmp_path, bad, good, bad).load([CHUNK]) == {0: PIECE}

    def test_what_an_older_version_wrote(self, tmp_path: Path) -> None:
        answer = ["Hi.", "English", "complete", 2]
        fields = {key: value for key, value in self.fields().items() if key != "detectors"}
        line = json.dumps([fields | {"answer": answer}]).encode()
        found = self.written(tmp_path, line).load([CHUNK])[0]
        assert found.hypothesis == Hypothesis("Hi.", "English", n_tokens=2)
        assert found.detectors == {}

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("language", "../../x"),
            ("language", "English"),
            ("start_ms", -5),
            ("end_ms", 901),
            ("end_ms", 10**12),
        ],
    )
    def test_segments_of_another_chunk(self, tmp_path: Path, key: str, value: object) -> None:
        fields = self.fields()
        assert isinstance(fields["segment"], dict)
        fields["segment"][key] = value
        assert self.written(tmp_path, json.dumps([fields]).encode()).load([CHUNK]) == {}

    @pytest.mark.parametrize("times", [(500, 10), (10, 901), (-1, 10)])
    def test_words_outside_of_their_chunk(self, tmp_path: Path, times: tuple[int, int]) -> None:
        fields = self.fields()
        assert isinstance(fields["segment"], dict)
        fields["segment"]["words"][0] |= {"start_ms": times[0], "end_ms": times[1]}
        assert self.written(tmp_path, json.dumps([fields]).encode()).load([CHUNK]) == {}

    @pytest.mark.parametrize("line", [b"[" * 100_000, b"[[" * 50_000 + b"]]" * 50_000, b"5", b"{}", b"\xff"])
    def test_what_is_no_batch(self, tmp_path: Path, line: bytes) -> None:
        good = json.dumps([self.fields()]).encode()
        found = self.written(tmp_path, line, good).load([CHUNK])
        assert found == {0: PIECE}
        assert found[0].hypothesis.token_posteriors == PIECE.hypothesis.token_posteriors  # not compared
