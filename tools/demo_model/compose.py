"""Training clips, composed on the fly: sentences of the bank joined, mixed with noise, bent and floored.

In: the bank, a length range and a numpy generator. Out: features as the extractor would give them, the text,
and the true times. Lengths are flat between the bounds, so long clips are as well learnt as short ones.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np

from tools.demo_model.bank import Bank
from tools.demo_model.mel import FLOOR, FRAME_MS, N_MELS, finish

_LEAST_GAP = 12  # frames between two sentences
_THROATS = (0.88, 1.13)  # how far up the formants move, as a factor on the mel scale
_PACES = (0.8, 1.3)


@dataclass(frozen=True)
class MixSettings:
    """How often what happens to a clip (shares of 1)."""

    speechless: float = 0.05
    noisy: float = 0.45
    filtered: float = 0.3
    masked: float = 0.35
    cropped: float = 0.12
    sparse: float = 0.15  # fewer sentences, longer pauses
    dialogue: float = 0.1  # sentences of several speakers of one language
    mixed: float = 0.05  # sentences of several languages
    voiced: float = 0.4  # another throat: the spectrum stretched or squeezed
    paced: float = 0.4  # another pace


@dataclass
class Clip:
    """One clip.

    Attributes:
        features: float32[padded_frames, 128], as the extractor's ``input_features`` transposed.
        n_frames: valid frames of 10 ms; the rest is padding.
        words: texts with punctuation.
        word_ms: float32[n_words, 2], from the clip's start.
        phones: names.
        phone_ms: float32[n_phones, 2].
        language: code of the language that is heard longest, or "".
    """

    features: np.ndarray
    n_frames: int
    words: list[str] = field(default_factory=list)
    word_ms: np.ndarray = field(default_factory=lambda: np.zeros((0, 2), np.float32))
    phones: list[str] = field(default_factory=list)
    phone_ms: np.ndarray = field(default_factory=lambda: np.zeros((0, 2), np.float32))
    language: str = ""

    @property
    def is_timed(self) -> bool:
        """Whether it is known when each word is said."""
        return not np.isnan(self.word_ms).any()


@dataclass
class _Piece:
    """A sentence, or part of one, to be laid into a clip."""

    logs: np.ndarray
    words: np.ndarray
    word_ms: np.ndarray
    phones: np.ndarray
    phone_ms: np.ndarray
    language: str

    @property
    def is_timed(self) -> bool:
        """Whether it is known when each word is said."""
        return not np.isnan(self.word_ms).any()


class Composer:
    """Makes clips from a bank."""

    def __init__(self, bank: Bank, settings: MixSettings | None = None) -> None:
        self.bank = bank
        self._settings = settings or MixSettings()
        self._by_length = np.argsort([bank.n_frames(i) for i in range(len(bank))], kind="stable")
        self._lengths = np.array([bank.n_frames(i) for i in self._by_length])

    def can_fill(self, length_s: float) -> bool:
        """Whether the bank has a sentence that is no longer."""
        return bool(self._lengths[0] <= length_s * 1000 / FRAME_MS)

    def clip(self, rng: np.random.Generator, low_s: float, high_s: float) -> Clip:
        """A clip of low_s to high_s seconds, its features padded to high_s."""
        shortest_s = self._lengths[0] * FRAME_MS / 1000  # of a small bank, perhaps longer than low_s
        n_frames = int(rng.uniform(max(low_s, shortest_s), high_s) * 1000 / FRAME_MS)
        if rng.random() < self._settings.speechless:
            clip = Clip(self._speechless(rng, n_frames), n_frames)
        else:
            clip = self._speech(rng, n_frames)
        logs = np.maximum(clip.features + rng.uniform(-2.4, 0.8), FLOOR)  # gain, -24 to 8 dB
        features = finish(logs)
        if clip.words and rng.random() < self._settings.masked:
            _mask(rng, features)
        # Two paddings of the extractor: silence up to a longer neighbour, or nothing up to the full second.
        fill = finish(np.array([FLOOR, logs.max()]))[0] if rng.random() < 0.5 else 0.0
        padded = np.full((int(np.ceil(high_s)) * 100, N_MELS), fill, np.float32)
        padded[:n_frames] = features
        clip.features = padded
        return clip

    def _pieces(self, rng: np.random.Generator, room: int) -> list[_Piece]:
        """Sentences, mostly of one speaker, that fit into ``room`` frames."""
        n_short_enough = max(1, int(np.searchsorted(self._lengths, room)))
        first = int(self._by_length[rng.integers(n_short_enough)])
        low, high = self.bank.by_same_speaker(first)
        order = [first, *(low + rng.permutation(high - low)).tolist()]
        kind = rng.random()
        if kind < self._settings.dialogue + self._settings.mixed:
            others = rng.integers(0, len(self.bank), 100).tolist()
            if kind < self._settings.dialogue:
                others = [i for i in others if self.bank.language(i) == self.bank.language(first)]
            order[1:] = others
        most = rng.integers(1, 4) if rng.random() < self._settings.sparse else len(order)
        chosen: list[_Piece] = []
        for index in dict.fromkeys(order):
            length = self.bank.n_frames(index)
            if length <= room and len(chosen) < most:
                chosen.append(self._piece(rng, index, room))
                room -= len(chosen[-1].logs) + _LEAST_GAP
        rng.shuffle(chosen)
        return chosen

    def _piece(self, rng: np.random.Generator, index: int, room: int) -> _Piece:
        words, word_ms = self.bank.units(index, "words")
        phones, phone_ms = self.bank.units(index, "phones")
        piece = _Piece(self.bank.logs(index), words, word_ms, phones, phone_ms, self.bank.language(index))
        if rng.random() < self._settings.paced:
            piece = _paced(piece, max(rng.uniform(*_PACES), len(piece.logs) / room))
        if piece.is_timed and len(words) > 3 and rng.random() < self._settings.cropped:
            keep = rng.integers(1, len(words))
            return _cropped(piece, 0, keep) if rng.random() < 0.5 else _cropped(piece, keep, len(words))
        return piece

    def _speech(self, rng: np.random.Generator, n_frames: int) -> Clip:
        pieces = self._pieces(rng, n_frames)
        logs = np.full((n_frames, N_MELS), FLOOR, np.float32)
        spare = n_frames - sum(len(p.logs) for p in pieces) - _LEAST_GAP * (len(pieces) - 1)
        shares = rng.dirichlet(np.ones(len(pieces) + 1)) * max(spare, 0)
        words, phones, word_ms, phone_ms = [], [], [], []
        at = 0.0
        for piece, share in zip(pieces, shares[:-1], strict=True):
            begin = int(at + share)
            stop = min(begin + len(piece.logs), n_frames)
            logs[begin:stop] = piece.logs[: stop - begin]
            words += piece.words.tolist()
            phones += piece.phones.tolist()
            word_ms.append(piece.word_ms + begin * FRAME_MS)
            phone_ms.append(piece.phone_ms + begin * FRAME_MS)
            at += share + len(piece.logs) + _LEAST_GAP
        if rng.random() < self._settings.voiced:
            logs = _other_throat(logs, rng.uniform(*_THROATS))
        logs = self._bent(rng, logs)
        heard: Counter[str] = Counter()
        for piece in pieces:
            heard[piece.language] += len(piece.logs)
        language = heard.most_common(1)[0][0]
        return Clip(
            logs, n_frames, words, np.concatenate(word_ms), phones, np.concatenate(phone_ms), language
        )

    def _noise(self, rng: np.random.Generator, n_frames: int) -> np.ndarray:
        sound = self.bank.noises[rng.integers(len(self.bank.noises))]
        begin = rng.integers(len(sound))
        return np.take(sound, np.arange(begin, begin + n_frames), axis=0, mode="wrap").astype(np.float32)

    def _bent(self, rng: np.random.Generator, logs: np.ndarray) -> np.ndarray:
        """Speech through a random filter and with noise 6 to 45 dB below it."""
        settings = self._settings
        if rng.random() < settings.filtered:
            knots = rng.normal(0, 0.35, 6)
            curve = np.interp(np.arange(N_MELS), np.linspace(0, N_MELS - 1, 6), knots)
            bands = np.arange(N_MELS)
            if rng.random() < 0.4:  # a low-pass, as of a telephone or a strong compression
                curve -= np.clip((bands - rng.integers(70, 120)) * 0.3, 0, rng.uniform(1.5, 6))
            if rng.random() < 0.2:  # a telephone's high-pass
                curve -= np.clip((rng.integers(5, 16) - bands) * 0.4, 0, rng.uniform(1, 5))
            logs = logs + curve.astype(np.float32)
        if rng.random() < settings.noisy:
            level = np.log10((10.0**logs).mean()) - rng.uniform(0.6, 4.5)
            sound = self._noise(rng, len(logs)) + level
            logs = np.maximum(logs, sound) + np.log10(1 + 10.0 ** -np.abs(logs - sound))
        return np.maximum(logs, FLOOR).astype(np.float32)

    def _speechless(self, rng: np.random.Generator, n_frames: int) -> np.ndarray:
        kind = rng.random()
        if kind < 0.15:
            return np.full((n_frames, N_MELS), FLOOR, np.float32)
        logs = self._noise(rng, n_frames) + rng.uniform(-5, 1)
        if kind < 0.45:
            other = self._noise(rng, n_frames) + rng.uniform(-5, 1)
            logs = np.maximum(logs, other)
        return np.maximum(logs, FLOOR)


def _cropped(piece: _Piece, first: int, last: int) -> _Piece:
    """The part of a sentence from word ``first`` up to, not including, word ``last``."""
    begin = max(0, int(piece.word_ms[first, 0] / FRAME_MS) - 2) if first else 0
    end = int(piece.word_ms[last - 1, 1] / FRAME_MS) + 2 if last < len(piece.words) else len(piece.logs)
    middle = piece.phone_ms.mean(1)
    inside = (middle >= piece.word_ms[first, 0]) & (middle <= piece.word_ms[last - 1, 1])
    shift = np.float32(begin * FRAME_MS)
    return _Piece(
        piece.logs[begin:end],
        piece.words[first:last],
        piece.word_ms[first:last] - shift,
        piece.phones[inside],
        piece.phone_ms[inside] - shift,
        piece.language,
    )


def _between(rows: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Rows at fractional indices, float32[len(at), ...], from the two nearest."""
    low = np.minimum(at.astype(np.int64), len(rows) - 1)
    high = np.minimum(low + 1, len(rows) - 1)
    share = (at - low).astype(np.float32)[:, None]
    return rows[low] * (1 - share) + rows[high] * share


