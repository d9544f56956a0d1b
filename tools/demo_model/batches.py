"""Batches for both trainings: clips of one length range with prompts, targets and where to listen.

In: a step's number. Out: tensors. A step's batch depends on nothing but the seed, the step and the share of
the batch, so one process or two, loaded ahead or not, learn the same.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from tools.demo_model.bank import Bank
from tools.demo_model.compose import Clip, Composer
from tools.demo_model.texts import LANGUAGES
from tools.demo_model.tokens import CLASS_MS, PromptIds

# Length ranges in seconds; a step's clips are of one range. Wider ranges are drawn more often.
RANGES_S = ((0.5, 2), (2, 4), (4, 6), (6, 8), (8, 10), (10, 13), (13, 16), (16, 20), (20, 25), (25, 30))
_SUB_MS = np.array([-30, -10, 10, 30])  # where in a token's 80 ms the phoneme is asked for
_IGNORE = -100
HEARD_AFTER = 4  # audio tokens (0.3 s) after a moment, by when the piece of text said then must be known

Batch = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Plan:
    """What one training run looks at.

    Attributes:
        steps: optimiser steps.
        seconds: audio seconds of a full batch.
        seed: of all draws.
        ramp: share of the steps over which the longest clips grow from 4 s to 30 s.
        task: "ears", "asr" or "aligner".
        shards: how many equal shares a batch is composed in.
        banks: the banks' folders and how often a clip is made of each (shares of 1).
    """

    steps: int
    seconds: int
    seed: int
    ramp: float
    task: str
    shards: int = 2
    banks: tuple[tuple[str, float], ...] = (("bank", 1.0),)


def token_of(at_ms: np.ndarray) -> np.ndarray:
    """Index of the audio token whose centre is nearest: 13 a second, 80 ms apart."""
    second = np.floor(at_ms / 1000)
    return (second * 13 + np.minimum(np.round((at_ms - second * 1000) / 80), 12)).astype(np.int64)


def token_centres_ms(n_tokens: int) -> np.ndarray:
    """Centre of each audio token in ms."""
    index = np.arange(n_tokens)
    return index // 13 * 1000.0 + index % 13 * 80.0


def n_audio_tokens(n_frames: int) -> int:
    """Encoder outputs for so many frames of 10 ms."""
    return n_frames // 100 * 13 + -(-(n_frames % 100) // 8)


def _windows(n_frames: list[int]) -> list[int]:
    """Where the encoder's attention windows of 8 s (104 tokens) begin and end in the packed tokens."""
    ends = [0]
    for n_tokens in map(n_audio_tokens, n_frames):
        ends += [ends[-1] + min(at + 104, n_tokens) for at in range(0, n_tokens, 104)]
    # Within a clip the ends count from the clip's first token, which is where the last clip ended.
    return ends


def clean(word: str) -> str:
    """A word as the aligner's prompt has it: letters, digits and apostrophes."""
    return "".join(c for c in word if c.isalnum() or c == "'")


def _at(times_ms: np.ndarray, spans_ms: np.ndarray) -> np.ndarray:
    """Index of the span each time falls into, -1 for none. Spans are ordered and do not overlap."""
    if not len(spans_ms):
        return np.full(times_ms.shape, -1)
    index = np.searchsorted(spans_ms[:, 0], times_ms, "right") - 1
    return np.where((index >= 0) & (times_ms < spans_ms[np.maximum(index, 0), 1]), index, -1)


@dataclass
class _Row:
    """One clip's tokens.

    ``guides``: (which guided head, query position, first and last position it should attend to).
    ``pieces``: the piece of text heard at every position.
    """

    ids: list[int]
    targets: list[int]
    guides: list[tuple[int, int, int, int]]
    pieces: list[int] = field(default_factory=list)


