"""What the official `qwen-asr` package answers, stage by stage; runs in an environment of its own.

``python reference.py FOLDER`` reads `job.json` and `clips.npz` from the folder and writes `answers.npz`. Two
known faults of the package can be mended on request, so that the rest can be compared: off flash-attention
its encoder never applies its own 8 s window, and in a batch a clip's last frames depend on its neighbours.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from qwen_asr import Qwen3ASRModel, Qwen3ForcedAligner
from qwen_asr.core.transformers_backend import modeling_qwen3_asr as official

_N_NEW_TOKENS = 24


@contextlib.contextmanager
def _windows_applied() -> Iterator[None]:
    """Give the encoder's attention the mask that its own code builds and never passes on."""
    plain = official.Qwen3ASRAudioAttention.forward

    def masked(self: Any, hidden_states: torch.Tensor, cu_seqlens: torch.Tensor, **more: Any) -> Any:
        n = len(hidden_states)
        mask = torch.full((1, 1, n, n), torch.finfo(hidden_states.dtype).min)
        for begin, end in itertools.pairwise(cu_seqlens.tolist()):
            mask[..., begin:end, begin:end] = 0
        return plain(self, hidden_states, cu_seqlens, **(more | {"attention_mask": mask}))

    with mock.patch.object(official.Qwen3ASRAudioAttention, "forward", masked):
        yield


def _inputs(processor: Any, texts: list[str], clips: list[np.ndarray], *, are_alone: bool) -> Any:
    """The package's own inputs; with ``are_alone`` each clip's features are computed without neighbours."""
    inputs = processor(text=texts, audio=clips, return_tensors="pt", padding=True)
    if not are_alone or len(clips) == 1:
        return inputs
    alone = [processor(text=[t], audio=[c], return_tensors="pt") for t, c in zip(texts, clips, strict=True)]
    n_frames = max(one["input_features"].shape[-1] for one in alone)
    for name in ("input_features", "feature_attention_mask"):
        rows = [one[name][0] for one in alone]
        inputs[name] = torch.stack(
            [torch.nn.functional.pad(row, (0, n_frames - row.shape[-1])) for row in rows]
        )
    width = max(one["input_ids"].shape[1] for one in alone)
    pad = processor.tokenizer.pad_token_id
    for name, filler in (("input_ids", pad), ("attention_mask", 0)):
        rows = [one[name][0] for one in alone]
        inputs[name] = torch.stack(
            [torch.nn.functional.pad(row, (width - len(row), 0), value=filler) for row in rows]
        )
    return inputs


def _heard(thinker: Any, inputs: Any) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Mel features float[128, n_frames] and encoder outputs float[n_tokens, width] of every clip."""
    mask = inputs["feature_attention_mask"]
    mels = [mel[:, : int(n)] for mel, n in zip(inputs["input_features"], mask.sum(1), strict=True)]
    encoded = thinker.get_audio_features(inputs["input_features"], feature_attention_mask=mask)
    n_tokens = (inputs["input_ids"] == thinker.config.audio_token_id).sum(1).tolist()
    return mels, list(encoded.split(n_tokens))


def _transcribed(model: Any, case: dict[str, Any], clips: list[np.ndarray]) -> dict[str, list[np.ndarray]]:
    tokenizer = model.processor.tokenizer
    prompt = model._build_text_prompt(case["context"], case["language"])
    inputs = _inputs(model.processor, [prompt] * len(clips), clips, are_alone=case["alone"])
    mels, encoded = _heard(model.model.thinker, inputs)
    ids = [row[mask.bool()] for row, mask in zip(inputs["input_ids"], inputs["attention_mask"], strict=True)]
    stop = [tokenizer.convert_tokens_to_ids(name) for name in ("<|im_end|>", "<|endoftext|>")]
    limit = case.get("max_new_tokens", _N_NEW_TOKENS)
    written = model.model.generate(**inputs, max_new_tokens=limit, eos_token_id=stop, pad_token_id=stop[1])
    new = [_until(row[inputs["input_ids"].shape[1] :], stop) for row in written.sequences]
    return {"mel": _arrays(mels), "encoder": _arrays(encoded), "prompt": _arrays(ids), "tokens": _arrays(new)}


def _aligned(aligner: Any, case: dict[str, Any], clips: list[np.ndarray]) -> dict[str, list[np.ndarray]]:
    texts = [aligner.aligner_processor.encode_timestamp(text, "English")[1] for text in case["texts"]]
    inputs = _inputs(aligner.processor, texts, clips, are_alone=case["alone"])
    logits = aligner.model.thinker(**inputs).logits
    is_slot = inputs["input_ids"] == aligner.timestamp_token_id
    slots = [row[at] for row, at in zip(logits, is_slot, strict=True)]
    raw = [(row.argmax(-1) * aligner.timestamp_segment_time).numpy() for row in slots]
    repaired = [np.array(aligner.aligner_processor.fix_timestamp(row)) for row in raw]
    return {"slots": _arrays(slots), "raw_ms": raw, "repaired_ms": repaired}


def _until(ids: torch.Tensor, stop: list[int]) -> torch.Tensor:
    at = torch.isin(ids, torch.tensor(stop)).nonzero()
    return ids[: int(at[0])] if len(at) else ids


def _arrays(tensors: list[torch.Tensor]) -> list[np.ndarray]:
    return [tensor.float().numpy() if tensor.is_floating_point() else tensor.numpy() for tensor in tensors]


@torch.inference_mode()
def main(folder: Path) -> None:
    """Answer the job in ``folder``."""
    job = json.loads((folder / "job.json").read_text("utf-8"))
    clips = np.load(folder / "clips.npz")
    answers: dict[str, np.ndarray] = {}
    for kind, answer in (("asr", _transcribed), ("aligner", _aligned)):
        cases = [case for case in job["cases"] if case["kind"] == kind]
        if not cases:
            continue
        of = Qwen3ASRModel if kind == "asr" else Qwen3ForcedAligner
        model = of.from_pretrained(job[kind], dtype=torch.float32)
        for case in cases:
            with _windows_applied() if case["windows"] else contextlib.nullcontext():
                parts = answer(model, case, [clips[name] for name in case["clips"]])
            for part, rows in parts.items():
                answers |= {f"{case['name']}/{part}/{i}": row for i, row in enumerate(rows)}
        del model
    np.savez(folder / "answers.npz", **answers)  # type: ignore[arg-type]  # numpy has a flag there, too


if __name__ == "__main__":
    main(Path(sys.argv[1]))
