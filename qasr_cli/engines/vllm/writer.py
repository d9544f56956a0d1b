"""vLLM itself: requests in, tokens out.

In go prompts with one placeholder for their audio, the audio and a token budget each; out come the tokens of
the answers. Never keeps a request across calls, whatever ends a call.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qasr_cli.engines.device import Placement
from qasr_cli.engines.qwen3.decoding.answer import Answer
from qasr_cli.engines.qwen3.decoding.logits_processors import NotFiniteError
from qasr_cli.engines.vllm import environment
from qasr_cli.errors import DeviceLostError, UnavailableError, UsageError
from qasr_cli.speech.inference import stopping
from qasr_cli.timebase import SAMPLE_RATE_HZ

logger = logging.getLogger(__name__)

_PENALTY = "qasr_repetition_penalty"  # as in `penalty_v1`, which only vLLM imports
_PROCESSORS = {
    False: "qasr_cli.engines.vllm.penalty_v1:PenaltyV1",
    True: "qasr_cli.engines.vllm.penalty_v2:PenaltyV2",
}
_POLL_S = 0.001  # a step takes ten times as long
# The model's files are all here, so the hub is never asked.
_TOGETHER = {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "HF_HUB_OFFLINE": "1"}
_APART = {
    "VLLM_ENABLE_V1_MULTIPROCESSING": "1",
    "VLLM_WORKER_MULTIPROC_METHOD": "spawn",  # a fork of a process with threads may wait for ever
    "PYTHONWARNINGS": "ignore",
    "HF_HUB_OFFLINE": "1",
}


@dataclass(frozen=True, slots=True)
class Request:
    """One chunk.

    Attributes:
        prompt: Token ids, with one placeholder for all of the audio.
        audio: `float32[n_samples]` of whole frames.
        budget: Maximum tokens of the answer.
    """

    prompt: Sequence[int]
    audio: np.ndarray
    budget: int


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for all requests of a call.

    Attributes:
        stop_ids: Tokens that end an answer.
        languages: Names of which every answer begins with one, or with the tag of no speech; empty: any.
        penalty: Repetition penalty; 1 is none.
    """

    stop_ids: Sequence[int]
    languages: Sequence[str]
    penalty: float


class Writer:
    """A model in vLLM. One thread calls it at a time.

    Args:
        chosen: Arguments of `vllm.LLM`.
        placement: Device and number format.
        is_apart: Compute in a process of its own. So does every model but the first in this process.

    Raises:
        UnavailableError: vLLM is missing or built for other devices, or the model does not fit into memory.
    """

    def __init__(self, chosen: dict[str, Any], placement: Placement, *, is_apart: bool) -> None:
        self._vllm = environment.import_vllm()
        self._placement = placement
        _refuse_other_platform(placement)
        is_apart = is_apart or environment.is_taken()
        if is_apart:
            environment.end_processes_at_stop()
        else:
            environment.take()
        with environment.variables(_APART if is_apart else _TOGETHER):
            self._llm = self._start(chosen)

    def _start(self, chosen: dict[str, Any]) -> Any:
        try:
            config = self._vllm.EngineArgs(**chosen).create_engine_config()
            processor = _PROCESSORS[bool(config.use_v2_model_runner)]
            return self._vllm.LLM(**chosen, logits_processors=[processor])
        except TypeError as error:
            raise UsageError(
                f"QASR_VLLM_ARGS or this vLLM: {_line(error)}", "see the arguments of vllm.LLM"
            ) from error
        except Exception as error:  # vLLM raises all kinds: of pydantic, of torch, of its processes
            logger.debug("vLLM has not started", exc_info=True)
            raise UnavailableError(
                f"vLLM cannot start on {self._placement}: {_line(error)}",
                "close other programs, lower --batch-size, or use --engine qwen3",
                flag="--engine",
            ) from error

    def write(self, requests: Sequence[Request], rules: Rules) -> list[Answer]:
        """Return each answer, its stop token included if it has one.

        Raises:
            NotFiniteError: The scores are not all numbers.
            DeviceLostError: vLLM has failed; it cannot be used again.
        """
        asked = [
            {
                "prompt_token_ids": list(request.prompt),
                "multi_modal_data": {"audio": (request.audio, SAMPLE_RATE_HZ)},
            }
            for request in requests
        ]
        params = [self._params(request.budget, rules) for request in requests]
        ids: list[str] = []
        engine = self._llm.llm_engine
        finished: dict[str, Any] = {}  # by vLLM's number of a request
        try:
            ids = self._llm.enqueue(asked, params, use_tqdm=False)
            while engine.has_unfinished_requests():
                _wait(engine)
                finished |= {out.request_id: out.outputs[0] for out in engine.step() if out.finished}
        except Exception as error:
            logger.debug("vLLM has failed", exc_info=True)
            raise DeviceLostError(f"vLLM on {self._placement} has failed: {_line(error)}") from error
        except BaseException:  # Ctrl-C: in Python the model may be used again
            engine.abort_request(ids, internal=True)
            raise
        return [_answer(finished[name]) for name in sorted(finished, key=int)]

    def _params(self, budget: int, rules: Rules) -> Any:
        """Return what vLLM calls sampling parameters: greedy, as our own engine."""
        from vllm.sampling_params import StructuredOutputsParams

        form = _form(rules.languages)
        return self._vllm.SamplingParams(
            temperature=0.0,
            max_tokens=budget,
            stop_token_ids=list(rules.stop_ids),
            detokenize=False,
            logprobs=0,  # of the chosen token: NaN if a score is NaN
            structured_outputs=StructuredOutputsParams(regex=form) if form else None,
            extra_args={_PENALTY: rules.penalty} if rules.penalty != 1 else None,
        )


def _wait(engine: Any) -> None:
    """Wait for a process of vLLM's to answer, as long as the answer is wanted; in this process do not wait.

    At Ctrl-C a terminal stops that process as well, so that its answer may never come.

    Raises:
        Stopped: It is not wanted any more.
    """
    answers = getattr(engine.engine_core, "outputs_queue", None)
    stopping.check()
    while answers is not None and answers.empty():
        time.sleep(_POLL_S)
        stopping.check()


def _form(names: Sequence[str]) -> str:
    """Return the regular expression of an answer in one of the languages, or without speech; "" for any."""
    return rf"language ({'|'.join(map(re.escape, names))}|None)<asr_text>[\s\S]*" if names else ""


def _answer(output: Any) -> Answer:
    if output.cumulative_logprob is not None and not np.isfinite(output.cumulative_logprob):
        raise NotFiniteError
    tokens = list(output.token_ids)
    # Of the model's own scores: `logprobs_mode` is `raw_logprobs` unless somebody has changed it.
    steps = output.logprobs or ()
    posteriors = [
        min(1.0, float(np.exp(step[token].logprob)))
        for step, token in zip(steps, tokens, strict=False)
        if token in step
    ]
    return Answer(tokens, None, posteriors if len(posteriors) == len(tokens) else [])


def _refuse_other_platform(placement: Placement) -> None:
    from vllm.platforms import current_platform

    built_for = str(current_platform.device_type)
    if built_for != placement.device.type:
        raise UnavailableError(
            f"--engine vllm: vLLM here computes on {built_for or 'nothing'}, not on {placement.device}",
            f"add --device {built_for}, or install vLLM's build for {placement.device.type}"
            if built_for
            else "use --engine qwen3",
            flag="--engine",
        )


def _line(error: Exception) -> str:
    """Return the first line of an error that has one, or its kind."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
