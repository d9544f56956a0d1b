"""What vLLM is started with: how much it may hold, and on which device.

In go an opened model, its placement and its capacity; out come arguments of `vllm.LLM`. `QASR_VLLM_ARGS`, a
JSON object of such arguments, has the last word.
"""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np
import torch

from qasr_cli.engines import device
from qasr_cli.engines.device import Placement
from qasr_cli.engines.qwen3 import prompts
from qasr_cli.engines.qwen3.loading import OpenModel
from qasr_cli.engines.qwen3.token_budget import token_budget
from qasr_cli.errors import UnavailableError, UsageError
from qasr_cli.speech.inference.protocols import Capacity
from qasr_cli.timebase import SAMPLE_RATE_HZ

VARIABLE = "QASR_VLLM_ARGS"
_PROMPT_TOKENS = 4096  # room for context and hotwords, some 3,000 words
_CPU_SHARE = 0.1  # of the machine's memory for keys and values, as our own engine takes for a batch
# Of a GPU's memory, and of what is free of it. vLLM takes all of its share at once. The aligner's weights and
# the workspace of its batches, for which it takes half of the memory at most, come from the rest.
_GPU_SHARES = {False: (0.9, 0.9), True: (0.5, 0.6)}  # by whether an aligner comes along
_PARALLEL = {"tensor_parallel_size", "pipeline_parallel_size"}
_MS_PER_S = 1000


def capacity(opened: OpenModel, placement: Placement, batch_size: int | None) -> Capacity:
    """Return the capacity of a call. vLLM queues what does not fit, so the number of chunks alone counts."""
    own = device.capacity(opened.config, placement, opened.stored.max_chunk_ms, batch_size)
    return Capacity(own.max_chunk_ms, own.max_chunk_ms * own.max_batch_size, own.max_batch_size)


def context_length(opened: OpenModel, capacity: Capacity) -> int:
    """Return vLLM's context length: audio, context and answer of a chunk, at most the model's own length."""
    longest = capacity.max_chunk_ms * SAMPLE_RATE_HZ // _MS_PER_S
    audio = prompts.n_audio_tokens_of(np.broadcast_to(np.float32(0), longest))
    reach = int(opened.config.text_config.max_position_embeddings)
    return min(reach, audio + token_budget(longest) + _PROMPT_TOKENS)


def arguments(
    opened: OpenModel, placement: Placement, capacity: Capacity, *, has_aligner: bool
) -> dict[str, Any]:
    """Return the arguments of `vllm.LLM`.

    Args:
        opened: The recognizer.
        placement: Its device and number format.
        capacity: Of a call.
        has_aligner: Whether an aligner shares the device.

    Raises:
        UsageError: `QASR_VLLM_ARGS` is not a JSON object.
    """
    own, length = given(), context_length(opened, capacity)
    chosen: dict[str, Any] = {
        "model": str(opened.stored.folder),
        "dtype": str(placement.dtype).removeprefix("torch."),
        "generation_config": "vllm",  # or the checkpoint's own limits would count beside the token budget
        "max_model_len": length,
        "max_num_seqs": capacity.max_batch_size,
        "limit_mm_per_prompt": {"audio": 1},
        "mm_processor_cache_gb": 0,  # audio never comes twice
        "enable_prefix_caching": False,
        "use_tqdm_on_load": False,
    }
    if placement.device.type == "cpu":
        # Compiling takes minutes there; with both, vLLM runs the model for nothing but its answers.
        chosen |= {"enforce_eager": True, "kv_cache_memory_bytes": _cache_bytes(opened, placement, capacity)}
    else:
        chosen["gpu_memory_utilization"] = _gpu_share(placement.device, has_aligner=has_aligner)
        if not own.keys() & _PARALLEL:  # or vLLM takes as many as it needs, from the first on
            chosen["device_ids"] = [placement.device.index or 0]
    return chosen | own


def given() -> dict[str, Any]:
    """Return the user's own arguments.

    Raises:
        UsageError: They are not a JSON object.
    """
    text = os.environ.get(VARIABLE, "")
    try:
        values = json.loads(text or "{}")
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise UsageError(
            f"{VARIABLE} is not a JSON object",
            'name arguments of vllm.LLM, such as {"tensor_parallel_size": 2}',
        )
    return values


def _cache_bytes(opened: OpenModel, placement: Placement, capacity: Capacity) -> int:
    """Return the bytes of keys and values: for all chunks of a call, less if the machine is small."""
    text = opened.config.text_config
    token = 2 * text.num_hidden_layers * text.num_key_value_heads * text.head_dim * placement.dtype.itemsize
    chunk = token * (context_length(opened, capacity) + _CPU_BLOCK_TOKENS)
    machine = device.machine_bytes() or chunk
    return int(min(chunk * capacity.max_batch_size, max(chunk, machine * _CPU_SHARE)))


_CPU_BLOCK_TOKENS = 128  # vLLM's on a CPU: a chunk's last block may hold one token


def _gpu_share(where: torch.device, *, has_aligner: bool) -> float:
    """Return the share of a GPU's memory that vLLM takes.

    Raises:
        UnavailableError: Other programs have taken nearly all of it.
    """
    of_all, of_free = _GPU_SHARES[has_aligner]
    free_bytes, total_bytes = torch.cuda.mem_get_info(where)
    share = min(of_all, of_free * free_bytes / total_bytes)
    if share < 0.01:
        raise UnavailableError(
            f"{where} has no free memory", "close other programs, or choose another device"
        )
    return round(share, 3)
