"""One row for each exit code of the contract, through a real process."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from tests.e2e.conftest import CLIP, ECHO, Qasr, StartQasr, copy_old

SLOW = "tests.fakes:slow"
CASES = [
    # name, arguments after `transcribe clip.wav --engine ENGINE`, engine, code, what stderr must say
    ("done", [], ECHO, 0, "1 done"),
    ("unknown flag", ["--colour"], ECHO, 2, "No such option"),
    ("unknown format", ["--output-format", "docx"], ECHO, 2, "known: srt"),
    ("unknown language", ["--language", "Klingon"], ECHO, 2, "give an ISO 639 code"),
    ("two formats on stdout", ["--srt", "--vtt", "-o", "-"], ECHO, 2, "--json-lines"),
    ("limits that contradict", ["--min-duration", "9"], ECHO, 2, "--max-duration"),
    ("a number out of range", ["--max-lines", "9"], ECHO, 2, "see qasr transcribe --help"),
    ("a number that is none", ["--min-duration", "nan"], ECHO, 2, "not a number of seconds"),
    ("a limit without end", ["--chunk-seconds", "inf"], ECHO, 2, "not a number of seconds"),
    ("an empty argument", [""], ECHO, 2, "empty argument; is a shell variable unset?"),
    ("no such track", ["--audio-track", "3"], ECHO, 2, "audio"),
    ("unknown engine", [], "qwen2", 2, "did you mean qwen3?"),
    ("a folder among the missing", ["gone.mp4"], ECHO, 66, "gone.mp4: no such file"),
    ("no such engine module", [], "no.such:thing", 69, "check the module's name"),
    ("no such model", ["--model", "nobody/has-this"], "qwen3", 69, "--model demo"),
    ("no such device", ["--model", "demo", "--device", "cuda:77"], "qwen3", 69, "not in this machine"),
    ("an engine that crashes", [], "tests.fakes:crashing", 70, "unexpected RuntimeError"),
    ("out of memory at a batch of one", [], "tests.fakes:always_out_of_memory", 75, "not enough memory"),
    ("doubtful result", ["--strict"], "tests.fakes:truncating", 4, "cut short"),
]


@pytest.mark.parametrize(
    ("arguments", "engine", "code", "says"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_exit_code(qasr: Qasr, clip: Path, arguments: list[str], engine: str, code: int, says: str) -> None:
    result = qasr("transcribe", clip, "--engine", engine, *arguments)
    assert result.returncode == code, result.stderr
    assert says in result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert (clip.with_suffix(".srt").exists()) == (code in {0, 4})


def test_nothing_to_do_is_0_and_loads_nothing_heavy(qasr: Qasr, clip: Path) -> None:
    assert qasr("transcribe", clip.parent, "--engine", ECHO).returncode == 0
    before = clip.with_suffix(".srt").stat().st_mtime_ns
    # An engine that cannot be loaded: had the idle run asked for it, it would have failed.
    result = qasr("transcribe", clip.parent, "--engine", "no.such:thing")
    assert (result.returncode, clip.with_suffix(".srt").stat().st_mtime_ns) == (0, before)
    assert "1 skipped" in result.stderr


def test_without_ffmpeg_the_run_is_69(qasr: Qasr, clip: Path) -> None:
    copy_old(clip, clip.with_name("other.wav"))
    result = qasr("transcribe", clip.parent, "--engine", ECHO, env={"QASR_FFMPEG": "/nonexistent/ffmpeg"})
    assert result.returncode == 69
    assert "QASR_FFMPEG" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_the_doctor_finds_what_is_missing(qasr: Qasr) -> None:
    healthy = qasr("doctor")
    assert healthy.returncode == 0, healthy.stdout
    assert "missing" not in healthy.stdout
    sick = qasr("doctor", env={"QASR_FFMPEG": "/bin/false"})
    assert sick.returncode == 69
    assert "missing" in sick.stdout


def test_the_doctor_looks_at_everything_that_a_run_needs(qasr: Qasr, tmp_path: Path) -> None:
    old = tmp_path / "old-ffmpeg"
    old.write_text("#!/bin/sh\necho 'ffmpeg version 4.2.7 Copyright (c) 2000-2019 the FFmpeg developers'\n")
    old.chmod(0o755)
    (tmp_path / "qasr.toml").touch()
    result = qasr("doctor", env={"QASR_FFMPEG": str(old), "HF_HOME": str(tmp_path / "hub"), "COLUMNS": "250"})
    assert result.returncode == 0, result.stdout  # old is a note: it works
    rows = {line[:20].strip(): line[20:].split(None, 1) for line in result.stdout.splitlines()[1:]}
    assert rows["ffmpeg"][0] == "note"
    assert "of 2019" in rows["ffmpeg"][1]
    assert rows["memory"][1].startswith("machine ")
    assert "GB" in rows["memory"][1]
    assert rows["auto means"][1].split(", ")[1].split()[0] in {"float32", "bfloat16"}
    assert "400 rows" in rows["formats of the CPU"][1]
    assert str(tmp_path / "hub") in rows["models' folder"][1]
    assert str(tmp_path / "qasr.toml") in rows["settings"][1]
    assert {rows[name][0] for name in ("results here", "temporary files", "models' folder")} <= {"ok", "note"}
    assert {"model 0.6b", "model 1.7b", "model demo"} <= set(rows)


def test_the_list_of_models_knows_what_is_here(qasr: Qasr) -> None:
    listed = qasr("models", env={"COLUMNS": "200"})
    assert listed.returncode == 0
    here = {row.split()[0]: row.split()[1] for row in listed.stdout.splitlines()[1:4]}
    assert here == {"0.6b": "no", "1.7b": "no", "demo": "yes"}


def test_some_of_several_failing_is_3(qasr: Qasr, clip: Path) -> None:
    clip.with_name("bad.mp4").write_text("this is not media")
    result = qasr("transcribe", clip.parent, "--engine", ECHO)
    assert result.returncode == 3
    assert "1 done, 1 failed" in result.stderr
    assert clip.with_suffix(".srt").exists()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("text.mp4", b"this is not media", "text.mp4"),
        ("empty.wav", b"", "empty"),
        ("noise.mkv", bytes(range(256)) * 64, "noise.mkv"),
    ],
)
def test_what_is_not_media_is_65(qasr: Qasr, tmp_path: Path, name: str, content: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(content)
    result = qasr("transcribe", name, "--engine", ECHO)
    assert result.returncode == 65, result.stderr
    assert says in result.stderr
    assert len(result.stderr.strip().splitlines()) <= 2  # the failure, the summary


def test_an_empty_folder_is_66(qasr: Qasr, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = qasr("transcribe", "empty", "--engine", ECHO)
    assert result.returncode == 66
    assert "use -r" in result.stderr


def test_an_existing_result_is_73_and_stays(qasr: Qasr, clip: Path) -> None:
    clip.with_suffix(".srt").write_text("mine")
    result = qasr("transcribe", clip, "--engine", ECHO)
    assert result.returncode == 73
    assert "--overwrite" in result.stderr
    assert clip.with_suffix(".srt").read_text() == "mine"
    assert qasr("transcribe", clip, "--engine", ECHO, "--overwrite").returncode == 0
    assert "-->" in clip.with_suffix(".srt").read_text()


def test_an_output_folder_that_is_a_file_is_73(qasr: Qasr, clip: Path) -> None:
    clip.with_name("file").touch()
    assert qasr("transcribe", clip, "--engine", ECHO, "-o", "file").returncode == 73


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_is_74(start_qasr: StartQasr, clip: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        process = start_qasr("transcribe", clip, "--engine", ECHO, "-o", "-", stdout=full)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 74, errors
    assert "No space left" in errors


@pytest.mark.parametrize(
    ("text", "says"), [('modle = "demo"', "did you mean model?"), ("max-lines = true", "whole number")]
)
def test_a_wrong_setting_is_78(qasr: Qasr, clip: Path, text: str, says: str) -> None:
    clip.with_name("qasr.toml").write_text(text)
    result = qasr("transcribe", clip, "--engine", ECHO)
    assert result.returncode == 78
    assert says in result.stderr


def test_a_flag_beats_a_variable_beats_the_file(qasr: Qasr, clip: Path) -> None:
    clip.with_name("mine.toml").write_text(f'engine = "{ECHO}"\noutput-format = "txt"\n')
    call = ("--config", "mine.toml", "transcribe", clip)
    assert qasr(*call).returncode == 0
    assert clip.with_suffix(".txt").exists()
    assert qasr(*call, env={"QASR_OUTPUT_FORMAT": "tsv"}).returncode == 0
    assert clip.with_suffix(".tsv").exists()
    assert qasr(*call, "-f", "vtt", env={"QASR_OUTPUT_FORMAT": "json"}).returncode == 0
    assert clip.with_suffix(".vtt").exists()
    assert not clip.with_suffix(".json").exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_the_run_clean_and_a_rerun_goes_on(
    qasr: Qasr, start_qasr: StartQasr, tmp_path: Path, number: int, code: int
) -> None:
    folder, work = tmp_path / "clips", tmp_path / "work"
    folder.mkdir()
    work.mkdir()
    for index in range(6):
        copy_old(CLIP, folder / f"{index}.wav")
    process = start_qasr(
        "transcribe", folder, "--engine", SLOW, "--batch-size", "1", env={"TMPDIR": str(work)}
    )
    assert process.stderr is not None
    first = process.stderr.readline()  # a line as soon as one file is done
    assert first.startswith("done"), first
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == code
    assert list(work.iterdir()) == []
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == [".qasr"]
    assert {path.name for path in (folder / ".qasr").iterdir()} == {"ledger.jsonl", "lock"}
    n_done = len(list(folder.glob("*.srt")))
    assert 1 <= n_done < 6
    rerun = qasr("transcribe", folder, "--engine", SLOW)
    assert rerun.returncode == 0
    assert f"{6 - n_done} done, {n_done} skipped" in rerun.stderr
    texts = {path.read_bytes() for path in folder.glob("*.srt")}
    assert len(texts) == 1  # six copies of one clip: a torn or mixed-up file would differ


def test_a_kill_leaves_no_torn_file(qasr: Qasr, start_qasr: StartQasr, tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    for index in range(5):
        copy_old(CLIP, folder / f"{index}.wav")
    arguments = [
        "transcribe",
        str(folder),
        "--engine",
        "tests.fakes:slow",
        "--srt",
        "--json",
        "--batch-size",
        "1",
    ]
    process = start_qasr(*arguments)
    assert process.stderr is not None
    process.stderr.readline()
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL  # it was at work
    assert len(list(folder.glob("*.srt"))) < 5
    for path in folder.glob("*.json"):
        json.loads(path.read_text())
    assert qasr(*arguments).returncode == 0
    assert len(list(folder.glob("*.json"))) == len(list(folder.glob("*.srt"))) == 5
