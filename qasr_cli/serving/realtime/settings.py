"""What a client says about its sound, its language and its turns, in both of OpenAI's spellings.

In go the fields of an update; out come checked values, and back the fields that show them. A field that an
update leaves out stays as it was; what has no meaning here, such as a noise reduction, is ignored.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from qasr_cli.errors import printable
from qasr_cli.options import StreamOptions
from qasr_cli.serving.http.failures import ApiError
from qasr_cli.serving.realtime.sound import G711_RATE_HZ, Encoding
from qasr_cli.serving.resampling import RATES_HZ

Fields = Mapping[str, Any]

_MIN_PAUSE_MS, _MAX_PAUSE_MS = 100, 5_000  # as `StreamOptions` takes them
_MAX_TERMS = 1_000
_EAGERNESS = {"low": 1_500, "medium": 500, "high": 300, "auto": 500}  # the pause that ends a turn
_OLD_FORMATS = {
    "pcm16": (Encoding.PCM, 24_000),
    "g711_ulaw": (Encoding.U_LAW, G711_RATE_HZ),
    "g711_alaw": (Encoding.A_LAW, G711_RATE_HZ),
}


@dataclass(frozen=True, slots=True)
class Turns:
    """When the server ends a turn.

    Attributes:
        onset: Speech starts above this probability; None is the server's.
        pause_ms: Silence that ends a turn.
        shown: The client's own fields.
    """

    onset: float | None = None
    pause_ms: int = StreamOptions().pause_ms
    shown: Fields = field(
        default_factory=lambda: {
            "type": "server_vad",
            "threshold": 0.5,
            "prefix_padding_ms": 300,
            "silence_duration_ms": StreamOptions().pause_ms,
        }
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one session.

    Attributes:
        encoding: How samples are written.
        rate_hz: Their rate.
        language: The client's spelling of the spoken language; "" if it is detected.
        prompt: Text for the prompt.
        keywords: More of it.
        turns: When the server ends a turn; None if the client does.
        shown: The client's own fields of the transcription.
    """

    encoding: Encoding = Encoding.PCM
    rate_hz: int = 24_000
    language: str = ""
    prompt: str = ""
    keywords: tuple[str, ...] = ()
    turns: Turns | None = field(default_factory=Turns)
    shown: Fields = field(default_factory=dict)

    @property
    def terms(self) -> tuple[str, ...]:
        """Texts for the prompt."""
        return tuple(filter(None, (self.prompt, *self.keywords)))

    def updated(self, session: object) -> Settings:
        """Return the settings after an update.

        Raises:
            ApiError: A field has a value that it cannot have.
        """
        given = _object("session", session)
        kind = given.get("type", "transcription")
        if kind != "transcription":
            raise _wrong("session.type", kind, "this server only transcribes: send type transcription")
        found = self._updated_old(given)
        audio = _object("session.audio", given.get("audio"))
        sound = _object("session.audio.input", audio.get("input"))
        if sound.get("format") is not None:
            encoding, rate_hz = _format(_object("session.audio.input.format", sound["format"]))
            found = replace(found, encoding=encoding, rate_hz=rate_hz)
        if sound.get("transcription") is not None:
            found = found._transcribing("session.audio.input.transcription", sound["transcription"])
        if "turn_detection" in sound:
            turns = _turns("session.audio.input.turn_detection", sound["turn_detection"])
            found = replace(found, turns=turns)
        return found

    def _updated_old(self, given: Fields) -> Settings:
        """Return the settings after the fields of the older spelling."""
        found = self
        if (name := given.get("input_audio_format")) is not None:
            encoding, rate_hz = _OLD_FORMATS[_choice("session.input_audio_format", name, _OLD_FORMATS)]
            found = replace(found, encoding=encoding, rate_hz=rate_hz)
        if given.get("input_audio_transcription") is not None:
            found = found._transcribing(
                "session.input_audio_transcription", given["input_audio_transcription"]
            )
        if "turn_detection" in given:
            found = replace(found, turns=_turns("session.turn_detection", given["turn_detection"]))
        return found

    def _transcribing(self, name: str, value: object) -> Settings:
        given = _object(name, value)
        language = self.language
        if "language" in given:
            language = "" if given["language"] is None else _text(f"{name}.language", given["language"])
        prompt, keywords = self.prompt, self.keywords
        if "prompt" in given:
            prompt = _text(f"{name}.prompt", given["prompt"] or "")
        if "keywords" in given:
            words = given["keywords"] or []
            if not isinstance(words, list) or len(words) > _MAX_TERMS:
                raise _wrong(f"{name}.keywords", words, f"send a list of at most {_MAX_TERMS:,} texts")
            keywords = tuple(_text(f"{name}.keywords", word) for word in words)
        model = {"model": given["model"]} if isinstance(given.get("model"), str) else {}
        kept = {name: given[name] for name in ("prompt", "keywords") if name in given}
        shown = {**self.shown, **model, **kept}
        return replace(self, language=language, prompt=prompt, keywords=keywords, shown=shown)

    def described(self, session_id: str, model: str) -> dict[str, object]:
        """Return the session as today's events show it."""
        sound = {
            "format": {"type": self.encoding.value, "rate": self.rate_hz},
            "transcription": self._described_transcription(model),
            "noise_reduction": None,
            "turn_detection": None if self.turns is None else dict(self.turns.shown),
        }
        return {
            "type": "transcription",
            "object": "realtime.transcription_session",
            "id": session_id,
            "audio": {"input": sound},
            "include": None,
        }

    def described_old(self, session_id: str, model: str) -> dict[str, object]:
        """Return the session as the older events show it."""
        names = {encoding: name for name, (encoding, _) in _OLD_FORMATS.items()}
        return {
            "id": session_id,
            "object": "realtime.transcription_session",
            "input_audio_format": names[self.encoding],
            "input_audio_transcription": self._described_transcription(model),
            "input_audio_noise_reduction": None,
            "turn_detection": None if self.turns is None else dict(self.turns.shown),
            "include": None,
        }

    def _described_transcription(self, model: str) -> dict[str, object]:
        return {"model": model, "language": self.language or None, **self.shown}


