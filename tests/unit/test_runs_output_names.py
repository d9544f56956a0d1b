"""What results are called, and how they are found again."""

from __future__ import annotations

from pathlib import Path

import pytest

from qasr_cli.errors import CannotCreateError, UsageError
from qasr_cli.options import OutputOptions
from qasr_cli.records import Source
from qasr_cli.runs.planning import output_names, output_plan
from qasr_cli.runs.planning.output_names import OutputLayout

SUFFIXES = {"srt": ".srt", "vtt": ".vtt"}
BY_LANGUAGE = "{stem}.{lang}.{ext}"


def name_of(text: str, language: str | None = None, *, stem: str = "film", tag: str = "") -> str:
    """Return what a template makes of a film."""
    made = output_names.parse_template(OutputOptions(name=text, tag=tag))
    return made.target(Path(), stem, ".srt").path(language).name


class TestTemplate:
    @pytest.mark.parametrize(
        ("text", "language", "tag", "name"),
        [
            ("{stem}.{ext}", "en", "", "film.srt"),
            ("{stem}.{ext}", "en", "ai", "film.ai.srt"),
            ("{stem}.{lang}{tag}.{ext}", "en", ".sdh", "film.en.sdh.srt"),
            ("{stem}.{lang}{tag}.{ext}", "yue", "", "film.yue.srt"),
            ("{stem}.{lang3}.{ext}", "ko", "", "film.kor.srt"),
            ("{stem}.{lang3}.{ext}", "fil", "", "film.fil.srt"),
            ("{stem}.{lang}.{ext}", None, "", "film.und.srt"),
            ("{stem}.{lang}.{ext}", "", "", "film.und.srt"),
            ("{{{stem}}}.{ext}", None, "", "{film}.srt"),
            ("{lang}-{lang3}-{stem}", "de", "", "de-deu-film"),
        ],
    )
    def test_fields_are_filled_in(self, text: str, language: str | None, tag: str, name: str) -> None:
        assert name_of(text, language, tag=tag) == name

    def test_braces_of_the_media_s_own_name_survive(self) -> None:
        assert name_of(BY_LANGUAGE, "ko", stem="a {lang} {0} {") == "a {lang} {0} {.ko.srt"

    @pytest.mark.parametrize(
        ("text", "tag", "why"),
        [
            ("{stem}.{foo}.{ext}", "", "unknown field {foo}"),
            ("{stem!r}.{ext}", "", "unknown field {stem}"),
            ("{stem:>9}.{ext}", "", "unknown field {stem}"),
            ("{}.{ext}", "", "unknown field {}"),
            ("{stem.{ext}", "", "no field|braces do not match"),
            ("{stem}.{ext", "", "braces do not match"),
            ("sub/{stem}.{ext}", "", "holds a slash"),
            ("{stem}{tag}.{ext}", "a/b", "holds a slash"),
            ("", "", "is an empty name"),
            ("{tag}", "", "is an empty name"),
            ("..", "", "is an empty name"),
            ("{stem}.{lang}.{ext}", "ai", "no place for --tag"),
        ],
    )
    def test_what_makes_no_names_is_refused(self, text: str, tag: str, why: str) -> None:
        with pytest.raises(UsageError, match=why) as caught:
            output_names.parse_template(OutputOptions(name=text, tag=tag))
        assert caught.value.hint != UsageError.hint

    def test_two_formats_need_two_names(self) -> None:
        output_names.parse_template(OutputOptions(("srt",), name="{stem}.sub"))
        with pytest.raises(UsageError, match="two formats one name"):
            output_names.parse_template(OutputOptions(("srt", "vtt"), name="{stem}.sub"))


class TestPlans:
    def plan(self, *paths: Path, language: str | None = None, **options: object) -> list[output_plan.Plan]:
        found = [Source(number, path, Path(path.name), is_found=True) for number, path in enumerate(paths)]
        output = OutputOptions(name=BY_LANGUAGE, **options)  # type: ignore[arg-type]
        return output_plan.plan(found, OutputLayout.of(output, SUFFIXES), lambda _: language)

    def test_a_result_in_any_language_is_a_result(self, tmp_path: Path) -> None:
        media = tmp_path / "film.mp4"
        assert self.plan(media)[0].targets["srt"].shown == tmp_path / "film.{lang}.srt"
        for name in ("film.srt", "film.xx.srt", "film.eng.srt", "film2.en.srt", "film.en.vtt"):
            (tmp_path / name).touch()
        assert self.plan(media)[0].is_work
        (tmp_path / "film.ko.srt").touch()
        assert self.plan(media)[0].skip == output_plan.DONE
        assert self.plan(media)[0].existing == {"srt": tmp_path / "film.ko.srt"}
        assert self.plan(media, overwrite=True)[0].is_work

    def test_a_language_that_is_known_is_the_only_one(self, tmp_path: Path) -> None:
        (tmp_path / "film.ko.srt").touch()
        (plan,) = self.plan(tmp_path / "film.mp4", language="en")
        assert plan.paths("fr") == {"srt": tmp_path / "film.en.srt"}
        assert self.plan(tmp_path / "film.mp4", language="ko")[0].skip

    def test_nobody_said_a_word(self, tmp_path: Path) -> None:
        (plan,) = self.plan(tmp_path / "film.mp4")
        assert plan.paths(None) == {"srt": tmp_path / "film.und.srt"}
        (tmp_path / "film.und.srt").touch()
        assert self.plan(tmp_path / "film.mp4")[0].skip

    def test_clashes_are_seen_before_the_language_is_known(self, tmp_path: Path) -> None:
        plans = self.plan(tmp_path / "a.mp4", tmp_path / "a.mkv", tmp_path / "b.mkv")
        assert [plan.error is None for plan in plans] == [True, False, True]
        assert "a.mp4 is transcribed to the same a.{lang}.srt" in str(plans[1].error)
        (own,) = self.plan(tmp_path / "a.en.srt")
        assert own.error is None  # it becomes a.en.en.srt
        (media,) = output_plan.plan(
            [Source(0, tmp_path / "en.srt", Path("en.srt"))],
            OutputLayout.of(OutputOptions(name="{lang}.srt"), SUFFIXES),
        )
        assert isinstance(media.error, CannotCreateError)
        assert "replace the input" in str(media.error)
