"""Samples without a header, as a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from qasr_cli.errors import UndecodableError
from qasr_cli.serving.http.raw_samples import RawShape
from qasr_cli.serving.http.uploads import RawSpool
from tests.serving.asr_client import samples_of

CLIP = Path(__file__).parents[2] / "samples" / "clips" / "clip-01.wav"


@pytest.mark.parametrize("shape", [RawShape(), RawShape(48_000, 4, 2), RawShape(8_000, 1, 1)])
def test_bare_samples_become_a_recording_of_their_length(tmp_path: Path, shape: RawShape) -> None:
    silence = b"\x80" if shape.width == 1 else bytes(shape.width)
    with RawSpool(tmp_path, "x", 1 << 30, shape) as spool:
        for _ in range(3):
            spool.write(silence * shape.channels * shape.rate_hz)
        assert spool.duration_ms == 3_000
        upload = spool.close()
    assert len(samples_of(upload.path)) == 2 * 16_000 * 3
    assert not any(samples_of(upload.path))


def test_more_than_four_gigabytes_of_samples_are_read_to_their_end(tmp_path: Path) -> None:
    assert RawShape().header(5 << 30)[40:44] == b"\xff\xff\xff\xff"
    path, film = tmp_path / "long.wav", samples_of(CLIP)
    path.write_bytes(RawShape().header(5 << 30) + film)  # what it says of its size is all that is long
    assert samples_of(path) == film


@pytest.mark.parametrize(
    "shape",
    [(0, 2, 1), (16_000, 5, 1), (16_000, 2, 0), (None, 2, 1), (16_000, "2", 1), (1e9, 2, 1), (True, 2, 1)],
)
def test_samples_that_cannot_be_are_refused(shape: tuple[object, object, object]) -> None:
    with pytest.raises(UndecodableError, match="samples of "):
        RawShape.of(*shape)
