"""`import qasr_cli`: what a notebook or a script gets, and what it is spared."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import qasr_cli as qasr
from qasr_cli.options import CueOptions, DecodeOptions, EngineOptions, Options, OutputOptions
from qasr_cli.records import Hypothesis
from qasr_cli.speech.inference.protocols import Engines
from tests import fakes
from tests.e2e.conftest import CLIP, ROOT, SAMPLES, environment
from tests.media_factory import make_silence

ECHO = Options(engine=EngineOptions(engine="tests.fakes:echo"))
CLIPS = sorted((SAMPLES / "clips").iterdir())
YELLOW = "Where is the yellow bicycle?"

loads: list[EngineOptions] = []

# What a program has of its own, before and after it works with qasr.
SPARED = f"""
import logging, signal, sys
import qasr_cli

def state():
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE)]
    return sys.stdout, sys.stderr, sys.argv, handlers, logging.getLogger().handlers, logging.root.level

before = state()
options = qasr_cli.Options(engine=qasr_cli.Options().engine.__class__(engine="tests.fakes:echo"))
with qasr_cli.Transcriber(options) as transcriber:
    assert [one.error is None for one in transcriber.transcribe(["{CLIP}", "gone.mp4"])] == [True, False]
    transcriber.transcribe_files(["{CLIP}"], "out")
assert qasr_cli.check("out/{CLIP.stem}.srt").figures.n_cues
assert state() == before
"""


class Guarded(fakes.Echo):
    """An engine that fails when two threads ask it at once, as a device would."""

    def __init__(self, options: EngineOptions) -> None:
        super().__init__(options)
        self._asked = threading.Lock()

    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        assert self._asked.acquire(blocking=False), "asked by two threads at once"
        time.sleep(0.2)  # long enough for the other threads to come this far
        self._asked.release()
        return super().recognize(audio, options)


def counted(options: EngineOptions) -> Engines:
    """Return a pair for one thread at a time, and note that it was loaded."""
    loads.append(options)
    return Engines(Guarded(options), fakes.Even())


@pytest.fixture(autouse=True)
def silent(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Fail a test in which anything is printed."""
    monkeypatch.chdir(tmp_path)
    yield
    assert capfd.readouterr() == ("", "")


def test_a_program_keeps_its_streams_signals_and_handlers(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SPARED], env=environment(), cwd=tmp_path, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert (tmp_path / "out" / f"{CLIP.stem}.srt").is_file()


