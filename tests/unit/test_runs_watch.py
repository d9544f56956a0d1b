"""What a watch keeps in mind, what is news to it, and how hooks are read; no process, no waiting."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from watchfiles import Change

from qasr_cli.errors import (
    InputOutputError,
    QasrError,
    RemoteError,
    ServersLostError,
    UndecodableError,
    UsageError,
)
from qasr_cli.hooks import address, command
from qasr_cli.hooks.command import Facts
from qasr_cli.options import EngineOptions, WatchOptions
from qasr_cli.pipeline.engine_cache import EngineCache
from qasr_cli.records import Outcome, Source, Status
from qasr_cli.runs.inputs.discovery import Discovered
from qasr_cli.runs.inputs.selection import LeftOut, LeftOutKind
from qasr_cli.runs.planning.output_plan import DONE, Plan
from qasr_cli.runs.planning.queue import Queue
from qasr_cli.runs.reports.status_file import StatusFile
from qasr_cli.runs.reports.summary import RunReport
from qasr_cli.runs.watch.attempted import Attempted
from qasr_cli.runs.watch.file_events import FileEvents, _news
from qasr_cli.runs.watch.loop import Sift, Watch
from qasr_cli.speech.inference.session import Session
from tests import fakes


class TestAttempted:
    def plan(self, path: Path, **more: Any) -> Plan:
        targets: Any = {"srt": path.with_suffix(".srt")}
        return Plan(Source(7, path, Path(path.name), is_found=True), targets, **more)

    def sift(self, seen: Attempted, *plans: Plan, unsettled: int = 0) -> list[str]:
        seen.begin()
        left_out = [LeftOut(Path(f"{n}"), "still changing", LeftOutKind.UNSETTLED) for n in range(unsettled)]
        found = Discovered([plan.source for plan in plans], [], [])
        chosen = seen.sift(found, Queue(list(plans), left_out))
        assert chosen is None or [plan.source.id for plan in chosen.plans] == list(range(len(chosen.plans)))
        return [] if chosen is None else [plan.source.path.name for plan in chosen.plans]

    @pytest.fixture
    def media(self, tmp_path: Path) -> Path:
        path = tmp_path / "a.wav"
        path.write_text("x")
        return path

    def fail(self, seen: Attempted, path: Path, error: Exception) -> None:
        seen.remember([Outcome(Source(0, path, path), Status.FAILED, error=error)])

    def test_a_failure_rests_until_the_file_changes(self, media: Path) -> None:
        seen = Attempted()
        assert self.sift(seen, self.plan(media)) == ["a.wav"]
        self.fail(seen, media, UndecodableError("no"))
        assert self.sift(seen, self.plan(media)) == []
        assert (seen.n_found, seen.n_skipped) == (1, 1)
        media.write_text("longer")
        assert self.sift(seen, self.plan(media)) == ["a.wav"]

    @pytest.mark.parametrize(
        ("error", "hours"), [(UndecodableError("no"), 20), (InputOutputError("full"), 1), (None, 10_000)]
    )
    def test_and_not_for_ever(
        self, media: Path, monkeypatch: pytest.MonkeyPatch, error: Exception | None, hours: int
    ) -> None:
        seen, now_s = Attempted(), 1_000.0
        monkeypatch.setattr(time, "monotonic", lambda: now_s)
        self.sift(seen, self.plan(media))
        status = Status.FAILED if error else Status.DONE
        seen.remember([Outcome(Source(0, media, media), status, error=error)])
        now_s += hours * 3600 - 1
        assert self.sift(seen, self.plan(media)) == []
        now_s += 2
        assert self.sift(seen, self.plan(media)) == (["a.wav"] if error else [])

    def test_a_failure_of_what_is_gone_is_the_mount_s(self, media: Path) -> None:
        seen = Attempted()
        self.sift(seen, self.plan(media))
        status = media.stat()
        media.unlink()
        self.fail(seen, media, InputOutputError("gone"))
        media.write_text("x")
        os.utime(media, ns=(status.st_atime_ns, status.st_mtime_ns))
        assert self.sift(seen, self.plan(media)) == ["a.wav"]

    def test_what_is_refused_is_said_once_and_again_when_it_was_well_in_between(self, media: Path) -> None:
        seen, refused = Attempted(), self.plan(media, error=InputOutputError("no"))
        assert self.sift(seen, refused) == ["a.wav"]
        assert self.sift(seen, refused) == []
        assert self.sift(seen, self.plan(media, skip=DONE)) == []
        assert self.sift(seen, refused) == ["a.wav"]

    def test_what_still_changes_is_counted(self, media: Path) -> None:
        seen = Attempted()
        assert self.sift(seen, unsettled=2) == []
        assert seen.n_unsettled == 2
        seen.begin()
        assert seen.n_unsettled == 0


class TestFileEvents:
    @pytest.mark.parametrize(
        ("path", "is_news"),
        [
            ("a.mp4", True),
            ("sub/a.mp4", True),
            ("sub", True),
            ("unknown.bin", True),
            ("a.srt", False),
            ("a.SRT", False),
            (".qasr/ledger.jsonl", False),
            (".qasr/checkpoints/1.jsonl", False),
            ("sub/.qasr-x.tmp", False),
            ("@eaDir/a.mp4", False),
            ("a.mp4.part", False),
            ("state/ledger.jsonl", False),
            ("status", False),
        ],
    )
    def test_only_what_may_be_work_is_news(self, tmp_path: Path, path: str, is_news: bool) -> None:
        folder = tmp_path / ".hidden" / "in"  # what the user names may be hidden, and what is above it too
        folder.mkdir(parents=True)
        hears = _news([folder], folder / "state", [folder / "status"])
        assert hears(Change.added, str(folder / path)) is is_news

    def test_the_end_of_a_download_is_news(self, tmp_path: Path) -> None:
        assert _news([tmp_path], None)(Change.deleted, str(tmp_path / "a.mp4.aria2"))


class TestEngineCache:
    def test_they_are_loaded_once_until_they_are_released(self) -> None:
        loaded: list[int] = []
        reclaimed: list[int] = []

        def load() -> Session:
            loaded.append(1)
            return Session(fakes.echo(EngineOptions()))

        kept = EngineCache(load, lambda: reclaimed.append(1), 0)
        assert kept.due_s == float("inf")
        assert kept() is kept()
        kept.rest()
        assert kept.due_s == float("inf")  # 0 keeps them
        kept.release()
        assert (kept.is_released, len(reclaimed)) == (True, 1)
        kept()
        assert (kept.is_released, len(loaded)) == (False, 2)


class TestHooks:
    FACTS = Facts(Path("/m/-a b.mp4"), (Path("/m/a.srt"), Path("/m/a.vtt")), "", "done")

    @pytest.mark.parametrize(
        ("line", "words"),
        [
            ("echo {media}", ["echo", "/m/-a b.mp4"]),
            ("echo {outputs} {status}", ["echo", "/m/a.srt", "/m/a.vtt", "done"]),
            ("echo '{language}' --file={media}", ["echo", "", "--file=/m/-a b.mp4"]),
            ("echo {{media}} '{{}}'", ["echo", "{media}", "{}"]),
        ],
    )
    def test_a_command_is_filled_in_word_by_word(self, line: str, words: list[str]) -> None:
        assert command.parse(line).arguments(self.FACTS) == words

    def test_a_program_in_the_home_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        (tmp_path / "notify").write_text("#!/bin/sh\n")
        (tmp_path / "notify").chmod(0o755)
        assert command.parse("~/notify ~/x").words == (str(tmp_path / "notify"), "~/x")

    @pytest.mark.parametrize("url", ["https://u\udcff:p@host", "https://u:\udcff@host", "http://\udcff/"])
    def test_bytes_that_are_not_utf8_are_no_address(self, url: str) -> None:
        with pytest.raises(UsageError, match="not an address"):
            address.parse(url)

    @pytest.mark.parametrize(
        ("text", "clean"),
        [
            ("https://u:p@host:8/x?k=1", "https://host:8/..."),
            ("http://u:p@a http://u:p@b.c", "http://a/... http://b.c/..."),
            ("git+https://u:p@host x1http://u:p@host", "git+https://host/... x1http://host/..."),
            ("curl http://host/x?k=' -s", "curl http://host/... -s"),
            ("https://u:it's\"s\\\u00f6@host/x?k='T", "https://host/..."),
            ("--webhook=https://host?k", "--webhook=https://host/..."),
            ("C:/x and a@b", "C:/x and a@b"),
        ],
    )
    def test_of_an_address_only_the_host_is_said(self, text: str, clean: str) -> None:
        assert address.without_secrets(text) == clean
        assert str(address.parse("https://u:p@host:8/x?k=1")) == "https://host:8"


class TestServers:
    """Servers that are gone may come back; a wrong key does not become right by waiting."""

    @contextlib.contextmanager
    def watch(self, tmp_path: Path, errors: list[QasrError]) -> Iterator[Watch]:
        def make_pass(present: Sequence[Path], sift: Sift) -> RunReport:
            if errors:
                raise errors.pop(0)
            return RunReport()

        options = WatchOptions()
        cache = EngineCache(lambda: Session(fakes.echo(EngineOptions())), lambda: None, 0)
        with FileEvents([tmp_path], options, None, []) as changes:
            yield Watch(options, make_pass, changes, cache, StatusFile(None, [tmp_path]))

    def test_it_waits_for_them(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        with self.watch(tmp_path, [ServersLostError("http://gpu is silent")] * 2) as watch:
            assert [watch._report() is None for _ in range(3)] == [True, True, False]
        (line,) = caplog.messages
        assert line.startswith("http://gpu is silent; check that the servers run")
        assert line.endswith("trying again every minute")

    def test_it_ends_on_a_refusal(self, tmp_path: Path) -> None:
        with (
            self.watch(tmp_path, [RemoteError("http://gpu answers 401")]) as watch,
            pytest.raises(RemoteError),
        ):
            watch._report()
