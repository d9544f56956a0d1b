"""The speaker encoder: CAM++ on a device.

In go stretches of speech and windows in them; out come vectors. The frames of a stretch are computed once,
however many windows there are. Keeps nothing of what it was given.
"""

from __future__ import annotations

import numpy as np
import torch

from qasr_cli.engines import device as devices
from qasr_cli.engines import device_names
from qasr_cli.engines.speakers import campplus, fbank, package
from qasr_cli.engines.speakers.campplus import CamPlusPlus
from qasr_cli.timebase import SAMPLES_PER_MS

_SHORTEST_SAMPLES = 100 * SAMPLES_PER_MS  # five frames; less is padded with silence
_SECOND_FRAMES = 100


class CamPlusPlusEncoder:
    """`SpeakerEncoder` on CAM++.

    Args:
        network: The network with its weights.
    """

    n_dimensions = campplus.N_DIMENSIONS

    def __init__(self, network: CamPlusPlus) -> None:
        self._network = network

    @torch.inference_mode()
    def encode(self, audio: np.ndarray, windows: np.ndarray) -> np.ndarray:
        """Return `float32[n_windows, 192]`, see `SpeakerEncoder`."""
        missing = max(0, _SHORTEST_SAMPLES - len(audio))
        samples = torch.from_numpy(np.pad(np.asarray(audio, dtype=np.float32), (0, missing)))
        features = fbank.fbank(samples)
        n_frames = -(-len(features) // campplus.STRIDE)
        frames = self._network.frames(_in_whole_seconds(features - features.mean(dim=0)))
        first = np.clip(windows[:, 0] // campplus.FRAME_MS, 0, n_frames - 2)
        last = np.clip(-(-windows[:, 1] // campplus.FRAME_MS), first + 2, n_frames)
        vectors = self._network.vectors(frames, torch.from_numpy(np.stack((first, last), axis=1)))
        return np.asarray(vectors.numpy(), dtype=np.float32)


def _in_whole_seconds(features: torch.Tensor) -> torch.Tensor:
    """Return the features, begun again at their end up to a whole second.

    The library of convolutions compiles them for each length that it meets: for ten lengths only, then, which
    saves a third of the time with bf16. What is behind the end is the same voice and not looked at.
    """
    n_frames = -(-len(features) // _SECOND_FRAMES) * _SECOND_FRAMES
    return features[torch.arange(n_frames) % len(features)]


def load(device: str) -> CamPlusPlusEncoder:
    """Return the encoder on the first device that `--device` names.

    Raises:
        UnavailableError: The weights or the device are missing.
    """
    names, dtype = devices.resolve(device_names.split(device), "auto")
    weights = torch.load(package.verified(), map_location="cpu", weights_only=True)
    place = devices.place(
        names[0], dtype
    )  # bf16 changes a vector by an angle of 4 degrees, a voice is 50 wide
    return CamPlusPlusEncoder(CamPlusPlus(weights, str(place.device), place.dtype))
