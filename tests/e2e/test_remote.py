"""`--server`: whole runs whose recogniser is a server on loopback, and what they leave behind if it goes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import qasr_cli
from qasr_cli import engines
from qasr_cli.errors import RemoteError, UsageError
from qasr_cli.options import DecodeOptions, EngineOptions
from tests import speech_server
from tests.e2e.conftest import CLIP, ECHO, ROOT, SAMPLES, Qasr, StartQasr, copy_old, environment
from tests.speech_server import Answer, Handler, Heard, SpeechServer

TALK = SAMPLES / "talk.mp4"
KEY = "sk-very-secret"
NAMES = ("talk.mp4", "three-languages.ogg")


@pytest.fixture
def server() -> Iterator[SpeechServer]:
    with speech_server.serving(SpeechServer()) as one:
        yield one


def words(heard: Heard) -> Answer:
    """Return words at a pace that people speak at: other texts would be doubtful and asked for again."""
    n_words = max(1, int(len(heard.samples) / 16_000 * 2))
    names = ("bread", "river", "market", "harbour", "flower", "bridge", "honey", "window", "garden", "ladder")
    start = int(heard.digest, 16)
    return Answer(" ".join(names[(start + n * n) % 10] for n in range(n_words)).capitalize() + ".")


def echoing(*servers: SpeechServer) -> tuple[object, ...]:
    """Return the flags of a run without torch: an aligner that is a fake, and servers."""
    return ("--engine", ECHO, "--server", ",".join(one.url for one in servers))


def folder_of_clips(folder: Path, n: int) -> Path:
    """Return a folder of clips that differ in their samples."""
    folder.mkdir()
    with wave.open(str(CLIP)) as clip:
        form, samples = clip.getparams(), np.frombuffer(clip.readframes(clip.getnframes()), "<i2")
    for number in range(n):
        path = folder / f"{number:02}.wav"
        with wave.open(str(path), "wb") as file:
            file.setparams(form)
            file.writeframes((samples * (1 - number / 50)).astype("<i2").tobytes())
        os.utime(path, (1_700_000_000, 1_700_000_000))
    return folder


def ledger(folder: Path) -> list[dict[str, object]]:
    path = folder / ".qasr" / "ledger.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def test_the_bytes_are_those_of_the_local_engine(qasr: Qasr, demo_samples: Path, tmp_path: Path) -> None:
    """With the demo pair: its recognizer in the server, its aligner in the run."""
    recognizer = engines.load(EngineOptions(model="demo", aligner="none", device="cpu")).recognizer
    lock = threading.Lock()

    def answer(heard: Heard) -> Answer:
        with lock:
            options = DecodeOptions(language=_code(heard.forced), context=heard.context)
            (found,) = recognizer.recognize([heard.samples], options)
        return Answer(found.text, found.language or "None", str(found.finish) if found.text else "stop")

    with speech_server.serving(SpeechServer(answer)) as server:
        media = [SAMPLES / name for name in NAMES]
        done = qasr(
            *("transcribe", *media, "--model", "demo", "--server", f"{server.url}/v1"),
            *("-f", "srt,json", "-o", "out", "--in-flight", "3"),
        )
        assert done.returncode == 0, done.stderr
        assert len(set(server.digests)) == len(server.heard), "a chunk was asked for twice"
        assert server.most_at_once <= 3
    for name in (Path(one).with_suffix(".srt") for one in NAMES):
        assert (tmp_path / "out" / name).read_bytes() == (demo_samples / name).read_bytes(), name
        mine, local = (
            json.loads((folder / name).with_suffix(".json").read_text("utf-8"))
            for folder in (tmp_path / "out", demo_samples)
        )
        assert (mine.pop("model"), mine.pop("fingerprint") == local.pop("fingerprint")) == (
            "speech@server",
            False,
        )
        del local["model"]
        assert _without_posteriors(mine) == _without_posteriors(local)


def _without_posteriors(transcript: dict[str, Any]) -> dict[str, Any]:
    """Return a transcript without what a server does not tell: probabilities of tokens."""
    for segment in transcript["segments"]:
        del segment["detectors"]
        for word in segment["words"]:
            del word["token_posterior"], word["confidence"]
    return transcript


def _code(name: str | None) -> str | None:
    return {"English": "en", "Korean": "ko", "Spanish": "es", None: None}[name]


def test_without_an_aligner_no_torch_is_imported(server: SpeechServer, tmp_path: Path) -> None:
    server.answer = words
    program = (
        "import sys\n"
        "from qasr_cli.cli import signals, app\n"
        "signals.install()\n"
        f"sys.argv = ['qasr', 'transcribe', {str(CLIP)!r}, '--aligner', 'none', '--server', {server.url!r},"
        " '-o', 'out', '--srt']\n"
        "try:\n    app.run()\n"
        "finally:\n    assert 'torch' not in sys.modules and 'transformers' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "bread" in (tmp_path / "out" / f"{CLIP.stem}.srt").read_text().lower() or server.heard


def test_a_run_that_loses_its_server_ends_and_can_be_resumed(qasr: Qasr, tmp_path: Path) -> None:
    """Batches of two chunks; the server dies in the talk, the second of three files."""
    folder = tmp_path / "in"
    folder.mkdir()
    for name, source in (("1.wav", CLIP), ("2.mp4", TALK), ("3.wav", CLIP)):
        copy_old(source, folder / name)
    flags = ("--in-flight", 1, "--server-patience", 0.03, "--chunk-seconds", 5, "--vtt", "--report", "r.json")
    with speech_server.serving(SpeechServer(words)) as server:
        port = server.server_address[1]

        def die_at_the_thirteenth(handler: Handler, heard: Heard) -> None:
            if len(server.heard) < 13:
                handler.answer(heard)
                return
            threading.Thread(target=server.cut).start()
            speech_server.hang(handler, heard)

        server.always = die_at_the_thirteenth
        lost = qasr("transcribe", folder, *echoing(server), *flags)
        answered = set(server.digests[:12])
    assert lost.returncode == 69, lost.stderr
    (line,) = (one for one in lost.stderr.splitlines() if one.startswith("qasr: error"))
    assert "no server has answered for 0.03 min: http://127.0.0.1" in line
    assert line.endswith("then run the same command again to go on")
    assert not any(row["status"] == "failed" for row in ledger(folder))
    report = json.loads((tmp_path / "r.json").read_text())
    assert (report["ended"], report["exit_code"], report["counts"]["failed"]) == ("failed", 69, 0)
    assert report["counts"]["not reached"] >= 1

    with speech_server.serving(SpeechServer(words, port)) as server:
        resumed = qasr("transcribe", folder, *echoing(server), *flags, "--overwrite", "-v")
        assert resumed.returncode == 0, resumed.stderr
        again = answered & set(server.digests)
        assert len(again) <= 4, "what is in the checkpoint was asked for again"  # two batches were under way
        made = {path.name: path.read_bytes() for path in folder.glob("*.vtt")}
        whole = qasr("transcribe", folder, *echoing(server), *flags[:-2], "-o", "whole", "--overwrite")
        assert whole.returncode == 0, whole.stderr
    assert made == {path.name: path.read_bytes() for path in (tmp_path / "whole").glob("*.vtt")}
    assert len(made) == 3


@pytest.mark.parametrize(("status", "hint"), [(401, "QASR_SERVER_KEY"), (404, "--server-model")])
def test_a_refusal_is_one_line_and_no_file_s_failure(
    status: int, hint: str, qasr: Qasr, tmp_path: Path, server: SpeechServer
) -> None:
    folder = folder_of_clips(tmp_path / "in", 12)
    server.answer = words
    flags = ("--in-flight", 1, "--srt")

    def refuse_from_the_fifth_on(handler: Handler, heard: Heard) -> None:
        if len(server.heard) < 5:
            handler.answer(heard)
        else:
            handler.error(status, "no longer")

    server.always = refuse_from_the_fifth_on
    done = qasr("transcribe", folder, *echoing(server), *flags)
    assert done.returncode == 69, done.stderr
    (line,) = (one for one in done.stderr.splitlines() if "error" in one or "failed" in one)
    assert line.startswith(f"qasr: error: {server.url} answers {status}: no longer; ")
    assert hint in line
    assert {row["status"] for row in ledger(folder)} <= {"done"}
    server.always = None
    assert qasr("transcribe", folder, *echoing(server), *flags).returncode == 0
    assert len(list(folder.glob("*.srt"))) == 12


def test_a_chunk_that_is_rejected_fails_its_file_alone(
    qasr: Qasr, tmp_path: Path, server: SpeechServer
) -> None:
    folder = folder_of_clips(tmp_path / "in", 6)
    server.answer = words
    bad: list[str] = []

    def reject_the_third(handler: Handler, heard: Heard) -> None:
        if len(server.heard) == 3:
            bad.append(heard.digest)
        if heard.digest in bad:
            handler.error(413, "that is too much")
        else:
            handler.answer(heard)

    server.always = reject_the_third
    done = qasr("transcribe", folder, *echoing(server), "--srt")
    assert done.returncode == 3, done.stderr
    assert "answers 413: that is too much" in done.stderr
    assert [row["status"] for row in ledger(folder)].count("failed") == 1
    assert len(server.heard) == 6, "an answer was asked for again"


def test_ctrl_c_does_not_wait_for_an_answer(start_qasr: StartQasr, server: SpeechServer) -> None:
    server.always = None
    process = start_qasr("transcribe", CLIP, *echoing(server), "-o", "out", "--srt")
    server.script = [speech_server.hang] * 100
    until_s = time.monotonic() + 40
    while not server.heard:
        assert process.poll() is None
        assert time.monotonic() < until_s
        time.sleep(0.02)
    begun_s = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert time.monotonic() - begun_s < 8
    assert "Traceback" not in err


@pytest.mark.slow  # a watch tries again after a minute
def test_a_watch_waits_for_its_servers(start_qasr: StartQasr, tmp_path: Path) -> None:
    folder = folder_of_clips(tmp_path / "in", 2)
    server = SpeechServer(words)
    port = server.server_address[1]
    server.server_close()
    process = start_qasr("watch", folder, *echoing(server), "--srt", "--log-file", "log")
    log = tmp_path / "log"

    def wait_for(is_so: Callable[[], bool]) -> None:
        until_s = time.monotonic() + 150
        while not is_so():
            assert process.poll() is None
            assert time.monotonic() < until_s
            time.sleep(0.2)

    wait_for(lambda: log.exists() and "trying again every minute" in log.read_text())
    with speech_server.serving(SpeechServer(words, port)):
        wait_for(lambda: len(list(folder.glob("*.srt"))) == 2)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 143
    assert {row["status"] for row in ledger(folder)} == {"done"}


def test_the_key_is_shown_nowhere(qasr: Qasr, tmp_path: Path, server: SpeechServer) -> None:
    server.key, server.answer = KEY, words
    (tmp_path / "key").write_text(f"{KEY}\n")
    copy_old(CLIP, tmp_path / "a.wav")
    by_flag = qasr(
        *("transcribe", "a.wav", *echoing(server), "--server-key", KEY, "--json", "-vv"),
        *("--report", "report.json", "--log-file", "log"),
    )
    assert by_flag.returncode == 0, by_flag.stderr
    by_file = qasr(
        *("transcribe", "a.wav", *echoing(server), "--server-key=@key", "--json", "--overwrite"),
        *("--report", "report.html", "-vv"),
    )
    assert by_file.returncode == 0, by_file.stderr
    shown = qasr("config", "show", env={"QASR_SERVER_KEY": KEY, "QASR_SERVER": server.url})
    assert "(hidden)" in shown.stdout
    (tmp_path / "key").unlink()
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) >= 4
    for text in (by_flag.stderr, by_file.stderr, shown.stdout):
        assert KEY not in text
    for path in written:
        assert KEY.encode() not in path.read_bytes(), path
    assert "(hidden)" in (tmp_path / "report.json").read_text()


@pytest.mark.slow  # the doctor tries all that this machine can compute
def test_the_doctor_shows_the_servers(qasr: Qasr, server: SpeechServer) -> None:
    server.key = KEY
    doctor = qasr("doctor", env={"QASR_SERVER_KEY": KEY, "QASR_SERVER": server.url})
    assert re.search(r"server http://127\S+ +ok +models: speech", doctor.stdout)
    assert KEY not in doctor.stdout + doctor.stderr
    refused = qasr("doctor", env={"QASR_SERVER": server.url})
    assert (refused.returncode, "401" in refused.stdout) == (69, True)


def test_a_wrong_key_or_address_is_an_error_before_any_work(
    qasr: Qasr, tmp_path: Path, server: SpeechServer
) -> None:
    copy_old(CLIP, tmp_path / "a.wav")
    server.key = KEY
    refused = qasr("transcribe", "a.wav", *echoing(server), env={"QASR_SERVER_KEY": "other"})
    assert (refused.returncode, refused.stderr.count("\n")) == (69, 1), refused.stderr
    nobody = qasr("transcribe", "a.wav", "--aligner", "none", "--server", "http://127.0.0.1:9")
    assert nobody.returncode == 69
    assert "http://127.0.0.1:9 cannot be reached: connection refused" in nobody.stderr
    for address in ("gpu:8000", "http://me:secret@gpu", ","):
        wrong = qasr("transcribe", "a.wav", "--server", address)
        assert (wrong.returncode, "secret" in wrong.stderr) == (2, False)
    alone = qasr("transcribe", "a.wav", "-m", "demo", "--server-key", "secret")
    assert (alone.returncode, "secret" in alone.stderr) == (2, False)
    assert "--server-key without --server" in alone.stderr
    missing = qasr("transcribe", "a.wav", *echoing(server), "--server-key", "@gone")
    assert missing.returncode == 66
    assert not list(tmp_path.glob("*.srt"))


def test_a_plan_needs_no_server_and_a_benchmark_takes_none(qasr: Qasr, tmp_path: Path) -> None:
    copy_old(CLIP, tmp_path / "a.wav")
    plan = qasr("transcribe", "a.wav", "--server", "http://127.0.0.1:9", "-n")
    assert (plan.returncode, "would transcribe a.wav" in plan.stdout) == (0, True), plan.stderr
    bench = qasr("bench", "--server", "http://127.0.0.1:9")
    assert bench.returncode == 2


def test_align_takes_its_words_from_the_script(qasr: Qasr, tmp_path: Path, server: SpeechServer) -> None:
    def answer(heard: Heard) -> Answer:
        return Answer("Where is the yellow bicycle?")

    server.answer = answer
    copy_old(CLIP, tmp_path / "a.wav")
    (tmp_path / "a.txt").write_text("Where is the yellow bicycle?\n")
    done = qasr("align", "a.wav", "a.txt", *echoing(server), "--srt")
    assert done.returncode == 0, done.stderr
    assert "yellow" in (tmp_path / "a.srt").read_text()


def test_two_servers_share_the_work(qasr: Qasr, tmp_path: Path, server: SpeechServer) -> None:
    server.answer = words
    with speech_server.serving(SpeechServer(words)) as other:
        server.delay_s = other.delay_s = 0.05
        copy_old(TALK, tmp_path / "talk.mp4")
        flags = ("--chunk-seconds", 5, "--in-flight", 2, "--srt", "--progress", "json")
        done = qasr("transcribe", "talk.mp4", *echoing(server, other), *flags)
        assert done.returncode == 0, done.stderr
        assert min(len(server.heard), len(other.heard)) >= 5
        assert not set(server.digests) & set(other.digests)


class TestPython:
    def test_keywords(self, server: SpeechServer) -> None:
        server.answer, server.key = words, KEY
        found = qasr_cli.transcribe(CLIP, server=server.url, server_key=KEY, aligner="none")
        assert found.model == "speech@server"
        assert found.segments

    def test_a_lost_server_is_an_error_of_the_call_and_not_of_its_files(self, server: SpeechServer) -> None:
        server.answer = words
        with qasr_cli.Transcriber(server=server.url, aligner="none") as transcriber:
            server.always = speech_server.status(401)
            with pytest.raises(RemoteError):
                transcriber.transcribe([CLIP, CLIP])
            server.always = None
            assert [one.error for one in transcriber.transcribe([CLIP])] == [None]

    def test_a_wrong_address(self) -> None:
        with pytest.raises(UsageError, match="--server"):
            qasr_cli.Transcriber(server="gpu:8000")


def test_the_page_s_commands_are_real() -> None:
    """Each flag of the page on servers is one of the command's."""
    page = (ROOT / "docs/how-to/remote-servers.md").read_text("utf-8")
    named = set(re.findall(r"(?<![\w-])--(?:server|in-flight)[a-z-]*", page))
    reference = (ROOT / "docs/reference/cli.md").read_text("utf-8")
    assert len(named) >= 5
    for flag in named:
        assert f"`{flag}" in reference, flag
