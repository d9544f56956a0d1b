"""`--device a,b`: the results are those of one device, byte for byte, whatever happens to a device."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

import qasr_cli
from tests import on_devices
from tests.e2e.conftest import CLIP, SAMPLES, Qasr, StartQasr, copy_old
from tests.on_devices import BOTH, FIRST

TALK = SAMPLES / "talk.mp4"
ENGINE = "tests.on_devices"
SMALL = ("--batch-size", "2", "--srt", "--json")  # many batches, in several windows


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a long recording and short ones."""
    folder = tmp_path_factory.mktemp("media")
    for path in (TALK, *sorted((SAMPLES / "clips").iterdir())):
        copy_old(path, folder / path.name)
    return folder


def results(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def finished(folder: Path) -> list[tuple[str, str, list[str]]]:
    """Return what the ledger has, in its order, without times of day."""
    lines = (folder / ".qasr" / "ledger.jsonl").read_text("utf-8").splitlines()
    return [
        (entry["file"], entry["fingerprint"], [output["identity"]["digest"] for output in entry["outputs"]])
        for entry in map(json.loads, lines)
    ]


def transcribe(qasr: Qasr, media: Path, engine: str, devices: str, *more: object) -> str:
    result = qasr("transcribe", media, "--engine", engine, "--device", devices, "-o", devices, *SMALL, *more)
    assert result.returncode == 0, result.stderr
    return str(result.stderr)


def warnings(stderr: str) -> list[str]:
    return [line for line in stderr.splitlines() if "warning" in line]


@pytest.mark.parametrize("engine", ["uneven", "losing_second"])
def test_files_and_ledger_are_those_of_one_device(
    qasr: Qasr, tmp_path: Path, media: Path, engine: str
) -> None:
    transcribe(qasr, media, f"{ENGINE}:even", FIRST)
    said = transcribe(qasr, media, f"{ENGINE}:{engine}", BOTH, "--report", "report.json")
    assert results(tmp_path / BOTH) == results(tmp_path / FIRST)
    assert finished(tmp_path / BOTH) == finished(tmp_path / FIRST)
    assert len(finished(tmp_path / BOTH)) == 11
    assert [line.partition("warning: ")[2] for line in warnings(said)] == (
        ["fake:1 has failed: unspecified launch failure; its work goes to the other devices: 1 of 2 left"]
        if engine == "losing_second"
        else []
    )
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert report["engines"]["device"] == "fake:0 fake16, fake:1 fake16"
    assert report["engines"]["batch_size"] == 2


def test_the_demo_pair_says_the_same_on_two(qasr: Qasr, tmp_path: Path) -> None:
    for name in ("three-languages.ogg", "two-tracks.mkv"):
        copy_old(SAMPLES / name, tmp_path / name)
    for devices in ("cpu", "cpu,cpu"):
        arguments = ("--model", "demo", "--device", devices, "-o", devices, *SMALL)
        assert qasr("transcribe", ".", *arguments).returncode == 0
    assert results(tmp_path / "cpu,cpu") == results(tmp_path / "cpu")
    assert len(results(tmp_path / "cpu")) == 4


def test_what_is_recognised_again_is_the_same_on_two(qasr: Qasr, tmp_path: Path, media: Path) -> None:
    """Each device loads a fallback model of its own, once it needs it."""
    for devices in (FIRST, BOTH):
        engine = "tests.misbehaving:looping_when_small"
        transcribe(qasr, media, engine, devices, "--rescue-model", "big")
    assert results(tmp_path / BOTH) == results(tmp_path / FIRST)
    assert b"and so it went on" not in results(tmp_path / BOTH)["talk.srt"]


def test_a_script_s_words_have_the_same_times_on_two(qasr: Qasr, tmp_path: Path, media: Path) -> None:
    transcribe(qasr, media / "talk.mp4", f"{ENGINE}:even", FIRST, "--txt")
    for devices in (FIRST, BOTH):
        arguments = ("--engine", f"{ENGINE}:uneven", "--device", devices, "-o", f"aligned-{devices}")
        result = qasr("align", TALK, f"{FIRST}/talk.txt", *arguments, *SMALL)
        assert result.returncode == 0, result.stderr
    assert results(tmp_path / f"aligned-{BOTH}") == results(tmp_path / f"aligned-{FIRST}")


def test_without_any_device_left_the_run_ends(qasr: Qasr, tmp_path: Path) -> None:
    copy_old(TALK, tmp_path / "talk.mp4")
    result = qasr("transcribe", "talk.mp4", "--engine", f"{ENGINE}:losing_all", "--device", BOTH, *SMALL)
    assert result.returncode == 69
    assert "1 of 2 left" in result.stderr
    (failed,) = (line for line in result.stderr.splitlines() if line.startswith("failed"))
    assert "has failed: unspecified launch failure; run the same command again" in failed
    assert not (tmp_path / "talk.srt").exists()


def test_a_killed_run_goes_on_with_the_bytes_of_a_whole_one(qasr: Qasr, tmp_path: Path) -> None:
    talk = copy_old(TALK, tmp_path / "talk.mp4")
    transcribe(qasr, talk, f"{ENGINE}:even", FIRST)
    arguments = ("transcribe", talk, "-o", BOTH, *SMALL)
    dead = qasr(*arguments, "--engine", f"{ENGINE}:killed", "--device", BOTH)
    assert dead.returncode == -signal.SIGKILL
    # Another engine would have another fingerprint; on the first device alone this one lasts
    resumed = qasr(*arguments, "--engine", f"{ENGINE}:killed", "--device", FIRST, "-v")
    assert resumed.returncode == 0, resumed.stderr
    assert "chunks are resumed" in resumed.stderr
    assert results(tmp_path / BOTH) == results(tmp_path / FIRST)


def test_ctrl_c_ends_what_the_devices_compute(start_qasr: StartQasr, tmp_path: Path) -> None:
    copy_old(TALK, tmp_path / "talk.mp4")
    arguments = ("--engine", f"{ENGINE}:endless", "--device", BOTH, "--batch-size", "1")
    process = start_qasr("transcribe", "talk.mp4", *arguments)
    assert process.stderr is not None
    at_work = 0
    while at_work < 2:
        line = process.stderr.readline()
        assert line, "it has ended"
        at_work += "at work" in line
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) == 130  # the batches would take a minute
    assert not (tmp_path / "talk.srt").exists()


