"""What a run on a cluster keeps to itself: servers and their key, which may come from a variable."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import pytest

from qasr_cli.errors import UnavailableError, UsageError
from qasr_cli.options import (
    ClusterOptions,
    EngineOptions,
    InputOptions,
    LogOptions,
    Options,
    OutputOptions,
    RemoteOptions,
)
from qasr_cli.options.secret import Secret
from qasr_cli.runs.cluster import connection
from qasr_cli.runs.cluster.messages import Connect
from qasr_cli.tasks.transcribe import transcribe

KEY = "sk-of-the-servers"


def options(*servers: str) -> Options:
    remote = RemoteOptions(server=servers, server_key=Secret(KEY))
    engine = EngineOptions(engine="tests.fakes:echo", remote=remote)
    return Options(
        engine=engine, output=OutputOptions(formats=("srt",)), cluster=ClusterOptions("127.0.0.1:1")
    )


def test_the_key_of_servers_does_not_travel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sent: list[bytes] = []

    def connected(asked: Connect) -> NoReturn:
        sent.append(asked.setup)
        raise UnavailableError("no cluster")

    monkeypatch.setattr(connection, "connected", connected)
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    with pytest.raises(UnavailableError, match="no cluster"):
        transcribe(InputOptions((tmp_path / "a.wav",)), options(), LogOptions(quiet=True), None)
    assert len(sent) == 1
    assert b"tests.fakes:echo" in sent[0]
    assert KEY.encode() not in sent[0]


def test_servers_are_not_asked_from_a_cluster(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--server with --cluster"):
        transcribe(InputOptions((tmp_path,)), options("http://127.0.0.1:9"), LogOptions(quiet=True), None)
