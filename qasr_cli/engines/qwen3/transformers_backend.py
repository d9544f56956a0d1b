"""The models computed by transformers' own classes: the plain way, which every faster one is compared with.

In go features and prompt ids; out come tokens or scores. Works on every device and with every configuration
that transformers has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from transformers import LogitsProcessorList

from qasr_cli.engines.device import Placement
from qasr_cli.engines.qwen3 import loading, prompts
from qasr_cli.engines.qwen3.backend import Continuation
from qasr_cli.engines.qwen3.decoding.answer import Answer
from qasr_cli.engines.qwen3.decoding.logits_processors import LogitsProcessor, NotFiniteError
from qasr_cli.engines.qwen3.decoding.step_loop import StepLoop
from qasr_cli.engines.qwen3.loading import OpenModel
from qasr_cli.engines.qwen3.prompts import Features
from qasr_cli.engines.qwen3.transformers_layers import TransformersLayers
from qasr_cli.speech.inference import stopping

_N_ROWS = 8  # that continue answers together


class TransformersDecoder:
    """`Decoder` by transformers' `generate`.

    Args:
        opened: A recognizer.
        placement: Device and number format.
        stop_ids: Tokens that end an answer; the last one pads.
    """

    def __init__(self, opened: OpenModel, placement: Placement, stop_ids: Sequence[int]) -> None:
        self._model = loading.read_weights(opened, placement)
        self._placement = placement
        self._stop_ids = list(stop_ids)
        self._audio_id: int = opened.config.audio_token_id
        self._embed = self._model.get_input_embeddings()
        layers = TransformersLayers(self._model.model.language_model, placement)
        self._loop = StepLoop(layers, self._model.lm_head, self._embed, stop_ids, _N_ROWS)

    def encode(self, features: Sequence[Features]) -> list[torch.Tensor]:
        """Return the audio embeddings; see `Decoder`."""
        mel, mask = prompts.stack(features)
        with torch.inference_mode():
            encoded = self._model.model.get_audio_features(
                mel.to(self._placement.device, self._placement.dtype), mask.to(self._placement.device)
            ).pooler_output
        return list(encoded.split([item.n_tokens for item in features]))

    def write(
        self,
        features: Sequence[Features],
        ids: Sequence[Sequence[int]],
        budgets: Sequence[int],
        processors: Sequence[LogitsProcessor],
    ) -> list[Answer]:
        """Return the answers; see `Decoder`."""
        padded, mask = prompts.pad(ids, self._stop_ids[-1], is_left=True)
        watch = _Watch()
        after_prompt = [_AfterPrompt(process, padded.shape[1]) for process in processors]
        with torch.inference_mode():
            out = self._model.generate(
                **_tensors(features, padded, mask, self._placement),
                max_new_tokens=max(budgets),
                do_sample=False,
                eos_token_id=self._stop_ids,
                pad_token_id=self._stop_ids[-1],
                logits_processor=LogitsProcessorList([watch, *after_prompt]),
            )
        if not watch.is_finite():
            raise NotFiniteError
        rows: list[list[int]] = out[:, padded.shape[1] :].tolist()
        posteriors = watch.posteriors(out[:, -1])
        return [
            Answer(row[:budget], None, of_row[:budget])
            for row, of_row, budget in zip(rows, posteriors, budgets, strict=True)
        ]

    def write_continuations(
        self, continuations: Sequence[Continuation], processors: Sequence[LogitsProcessor]
    ) -> list[Answer]:
        """Return the answers; see `Decoder`. `generate` verifies no draft that is given to it."""
        prompts = [one.prompt(self._embedder(one.features, one.new_ids)) for one in continuations]
        with torch.inference_mode():
            return self._loop.run(prompts, processors)

    def _embedder(self, item: Features, ids: Sequence[int]) -> Callable[[], torch.Tensor]:
        def embed() -> torch.Tensor:
            tokens = torch.tensor(ids, device=self._placement.device)
            hidden: torch.Tensor = self._embed(tokens)
            hidden[tokens == self._audio_id] = self.encode([item])[0].to(hidden.dtype)
            return hidden

        return embed


class TransformersClassifier:
    """`Classifier` by transformers' token classification.

    Args:
        opened: An aligner.
        placement: Device and number format.
        pad_id: Any token; it pads.
    """

    def __init__(self, opened: OpenModel, placement: Placement, pad_id: int) -> None:
        self._model = loading.read_weights(opened, placement)
        self._placement = placement
        self._pad_id = pad_id

    def slot_scores(
        self, features: Sequence[Features], ids: Sequence[Sequence[int]], slot_id: int
    ) -> list[torch.Tensor]:
        """Return the scores; see `Classifier`.

        Only the slots go through the head: scores of all tokens would take most of the memory.
        """
        padded, mask = prompts.pad(ids, self._pad_id, is_left=False)
        is_slot = padded == slot_id
        with torch.inference_mode():
            tensors = _tensors(features, padded, mask, self._placement)
            hidden = self._model.model(**tensors, use_cache=False).last_hidden_state
            scores = self._model.score(hidden[is_slot.to(hidden.device)]).float().cpu()
        if not torch.isfinite(scores).all():
            raise NotFiniteError
        return list(torch.split(scores, is_slot.sum(dim=1).tolist()))


class _Watch:
    """Reads the scores of every step and changes none: for NaN, which is no text, and for posteriors.

    It comes before all logits processors. It is also where a computation ends that nobody waits for any more.
    """

    def __init__(self) -> None:
        self._seen: torch.Tensor | None = None
        self._last: torch.Tensor | None = None  # scores whose token is not chosen yet
        self._posteriors: list[torch.Tensor] = []

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        stopping.check()
        now = torch.isfinite(scores).all()
        # Stays on the device: no synchronisation
        self._seen = now if self._seen is None else self._seen & now
        if self._last is not None:
            self._take(input_ids[:, -1])
        self._last = scores
        return scores

    def _take(self, chosen: torch.Tensor) -> None:
        """Keep the posteriors of the tokens that were chosen by the last scores."""
        assert self._last is not None  # noqa: S101 - the caller knows
        self._posteriors.append(self._last.softmax(dim=-1).gather(1, chosen[:, None]))

    def posteriors(self, chosen: torch.Tensor) -> list[list[float]]:
        """Return the posterior of each token of each row; `chosen` are the last ones."""
        if self._last is not None:
            self._take(chosen)
            self._last = None
        rows: list[list[float]] = torch.cat(self._posteriors, dim=1).tolist() if self._posteriors else []
        return rows

    def is_finite(self) -> bool:
        """Whether all scores so far were numbers."""
        return self._seen is None or bool(self._seen)


class _AfterPrompt:
    """A logits processor in transformers' form, which gets the prompt as well."""

    def __init__(self, process: LogitsProcessor, n_prompt_tokens: int) -> None:
        self._process = process
        self._n_prompt_tokens = n_prompt_tokens

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        return self._process(input_ids[:, self._n_prompt_tokens :].tolist(), scores)


def _tensors(
    features: Sequence[Features], ids: torch.Tensor, mask: torch.Tensor, placement: Placement
) -> dict[str, torch.Tensor]:
    """Return the inputs of either model, on the device; only the features are cast."""
    mel, mel_mask = prompts.stack(features)
    return {
        "input_ids": ids.to(placement.device),
        "attention_mask": mask.to(placement.device),
        "input_features": mel.to(placement.device, placement.dtype),
        "input_features_mask": mel_mask.to(placement.device),
    }