def _format(given: Fields) -> tuple[Encoding, int]:
    name, rate_hz = given.get("type", Encoding.PCM.value), given.get("rate")
    encoding = Encoding(_choice("session.audio.input.format.type", name, [one.value for one in Encoding]))
    if encoding is not Encoding.PCM:
        return encoding, G711_RATE_HZ
    if rate_hz is None:
        return encoding, 24_000
    if type(rate_hz) is not int or rate_hz not in RATES_HZ:
        known = ", ".join(map(str, RATES_HZ))
        raise _wrong("session.audio.input.format.rate", rate_hz, f"it is one of {known}")
    return encoding, rate_hz


def _turns(name: str, value: object) -> Turns | None:
    if value is None:
        return None
    given = _object(name, value)
    kind = given.get("type", "server_vad")
    if kind == "semantic_vad":  # no model of turns is here: eagerness becomes a pause
        eagerness = _choice(f"{name}.eagerness", given.get("eagerness") or "auto", _EAGERNESS)
        return Turns(None, _EAGERNESS[eagerness], {"type": kind, "eagerness": eagerness})
    if _choice(f"{name}.type", kind, ("server_vad", "semantic_vad", "none")) == "none":  # older than null
        return None
    usual = Turns()
    onset = _number(f"{name}.threshold", given.get("threshold"), 0.01, 0.99)
    pause_ms = _number(
        f"{name}.silence_duration_ms", given.get("silence_duration_ms"), _MIN_PAUSE_MS, _MAX_PAUSE_MS
    )
    _number(f"{name}.prefix_padding_ms", given.get("prefix_padding_ms"), 0, _MAX_PAUSE_MS)
    shown = {**usual.shown, **{key: given[key] for key in usual.shown if given.get(key) is not None}}
    return Turns(onset, usual.pause_ms if pause_ms is None else round(pause_ms), shown)


def _number(name: str, value: object, low: float, high: float) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _wrong(name, value, f"send a number from {low:g} to {high:g}")
    if not low <= value <= high:
        raise _wrong(name, value, f"send a number from {low:g} to {high:g}")
    return float(value)


def _choice(name: str, value: object, choices: Collection[str]) -> str:
    if isinstance(value, str) and value in choices:
        return value
    raise _wrong(name, value, f"it is one of {', '.join(choices)}")


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise _wrong(name, value, "send a text")
    # JSON may have half of a character, which no tokenizer takes
    return value.encode("utf-8", "replace").decode()


def _object(name: str, value: object) -> Fields:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _wrong(name, value, "send an object")
    return value


def _wrong(name: str, value: object, hint: str) -> ApiError:
    shown = printable(repr(value))
    shown = shown if len(shown) <= 60 else f"{shown[:60]}…"
    return ApiError(400, f"{name}: {shown} is not accepted", hint, param=name, code="invalid_value")
