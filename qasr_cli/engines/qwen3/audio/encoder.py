"""The audio encoder of Qwen3-ASR and its aligner, over the weights alone.

In goes the log-mel of a clip; out come its audio embeddings, projected to the width of the language model.
Computes what transformers' `Qwen3ASREncoder` and `Qwen3ASRMultiModalProjector` compute, but only the blocks
and frames that hold audio: the reference pads the clips of a batch to the longest one. Keeps no tensor across
calls; a stream keeps its blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn import functional

from qasr_cli.engines.qwen3.audio import window_attention
from qasr_cli.engines.qwen3.audio.conv_front_end import (
    FRAMES_PER_BLOCK,
    TOKENS_PER_BLOCK,
    ConvFrontEnd,
    KnownBlocks,
)
from qasr_cli.engines.qwen3.audio.window_attention import Attention
from qasr_cli.engines.qwen3.prompts import Features
from qasr_cli.engines.qwen3.tensors.dense_linear import DenseLinear, pad_to_bucket

_TOWER = "model.audio_tower"
_PROJECTOR = "model.multi_modal_projector"
_HALF_LIMIT = torch.finfo(torch.float16).max - 1000  # transformers clamps a layer's fp16 output to it
_FUSED_GELU = "gelu"  # of ACT2FN: the exact one


def supports(audio_config: Any) -> bool:
    """Whether `AudioEncoder` computes what transformers does for an `audio_config`.

    All published models of the family pass; for another one transformers' own class remains.
    """
    n_heads, width = audio_config.encoder_attention_heads, audio_config.d_model
    return bool(
        audio_config.activation_function == _FUSED_GELU
        and not audio_config.scale_embedding
        and 2 * audio_config.n_window == FRAMES_PER_BLOCK
        and audio_config.n_window_infer >= FRAMES_PER_BLOCK
        and audio_config.n_window_infer % FRAMES_PER_BLOCK == 0
        and audio_config.max_position_embeddings >= TOKENS_PER_BLOCK
        and audio_config.encoder_layers >= 1
        and width % n_heads == 0
        and width % 2 == 0
        and width > 2
    )


class AudioEncoder:
    """Encoder and projector of one model, on one device."""

    def __init__(
        self,
        audio_config: Any,
        tensor: Callable[[str], torch.Tensor],
        dtype: torch.dtype,
        *,
        is_packed: bool = True,
        device: torch.device | str = "cpu",
    ) -> None:
        """Read the weights once.

        Args:
            audio_config: transformers' `Qwen3ASREncoderConfig`, which `supports` accepts.
            tensor: Gives a weight by its native name (`model.audio_tower.…`,
                `model.multi_modal_projector.…`), of any floating type, on any device.
            dtype: What the encoder computes in.
            is_packed: Whether oneDNN's operators and layouts are used, where `dense_linear.can_pack` is True.
            device: Where the encoder computes.

        Raises:
            ValueError: `supports` is False for the configuration.
        """
        if not supports(audio_config):
            raise ValueError("the audio encoder's configuration is not one that AudioEncoder computes")
        weights = _Weights(tensor, dtype, torch.device(device), is_packed)
        self._n_heads: int = audio_config.encoder_attention_heads
        self._window_tokens: int = audio_config.n_window_infer // FRAMES_PER_BLOCK * TOKENS_PER_BLOCK
        self._front_end = ConvFrontEnd(audio_config, tensor, dtype, weights.device, is_packed)
        self._layers = [
            _Layer(weights, f"{_TOWER}.layers.{index}") for index in range(audio_config.encoder_layers)
        ]
        self._norm = weights.norm(f"{_TOWER}.ln_post")
        self._projector_in = weights.linear(f"{_PROJECTOR}.linear_1", has_gelu=True)
        self._projector_out = weights.linear(f"{_PROJECTOR}.linear_2")

    def encode(self, mel: torch.Tensor, n_frames: int, known: KnownBlocks | None = None) -> torch.Tensor:
        """Return the embeddings `[n_tokens, text_hidden]` of one clip, in the encoder's type.

        Args:
            mel: `[n_mels, n_padded]`, `n_padded` a multiple of 100.
            n_frames: How many of them hold audio.
            known: In a step of a stream, its blocks. Products get one of few numbers of rows then, and the
                last bits may differ.

        Raises:
            ValueError: The mel is not padded to whole blocks, or has no frames.
        """
        rows = self._front_end.clip(mel, n_frames, known)
        attend = window_attention.of_clip(self._n_heads, self._window_tokens)
        if known is None:
            return self._transform(rows, attend)
        n_tokens = len(rows)
        return self._transform(pad_to_bucket(rows), lambda qkv: pad_to_bucket(attend(qkv[:n_tokens])))[
            :n_tokens
        ]

    def encode_many(self, features: Sequence[Features]) -> list[torch.Tensor]:
        """Return the embeddings of several clips, computed as one pack of rows.

        For a device that one clip does not fill. The products' kernels may depend on the number of rows, so
        the last bits of an embedding may differ from those of `encode`.

        Raises:
            ValueError: A mel is not padded to whole blocks, or has no frames.
        """
        if not features:
            return []
        rows = self._front_end.clips(features)
        n_tokens = [item.n_tokens for item in features]
        windows = [length for n in n_tokens for length in window_attention.lengths(n, self._window_tokens)]
        attention = window_attention.of_windows(self._n_heads, windows, rows)
        return list(torch.split(self._transform(rows, attention), n_tokens))

    def _transform(self, rows: torch.Tensor, attention: Attention) -> torch.Tensor:
        for layer in self._layers:
            rows = layer(rows, attention)
        return self._projector_out(self._projector_in(self._norm(rows)))


class _Weights:
    """Makes the parts of the encoder out of weights by name."""

    def __init__(
        self,
        tensor: Callable[[str], torch.Tensor],
        dtype: torch.dtype,
        device: torch.device,
        is_packed: bool,
    ) -> None:
        self._tensor, self._dtype, self._is_packed = tensor, dtype, is_packed
        self.device = device

    def linear(self, *names: str, has_gelu: bool = False) -> DenseLinear:
        """Return one product for all the names: their outputs become columns side by side."""
        weight = torch.cat([self._read(f"{name}.weight") for name in names])
        bias = torch.cat([self._read(f"{name}.bias") for name in names])
        return DenseLinear(weight, bias, self._is_packed, activation="gelu" if has_gelu else "none")

    def norm(self, name: str) -> Callable[[torch.Tensor], torch.Tensor]:
        """Return a layer norm with torch's default epsilon, as the reference's is."""
        weight, bias = self._read(f"{name}.weight"), self._read(f"{name}.bias")
        return lambda rows: functional.layer_norm(rows, weight.shape, weight, bias)

    def _read(self, name: str) -> torch.Tensor:
        return self._tensor(name).detach().to(self.device, self._dtype)


class _Layer:
    """Attention and a feed-forward network, each behind a norm and added to what came in."""

    def __init__(self, weights: _Weights, name: str) -> None:
        attention = f"{name}.self_attn"
        self._norm_in = weights.norm(f"{name}.self_attn_layer_norm")
        self._qkv = weights.linear(*(f"{attention}.{part}_proj" for part in "qkv"))
        self._out = weights.linear(f"{attention}.out_proj")
        self._norm_out = weights.norm(f"{name}.final_layer_norm")
        self._widen = weights.linear(f"{name}.fc1", has_gelu=True)
        self._narrow = weights.linear(f"{name}.fc2")

    def __call__(self, rows: torch.Tensor, attention: Attention) -> torch.Tensor:
        rows = rows + self._out(attention(self._qkv(self._norm_in(rows))))
        rows = rows + self._narrow(self._widen(self._norm_out(rows)))
        return rows.clamp(-_HALF_LIMIT, _HALF_LIMIT) if rows.dtype == torch.float16 else rows
