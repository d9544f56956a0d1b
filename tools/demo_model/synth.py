"""Speech with true word and phoneme times, from espeak-ng through ctypes.

In: text and a voice. Out: mono 16 kHz float32 samples and spans in milliseconds.
Needs ``espeakng-loader``, whose wheel carries the library and its data. One synthesiser a process.
"""

from __future__ import annotations

import ctypes
import itertools
import re
import tempfile
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

from tools.demo_model.voices import Voice

SAMPLE_RATE_HZ = 16_000
_SYNTH_RATE_HZ = 22_050
# From speak_lib.h: AUDIO_OUTPUT_SYNCHRONOUS, espeakINITIALIZE_PHONEME_EVENTS, espeakCHARS_UTF8.
_SYNCHRONOUS, _PHONEME_EVENTS, _UTF8 = 2, 1, 1
_RATE, _PITCH, _RANGE = 1, 3, 4  # espeak_PARAMETER
_EVENT_END, _EVENT_WORD, _EVENT_PHONEME = 0, 1, 7  # espeak_EVENT_TYPE
_STOPS = frozenset("pbtdkgʔ?")
_SEPARATED = ord("_") << 8  # espeak_TextToPhonemes: phoneme names, this character between them


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


def _with_room(data: Path, folder: Path) -> Path:
    """Show espeak-ng's data in ``folder`` with a folder of variants that can be added to, and return that."""
    own = folder / "espeak-ng-data"
    variants = own / "voices" / "!v"
    variants.mkdir(parents=True)
    for place in (Path(), Path("voices"), Path("voices", "!v")):
        for entry in (data / place).iterdir():
            if not (own / place / entry.name).exists():
                (own / place / entry.name).symlink_to(entry)
    return variants


class _Synthesiser:
    """The process's one espeak-ng."""

    def __init__(self) -> None:
        import espeakng_loader

        self._library = ctypes.CDLL(str(espeakng_loader.get_library_path()))
        self._folder = tempfile.TemporaryDirectory(prefix="espeak-")
        self._variants = _with_room(Path(espeakng_loader.get_data_path()), Path(self._folder.name))
        data = self._folder.name.encode()
        if self._library.espeak_Initialize(_SYNCHRONOUS, 0, data, _PHONEME_EVENTS) != _SYNTH_RATE_HZ:
            raise RuntimeError("espeak-ng did not start, or not at 22 050 Hz")
        self._recording = _Recording([], [], [])
        self._callback = _CALLBACK(self._receive)  # kept: the library only borrows it
        self._library.espeak_SetSynthCallback(self._callback)
        self._library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self._alone: dict[tuple[str, str], tuple[str, ...]] = {}

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

    def _use(self, voice: Voice) -> None:
        name = voice.file_name
        if voice.made_of:
            variant = f"own{zlib.crc32(voice.made_of.encode()):x}"
            name = f"{voice.accent}+{variant}"
            path = self._variants / variant
            if not path.exists():
                path.write_text(f"language variant\nname {variant}\n{voice.made_of}\n")
        if self._library.espeak_SetVoiceByName(name.encode()) != 0:
            raise ValueError(f"espeak-ng has no voice {name}")

    def phones_of(self, word: str, voice: Voice) -> tuple[str, ...]:
        """The phonemes of a word spoken alone, without stress marks."""
        key = (voice.accent, word)
        if key not in self._alone:
            self._use(voice)
            text = ctypes.c_char_p(word.encode())
            names = self._library.espeak_TextToPhonemes(ctypes.byref(text), _UTF8, _SEPARATED)
            parts = (names or b"").decode("utf-8", "replace").replace(" ", "_").split("_")
            self._alone[key] = tuple(bare for part in parts if (bare := bare_phone(part)))
        return self._alone[key]

    def record(self, text: str, voice: Voice) -> _Recording:
        """Speak ``text`` and return the raw audio (int16 pieces at 22 050 Hz) and events."""
        self._use(voice)
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


def bare_phone(name: str) -> str:
    """A phoneme's name without stress and variant marks; pauses become ""."""
    return "" if name.startswith("_") else name.strip("',;#-2[!|:")


