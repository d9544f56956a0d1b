"""Paths as users write them: `~` wherever a setting is written, and inputs that are streams."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from tests.e2e.conftest import CLIP, ECHO, Qasr, copy_old, environment

BASH = "/bin/bash"
SRT = "1\n00:00:01,000 --> 00:00:03,000\nHello there\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder, and a clip in it."""
    folder = tmp_path / "home"
    folder.mkdir()
    copy_old(CLIP, folder / "clip.wav")
    return folder


class TestTilde:
    def test_in_a_flag_s_value(self, qasr: Qasr, home: Path) -> None:
        result = qasr(
            *("transcribe", "~/clip.wav", "--engine", ECHO, "--output=~/out", "--report=~/r.json"),
            *("--log-file=~/log", "--state=~/state", "--output_format", "srt"),
            env={"HOME": str(home)},
        )
        assert result.returncode == 0, result.stderr
        assert sorted(one.name for one in home.iterdir()) == ["clip.wav", "log", "out", "r.json"]
        assert (home / "out" / "clip.srt").exists()
        assert not (home.parent / "~").exists()

    @pytest.mark.parametrize("place", ["file", "variable", "attached", "whisper's", "list"])
    def test_wherever_it_is_written(self, qasr: Qasr, home: Path, place: str) -> None:
        env, folder, arguments = {"HOME": str(home)}, home.parent, ["transcribe", "home/clip.wav"]
        if place == "file":
            (folder / "mine.toml").write_text('output = "~/out"\nlog-file = "~/log"\n')
            arguments = ["--config", "mine.toml", *arguments]
        elif place == "variable":
            env |= {"QASR_OUTPUT": "~/out", "QASR_LOG_FILE": "~/log"}
        elif place == "list":
            (home / "list").write_text("~/clip.wav\n")
            arguments = ["transcribe", "--files-from=~/list", "-o~/out", "--log-file=~/log"]
        else:
            arguments += ["-o~/out" if place == "attached" else "--output_dir=~/out", "--log-file=~/log"]
        result = qasr(*arguments, "--engine", ECHO, env=env)
        assert result.returncode == 0, result.stderr
        assert (home / "out" / "clip.srt").exists()
        assert (home / "log").exists()

    def test_of_a_user_and_of_nobody(self, qasr: Qasr, home: Path) -> None:
        user = pwd.getpwuid(os.geteuid())
        told = qasr("transcribe", "home/clip.wav", "-n", f"--output=~{user.pw_name}/x").stdout
        assert f"-> {user.pw_dir}/x/clip.srt" in told
        told = qasr("transcribe", "home/clip.wav", "-n", "--output=~no-such-user/x").stdout
        assert "-> ~no-such-user/x/clip.srt" in told

    def test_a_file_of_that_name_is_reached(self, qasr: Qasr, home: Path) -> None:
        env = {"HOME": str(home)}
        (home.parent / "~").mkdir()
        copy_old(CLIP, home.parent / "~" / "here.wav")
        assert qasr("transcribe", "./~", "-n", env=env).stdout == "would transcribe here.wav -> ~/here.srt\n"
        assert qasr("transcribe", "~", "-n", env=env).stdout == "would transcribe here.wav -> ~/here.srt\n"
        told = qasr("transcribe", "home/clip.wav", "-n", "-o", "./~", env=env).stdout
        assert told == "would transcribe clip.wav -> ~/clip.srt\n"
        told = qasr("transcribe", "home/clip.wav", "-n", "-o", "~", env=env).stdout
        assert told == f"would transcribe clip.wav -> {home}/clip.srt\n"

    def test_in_commands_without_groups(self, qasr: Qasr, home: Path) -> None:
        env = {"HOME": str(home)}
        (home / "a.srt").write_text(SRT)
        assert qasr("check", "~/a.srt", "--fix", "--output=~/fixed", env=env).returncode == 0
        assert (home / "fixed" / "a.fixed.srt").exists()
        assert qasr("check", "~/a.srt", "--against=~/a.srt", env=env).returncode == 0
        assert qasr("config", "init", "~/mine.toml", env=env).returncode == 0
        assert qasr("--config=~/mine.toml", "config", "path", env=env).stdout == f"{home}/mine.toml\n"
        assert qasr("models", "check", "~/none", env=env).stderr.count(str(home / "none"))
        shown = json.loads(qasr("config", "show", "--json", env={**env, "QASR_STATE": "~/s"}).stdout)
        assert {"key": "state", "value": f"{home}/s", "from": "QASR_STATE"} in shown


