"""Where results go and how they get there whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from qasr_cli.errors import (
    CannotCreateError,
)
from qasr_cli.options import OutputOptions
from qasr_cli.records import Source
from qasr_cli.runs.files import atomic_write
from qasr_cli.runs.planning import output_plan
from qasr_cli.runs.planning.output_names import OutputLayout

SUFFIXES = {"srt": ".srt", "vtt": ".vtt"}


class TestOutputs:
    def plan(self, *found: Source, **options: object) -> list[output_plan.Plan]:
        return output_plan.plan(
            found,
            OutputLayout.of(OutputOptions(formats=("srt", "vtt"), **options), SUFFIXES),  # type: ignore[arg-type]
        )

    def source(self, path: Path, relative: str, number: int = 0, *, is_found: bool = True) -> Source:
        return Source(number, path, Path(relative), is_found)

    def test_results_lie_beside_the_media_or_mirror_its_tree(self, tmp_path: Path) -> None:
        source = self.source(tmp_path / "in/sub/a.b.mp4", "sub/a.b.mp4")
        assert self.plan(source)[0].targets["srt"].path() == tmp_path / "in/sub/a.b.srt"
        assert self.plan(source, folder=tmp_path / "o")[0].targets["vtt"].path() == tmp_path / "o/sub/a.b.vtt"

    def test_two_sources_never_share_a_path(self, tmp_path: Path) -> None:
        first = self.source(tmp_path / "a.mp4", "a.mp4")
        second = self.source(tmp_path / "a.mkv", "a.mkv", 1)
        plans = self.plan(first, second)
        assert plans[0].error is None
        assert plans[1].error is not None
        assert "a.mp4 is transcribed to the same a.srt" in str(plans[1].error)

    def test_the_same_path_in_another_spelling_is_the_same(self, tmp_path: Path) -> None:
        (tmp_path / "sub").mkdir()
        first = self.source(tmp_path / "a.mp4", "a.mp4")
        second = self.source(tmp_path / "sub" / ".." / "a.mkv", "a.mkv", 1)
        assert self.plan(first, second, overwrite=True)[1].error is not None

    def test_a_result_never_replaces_the_input(self, tmp_path: Path) -> None:
        path = tmp_path / "film.srt"  # media under a misleading name
        path.touch()
        plan = self.plan(self.source(path, "film.srt", is_found=False), overwrite=True)[0]
        assert "replace the input" in str(plan.error)
        assert not plan.targets

    def test_nor_any_other(self, tmp_path: Path) -> None:
        first = self.source(tmp_path / "a.mkv", "a.mkv")
        second = self.source(tmp_path / "a.mkv.wav", "a.mkv.wav", 1)
        options = OutputOptions(formats=("srt",), name="{stem}", overwrite=True)
        plans = output_plan.plan([first, second], OutputLayout.of(options, SUFFIXES))
        assert plans[0].error is None
        assert "would replace the input a.mkv" in str(plans[1].error)

    @pytest.mark.parametrize(("n_bytes", "is_fine"), [(248, True), (249, False)])
    def test_a_name_that_no_file_can_have_is_refused_before_the_work(
        self, tmp_path: Path, n_bytes: int, is_fine: bool
    ) -> None:
        source = self.source(tmp_path / f"{'a' * n_bytes}.x", f"{'a' * n_bytes}.x")
        options = OutputOptions(formats=("srt",), name="{stem}.{lang}.{ext}")  # .en.srt
        (plan,) = output_plan.refuse_unwritable(
            output_plan.plan([source], OutputLayout.of(options, SUFFIXES))
        )
        assert (plan.error is None) is is_fine

    def test_a_finished_one_of_a_folder_is_done_and_a_half_finished_one_is_completed(
        self, tmp_path: Path
    ) -> None:
        source = self.source(tmp_path / "a.mp4", "a.mp4")
        (tmp_path / "a.srt").touch()
        assert set(self.plan(source)[0].targets) == {"vtt"}
        (tmp_path / "a.vtt").touch()
        assert self.plan(source)[0].skip
        assert set(self.plan(source, overwrite=True)[0].targets) == {"srt", "vtt"}

    def test_a_named_one_whose_result_exists_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "a.srt").symlink_to("nowhere")
        plan = self.plan(self.source(tmp_path / "a.mp4", "a.mp4", is_found=False))[0]
        assert isinstance(plan.error, CannotCreateError)
        assert "--overwrite" in plan.error.hint

    def test_a_file_appears_whole_with_the_folder_s_usual_mode(self, tmp_path: Path) -> None:
        path = tmp_path / "new" / "a.srt"
        atomic_write.write(path, "text ✓\n", is_overwrite=False)
        assert path.read_text(encoding="utf-8") == "text ✓\n"
        assert [entry.name for entry in path.parent.iterdir()] == ["a.srt"]
        probe = tmp_path / "probe"
        probe.touch()
        assert path.stat().st_mode == probe.stat().st_mode

    def test_one_that_exists_is_never_touched_without_overwrite(self, tmp_path: Path) -> None:
        path = tmp_path / "a.srt"
        path.write_text("mine")
        with pytest.raises(CannotCreateError, match="already exists"):
            atomic_write.write(path, "theirs", is_overwrite=False)
        assert path.read_text() == "mine"
        atomic_write.write(path, "theirs", is_overwrite=True)
        assert path.read_text() == "theirs"
        assert [entry.name for entry in tmp_path.iterdir()] == ["a.srt"]

    def test_what_cannot_be_created_is_said_and_leaves_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(CannotCreateError):
            atomic_write.write(tmp_path / "file" / "a.srt", "x", is_overwrite=True)
        (tmp_path / "a.srt").mkdir()
        with pytest.raises(CannotCreateError):
            atomic_write.write(tmp_path / "a.srt", "x", is_overwrite=True)
        assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.srt", "file"]