def _paced(piece: _Piece, pace: float) -> _Piece:
    """The sentence said ``pace`` times as fast; its pitch stays."""
    n_frames = max(1, round(len(piece.logs) / pace))
    logs = _between(np.asarray(piece.logs, np.float32), np.linspace(0, len(piece.logs) - 1, n_frames))
    shrunk = np.float32(n_frames / len(piece.logs))
    return replace(piece, logs=logs, word_ms=piece.word_ms * shrunk, phone_ms=piece.phone_ms * shrunk)


def _other_throat(logs: np.ndarray, factor: float) -> np.ndarray:
    """The clip as a longer (factor below 1) or shorter throat would sound."""
    at = np.clip(np.arange(N_MELS) / factor, 0, N_MELS - 1)
    return np.ascontiguousarray(_between(logs.T, at).T)


def _mask(rng: np.random.Generator, features: np.ndarray) -> None:
    """Hide a few bands and moments, in place."""
    fill = features.mean()
    for _ in range(rng.integers(0, 3)):
        begin = rng.integers(N_MELS - 12)
        features[:, begin : begin + rng.integers(2, 12)] = fill
    for _ in range(rng.integers(0, 1 + len(features) // 100)):
        begin = rng.integers(len(features))
        features[begin : begin + rng.integers(1, 6)] = fill