class TestSpelling:
    @pytest.mark.parametrize("form", ["NFC", "NFD"])
    def test_what_macos_did_is_done_on_linux(self, qasr: Qasr, tmp_path: Path, form: str) -> None:
        # The names are those of one system, and then those of the other.
        def spelt(text: str, form: str) -> str:
            return unicodedata.normalize(form, text)  # type: ignore[arg-type]

        name, other = "Café 녹음", "NFD" if form == "NFC" else "NFC"
        talks = tmp_path / "talks"
        talks.mkdir()
        copy_old(CLIP, talks / f"{spelt(name, form)}.wav")
        assert qasr("transcribe", talks, "--engine", ECHO).returncode == 0
        for path in list(talks.glob("Caf*")):
            path.rename(path.with_name(spelt(path.name, other)))
        again = qasr("transcribe", talks, "--engine", ECHO)
        assert again.returncode == 0
        assert "1 skipped" in again.stderr
        named = talks / f"{spelt(name, form)}.wav"  # which the disk spells otherwise
        refused = qasr("transcribe", named, "--engine", ECHO)
        assert refused.returncode == 73, refused.stderr
        (talks / f"{spelt(name, other)}.srt").rename(talks / f"{spelt(name, form)}.srt")
        assert qasr("transcribe", named, "--engine", ECHO, "--overwrite").returncode == 0
        assert sorted(path.name for path in talks.glob("Caf*")) == [
            f"{spelt(name, other)}.srt",
            f"{spelt(name, other)}.wav",
        ]


