"""State that somebody else wrote, through a shell: no exit code 70, nothing hangs, nothing is replaced."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from qasr_cli.options import Options
from qasr_cli.records import Status
from qasr_cli.runs.files.file_identity import identify
from qasr_cli.runs.state import ledger
from qasr_cli.runs.state.ledger import LedgerEntry, LedgerOutput
from tests.e2e.conftest import CLIP, ECHO, Qasr, copy_old

STRANGER = 12_345
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """A folder with a clip, whose ledger has it skipped."""
    folder = tmp_path / "films"
    (folder / ".qasr").mkdir(parents=True)
    media = copy_old(CLIP, folder / "a.wav")
    entry = LedgerEntry("a.wav", 5.0, Status.SKIPPED, identify(media), _fingerprint(), reason="because")
    (folder / ".qasr/ledger.jsonl").write_bytes(ledger.to_line(entry) + b"\n")
    return folder


def _fingerprint() -> str:
    options = Options()
    return replace(options, engine=replace(options.engine, engine=ECHO)).request_fingerprint()


def transcribe(qasr: Qasr, *arguments: object, **more: object) -> str:
    """Run over the folder and return stderr; nothing but success is expected."""
    done = qasr("transcribe", "films", "--engine", ECHO, *arguments, **more)
    assert done.returncode == 0, done.stderr
    return done.stderr


def damage(ledger_file: Path, how: str) -> None:
    """Put something else into the place of a ledger, or into it."""
    line = ledger_file.read_bytes()
    lines = {
        "brackets": b"[" * 100_000,
        "surrogate": line.replace(b"a.wav", b"\\ud800.wav").strip(),
        "infinity": line.replace(b'"status"', b'"audio_s": 1e400, "status"').strip(),
        "types": b'{"file": [], "at": {}, "status": 5, "outputs": 7}',
    }
    if how in lines:
        ledger_file.write_bytes(line + lines[how] + b"\n" + lines[how] + b"\n")
        return
    ledger_file.unlink()
    if how == "fifo":
        os.mkfifo(ledger_file)
    elif how == "device":
        ledger_file.symlink_to("/dev/zero")
    else:
        with ledger_file.open("wb") as file:
            file.truncate(3 * 1024**3)


@pytest.mark.parametrize("how", ["brackets", "surrogate", "infinity", "types"])
def test_damaged_lines_are_passed_over_with_one_warning(qasr: Qasr, films: Path, how: str) -> None:
    damage(films / ".qasr/ledger.jsonl", how)
    for arguments in (["--dry-run"], []):
        said = transcribe(qasr, *arguments)
        assert said.count("qasr: warning:") == 1, said
        assert "ledger.jsonl:2: 2 lines are damaged and passed over" in said
    assert not (films / "a.srt").exists()  # the good line counts
    shown = qasr("runs", "show", "films")
    assert (shown.returncode, shown.stdout.count("because")) == (0, 1)


@pytest.mark.parametrize("how", ["fifo", "device", "sparse"])
def test_what_is_no_ledger_is_passed_over(qasr: Qasr, films: Path, how: str) -> None:
    damage(films / ".qasr/ledger.jsonl", how)
    said = transcribe(qasr, "--dry-run")
    assert f"{films}/.qasr/ledger.jsonl: " in said
    assert "is passed over" in said
    transcribe(qasr)
    assert (films / "a.srt").exists()
    assert qasr("runs", "show", "films").returncode == 0


def test_a_state_folder_that_is_a_link_is_not_followed(qasr: Qasr, films: Path, tmp_path: Path) -> None:
    (films / ".qasr").rename(tmp_path / "elsewhere")
    (films / ".qasr").symlink_to(tmp_path / "elsewhere")
    said = transcribe(qasr)
    assert f"{films}/.qasr: is a link, so not from qasr" in said
    assert (films / "a.srt").exists()
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["ledger.jsonl"]
    assert qasr("runs", "show", "films").returncode == 66


@as_root
class TestStranger:
    def test_in_the_folder_itself(self, qasr: Qasr, films: Path) -> None:
        os.chown(films / ".qasr", STRANGER, STRANGER)
        (films / "a.srt").write_text("by hand\n")
        said = transcribe(qasr)
        assert f"{films}/.qasr: belongs to user {STRANGER}, so it does not count; --state DIR" in said
        assert (films / "a.srt").read_text() == "by hand\n"
        (films / "a.srt").unlink()
        transcribe(qasr)
        assert (films / "a.srt").exists()
        assert [path.name for path in (films / ".qasr").iterdir()] == ["ledger.jsonl"]
        shown = qasr("runs", "show", "films")
        assert shown.returncode == 66
        assert "does not count" in shown.stderr

    def test_state_can_be_kept_elsewhere(self, qasr: Qasr, films: Path, tmp_path: Path) -> None:
        os.chown(films / ".qasr", STRANGER, STRANGER)
        said = transcribe(qasr, "--state", tmp_path / "kept")
        assert "does not count" not in said
        assert len(ledger.load(tmp_path / "kept").entries) == 1

    def test_in_a_shared_folder_above(self, qasr: Qasr, films: Path, tmp_path: Path) -> None:
        (films / ".qasr").rename(tmp_path / ".qasr")
        entry = ledger.load(tmp_path / ".qasr").entries["a.wav"]
        by_hand = films / "a.srt"
        by_hand.write_text("by hand\n")
        written = identify(by_hand)
        assert written is not None
        lie = replace(
            entry,
            file="films/a.wav",
            status=Status.DONE,
            fingerprint="0" * 16,
            outputs=(LedgerOutput("films/a.srt", written),),
        )
        (tmp_path / ".qasr/ledger.jsonl").write_bytes(ledger.to_line(lie) + b"\n")
        (tmp_path / ".qasr").chmod(0o777)
        tmp_path.chmod(0o1777)
        would = qasr("transcribe", "films", "--engine", ECHO, "--dry-run")
        assert "would transcribe" in would.stdout  # as the user's own it counts
        os.chown(tmp_path / ".qasr", STRANGER, STRANGER)
        for arguments in (["--dry-run"], []):
            said = transcribe(qasr, *arguments)
            assert f"{tmp_path}/.qasr: belongs to user {STRANGER}" in said
        assert by_hand.read_text() == "by hand\n"
        assert sorted(path.name for path in (tmp_path / ".qasr").iterdir()) == ["ledger.jsonl"]
        assert (films / ".qasr/lock").exists()
