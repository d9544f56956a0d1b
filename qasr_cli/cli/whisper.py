"""Command lines of whisper and similar programs.

In go the arguments of `qasr transcribe` in whisper's spelling; out come the arguments in qasr's spelling, and
notes on flags without effect. An unsupported task is an error and never ignored.
"""

from __future__ import annotations

from collections.abc import Sequence

from qasr_cli.errors import UsageError

# Flags of whisper and whisperX that qasr has under another name.
_RENAMED = {
    "--initial-prompt": "--context",
    "--max-line-count": "--max-lines",
    "--output-dir": "--output",
    "--chunk-size": "--chunk-seconds",
    "--no-align": "--aligner=none",
}
# Flags whose value decides their flag in qasr; two of them are switches in qasr.
_BY_VALUE: dict[str, dict[str, list[str]]] = {
    "--highlight-words": {"true": ["--highlight-words"], "false": ["--no-highlight-words"]},
    "--verbose": {"true": [], "false": []},
    "--fp16": {"true": [], "false": ["--dtype=fp32"]},
    "--compute-type": {
        "float32": ["--dtype=fp32"],
        "float16": ["--dtype=fp16"],
        "bfloat16": ["--dtype=bf16"],
    },
}
# Flags with a value that is qasr's behaviour in any case.
_ALWAYS_SO = {"--word-timestamps", "--print-progress", "--pretty-json", "--task"}
# Flags with a value, and switches, that have no counterpart: accepted with a note.
_NO_EFFECT = {
    *("--temperature", "--best-of", "--beam-size", "--patience", "--length-penalty", "--suppress-tokens"),
    *("--condition-on-previous-text", "--carry-initial-prompt", "--temperature-increment-on-fallback"),
    *("--compression-ratio-threshold", "--logprob-threshold", "--no-speech-threshold", "--threads"),
    *("--vad-method", "--vad-filter", "--hallucination-silence-threshold", "--device-index", "--batched"),
    *("--prepend-punctuations", "--append-punctuations", "--interpolate-method", "--segment-resolution"),
    "--compute-type",
}
_NO_EFFECT_SWITCHES = {"--suppress-numerals", "--return-char-alignments"}


def translate(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the arguments in qasr's spelling, and the flags that have no effect.

    Raises:
        UsageError: `--task translate`, which the models cannot do.
    """
    translated: list[str] = []
    ignored: list[str] = []
    queue = list(arguments)
    while queue:
        argument = queue.pop(0)
        if argument == "--":
            return [*translated, argument, *queue], ignored
        if not argument.startswith("--"):
            translated.append(argument)
            continue
        name, separator, attached = argument.partition("=")
        flag = name.replace("_", "-")
        value = attached if separator else None
        if value is None and queue and _takes_value(flag, queue[0]):
            value = queue.pop(0)
        translated += _translate_flag(flag, value, ignored)
    return translated, ignored


def _takes_value(flag: str, following: str) -> bool:
    return flag in _ALWAYS_SO | _NO_EFFECT or following.lower() in _BY_VALUE.get(flag, {})


def _translate_flag(flag: str, value: str | None, ignored: list[str]) -> list[str]:
    if flag == "--task" and value == "translate":
        raise UsageError("--task translate: Qwen3-ASR transcribes and does not translate", flag="--task")
    meaning = _BY_VALUE.get(flag, {}).get((value or "").lower())
    if meaning is not None:
        return meaning
    if flag in _NO_EFFECT | _NO_EFFECT_SWITCHES:
        ignored.append(flag)
    if flag in _ALWAYS_SO | _NO_EFFECT | _NO_EFFECT_SWITCHES:
        return []
    flag = _RENAMED.get(flag, flag)
    return [flag] if value is None else [f"{flag}={value}"]
