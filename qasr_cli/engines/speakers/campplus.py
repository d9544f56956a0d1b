"""CAM++: the network that turns speech into a vector of its speaker's voice.

In go log mel energies; out come frames of features, and from a window of frames one vector. After Wang et
al.,
"CAM++: A Fast and Efficient Network for Speaker Verification Using Context-Aware Masking" (Interspeech 2023):
a small 2-D residual network, then a densely connected time-delay network (D-TDNN) whose layers are masked by
what surrounds them. Only inference; what follows a convolution is folded into it.

The network gives a vector for a whole clip. Here the frames are computed once for a stretch of speech, and
the statistics of each window in it are taken from them: overlapping windows cost nothing more.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch.nn import functional

N_DIMENSIONS = 192
STRIDE = 2  # of the time-delay network
FRAME_MS = 10 * STRIDE  # of the frames that come out
_N_CHANNELS = 32  # of the residual network, and what each layer of a dense block adds
_BLOCKS = ((12, 1), (24, 2), (16, 2))  # layers of each dense block, and their dilation
_SEGMENT_FRAMES = 100  # the local context of a mask
_BATCH_NORM_EPSILON = 1e-5

Weights = Mapping[str, torch.Tensor]


@dataclass(frozen=True, slots=True)
class _Convolution:
    """A convolution with the normalization behind it."""

    weight: torch.Tensor
    bias: torch.Tensor | None


@dataclass(frozen=True, slots=True)
class _Scale:
    """A normalization before a product: `relu(x * factor + offset)`."""

    factor: torch.Tensor
    offset: torch.Tensor

    def __call__(self, frames: torch.Tensor) -> torch.Tensor:
        return torch.addcmul(self.offset, frames, self.factor).relu_()


@dataclass(frozen=True, slots=True)
class _DenseLayer:
    """A layer of a dense block: a product, a convolution over three frames, and a mask.

    Frames are rows here, `[n_frames, n_channels]`, so that all of it is products of matrices: torch has no
    fast convolution of this shape.
    """

    scale: _Scale
    narrow: _Convolution
    local: torch.Tensor
    squeeze: _Convolution
    excite: _Convolution
    dilation: int

    def __call__(self, frames: torch.Tensor) -> torch.Tensor:
        narrow = functional.linear(self.scale(frames), self.narrow.weight, self.narrow.bias).relu_()
        n_frames, n_channels = narrow.shape
        padded = functional.pad(narrow, (0, 0, self.dilation, self.dilation))
        strides = (n_channels, self.dilation * n_channels, 1)
        near = padded.as_strided((n_frames, 3, n_channels), strides)
        local = near.reshape(n_frames, 3 * n_channels) @ self.local
        return local.mul_(self._mask(narrow))

    def _mask(self, narrow: torch.Tensor) -> torch.Tensor:
        """Return a factor for each frame, from the mean of all frames and that of a hundred around it."""
        context = _context(len(narrow)).to(narrow) @ narrow
        squeezed = functional.linear(context, self.squeeze.weight, self.squeeze.bias).relu_()
        mask = functional.linear(squeezed, self.excite.weight, self.excite.bias).sigmoid_()
        return mask.repeat_interleave(_SEGMENT_FRAMES, dim=0)[: len(narrow)]


@functools.lru_cache(maxsize=64)
def _context(n_frames: int) -> torch.Tensor:
    """Return `float32[n_segments, n_frames]`: it gives the mean of all frames plus that of each segment."""
    n_segments = -(-n_frames // _SEGMENT_FRAMES)
    means = torch.full((n_segments, n_frames), 1 / n_frames)
    for number in range(n_segments):
        own = means[number, number * _SEGMENT_FRAMES : (number + 1) * _SEGMENT_FRAMES]
        own += 1 / len(own)
    return means


@dataclass(frozen=True, slots=True)
class _DenseBlock:
    """Layers that each add channels to those before, then a transition to half of the channels."""

    layers: tuple[_DenseLayer, ...]
    scale: _Scale
    transition: torch.Tensor

    def __call__(self, frames: torch.Tensor) -> torch.Tensor:
        n_frames, n_own = frames.shape
        grown = frames.new_empty((n_frames, n_own + len(self.layers) * _N_CHANNELS))
        grown[:, :n_own] = frames
        for layer in self.layers:
            grown[:, n_own : n_own + _N_CHANNELS] = layer(grown[:, :n_own])
            n_own += _N_CHANNELS
        return functional.linear(self.scale(grown), self.transition)


class CamPlusPlus:
    """The network with its weights, which are those of 3D-Speaker by their names.

    Args:
        weights: The state of the network that was trained.
        device: Where it computes.
        dtype: Number format of the convolutions; statistics are always float32.

    Raises:
        KeyError: A weight is missing.
    """

    def __init__(self, weights: Weights, device: str = "cpu", dtype: torch.dtype = torch.float32) -> None:
        self._device, self._dtype = device, dtype
        self._weights = {name: weight.float() for name, weight in weights.items()}
        self._first = self._folded("head.conv1", "head.bn1")
        self._residual = [self._residual_block(f"head.layer{n}.{m}") for n in (1, 2) for m in (0, 1)]
        self._last = self._folded("head.conv2", "head.bn2")
        self._delay = self._folded("xvector.tdnn.linear", "xvector.tdnn.nonlinear.batchnorm")
        self._blocks = [self._block(number, *shape) for number, shape in enumerate(_BLOCKS, 1)]
        self._end = self._scale("xvector.out_nonlinear.batchnorm")
        self._device, self._dtype = "cpu", torch.float32
        self._to_vector = self._folded("xvector.dense.linear", "xvector.dense.nonlinear.batchnorm")
        self._device, self._dtype, self._weights = device, dtype, {}

    def frames(self, features: torch.Tensor) -> torch.Tensor:
        """Return `float32[512, n]`, a frame every 20 ms, of centred `float32[n_frames, 80]`."""
        picture = features.t()[None, None].to(self._device, self._dtype)
        picture = picture.contiguous(memory_format=torch.channels_last)
        picture = functional.conv2d(picture, *self._pair(self._first), padding=1).relu_()
        for number, block in enumerate(self._residual):
            picture = self._through(block, picture, stride=1 if number % 2 else 2)
        picture = functional.conv2d(picture, *self._pair(self._last), stride=(2, 1), padding=1).relu_()
        frames = picture.contiguous().flatten(1, 2)
        frames = functional.conv1d(frames, *self._pair(self._delay), stride=2, padding=2).relu_()
        rows = frames[0].t().contiguous()
        for dense in self._blocks:
            rows = dense(rows)
        return self._end(rows).t().float()

    def vectors(self, frames: torch.Tensor, windows: torch.Tensor) -> torch.Tensor:
        """Return `float32[n_windows, 192]` of the frames `[first, last)` in `int64[n_windows, 2]`.

        Means and unbiased standard deviations, on the CPU. A window has two frames at least.
        """
        exact = frames.cpu().double()  # sums of many squares; mps has no such numbers
        sums = functional.pad(exact.cumsum(1), (1, 0))
        squares = functional.pad(exact.square().cumsum(1), (1, 0))
        first, last = windows[:, 0], windows[:, 1]
        n_frames = (last - first).double()
        mean = (sums[:, last] - sums[:, first]) / n_frames
        power = (squares[:, last] - squares[:, first]) - n_frames * mean.square()
        deviation = (power.clamp_min(0) / (n_frames - 1)).sqrt()
        statistics = torch.cat((mean, deviation)).t().float()
        return functional.linear(statistics, self._to_vector.weight[..., 0], self._to_vector.bias)

    def _through(self, block: list[_Convolution], picture: torch.Tensor, stride: int) -> torch.Tensor:
        one, two, *shortcut = block
        inner = functional.conv2d(picture, *self._pair(one), stride=(stride, 1), padding=1).relu_()
        inner = functional.conv2d(inner, *self._pair(two), padding=1)
        if shortcut:
            picture = functional.conv2d(picture, *self._pair(shortcut[0]), stride=(stride, 1))
        return inner.add_(picture).relu_()

    @staticmethod
    def _pair(convolution: _Convolution) -> tuple[torch.Tensor, torch.Tensor | None]:
        return convolution.weight, convolution.bias

    @staticmethod
    def _as_product(convolution: _Convolution) -> _Convolution:
        """Return a convolution over one frame as a product of matrices."""
        return _Convolution(convolution.weight[..., 0].contiguous(), convolution.bias)

    def _placed(self, weight: torch.Tensor) -> torch.Tensor:
        return weight.to(self._device, self._dtype)

    def _normalization(self, name: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Return factor and offset of a trained batch normalization; one without its own has 1 and 0."""
        own = self._weights
        mean, variance = own[f"{name}.running_mean"], own[f"{name}.running_var"]
        factor = own.get(f"{name}.weight", torch.ones_like(mean)) / (variance + _BATCH_NORM_EPSILON).sqrt()
        return factor, own.get(f"{name}.bias", torch.zeros_like(mean)) - mean * factor

    def _folded(self, name: str, norm: str) -> _Convolution:
        factor, offset = self._normalization(norm)
        weight = self._weights[f"{name}.weight"]
        scaled = weight * factor.reshape(-1, *[1] * (weight.dim() - 1))
        return _Convolution(self._placed(scaled), self._placed(offset))

    def _plain(self, name: str) -> _Convolution:
        return _Convolution(
            self._placed(self._weights[f"{name}.weight"]), self._placed(self._weights[f"{name}.bias"])
        )

    def _scale(self, name: str) -> _Scale:
        factor, offset = self._normalization(name)
        return _Scale(self._placed(factor), self._placed(offset))

    def _residual_block(self, name: str) -> list[_Convolution]:
        parts = [self._folded(f"{name}.conv{n}", f"{name}.bn{n}") for n in (1, 2)]
        if f"{name}.shortcut.0.weight" in self._weights:
            parts.append(self._folded(f"{name}.shortcut.0", f"{name}.shortcut.1"))
        return parts

    def _block(self, number: int, n_layers: int, dilation: int) -> _DenseBlock:
        layers = tuple(
            self._dense_layer(f"xvector.block{number}.tdnnd{layer}", dilation)
            for layer in range(1, n_layers + 1)
        )
        transit = f"xvector.transit{number}"
        return _DenseBlock(
            layers,
            self._scale(f"{transit}.nonlinear.batchnorm"),
            self._placed(self._weights[f"{transit}.linear.weight"][..., 0]),
        )

    def _dense_layer(self, name: str, dilation: int) -> _DenseLayer:
        local = self._weights[f"{name}.cam_layer.linear_local.weight"]
        return _DenseLayer(
            self._scale(f"{name}.nonlinear1.batchnorm"),
            self._as_product(self._folded(f"{name}.linear1", f"{name}.nonlinear2.batchnorm")),
            self._placed(local.permute(2, 1, 0).flatten(0, 1)),
            self._as_product(self._plain(f"{name}.cam_layer.linear1")),
            self._as_product(self._plain(f"{name}.cam_layer.linear2")),
            dilation,
        )
