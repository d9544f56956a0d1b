"""Options of transcription: audio, speech detection, chunks, the model's prompt, fallback.

All of them change a transcript's text or times, so all are part of its fingerprint.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from qasr_cli.errors import UsageError
from qasr_cli.options.flag import MODEL, SPEECH, added, option, require, seconds
from qasr_cli.options.harmless import is_model_name, is_own_text

MIXED, EACH = "mix", "each"  # of `--channel`


@dataclass(frozen=True, slots=True)
class MediaOptions:
    """The audio track, and the maximum length of media."""

    audio_track: int = option(
        0,
        SPEECH,
        "Audio track to transcribe, counted from 0.",
        "--audio-track",
        metavar="N",  # counts audio tracks only, as ffmpeg's 0:a:N does
        harmless=True,
    )
    channel: str = option(
        MIXED,
        SPEECH,
        "Channels of a track: mix, each (a speaker on each, as in calls), or one of them, counted from 0.",
        "--channel",
        metavar="N|each|mix",
        is_added=True,
        harmless=True,
    )
    max_hours: float = option(
        24.0,  # a crafted file could fill the disk
        SPEECH,
        "Refuse media that decodes to more than this many hours.",
        "--max-hours",
        metavar="HOURS",
    )

    def __post_init__(self) -> None:
        require(self.audio_track >= 0, "--audio-track counts from 0", "--audio-track")
        is_channel = self.channel in {MIXED, EACH} or (self.channel.isascii() and self.channel.isdecimal())
        require(is_channel, "--channel must be mix, each or a number from 0", "--channel")
        require(self.max_hours > 0, "--max-hours must be above 0", "--max-hours")


@dataclass(frozen=True, slots=True)
class VadOptions:
    """silero-vad with hysteresis: speech starts above `onset` and ends below `offset`."""

    onset: float = option(
        0.5,  # silero's own default threshold
        SPEECH,
        "Speech starts above this probability (0 to 1).",
        "--vad-onset",
        metavar="P",
        harmless=True,
    )
    offset: float = option(
        0.35,  # silero's own default: threshold - 0.15
        SPEECH,
        "Speech ends below this probability (0 to 1).",
        "--vad-offset",
        metavar="P",
        harmless=True,
    )
    min_speech_ms: int = 250  # silero's default; shorter bursts are clicks
    min_silence_ms: int = 100  # silero's default; shorter dips are stop closures inside words
    pad_ms: int = 200  # silero's 30 ms clips soft onsets and final consonants; models like a little air

    def __post_init__(self) -> None:
        require(
            0 < self.offset <= self.onset < 1,
            "speech detection needs 0 < --vad-offset <= --vad-onset < 1",
            "--vad-onset",
        )


@dataclass(frozen=True, slots=True)
class ChunkOptions:
    """Chunking of speech; with chunks of 20 to 30 s Qwen3-ASR is fast and exact and does not loop."""

    multilingual_ms: ClassVar[int] = 10_000  # the limit with --multilingual: a chunk has one language

    max_ms: int = seconds(
        30_000,
        SPEECH,
        "Longest chunk for the model, in seconds; cut at silence. Default: 30, or 10 with --multilingual; "
        "shorter where a model needs it.",
        "--chunk-seconds",
        default=None,
        harmless=True,
    )
    target_ms: int = 20_000  # from here on the best silence is taken
    max_gap_ms: int = 2_000  # maximum silence inside a chunk; longer silence ends it

    def __post_init__(self) -> None:
        require(self.max_ms >= 1_000, "--chunk-seconds must be at least 1", "--chunk-seconds")
        require(
            0 < self.target_ms <= self.max_ms, "the chunk target must lie within the limit", "--chunk-seconds"
        )

    def limited_to(self, max_ms: int) -> ChunkOptions:
        """Return the options with every chunk at most `max_ms` long, for a model with a shorter reach."""
        limit_ms = min(self.max_ms, max_ms)
        return ChunkOptions(limit_ms, min(self.target_ms, limit_ms * 2 // 3), self.max_gap_ms)


def _code(flag: str, spelling: str) -> str | None:
    """Return the code of a language, None for `auto`.

    Raises:
        UsageError: The language is unknown.
    """
    from qasr_cli.languages import parse  # --help does not need its table

    try:
        language = parse(spelling)
    except UsageError as error:
        raise UsageError(error.message, error.hint, flag=flag) from None
    return language.code if language else None


def _codes(spellings: str) -> tuple[str, ...]:
    named = (_code("--languages", name.strip()) for name in spellings.split(",") if name.strip())
    return tuple(dict.fromkeys(code for code in named if code))


def joined_context(context: str, hotwords: Iterable[str]) -> str:
    """Return free text and hotwords as the one context that the model gets."""
    terms = ", ".join(word for word in map(str.strip, hotwords) if word)
    return ", ".join(filter(None, (context.strip(), terms)))


@dataclass(frozen=True, slots=True)
class DecodeOptions:
    """The model's prompt. `language` is a code or None for detection."""

    language: str | None = option(
        None,
        SPEECH,
        "Spoken language: code or name (en, eng, English, ...), or auto to detect it.",
        "--language",
        "-l",
        metavar="LANG",
        default="auto",
        convert=functools.partial(_code, "--language"),
        harmless=True,
    )
    # Free text or hotwords, given to the model as its system prompt.
    context: str = option(
        "",
        SPEECH,
        "Names and terms to expect, as free text. @FILE reads the text from a file.",
        "--context",
        metavar="TEXT",
        harmless=is_own_text,
    )
    languages: tuple[str, ...] = option(  # codes that detection may choose from; empty: all
        (),
        SPEECH,
        "Restrict detection to these languages, separated by commas.",
        "--languages",
        metavar="LANG,...",
        kind=str,
        default="",
        convert=_codes,
        harmless=True,
    )
    repetition_penalty: float = 1.0  # 1: none; set by the guard for a chunk that loops, never for all
    max_tokens: int | None = added(None)  # of an answer, if a client of the server asks for fewer than usual

    def __post_init__(self) -> None:
        require(
            self.language is None or not self.languages or self.language in self.languages,
            "--language must be one of --languages",
            "--language",
        )


@dataclass(frozen=True, slots=True)
class GuardOptions:
    """Limits of the fallback for text flagged by `speech.recognition.hallucination`."""

    fallback_model: str = option(  # "": the same model redoes doubtful chunks
        "",
        MODEL,
        "Larger model, such as 1.7b, that redoes doubtful chunks only. It is loaded on first need.",
        "--fallback-model",
        "--rescue-model",
        metavar="NAME",
        is_path=True,
        digest="rescue_model",
        harmless=is_model_name,
    )
    multilingual: bool = option(
        False,
        SPEECH,
        "Allow the language to change within a file (chunks of at most 10 s). Without it, a few seconds in "
        "another language count as a detection error and are redone in the file's language.",
        "--multilingual",
        digest="is_multilingual",
        harmless=True,
    )
    repetition_penalty: float = 1.1  # of the last retry; 1.2 and more begins to cost real repetitions
    max_dissent_ms: int = 8_000  # speech in another language than the file's that counts as a detection error
    min_uncovered_ms: int = 2_000  # speech without words that is recognised again and reported

    def __post_init__(self) -> None:
        require(self.repetition_penalty >= 1, "the repetition penalty must be at least 1")


@dataclass(frozen=True, slots=True)
class AlignOptions:
    """Alignment of words."""

    is_enabled: bool = True  # off (`--aligner none`): words are interpolated within their speech spans
