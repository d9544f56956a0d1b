"""The convolutions of the audio encoder: log-mel frames become rows, 13 a second.

In goes the mel of one clip or of several; out come the rows that attention works on. Each block of 100
frames is convolved apart, so a row depends on its second of audio only, and a clip that grows needs no block
convolved twice. Never convolves more than a slice of blocks at once, which bounds memory.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn import functional

from qasr_cli.engines.qwen3.prompts import Features, n_audio_tokens
from qasr_cli.engines.qwen3.tensors.dense_linear import DenseLinear, can_pack

FRAMES_PER_BLOCK = 100
TOKENS_PER_BLOCK = 13
_FRAMES_PER_TOKEN = 8  # three convolutions of stride 2
# The first activation of a block has 1.5 M values (480 channels, 50 x 64): on a CPU four blocks stay in a
# shared cache of 16 to 32 MB, and were 5 % (bf16) and 8 % (fp32) faster than a whole clip of 30 s.
_CPU_BLOCKS_PER_SLICE = 4
_BLOCKS_PER_SLICE = 512  # 1.6 GB of it in bf16; the official package slices by 500
_MAX_TIMESCALE = 10_000  # whisper's


class ConvFrontEnd:
    """Three convolutions, the product behind them, and the positions within a block."""

    def __init__(
        self,
        audio_config: Any,
        tensor: Callable[[str], torch.Tensor],
        dtype: torch.dtype,
        device: torch.device,
        is_packed: bool,
    ) -> None:
        """Read the weights `model.audio_tower.conv*` through `tensor(name)`, cast to `dtype` on `device`.

        oneDNN's operators are used where `is_packed` and `can_pack` are True.
        """
        is_packed = is_packed and can_pack(dtype, device)
        self._dtype, self._device = dtype, device
        self._n_slice = _CPU_BLOCKS_PER_SLICE if device.type == "cpu" else _BLOCKS_PER_SLICE
        self._n_mels, self._d_model = audio_config.num_mel_bins, audio_config.d_model
        self._convolutions = []
        for layer in (1, 2, 3):
            name = f"model.audio_tower.conv2d{layer}"
            kernel, bias = tensor(f"{name}.weight"), tensor(f"{name}.bias")
            self._convolutions.append(
                _Convolution(kernel.detach().to(device, dtype), bias.detach().to(device, dtype), is_packed)
            )
        # A row is (band, channel) here and (channel, band) in the stored weight.
        product = tensor("model.audio_tower.conv_out.weight").detach().to(device, dtype)
        n_channels = audio_config.downsample_hidden_size
        product = product.view(self._d_model, n_channels, -1).transpose(1, 2).reshape(self._d_model, -1)
        self._product = DenseLinear(product, None, is_packed)
        self._positions = sinusoids(TOKENS_PER_BLOCK, self._d_model).to(device, dtype)

    def clip(self, mel: torch.Tensor, n_frames: int, known: KnownBlocks | None = None) -> torch.Tensor:
        """Return `[n_tokens, d_model]` for a mel.

        The last block is cut behind the frames that its rows depend on: a row sees 8 frames of its own and 7
        before them.

        Args:
            mel: `[n_mels, n_padded]`.
            n_frames: How many of them hold audio.
            known: Blocks that need not be convolved; those of this clip replace them.

        Raises:
            ValueError: The mel is not padded to whole blocks.
        """
        n_blocks, rest = divmod(n_frames, FRAMES_PER_BLOCK)
        _refuse_unpadded(mel, n_frames)
        frames = mel.to(self._device, self._dtype).transpose(0, 1).contiguous()
        n_full = n_blocks * FRAMES_PER_BLOCK
        convolve = self._full_blocks if known is None else functools.partial(known.rows, self._full_blocks)
        rows = [convolve(frames[:n_full])] if n_blocks else []
        if rest:
            n_kept = min(n_audio_tokens(rest) * _FRAMES_PER_TOKEN, FRAMES_PER_BLOCK)
            rows.append(self._rows(frames[n_full : n_full + n_kept].view(1, 1, n_kept, self._n_mels)))
        return torch.cat(rows)

    def clips(self, features: Sequence[Features]) -> torch.Tensor:
        """Return the rows of all clips one after the other; their blocks share slices.

        Raises:
            ValueError: A mel is not padded to whole blocks.
        """
        frames = []
        for item in features:
            _refuse_unpadded(item.mel, item.n_frames)
            n_padded = -(-item.n_frames // FRAMES_PER_BLOCK) * FRAMES_PER_BLOCK
            frames.append(item.mel[:, :n_padded].to(self._device, self._dtype).transpose(0, 1))
        rows = self._full_blocks(torch.cat(frames))
        n_rows = [len(one) // FRAMES_PER_BLOCK * TOKENS_PER_BLOCK for one in frames]
        return torch.cat(
            [part[: item.n_tokens] for part, item in zip(torch.split(rows, n_rows), features, strict=True)]
        )

    def _full_blocks(self, frames: torch.Tensor) -> torch.Tensor:
        """Return `[n * 13, d_model]` for `[n * 100, n_mels]`, computed a slice at a time."""
        blocks = frames.view(-1, 1, FRAMES_PER_BLOCK, self._n_mels)
        return torch.cat([self._rows(part) for part in torch.split(blocks, self._n_slice)])

    def _rows(self, blocks: torch.Tensor) -> torch.Tensor:
        """Return `[n * n_tokens, d_model]` for `[n, 1, n_frames, n_mels]`."""
        images = blocks
        for convolution in self._convolutions:
            images = convolution(images)
        n_blocks, _, n_tokens, _ = images.shape
        rows = self._product(images.permute(0, 2, 3, 1).reshape(n_blocks * n_tokens, -1))
        return (rows.view(n_blocks, n_tokens, -1) + self._positions[:n_tokens]).view(-1, self._d_model)


class KnownBlocks:
    """The full blocks of a clip and their rows, for the next time that the clip is computed, then longer.

    Each block is compared with the one that was convolved, value by value, so that rows are never those of
    other features: a louder sound may have changed what earlier blocks were clamped to.
    """

    def __init__(self, begin: int = 0, kept: tuple[torch.Tensor, torch.Tensor] | None = None) -> None:
        """Know blocks from number `begin` of the clip on.

        Args:
            begin: Number of the first block.
            kept: Frames `[n, 100, n_mels]` and rows `[n, 13, d_model]` of blocks; None for no blocks.
        """
        self._begin, self._kept = begin, kept

    def behind(self, begin: int) -> KnownBlocks:
        """Return what is known of the blocks from number `begin` of the clip on; this object stays."""
        n_before = begin - self._begin
        if self._kept is None or n_before < 0:
            return KnownBlocks(begin)
        blocks, rows = self._kept
        return KnownBlocks(begin, (blocks[n_before:], rows[n_before:]))

    def rows(self, convolve: Callable[[torch.Tensor], torch.Tensor], frames: torch.Tensor) -> torch.Tensor:
        """Return `[n * 13, d_model]` for `[n * 100, n_mels]`, and know these blocks from now on.

        Args:
            convolve: Computes the rows of frames; those of a block do not depend on other blocks.
            frames: Of all full blocks from number `begin` on.
        """
        blocks = frames.view(-1, FRAMES_PER_BLOCK, frames.shape[1])
        if self._kept is None:
            rows = convolve(frames).view(len(blocks), TOKENS_PER_BLOCK, -1)
        else:
            known, known_rows = self._kept
            n_both = min(len(blocks), len(known))
            is_new = torch.ones(len(blocks), dtype=torch.bool, device=frames.device)
            is_new[:n_both] = (blocks[:n_both] != known[:n_both]).flatten(1).any(1)
            rows = known_rows.new_empty(len(blocks), *known_rows.shape[1:])
            rows[:n_both] = known_rows[:n_both]
            if is_new.any():
                rows[is_new] = convolve(blocks[is_new].flatten(0, 1)).view(-1, *rows.shape[1:])
        self._kept = blocks, rows
        return rows.flatten(0, 1)


class _Convolution:
    """A convolution of 3 x 3, stride 2 and padding 1, with exact GELU; channels are the innermost axis.

    An image has time as its height, so that channels and bands of one moment lie together in the end.
    """

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor, is_fused: bool) -> None:
        """Keep the weight `[n_out, n_in, 3 bands, 3 frames]`.

        The fused operator of oneDNN spares a pass over the largest activation. Its weight is not packed: a
        packed one fits some heights only, and another took 90 times as long.
        """
        self._weight = weight.transpose(2, 3).contiguous(memory_format=torch.channels_last)
        self._bias, self._is_fused = bias, is_fused

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Return `[n, n_out, height / 2, width / 2]` for `[n, n_in, height, width]`, halves rounded up."""
        images = images.contiguous(memory_format=torch.channels_last)
        if not self._is_fused:
            return functional.gelu(functional.conv2d(images, self._weight, self._bias, stride=2, padding=1))
        out: torch.Tensor = torch.ops.mkldnn._convolution_pointwise(
            images, self._weight, self._bias, [1, 1], [2, 2], [1, 1], 1, "gelu", [], "none"
        )
        return out


def sinusoids(n_positions: int, n_channels: int) -> torch.Tensor:
    """Return whisper's positions, `float32[n_positions, n_channels]`: sines, then cosines."""
    half = n_channels // 2
    step = math.log(_MAX_TIMESCALE) / (half - 1)
    angles = torch.arange(n_positions)[:, None] * torch.exp(-step * torch.arange(half).float())[None]
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def _refuse_unpadded(mel: torch.Tensor, n_frames: int) -> None:
    if not 0 < n_frames <= mel.shape[1] or mel.shape[1] % FRAMES_PER_BLOCK:
        raise ValueError(
            f"{n_frames} frames of mel lie in {mel.shape[1]}, which is not whole blocks of {FRAMES_PER_BLOCK}"
        )
