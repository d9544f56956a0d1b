"""English speech with true word times from a second synthesiser, Debian's ``flite``, through ctypes.

In: text and a voice. Out: mono 16 kHz float32 samples and the words' spans in milliseconds; its phonemes are
not those of espeak-ng and are left out. Four voices, each made from the recordings of one person.
"""

from __future__ import annotations

import ctypes
import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

from tools.demo_model.synth import SAMPLE_RATE_HZ, Unit, UntimedError, Utterance

PACKAGE = "libflite1"
_PITCHES_HZ = {"kal16": 105, "awb": 130, "rms": 95, "slt": 170}  # of the voices as they are
_VOICES = ("kal16", "awb", "rms", "slt", "slt", "rms")  # kal16 is made of diphones: the least natural
_TOKEN_BEGIN = "daughter1.R:SylStructure.daughter1.daughter1.R:Segment.p.end"
_TOKEN_END = "daughtern.R:SylStructure.daughtern.daughtern.R:Segment.end"


@dataclass(frozen=True)
class FliteVoice:
    """One speaker.

    Attributes:
        name: one of flite's voices.
        stretch: how much longer everything lasts.
        pitch_hz: mean pitch.
        speed: how much faster the sound is played, which moves its pitch and formants too.
    """

    name: str
    stretch: float = 1.0
    pitch_hz: float = 120.0
    speed: float = 1.0


class _Wave(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_char_p),
        ("sample_rate", ctypes.c_int),
        ("num_samples", ctypes.c_int),
        ("num_channels", ctypes.c_int),
        ("samples", ctypes.POINTER(ctypes.c_short)),
    ]


def random_voice(rng: random.Random) -> FliteVoice:
    """A random speaker: one of the voices with another pace, pitch and throat."""
    name = rng.choice(_VOICES)
    return FliteVoice(
        name=name,
        stretch=round(rng.uniform(0.8, 1.2), 2),
        pitch_hz=round(_PITCHES_HZ[name] * rng.uniform(0.85, 1.2)),
        speed=rng.choice((1.0, round(rng.uniform(0.86, 1.18), 2))),
    )


@cache
def _library(packages: Path) -> ctypes.CDLL:
    (folder,) = packages.glob("usr/lib/*/")
    library = ctypes.CDLL(str(folder / "libflite.so.1"), mode=ctypes.RTLD_GLOBAL)
    for part in ("usenglish", "cmulex", *(f"cmu_us_{name}" for name in sorted(set(_VOICES)))):
        ctypes.CDLL(str(folder / f"libflite_{part}.so.1"), mode=ctypes.RTLD_GLOBAL)
    library.flite_init()
    for function in ("flite_synth_text", "utt_relation", "relation_head", "item_next"):
        getattr(library, function).restype = ctypes.c_void_p
    library.flite_ffeature_float.restype = ctypes.c_float
    library.utt_wave.restype = ctypes.POINTER(_Wave)
    return library


@cache
def _voice(packages: Path, name: str) -> ctypes.c_void_p:
    voice = getattr(ctypes.CDLL(None), f"register_cmu_us_{name}")
    voice.restype = ctypes.c_void_p
    _library(packages)
    return ctypes.c_void_p(voice(None))


def speak(text: str, voice: FliteVoice, packages: Path) -> Utterance:
    """Speak one sentence with the libraries unpacked in ``packages``.

    Raises:
        UntimedError: flite takes the sentence for other words than those between blanks.
    """
    library = _library(packages)
    speaker = _voice(packages, voice.name)
    features = ctypes.c_void_p(_features_of(speaker))
    library.flite_feat_set_float(features, b"duration_stretch", ctypes.c_float(voice.stretch))
    library.flite_feat_set_float(features, b"int_f0_target_mean", ctypes.c_float(voice.pitch_hz))
    said = ctypes.c_void_p(library.flite_synth_text(text.encode(), speaker))
    try:
        wave = library.utt_wave(said).contents
        raw = np.ctypeslib.as_array(wave.samples, shape=(wave.num_samples,)).astype(np.float32) / 32768.0
        up = round(160 / voice.speed)
        samples = resample_poly(raw, up * SAMPLE_RATE_HZ, 160 * wave.sample_rate).astype(np.float32)
        item = library.relation_head(ctypes.c_void_p(library.utt_relation(said, b"Token")))
        spans = []
        while item:
            token = ctypes.c_void_p(item)
            spans.append(
                [library.flite_ffeature_float(token, p.encode()) for p in (_TOKEN_BEGIN, _TOKEN_END)]
            )
            item = library.item_next(token)
    finally:
        library.delete_utterance(said)
    words = text.split()
    if len(spans) != len(words) or any(begin >= end for begin, end in spans):
        raise UntimedError(text)
    to_ms = 1000 * up / 160
    return Utterance(
        samples,
        tuple(Unit(word, b * to_ms, e * to_ms) for word, (b, e) in zip(words, spans, strict=True)),
        (),
    )


def _features_of(voice: ctypes.c_void_p) -> int:
    """The voice's settings: the second field of its structure."""
    return int(ctypes.cast(voice, ctypes.POINTER(ctypes.c_void_p))[1] or 0)
