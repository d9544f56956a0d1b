"""Samples on disk and media from stdin: whole, or one clear error; no ffmpeg needed."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from qasr_cli.errors import CannotCreateError, InputOutputError, NoInputError, UndecodableError
from qasr_cli.media.spool import spool_stdin
from qasr_cli.media.waveform import WaveformWriter


@pytest.fixture
def full(tmp_path: Path) -> Path:
    """Return a path on a full disk."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this system")
    path = tmp_path / "full"
    path.symlink_to("/dev/full")
    return path


def write(path: Path, n_samples: int, interrupt: type[BaseException] | None = None) -> None:
    with WaveformWriter(path) as writer:
        writer.append(np.zeros(n_samples, dtype=np.int16))
        if interrupt:
            raise interrupt
        writer.close()


@pytest.mark.parametrize("n_samples", [10, 100_000])  # one fits into any buffer, the other into none
def test_a_full_disk_is_one_clear_error(full: Path, n_samples: int) -> None:
    with pytest.raises(InputOutputError, match="No space left"):
        write(full, n_samples)
    assert not full.is_symlink()


def test_a_full_disk_does_not_hide_what_else_went_wrong(full: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        write(full, 10, KeyboardInterrupt)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(CannotCreateError), WaveformWriter(tmp_path / "gone" / "waveform"):
        pass


def test_a_waveform_reads_back_what_was_appended(tmp_path: Path) -> None:
    samples = np.arange(-5000, 5000, dtype=np.int16)
    with WaveformWriter(tmp_path / "waveform") as writer:
        for block in np.array_split(samples, 7):
            writer.append(block)
        waveform = writer.close()
    assert (waveform.n_samples, waveform.duration_ms) == (10_000, 625)
    assert np.array_equal(waveform.read(0, 625) * 32768, samples)


def piped(content: bytes) -> int:
    """Return the reading end of a pipe that holds `content`, which must fit into it."""
    reader, writer = os.pipe()
    os.write(writer, content)
    os.close(writer)
    return reader


def test_stdin_without_a_byte_is_no_input(tmp_path: Path) -> None:
    with pytest.raises(NoInputError, match="no data"):
        spool_stdin(piped(b""), tmp_path)


def test_stdin_without_an_end_is_refused(tmp_path: Path) -> None:
    assert spool_stdin(piped(b"x" * 1000), tmp_path, max_bytes=1000).stat().st_size == 1000
    with pytest.raises(UndecodableError, match=r"over 1,000 bytes"):
        spool_stdin(piped(b"x" * 1001), tmp_path, max_bytes=1000)


def test_stdin_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    with pytest.raises(InputOutputError, match="reading stdin: Is a directory"):
        spool_stdin(folder, tmp_path)
    os.close(folder)


def test_a_full_disk_ends_the_spooling(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this system")
    (tmp_path / "stdin").symlink_to("/dev/full")
    with pytest.raises(InputOutputError, match="No space left"):
        spool_stdin(piped(b"x" * 1000), tmp_path)
