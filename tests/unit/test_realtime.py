"""Realtime: what happens in a session becomes a client's events, and what a client says becomes settings."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from qasr_cli.records import Segment, Word
from qasr_cli.serving.http.failures import ApiError
from qasr_cli.serving.realtime import outbox
from qasr_cli.serving.realtime.conversation import Conversation
from qasr_cli.serving.realtime.outbox import Outbox
from qasr_cli.serving.realtime.settings import Settings
from qasr_cli.serving.realtime.sound import Encoding
from qasr_cli.speech.streaming.events import Final, LiveEvent, Partial, SpeechStarted, SpeechStopped

TRANSCRIPTION = "conversation.item.input_audio_transcription"


def segment(text: str, language: str = "en") -> Segment:
    return Segment(0, 100, language, text, (Word("", text, 0, 100),))


def final(utterance: int, *texts: str, language: str = "en") -> Final:
    return Final(utterance, 0, 1_000, tuple(segment(text, language) for text in texts))


def partial(utterance: int, stable: str, unstable: str = " …", language: str = "en") -> Partial:
    return Partial(utterance, 0, stable, unstable, 0, 900, language)


class Client:
    """What a client of one conversation gets."""

    def __init__(self, *, is_manual: bool = False) -> None:
        self.events: list[dict[str, Any]] = []
        self.conversation = Conversation(self.events.append)
        self.conversation.is_manual = is_manual

    def happen(self, *events: LiveEvent) -> None:
        for event in events:
            self.conversation.handle(0, 10_000, event)

    @property
    def kinds(self) -> list[str]:
        return [event["type"].rpartition("transcription.")[2] for event in self.events]

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"].endswith(kind)]

    @property
    def deltas(self) -> str:
        return "".join(event["delta"] for event in self.of_kind(".delta"))


def utterance(number: int, text: str, start_ms: int = 0, end_ms: int = 1_000) -> Sequence[LiveEvent]:
    return SpeechStarted(number, start_ms), SpeechStopped(number, end_ms), final(number, text)


def test_an_utterance_is_an_item() -> None:
    client = Client()
    client.happen(
        SpeechStarted(0, 200),
        partial(0, "", "One"),
        partial(0, "One two"),
        SpeechStopped(0, 1_200),
        final(0, "One two three."),
    )
    assert client.kinds == [
        "input_audio_buffer.speech_started",
        "qasr.partial",
        "delta",
        "qasr.partial",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.created",
        "delta",
        "completed",
    ]
    assert client.deltas == client.events[-1]["transcript"] == "One two three."
    assert client.events[0]["audio_start_ms"] == 10_200
    assert client.events[4]["audio_end_ms"] == 11_200
    assert client.events[1]["audio_end_ms"] == 10_900
    assert client.events[-1]["usage"] == {"type": "duration", "seconds": 1.0}
    assert client.events[-1]["languages"] == [{"code": "en"}]
    ids = {event.get("item_id") or event["item"]["id"] for event in client.events}
    assert len(ids) == 1


def test_items_are_in_order_though_the_next_one_begins_before_the_last_is_final() -> None:
    client = Client()
    client.happen(SpeechStarted(0, 0), SpeechStopped(0, 900), SpeechStarted(1, 1_000), partial(1, "B"))
    client.happen(final(0, "A"), SpeechStopped(1, 2_000), final(1, "B."))
    first, second = client.of_kind("committed")
    assert (first["previous_item_id"], second["previous_item_id"]) == (None, first["item_id"])
    texts = {event["item_id"]: event["transcript"] for event in client.of_kind("completed")}
    assert texts == {first["item_id"]: "A", second["item_id"]: "B."}


def test_a_final_that_takes_stable_text_back_is_told_by_the_transcript_alone() -> None:
    client = Client()
    client.happen(SpeechStarted(0, 0), partial(0, "I see"), SpeechStopped(0, 1_000), final(0, "Icy roads."))
    assert client.deltas == "I see"
    assert client.events[-1]["transcript"] == "Icy roads."


def test_no_words_are_an_empty_transcript() -> None:
    client = Client()
    client.happen(SpeechStarted(0, 0), SpeechStopped(0, 1_000), Final(0, 0, 1_000, ()))
    assert client.events[-1]["transcript"] == ""
    assert not client.of_kind(".delta")


class TestManual:
    def test_several_utterances_are_one_item(self) -> None:
        client = Client(is_manual=True)
        client.happen(*utterance(0, "One two."), SpeechStarted(1, 2_000), partial(1, "Three"))
        client.happen(SpeechStopped(1, 3_000))
        client.conversation.commit()
        assert not client.of_kind("completed")
        client.happen(final(1, "Three four."))
        assert client.deltas == client.events[-1]["transcript"] == "One two. Three four."
        assert client.events[-1]["usage"]["seconds"] == 2.0
        assert not client.of_kind("speech_started")

    def test_text_waits_for_that_before_it(self) -> None:
        client = Client(is_manual=True)
        client.happen(SpeechStarted(0, 0), partial(0, "A"), SpeechStopped(0, 900))
        client.happen(SpeechStarted(1, 1_000), partial(1, "C D"))
        assert client.deltas == "A"
        client.happen(final(0, "A B."))
        assert client.deltas == "A B. C D"

    def test_where_no_spaces_are_written_none_stand_between(self) -> None:
        client = Client(is_manual=True)
        client.happen(SpeechStarted(0, 0), SpeechStopped(0, 900), final(0, "你好。", language="zh"))
        client.happen(SpeechStarted(1, 1_000), SpeechStopped(1, 1_900), final(1, "再见。", language="zh"))
        client.conversation.commit()
        assert client.deltas == client.events[-1]["transcript"] == "你好。再见。"

    def test_silence_is_an_item_too(self) -> None:
        client = Client(is_manual=True)
        client.conversation.commit()
        assert client.kinds[-1] == "completed"
        assert client.events[-1]["transcript"] == ""


def test_what_is_cleared_is_not_heard_of_again() -> None:
    client = Client()
    client.happen(SpeechStarted(0, 0), SpeechStopped(0, 900), SpeechStarted(1, 1_000), partial(1, "B"))
    client.conversation.clear()
    n_events = len(client.events)
    client.happen(SpeechStopped(1, 2_000), final(0, "A"), final(1, "B"))
    assert [event["transcript"] for event in client.of_kind("completed")] == ["A"]
    assert len(client.events) == n_events + 2


def test_a_failure_names_the_items_without_text() -> None:
    client = Client()
    client.happen(SpeechStarted(0, 0), SpeechStopped(0, 900), SpeechStarted(1, 1_000))
    client.conversation.fail("the engine is gone")
    failed = client.of_kind("failed")
    assert [event["error"]["message"] for event in failed] == ["the engine is gone"] * 2
    client.happen(final(0, "A"))
    assert client.kinds[-1] == "failed"


def test_a_failure_names_an_item_that_has_text_already() -> None:
    client = Client(is_manual=True)
    client.happen(*utterance(0, "One."))
    client.conversation.fail("the engine is gone")
    assert client.kinds[-1] == "failed"


class TestSettings:
    def test_todays_spelling(self) -> None:
        turns = {"type": "server_vad", "threshold": 0.6, "silence_duration_ms": 800}
        sound = {
            "format": {"type": "audio/pcm", "rate": 48_000},
            "transcription": {"model": "x", "language": "de", "prompt": "Ann", "keywords": ["Bob", "Cy"]},
            "turn_detection": turns,
        }
        settings = Settings().updated({"type": "transcription", "audio": {"input": sound}})
        assert (settings.encoding, settings.rate_hz, settings.language) == (Encoding.PCM, 48_000, "de")
        assert settings.terms == ("Ann", "Bob", "Cy")
        assert settings.turns is not None
        assert (settings.turns.onset, settings.turns.pause_ms) == (0.6, 800)
        shown: Any = settings.described("sess_1", "demo")["audio"]
        assert shown["input"]["turn_detection"] == {"prefix_padding_ms": 300, **turns}
        assert shown["input"]["transcription"]["model"] == "x"

    def test_the_older_spelling(self) -> None:
        fields = {
            "input_audio_format": "g711_ulaw",
            "input_audio_transcription": {"language": "fr", "prompt": ""},
            "turn_detection": None,
        }
        settings = Settings().updated(fields)
        assert (settings.encoding, settings.rate_hz) == (Encoding.U_LAW, 8_000)
        assert (settings.language, settings.terms, settings.turns) == ("fr", (), None)
        shown = settings.described_old("sess_1", "demo")
        assert shown["input_audio_format"] == "g711_ulaw"
        assert shown["turn_detection"] is None

    def test_what_is_left_out_stays(self) -> None:
        first = Settings().updated({"audio": {"input": {"transcription": {"language": "de"}}}})
        second = first.updated({"audio": {"input": {"turn_detection": None}}})
        third = second.updated({"audio": {"input": {"transcription": {"keywords": ["y"]}}}})
        third = third.updated({"audio": {"input": {"transcription": {"prompt": "x"}}}})
        assert (third.language, third.terms, third.turns) == ("de", ("x", "y"), None)
        assert third.updated({"audio": {"input": {"transcription": {"language": None}}}}).language == ""

    @pytest.mark.parametrize(
        ("session", "param"),
        [
            (5, "session"),
            ({"type": "realtime"}, "session.type"),
            ({"audio": []}, "session.audio"),
            ({"audio": {"input": {"format": {"rate": 44_100}}}}, "session.audio.input.format.rate"),
            ({"audio": {"input": {"format": {"type": ["x"]}}}}, "session.audio.input.format.type"),
            ({"input_audio_format": {}}, "session.input_audio_format"),
            ({"turn_detection": {"type": "x"}}, "session.turn_detection.type"),
            (
                {"turn_detection": {"type": "semantic_vad", "eagerness": 3}},
                "session.turn_detection.eagerness",
            ),
            ({"turn_detection": {"threshold": float("nan")}}, "session.turn_detection.threshold"),
            (
                {"turn_detection": {"prefix_padding_ms": float("nan")}},
                "session.turn_detection.prefix_padding_ms",
            ),
            ({"turn_detection": {"silence_duration_ms": 9e9}}, "session.turn_detection.silence_duration_ms"),
            ({"input_audio_transcription": {"language": 5}}, "session.input_audio_transcription.language"),
            ({"input_audio_transcription": {"keywords": "x"}}, "session.input_audio_transcription.keywords"),
        ],
    )
    def test_a_wrong_value_names_its_field(self, session: object, param: str) -> None:
        with pytest.raises(ApiError) as refused:
            Settings().updated(session)
        assert refused.value.param == param


class Socket:
    """A client that reads when it is let."""

    def __init__(self) -> None:
        self.reads = asyncio.Event()
        self.texts: list[str] = []

    async def send_text(self, text: str) -> None:
        await self.reads.wait()
        self.texts.append(text)


def test_a_slow_reader_gets_the_latest_partial_of_each_item_and_all_else() -> None:
    async def talk() -> list[str]:
        box, socket = Outbox(), Socket()
        sending = asyncio.create_task(box.send_all(socket))  # type: ignore[arg-type]
        box.put({"type": "first"})
        await asyncio.sleep(0)
        for number in range(100):
            box.put({"type": "qasr.partial", "item_id": f"{number % 2}", "text": number})
            box.put({"type": "delta", "text": number})
        socket.reads.set()
        await asyncio.wait_for(box.flush(), 5)
        sending.cancel()
        return socket.texts

    texts = asyncio.run(talk())
    assert sum('"delta"' in text for text in texts) == 100
    partials = [text for text in texts if "qasr.partial" in text]
    assert [text.rpartition(":")[2] for text in partials] == [" 98}", " 99}"]
    assert len({text.partition(",")[0] for text in texts}) == len(texts)  # ids


def test_long_events_that_wait_are_few() -> None:
    box = Outbox()
    for _ in range(20):
        box.put({"type": "x", "text": "x" * 1_000_000})
    assert box.is_full


def test_who_does_not_read_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "_MOST", 3)
    box = Outbox()
    for number in range(5):
        box.put({"type": str(number)})
    assert box.is_full
