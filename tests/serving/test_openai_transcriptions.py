"""Transcripts through OpenAI's own client: every format, every field, and what its types demand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openai
import pytest
from openai.types.audio import Transcription, TranscriptionVerbose
from openai.types.audio.transcription_text_delta_event import TranscriptionTextDeltaEvent
from openai.types.audio.transcription_text_done_event import TranscriptionTextDoneEvent

from tests.e2e.conftest import CLIP, SAMPLES
from tests.media_factory import ffmpeg, make_silence
from tests.serving import raw
from tests.serving.in_process import InProcess
from tests.serving.server import Served

TALK = SAMPLES / "talk.mp4"
SOURCES = ["clips/clip-01.wav", "clips/clip-08.flac", "talk.mp4", "three-languages.ogg", "two-tracks.mkv"]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(("response_format", "extension"), [("srt", "srt"), ("vtt", "vtt"), ("text", "txt")])
def test_texts_are_those_of_the_command_line(
    demo: openai.OpenAI, demo_samples: Path, source: str, response_format: str, extension: str
) -> None:
    expected = (demo_samples / source).with_suffix(f".{extension}").read_text(encoding="utf-8")
    create: Any = demo.audio.transcriptions.create
    assert create(file=SAMPLES / source, model="m", response_format=response_format) == expected


def test_qasr_json_is_that_of_the_command_line(demo_server: Served, demo_samples: Path) -> None:
    answer = raw.post_form(demo_server, {"response_format": "qasr_json"}, TALK)
    expected = json.loads((demo_samples / "talk.json").read_text(encoding="utf-8"))
    assert json.loads(answer.body) == expected


def test_json(demo: openai.OpenAI) -> None:
    answer = demo.audio.transcriptions.create(file=CLIP, model="gpt-transcribe")
    assert isinstance(answer, Transcription)
    Transcription.model_validate_json(answer.model_dump_json(), strict=True)
    assert answer.text == "Where is the yellow bicycle?"
    assert answer.usage is not None
    assert answer.usage.type == "duration"
    assert answer.usage.seconds == 2
    extra = answer.model_extra or {}
    assert extra["language"] == "english"
    assert extra.get("words") is None


def test_verbose_json_has_what_openai_declares(demo: openai.OpenAI, demo_server: Served) -> None:
    wanted = {"response_format": "verbose_json", "timestamp_granularities[]": ["segment", "word"]}
    answer = raw.post_form(demo_server, wanted, TALK)
    verbose = TranscriptionVerbose.model_validate_json(answer.body, strict=True)
    assert verbose.language == "english"
    assert verbose.segments
    assert verbose.words
    assert " ".join(segment.text for segment in verbose.segments) == verbose.text
    assert " ".join(word.word for word in verbose.words) == verbose.text
    assert [segment.id for segment in verbose.segments] == list(range(len(verbose.segments)))
    times = [(segment.start, segment.end) for segment in verbose.segments]
    assert all(start < end for start, end in times)
    assert times == sorted(times)
    assert times[-1][1] <= verbose.duration
    assert all("\n" not in segment.text for segment in verbose.segments)
    assert json.loads(answer.body)["task"] == "transcribe"


@pytest.mark.parametrize(
    ("granularities", "has_segments", "has_words"),
    [
        (None, True, False),
        (["word"], False, True),
        (["segment"], True, False),
        (["word", "segment"], True, True),
    ],
)
def test_granularities(
    echo: openai.OpenAI, granularities: list[str] | None, has_segments: bool, has_words: bool
) -> None:
    create: Any = echo.audio.transcriptions.create
    chosen = openai.omit if granularities is None else granularities
    answer = create(file=CLIP, model="m", response_format="verbose_json", timestamp_granularities=chosen)
    assert (answer.segments is not None) is has_segments
    assert (answer.words is not None) is has_words


@pytest.mark.parametrize(
    "field",
    [
        {"timestamp_granularities[]": "word"},
        {"timestamp_granularities": "word"},
        {"timestamp_granularities": '["word"]'},
        {"timestamp_granularities": "Word"},
    ],
)
def test_lists_in_each_spelling(echo_in_process: InProcess, field: dict[str, str]) -> None:
    answer = raw.post_form(echo_in_process, {"response_format": "verbose_json", **field}, CLIP)
    assert "words" in json.loads(answer.body)


@pytest.mark.parametrize("spelling", ["en", "eng", "English", "en-US", "ENGLISH"])
def test_language_in_each_spelling(demo: openai.OpenAI, spelling: str) -> None:
    assert demo.audio.transcriptions.create(file=CLIP, model="m", language=spelling).text


def test_languages_are_those_that_may_be(demo_server: Served) -> None:
    free = raw.post_form(demo_server, {}, CLIP)
    forced = raw.post_form(demo_server, {"languages[]": "ko"}, CLIP)
    among = raw.post_form(demo_server, {"languages[]": ["ko", "English"]}, CLIP)
    assert json.loads(forced.body)["languages"] == [{"code": "ko"}]
    assert json.loads(among.body) == json.loads(free.body)


def test_three_languages(demo: openai.OpenAI) -> None:
    answer = demo.audio.transcriptions.create(file=SAMPLES / "three-languages.ogg", model="m")
    assert answer.languages is not None
    assert {language.code for language in answer.languages} == {"en", "es", "ko"}


def test_prompt_and_keywords_become_the_context(echo_in_process: InProcess) -> None:
    fields = {"prompt": "A film.", "keywords[]": ["Zaanstad", "Ijmuiden"], "hotwords": "Helen\nAda"}
    kept = raw.post_form(echo_in_process, fields, CLIP, {"Prefer": "respond-async"})
    job = echo_in_process.service.jobs.find(json.loads(kept.body)["id"])
    assert job is not None
    assert job.ask.options.decode.context == "A film., Zaanstad, Ijmuiden, Helen, Ada"


def test_profile_and_widths_are_those_of_the_command_line(
    demo_server: Served, demo_samples: Path, tmp_path: Path
) -> None:
    from qasr_cli import formats
    from qasr_cli.options import CueOptions, OutputOptions
    from qasr_cli.pipeline import finish

    transcript = formats.parse_transcript((demo_samples / "talk.json").read_text(encoding="utf-8"))
    fields = {"response_format": "srt", "profile": "bbc", "max_line_width": "30", "max_lines": "1"}
    answer = raw.post_form(demo_server, fields, TALK)
    cue = CueOptions(profile="bbc", max_line_width=30, max_lines=1)
    assert answer.text == finish.render(transcript, cue, OutputOptions(formats=("srt",)))["srt"]
    assert max(map(len, answer.text.splitlines())) <= 30


@pytest.mark.parametrize(
    "strategy",
    [
        {"chunking_strategy": "auto"},
        {"chunking_strategy": '{"type": "server_vad", "threshold": 0.7}'},
        {"chunking_strategy[type]": "server_vad", "chunking_strategy[threshold]": "0.7"},
    ],
)
def test_chunking_strategy_in_each_spelling(echo_in_process: InProcess, strategy: dict[str, str]) -> None:
    kept = raw.post_form(echo_in_process, strategy, CLIP, {"Prefer": "respond-async"})
    job = echo_in_process.service.jobs.find(json.loads(kept.body)["id"])
    assert job is not None
    assert job.ask.options.vad.onset == (0.5 if len(strategy) == 1 and "auto" in strategy.values() else 0.7)


@pytest.mark.parametrize(
    ("fields", "param", "part"),
    [
        ({"response_format": "xml"}, "response_format", "xml"),
        ({"response_format": "sert"}, "response_format", "did you mean srt?"),
        ({"response_format": "diarized_json"}, "response_format", "speakers"),
        ({"language": "englsh"}, "language", "English (en)"),
        ({"languages[]": "klingon"}, "languages", "klingon"),
        ({"timestamp_granularities[]": "char"}, "timestamp_granularities", "segment, word"),
        ({"include[]": "logprobs"}, "include", "logprobs"),
        ({"stream": "perhaps"}, "stream", "perhaps"),
        ({"stream": "true", "response_format": "srt"}, "stream", "srt"),
        ({"temperature": "warm"}, "temperature", "warm"),
        ({"profile": "netflx"}, "profile", "netflix"),
        ({"max_lines": "9"}, "max_lines", "1 to 4"),
        ({"max_lines": "two"}, "max_lines", "two"),
        ({"max_line_width": "100000"}, "max_line_width", "200"),
        ({"max_duration": "1e9"}, "max_duration", "60"),
        ({"min_duration": "9", "max_duration": "2"}, "min_duration", "9"),
        ({"fps": "many"}, "fps", "many"),
        ({"chunking_strategy": "clever"}, "chunking_strategy", "server_vad"),
        ({"chunking_strategy": "{"}, "chunking_strategy", "JSON"),
        ({"prompt": "long " * 10_000}, "prompt", "32,000"),
    ],
)
def test_wrong_values_are_named(
    echo_in_process: InProcess, fields: dict[str, str], param: str, part: str
) -> None:
    answer = raw.post_form(echo_in_process, fields, CLIP)
    assert answer.status == 400
    error = json.loads(answer.body)["error"]
    assert error["param"] == param
    assert error["type"] == "invalid_request_error"
    assert part in error["message"]
    assert "--" not in error["message"]
    assert "\n" not in error["message"]
    assert echo_in_process.scratch == []


def test_fields_without_effect_are_warnings(echo_in_process: InProcess) -> None:
    fields = {"temperature": "0.4", "timestamp_granularities[]": "word", "who": "knows", "vllm_xargs": "{}"}
    answer = raw.post_form(echo_in_process, fields, CLIP)
    assert answer.status == 200
    assert answer.headers["x-qasr-warning"] == (
        "temperature has no effect; "
        "timestamp_granularities has no effect without response_format verbose_json"
    )
    assert "x-qasr-warning" not in raw.post_form(echo_in_process, {"temperature": "0"}, CLIP).headers


def test_no_file(echo_in_process: InProcess) -> None:
    answer = raw.post_form(echo_in_process, {"model": "m"}, None)
    assert answer.status == 400
    assert json.loads(answer.body)["error"]["param"] == "file"


@pytest.mark.parametrize("content", [b"", b"no media at all", b"RIFF\x00\x00\x00\x00WAVE"])
def test_what_is_no_media_is_refused(echo: openai.OpenAI, content: bytes) -> None:
    for stream in (False, True):
        with pytest.raises(openai.BadRequestError) as refused:
            echo.audio.transcriptions.create(file=("talk.wav", content), model="m", stream=stream)
        assert "talk.wav" in refused.value.message
        assert "upload-" not in refused.value.message


def test_no_audio_track_is_refused(echo: openai.OpenAI, tmp_path: Path) -> None:
    film = tmp_path / "mute.mp4"
    ffmpeg("-f", "lavfi", "-i", "color=size=64x64:duration=1", film)
    with pytest.raises(openai.BadRequestError, match=r"mute\.mp4"):
        echo.audio.transcriptions.create(file=film, model="m")


def test_no_speech_is_an_empty_text(demo: openai.OpenAI, tmp_path: Path) -> None:
    quiet = make_silence(tmp_path / "quiet.wav", 3.0)
    assert demo.audio.transcriptions.create(file=quiet, model="m").text == ""
    srt: object = demo.audio.transcriptions.create(file=quiet, model="m", response_format="srt")
    assert srt == ""
    verbose = demo.audio.transcriptions.create(file=quiet, model="m", response_format="verbose_json")
    TranscriptionVerbose.model_validate_json(verbose.model_dump_json(), strict=True)
    assert verbose.segments == []
    events = list(demo.audio.transcriptions.create(file=quiet, model="m", stream=True))
    assert [event.type for event in events] == ["transcript.text.done"]


def test_stream(demo: openai.OpenAI) -> None:
    whole = demo.audio.transcriptions.create(file=TALK, model="m").text
    events = list(demo.audio.transcriptions.create(file=TALK, model="m", stream=True))
    deltas = [event for event in events if isinstance(event, TranscriptionTextDeltaEvent)]
    (done,) = [event for event in events if isinstance(event, TranscriptionTextDoneEvent)]
    assert events[-1] is done
    assert "".join(event.delta for event in deltas) == done.text == whole
    TranscriptionTextDoneEvent.model_validate_json(done.model_dump_json(), strict=True)
    assert done.usage is not None
    assert done.usage.total_tokens == done.usage.input_tokens + done.usage.output_tokens
    assert done.usage.output_tokens > 0


def test_translations_are_refused(echo_in_process: InProcess) -> None:
    answer = raw.post_form(echo_in_process, {}, CLIP, path="/v1/audio/translations")
    assert answer.status == 501
    assert "does not translate" in json.loads(answer.body)["error"]["message"]


def test_a_language_that_the_model_lacks_is_refused(demo: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="Icelandic") as refused:
        demo.audio.transcriptions.create(file=CLIP, model="m", language="is")
    assert refused.value.param == "language"
