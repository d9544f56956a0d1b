"""Many sources, and very long ones: nothing lost, nothing mixed up, memory flat."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from qasr_cli.errors import DeviceLostError, OutOfMemoryError
from qasr_cli.options import FindOptions, Options, OutputOptions
from qasr_cli.records import Status
from qasr_cli.runs.execution.run import Run
from qasr_cli.runs.inputs import discovery
from qasr_cli.runs.planning import output_plan
from qasr_cli.runs.planning.output_names import OutputLayout
from qasr_cli.speech.inference.protocols import Engines
from qasr_cli.speech.inference.session import Session
from qasr_cli.terminal.progress import QuietReporter
from tests import fakes, misbehaving
from tests.e2e.conftest import CLIP, ECHO, SAMPLES, Qasr, copy_old, environment
from tests.measuring import measure_qasr
from tests.media_factory import ffmpeg, make_silence

LONG = {"4", "5", "7", "9"}  # the four of the ten clips with more than four seconds
MAX_MEMORY_MB = 400  # a run without a model takes 150 MB; an hour of float samples would add 230


def test_one_bad_file_among_fifty(qasr: Qasr, tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    clips = sorted((SAMPLES / "clips").iterdir())
    for number in range(49):
        clip = clips[number % len(clips)]
        copy_old(clip, folder / f"{number:02d}{clip.suffix}")
    (folder / "24-bad.mp4").write_bytes(b"not media at all")
    result = qasr("transcribe", folder, "--engine", ECHO, "--json")
    assert result.returncode == 3
    assert "49 done, 1 failed" in result.stderr
    assert "24-bad.mp4" in next(line for line in result.stderr.splitlines() if line.startswith("failed"))
    for number in range(49):
        transcript = json.loads((folder / f"{number:02d}.json").read_text())
        assert transcript["source"].startswith(f"{number:02d}.")
        assert transcript["segments"]


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    for number, clip in enumerate(sorted((SAMPLES / "clips").iterdir())):
        copy_old(clip, tmp_path / f"{number}{clip.suffix}")
    return tmp_path


def run(folder: Path, engines: Engines, **options: object) -> Run:
    found = discovery.discover([folder], FindOptions()).sources
    everything = Options(output=OutputOptions(overwrite=True), **options)  # type: ignore[arg-type]
    plans = output_plan.plan(found, OutputLayout.of(everything.output, {"srt": ".srt"}))
    job = Run(everything, lambda: Session(engines), QuietReporter(), lambda text: None)
    job.execute(plans)
    return job


def test_chunks_of_many_sources_share_a_batch(run_folder: Path) -> None:
    recognizer = fakes.Echo(Options().engine)
    job = run(run_folder, Engines(recognizer, fakes.Even()))
    assert recognizer.batches == [10]
    assert job.report.count(Status.DONE) == 10


def test_what_many_sources_need_again_shares_a_batch_too(run_folder: Path) -> None:
    engines = misbehaving.looping(Options().engine)
    recognizer = engines.recognizer
    assert isinstance(recognizer, misbehaving.Misbehaving)
    job = run(run_folder, engines)
    assert job.report.count(Status.DONE) == 10
    first, second = recognizer.batches[:2]
    long = [length for length in recognizer.asked[0][0] if length > misbehaving.SHORT_S]
    assert (first, second) == (10, 2 * len(long))
    results = {path.name: path.read_bytes() for path in run_folder.glob("*.srt")}
    run(run_folder, misbehaving.looping(Options().engine))
    assert results == {path.name: path.read_bytes() for path in run_folder.glob("*.srt")}


def test_a_crash_while_hearing_again_costs_no_source(run_folder: Path) -> None:
    engines = misbehaving.crashing_when_asked_again(Options().engine)
    job = run(run_folder, engines)
    assert job.report.count(Status.DONE) == 10
    warned = {o.source.relative.stem for o in job.report.outcomes if "retry failed" in "".join(o.warnings)}
    assert warned == LONG


def test_a_device_that_is_gone_fails_what_needs_it(run_folder: Path) -> None:
    job = run(run_folder, misbehaving.losing_its_device(Options().engine))
    failed = {o.source.relative.stem for o in job.report.outcomes if o.status is Status.FAILED}
    assert failed == LONG
    assert not (run_folder / "4.srt").exists()


def test_a_crash_costs_the_source_that_causes_it_and_no_other(run_folder: Path) -> None:
    job = run(run_folder, fakes.crashing_on_long(Options().engine))
    failed = {o.source.relative.stem for o in job.report.outcomes if o.status is Status.FAILED}
    assert failed == LONG
    assert job.report.count(Status.DONE) == 6
    assert not (run_folder / "4.srt").exists()


@pytest.mark.parametrize(
    "error", [RuntimeError("index 640 is out of bounds"), OutOfMemoryError("not enough memory on fake:0")]
)
def test_a_text_that_cannot_be_aligned_is_written_with_estimated_times(
    run_folder: Path, error: Exception
) -> None:
    run(run_folder, fakes.echo(Options().engine))
    whole = {path.name: path.read_bytes() for path in run_folder.glob("*.srt")}
    job = run(run_folder, Engines(fakes.Echo(Options().engine), fakes.FailingEven(error)))
    assert job.report.count(Status.DONE) == 10
    warned = {o.source.relative.stem: o.warnings for o in job.report.outcomes if o.warnings}
    assert set(warned) == LONG
    for (warning,) in warned.values():
        assert warning.startswith("the aligner failed on 1 chunk, word times are interpolated: ")
        assert str(error) in warning
    written = {path.name: path.read_bytes() for path in run_folder.glob("*.srt")}
    assert all(b"One two" in content for content in written.values())
    assert {name for name, content in whole.items() if written[name] != content} <= {f"{n}.srt" for n in LONG}


def test_an_aligner_that_fails_once_is_asked_again(run_folder: Path) -> None:
    run(run_folder, fakes.echo(Options().engine))
    whole = {path.name: path.read_bytes() for path in run_folder.glob("*.srt")}
    aligner = fakes.FailingEven(RuntimeError("a hiccup"), n_failures=1)
    job = run(run_folder, Engines(fakes.Echo(Options().engine), aligner))
    assert [outcome.warnings for outcome in job.report.outcomes] == [()] * 10
    assert whole == {path.name: path.read_bytes() for path in run_folder.glob("*.srt")}


def test_an_aligner_s_device_that_is_gone_fails_what_needs_it(run_folder: Path) -> None:
    aligner = fakes.FailingEven(DeviceLostError("fake:0 has failed"))
    job = run(run_folder, Engines(fakes.Echo(Options().engine), aligner))
    failed = {o.source.relative.stem: o.error for o in job.report.outcomes if o.status is Status.FAILED}
    assert set(failed) == LONG
    assert {type(error) for error in failed.values()} == {DeviceLostError}
    assert not (run_folder / "4.srt").exists()


def test_a_recognizer_without_memory_for_one_chunk_is_still_a_failure(run_folder: Path) -> None:
    job = run(run_folder, fakes.always_out_of_memory(Options().engine))
    assert {type(outcome.error) for outcome in job.report.outcomes} == {OutOfMemoryError}


def test_little_memory_changes_no_byte(run_folder: Path) -> None:
    run(run_folder, fakes.echo(Options().engine))
    first = {path.name: path.read_bytes() for path in run_folder.glob("*.srt")}
    run(run_folder, fakes.cramped(Options().engine))
    assert first == {path.name: path.read_bytes() for path in run_folder.glob("*.srt")}
    assert len(first) == 10


def test_a_source_that_vanishes_is_its_own_trouble(run_folder: Path) -> None:
    found = discovery.discover([run_folder], FindOptions()).sources
    (run_folder / "3.ogg").unlink()
    plans = output_plan.plan(found, OutputLayout.of(OutputOptions(), {"srt": ".srt"}))
    job = Run(Options(), lambda: Session(fakes.echo(Options().engine)), QuietReporter(), lambda text: None)
    report = job.execute(plans)
    assert report.count(Status.DONE) == 9
    assert report.exit_code == 3


def test_silence_and_music_free_media_is_a_legal_empty_result(qasr: Qasr, tmp_path: Path) -> None:
    make_silence(tmp_path / "quiet.wav", 5)
    result = qasr("transcribe", "quiet.wav", "--engine", ECHO, "--srt", "--vtt", "--json", "--txt", "--tsv")
    assert result.returncode == 0
    assert (tmp_path / "quiet.srt").read_text() == ""
    assert (tmp_path / "quiet.vtt").read_text().strip() == "WEBVTT"
    assert json.loads((tmp_path / "quiet.json").read_text())["segments"] == []


def peak_mb(folder: Path, media: Path) -> float:
    """Return the peak resident memory of a whole run over `media`, the made-up engine included."""
    arguments = ("transcribe", media, "--engine", ECHO, "--json", "-q")
    usage = measure_qasr(*arguments, folder=folder, env=environment())
    assert usage.exit_code == 0, usage.errors
    return usage.peak_mb


@pytest.mark.slow
def test_an_hour_of_silence_stays_small(tmp_path: Path) -> None:
    media = make_silence(tmp_path / "hour.flac", 3600)
    assert peak_mb(tmp_path, media) < MAX_MEMORY_MB
    assert json.loads((tmp_path / "hour.json").read_text())["duration_ms"] == 3_600_000


@pytest.mark.slow
def test_three_hours_of_speech_stay_small(tmp_path: Path) -> None:
    media = tmp_path / "day.m4a"
    ffmpeg("-stream_loop", -1, "-i", SAMPLES / "talk.mp4", "-vn", "-c:a", "copy", "-t", 3 * 3600, media)
    assert peak_mb(tmp_path, media) < MAX_MEMORY_MB
    transcript = json.loads((tmp_path / "day.json").read_text())
    assert abs(transcript["duration_ms"] - 3 * 3_600_000) < 1000
    assert len(transcript["segments"]) > 400
    assert all(one["end_ms"] <= other["start_ms"] for one, other in pairwise(transcript["segments"]))


def test_a_folder_s_tree_is_mirrored(qasr: Qasr, tmp_path: Path) -> None:
    (tmp_path / "in/deep/deeper").mkdir(parents=True)
    copy_old(CLIP, tmp_path / "in/a.wav")
    copy_old(CLIP, tmp_path / "in/deep/deeper/b.wav")
    assert qasr("transcribe", "in", "-r", "--engine", ECHO, "-o", "out").returncode == 0
    assert (tmp_path / "out/a.srt").exists()
    assert (tmp_path / "out/deep/deeper/b.srt").exists()
    assert sorted(path.name for path in (tmp_path / "in").rglob("*.*")) == ["a.wav", "b.wav"]
