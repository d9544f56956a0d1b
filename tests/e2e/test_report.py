"""`--report`: what came of a run, whole, also when it was ended, and the page says what the JSON says."""

from __future__ import annotations

import fcntl
import json
import re
import signal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from qasr_cli.records import Stage
from tests.e2e.conftest import CLIP, ECHO, SAMPLES, Qasr, StartQasr, copy_old

LOOPING = "tests.misbehaving:always_looping"
VOID = {"meta", "rect", "br"}


class Page(HTMLParser):
    """Checks that what is opened is closed, and collects the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.texts: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()
        assert self.opened == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID - {"rect"} and not self.get_starttag_text().endswith("/>"):  # type: ignore[union-attr]
            self.opened.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.opened and self.opened[-1] == tag:
            self.opened.pop()
        else:
            assert tag in VOID, f"</{tag}> within {self.opened}"

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.texts))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "media"
    folder.mkdir()
    for number, clip in enumerate(sorted((SAMPLES / "clips").iterdir())[:4]):
        copy_old(clip, folder / f"{number}{clip.suffix}")
    (folder / "bad <script>.mp4").write_text("no media")
    return folder


def read(path: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return told


def test_a_report_that_would_replace_a_result_is_refused(qasr: Qasr, clip: Path) -> None:
    result = qasr("transcribe", clip, "--engine", ECHO, "--json", "--report", "clip.json", "--overwrite")
    assert result.returncode == 2
    assert "--report clip.json is also the path of a result of clip.wav" in result.stderr
    assert not clip.with_suffix(".json").exists()


def test_a_run_that_cannot_begin_has_a_report(qasr: Qasr, folder: Path) -> None:
    assert qasr("transcribe", "nothing.wav", "--engine", ECHO, "--report", "none.json").returncode == 66
    told = read(folder.parent / "none.json")
    assert (told["ended"], told["exit_code"], told["sources"]) == ("failed", 66, [])
    (folder / ".qasr").mkdir()
    with (folder / ".qasr/lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert qasr("transcribe", folder, "--engine", ECHO, "--report", "run.html").returncode == 75
    assert "is locked by another qasr process" in Page((folder.parent / "run.html").read_text("utf-8")).text


def test_the_json_has_every_source_with_outcome_stages_doubts_and_next_step(qasr: Qasr, folder: Path) -> None:
    result = qasr("transcribe", folder, "--engine", LOOPING, "--report", "run.json")
    assert result.returncode == 3
    told = read(folder.parent / "run.json")
    assert (told["schema"], told["ended"], told["exit_code"]) == ("qasr.report.v1", "complete", 3)
    assert told["counts"] == {"done": 4, "skipped": 0, "failed": 1, "not reached": 0}
    sources = {one["source"]: one for one in told["sources"]}
    assert len(sources) == 5
    failed = sources["bad <script>.mp4"]
    assert (failed["status"], failed["error"]["exit_code"]) == ("failed", 65)
    assert failed["error"]["next_step"]
    for name, one in sources.items():
        if one is failed:
            continue
        assert Path(folder.parent / one["outputs"][0]).exists(), name
        assert {Stage.DECODE, Stage.RECOGNIZE, Stage.REVIEW, Stage.WRITE} <= set(one["stages"])
        assert sum(stage["s"] for stage in one["stages"].values()) <= one["wall_s"] * 1.05
        assert one["flags"]["truncated"] == len(one["doubts"]) > 0
        assert all(
            0 <= doubt["start_ms"] < doubt["end_ms"] <= one["audio_s"] * 1000 for doubt in one["doubts"]
        )
        assert one["quality"]["n_cues"] > 0
    assert told["audio_s"] == pytest.approx(sum(one["audio_s"] for one in sources.values()))
    assert told["engines"]["model"] == "fake/0.6b"
    assert {"qasr", "python", "ffmpeg", "torch"} <= set(told["versions"])
    assert told["options"]["engine"]["engine"] == LOOPING


def test_the_page_stands_alone_and_shows_what_the_json_says(qasr: Qasr, folder: Path) -> None:
    assert qasr("transcribe", folder, "--engine", LOOPING, "--report", "run.html").returncode == 3
    raw = (folder.parent / "run.html").read_text("utf-8")
    page = Page(raw)
    assert "<script" not in raw
    assert "http://" not in raw
    assert "https://" not in raw
    assert not [attributes for _, attributes in page.tags if {"src", "href"} & set(attributes)]
    assert "bad <script>.mp4" in page.text
    assert "check the file with a media player" in page.text
    assert "prefers-color-scheme: dark" in raw
    classes = {attributes.get("class") for tag, attributes in page.tags if tag == "rect"}
    assert {"load", "decode", "recognize", "review", "write", "doubt"} <= classes
    for heading in (
        "What failed",
        "Where the time went",
        "What to listen to",
        "All sources",
        "How it was made",
    ):
        assert heading in page.text


def test_a_run_without_work_or_doubt_has_a_short_page(qasr: Qasr, clip: Path) -> None:
    assert qasr("transcribe", ".", "--engine", ECHO).returncode == 0
    assert qasr("transcribe", ".", "--engine", "no.such:thing", "--report", "idle.html").returncode == 0
    page = Page((clip.parent / "idle.html").read_text("utf-8"))
    assert "1 skipped" in page.text
    assert "Where the time went" not in page.text


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_run_that_is_ended_leaves_its_report(
    start_qasr: StartQasr, tmp_path: Path, number: int, code: int
) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    for index in range(6):
        copy_old(CLIP, folder / f"{index}.wav")
    process = start_qasr(
        *("transcribe", folder, "--engine", "tests.fakes:slow", "--batch-size", "1"),
        *("--report", tmp_path / "run.json"),
    )
    assert process.stderr is not None
    process.stderr.readline()
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == code
    told = read(tmp_path / "run.json")
    assert (told["ended"], told["exit_code"], told["error"]) == ("interrupted", code, None)
    assert told["counts"]["done"] >= 1
    assert told["counts"]["not reached"] >= 1
    assert len(told["sources"]) == 6
    assert told["counts"]["done"] == len(list(folder.glob("*.srt")))


def test_a_run_that_cannot_work_says_why(qasr: Qasr, clip: Path) -> None:
    result = qasr("transcribe", clip, "--engine", "no.such:thing", "--report", "run.json")
    assert result.returncode == 69
    told = read(clip.parent / "run.json")
    assert (told["ended"], told["exit_code"]) == ("failed", 69)
    assert told["error"]["next_step"] in result.stderr
    assert told["sources"][0]["status"] == "not reached"


def test_a_report_that_exists_stays_unless_told_otherwise(qasr: Qasr, clip: Path) -> None:
    report = clip.parent / "run.json"
    report.write_text("mine")
    assert qasr("transcribe", clip, "--engine", ECHO, "--report", "run.json").returncode == 73
    assert report.read_text() == "mine"
    assert not clip.with_suffix(".srt").exists()
    assert qasr("transcribe", clip, "--engine", ECHO, "--report", "run.json", "-y").returncode == 0
    assert read(report)["counts"]["done"] == 1


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("run.pdf", 2, "FILE.json or FILE.html"),
        ("clip.wav", 2, "an input, too"),
        ("clip.wav/run.json", 73, "--report"),
        ("folder.json", 73, "already exists"),
    ],
)
def test_a_report_that_cannot_be_is_one_line_before_any_work(
    qasr: Qasr, clip: Path, name: str, code: int, says: str
) -> None:
    (clip.parent / "folder.json").mkdir()
    result = qasr("transcribe", clip, "--engine", ECHO, "--report", name)
    assert result.returncode == code, result.stderr
    assert says in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not clip.with_suffix(".srt").exists()


def test_options_are_said_without_secrets_and_in_text(qasr: Qasr, clip: Path) -> None:
    hook = "https://user:it'sS\u00e9cret@127.0.0.1:9/hook?key=a'TOP"
    arguments = ("--engine", ECHO, "-o", "o\udcff", "--webhook", hook, "--report", "r.json")
    result = qasr("transcribe", clip, *arguments)
    assert result.returncode == 0, result.stderr
    text = (clip.parent / "r.json").read_text("utf-8")
    assert json.loads(text)["options"]["hooks"]["webhook"] == "https://127.0.0.1:9/..."
    assert not [secret for secret in ("it'sS", "cret", "TOP") if secret in text]
