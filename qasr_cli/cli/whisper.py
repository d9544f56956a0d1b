"""The command lines that people know by heart from whisper and its family.

In go the arguments of `qasr transcribe` as a whisper user would write them; out come the same in qasr's
own spelling, and notes on what has no effect here. Spellings that mean something else in qasr are refused
rather than guessed at.
"""

from __future__ import annotations

from collections.abc import Sequence

from qasr_cli.errors import UsageError

_TRUE, _FALSE = {"true", "1", "yes"}, {"false", "0", "no"}

# Flags of whisper, whisperX and whisper-ctranslate2 that qasr has under another name.
_RENAMED = {
    "--initial-prompt": "--context",
    "--max-line-count": "--max-lines",
    "--output-dir": "--output",
    "--chunk-size": "--chunk-seconds",
    "--no-align": "--aligner=none",
}
# Flags that take True or False there and nothing here.
_SWITCHES = {"--highlight-words"}
# Always on in qasr, or settled by the model: accepted with a note, since the result is what was asked for.
_NO_EFFECT_WITH_VALUE = {
    *("--verbose", "--word-timestamps", "--print-progress", "--pretty-json", "--task", "--temperature"),
    *("--best-of", "--beam-size", "--patience", "--length-penalty", "--suppress-tokens", "--threads"),
    *("--condition-on-previous-text", "--carry-initial-prompt", "--temperature-increment-on-fallback"),
    *("--compression-ratio-threshold", "--logprob-threshold", "--no-speech-threshold", "--vad-filter"),
    *("--vad-method", "--hallucination-silence-threshold", "--prepend-punctuations", "--device-index"),
    *("--append-punctuations", "--interpolate-method", "--segment-resolution", "--batched"),
}
_NO_EFFECT = {"--suppress-numerals", "--return-char-alignments"}
_SILENT = {"--verbose", "--word-timestamps", "--print-progress", "--pretty-json", "--task"}  # mean what we do
_NUMBER_FORMATS = {"float32": "fp32", "float16": "fp16", "bfloat16": "bf16"}


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
        name, separator, value = argument.partition("=")
        flag = name.replace("_", "-")
        if not separator and _takes_value(flag, queue):
            separator, value = "=", queue.pop(0)
        translated += _translate_flag(flag, value if separator else None, ignored)
    return translated, ignored


def _takes_value(flag: str, rest: Sequence[str]) -> bool:
    if not rest:
        return False
    if flag == "--verbose" or flag in _SWITCHES:  # also switches of qasr's own, which take no value
        return rest[0].lower() in _TRUE | _FALSE
    return flag in _NO_EFFECT_WITH_VALUE or flag in {"--fp16", "--compute-type"}


def _translate_flag(flag: str, value: str | None, ignored: list[str]) -> list[str]:
    if flag == "--task" and value == "translate":
        raise UsageError("--task translate: Qwen3-ASR writes down what is said and does not translate")
    if flag in _SWITCHES and value is not None:
        return [flag] if value.lower() in _TRUE else []
    if flag == "--fp16" and value is not None:
        return ["--dtype=fp32"] if value.lower() in _FALSE else []
    if flag == "--compute-type" and value in _NUMBER_FORMATS:
        return [f"--dtype={_NUMBER_FORMATS[value]}"]
    is_ours = flag == "--verbose" and value is None
    if not is_ours and flag in _NO_EFFECT_WITH_VALUE | _NO_EFFECT | {"--compute-type"}:
        if flag not in _SILENT:
            ignored.append(flag)
        return []
    flag = _RENAMED.get(flag, flag)
    return [flag] if value is None else [f"{flag}={value}"]
