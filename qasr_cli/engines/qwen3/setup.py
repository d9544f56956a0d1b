"""How the models of a pair are computed: which backend, on which device, in which number format.

In go an opened model and the choices for it; out come the parts that compute it. Reads no option itself.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from qasr_cli.engines.device import Placement
from qasr_cli.engines.qwen3 import loop_backend, prompts
from qasr_cli.engines.qwen3.audio.mel import LogMel
from qasr_cli.engines.qwen3.backend import Classifier, Decoder
from qasr_cli.engines.qwen3.device_backend import DeviceClassifier, DeviceDecoder
from qasr_cli.engines.qwen3.loading import OpenModel
from qasr_cli.engines.qwen3.loop_backend import LoopClassifier, LoopDecoder
from qasr_cli.engines.qwen3.prompts import Features
from qasr_cli.engines.qwen3.token_budget import token_budget
from qasr_cli.engines.qwen3.transformers_backend import TransformersClassifier, TransformersDecoder
from qasr_cli.errors import UsageError


@dataclass(frozen=True, slots=True)
class Setup:
    """How the models of a pair are computed.

    Attributes:
        placement: Device and number format.
        batch_size: Maximum chunks in one call; None for as many as fit.
        is_plain: Whether transformers computes what our loop could, too.
        budget: Returns a chunk's maximum number of tokens by its number of samples.
        is_forced_loop: Whether our loop computes on devices where it has not been measured, too.
    """

    placement: Placement
    batch_size: int | None = None
    is_plain: bool = False
    budget: Callable[[int], int] = token_budget
    is_forced_loop: bool = False

    def is_loop(self, opened: OpenModel) -> bool:
        """Whether our loop computes the model; on other devices than a CPU it has not been measured."""
        is_wanted = self.is_forced_loop or (self.is_on_cpu and not self.is_plain)
        return is_wanted and loop_backend.supports(opened.config, self.placement)

    @property
    def is_on_cpu(self) -> bool:
        """Whether the host computes."""
        return self.placement.device.type == "cpu"

    def extraction(self, opened: OpenModel) -> Callable[[np.ndarray], Features]:
        """Return the function from a chunk's samples to its features."""
        if self.is_loop(opened):
            return LogMel(opened.extractor, self.placement.device).extract
        return functools.partial(prompts.extract, opened.extractor)

    def decoder(self, opened: OpenModel, stop_ids: Sequence[int]) -> Decoder:
        """Return what computes a recognizer's answers.

        Raises:
            UsageError: The placement is in 8 bits, which transformers does not compute.
        """
        if not self.is_loop(opened):
            if self.placement.int8_bits:
                raise UsageError(
                    f"--dtype int8: transformers computes {opened.stored.id} here, and has no 8-bit weights",
                    "use --dtype auto, or --engine qwen3",
                    flag="--dtype",
                )
            return TransformersDecoder(opened, self.placement, stop_ids)
        if self.is_on_cpu:
            return LoopDecoder(opened, self.placement, stop_ids)
        return DeviceDecoder(opened, self.placement, stop_ids, self.batch_size)

    def classifier(self, opened: OpenModel, pad_id: int) -> Classifier:
        """Return what computes an aligner's scores."""
        if not self.is_loop(opened):
            return TransformersClassifier(opened, self.placement, pad_id)
        return (LoopClassifier if self.is_on_cpu else DeviceClassifier)(opened, self.placement)
