"""The repetition penalty in both of vLLM's interfaces; number 2 is of GPUs, so its calls are made by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from vllm import SamplingParams
from vllm.v1.sample.logits_processor import BatchUpdate

from qasr_cli.engines.qwen3.decoding.logits_processors import RepetitionPenalty
from qasr_cli.engines.vllm.penalty_v1 import NAME, PenaltyV1
from qasr_cli.engines.vllm.penalty_v2 import PenaltyV2
from qasr_cli.engines.vllm.writer import _PENALTY

_PENALIZED = SamplingParams(extra_args={NAME: 1.5})
_PLAIN = SamplingParams()


def scores() -> torch.Tensor:
    return torch.tensor([[2.0, -2.0, 1.0, 0.5], [2.0, -2.0, 1.0, 0.5], [4.0, 3.0, 2.0, 1.0]])


def test_requests_name_it_as_the_processors_do() -> None:
    assert _PENALTY == NAME


def test_number_1_changes_the_rows_that_ask_for_it() -> None:
    process: Any = PenaltyV1(None, torch.device("cpu"), False)
    written: list[int] = []
    added = [(0, _PLAIN, [1], [0, 1]), (1, _PENALIZED, [0, 1, 2, 3], written)]
    process.update_state(BatchUpdate(batch_size=2, removed=[], added=added, moved=[]))
    assert torch.equal(process.apply(scores()), scores())  # nothing is written yet; the prompt does not count
    written.extend([1, 0])
    after = process.apply(scores())
    assert torch.equal(after[1:2], RepetitionPenalty(1.5)([[1, 0]], scores()[1:2]))
    assert torch.equal(after[0], scores()[0])


def test_number_2_changes_the_rows_whose_slots_ask_for_it() -> None:
    tokens = torch.zeros(4, 8, dtype=torch.int32)
    tokens[2, :6] = torch.tensor([3, 3, 3, 1, 0, 1])  # three of the prompt, three written
    states = SimpleNamespace(
        all_token_ids=SimpleNamespace(gpu=tokens),
        prompt_len=SimpleNamespace(np=np.array([1, 1, 3, 1])),
        total_len=SimpleNamespace(gpu=torch.tensor([2, 2, 6, 2])),
    )
    process: Any = PenaltyV2(None, states)
    assert not process.add_request(0, _PLAIN)
    assert process.add_request(2, _PENALIZED)
    rows = torch.tensor([0, 2, 3])
    context = SimpleNamespace(idx_mapping_np=rows.numpy(), expanded_idx_mapping=rows)
    after = process.apply(scores(), context)
    assert torch.equal(after[1:2], RepetitionPenalty(1.5)([[1, 0, 1]], scores()[1:2]))
    assert torch.equal(after[[0, 2]], scores()[[0, 2]])
    assert not process.add_request(2, _PLAIN)  # the slot has another request now
    assert torch.equal(process.apply(scores(), context), scores())
