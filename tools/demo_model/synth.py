"""Speech with true word and phoneme times, from espeak-ng through ctypes.

In: text and a voice. Out: mono 16 kHz float32 samples and spans in milliseconds.
Needs ``espeakng-loader``, whose wheel carries the library and its data. One synthesiser a process.
"""

from __future__ import annotations

import ctypes
import itertools
import re
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.signal import resample_poly

from tools.demo_model.voices import Voice

SAMPLE_RATE_HZ = 16_000
_SYNTH_RATE_HZ = 22_050
# From speak_lib.h: AUDIO_OUTPUT_RETRIEVAL, espeakINITIALIZE_PHONEME_EVENTS, espeakCHARS_UTF8.
_RETRIEVAL, _PHONEME_EVENTS, _UTF8 = 1, 1, 1
_RATE, _PITCH, _RANGE = 1, 3, 4  # espeak_PARAMETER
_EVENT_END, _EVENT_WORD, _EVENT_PHONEME = 0, 1, 7  # espeak_EVENT_TYPE
_STOPS = frozenset("pbtdkgʔ?")
# espeak-ng speaks some pairs ("of the", "there was") as one word; the second begins at its last phoneme of
# these.
_SECOND_STARTS = {
    "the": ("D", "d"), "a": ("@", "V", "a"), "was": ("w",), "were": ("w",), "am": ("a",), "be": ("b",),
    "are": (",A", "A", "'A", "3", "@"), "been": ("b",), "to": ("t",),
}  # fmt: skip


class _Id(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    ]


_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@dataclass(frozen=True)
class Unit:
    """A word or phoneme with its half-open span in milliseconds (floats)."""

    text: str
    start_ms: float
    end_ms: float


@dataclass(frozen=True)
class Utterance:
    """One spoken text: ``samples`` float32[n] at 16 kHz, its words with punctuation, and its phonemes."""

    samples: np.ndarray
    words: tuple[Unit, ...]
    phones: tuple[Unit, ...]


class UntimedError(Exception):
    """The synthesiser's events could not be matched with the words; try another sentence."""


@dataclass
class _Recording:
    pieces: list[np.ndarray]
    word_events: list[tuple[int, float]]  # character position, ms
    phone_events: list[tuple[str, float]]  # name, ms


class _Synthesiser:
    """The process's one espeak-ng."""

    def __init__(self) -> None:
        import espeakng_loader

        self._library = ctypes.CDLL(str(espeakng_loader.get_library_path()))
        data = str(espeakng_loader.get_data_path()).encode()
        if self._library.espeak_Initialize(_RETRIEVAL, 0, data, _PHONEME_EVENTS) != _SYNTH_RATE_HZ:
            raise RuntimeError("espeak-ng did not start, or not at 22 050 Hz")
        self._recording = _Recording([], [], [])
        self._callback = _CALLBACK(self._receive)  # kept: the library only borrows it
        self._library.espeak_SetSynthCallback(self._callback)

    def _receive(self, wave: ctypes._Pointer, n_samples: int, events: ctypes._Pointer) -> int:
        if wave and n_samples > 0:
            self._recording.pieces.append(np.ctypeslib.as_array(wave, shape=(n_samples,)).copy())
        index = 0
        while events[index].type != _EVENT_END:
            event = events[index]
            at_ms = event.sample * 1000.0 / _SYNTH_RATE_HZ
            if event.type == _EVENT_WORD:
                self._recording.word_events.append((event.text_position, at_ms))
            elif event.type == _EVENT_PHONEME:
                self._recording.phone_events.append((event.id.string.decode("utf-8", "replace"), at_ms))
            index += 1
        return 0

    def record(self, text: str, voice: Voice) -> _Recording:
        """Speak ``text`` and return the raw audio (int16 pieces at 22 050 Hz) and events."""
        if self._library.espeak_SetVoiceByName(voice.file_name.encode()) != 0:
            raise ValueError(f"espeak-ng has no voice {voice.file_name}")
        for parameter, value in (
            (_RATE, voice.words_per_minute), (_PITCH, voice.pitch), (_RANGE, voice.pitch_range)
        ):  # fmt: skip
            self._library.espeak_SetParameter(parameter, value, 0)
        self._recording = _Recording([], [], [])
        data = text.encode()
        self._library.espeak_Synth(data, len(data) + 1, 0, 1, 0, _UTF8, None, None)
        self._library.espeak_Synchronize()
        return self._recording


