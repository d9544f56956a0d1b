"""Settings found by chance: which count, what trust is bound to, and how its records are read."""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path

import pytest

from qasr_cli.cli import settings_trust
from qasr_cli.cli.commands import COMMANDS
from qasr_cli.cli.params.grouped import flags_of_command
from qasr_cli.cli.settings_file import SettingsState
from qasr_cli.cli.settings_trust import Trust
from qasr_cli.engines import model_store
from qasr_cli.errors import CannotCreateError, ConfigError
from qasr_cli.formats import FILE_FORMATS
from qasr_cli.options import FlagSpec
from qasr_cli.options.harmless import MODEL_NAMES

# Every setting is in one of the three. A new one has to be put where it belongs: does it choose a file, a
# folder, a model, a command or an address, replace or delete something, lift a limit, or hide a warning?
HARMLESS = {
    *(*FILE_FORMATS, "output_format", "json_lines", "highlight_words", "low_confidence"),
    *("device", "dtype", "batch_size", "offline"),
    *("language", "languages", "multilingual", "audio_track", "chunk_seconds", "vad_onset", "vad_offset"),
    *("profile", "max_line_width", "max_lines", "max_words", "max_cps", "fps"),
    *("min_duration", "max_duration", "min_gap", "speaker_style", "speaker_names", "speakers", "channel"),
    *("recursive", "include", "exclude", "settle", "order", "shard", "limit", "even_subtitled", "dry_run"),
    *("strict", "retries", "wait", "progress", "log_format", "verbose"),
    *("poll", "poll_interval", "rescan", "idle_unload"),
    *("step", "pause", "max_utterance", "pcm"),
}
BY_VALUE = {
    "model": ("demo", "Large-v3", "0.6b"),
    "fallback_model": ("1.7b",),
    "aligner": ("none", "demo"),
    "context": ("Ann, Bob",),
    "hotwords": ("Ann, Bob",),
    "newer_than": ("7d", "2026-03-31", "2026-03-31T18:00"),
}
HARMFUL_VALUE = {
    "model": ("./model", "/srv/model", "org/name", "demo/", "..", "~/m"),
    "fallback_model": ("org/name",),
    "aligner": ("org/name", "aligner"),
    "context": ("@/etc/passwd",),
    "hotwords": ("@names.txt", "@-"),
    "newer_than": ("/mnt/gone/file", "yesterday"),
}
NEED_TRUST = {
    "output", "name", "tag", "overwrite", "backup", "state", "report", "status", "log_file",
    "engine", "revision", "files_from", "null", "follow_links", "exec_after", "webhook", "hook_timeout",
    "max_hours", "workers", "shots", "quiet", "cluster", "cluster_cpus",
    "server", "server_key", "server_model", "in_flight", "server_api", "server_patience",
    "host", "port", "key", "key_file", "allowed_host", "max_upload", "max_waiting", "max_live",
    "keep_results", "drain", "threads", "wyoming", "ready_file",
    "mic", "realtime", "allow_network", "hls_segment", "obs", "obs_source", "obs_password",
}  # fmt: skip
_OTHER_VALUE = {str: "x", int: 7, float: 7.5, bool: True, Path: "x"}


def every_setting() -> dict[str, FlagSpec]:
    commands = [row for row in COMMANDS if row.name in {"transcribe", "watch", "serve", "live"}]
    return {flag.key: flag for row in commands for flag in flags_of_command(row.load()) if flag.is_setting}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder of somebody, and a home of one's own."""
    home, folder = tmp_path / "home", tmp_path / "folder"
    home.mkdir()
    folder.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(folder)
    return folder


def read(asked_for: Path | None = None) -> SettingsState:
    state = SettingsState(asked_for=asked_for)
    state.read(every_setting().values)
    return state


