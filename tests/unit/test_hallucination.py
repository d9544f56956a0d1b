"""Each detector on text that only a model writes, and all of them on what people say."""

from __future__ import annotations

import math
import time
import zlib

import pytest

from qasr_cli.options import DecodeOptions
from qasr_cli.records import Chunk, Finish, Hypothesis, Span
from qasr_cli.speech.recognition import hallucination
from qasr_cli.speech.recognition.hallucination import Flag

TOLD = DecodeOptions()


def flags(
    text: str,
    seconds: float = 20.0,
    *,
    language: str | None = "English",
    finish: Finish = Finish.COMPLETE,
    told: DecodeOptions = TOLD,
    clear_s: float | None = None,
) -> set[str]:
    duration_ms = int(seconds * 1000)
    clear_ms = duration_ms if clear_s is None else int(clear_s * 1000)
    chunk = Chunk(0, 0, 0, duration_ms, (Span(0, duration_ms),), clear_ms)
    return set(hallucination.find_flags(Hypothesis(text, language, finish), chunk, told))


GOOD = [
    # text, seconds, language
    ("So the first thing that we did was to walk down to the harbour and look at the boats.", 5, "English"),
    ("No, no, no, no, no, no, no, no, wait!", 3, "English"),
    ("Ha ha ha ha ha ha ha ha ha ha ha ha.", 2, "English"),
    ("Hahahahahahahahaha!", 2, "English"),
    ("Go! " * 19, 7, "English"),
    ("La la la la la la la la la la la la la la la la la la la la.", 9, "English"),
    ("Around the world, " * 14, 30, "English"),
    ("One, two, three, four, five, six, seven, eight. " * 7, 30, "English"),
    ("1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20.", 12, "English"),
    ("The budget is 1,000,000,000,000 won, or $43,000,000.", 8, "English"),
    ("555-5555, that is five five five, five five five five.", 6, "English"),
    ("Go to https://www.example.com/a/b/c?x=1&y=2&z=3 and then www.example.org.", 14, "English"),
    ("Yes.", 1, "English"),
    ("Yes.", 9, "English"),
    ("Mm-hmm.", 0.7, "English"),
    ("Let it be, let it be, let it be, let it be. Whisper words of wisdom, let it be.", 22, "English"),
    ("He greeted them with 안녕하세요 and they laughed.", 6, "English"),
    ("Привет means hello in Russian.", 4, "English"),
    ("Thelongestrapverseeverspokenbyanybody and then some more of the same at top speed", 2.6, "English"),
    ("아니 아니 아니 아니 아니 아니 아니 아니요.", 3, "Korean"),
    ("하하하하하하하하하하", 2, "Korean"),
    ("그래서 iPhone 15 Pro Max랑 Galaxy S24 Ultra를 비교해 봤는데요.", 7, "Korean"),
    ("OK, Google.", 1.5, "Korean"),
    ("YouTube.", 1.2, "Japanese"),
    ("東京都千代田区", 2, "Japanese"),
    ("はい、はい、はい、はい、はい、はい、はい。", 3, "Japanese"),
    ("ははははははははは", 2, "Japanese"),
    ("我们今天用Python写一个小程序，然后部署到AWS上。", 7, "Chinese"),
    ("对对对对对对对对", 2, "Chinese"),
    ("哈哈哈哈哈哈哈哈哈哈", 2, "Chinese"),
    ("นี่คือประเทศไทยที่เรารัก", 3, "Thai"),
    ("यह हिन्दी है।", 2, "Hindi"),
    ("هذا نص عربي قصير.", 3, "Arabic"),
    ("Это просто русский текст, и в нём есть слово email.", 5, "Russian"),
    ("Text without a language", 3, None),
    ("Text in no known language", 3, "Klingon"),
]


