"""Qwen3-ASR and Qwen3-ForcedAligner: prompts and answers around a backend that computes.

In go chunks of audio; out come hypotheses and posteriors, as `speech.inference.protocols` describes them.
Keeps no tensor across calls. transformers' classes move between versions (5.17 to 5.23 work), so they are
named in `loading` and nowhere else.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import traceback
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from transformers.utils import logging as transformers_logging

from qasr_cli import languages
from qasr_cli.engines import device, weights
from qasr_cli.engines.device import Placement
from qasr_cli.engines.layouts import Kind
from qasr_cli.engines.model_store import StoredModel
from qasr_cli.engines.qwen3 import answers, calibration, loading, prompts
from qasr_cli.engines.qwen3.answers import Answers
from qasr_cli.engines.qwen3.audio.mel import LogMel
from qasr_cli.engines.qwen3.decoding.answer import Answer
from qasr_cli.engines.qwen3.decoding.logits_processors import (
    AllowedTags,
    LogitsProcessor,
    NotFiniteError,
    RepetitionPenalty,
)
from qasr_cli.engines.qwen3.languages import ALIGNED, RECOGNIZED
from qasr_cli.engines.qwen3.loading import OpenModel
from qasr_cli.engines.qwen3.setup import Setup
from qasr_cli.engines.qwen3.streaming import PlannedStep, Stream, StreamPlanner
from qasr_cli.engines.qwen3.token_budget import token_budget
from qasr_cli.engines.weights import AGAIN
from qasr_cli.errors import DeviceLostError, OutOfMemoryError, UnavailableError
from qasr_cli.options import DecodeOptions, EngineOptions
from qasr_cli.records import INT16_SCALE, Hypothesis
from qasr_cli.speech.inference.protocols import AlignRequest, Capacity, Engines, Posterior
from qasr_cli.speech.inference.streaming import StreamStep
from qasr_cli.timebase import SAMPLE_RATE_HZ

logger = logging.getLogger(__name__)

_MAX_ALIGN_MS = 180_000  # the reference's own limit; beyond it the last words pile up


def load(
    recognizer: StoredModel,
    aligner: StoredModel | None,
    options: EngineOptions,
    *,
    is_plain: bool = False,
    budget: Callable[[int], int] = token_budget,
    is_forced_loop: bool = False,
) -> Engines:
    """Return a recognizer, and an aligner if there is one, on the device of the options.

    Args:
        recognizer: The recognizer's weights.
        aligner: The aligner's weights.
        options: Device, number format and batch size.
        is_plain: Compute with transformers' classes only.
        budget: Returns a chunk's maximum number of tokens by its number of samples; benchmarks cap it.
        is_forced_loop: Compute with our loop on devices where it has not been measured, too.

    Raises:
        UsageError: The device or dtype is unknown.
        UnavailableError: The device is not in this machine, or the weights do not fit the architecture.
        OutOfMemoryError: The weights do not fit into the device's memory.
    """
    _quiet_transformers()
    setup = Setup(_placement(recognizer, options), options.batch_size, is_plain, budget, is_forced_loop)
    with _device_errors(setup.placement.device):
        # The aligner first: the recognizer's capacity is measured beside all weights
        loaded_aligner = None
        if aligner:
            opened = loading.open_model(Kind.ALIGNER, aligner)
            loaded_aligner = Qwen3Aligner(opened, replace(setup, placement=_placement(aligner, options)))
        opened = loading.open_model(Kind.RECOGNIZER, recognizer)
        setup = _in_8_bits_if_equal(opened, setup, options.dtype)
        return Engines(
            Qwen3Recognizer(opened, setup),
            loaded_aligner,
            languages=RECOGNIZED,
            device=str(setup.placement),
        )


def load_aligner(
    aligner: StoredModel, options: EngineOptions, *, is_plain: bool = False, is_forced_loop: bool = False
) -> tuple[Qwen3Aligner, str]:
    """Return an aligner without a recognizer, and its placement as text; the arguments are those of `load`.

    Raises:
        UsageError: The device or dtype is unknown.
        UnavailableError: The device is not in this machine, or the weights do not fit the architecture.
        OutOfMemoryError: The weights do not fit into the device's memory.
    """
    _quiet_transformers()
    placement = _placement(aligner, options)
    setup = Setup(placement, options.batch_size, is_plain, is_forced_loop=is_forced_loop)
    with _device_errors(placement.device):
        return Qwen3Aligner(loading.open_model(Kind.ALIGNER, aligner), setup), str(placement)


def _quiet_transformers() -> None:
    """Leave out what transformers prints: its important messages become errors of qasr."""
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()


def _placement(stored: StoredModel, options: EngineOptions) -> Placement:
    return device.place(options.device, options.dtype, weights.n_parameters(stored.folder))


def _in_8_bits_if_equal(opened: OpenModel, setup: Setup, dtype: str) -> Setup:
    """Return the setup with 8-bit weights, if `auto` may have them and they change no answer to a clip.

    Two engines find this out once for each model on a machine; see `calibration`.
    """
    stored, placement = opened.stored, setup.placement
    bits = device.untried_int8_bits(placement, dtype, weights.n_parameters(stored.folder))
    if bits is None or not setup.is_loop(opened):
        return setup

    def answers(bits: int | None) -> list[list[int]]:
        if bits is None:  # the first of two rounds
            logger.warning(
                "model %s is new on this CPU: whether 8-bit weights change its answers is tried out now, "
                "once; it takes about a minute",
                stored.id,
            )
        clips = [samples * np.float32(INT16_SCALE) for samples in calibration.clips()]
        tried = Setup(replace(placement, int8_bits=bits))
        return Qwen3Recognizer(opened, tried).write(clips, DecodeOptions())

    verdict = calibration.verdict(stored, placement, bits, answers)
    return replace(setup, placement=replace(placement, int8_bits=bits)) if verdict.is_equal else setup


class Qwen3Recognizer:
    """`StreamingRecognizer` on a Qwen3-ASR model; greedy decoding.

    Raises:
        UsageError: The setup is in 8 bits, which transformers does not compute.
    """

    def __init__(self, opened: OpenModel, setup: Setup) -> None:
        self._config = opened.config
        self._extract = setup.extraction(opened)
        self._prompts = prompts.Prompts(opened.tokenizer)
        self._answers = Answers(opened.tokenizer, self._prompts)
        self._setup = setup
        self._decoder = setup.decoder(opened, self._prompts.stop_ids)
        self._planner = StreamPlanner(
            LogMel(opened.extractor, setup.placement.device),
            opened.config.audio_config.n_window_infer,
            self._prompts.audio_placeholder,
        )
        self.model_id = opened.stored.id
        self.capacity: Capacity = device.capacity(
            opened.config, setup.placement, opened.stored.max_chunk_ms, setup.batch_size
        )

    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        """Return one hypothesis a chunk; see `speech.inference.protocols.Recognizer`."""
        return self.recognize_each(audio, [options] * len(audio))

    def recognize_each(
        self, audio: Sequence[np.ndarray], options: Sequence[DecodeOptions]
    ) -> list[Hypothesis]:
        """Return one hypothesis a chunk; see `speech.inference.protocols.MixingRecognizer`.

        Prompts differ freely in a batch. Logits processors are for a whole batch, so that chunks with others
        are a batch of their own: those of few requests, and last retries.
        """
        hypotheses: dict[int, Hypothesis] = {}
        for members in _of_like_processing(options):
            chosen = [options[index] for index in members]
            rows = self._write_each([audio[index] for index in members], chosen)
            for index, row, one in zip(members, rows, chosen, strict=True):
                hypotheses[index] = self._answers.parse(
                    row.tokens, answers.forced_language(one), row.posteriors
                )
        return [hypotheses[index] for index in range(len(audio))]

    def write(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[list[int]]:
        """Return the tokens of one answer a chunk; what follows a stop token is undefined."""
        return [answer.tokens for answer in self._write_each(audio, [options] * len(audio))]

    def _write_each(self, audio: Sequence[np.ndarray], options: Sequence[DecodeOptions]) -> list[Answer]:
        """Return the answers; the options have equal logits processors."""
        with _device_errors(self._setup.placement.device):
            features = [self._extract(samples) for samples in audio]
        ids = [
            self._prompts.transcription(item.n_tokens, one.context, answers.forced_language(one))
            for item, one in zip(features, options, strict=True)
        ]
        budgets = [self._budget(samples, one) for samples, one in zip(audio, options, strict=True)]
        self._refuse_long(max(map(len, ids)) + max(budgets))
        with (
            _device_errors(self._setup.placement.device),
            numbers_only(self.model_id, self._setup.placement),
        ):
            return self._decoder.write(features, ids, budgets, self._logits_processors(options[0]))

    def open_stream(self, options: DecodeOptions) -> Stream:
        """Return the stream of a new utterance; see `speech.inference.streaming.StreamingRecognizer`."""
        return Stream(options)

    def advance(self, steps: Sequence[StreamStep]) -> list[Hypothesis]:
        """Return one hypothesis for each step; see `speech.inference.streaming.StreamingRecognizer`.

        Streams change once all answers are there: an error leaves all of them as they were.
        """
        options = [step.stream.options for step in steps]
        with _device_errors(self._setup.placement.device):
            plans = [self._plan(step) for step in steps]
        found: dict[int, Answer] = {}
        for members in _of_like_processing(options):
            continuations = [plans[index].continuation for index in members]
            with (
                _device_errors(self._setup.placement.device),
                numbers_only(self.model_id, self._setup.placement),
            ):
                processors = self._logits_processors(options[members[0]])
                written = self._decoder.write_continuations(continuations, processors)
            found.update(zip(members, written, strict=True))
        hypotheses = []
        for index, (step, plan) in enumerate(zip(steps, plans, strict=True)):
            answer = found[index]
            plan.finish(_own(step), answer, self._answers.before_stop(answer.tokens), is_final=step.is_final)
            forced = answers.forced_language(step.stream.options)
            hypotheses.append(self._answers.parse(answer.tokens, forced, answer.posteriors))
        return hypotheses

    def _plan(self, step: StreamStep) -> PlannedStep:
        options = step.stream.options
        forced = answers.forced_language(options)
        plan = self._planner.plan(
            _own(step),
            step.audio,
            lambda n_tokens: self._prompts.transcription(n_tokens, options.context, forced),
            self._budget(step.audio, options),
            is_final=step.is_final,
        )
        self._refuse_long(len(plan.continuation.ids) + plan.continuation.budget)
        return plan

    def _budget(self, samples: np.ndarray, options: DecodeOptions) -> int:
        return min(self._setup.budget(len(samples)), options.max_tokens or sys.maxsize)

    def _refuse_long(self, n_tokens: int) -> None:
        reach = self._config.text_config.max_position_embeddings
        answers.refuse_long(n_tokens, reach, self.model_id)

    def _logits_processors(self, options: DecodeOptions) -> list[LogitsProcessor]:
        """Return the logits processors for the options, usually none."""
        processors: list[LogitsProcessor] = []
        if names := answers.allowed_languages(options):
            processors.append(AllowedTags(self._prompts.language_tags(names)))
        if options.repetition_penalty != 1:
            processors.append(RepetitionPenalty(float(options.repetition_penalty)))
        return processors


class Qwen3Aligner:
    """`Aligner` on a Qwen3-ForcedAligner model; one pass, no decoding here."""

    def __init__(self, opened: OpenModel, setup: Setup) -> None:
        self._extract = setup.extraction(opened)
        self._bin_ms, self._offset_ms = opened.layout.bin_ms, opened.layout.offset_ms
        self._prompts = prompts.Prompts(opened.tokenizer)
        self._placement = setup.placement
        self._classifier = setup.classifier(opened, self._prompts.stop_ids[-1])
        self.model_id = opened.stored.id
        reach_ms = min(_MAX_ALIGN_MS, self._bin_ms * opened.config.num_labels)
        self.capacity: Capacity = device.capacity(
            opened.config,
            setup.placement,
            min(opened.stored.max_chunk_ms or reach_ms, reach_ms),
            setup.batch_size,
        )

    def supports(self, language: str | None) -> bool:
        """Whether the aligner was trained for the language; 11 of the 30."""
        entry = languages.find(language) if language else None
        return entry is not None and entry.code in ALIGNED

    def align(self, requests: Sequence[AlignRequest]) -> list[Posterior]:
        """Return one posterior a chunk; see `speech.inference.protocols.Aligner`."""
        with _device_errors(self._placement.device):
            features = [self._extract(request.audio) for request in requests]
        ids = [
            self._prompts.alignment(item.n_tokens, request.tokens)
            for item, request in zip(features, requests, strict=True)
        ]
        with _device_errors(self._placement.device), numbers_only(self.model_id, self._placement):
            slots = self._classifier.slot_scores(features, ids, self._prompts.timestamp)
        return [self._posterior(scores, request) for scores, request in zip(slots, requests, strict=True)]

    def _posterior(self, scores: torch.Tensor, request: AlignRequest) -> Posterior:
        """Normalise over the bins inside the chunk: later ones are impossible."""
        duration_ms = len(request.audio) * 1000 // SAMPLE_RATE_HZ
        n_bins = min(duration_ms // self._bin_ms + 2, scores.shape[1])
        log_probs = torch.log_softmax(scores[:, :n_bins], dim=-1).numpy()
        return Posterior(log_probs, self._bin_ms, self._offset_ms)


def _own(step: StreamStep) -> Stream:
    if not isinstance(step.stream, Stream):
        raise TypeError(f"a stream of this engine is wanted, and not {type(step.stream).__name__}")
    return step.stream


def _of_like_processing(options: Sequence[DecodeOptions]) -> Iterable[list[int]]:
    """Return indices in groups with equal logits processors."""
    groups: dict[Hashable, list[int]] = {}
    for index, one in enumerate(options):
        groups.setdefault(_processing(one), []).append(index)
    return groups.values()


def _processing(options: DecodeOptions) -> Hashable:
    """Return what the logits processors of the options follow from."""
    return () if options.language else options.languages, options.repetition_penalty


@contextlib.contextmanager
def numbers_only(model_id: str, placement: Placement) -> Iterator[None]:
    """Convert the error about scores that are no numbers into one about the model.

    Raises:
        UnavailableError: Its weights are damaged, or overflow in this number format.
    """
    try:
        yield
    except NotFiniteError as error:
        if placement.dtype == torch.float16:
            raise UnavailableError(
                f"model {model_id} overflows in fp16", "use --dtype bf16 or --dtype fp32"
            ) from error
        raise UnavailableError(
            f"model {model_id} computes NaN or infinite values; its weights are damaged",
            AGAIN,
        ) from error


@contextlib.contextmanager
def _device_errors(where: torch.device) -> Iterator[None]:
    """Convert each kind of out-of-memory error into the one on which batching halves a batch.

    Other device errors are final: after an illegal access or a failed launch CUDA fails every call, so that
    retries are of no use.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:  # torch's own are all RuntimeErrors
        message = str(error).lower()
        is_full = isinstance(error, torch.OutOfMemoryError | MemoryError)
        if not is_full and isinstance(error, torch.AcceleratorError) and "out of memory" not in message:
            first_line = str(error).strip().partition("\n")[0]
            raise DeviceLostError(f"{where} has failed: {first_line}") from error
        if not is_full and "memory" not in message and "bad_alloc" not in message:
            raise
        traceback.clear_frames(error.__traceback__)  # or the traceback's frames keep the tensors alive
        if where.type == "cuda":
            torch.cuda.empty_cache()
        raise OutOfMemoryError(f"not enough memory on {where}") from error
