"""Our repetition penalty in vLLM's model runner 2, which computes on GPUs; see `penalty_v1`."""

from __future__ import annotations

from typing import Any

import torch
from vllm.v1.worker.gpu.sample.logits_processor import LogitsProcessor

from qasr_cli.engines.qwen3.decoding.logits_processors import RepetitionPenalty
from qasr_cli.engines.vllm.penalty_v1 import NAME


class PenaltyV2(LogitsProcessor):  # type: ignore[misc] # as in `penalty_v1`
    """Applies the penalty to the slots of requests that ask for one."""

    def __init__(self, vllm_config: Any, req_states: Any) -> None:
        super().__init__(vllm_config, req_states)
        self._states = req_states
        self._penalties: dict[int, RepetitionPenalty] = {}  # by slot

    def add_request(self, req_idx: int, sampling_params: Any) -> bool:
        """Begin a request in a slot, which may have had another one before."""
        self._penalties.pop(req_idx, None)
        penalty = (sampling_params.extra_args or {}).get(NAME)
        if penalty is not None:
            self._penalties[req_idx] = RepetitionPenalty(float(penalty))
        return penalty is not None

    def apply(self, logits: torch.Tensor, ctx: Any) -> torch.Tensor:
        """Return `float32[n_rows, n_vocabulary]` with the penalty for the tokens of each row's answer."""
        if not any(int(slot) in self._penalties for slot in ctx.idx_mapping_np):
            return logits
        for row, slot in enumerate(ctx.expanded_idx_mapping.tolist()):
            process = self._penalties.get(slot)
            if process is not None:
                begin, end = int(self._states.prompt_len.np[slot]), int(self._states.total_len.gpu[slot])
                written = self._states.all_token_ids.gpu[slot, begin:end].tolist()
                logits[row] = process([written], logits[row][None])[0]
        return logits
