"""Qwen3-ASR and Qwen3-ForcedAligner through transformers' native classes.

In go chunks of audio; out come hypotheses and posteriors, as `speech.inference.protocols` describes them.
Keeps no tensor across calls. transformers' classes move between versions (5.17 to 5.23 work), so they are
named in `loading` and nowhere else.
"""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from transformers import LogitsProcessor, LogitsProcessorList, RepetitionPenaltyLogitsProcessor
from transformers.utils import logging as transformers_logging

from qasr_cli import languages
from qasr_cli.engines import device
from qasr_cli.engines.device import Placement
from qasr_cli.engines.layouts import Kind
from qasr_cli.engines.model_store import StoredModel
from qasr_cli.engines.qwen3 import loading, logits_processors, prompts
from qasr_cli.engines.qwen3.languages import ALIGNED, RECOGNIZED
from qasr_cli.engines.weights import AGAIN
from qasr_cli.errors import DeviceLostError, OutOfMemoryError, UnavailableError, UsageError
from qasr_cli.options import DecodeOptions, EngineOptions
from qasr_cli.records import Finish, Hypothesis
from qasr_cli.speech.inference.protocols import AlignRequest, Capacity, Engines, Posterior
from qasr_cli.timebase import SAMPLE_RATE_HZ

# A fast speaker needs about 5 tokens a second in English, but 18 in Hindi and Greek, since Qwen's vocabulary
# has few of their words: 5 to 6 tokens each. A chunk with more tokens than that is a loop.
_BUDGET_TOKENS = 24
_BUDGET_TOKENS_PER_S = 20
_MAX_ALIGN_MS = 180_000  # the reference's own limit; beyond it the last words pile up


def load(recognizer: StoredModel, aligner: StoredModel | None, options: EngineOptions) -> Engines:
    """Return a recognizer, and an aligner if there is one, on the device of the options.

    Raises:
        UsageError: The device or dtype is unknown.
        UnavailableError: The device is not in this machine, or the weights do not fit the architecture.
        OutOfMemoryError: The weights do not fit into the device's memory.
    """
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()  # its important messages become errors of qasr
    placement = device.place(options.device, options.dtype)
    with _device_errors(placement.device):
        # The aligner first: the recognizer's capacity is measured beside all weights
        loaded_aligner = Qwen3Aligner(aligner, placement, options.batch_size) if aligner else None
        return Engines(
            Qwen3Recognizer(recognizer, placement, options.batch_size),
            loaded_aligner,
            languages=RECOGNIZED,
            device=f"{placement.device} {str(placement.dtype).removeprefix('torch.')}",
        )


class Qwen3Recognizer:
    """`Recognizer` on a Qwen3-ASR model; greedy decoding."""

    def __init__(self, stored: StoredModel, placement: Placement, batch_size: int | None) -> None:
        loaded = loading.load(Kind.RECOGNIZER, stored, placement)
        self._model, self._extractor, self._tokenizer = loaded.model, loaded.extractor, loaded.tokenizer
        self._prompts = prompts.Prompts(loaded.tokenizer)
        self._placement = placement
        self.model_id = stored.id
        self.capacity: Capacity = device.capacity(
            self._model.config, placement, stored.max_chunk_ms, batch_size
        )

    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        """Return one hypothesis a chunk; see `speech.inference.protocols.Recognizer`."""
        forced = languages.find(options.language) if options.language else None
        features = [prompts.extract(self._extractor, samples) for samples in audio]
        ids = [
            self._prompts.transcription(item.n_tokens, options.context, forced.name if forced else None)
            for item in features
        ]
        budgets = [_token_budget(len(samples)) for samples in audio]
        self._refuse_long_prompts(ids, max(budgets))
        with _device_errors(self._placement.device):
            written = self._generate(features, ids, max(budgets), options)
        name = forced.name if forced else None
        return [
            self._parse(row[:budget], name) for row, budget in zip(written.tolist(), budgets, strict=True)
        ]

    def _refuse_long_prompts(self, ids: Sequence[list[int]], budget: int) -> None:
        """Raise if prompt and answer together exceed the model's context length."""
        reach = self._model.config.text_config.max_position_embeddings
        longest = max(map(len, ids))
        if longest + budget > reach:
            raise UsageError(
                f"--context is too long: with it a chunk takes {longest + budget} tokens and "
                f"{self.model_id} has {reach}",
                "leave some of --context or --hotwords out",
                flag="--context",
            )

    def _generate(
        self,
        features: Sequence[prompts.Features],
        ids: Sequence[list[int]],
        n_tokens: int,
        options: DecodeOptions,
    ) -> torch.Tensor:
        """Return `int64[n_chunks, n_new_tokens]`, padded after the stop token."""
        padded, mask = prompts.pad(ids, self._prompts.stop_ids[-1], is_left=True)
        watch = logits_processors.FiniteWatch()
        with torch.inference_mode():
            out = self._model.generate(
                **_tensors(features, padded, mask, self._placement),
                max_new_tokens=n_tokens,
                do_sample=False,
                eos_token_id=self._prompts.stop_ids,
                pad_token_id=self._prompts.stop_ids[-1],
                logits_processor=LogitsProcessorList(
                    [watch, *self._logits_processors(options, padded.shape[1])]
                ),
            )
        if not watch.is_finite():
            raise _not_numbers(self.model_id, self._placement)
        new: torch.Tensor = out[:, padded.shape[1] :].cpu()
        return new

    def _logits_processors(self, options: DecodeOptions, n_prompt_tokens: int) -> list[LogitsProcessor]:
        """Return the logits processors for the options, usually none; they ignore the prompt's text."""
        processors: list[LogitsProcessor] = []
        if options.languages and not options.language:
            names = [language.name for code in options.languages if (language := languages.find(code))]
            processors.append(
                logits_processors.AllowedTags(self._prompts.language_tags(names), n_prompt_tokens)
            )
        if options.repetition_penalty != 1:
            processors.append(
                RepetitionPenaltyLogitsProcessor(
                    float(options.repetition_penalty), prompt_ignore_length=n_prompt_tokens
                )
            )
        return processors

    def _parse(self, ids: list[int], forced: str | None) -> Hypothesis:
        """Split `language X<asr_text>text`; a forced language stands in the prompt and not in the answer."""
        stop = next((i for i, token in enumerate(ids) if token in self._prompts.stop_ids), None)
        ids = ids[:stop]
        language = forced
        if self._prompts.text_marker in ids:
            at = ids.index(self._prompts.text_marker)
            tag = self._decode(ids[:at]).removeprefix("language").strip()
            tag_language = languages.find(tag)
            language = forced or (tag if tag_language and tag_language.code in RECOGNIZED else None)
            ids = ids[at + 1 :]
        finish = Finish.TRUNCATED if stop is None else Finish.COMPLETE
        return Hypothesis(self._decode(ids).strip(), language, finish, len(ids))

    def _decode(self, ids: list[int]) -> str:
        text: str = self._tokenizer.decode(ids, skip_special_tokens=True)
        return text


