"""`Recognizer` on vLLM: prompts, budgets and answers of our own engine, arithmetic of vLLM.

In go chunks of audio; out come hypotheses. In fp32 they are those of our own engine, token for token, so a
model has the same id in both: a run may be resumed with the other one.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence

import numpy as np

from qasr_cli.engines import device, weights
from qasr_cli.engines.device import Placement
from qasr_cli.engines.layouts import Kind
from qasr_cli.engines.model_store import StoredModel
from qasr_cli.engines.qwen3 import answers, engine, loading, prompts
from qasr_cli.engines.qwen3.answers import Answers
from qasr_cli.engines.qwen3.decoding.answer import Answer
from qasr_cli.engines.qwen3.languages import RECOGNIZED
from qasr_cli.engines.qwen3.loading import OpenModel
from qasr_cli.engines.qwen3.token_budget import token_budget
from qasr_cli.engines.vllm import arguments, environment
from qasr_cli.engines.vllm.writer import Request, Rules, Writer
from qasr_cli.errors import UsageError
from qasr_cli.options import DecodeOptions, EngineOptions
from qasr_cli.records import Hypothesis
from qasr_cli.speech.inference.protocols import Capacity, Engines

logger = logging.getLogger(__name__)


def load(
    recognizer: StoredModel, aligner: StoredModel | None, options: EngineOptions, *, is_apart: bool = False
) -> Engines:
    """Return a recognizer on vLLM and our own aligner, both on the device of the options.

    vLLM takes its share of the device's memory first; the aligner's batches are planned for what is left.

    Args:
        recognizer: The recognizer's weights, in either layout.
        aligner: The aligner's weights.
        options: Device, number format and batch size.
        is_apart: Give vLLM a process of its own, as one of several devices needs.

    Raises:
        UsageError: The device or dtype is unknown, or vLLM has none such.
        UnavailableError: vLLM is missing or cannot start, or the weights do not fit the architecture.
    """
    placement = device.place(options.device, options.dtype, weights.n_parameters(recognizer.folder))
    _refuse_placement(placement)
    opened = loading.open_model(Kind.RECOGNIZER, recognizer)
    logger.warning(
        "vLLM %s is being started with %s on %s; it takes about a minute",
        environment.version() or "",
        recognizer.id,
        placement.device,
    )
    return Engines(
        VllmRecognizer(
            opened,
            placement,
            options.batch_size,
            has_aligner=aligner is not None,
            is_apart=is_apart,
        ),
        engine.load_aligner(aligner, options)[0] if aligner else None,
        languages=RECOGNIZED,
        device=f"{placement} vLLM",
    )


def _refuse_placement(placement: Placement) -> None:
    if placement.int8_bits:
        raise UsageError(
            "--dtype int8 is of our own engine, and vLLM has no such weights",
            "use --dtype auto, or --engine qwen3",
            flag="--dtype",
        )
    if placement.device.type not in ("cpu", "cuda"):
        raise UsageError(
            f"--engine vllm does not compute on {placement.device}",
            "use --engine qwen3, or --device cpu",
            flag="--engine",
        )


class VllmRecognizer:
    """`Recognizer` on a Qwen3-ASR model in vLLM; greedy decoding.

    Args:
        opened: The model.
        placement: Device and number format.
        batch_size: Maximum chunks in one call, and at once in vLLM; None for the device's default.
        has_aligner: Whether an aligner shares the device.
        is_apart: Compute in a process of its own.
        budget: Returns a chunk's maximum number of tokens by its number of samples.
    """

    def __init__(
        self,
        opened: OpenModel,
        placement: Placement,
        batch_size: int | None = None,
        *,
        has_aligner: bool = True,
        is_apart: bool = False,
        budget: Callable[[int], int] = token_budget,
    ) -> None:
        self._budget = budget
        self._prompts = prompts.Prompts(opened.tokenizer)
        self._answers = Answers(opened.tokenizer, self._prompts)
        self.model_id = opened.stored.id
        self.capacity: Capacity = arguments.capacity(opened, placement, batch_size)
        chosen = arguments.arguments(opened, placement, self.capacity, has_aligner=has_aligner)
        self._reach = int(chosen["max_model_len"])
        self._placement = placement
        self._writer = Writer(chosen, placement, is_apart=is_apart)

    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        """Return one hypothesis a chunk; see `speech.inference.protocols.Recognizer`."""
        forced = answers.forced_language(options)
        written = self._write(audio, options)
        return [self._answers.parse(one.tokens, forced, one.posteriors) for one in written]

    def write(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[list[int]]:
        """Return the tokens of one answer a chunk, its stop token included if it has one."""
        return [answer.tokens for answer in self._write(audio, options)]

    def _write(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Answer]:
        prompt = self._prompts.transcription(1, options.context, answers.forced_language(options))
        most = options.max_tokens or sys.maxsize
        requests = [
            Request(prompt, prompts.whole_frames(samples), min(most, self._budget(len(samples))))
            for samples in audio
        ]
        longest = max(prompts.n_audio_tokens_of(request.audio) + request.budget for request in requests)
        answers.refuse_long(len(prompt) - 1 + longest, self._reach, self.model_id)
        rules = Rules(
            self._prompts.stop_ids, answers.allowed_languages(options), float(options.repetition_penalty)
        )
        with engine.numbers_only(self.model_id, self._placement):
            return self._writer.write(requests, rules)
