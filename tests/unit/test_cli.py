"""Flags, whisper's spellings and the settings file, without a run."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from qasr_cli.cli import config, doctor, whisper
from qasr_cli.cli.flag import grouped
from qasr_cli.cli.groups import FormatFlags, PlaceFlags, SpeechFlags
from qasr_cli.errors import ConfigError, NoInputError, QasrError, UndecodableError, UsageError
from qasr_cli.options import DecodeOptions


@pytest.mark.parametrize(
    ("flags", "max_ms"),
    [
        (SpeechFlags(), 30_000),
        (SpeechFlags(multilingual=True), 10_000),
        (SpeechFlags(multilingual=True, chunk_seconds=30), 30_000),
        (SpeechFlags(chunk_seconds=5), 5_000),
    ],
)
def test_pieces_are_shorter_where_languages_change_unless_told_otherwise(
    flags: SpeechFlags, max_ms: int
) -> None:
    chunk = flags.chunk()
    assert (chunk.max_ms, chunk.target_ms) == (max_ms, max_ms * 2 // 3)


class TestWhisperSpellings:
    @pytest.mark.parametrize(
        ("theirs", "ours"),
        [
            ("a.mp4 --output_dir out --output_format srt", "a.mp4 --output out --output-format srt"),
            ("--initial_prompt=Dublin --max_line_count 1", "--context=Dublin --max-lines 1"),
            ("--max_line_width 30 --batch_size 4", "--max-line-width 30 --batch-size 4"),
            ("--highlight_words True --language en", "--highlight-words --language en"),
            ("--highlight_words False", ""),
            ("--highlight-words", "--highlight-words"),
            ("--verbose False --word_timestamps True --task transcribe", ""),
            ("--verbose a.mp4 -v", "--verbose a.mp4 -v"),
            ("--fp16 False", "--dtype=fp32"),
            ("--fp16 True", ""),
            ("--compute_type float32", "--dtype=fp32"),
            ("--no_align a_b.mp4", "--aligner=none a_b.mp4"),
            ("-- --output_dir", "-- --output_dir"),
        ],
    )
    def test_what_means_the_same_is_translated(self, theirs: str, ours: str) -> None:
        assert whisper.translate(theirs.split()) == (ours.split(), [])

    def test_what_has_no_effect_is_said(self) -> None:
        assert whisper.translate(["a.mp4", "--beam_size", "5", "--suppress_numerals"]) == (
            ["a.mp4"],
            ["--beam-size", "--suppress-numerals"],
        )

    def test_translation_is_refused(self) -> None:
        with pytest.raises(UsageError, match="does not translate"):
            whisper.translate(["--task", "translate"])


class TestGroups:
    def test_formats_come_once_and_srt_is_the_default(self) -> None:
        assert FormatFlags().names == ("srt",)
        asked = FormatFlags(srt=True, vtt=True, output_format="VTT, json,vtt")
        assert asked.names == ("srt", "vtt", "json")

    def test_stdin_goes_to_stdout_unless_a_folder_is_named(self) -> None:
        assert PlaceFlags().options(("srt",), is_from_stdin=True).is_stdout
        assert not PlaceFlags(output="out").options(("srt",), is_from_stdin=True).is_stdout
        assert PlaceFlags(output="-").options(("srt",)).folder is None

    def test_a_command_has_its_groups_flags_and_gets_its_groups(self) -> None:
        seen: list[object] = []

        @grouped
        def command(name: str, *, formats: FormatFlags, quiet: bool = False) -> None:
            seen.extend((name, formats, quiet))

        flat = list(inspect.signature(command).parameters)
        assert flat == ["name", "srt", "vtt", "json", "txt", "tsv", "output_format", "quiet"]
        flags = {"srt": False, "vtt": True, "json": False, "txt": False, "tsv": False, "output_format": ""}
        command(name="a", quiet=True, **flags)
        assert seen == ["a", FormatFlags(vtt=True), True]


KNOWN = {"model": str, "max_lines": int, "min_gap": float, "overwrite": bool, "include": list}


class TestConfig:
    def read(self, path: Path, text: str) -> dict[str, object]:
        path = path / "qasr.toml"
        path.write_text(text)
        return config.read(path, KNOWN)

    def test_keys_are_long_flags(self, tmp_path: Path) -> None:
        assert self.read(tmp_path, 'model = "demo"\nmax-lines = 1\nmin_gap = 0\noverwrite = true') == {
            "model": "demo",
            "max_lines": 1,
            "min_gap": 0,
            "overwrite": True,
        }

    @pytest.mark.parametrize("text", ['include = "a* b"', 'include = ["a*", "b"]'])
    def test_a_repeatable_flag_is_a_list_or_words(self, tmp_path: Path, text: str) -> None:
        assert self.read(tmp_path, text) == {"include": ["a*", "b"]}

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ('modle = "demo"', "did you mean model"),
            ("qqqq = 1", "known: include, max-lines"),
            ("max-lines = true", "max-lines must be a whole number"),
            ('min-gap = "a"', "min-gap must be a number"),
            ("overwrite = 1", "overwrite must be true or false"),
            ("include = 1", "include must be a list of texts in quotes"),
            ('include = ["a", 1]', "include must be a list of texts in quotes"),
            ('model = ["demo"]', "model must be text in quotes"),
            ("model =", "qasr.toml: Invalid value"),
        ],
    )
    def test_a_mistake_is_named(self, tmp_path: Path, text: str, says: str) -> None:
        with pytest.raises(ConfigError) as caught:
            self.read(tmp_path, text)
        assert says in f"{caught.value}; {caught.value.hint}"

    def test_the_file_asked_for_must_be_there(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="no such file"):
            config.find_file(tmp_path / "gone.toml")


class TestWhatTheModelIsTold:
    def told(self, language: str = "auto", context: str = "", hotwords: str = "") -> DecodeOptions:
        return SpeechFlags(language=language, context=context, hotwords=hotwords).decode()

    def test_languages_by_code_or_name_in_any_case(self) -> None:
        for spelling in ("ko", "KOR", "korean", "Korean", "ko-KR"):
            assert self.told(spelling).language == "ko"
        assert self.told("auto").language is None

    def test_an_unknown_language_names_the_nearest(self) -> None:
        with pytest.raises(UsageError) as caught:
            self.told("Koraen")
        assert "Korean" in f"{caught.value} {caught.value.hint}"

    def test_the_choice_of_languages_is_read_like_a_language(self) -> None:
        def choice(allowed: str, language: str = "auto") -> tuple[str | None, tuple[str, ...]]:
            told = SpeechFlags(language=language, languages=allowed).decode()
            return told.language, told.languages

        assert choice("") == (None, ())
        assert choice("English, KOR,en") == (None, ("en", "ko"))
        assert choice("ko") == ("ko", ("ko",))  # one is no choice
        assert choice("en,ko", "ko") == ("ko", ("en", "ko"))
        with pytest.raises(UsageError, match="--languages"):
            choice("en,ko", "ja")
        with pytest.raises(UsageError, match="Klingon"):
            choice("en,Klingon")

    def test_context_and_hotwords_become_one_text(self) -> None:
        assert self.told().context == ""
        assert self.told(context="Dr. Nguyen").context == "Dr. Nguyen"
        assert self.told(hotwords="Baku,Lima").context == "Baku,Lima"
        assert self.told(context="A talk", hotwords="Baku").context == "A talk, Baku"

    def test_both_can_come_from_files(self, tmp_path: Path) -> None:
        words = tmp_path / "words.txt"
        words.write_text("\ufeffBaku\n\n  Lima \n", encoding="utf-8")
        notes = tmp_path / "notes.txt"
        notes.write_text("A talk about\nports.\n", encoding="utf-8")
        assert self.told(hotwords=f"@{words}").context == "Baku, Lima"
        assert (
            self.told(context=f"@{notes}", hotwords=f"@{words}").context == "A talk about\nports., Baku, Lima"
        )

    @pytest.mark.parametrize(
        ("content", "error"), [(None, NoInputError), (b"\xff\xfe\x00\x01\xc0", UndecodableError)]
    )
    def test_a_file_that_cannot_be_read_is_named(
        self, tmp_path: Path, content: bytes | None, error: type[QasrError]
    ) -> None:
        path = tmp_path / "words.txt"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(error, match="--hotwords"):
            self.told(hotwords=f"@{path}")


@pytest.mark.parametrize(
    ("trouble", "next_step"),
    [
        (RuntimeError("CUDA error: device is busy\nCompile with more"), "device is busy; update the driver"),
        (ImportError("No module named 'huggingface_hub'"), "reinstall with"),
        (PermissionError(13, "Permission denied"), "set TMPDIR or HF_HOME"),
        (UndecodableError("torn", "mend it"), "torn; mend it"),
    ],
)
def test_the_doctor_goes_on_where_something_is_missing(trouble: Exception, next_step: str) -> None:
    def check() -> doctor.Finding:
        raise trouble

    found = doctor._run(check)
    assert (found.state, next_step in found.detail, "\n" in found.detail) == ("missing", True, False)