@cache
def _synthesiser() -> _Synthesiser:
    return _Synthesiser()


def _phones(recording: _Recording, total_ms: float) -> list[Unit]:
    events = recording.phone_events
    ends = [at for _, at in events[1:]] + [total_ms]
    return [Unit(name, at, end) for (name, at), end in zip(events, ends, strict=True) if end > at]


def _is_pause(phone: Unit) -> bool:
    return phone.text == "" or phone.text.startswith("_")


def _events_by_word(word_ends: list[int], events: list[tuple[int, float]]) -> dict[int, float]:
    """Event time in ms by word index. Positions count from 1 and may point at the blank before the word."""
    if len(events) == len(word_ends):
        return {index: at_ms for index, (_, at_ms) in enumerate(events)}
    by_word: dict[int, float] = {}
    for position, at_ms in events:
        index = next((i for i, end in enumerate(word_ends) if max(position - 1, 0) < end), len(word_ends) - 1)
        by_word.setdefault(index, at_ms)
    by_word.setdefault(0, 0.0)
    return by_word


def _word_starts(text: str, recording: _Recording, phones: list[Unit]) -> list[float]:
    """Start of each blank-separated word in ms; a word without its own event is split off its pair."""
    spans = [(m.end(), m.group().strip(".,?").lower()) for m in re.finditer(r"\S+", text)]
    by_char = _events_by_word([end for end, _ in spans], recording.word_events)
    known = sorted(by_char.items())
    if any(a[1] >= b[1] for a, b in itertools.pairwise(known)):
        raise UntimedError(text)
    for index, (_, word) in enumerate(spans):
        if index in by_char:
            continue
        before = by_char[index - 1]
        after = min((at for i, at in by_char.items() if i > index), default=phones[-1].end_ms)
        first = _SECOND_STARTS.get(word, ())
        inside = [p.start_ms for p in phones if before + 20 < p.start_ms < after and p.text.startswith(first)]
        if not inside:
            raise UntimedError(text)
        by_char[index] = inside[-1]
    return [by_char[i] for i in range(len(spans))]


def _word_units(text: str, starts: list[float], phones: list[Unit]) -> list[Unit]:
    """Words from their first to their last phoneme; a stop's closure before its burst is the word's."""
    spoken = [p for p in phones if not _is_pause(p)]
    limits = [*starts[1:], float("inf")]
    words = []
    for token, start, limit in zip(text.split(), starts, limits, strict=True):
        own = [p for p in spoken if start - 1 <= p.start_ms < limit - 1]
        if not own:
            raise UntimedError(text)
        begin = start if own[0].text[:1] in _STOPS else own[0].start_ms
        end = min(own[-1].end_ms, limit)
        words.append(Unit(token, begin, end))
    return words


def speak(text: str, voice: Voice) -> Utterance:
    """Speak one sentence.

    Raises:
        UntimedError: the events do not tell where each word is (rare).
    """
    recording = _synthesiser().record(text, voice)
    if not recording.pieces or not recording.phone_events:
        raise UntimedError(text)
    raw = np.concatenate(recording.pieces).astype(np.float32) / 32768.0
    phones = _phones(recording, len(raw) * 1000.0 / _SYNTH_RATE_HZ)
    words = _word_units(text, _word_starts(text, recording, phones), phones)
    samples = resample_poly(raw, 320, 441).astype(np.float32)
    return Utterance(samples, tuple(words), tuple(phones))