class TestClassification:
    def test_every_setting_is_classified_once(self) -> None:
        groups = (HARMLESS, set(BY_VALUE), NEED_TRUST)
        assert set().union(*groups) == set(every_setting())
        assert sum(map(len, groups)) == len(every_setting())

    def test_and_the_option_says_the_same(self) -> None:
        for key, flag in every_setting().items():
            other = ["x"] if flag.is_repeatable else _OTHER_VALUE[flag.kind]
            assert not flag.needs_trust(flag.default), f"{key}: its default is in force anyway"
            if key in BY_VALUE:
                assert not any(map(flag.needs_trust, BY_VALUE[key])), key
                assert all(map(flag.needs_trust, HARMFUL_VALUE[key])), key
            else:
                assert flag.needs_trust(other) is (key in NEED_TRUST), key

    def test_the_documentation_names_them(self) -> None:
        page = Path(__file__).parents[2] / "docs/reference/configuration.md"
        (row,) = (line for line in page.read_text("utf-8").splitlines() if line.startswith("| always |"))
        named = {name.replace("-", "_") for name in re.findall(r"`([a-z-]+)`", row)}
        assert named == NEED_TRUST
        rows = [line for line in page.read_text("utf-8").splitlines() if line.startswith("| unless ")]
        by_value = {name.replace("-", "_") for line in rows for name in re.findall(r"`([a-z-]+)`", line)}
        assert set(BY_VALUE) <= by_value

    def test_an_option_that_says_nothing_needs_trust(self) -> None:
        assert FlagSpec("", "", ("--new",)).needs_trust("x")

    def test_the_known_models_are_those_of_the_store(self) -> None:
        assert {model.name for model in model_store.MODELS} | set(model_store.WHISPER_SIZES) == MODEL_NAMES