class Qwen3Aligner:
    """`Aligner` on a Qwen3-ForcedAligner model; one pass, no decoding here."""

    def __init__(self, stored: StoredModel, placement: Placement, batch_size: int | None) -> None:
        loaded = loading.load(Kind.ALIGNER, stored, placement)
        self._model, self._extractor = loaded.model, loaded.extractor
        self._bin_ms, self._offset_ms = loaded.bin_ms, loaded.offset_ms
        self._prompts = prompts.Prompts(loaded.tokenizer)
        self._pad_id = self._prompts.stop_ids[-1]
        self._placement = placement
        self.model_id = stored.id
        reach_ms = min(_MAX_ALIGN_MS, self._bin_ms * self._model.config.num_labels)
        self.capacity: Capacity = device.capacity(
            self._model.config, placement, min(stored.max_chunk_ms or reach_ms, reach_ms), batch_size
        )

    def supports(self, language: str | None) -> bool:
        """Whether the aligner was trained for the language; 11 of the 30."""
        entry = languages.find(language) if language else None
        return entry is not None and entry.code in ALIGNED

    def align(self, requests: Sequence[AlignRequest]) -> list[Posterior]:
        """Return one posterior a chunk; see `speech.inference.protocols.Aligner`."""
        features = [prompts.extract(self._extractor, request.audio) for request in requests]
        ids = [
            self._prompts.alignment(item.n_tokens, request.tokens)
            for item, request in zip(features, requests, strict=True)
        ]
        with _device_errors(self._placement.device):
            slots = self._slot_logits(features, ids)
        return [self._posterior(logits, request) for logits, request in zip(slots, requests, strict=True)]

    def _slot_logits(
        self, features: Sequence[prompts.Features], ids: Sequence[list[int]]
    ) -> tuple[torch.Tensor, ...]:
        """Return `float32[2 * n_units, n_classes]` for each chunk.

        Only the slots go through the head: logits of all tokens would take most of the memory.
        """
        padded, mask = prompts.pad(ids, self._pad_id, is_left=False)
        is_slot = padded == self._prompts.timestamp
        with torch.inference_mode():
            tensors = _tensors(features, padded, mask, self._placement)
            hidden = self._model.model(**tensors, use_cache=False).last_hidden_state
            logits = self._model.score(hidden[is_slot.to(hidden.device)]).float().cpu()
        if not torch.isfinite(logits).all():
            raise _not_numbers(self.model_id, self._placement)
        return torch.split(logits, is_slot.sum(dim=1).tolist())

    def _posterior(self, logits: torch.Tensor, request: AlignRequest) -> Posterior:
        """Normalise over the bins inside the chunk: later ones are impossible."""
        duration_ms = len(request.audio) * 1000 // SAMPLE_RATE_HZ
        n_bins = min(duration_ms // self._bin_ms + 2, logits.shape[1])
        log_probs = torch.log_softmax(logits[:, :n_bins], dim=-1).numpy()
        return Posterior(log_probs, self._bin_ms, self._offset_ms)


def _not_numbers(model_id: str, placement: Placement) -> UnavailableError:
    if placement.dtype == torch.float16:
        return UnavailableError(f"model {model_id} overflows in fp16", "use --dtype bf16 or --dtype fp32")
    return UnavailableError(
        f"model {model_id} computes NaN or infinite values; its weights are damaged",
        AGAIN,
    )


def _tensors(
    features: Sequence[prompts.Features], ids: torch.Tensor, mask: torch.Tensor, placement: Placement
) -> dict[str, torch.Tensor]:
    """Return the inputs of either model, on the device; only the features are cast."""
    mel, mel_mask = prompts.stack(features)
    return {
        "input_ids": ids.to(placement.device),
        "attention_mask": mask.to(placement.device),
        "input_features": mel.to(placement.device, placement.dtype),
        "input_features_mask": mel_mask.to(placement.device),
    }


def _token_budget(n_samples: int) -> int:
    return _BUDGET_TOKENS + _BUDGET_TOKENS_PER_S * n_samples // SAMPLE_RATE_HZ


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
        if not is_full and "memory" not in message:
            raise
        traceback.clear_frames(error.__traceback__)  # or the traceback's frames keep the tensors alive
        if where.type == "cuda":
            torch.cuda.empty_cache()
        raise OutOfMemoryError(f"not enough memory on {where}") from error