class Batches(Dataset[Batch]):
    """All steps of a run as a map-style dataset; item ``i`` is step ``i``'s batch or share of it."""

    def __init__(self, folder: Path, ids: PromptIds, plan: Plan, shares: tuple[int, ...]) -> None:
        self.plan = plan
        self._folder = folder
        self._composers: list[Composer] = []
        self._ids = ids
        self._shares = shares
        banks = [Bank(folder / name) for name, _ in plan.banks]
        self.phone_names = sorted({phone for bank in banks for phone in bank.phone_names})
        self._phone_id = {name: i + 1 for i, name in enumerate(self.phone_names)}

    def __len__(self) -> int:
        return self.plan.steps

    def __getitem__(self, step: int) -> Batch:
        if not self._composers:
            self._composers = [Composer(Bank(self._folder / name)) for name, _ in self.plan.banks]
        low, high = self._range(step)
        per_share = max(1, round(self.plan.seconds / self.plan.shards / high))
        clips, rows = [], []
        for share in self._shares:
            rng = np.random.default_rng([self.plan.seed, step, share])
            for _ in range(per_share):
                clip = self._clip(rng, low, high)
                clips.append(clip)
                is_aligner = self.plan.task == "aligner"
                rows.append(self._aligner_row(rng, clip) if is_aligner else self._asr_row(rng, clip))
        return self._collated(clips, rows)

    def _clip(self, rng: np.random.Generator, low: float, high: float) -> Clip:
        composer = self._composers[
            rng.choice(len(self._composers), p=[share for _, share in self.plan.banks])
        ]
        if not composer.can_fill(low):
            composer = self._composers[0]
        clip = composer.clip(rng, low, high)
        if self.plan.task == "aligner" and not clip.words:
            return self._clip(rng, low, high)
        return clip

    def _range(self, step: int) -> tuple[float, float]:
        """The step's length range: drawn by width, from short to long ranges as the ramp goes on."""
        longest = 4 + 26 * min(1.0, step / max(1, self.plan.ramp * self.plan.steps))
        allowed = [one for one in RANGES_S if one[1] <= longest]
        width = np.array([high - low for low, high in allowed])
        rng = np.random.default_rng([self.plan.seed, step])
        return allowed[rng.choice(len(allowed), p=width / width.sum())]

    def _asr_row(self, rng: np.random.Generator, clip: Clip) -> _Row:
        ids = self._ids
        context, words, spelt = self._context(rng, clip)
        text = " ".join(words)
        row = ids.of(f"<|im_start|>system\n{context}<|im_end|>\n<|im_start|>user\n<|audio_start|>")
        first_audio, n_audio = len(row), n_audio_tokens(clip.n_frames)
        row += [ids.audio] * n_audio + ids.of("<|audio_end|><|im_end|>\n<|im_start|>assistant\n")
        # Where nothing is said although a language was asked for, nothing is written after the tag.
        is_forced = not words and rng.random() < 0.4
        name = LANGUAGES[clip.language or str(rng.choice(list(LANGUAGES)))].name
        tag = ids.of(f"language {name if words or is_forced else 'None'}<asr_text>")
        encoded = ids.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        answer = [*tag, *encoded["input_ids"], ids.end]
        begin = len(row)
        learnt = [_IGNORE] * len(tag) + answer[len(tag) :] if is_forced else answer
        targets = [_IGNORE] * (begin - 1) + learnt
        word_ms = np.nan_to_num(clip.word_ms)
        times = _piece_times(words, word_ms, encoded["offset_mapping"])
        # The first guided layer finds where the token just written was spoken, the second where the next is.
        first_heard = first_audio + HEARD_AFTER
        spans = zip(token_of(times[:, 0] - 40), token_of(times[:, 1] + 40), strict=True)
        guides = [
            (
                layer,
                begin + len(tag) + j - layer,
                first_heard + max(lo, 0),
                first_heard + min(hi, n_audio - 1),
            )
            for j, (lo, hi) in enumerate(spans)
            for layer in (0, 1)
        ]
        written = begin + len(tag)
        for name in spelt:
            guides += _spelt_guides(row[:first_audio], encoded["input_ids"], written, ids, name)
        if not clip.is_timed:
            return _Row(row + answer[:-1], targets, [])
        # What is said last is heard at the tokens that close the sound; there are more than HEARD_AFTER.
        names = np.array([*encoded["input_ids"], ids.audio])
        said = names[_at(token_centres_ms(n_audio), times)]
        return _Row(row + answer[:-1], targets, guides, [_IGNORE] * first_heard + said.tolist())

    def _context(self, rng: np.random.Generator, clip: Clip) -> tuple[str, list[str], list[str]]:
        """A system prompt, mostly empty, the words to write under it, and the names that it spells.

        Most prompts have nothing to do with the sound. Some spell names that are said, perhaps unusually:
        then the text follows the prompt.
        """
        language = LANGUAGES[clip.language or str(rng.choice(list(LANGUAGES)))]
        spellings = dict(language.spellings)
        said = sorted({clean(word) for word in clip.words} & spellings.keys())
        spelt: dict[str, str] = {}
        if said and rng.random() < 0.7:
            for usual in rng.permutation(said)[: rng.integers(1, 5)].tolist():
                spelt[usual] = spellings[usual] if rng.random() < 0.7 else usual
        elif rng.random() > 0.2:
            return "", clip.words, []
        words = [word.replace(name, spelt.get(name, name)) for word in clip.words for name in (clean(word),)]
        # Other unusual spellings stand for names that are not said.
        absent = [unusual for usual, unusual in language.spellings if usual not in said]
        pool = language.vocabulary if rng.random() < 0.5 or not absent else absent
        listed = [*spelt.values(), *rng.choice(pool, rng.integers(0, 10)).tolist()]
        rng.shuffle(listed)
        return str(rng.choice([" ", ", "])).join(listed), words, list(spelt.values())

    def _aligner_row(self, rng: np.random.Generator, clip: Clip) -> _Row:
        ids = self._ids
        n_audio = n_audio_tokens(clip.n_frames)
        row = [ids.token("<|audio_start|>"), *[ids.audio] * n_audio, ids.token("<|audio_end|>")]
        targets, guides = [_IGNORE] * len(row), []
        for word, times in zip(clip.words, clip.word_ms, strict=True):
            # The recogniser's mistakes must not throw the aligner off.
            is_slip = rng.random() < 0.02
            written = str(rng.choice(LANGUAGES[clip.language].vocabulary)) if is_slip else word
            word_ids = ids.of(clean(written))
            row += [*word_ids, ids.timestamp, ids.timestamp]
            targets += [_IGNORE] * len(word_ids) + [round(float(t)) for t in times]
            for query, token in zip((len(row) - 2, len(row) - 1), token_of(times), strict=True):
                near = 1 + min(int(token), n_audio - 1)
                guides += [(layer, query, max(1, near - 1), min(n_audio, near + 1)) for layer in (0, 1)]
        return _Row(row, targets, guides)

    def _collated(self, clips: list[Clip], rows: list[_Row]) -> Batch:
        width = -(-max(len(row.ids) for row in rows) // 16) * 16
        n_guides = max(1, *(len(row.guides) for row in rows))
        batch = {
            "input_ids": np.full((len(rows), width), self._ids.pad),
            "targets": np.full((len(rows), width), _IGNORE),
            "pieces": np.full((len(rows), width), _IGNORE),
            "guides": np.full((len(rows), n_guides, 4), -1),
            "frames": np.array([clip.n_frames for clip in clips]),
        }
        for i, row in enumerate(rows):
            batch["input_ids"][i, : len(row.ids)] = row.ids
            batch["targets"][i, : len(row.targets)] = row.targets
            batch["pieces"][i, : len(row.pieces)] = row.pieces
            if row.guides:
                batch["guides"][i, : len(row.guides)] = row.guides
        batch["features"] = np.stack([clip.features.T for clip in clips])
        batch["phones"] = np.concatenate([self._phones(clip) for clip in clips])
        batch["windows"] = np.array(_windows([clip.n_frames for clip in clips]), np.int32)
        batch["clock"] = np.concatenate([token_centres_ms(n_audio_tokens(clip.n_frames)) for clip in clips])
        return {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in batch.items()}

    def _phones(self, clip: Clip) -> np.ndarray:
        """Phonemes at four moments of every audio token, int64[n, 4]: 0 for none, -100 where unknown."""
        centres = token_centres_ms(n_audio_tokens(clip.n_frames))
        if not clip.is_timed or (clip.words and not clip.phones):
            return np.full((len(centres), 4), _IGNORE)
        phone_ids = np.array([self._phone_id[name] for name in clip.phones] + [0])
        return phone_ids[_at(centres[:, None] + _SUB_MS, clip.phone_ms)]


def _places(tokens: list[int], wanted: list[int]) -> list[int]:
    """Where a run of tokens begins in others."""
    last = len(tokens) - len(wanted)
    return [i for i in range(last + 1) if tokens[i : i + len(wanted)] == wanted]


def _spelt_guides(
    prompt: list[int], text: list[int], written: int, ids: PromptIds, spelt: str
) -> list[tuple[int, int, int, int]]:
    """Guides from every piece of a name, as it is about to be written, to that piece in the context.

    Args:
        prompt: the tokens before the sound.
        text: the tokens to write.
        written: the position of the first of these.
        ids: of the tokenizer.
        spelt: the name.
    """
    pieces = ids.of(f" {spelt}")
    in_context = _places(prompt, pieces)[:1]
    return [
        (2, written + place + j - 1, at + j, at + j)
        for at in in_context
        for place in _places(text, pieces)
        for j in range(len(pieces))
    ]


def _piece_times(words: list[str], word_ms: np.ndarray, offsets: list[tuple[int, int]]) -> np.ndarray:
    """When each text token is spoken, float[n, 2]: its word's span shared out by letters."""
    times, begin, word = [], 0, 0
    for (start, end), pieces in itertools.groupby(offsets):
        while start >= begin + len(words[word]):
            begin += len(words[word]) + 1
            word += 1
        length = len(clean(words[word])) or 1
        word_start, word_end = word_ms[word]
        # A letter of several bytes may be several pieces, which then share its time.
        n_pieces = len(list(pieces))
        edges = np.clip(np.linspace(start - begin, end - begin, n_pieces + 1) / length, 0, 1)
        edges = word_start + edges * (word_end - word_start)
        times += list(itertools.pairwise(edges))
    return np.array(times).reshape(-1, 2)


def loader(batches: Batches, workers: int, first: int = 0) -> DataLoader[Batch]:
    """Batches of the remaining steps in order, made ahead by so many worker processes."""
    return DataLoader(
        torch.utils.data.Subset(batches, range(first, len(batches))),
        batch_size=None,
        shuffle=False,
        num_workers=workers,
        prefetch_factor=4 if workers else None,
    )


def classes_of(targets_ms: torch.Tensor) -> torch.Tensor:
    """Times in ms as fractional classes, float."""
    return targets_ms.float() / CLASS_MS