def _is_pause(phone: Unit) -> bool:
    return phone.text == "" or phone.text.startswith("_")


def _events_by_word(word_ends: list[int], events: list[tuple[int, float]]) -> dict[int, float]:
    """Event time in ms by word index. Positions count from 1 and may point at the blank before the word."""
    by_word: dict[int, float] = {}
    for position, at_ms in events:
        index = next((i for i, end in enumerate(word_ends) if max(position - 1, 0) < end), len(word_ends) - 1)
        by_word.setdefault(index, at_ms)
    by_word.setdefault(0, 0.0)
    return by_word


def _word_starts(text: str, recording: _Recording, phones: list[Unit], voice: Voice) -> list[float]:
    """Start of each blank-separated word in ms.

    espeak-ng speaks some neighbours ("of the", "만날 거예요") as one word with one event. These are told
    apart by what each would sound like alone.
    """
    spans = [(m.end(), m.group()) for m in re.finditer(r"\S+", text)]
    by_word = _events_by_word([end for end, _ in spans], recording.word_events)
    known = sorted(by_word.items())
    if any(a[1] >= b[1] for a, b in itertools.pairwise(known)):
        raise UntimedError(text)
    ends = [*known[1:], (len(spans), float("inf"))]
    for (index, begin_ms), (after, end_ms) in zip(known, ends, strict=True):
        if after > index + 1:
            inside = [p for p in phones if begin_ms - 1 <= p.start_ms < end_ms - 1 and not _is_pause(p)]
            alone = [_synthesiser().phones_of(word, voice) for _, word in spans[index:after]]
            starts = _split(alone, [bare_phone(p.text) for p in inside])
            by_word.update({index + i: inside[at].start_ms for i, at in enumerate(starts) if i})
    starts_ms = [by_word[i] for i in range(len(spans))]
    if any(a >= b for a, b in itertools.pairwise(starts_ms)):
        raise UntimedError(text)
    return starts_ms


def _split(words: list[tuple[str, ...]], heard: list[str]) -> list[int]:
    """Where in ``heard`` each word begins: the fewest changes turn the words' own phonemes into it.

    Raises:
        UntimedError: there are fewer phonemes than words.
    """
    own = [(name, i) for i, word in enumerate(words) for name in word]
    if len(heard) < len(words) or not all(words):
        raise UntimedError(str(words))
    cost = np.zeros((len(own) + 1, len(heard) + 1))
    cost[:, 0], cost[0] = np.arange(len(own) + 1), np.arange(len(heard) + 1)
    swap = np.array([[_unlike(name, other) for other in heard] for name, _ in own])
    for i in range(len(own)):
        for j in range(len(heard)):
            cost[i + 1, j + 1] = min(cost[i, j] + swap[i, j], cost[i, j + 1] + 1, cost[i + 1, j] + 1)
    starts = [len(heard)] * len(words)
    i, j = len(own), len(heard)
    while i and j:
        if cost[i, j] == cost[i - 1, j - 1] + swap[i - 1, j - 1]:
            i, j = i - 1, j - 1
            starts[own[i][1]] = j
        elif cost[i, j] == cost[i - 1, j] + 1:
            i -= 1
        else:
            j -= 1
    starts[0] = 0
    return [min(at, len(heard) - 1) for at in starts]


def _unlike(one: str, other: str) -> float:
    """How different two phonemes are: 0, a half for those with the same first letter, 1."""
    return 0.0 if one == other else 0.5 if one[:1] == other[:1] else 0.9


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
    words = _word_units(text, _word_starts(text, recording, phones, voice), phones)
    up = round(320 / voice.speed)
    samples = resample_poly(raw, up, 441).astype(np.float32)
    return Utterance(samples, _scaled(words, up / 320), _scaled(phones, up / 320))


def _scaled(units: list[Unit], by: float) -> tuple[Unit, ...]:
    return tuple(Unit(unit.text, unit.start_ms * by, unit.end_ms * by) for unit in units)