class TestFoundByChance:
    def test_only_harmless_settings_count(self, folder: Path) -> None:
        (folder / "qasr.toml").write_text(
            'log-file = "a"\noutput = "b"\nmax-lines = 1\nmodel = "demo"\nwebhook = "https://a"\n'
        )
        state = read()
        assert state.values == {"max_lines": 1, "model": "demo"}
        assert set(state.ignored) == {"log_file", "output", "webhook"}
        line = state.warning(every_setting().values())
        assert line == (
            "qasr.toml: log-file, output and webhook are ignored, as this folder is not trusted; "
            "if you wrote it or have read it: qasr config trust"
        )
        assert state.warning([every_setting()["max_lines"]]) == ""

    @pytest.mark.parametrize("place", [".config/qasr/qasr.toml", "named.toml"])
    def test_in_ones_own_file_and_in_a_named_one_all_count(self, folder: Path, place: str) -> None:
        path = Path(os.environ["HOME"], place)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('log-file = "a"\n')
        state = read(path if place == "named.toml" else None)
        assert (state.values, state.ignored) == ({"log_file": "a"}, {})

    def test_the_file_of_the_folder_counts_wholly_where_it_is_named(self, folder: Path) -> None:
        (folder / "qasr.toml").write_text('log-file = "a"\n')
        assert read(Path("qasr.toml")).values == {"log_file": "a"}

    def test_ones_own_file_is_ones_own_in_its_own_folder_too(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        own = Path(os.environ["HOME"], ".config/qasr")
        own.mkdir(parents=True)
        (own / "qasr.toml").write_text('log-file = "a"\n')
        monkeypatch.chdir(own)
        assert read().values == {"log_file": "a"}

    @pytest.mark.parametrize("variable", ["HOME", "XDG_CONFIG_HOME"])
    @pytest.mark.parametrize("value", ["", ".", "sub"])
    def test_a_home_inside_the_working_folder_is_no_home(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
    ) -> None:
        for place in (".config/qasr", "qasr", "sub/qasr", "sub/.config/qasr"):
            (folder / place).mkdir(parents=True)
            (folder / place / "qasr.toml").write_text('log-file = "a"\n')
        monkeypatch.setenv(variable, value)
        assert read().values == {}


class TestTrust:
    def test_it_holds_for_one_place_and_one_content(self, folder: Path) -> None:
        file = folder / "qasr.toml"
        file.write_text('log-file = "a"\n')
        assert read().trust is Trust.NO
        settings_trust.trust(file, file.read_bytes())
        assert (read().values, read().ignored) == ({"log_file": "a"}, {})
        elsewhere = folder / "sub"
        elsewhere.mkdir()
        (elsewhere / "qasr.toml").write_bytes(file.read_bytes())
        assert settings_trust.state_of(elsewhere / "qasr.toml", file.read_bytes()) is Trust.NO
        file.write_text('log-file = "b"\n')
        assert read().trust is Trust.CHANGED
        assert "as it has changed since" in read().warning(every_setting().values())
        assert [one.file for one in settings_trust.every()] == [file]
        assert settings_trust.forget(Path("qasr.toml"))
        assert not settings_trust.forget(file)
        assert read().trust is Trust.NO

    def test_a_link_to_the_folder_is_the_folder(self, folder: Path) -> None:
        file = folder / "qasr.toml"
        file.write_text("")
        (folder.parent / "link").symlink_to(folder)
        settings_trust.trust(folder.parent / "link/qasr.toml", b"")
        assert settings_trust.state_of(file, b"") is Trust.YES

    def test_its_record_is_for_its_user_only(self, folder: Path) -> None:
        os.umask(os.umask(0))
        settings_trust.trust(folder / "qasr.toml", b"")
        (record,) = Path(os.environ["HOME"], ".local/state/qasr/trusted").iterdir()
        assert stat.S_IMODE(record.stat().st_mode) == 0o600
        record.chmod(0o620)
        assert settings_trust.state_of(folder / "qasr.toml", b"") is Trust.NO

    @pytest.mark.parametrize("name", ["\\ud800", "a\\u0000b"])
    def test_a_record_of_what_is_no_path_is_none(self, folder: Path, name: str) -> None:
        settings_trust.trust(folder / "qasr.toml", b"")
        (record,) = Path(os.environ["HOME"], ".local/state/qasr/trusted").iterdir()
        record.write_text(f'{{"file": "/{name}", "sha256": "ab"}}')
        assert list(settings_trust.every()) == []

    def test_a_record_of_another_user_does_not_count(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings_trust.trust(folder / "qasr.toml", b"")
        real = os.fstat

        def of_another(descriptor: int) -> os.stat_result:
            status = list(real(descriptor))
            status[4] = os.geteuid() + 1
            return os.stat_result(status)

        monkeypatch.setattr(os, "fstat", of_another)
        assert settings_trust.state_of(folder / "qasr.toml", b"") is Trust.NO
        assert list(settings_trust.every()) == []

    def test_a_disk_that_cannot_sync_is_no_reason_to_refuse(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(descriptor: int) -> None:
            raise OSError(errno.EINVAL, "Invalid argument")

        monkeypatch.setattr(os, "fsync", refuse)
        settings_trust.trust(folder / "qasr.toml", b"")
        assert settings_trust.state_of(folder / "qasr.toml", b"") is Trust.YES

    def test_where_modes_cannot_be_set_it_is_refused_with_the_next_step(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(settings_trust, "_is_own", lambda status: False)
        with pytest.raises(CannotCreateError, match="others may write") as caught:
            settings_trust.trust(folder / "qasr.toml", b"")
        assert "XDG_STATE_HOME" in caught.value.hint

    def test_without_a_home_there_is_none(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("HOME")
        assert settings_trust.state_of(folder / "qasr.toml", b"") is Trust.NO
        assert list(settings_trust.every()) == []
        assert not settings_trust.forget(folder / "qasr.toml")
        with pytest.raises(CannotCreateError, match="neither HOME nor XDG_STATE_HOME"):
            settings_trust.trust(folder / "qasr.toml", b"")

    @pytest.mark.parametrize(
        "content",
        [
            *(b"", b"\0" * 9, b"\xff", b"[" * 60_000, b"null", b"[]", b'"a"', b'{"file": 1, "sha256": 2}'),
            *(b'{"file": "/x"}', b'{"file": "\\ud800", "sha256": "\\ud800"}', b'{"file": 1e400}'),
            b'{"file": "' + b"x" * 70_000 + b'", "sha256": "a"}',
        ],
    )
    def test_a_broken_record_is_no_record(self, folder: Path, content: bytes) -> None:
        settings_trust.trust(folder / "qasr.toml", b"")
        (record,) = Path(os.environ["HOME"], ".local/state/qasr/trusted").iterdir()
        record.write_bytes(content)
        assert settings_trust.state_of(folder / "qasr.toml", b"") is Trust.NO
        assert all(isinstance(one.file, Path) for one in settings_trust.every())

    @pytest.mark.parametrize("kind", ["fifo", "link", "folder"])
    def test_neither_is_what_is_no_file(self, folder: Path, kind: str) -> None:
        settings_trust.trust(folder / "qasr.toml", b"")
        (record,) = Path(os.environ["HOME"], ".local/state/qasr/trusted").iterdir()
        kept = record.rename(folder / "kept.json")
        if kind == "fifo":
            os.mkfifo(record)
        elif kind == "link":
            record.symlink_to(kept)
        else:
            record.mkdir()
        assert settings_trust.state_of(folder / "qasr.toml", b"") is Trust.NO
        assert list(settings_trust.every()) == []

    def test_a_folder_whose_name_is_not_utf8_can_be_trusted(self, folder: Path) -> None:
        odd = folder / os.fsdecode(b"caf\xe9")
        try:
            odd.mkdir()
        except OSError:
            pytest.skip("this file system takes UTF-8 only")
        settings_trust.trust(odd / "qasr.toml", b"")
        assert [one.file for one in settings_trust.every()] == [odd / "qasr.toml"]


class TestHostileFiles:
    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (b"a = " + b"[" * 90_000, "nested too deep"),
            (b"a = " + b"{a=" * 30_000, "nested too deep"),
            (b"a." * 40_000 + b"a = 1", "more than 300 dots"),
            (b"[" + b"a." * 40_000 + b"a]", "more than 300 dots"),
            (b"max-lines = " + b"9" * 90_000, "qasr.toml: Exceeds the limit"),
            (b"max-lines = 0x" + b"f" * 90_000, "qasr.toml:1: max-lines"),
            (b"model = 0x" + b"f" * 90_000, "not a number of thousands of digits"),
            (b"max-lines = [0x" + b"f" * 90_000 + b"]", "not a number of thousands of digits"),
            (b"model = " + b"[" * 150 + b"]" * 150, "model must be text"),
            (b"max-lines = '" + b"a" * 90_000 + b"'", "max-lines must be a whole number"),
            (b"a" * 90_000 + b" = 1", "unknown key 'aaa"),
            (b"#" * 100_001, "larger than 100 kB"),
            (b"\xff\xfe\xfd", "qasr.toml: 'utf-16-le' codec"),
            (b'a = "\x00"', "qasr.toml: Illegal character"),
            (b'"\\u202e\\u009b" = 1', "unknown key '\\u202e\\x9b'"),
            (b'context = "\\ud800"', "qasr.toml: "),
            (b'log-file = "a\\u0000b"', "qasr.toml:1: log-file has a zero byte"),
            (b'include = ["a", "\\u0000"]', "qasr.toml:1: include has a zero byte"),
            (b"[model]\na = 1", "model must be text"),
            (b"model = 1979-05-27", "model must be text"),
        ],
    )
    def test_the_error_is_one_line_of_that_file(self, folder: Path, content: bytes, says: str) -> None:
        (folder / "qasr.toml").write_bytes(content)
        with pytest.raises(ConfigError) as caught:
            read()
        assert says in str(caught.value)
        assert str(caught.value).startswith("qasr.toml")
        assert len(str(caught.value)) < 500
        assert str(caught.value).isprintable()

    def test_many_sentences_are_no_deep_key(self, folder: Path) -> None:
        (folder / "qasr.toml").write_text(f'context = "{"A name. " * 400}"\n')
        assert read().values["context"].count(".") == 400

    def test_a_sparse_file_is_not_read(self, folder: Path) -> None:
        with (folder / "qasr.toml").open("wb") as file:
            file.truncate(3_000_000_000)
        with pytest.raises(ConfigError, match="larger than 100 kB"):
            read()

    def test_what_is_no_file_is_no_settings_file(self, folder: Path) -> None:
        os.mkfifo(folder / "qasr.toml")
        assert read().path is None
        (folder / "qasr.toml").unlink()
        (folder / "qasr.toml").symlink_to("/dev/zero")
        assert read().path is None
