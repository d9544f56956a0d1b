"""How names of subtitle files are read, and which plans are passed over for them."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from qasr_cli.options import DecodeOptions, FindOptions, Options, OutputOptions
from qasr_cli.records import Source, Track
from qasr_cli.runs.inputs.sidecars import Sidecar, Sidecars, is_subtitle_folder
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
            ("film.2020.English (SDH).srt", "en", False),
            ("film.2020.en-forced.srt", "en", True),
            ("film.2020.2_English.srt", "en", False),
            ("film.2020.Signs & Songs.en.ass", "en", True),
            ("film.2020.Español.srt", "es", False),
            ("film.2020.chinese(简英,subrip).ass", "zh", False),
        ],
    )
    def test_parts_are_read_as_media_servers_do(self, name: str, language: str, is_partial: bool) -> None:
        assert Sidecars.among([name]).of("film.2020.mkv") == [Sidecar(name, language, is_partial)]

    @pytest.mark.parametrize(
        ("words", "language"),
        [
            ("pob pb ptbr pt-br pt_BR por br brazilian pom", "pt"),
            (
                "chs cht zhs zht zhc zt zhe ze cn chn sc tc zh-Hans zh-TW zh_hk chi zho chs_en 中文 繁體"
                " zhcn zhtw 简英 双语",
                "zh",
            ),
            ("jp jap jpn 日本語 ja-JP", "ja"),
            ("kr kor korean 한국어 ko-kr", "ko"),
            ("gr gre ell", "el"),
            *(("cz cze ces čeština", "cs"), ("dk dan dansk", "da"), ("se swe svenska", "sv")),
            ("esp spa spa-la es-419 es-MX latino spl ea castellano", "es"),
            ("vf vff vostfr fre fra fr-CA frc français", "fr"),
            *(
                ("in ind indo id", "id"),
                ("vn vie vi", "vi"),
                ("per fas farsi fa", "fa"),
                ("ger deu", "de"),
            ),
            *(
                ("iw heb he", "he"),
                ("scc srp sr-Latn", "sr"),
                ("scr hrv cro", "hr"),
                ("ukr ua ukrainian", "uk"),
            ),
            *(
                ("nob nb", "nb"),
                ("eng en-US en_gb english usa", "en"),
                ("tgl tl fil", "fil"),
                ("dut nld", "nl"),
            ),
        ],
    )
    def test_what_people_call_a_language(self, words: str, language: str) -> None:
        for word in words.split():
            for form in ("NFC", "NFD"):
                name = unicodedata.normalize(form, f"film.{word}.srt")
                assert Sidecars.among([name]).of("film.mkv") == [Sidecar(name, language)], word
                flagged = f"film.{word}.sdh.srt"
                assert Sidecars.among([flagged]).of("film.mkv") == [Sidecar(flagged, language)], word

    def test_another_spelling_of_an_accent_is_the_same_name(self) -> None:
        composed, decomposed = (unicodedata.normalize(form, "Amélie 한국") for form in ("NFC", "NFD"))
        for film, subtitle in ((composed, decomposed), (decomposed, composed)):
            names = [f"{film}.mkv", f"{subtitle}.en.srt"]
            assert Sidecars.among(names).of(names[0]) == [Sidecar(names[1], "en")]

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


FILM = "Film.2020.1080p.WEB"


class TestFoldersForSubtitles:
    """What lies in `Subs/` beside a film."""

    def of(self, below: dict[str, list[str]], *names: str, film: str = f"{FILM}.mkv") -> dict[str, str]:
        found = Sidecars.among([film, *names, *(folder for folder in below if "/" not in folder)], below)
        return {sidecar.name: sidecar.language for sidecar in found.of(film) if not sidecar.is_partial}

    @pytest.mark.parametrize("folder", ["Subs", "subs", "SUBS", "Sub", "Subtitles", "subtitle"])
    def test_names_of_the_folder(self, folder: str) -> None:
        assert is_subtitle_folder(folder)
        assert self.of({folder: ["2_English.srt"]}) == {f"{folder}/2_English.srt": "en"}

    def test_other_folders_are_none(self) -> None:
        assert not any(map(is_subtitle_folder, ("Extras", "subway", "subs.txt", "", "Subtitles of all")))

    @pytest.mark.parametrize(
        ("name", "language"),
        [
            (f"{FILM}.en.srt", "en"),
            (f"{FILM}.srt", ""),
            *(
                ("English.srt", "en"),
                ("eng.srt", "en"),
                ("2_English.srt", "en"),
                ("12_eng,English.srt", "en"),
            ),
            *(
                ("English [SDH].srt", "en"),
                ("3_English_hi.srt", "en"),
                ("4_Hindi.srt", "hi"),
                ("hi.srt", "hi"),
            ),
            *(("French (Canadian).srt", "fr"), ("Portuguese (Brazilian).srt", "pt"), ("pt-BR.srt", "pt")),
            *(
                ("pt_BR.srt", "pt"),
                ("en_US.srt", "en"),
                ("es_la.srt", "es"),
                ("Chinese Simplified.ass", "zh"),
            ),
            *(("Film.720p.kor.srt", "ko"), ("No Time to Go.srt", ""), ("Spanish - Latin America.srt", "es")),
        ],
    )
    def test_the_language_in_a_name(self, name: str, language: str) -> None:
        assert self.of({"Subs": [name]}) == {f"Subs/{name}": language}

    def test_forced_ones_and_pictures_do_not_count(self) -> None:
        assert self.of({"Subs": ["2_English_Forced.srt", "3_eng.idx", "3_eng.sub", "readme.txt"]}) == {}

    def test_a_folder_of_the_film_s_name_holds_its_own(self) -> None:
        below = {"Subs": [FILM, "Other"], f"Subs/{FILM}": ["2_English.srt"], "Subs/Other": ["3_French.srt"]}
        assert self.of(below, "Other.mkv") == {f"Subs/{FILM}/2_English.srt": "en"}
        assert self.of(below, f"{FILM}.mkv", film="Other.mkv") == {"Subs/Other/3_French.srt": "fr"}

    def test_a_folder_of_a_language_s_name_holds_films(self) -> None:
        below = {"Subs": ["English"], "Subs/English": [f"{FILM}.srt"]}
        assert self.of(below, "Other.mkv") == {f"Subs/English/{FILM}.srt": "en"}

    def test_a_name_that_names_no_film_is_the_only_film_s(self) -> None:
        generic = {"Subs": ["2_English.srt", f"{FILM}.ko.srt"]}
        assert self.of(generic, "Other.mkv") == {f"Subs/{FILM}.ko.srt": "ko"}
        for extra in (f"{FILM}-sample.mkv", "sample.mkv", f"{FILM}-trailer.mp4", "theme.mp3", f"{FILM}.flac"):
            assert len(self.of(generic, extra)) == 2, extra
        assert self.of({"Subs": ["2_English.srt"]}, f"{FILM}.mkv", film="sample.mkv") == {}

    def test_accents_and_case(self) -> None:
        decomposed = unicodedata.normalize("NFD", "AMÉLIE")
        below = {"Subs": [decomposed], f"Subs/{decomposed}": ["English.srt"]}
        assert len(self.of(below, "Other.mkv", film="Amélie.mkv")) == 1


class TestPassingOver:
    def test_subtitles_in_a_folder_for_them_are_enough(self, tmp_path: Path) -> None:
        for name in ("film.mkv", "other.mkv", "Subs/film/2_English.srt", "Subs/film/3_Korean.srt"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        assert self.judge(tmp_path) == (
            "has subtitles in en beside it: Subs/film/2_English.srt (--even-subtitled transcribes it anyway)"
        )
        (tmp_path / "Subs/film/2_English.srt").unlink()
        assert self.judge(tmp_path) == ""

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

    def test_what_is_no_file_holds_none(self, tmp_path: Path) -> None:
        (tmp_path / "film.en.srt").mkdir()
        (tmp_path / "film.eng.srt").symlink_to("nothing")
        os.mkfifo(tmp_path / "film.english.srt")
        assert self.judge(tmp_path) == ""
        (tmp_path / "nothing").touch()
        assert "film.eng.srt" in self.judge(tmp_path)

    def test_the_run_s_own_target_is_not_a_foreign_one(self, tmp_path: Path) -> None:
        (tmp_path / "film.vtt").touch()
        options = Options(output=OutputOptions(("srt", "vtt")))
        source = Source(0, tmp_path / "film.mkv", Path("film.mkv"), is_found=True)
        (plan,) = output_plan.plan([source], OutputLayout.of(options.output, {"srt": ".srt", "vtt": ".vtt"}))
        ExistingSubtitles(options, lambda *_: False).inspect(plan, TRACK, ())
        (tmp_path / "film.ass").touch()
        with pytest.raises(AlreadySubtitled, match=r"has subtitles beside it: film\.ass"):
            ExistingSubtitles(options, lambda *_: False).inspect(plan, TRACK, ())
