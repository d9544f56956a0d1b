"""Random and mutated ledgers and checkpoints are read without an exception, and what is read can be used."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qasr_cli.cli import runs as runs_command
from qasr_cli.records import Chunk, Finish, Hypothesis, Segment, Status, Word
from qasr_cli.runs.files.file_identity import Identity
from qasr_cli.runs.state import backoff, checkpoints, ledger
from qasr_cli.runs.state.ledger import LedgerEntry, LedgerOutput
from qasr_cli.speech.recognition.recognize import RecognizedChunk

MEDIA = Identity(5, 7, "ab")
ENTRY = LedgerEntry(
    "sub/a.mp4", 1_000.0, Status.FAILED, MEDIA, "f" * 16, (LedgerOutput("a.srt", MEDIA),), "en", 1.5, 0.25,
    ("warned",), "why", "what next", 65, 3, "sub/a.en.srt",
)  # fmt: skip
CHUNK = Chunk(0, 0, 0, 900)
PIECE = RecognizedChunk(
    CHUNK,
    Hypothesis("Hi.", "English", Finish.COMPLETE, 2),
    ("loop",),
    Segment(0, 900, "en", "Hi.", (Word("", "Hi.", 10, 500),)),
)
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from([2**64, 1e308 * 10, -1, "\ud800", "\0", "../x", "9999-12-31T23:59:59+00:00", "done"])
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def _places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the path of every value inside a value."""
    inner: list[tuple[str | int, ...]] = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in items:
        inner += _places(part, (*path, key))
    return inner


@st.composite
def mutated(draw: st.DrawFn, line: bytes) -> bytes:
    """Return a line with a value exchanged or removed, or with other bytes in it."""
    if draw(st.booleans()):
        place, cut = draw(st.integers(0, len(line))), draw(st.integers(0, 9))
        return line[:place] + draw(st.binary(max_size=9)) + line[place + cut :]
    whole = json.loads(line)
    for path in draw(st.lists(st.sampled_from(_places(whole)), min_size=1, max_size=3)):
        inner = whole
        try:
            for key in path[:-1]:
                inner = inner[key]
            inner[path[-1]] = draw(VALUES)
        except (LookupError, TypeError):  # went with an earlier exchange
            continue
    return json.dumps(whole, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")


@given(st.lists(mutated(ledger.to_line(ENTRY)) | st.binary(max_size=60), min_size=1, max_size=5))
def test_ledger_lines(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    folder = tmp_path_factory.mktemp("state")
    (folder / "ledger.jsonl").write_bytes(b"\n".join([*lines, b"", ledger.to_line(ENTRY)]))
    entries = ledger.load(folder).entries
    assert entries[ENTRY.file] == ENTRY
    for entry in entries.values():
        again = ledger.from_line(ledger.to_line(entry))
        assert again is not None
        assert replace(again, at_s=entry.at_s) == entry
        assert runs_command._line(entry).encode()
        assert backoff.is_waiting(entry.at_s, entry.n_failures, 2, 1e9) in (True, False)
        assert backoff.in_words(backoff.next_try_s(entry.at_s, entry.n_failures, 2))


@given(
    st.lists(mutated(json.dumps([checkpoints._fields(PIECE)]).encode()) | st.binary(max_size=60), max_size=5)
)
def test_checkpoint_lines(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    one = checkpoints.checkpoint(tmp_path_factory.mktemp("root") / ".qasr", "a.mp4", MEDIA, "f")
    one.add([PIECE])
    with one.path.open("ab") as file:
        file.write(b"".join(line.replace(b"\n", b"") + b"\n" for line in lines))
    for recognized in one.load([CHUNK]).values():
        assert recognized.chunk == CHUNK
        again = json.dumps(checkpoints._fields(recognized), ensure_ascii=False).encode()
        assert checkpoints._from_fields(json.loads(again), [CHUNK]) == recognized