def test_the_python_api_takes_several_and_again() -> None:
    alone = qasr_cli.transcribe(CLIP, model="demo", device="cpu", language="en")
    with qasr_cli.Transcriber(model="demo", device="cpu,cpu", language="en") as transcriber:
        first, second = (transcriber.transcribe(CLIP) for _ in range(2))
    assert first == second == alone


@pytest.mark.parametrize(
    ("devices", "problem"),
    [
        ("cuda:0,cuda:0", "has cuda:0 twice"),
        ("cuda,cuda:0", "has cuda:0 twice"),
        ("cpu,cuda:1", "mixes cpu and cuda"),
        ("cpu,auto", "has auto beside other names"),
        ("cuda:0,all", "has all beside other names"),
        ("cpu,", "has an empty name"),
        ("gpu:0,gpu:1", "'gpu:0' is unknown"),
    ],
)
def test_devices_that_do_not_go_together_are_usage(
    qasr: Qasr, clip: Path, devices: str, problem: str
) -> None:
    result = qasr("transcribe", clip, "--model", "demo", "--device", devices)
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert f"--device {devices!r} {problem}" in line or problem in line
    assert "; " in line  # the next step


def test_fakes_of_one_device_say_what_they_are() -> None:
    session = on_devices.sessions(on_devices.even)
    assert session.device == "fake:0 fake16, fake:1 fake16"