def test_the_import_costs_nothing_and_names_are_all_there() -> None:
    program = (
        "import sys, qasr_cli\n"
        "heavy = {'numpy', 'torch', 'typer', 'rich', 'qasr_cli.errors'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "for name in qasr_cli.__all__: assert getattr(qasr_cli, name) is not None, name\n"
        "assert set(qasr_cli.__all__) <= set(dir(qasr_cli))\n"
        "assert 'typer' not in sys.modules and 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], env=environment(), check=True)
    with pytest.raises(AttributeError, match="transcripe"):
        _ = qasr.transcripe


def test_one_file_is_a_transcript_and_every_format_can_be_made_of_it() -> None:
    transcript = qasr.transcribe(CLIP, options=ECHO)
    assert transcript.language == "en"
    assert transcript.text.startswith("One two three")
    assert transcript.words[0].text == "One"
    assert "-->" in qasr.render(transcript)
    assert qasr.render(transcript, "vtt").startswith("WEBVTT")
    assert qasr.render(transcript, "txt") == transcript.text + "\n"
    short = CueOptions(max_words=1)
    cues = qasr.lay_out(transcript, short)
    assert len(cues) == len(transcript.words)
    assert qasr.render(transcript, "srt", cues=cues) == qasr.render(transcript, "srt", options=short)
    Path("a.json").write_text(qasr.render(transcript, "json"), "utf-8")
    assert qasr.read_transcript("a.json") == transcript
    assert [path.name for path in Path().iterdir()] == ["a.json"]
    for wrong in ("doc", "all"):
        with pytest.raises(qasr.UsageError):
            qasr.render(transcript, wrong)


def test_of_several_none_is_lost_and_one_s_error_is_its_own(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no media", "utf-8")
    silence = make_silence(tmp_path / "silence.wav", 2)
    results = qasr.transcribe([CLIP, "gone.mp4", tmp_path / "text.mp4", silence, str(CLIP)], options=ECHO)
    assert [type(result.error) for result in results] == [
        *(type(None), qasr.NoInputError, qasr.UndecodableError, type(None), type(None))
    ]
    assert [result.transcript is None for result in results] == [False, True, True, False, False]
    assert results[1].path == Path("gone.mp4")
    assert results[0].transcript == results[4].transcript
    assert [getattr(result.error, "path", None) for result in results] == [
        *(None, Path("gone.mp4"), tmp_path / "text.mp4", None, None)
    ]
    assert qasr.transcribe([], options=ECHO) == []


def test_what_ends_one_file_is_raised() -> None:
    with pytest.raises(qasr.NoInputError):
        qasr.transcribe("gone.mp4", options=ECHO)
    with pytest.raises(qasr.UnavailableError):
        qasr.transcribe(CLIP, model="demo", device="cuda:99")
    with pytest.raises(qasr.UsageError, match="klingon"):
        qasr.transcribe(CLIP, language="klingon")
    with pytest.raises(qasr.QasrError, match="fell over") as raised:
        qasr.transcribe(CLIP, options=Options(engine=EngineOptions(engine="tests.fakes:crashing")))
    assert raised.value.path == CLIP


def test_a_misspelt_keyword_is_an_error() -> None:
    misspelt: dict[str, Any] = {"lang": "en"}
    with pytest.raises(TypeError, match="unknown keyword 'lang'; known: model, language,"):
        qasr.transcribe(CLIP, options=ECHO, **misspelt)


def test_files_are_written_as_the_command_does(tmp_path: Path) -> None:
    media = tmp_path / "in"
    media.mkdir()
    for clip in CLIPS[:2]:
        shutil.copy(clip, media)
    outcomes = qasr.transcribe_files(media, "out", ["srt", "txt"], options=ECHO)
    assert [outcome.status for outcome in outcomes] == [qasr.Status.DONE] * 2
    assert [path.name for path in outcomes[0].outputs] == [f"{CLIPS[0].stem}.srt", f"{CLIPS[0].stem}.txt"]
    assert all(path.read_bytes() for outcome in outcomes for path in outcome.outputs)
    again = qasr.transcribe_files(media, "out", ["srt", "txt"], options=ECHO)
    assert [outcome.status for outcome in again] == [qasr.Status.SKIPPED] * 2
    (named,) = qasr.transcribe_files([media / CLIPS[0].name], "out", options=ECHO)
    assert isinstance(named.error, qasr.CannotCreateError)
    (over,) = qasr.transcribe_files(media / CLIPS[0].name, "out", "srt", overwrite=True, options=ECHO)
    assert over.error is None
    with pytest.raises(qasr.UsageError, match="no format"):
        qasr.transcribe_files(media, formats="doc", options=ECHO)
    with pytest.raises(qasr.NoInputError):
        qasr.transcribe_files("nowhere", options=ECHO)


def test_a_script_is_timed() -> None:
    spoken = qasr.transcribe(CLIP, options=ECHO).text
    aligned = qasr.align(CLIP, text=spoken.upper(), options=ECHO)
    assert aligned.transcript.text == spoken.upper()
    assert [cue.lines[0] for cue in aligned.cues]
    Path("script.txt").write_text(spoken.upper(), "utf-8")
    assert qasr.align(CLIP, "script.txt", options=ECHO) == aligned
    with pytest.raises(qasr.QualityError):
        qasr.align(CLIP, text="Entirely different words about quantum physics.", options=ECHO)
    with pytest.raises(qasr.UndecodableError):
        qasr.align(CLIP, text="♪", options=ECHO)
    for keywords in ({}, {"script": "script.txt", "text": spoken}):
        with pytest.raises(qasr.UsageError):
            qasr.align(CLIP, options=ECHO, **keywords)  # type: ignore[arg-type]


def test_findings_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.srt"
    path.write_text("1\n00:00:01,000 --> 00:00:01,100\nMuch too much to read in so little time\n", "utf-8")
    checked = qasr.check(path)
    assert {finding.rule for finding in checked.findings} >= {"cps"}
    assert checked.figures.n_cues == 1
    with pytest.raises(qasr.NoInputError):
        qasr.check("gone.srt")


def test_a_model_is_loaded_once_and_may_be_asked_by_many_threads() -> None:
    options = Options(engine=EngineOptions(engine=f"{__name__}:counted"), output=OutputOptions())
    loads.clear()
    texts: list[str] = []
    with qasr.Transcriber(options) as transcriber:
        assert not loads
        threads = [
            threading.Thread(target=lambda: texts.append(transcriber.transcribe(CLIP).text)) for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        transcriber.align(CLIP, text=texts[0])
        assert len(loads) == 1
    assert len(set(texts)) == 1
    assert len(texts) == 3
    assert transcriber.transcribe(CLIP).text == texts[0]
    assert len(loads) == 2


def test_the_demo_pair() -> None:
    with qasr.Transcriber(model="demo", device="cpu", language="English") as transcriber:
        transcript = transcriber.transcribe(CLIP)
        assert transcript.text == YELLOW
        aligned = transcriber.align(CLIP, text=YELLOW)
    assert aligned.transcript.text == YELLOW
    assert [word.start_ms for word in aligned.transcript.words] == [
        word.start_ms for word in transcript.words
    ]


def test_the_how_to_runs_as_it_stands(tmp_path: Path) -> None:
    """All blocks one after the other, as in a notebook, beside a recording of a second."""
    shutil.copy(CLIP, tmp_path / "talk.wav")
    text = (ROOT / "docs" / "how-to" / "python.md").read_text("utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 6
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", "\n".join(blocks)],
        env=environment(), cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count(YELLOW) >= 4
    assert "missing.mp3: no such file" in done.stdout
    assert (tmp_path / "subtitles" / "talk.srt").is_file()