def shell(folder: Path, command: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command of bash in which `qasr` is this one, started from nothing: descriptors are inherited."""
    program = f'qasr() {{ {sys.executable} -m qasr_cli "$@"; }}\n'
    return subprocess.run(
        [BASH, "-c", program + command],
        cwd=folder, env=environment(CLIP=str(CLIP), ECHO=ECHO, **more),
        check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


@pytest.mark.skipif(not Path(BASH).exists(), reason="no bash, whose process substitution this is about")
class TestStreams:
    @pytest.mark.parametrize(
        "given",
        [
            "/dev/stdin < $CLIP",
            "/dev/fd/0 < $CLIP",
            "/proc/self/fd/0 < $CLIP",
            "/dev/fd/7 7< $CLIP",
            "/dev/fd/7 7< <(cat $CLIP)",
            "<(cat $CLIP)",
            "pipe.wav & cat $CLIP > pipe.wav; wait $!",
        ],
    )
    def test_media(self, tmp_path: Path, given: str) -> None:
        os.mkfifo(tmp_path / "pipe.wav")
        head, _, tail = given.partition(" & ")
        end = f" & {tail}" if tail else ""
        result = shell(tmp_path, f"qasr transcribe --engine $ECHO --txt {head}{end}")
        assert result.returncode == 0, result.stderr
        assert result.stdout == shell(tmp_path, "qasr transcribe - --engine $ECHO --txt < $CLIP").stdout != ""
        assert os.listdir(tmp_path) == ["pipe.wav"]  # noqa: PTH208 - names

    def test_two_at_once_and_into_a_folder(self, tmp_path: Path) -> None:
        result = shell(
            tmp_path, "qasr transcribe <(cat $CLIP) <(cat $CLIP) /dev/stdin --engine $ECHO -o out < $CLIP"
        )
        assert result.returncode == 0, result.stderr
        assert sorted(one.name for one in (tmp_path / "out").iterdir()) == [
            *("stdin-2.srt", "stdin-3.srt", "stdin.srt")
        ]

    @pytest.mark.parametrize(
        ("given", "code", "says"),
        [
            ("<(cat $CLIP) <(cat $CLIP)", 2, "stdout takes one format of one source"),
            ("/dev/stdin - < $CLIP", 2, "cannot be read twice"),
            ("<(cat $CLIP) $CLIP", 2, "cannot be combined with other inputs"),
            ("/dev/fd/77", 74, "reading /dev/fd/77: Bad file descriptor"),
            ("<(true)", 66, "no data"),
            ("<(echo no media)", 65, "not media"),
        ],
    )
    def test_mistakes(self, tmp_path: Path, given: str, code: int, says: str) -> None:
        result = shell(tmp_path, f"qasr transcribe {given} --engine $ECHO")
        assert result.returncode == code, result.stderr
        assert says in result.stderr

    @pytest.mark.parametrize(
        "command",
        ["check - -", "check /dev/stdin -", "check - --against /dev/fd/0", "render - /dev/fd/0 --vtt -o out"],
    )
    def test_a_stream_that_is_named_twice(self, tmp_path: Path, command: str) -> None:
        (tmp_path / "talk.srt").write_text(SRT)
        result = shell(tmp_path, f"qasr {command} < talk.srt")
        assert (result.returncode, result.stdout) == (2, ""), result.stderr
        assert "cannot be read twice; name it once" in result.stderr

    def test_a_pipe_among_files_is_one_failure(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe.wav")
        copy_old(CLIP, tmp_path / "clip.wav")
        result = shell(tmp_path, "qasr transcribe *.wav --engine $ECHO")
        assert result.returncode == 3, result.stderr
        assert "pipe.wav: not a regular file" in result.stderr
        assert (tmp_path / "clip.srt").exists()

    def test_a_preview_reads_nothing(self, tmp_path: Path) -> None:
        told = shell(tmp_path, "qasr transcribe /dev/stdin -n < $CLIP; cat | wc -c", LC_ALL="C")
        assert told.stdout == "would transcribe stdin -> stdout\n0\n" or told.stdout.startswith("would")

    def test_recording_and_script(self, tmp_path: Path) -> None:
        (tmp_path / "words").write_text("one two three\n")
        for pair in (
            "<(cat $CLIP) <(cat words)",
            "$CLIP /dev/stdin -o - < words",
            "- words < $CLIP",
            "/dev/stdin <(cat words) < $CLIP",
        ):
            result = shell(tmp_path, f"qasr align {pair} --engine $ECHO --txt -q")
            assert (result.returncode, result.stderr) in {(0, ""), (4, result.stderr)}, result.stderr
            assert "not a regular file" not in result.stderr
            assert "no such file" not in result.stderr
        both = shell(tmp_path, "qasr align /dev/stdin - --engine $ECHO < words")
        assert both.returncode == 2
        assert "recording and script are both stdin" in both.stderr

    def test_subtitles_and_transcripts(self, tmp_path: Path) -> None:
        (tmp_path / "a.srt").write_text(SRT)
        one = shell(tmp_path, "qasr check <(cat a.srt) <(cat a.srt) --fix -o out")
        assert one.returncode == 0, one.stderr
        assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
            *("stdin-2.fixed.srt", "stdin.fixed.srt")
        ]
        assert "stdin (SRT" in shell(tmp_path, "qasr check /dev/stdin < a.srt").stdout
        assert shell(tmp_path, "qasr check /dev/fd/5 --against <(cat a.srt) 5< a.srt").returncode == 0
        refused = shell(tmp_path, "qasr check <(cat a.srt) --fix")
        assert (refused.returncode, "needs a folder" in refused.stderr) == (2, True)
        assert shell(tmp_path, "qasr transcribe $CLIP --engine $ECHO --json -o .").returncode == 0
        made = f"{CLIP.stem}.json"
        plain = shell(tmp_path, f"qasr render - --vtt < {made}").stdout
        assert plain.startswith("WEBVTT")
        for given in (f"/dev/stdin < {made}", f"<(cat {made})"):
            assert shell(tmp_path, f"qasr render --vtt {given}").stdout == plain

    def test_a_list(self, tmp_path: Path) -> None:
        copy_old(CLIP, tmp_path / "clip.wav")
        for given in ("<(echo clip.wav)", "/dev/stdin <<< clip.wav"):
            told = shell(tmp_path, f"qasr transcribe -n --files-from {given}")
            assert told.stdout == "would transcribe clip.wav -> clip.srt\n", told.stderr
