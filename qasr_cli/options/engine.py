"""Options of the model and its device."""

from __future__ import annotations

from dataclasses import dataclass, field

from qasr_cli.options.flag import MODEL, option, require
from qasr_cli.options.harmless import is_aligner_name, is_model_name
from qasr_cli.options.remote import RemoteOptions


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """The model and its device."""

    model: str = option(
        "0.6b",
        MODEL,
        "0.6b, 1.7b, demo (a toy model that ships with qasr), a folder, or a hub id.",
        "--model",
        "-m",
        metavar="NAME",
        harmless=is_model_name,
        is_path=True,
    )
    aligner: str = option(
        "auto",
        MODEL,
        "Forced aligner: auto (the model's own), none (word times are interpolated), a folder, or a hub id.",
        "--aligner",
        metavar="NAME",
        harmless=is_aligner_name,
        is_path=True,
    )
    device: str = option(
        "auto",
        MODEL,
        "auto, cpu, cuda, cuda:N, mps, all (every GPU), or several GPUs: cuda:0,cuda:1.",
        "--device",
        "-d",
        metavar="NAME",
        harmless=True,
    )
    dtype: str = option(
        "auto",
        MODEL,
        "Number format: auto, bf16, fp16, fp32, or int8 (the language model's weights in 8 bits, on a CPU). "
        "auto is bf16 on a GPU that has it. On a CPU it is bf16 or fp32, whichever a self-test finds faster, "
        "and int8 for a model whose answers to a calibration set stay the same.",
        "--dtype",
        metavar="NAME",
        harmless=True,
    )
    engine: str = option(
        "qwen3",
        MODEL,
        "Implementation: qwen3, qwen3-generate (transformers' own loop: slower, the same text up to "
        "rounding), qwen3-loop (qasr's own loop on a GPU as well, where it has not been measured), "
        "vllm (vLLM in this process, for a GPU and long runs; needs the extra vllm), or module:factory for "
        "your own.",
        "--engine",
        metavar="NAME",
    )
    batch_size: int | None = option(
        None,
        MODEL,
        "Maximum chunks per forward pass. Default: as many as fit into memory.",
        "--batch-size",
        metavar="N",
        harmless=True,
    )
    revision: str | None = option(
        None,
        MODEL,
        "Commit, tag or branch of the model's hub repository.",
        "--revision",
        metavar="REV",
        convert=lambda text: text or None,
    )
    offline: bool = option(
        False, MODEL, "Never download. A missing model is an error.", "--offline", harmless=True
    )

    remote: RemoteOptions = field(default_factory=RemoteOptions)

    def __post_init__(self) -> None:
        is_size = self.batch_size is None or self.batch_size >= 1
        require(is_size, "--batch-size must be at least 1", "--batch-size")
