"""What of the planned work is done now: settling files, limits, and how a dry run says it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from qasr_cli.options import FindOptions, OutputOptions
from qasr_cli.runs.inputs import discovery
from qasr_cli.runs.inputs.discovery import Discovered
from qasr_cli.runs.inputs.selection import LeftOutKind
from qasr_cli.runs.planning import output_plan, queue
from qasr_cli.runs.planning.output_names import OutputLayout
from qasr_cli.tasks.dry_run import lines
from tests.trees import LONG_AGO_S, make

EVERYTHING = FindOptions(recursive=True)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    names = ["b.mp4", "a.wav", "notes.txt", ".hidden.mp4", "sub/c.MKV", "sub/deep/d.flac", "@eaDir/e.mp4"]
    return make(tmp_path / "tree", *names)


class TestQueue:
    def plans(self, tree: Path, options: FindOptions) -> tuple[list[output_plan.Plan], Discovered]:
        found = discovery.discover([tree], options)
        return output_plan.plan(found.sources, OutputLayout.of(OutputOptions(), {"srt": ".srt"})), found

    def choose(self, tree: Path, options: FindOptions, sleep: object = None) -> queue.Queue:
        plans, found = self.plans(tree, options)

        def stay_awake(seconds: float) -> None:
            raise AssertionError("nothing here is young")

        return queue.choose(plans, found.failures, options, sleep or stay_awake)  # type: ignore[arg-type]

    def test_a_limit_counts_work_and_numbers_have_no_gaps(self, tree: Path) -> None:
        (tree / "a.srt").touch()
        chosen = self.choose(tree, FindOptions(recursive=True, limit=1, order="largest"))
        assert [(plan.source.id, plan.source.relative.name, bool(plan.skip)) for plan in chosen.plans] == [
            (0, "a.wav", True),
            (1, "b.mp4", False),
        ]
        assert {one.reason for one in chosen.left_out} == {"beyond --limit 1"}
        assert len(chosen.left_out) == 2

    def test_what_changed_within_settle_is_left_to_a_later_run(self, tree: Path) -> None:
        (tree / "b.mp4").touch()
        chosen = self.choose(tree, FindOptions(settle_s=30))
        assert [plan.source.relative.name for plan in chosen.plans] == ["a.wav"]
        assert chosen.left_out[0].kind is LeftOutKind.UNSETTLED
        assert len(self.choose(tree, FindOptions(settle_s=0)).plans) == 2

    def test_a_file_from_the_far_future_is_not_unsettled_for_ever(self, tree: Path) -> None:
        os.utime(tree / "b.mp4", (LONG_AGO_S + 1e6, LONG_AGO_S + 1e6))
        assert len(self.choose(tree, FindOptions(settle_s=30)).plans) == 2

    def test_a_young_file_is_looked_at_again(self, tree: Path) -> None:
        slept: list[float] = []
        (tree / "b.mp4").touch()
        assert len(self.choose(tree, FindOptions(), slept.append).plans) == 2
        assert slept == [queue.RECHECK_S]

        def grow(seconds: float) -> None:
            (tree / "b.mp4").write_bytes(b"more")

        (tree / "b.mp4").touch()
        chosen = self.choose(tree, FindOptions(), grow)
        assert [plan.source.relative.name for plan in chosen.plans] == ["a.wav"]
        assert chosen.left_out[0].reason == "unsettled: still changing"

    def test_neither_a_named_nor_a_finished_file_is_waited_for(self, tree: Path) -> None:
        for name in ("a.wav", "b.mp4", "a.srt", "b.srt"):
            (tree / name).touch()
        assert len(self.choose(tree, FindOptions()).plans) == 2
        assert len(self.choose(tree / "sub" / ".." / "sub" / "c.MKV", FindOptions()).plans) == 1

    def test_a_preview_is_one_harmless_line_a_file(self, tree: Path) -> None:
        make(tree, "new\nline \x1b[31m.mp4", "b.mkv", "x.mp4.part", os.fsdecode(b"\xff.wav"))
        (tree / "a.srt").touch()
        plans, found = self.plans(tree, FindOptions())
        told = list(lines(plans, found.left_out))
        assert all(line.endswith("\n") and line[:-1].isprintable() for line in told)
        assert "would skip a.wav: its outputs exist (--overwrite replaces them)\n" in told
        assert any(
            line.startswith("would fail b.mp4: b.mkv is transcribed to the same b.srt;") for line in told
        )
        assert any(line.startswith("would transcribe b.mkv -> ") for line in told)
        assert "would skip x.mp4.part: a partial download or a working copy\n" in told
        assert len(told) == 6
