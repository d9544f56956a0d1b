"""Flags, whisper's spellings and the settings file, without a run."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import pytest

from qasr_cli import formats
from qasr_cli.cli import settings_file, whisper
from qasr_cli.cli.commands import COMMANDS
from qasr_cli.cli.params import own_flags
from qasr_cli.cli.params.assembly import Given, assemble
from qasr_cli.cli.params.grouped import Selection, flags_for, flags_of_command, grouped
from qasr_cli.cli.settings_file import SettingsState
from qasr_cli.cli.typer_adapter import Context, ValueOrigin
from qasr_cli.errors import ConfigError, NoInputError, QasrError, UndecodableError, UsageError
from qasr_cli.options import (
    ChunkOptions,
    CueOptions,
    DecodeOptions,
    FlagSpec,
    InputOptions,
    LogOptions,
    Options,
    OutputOptions,
    WatchOptions,
)
from qasr_cli.options.flag import PANELS, walk

ROOT = Path(__file__).parents[2]


def made(kind: type, places: Mapping[str, ValueOrigin] | None = None, /, **typed: object) -> Any:
    """Return an option group as a command line makes it; what is not typed has its default."""
    values = {flag.key: flag.default for flag in flags_for(kind, Selection())} | typed
    set_by = dict.fromkeys(typed, ValueOrigin.COMMAND_LINE) | dict(places or {})
    return assemble(kind, Given(values, lambda key: set_by.get(key, ValueOrigin.DEFAULT)))


@pytest.mark.parametrize(
    ("typed", "max_ms"),
    [
        ({}, 30_000),
        ({"multilingual": True}, 10_000),
        ({"multilingual": True, "chunk_seconds": 30}, 30_000),
        ({"chunk_seconds": 5}, 5_000),
    ],
)
def test_chunks_are_shorter_where_languages_change_unless_told_otherwise(
    typed: dict[str, Any], max_ms: int
) -> None:
    chunk = made(Options, **typed).chunk
    assert isinstance(chunk, ChunkOptions)
    assert (chunk.max_ms, chunk.target_ms) == (max_ms, max_ms * 2 // 3)


class TestFlags:
    def test_without_flags_the_command_line_gives_the_defaults(self) -> None:
        for kind in (Options, InputOptions, LogOptions, WatchOptions):
            assert made(kind) == kind()

    def test_every_flag_is_described_whole(self) -> None:
        every = [flag for kind in (Options, InputOptions, LogOptions, WatchOptions) for flag in walk(kind)]
        assert len(every) > 60
        for flag in every:
            assert flag.panel in PANELS
            assert flag.help.endswith((".", ")")), flag
            assert flag.long_names, flag
            assert bool(flag.metavar) != (flag.kind is bool or flag.is_counted), flag
        keys = [key for flag in walk(Options) for key in flag.keys]
        assert len(keys) == len(set(keys))

    def test_a_renamed_flag_keeps_its_old_variable_and_key(self) -> None:
        (flag,) = (flag for flag in walk(Options) if flag.key == "fallback_model")
        assert flag.variables == ("QASR_FALLBACK_MODEL", "QASR_RESCUE_MODEL")
        known = settings_file.known_keys([flag])
        assert known["rescue_model"] is known["fallback_model"]

    def test_every_file_format_has_a_switch(self) -> None:
        assert [flag.key for flag in own_flags.format_switches()] == list(formats.FILE_FORMATS)

    def test_the_list_of_commands_says_what_their_help_says(self) -> None:
        for row in COMMANDS:
            first = (row.load().help or "").split("\n\n")[0].replace("\n", " ")
            assert first.startswith(row.summary.rstrip(".")), row.name

    def test_aligner_none_means_no_alignment(self) -> None:
        assert made(Options).align.is_enabled
        assert not made(Options, aligner="None").align.is_enabled

    def test_fps_says_two_things(self) -> None:
        of_video, none, rounded = (made(CueOptions, fps=text) for text in ("auto", "none", "23.976"))
        assert (of_video.frame_rate, of_video.is_frame_true) == (None, True)
        assert (none.frame_rate, none.is_frame_true) == (None, False)
        assert str(rounded.frame_rate) == "24000/1001"
        for wrong in ("fast", "1e999999999"):  # the latter would be computed for hours
            with pytest.raises(UsageError, match="--fps") as caught:
                made(CueOptions, fps=wrong)
            assert caught.value.flag == "--fps"

    @pytest.mark.parametrize(
        ("typed", "flag"),
        [
            ({"max_lines": 9}, "--max-lines"),
            ({"profile": "netflx"}, "--profile"),
            ({"min_duration": 9.0}, "--min-duration"),
            ({"max_duration": 0.1}, "--max-duration"),
            ({"languages": "en,xx"}, "--languages"),
            ({"language": "Klingon"}, "--language"),
            ({"chunk_seconds": float("inf")}, "--chunk-seconds"),
            ({"chunk_seconds": 0.0}, "--chunk-seconds"),
            ({"shard": "9"}, "--shard"),
            ({"batch_size": 0}, "--batch-size"),
            ({"exec_after": ""}, "--exec-after"),
            ({"webhook": "ftp://x"}, "--webhook"),
            ({"json_lines": True, "output": "out"}, "--json-lines"),
        ],
    )
    def test_an_error_names_its_flag(self, typed: dict[str, Any], flag: str) -> None:
        with pytest.raises(UsageError) as caught:
            made(Options, **typed)
        assert caught.value.flag == flag

    def test_every_switch_has_a_default(self) -> None:
        for name in ("transcribe", "watch"):
            (command,) = (row.load() for row in COMMANDS if row.name == name)
            switches = [flag for flag in flags_of_command(command) if flag.kind is bool]
            assert [flag.key for flag in switches if flag.default is None] == []

    def test_examples_stay_line_by_line(self) -> None:
        epilogs = [row.load().epilog or "" for row in COMMANDS]
        with_examples = [text for text in epilogs if "Examples:" in text]
        assert with_examples
        assert all("\b\nExamples:\n" in text and "\\b" not in text for text in with_examples)

    def test_help_names_documents_that_exist(self) -> None:
        named = [
            name for row in COMMANDS for name in re.findall(r"docs/[\w/-]+\.md", row.load().epilog or "")
        ]
        assert named
        assert not [name for name in named if not (ROOT / name).is_file()]


class TestWhisperSpellings:
    @pytest.mark.parametrize(
        ("theirs", "ours"),
        [
            ("a.mp4 --output_dir out --output_format srt", "a.mp4 --output out --output-format srt"),
            ("--initial_prompt=Dublin --max_line_count 1", "--context=Dublin --max-lines 1"),
            ("--max_line_width 30 --batch_size 4", "--max-line-width 30 --batch-size 4"),
            ("--highlight_words True --language en", "--highlight-words --language en"),
            ("--highlight_words False", "--no-highlight-words"),
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
        assert made(OutputOptions).formats == ("srt",)
        asked = made(OutputOptions, srt=True, vtt=True, output_format="VTT, json,vtt")
        assert asked.formats == ("srt", "vtt", "json")

    def test_the_strongest_place_chooses_the_formats(self) -> None:
        places = {"vtt": ValueOrigin.FILE, "txt": ValueOrigin.VARIABLE}
        assert made(OutputOptions, places, vtt=True, txt=True).formats == ("txt",)
        assert made(OutputOptions, places, vtt=True, txt=True, output_format="tsv").formats == ("tsv",)

    def test_stdin_goes_to_stdout_unless_a_folder_is_named(self) -> None:
        assert made(OutputOptions).beside_stdin().is_stdout
        assert not made(OutputOptions, output="out").beside_stdin().is_stdout
        assert made(OutputOptions, output="-").folder is None

    def test_a_backup_is_made_of_what_is_replaced(self) -> None:
        assert made(OutputOptions, backup=True).overwrite

    def test_a_command_has_its_groups_flags_and_gets_its_groups(self) -> None:
        given: list[object] = []

        @grouped
        def command(
            name: str,
            *,
            log: Annotated[LogOptions, Selection(without=("progress",))],
            cue: Annotated[CueOptions, Selection(only=("max_lines", "min_gap"))],
            twice: Annotated[bool, FlagSpec("", "Twice.", ("--twice",), kind=bool)] = False,
        ) -> None:
            given.extend((name, log, cue, twice))

        context, *flat = inspect.signature(command).parameters.values()
        assert context.annotation is Context
        assert [one.name for one in flat] == [
            *("name", "log_file", "log_format", "quiet", "verbose", "max_lines", "min_gap", "twice")
        ]

        class Call:
            obj = None

            def find_root(self) -> Call:
                return self

            def get_parameter_source(self, name: str) -> None:
                return None

        log = {"log_file": "", "log_format": "json", "quiet": True, "verbose": 0}
        command(typer_context=Call(), name="a", max_lines=1, min_gap=0.1, twice=True, **log)
        expected = LogOptions(log_format="json", quiet=True), CueOptions(max_lines=1, min_gap_ms=100)
        assert given == ["a", *expected, True]

    def test_a_flag_may_say_something_else_of_itself_in_a_command(self) -> None:
        changed = Selection(only=("output",), changed={"output": {"metavar": "DIR"}})
        assert [flag.metavar for flag in flags_for(OutputOptions, changed)] == ["DIR"]

    def test_watch_offers_no_stdout(self) -> None:
        (row,) = (row for row in COMMANDS if row.name == "watch")
        (output,) = (flag for flag in flags_of_command(row.load()) if flag.key == "output")
        assert output.metavar == "DIR"
        assert "stdout" not in output.help


KNOWN = settings_file.known_keys(
    [
        *(flag for flag in walk(Options) if flag.key in {"model", "max_lines", "min_gap", "overwrite"}),
        *(flag for flag in walk(Options) if flag.key in {"include", "fallback_model"}),
    ]
)


class TestSettingsFile:
    def read(self, path: Path, text: str) -> dict[str, object]:
        path = path / "qasr.toml"
        path.write_text(text)
        return settings_file.read(path, KNOWN)

    def test_keys_are_long_flags(self, tmp_path: Path) -> None:
        assert self.read(tmp_path, 'model = "demo"\nmax-lines = 1\nmin_gap = 0\noverwrite = true') == {
            "model": "demo",
            "max_lines": 1,
            "min_gap": 0,
            "overwrite": True,
        }

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
    def test_a_file_of_a_windows_program(self, tmp_path: Path, encoding: str) -> None:
        path = tmp_path / "qasr.toml"
        path.write_bytes('# é\r\nmodel = "demo"\r\nmax-lines = 1\r\n'.encode(encoding))
        assert settings_file.read(path, KNOWN) == {"model": "demo", "max_lines": 1}
        assert settings_file.line_of(path, ["max_lines"]) == 3
        path.write_bytes('model = "demo"\r\nmodell = 1\r\n'.encode(encoding))
        with pytest.raises(ConfigError, match=r"qasr.toml:2: unknown key 'modell'"):
            settings_file.read(path, KNOWN)

    @pytest.mark.parametrize("text", ['include = "a* b"', 'include = ["a*", "b"]'])
    def test_a_repeatable_flag_is_a_list_or_words(self, tmp_path: Path, text: str) -> None:
        assert self.read(tmp_path, text) == {"include": ["a*", "b"]}

    @pytest.mark.parametrize("key", ["fallback-model", "rescue-model"])
    def test_both_names_of_a_flag_are_keys(self, tmp_path: Path, key: str) -> None:
        assert self.read(tmp_path, f'{key} = "1.7b"') == {"fallback_model": "1.7b"}

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ('modle = "demo"', "did you mean model"),
            ("qqqq = 1", "known: fallback-model, include, max-lines"),
            ("max-lines = true", "max-lines must be a whole number"),
            ('min-gap = "a"', "min-gap must be a number"),
            ("overwrite = 1", "overwrite must be true or false"),
            ("include = 1", "include must be a list of texts in quotes"),
            ('include = ["a", 1]', "include must be a list of texts in quotes"),
            ('model = ["demo"]', "model must be text in quotes"),
            ("model =", "qasr.toml: Invalid value"),
            (
                'rescue-model = "a"\nfallback-model = "b"',
                "qasr.toml:2: fallback-model and rescue-model are one setting",
            ),
        ],
    )
    def test_a_mistake_is_named(self, tmp_path: Path, text: str, says: str) -> None:
        with pytest.raises(ConfigError) as caught:
            self.read(tmp_path, text)
        assert says in f"{caught.value}; {caught.value.hint}"

    def test_the_file_asked_for_must_be_there(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="no such file"):
            settings_file.find_file(tmp_path / "gone.toml")

    def test_a_command_takes_the_settings_that_it_shares(self) -> None:
        values = {"report": "run.json", "language": "ko", "retries": 1}
        flags = {row.name: flags_of_command(row.load()) for row in COMMANDS if row.name in {"align", "watch"}}
        assert settings_file.for_flags(values, flags["align"]) == {"language": "ko"}
        assert settings_file.for_flags(values, flags["watch"]) == {"language": "ko"}

    def test_only_a_value_in_force_has_a_line(self, tmp_path: Path) -> None:
        state = SettingsState(asked_for=tmp_path / "a.toml")
        (tmp_path / "a.toml").write_text('model = "x"\nrescue-model = "y"\n')
        assert state.read(KNOWN.values) == {"model": "x", "fallback_model": "y"}
        assert state.origin("--model") == ""  # typed, perhaps
        state.note([KNOWN["fallback_model"]])
        assert state.origin("--fallback-model") == f"{tmp_path / 'a.toml'}:2"
        assert state.origin(None) == ""


class TestThePrompt:
    def decode(self, language: str = "auto", context: str = "", hotwords: str = "") -> DecodeOptions:
        options = made(DecodeOptions, language=language, context=context, hotwords=hotwords)
        assert isinstance(options, DecodeOptions)
        return options

    def test_languages_by_code_or_name_in_any_case(self) -> None:
        for spelling in ("ko", "KOR", "korean", "Korean", "ko-KR"):
            assert self.decode(spelling).language == "ko"
        assert self.decode("auto").language is None

    def test_an_unknown_language_names_the_nearest(self) -> None:
        with pytest.raises(UsageError) as caught:
            self.decode("Koraen")
        assert "Korean" in f"{caught.value} {caught.value.hint}"

    def test_the_choice_of_languages_is_read_like_a_language(self) -> None:
        def choice(allowed: str, language: str = "auto") -> tuple[str | None, tuple[str, ...]]:
            options = made(DecodeOptions, language=language, languages=allowed)
            return options.language, options.languages

        assert choice("") == (None, ())
        assert choice("English, KOR,en") == (None, ("en", "ko"))
        assert choice("ko") == ("ko", ("ko",))  # one is no choice
        assert choice("en,ko", "ko") == ("ko", ("en", "ko"))
        with pytest.raises(UsageError, match="--languages"):
            choice("en,ko", "ja")
        with pytest.raises(UsageError, match="Klingon"):
            choice("en,Klingon")

    def test_context_and_hotwords_become_one_text(self) -> None:
        assert self.decode().context == ""
        assert self.decode(context="Dr. Nguyen").context == "Dr. Nguyen"
        assert self.decode(hotwords="Baku,Lima").context == "Baku,Lima"
        assert self.decode(context="A talk", hotwords="Baku").context == "A talk, Baku"

    def test_both_can_come_from_files(self, tmp_path: Path) -> None:
        words = tmp_path / "words.txt"
        words.write_text("\ufeffBaku\n\n  Lima \n", encoding="utf-8")
        notes = tmp_path / "notes.txt"
        notes.write_text("A talk about\nports.\n", encoding="utf-8")
        assert self.decode(hotwords=f"@{words}").context == "Baku, Lima"
        assert (
            self.decode(context=f"@{notes}", hotwords=f"@{words}").context
            == "A talk about\nports., Baku, Lima"
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
            self.decode(hotwords=f"@{path}")
