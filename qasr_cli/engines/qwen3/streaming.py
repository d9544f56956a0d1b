"""Streams of utterances: what cannot change is kept, and what can change is computed anew in each step.

In goes all audio of an utterance so far; out comes the prompt of its greedy decode, whose begin has keys and
values already. A stream keeps those of the tokens before the audio and of the audio in full windows of the
encoder: the encoder never looks beyond a window, and the decoder never ahead. Of the audio behind them it
keeps the rows of full blocks, since no convolution looks beyond its block. The text so far is the draft of
the next answer, never a part of the prompt, so it cannot make a wrong word stay. Nothing is carried from one
utterance to the next.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch

from qasr_cli.engines.qwen3.audio import mel
from qasr_cli.engines.qwen3.audio.conv_front_end import KnownBlocks
from qasr_cli.engines.qwen3.audio.mel import DYNAMIC_RANGE, FRAMES_PER_BLOCK, LogMel
from qasr_cli.engines.qwen3.backend import Continuation
from qasr_cli.engines.qwen3.decoding.answer import Answer
from qasr_cli.engines.qwen3.decoding.kv_cache import Prefix
from qasr_cli.engines.qwen3.prompts import n_audio_tokens
from qasr_cli.options import DecodeOptions

# Frames behind a full window, before which it may still change: a frame looks 200 samples ahead, of 160 each,
# and audio that ends there is reflected.
_FRAMES_BEHIND = 2
# Features are clamped 8 powers of ten below the loudest value of the whole clip, so that a bang changes those
# of windows before it, and so does a cut before the bang. Partials keep them up to a factor of 2. Finals do
# not: of 87 utterances 2 had another token then.
_MOST_CHANGE = 0.3


@dataclass(frozen=True, slots=True)
class _Window:
    """A full window; all are `float32[]`.

    Attributes:
        loudest: The largest value of its log-mel.
        quietest: The smallest one.
        clamped_by: Loudest value of the audio by which it was clamped when it was encoded.
    """

    loudest: torch.Tensor
    quietest: torch.Tensor
    clamped_by: torch.Tensor

    def is_outdated(self, loudest: torch.Tensor, most_change: float) -> bool:
        """Whether other features would be given to the encoder, now that this is the maximum."""
        if abs(loudest - self.clamped_by) <= most_change:
            return False
        return bool(self.quietest < torch.maximum(loudest, self.clamped_by) - DYNAMIC_RANGE)


@dataclass(frozen=True, slots=True)
class _State:
    """What a stream keeps.

    Attributes:
        windows: The full windows whose keys and values are in the prefix.
        prefix: Keys and values of the tokens up to the end of the last window.
        draft: Tokens of the answer so far, without a stop token.
        log: Raw log-mel `float32[n_frames, n_mels]` of what is behind the windows, as far as it is sure.
        known: The blocks that the last step has convolved.
    """

    windows: tuple[_Window, ...] = ()
    prefix: Prefix | None = None
    draft: tuple[int, ...] = ()
    log: torch.Tensor | None = None
    known: KnownBlocks | None = None


@dataclass(slots=True)
class Stream:
    """`UtteranceStream` of this engine.

    Attributes:
        options: The decoding options of the utterance.
        state: Changed by a step that has succeeded.
    """

    options: DecodeOptions
    state: _State = field(default_factory=_State)


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step of a stream, not computed yet.

    Attributes:
        continuation: What the decoder computes.
        windows: Those that the stream has afterwards.
        log: Of the new state.
    """

    continuation: Continuation
    windows: tuple[_Window, ...]
    log: torch.Tensor

    def finish(self, stream: Stream, answer: Answer, text: list[int], *, is_final: bool) -> None:
        """Change the stream's state by the answer, of which `text` are the tokens before the stop token."""
        if is_final:
            stream.state = _State()
        else:
            stream.state = _State(self.windows, answer.prefix, tuple(text), self.log, self.continuation.known)


class StreamPlanner:
    """Plans the steps of streams for one model.

    Args:
        log_mel: Computes features, on the model's device.
        window_frames: Frames in which the encoder attends.
        audio_id: Placeholder of an audio token in prompts.
    """

    def __init__(self, log_mel: LogMel, window_frames: int, audio_id: int) -> None:
        self._mel = log_mel
        self._window_frames = math.lcm(window_frames, FRAMES_PER_BLOCK)  # the encoder convolves whole blocks
        self._window_tokens = n_audio_tokens(self._window_frames)
        self._audio_id = audio_id

    def plan(
        self,
        stream: Stream,
        audio: np.ndarray,
        prompt: Callable[[int], list[int]],
        budget: int,
        *,
        is_final: bool,
    ) -> PlannedStep:
        """Return the plan of one step; the stream does not change.

        Args:
            stream: The stream.
            audio: `float32[n_samples]` of the utterance so far. It may end before that of the last step.
            prompt: Returns the prompt for a number of audio tokens.
            budget: Maximum tokens of the answer.
            is_final: No step follows, so no window is kept.
        """
        state = stream.state
        n_sure = max(0, len(audio) // self._mel.hop - _FRAMES_BEHIND)
        n_full = n_sure // self._window_frames
        windows = state.windows[:n_full]
        log = self._log(state, audio, n_sure)
        loudest = torch.stack([*(window.loudest for window in windows), log.max()]).max()
        most_change = 0.0 if is_final else _MOST_CHANGE
        if any(window.is_outdated(loudest, most_change) for window in windows):
            windows, log = (), self._mel.log_frames(audio)
        n_before = len(windows) * self._window_frames
        ids = prompt(n_audio_tokens(n_before + len(log)))
        n_before_audio = ids.index(self._audio_id)
        n_known = n_before_audio + len(windows) * self._window_tokens
        prefix = state.prefix and state.prefix.first(n_known)
        kept = windows if is_final else (*windows, *self._full(log, n_full - len(windows), loudest))
        return PlannedStep(
            Continuation(
                ids,
                mel.scaled(log, loudest),
                (state.known or KnownBlocks()).behind(n_before // FRAMES_PER_BLOCK),
                prefix,
                state.draft[: budget - 1],
                n_known if is_final and prefix else n_before_audio + len(kept) * self._window_tokens,
                budget,
            ),
            kept,
            log[len(kept) * self._window_frames - n_before : n_sure - n_before].clone(),
        )

    def _log(self, state: _State, audio: np.ndarray, n_sure: int) -> torch.Tensor:
        """Return the raw log-mel behind the windows of the state; frames that it has are not computed again.

        Args:
            state: Of the last step.
            audio: `float32[n_samples]` of the utterance so far.
            n_sure: Frames of it that no audio behind it changes.
        """
        n_before = len(state.windows) * self._window_frames
        if state.log is None or n_sure < n_before + len(state.log):  # the audio ends earlier than before
            n_full = min(len(state.windows), n_sure // self._window_frames)
            return self._mel.log_frames(audio, n_full * self._window_frames)
        return torch.cat([state.log, self._mel.log_frames(audio, n_before + len(state.log))])

    def _full(self, log: torch.Tensor, n_windows: int, loudest: torch.Tensor) -> list[_Window]:
        """Return the first windows of log-mel frames, which are clamped by a maximum."""
        parts = torch.split(log, self._window_frames)[:n_windows]
        return [_Window(part.max(), part.min(), loudest) for part in parts]
