"""How names of subtitle files are read, and which plans are passed over for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from qasr_cli.options import DecodeOptions, FindOptions, Options, OutputOptions
from qasr_cli.records import Source, Track
from qasr_cli.runs.inputs.sidecars import Sidecar, Sidecars
from qasr_cli.runs.planning import output_plan
from qasr_cli.runs.planning.existing_subtitles import AlreadySubtitled, ExistingSubtitles
from qasr_cli.runs.planning.output_names import OutputLayout

TRACK = Track(1, "aac", 2, 48_000)


class TestNames:
    @pytest.mark.parametrize(
        ("name", "language", "is_partial"),
        [
            ("film.2020.srt", "", False),
            ("film.2020.en.srt", "en", False),
            ("FILM.2020.ENG.SRT", "en", False),
            ("film.2020.English.sdh.ass", "en", False),
            ("film.2020.ger.vtt", "de", False),
            ("film.2020.fre.sub", "fr", False),
            ("film.2020.pt-BR.smi", "pt", False),
            ("film.2020.AI.ko.srt", "ko", False),
            ("film.2020.hi.srt", "hi", False),
            ("film.2020.en.hi.srt", "en", False),
            ("film.2020.hi.en.srt", "en", False),
            ("film.2020.hin.cc.srt", "hi", False),
            ("film.2020.en.forced.srt", "en", True),
            ("film.2020.foreign.en.srt", "en", True),
            ("film.2020.en.default.srt", "en", False),
            ("film.2020.no.srt", "no", False),
            ("film.2020.ukrainian.ssa", "uk", False),
            ("film.2020.commentary.srt", "", False),
        ],
    )
    def test_parts_are_read_as_media_servers_do(self, name: str, language: str, is_partial: bool) -> None:
        assert Sidecars.among([name]).of("film.2020.mkv") == [Sidecar(name, language, is_partial)]

    def test_other_names_are_nobodys(self) -> None:
        names = ["film.srt.bak", "film.en.nfo", "film2.srt", "other.srt", "fil.srt", "film"]
        assert Sidecars.among(names).of("film.mkv") == []

    def test_pictures_of_text_do_not_count(self) -> None:
        names = ["film.en.sup", "film.en.idx", "film.en.sub", "film.de.sub"]
        assert Sidecars.among(names).of("film.mkv") == [Sidecar("film.de.sub", "de")]

    def test_case_is_folded_whatever_becomes_of_the_length(self) -> None:
        assert Sidecars.among(["STRASSE.en.srt"]).of("straße.mkv") == [Sidecar("STRASSE.en.srt", "en")]

    def test_each_belongs_to_the_longest_stem_that_is_media(self) -> None:
        found = Sidecars.among(["talk.mp4", "talk.part2.mp4", "talk.part2.en.srt", "talk.ko.srt"])
        assert found.of("talk.mp4") == [Sidecar("talk.ko.srt", "ko")]
        assert found.of("talk.part2.mp4") == [Sidecar("talk.part2.en.srt", "en")]


class TestPassingOver:
    def judge(
        self,
        folder: Path,
        *own: Path,
        is_found: bool = True,
        formats: tuple[str, ...] = ("srt",),
        **more: Any,
    ) -> str:
        options = Options(decode=DecodeOptions("en"), output=OutputOptions(formats), find=FindOptions(**more))
        source = Source(0, folder / "film.mkv", Path("film.mkv"), is_found)
        plans = output_plan.plan(
            [source], OutputLayout.of(options.output, {"srt": ".srt", "vtt": ".vtt", "txt": ".txt"})
        )
        return ExistingSubtitles(options, lambda _, path: path in own).pass_over(plans)[0].skip

    def test_a_subtitle_in_the_language_is_enough(self, tmp_path: Path) -> None:
        assert self.judge(tmp_path) == ""
        (tmp_path / "film.en.srt").touch()
        assert self.judge(tmp_path) == (
            "has subtitles in en beside it: film.en.srt (--even-subtitled transcribes it anyway)"
        )
        assert self.judge(tmp_path, formats=("srt", "vtt"))
        assert self.judge(tmp_path, formats=("srt", "txt")) == ""
        assert self.judge(tmp_path, is_found=False) == ""
        assert self.judge(tmp_path, even_subtitled=True) == ""
        assert self.judge(tmp_path, tmp_path / "film.en.srt") == ""

    def test_one_in_another_or_no_language_or_forced_is_not(self, tmp_path: Path) -> None:
        for name in ("film.ko.srt", "film.vtt", "film.en.forced.srt"):
            (tmp_path / name).touch()
        assert self.judge(tmp_path) == ""

    def test_the_run_s_own_target_is_not_a_foreign_one(self, tmp_path: Path) -> None:
        (tmp_path / "film.vtt").touch()
        options = Options(output=OutputOptions(("srt", "vtt")))
        source = Source(0, tmp_path / "film.mkv", Path("film.mkv"), is_found=True)
        (plan,) = output_plan.plan([source], OutputLayout.of(options.output, {"srt": ".srt", "vtt": ".vtt"}))
        ExistingSubtitles(options, lambda *_: False).inspect(plan, TRACK, ())
        (tmp_path / "film.ass").touch()
        with pytest.raises(AlreadySubtitled, match=r"has subtitles beside it: film\.ass"):
            ExistingSubtitles(options, lambda *_: False).inspect(plan, TRACK, ())