@pytest.mark.parametrize(("text", "seconds", "language"), GOOD, ids=[text[:20] for text, _, _ in GOOD])
def test_what_people_say_passes(text: str, seconds: float, language: str | None) -> None:
    assert flags(text, seconds, language=language) == set()


def test_what_people_say_passes_with_a_context_too() -> None:
    told = DecodeOptions(context="Dr. Nguyen, Baku, Port Said, Lima")
    for text in ("Dr. Nguyen!", "Baku.", "We went to Port Said with Dr. Nguyen and then on to Lima by ship."):
        assert flags(text, 6, told=told) == set()


LOOPS = [
    # text, seconds, language
    ("I think. " * 60, 20, "English"),
    ("I think. " * 2000, 30, "English"),
    ("and so on and so forth again " * 30, 30, "English"),
    ("This is a sentence that comes again and again and again. " * 6, 20, "English"),
    ("like " * 119, 30, "English"),
    ("像" * 119, 30, "Chinese"),
    ("그리고 " * 80, 25, "Korean"),
    ("ありがとうございます。" * 20, 15, "Japanese"),
    ("First there was a normal sentence about boats. " + "the boats, " * 40, 20, "English"),
    ("a" * 200, 20, "English"),
    ("ha " * 200, 20, "English"),
]


@pytest.mark.parametrize(("text", "seconds", "language"), LOOPS, ids=[text[:20] for text, _, _ in LOOPS])
def test_a_loop_is_one_whatever_its_period(text: str, seconds: float, language: str) -> None:
    assert Flag.LOOP in flags(text, seconds, language=language)


@pytest.mark.parametrize("period", [1, 2, 7, 20, 41, 100, 400])
def test_six_repeats_of_any_period_are_found_and_five_are_not(period: int) -> None:
    phrase = "".join(chr(0x4E00 + 37 * k) for k in range(period))
    found = [(repeat.period, repeat.n) for repeat in hallucination.find_repeats("序言" + phrase * 6 + "结尾")]
    assert found == [(period, 6)]
    assert list(hallucination.find_repeats("序言" + phrase * 5 + "结尾")) == []


def test_six_repeats_that_used_up_the_budget_are_a_loop() -> None:
    text = "no no no no no no no"
    assert flags(text, 12) == set()
    assert flags(text, 12, finish=Finish.TRUNCATED) == {Flag.TRUNCATED, Flag.LOOP}


def test_commas_and_capitals_do_not_hide_a_loop() -> None:
    assert Flag.LOOP in flags("I think, I think. i think I THINK I think; " * 12, 15)


def test_hours_of_chunk_are_judged_in_no_time() -> None:
    text = " ".join(f"word{k * k}" for k in range(3_000))
    begun_s = time.process_time()
    assert flags(text, 1_200) == set()
    assert time.process_time() - begun_s < 5  # takes 0.3 s


def test_what_was_cut_short_is_flagged() -> None:
    assert flags("It ends in the middle of", 5, finish=Finish.TRUNCATED) == {Flag.TRUNCATED}


def test_no_text_on_clear_speech_is_flagged_and_on_doubtful_speech_is_not() -> None:
    assert flags("", 5) == {Flag.EMPTY}
    assert flags(" … ", 5) == {Flag.EMPTY}
    assert flags("", 5, clear_s=0.6) == set()


def test_more_than_can_be_said_is_flagged() -> None:
    assert Flag.RATE in flags("Thank you for watching my channel and please subscribe.", 1)
    assert Flag.RATE in flags("谢谢大家收看我的频道请订阅点赞转发", 0.8, language="Chinese")


def test_next_to_nothing_on_much_speech_is_flagged() -> None:
    assert flags("Yes.", 25) == {Flag.RATE}
    assert flags("Yes.", 25, clear_s=3) == set()


CONTEXT = "Dr. Nguyen, Baku, Port Said, Lima, Ulaanbaatar"


