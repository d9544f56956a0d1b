"""All bodies together have a limit: each alone is small, and there may be thousands of them."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from qasr_cli.serving.http.body_memory import BodyMemory
from qasr_cli.serving.http.uploads import FormReader, Spool
from qasr_cli.serving.refusals import OverloadedError


def test_what_is_over_counts_no_more() -> None:
    bodies = BodyMemory(10)
    with bodies.holding() as first, bodies.holding() as second:
        first(6)
        second(4)
        with pytest.raises(OverloadedError):
            first(1)
        assert bodies.n_bytes == 10
    assert bodies.n_bytes == 0
    with bodies.holding() as third:
        third(10)


def test_the_fields_of_forms_count_and_their_file_does_not(tmp_path: Path) -> None:
    def spool(name: str) -> Spool:
        return Spool(tmp_path, name, 1_000_000)

    bodies = BodyMemory(250_000)
    field = b'--B\r\nContent-Disposition: form-data; name="%d"\r\n\r\n' + b"x" * 100_000 + b"\r\n"
    file = b'--B\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + b"x" * 900_000
    with contextlib.ExitStack() as open_now:
        for number in range(2):
            reader = FormReader(b"B", spool, open_now.enter_context(bodies.holding()))
            open_now.enter_context(reader).write(field % number + file)
        reader = FormReader(b"B", spool, open_now.enter_context(bodies.holding()))
        with reader, pytest.raises(OverloadedError):
            reader.write(field % 2)
    assert bodies.n_bytes == 0
    assert list(tmp_path.iterdir()) == []
