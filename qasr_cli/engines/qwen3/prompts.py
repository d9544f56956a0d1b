"""Chunks of audio as the models' own tensors: log-mel features and prompt ids.

In go `float32[n_samples]` and text; out come padded tensors. Prompt ids are built here and not by the
model's chat template: a cached template may be older than the code (it changed its way of forcing a
language in 2026), and rendering one spends seconds on strings of audio placeholders.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from qasr_cli.timebase import SAMPLE_RATE_HZ

_HOP_SAMPLES = 160  # 10 ms a mel frame
_MIN_SAMPLES = SAMPLE_RATE_HZ // 2  # the models were trained on at least half a second
_FRAMES_PER_BLOCK = 100  # the encoder convolves one second at a time …
_INSIDE_MARKER = re.compile(r"(?<=<)(?=(?:asr_text|timestamp)>)")
_NOBODY = "None"  # the models' tag for audio without speech
_TOKENS_PER_BLOCK = 13  # … into 13 tokens: 100 -> 50 -> 25 -> 13
_N_PROMPTS_KEPT = 16  # without their audio: of the contexts and languages in use at one time


@dataclass(frozen=True, slots=True)
class Features:
    """Log-mel features of one chunk.

    Attributes:
        mel: `float32[n_mels, n_frames]`, `n_frames` a multiple of 100, padded with 0.
        n_frames: Frames that hold audio.
    """

    mel: torch.Tensor
    n_frames: int

    @property
    def n_tokens(self) -> int:
        """Number of placeholders for this audio in the prompt."""
        return n_audio_tokens(self.n_frames)


def n_audio_tokens(n_frames: int) -> int:
    """Return the encoder's output length for `n_frames` of mel: 13 a second, the rest halved three times."""
    blocks, rest = divmod(n_frames, _FRAMES_PER_BLOCK)
    for _ in range(3):
        rest = (rest + 1) // 2
    return blocks * _TOKENS_PER_BLOCK + rest


def whole_frames(audio: np.ndarray) -> np.ndarray:
    """Return `float32[n_samples]` with silence at its end: whole frames of 10 ms, and half a second at least.

    transformers' extractor drops a part of a frame where it computes a chunk alone. Without this 3 of 206
    clips got another token by vLLM.
    """
    wanted = max(_MIN_SAMPLES, -(-len(audio) // _HOP_SAMPLES) * _HOP_SAMPLES)
    return np.pad(audio, (0, wanted - len(audio)))


def n_audio_tokens_of(audio: np.ndarray) -> int:
    """Return the encoder's output length for `float32[n_samples]` of whole frames."""
    return n_audio_tokens(len(audio) // _HOP_SAMPLES)


def extract(extractor: Any, audio: np.ndarray) -> Features:
    """Return the features of `float32[n_samples]`.

    A chunk is computed alone and padded to whole frames first: in a batch the extractor's frame count and
    last frame depend on the other chunks, and a transcript must not.
    """
    out = extractor(
        whole_frames(audio), sampling_rate=SAMPLE_RATE_HZ, padding=True, return_attention_mask=True
    )
    return Features(torch.as_tensor(out["input_features"][0]), int(out["attention_mask"][0].sum()))


def stack(features: Sequence[Features]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return `float32[n_chunks, n_mels, n_frames]` and its mask `int64[n_chunks, n_frames]`."""
    n_frames = max(item.mel.shape[1] for item in features)
    mel = torch.zeros(len(features), features[0].mel.shape[0], n_frames)
    mask = torch.zeros(len(features), n_frames, dtype=torch.long)
    for row, item in enumerate(features):
        mel[row, :, : item.mel.shape[1]] = item.mel
        mask[row, : item.n_frames] = 1
    return mel, mask


def pad(prompts: Sequence[Sequence[int]], pad_id: int, *, is_left: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ids and mask, both `int64[n_chunks, n_tokens]`; generation pads left, one pass pads right."""
    width = max(len(prompt) for prompt in prompts)
    ids = torch.full((len(prompts), width), pad_id)
    mask = torch.zeros(len(prompts), width, dtype=torch.long)
    for row, prompt in enumerate(prompts):
        where = slice(width - len(prompt), width) if is_left else slice(0, len(prompt))
        ids[row, where] = torch.tensor(prompt)
        mask[row, where] = 1
    return ids, mask


class Prompts:
    """Builds prompt ids with one model's tokenizer."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        id_of = tokenizer.convert_tokens_to_ids
        self.audio_placeholder = id_of("<|audio_pad|>")
        self._audio = (id_of("<|audio_start|>"), self.audio_placeholder, id_of("<|audio_end|>"))
        self._turn_start, self._turn_end = id_of("<|im_start|>"), id_of("<|im_end|>")
        self.text_marker = id_of("<asr_text>")
        self.timestamp = id_of("<timestamp>")
        # A live session asks for the same ones several times a second
        self._around_audio = functools.lru_cache(_N_PROMPTS_KEPT)(self._texts_around_audio)
        self.stop_ids = [id_of("<|im_end|>"), id_of("<|endoftext|>")]

    def transcription(self, n_tokens: int, context: str, language: str | None) -> list[int]:
        """Return the prompt ids for a transcript of `n_tokens` of audio.

        Args:
            n_tokens: From `Features.n_tokens`.
            context: Free text or hotwords for the system turn; markup in it counts as plain text.
            language: English name to force, or None to let the model detect it.
        """
        before, after = self._around_audio(context, language)
        start, placeholder, end = self._audio
        return [*before, start, *[placeholder] * n_tokens, end, *after]

    def language_tags(self, names: Sequence[str]) -> list[list[int]]:
        """Return the first ids of an answer in each of the languages, and of an answer without speech."""
        return [[*self._encode(f"language {name}"), self.text_marker] for name in (*names, _NOBODY)]

    def alignment(self, n_tokens: int, tokens: Sequence[str]) -> list[int]:
        """Return the aligner's prompt: the audio, then each aligner token with a slot for its start and end.

        The audio must come first: any prefix moves every time by 92 ms on average.
        """
        start, placeholder, end = self._audio
        ids = [start, *[placeholder] * n_tokens, end]
        for token in tokens:
            ids += [*self._encode(token), self.timestamp, self.timestamp]
        return ids

    def _texts_around_audio(self, context: str, language: str | None) -> tuple[list[int], list[int]]:
        """Return the ids of a transcript's prompt before and behind the audio; see `transcription`."""
        forced = [*self._encode(f"language {language}"), self.text_marker] if language else []
        line_end = self._encode("\n")
        return [
            *(self._turn_start, *self._encode("system\n" + context), self._turn_end, *line_end),
            *(self._turn_start, *self._encode("user\n")),
        ], [
            *(self._turn_end, *line_end),
            *(self._turn_start, *self._encode("assistant\n"), *forced),
        ]

    def _encode(self, text: str) -> list[int]:
        """Return the ids of plain text: markup in a user's context is text, never a control token."""
        return [
            token
            # The tokenizer treats two tokens of the models as ordinary words and would not split them.
            for part in _INSIDE_MARKER.split(text)
            for token in self._tokenizer.encode(part, add_special_tokens=False, split_special_tokens=True)
        ]