@pytest.mark.parametrize(
    "text",
    [
        "Dr. Nguyen, Baku, Port Said, Lima, Ulaanbaatar.",
        "Baku, Port Said, Lima",
        "Baku,Port Said,Lima",
        "dr nguyen baku port said lima ulaanbaatar and so we came to the harbour in the evening",
    ],
)
def test_an_echo_of_the_context_is_flagged(text: str) -> None:
    told = DecodeOptions(context=CONTEXT)
    assert flags(text, 9, told=told) == {Flag.CONTEXT}
    assert flags(text, 9) == set()  # without the context it is what was said


def test_an_echo_of_ideographs_is_flagged() -> None:
    told = DecodeOptions(context="今天的主题是港口、船舶和海洋贸易的历史")
    assert flags("港口、船舶和海洋贸易", 5, language="Chinese", told=told) == {Flag.CONTEXT}
    assert flags("港口很大", 2, language="Chinese", told=told) == set()


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("안녕하세요 여러분 반갑습니다", "English"),
        ("今天我们去港口看船", "English"),
        ("これは日本語の文章です", "Chinese"),
        ("我们今天去港口看船然后回家吃饭再看电影最后睡觉明天继续", "Japanese"),
        ("So we all went down to the harbour in the evening and looked at it", "Korean"),
        ("So we all went down to the harbour in the evening and looked at it", "Russian"),
        ("今天我们去港口看船", "Korean"),
        ("Это русский текст", "German"),
        ("안녕하세요 여러분", "Japanese"),
    ],
)
def test_letters_that_the_language_does_not_have_are_flagged(text: str, language: str) -> None:
    assert flags(text, 8, language=language) == {Flag.SCRIPT}


def test_a_language_that_is_not_allowed_is_flagged() -> None:
    told = DecodeOptions(languages=("en", "ko"))
    assert flags("Das ist ein Satz.", 3, language="German", told=told) == {Flag.LANGUAGE}
    assert flags("This is a sentence.", 3, told=told) == set()


def test_flags_come_in_one_order_and_the_worst_decides() -> None:
    chunk = Chunk(0, 0, 0, 2_000)
    found = hallucination.find_flags(Hypothesis("go " * 99, "Korean", Finish.TRUNCATED), chunk, TOLD)
    assert found == ("script", "truncated", "rate", "loop")
    assert (
        hallucination.severity(found)
        == hallucination.severity(("loop",))
        > hallucination.severity(("truncated",))
        > 0
    )
    assert hallucination.severity(()) == 0


def test_the_values_behind_the_flags() -> None:
    """Computed by hand: 5 s of speech in a chunk of 10 s."""
    text = "go home " * 8 + "now, Москва"
    chunk = Chunk(0, 0, 0, 10_000, (Span(0, 5_000),), 4_000)
    told = DecodeOptions(context="We go home, he said.")
    hypothesis = Hypothesis(text, "English", n_tokens=20, token_ends=(1, 2), token_posteriors=(1.0, 0.5))
    found = hallucination.examine(hypothesis, chunk, told)
    n_letters = 8 * 6 + 3 + 6
    assert found.values == {
        "clear_s": 4.0,
        "tokens": 20.0,
        "letters_per_s": round(n_letters / 5, 4),
        "repeats": 8.0,
        "repeated_share": round(48 / n_letters, 4),
        "loop_time_share": round((48 / 16 + 9 / 25) / 10, 4),  # a short phrase at 16 letters a second
        "context_share": round(2 / 18, 4),
        "own_script_share": round(51 / n_letters, 4),
        "compression_ratio": round(len(text.encode()) / len(zlib.compress(text.encode())), 4),
        "avg_logprob": round(math.log(0.5) / 2, 4),
    }
    assert found.flags == ()
    silent = hallucination.examine(Hypothesis("", None), chunk, told)
    assert silent.flags == ("empty",)
    assert (silent.values["letters_per_s"], silent.values["own_script_share"]) == (0.0, 1.0)
