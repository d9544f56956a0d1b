"""Values that a settings file may set although nobody named, wrote or trusted it.

In goes a value as written in the file; out comes whether it is one of those that choose no file, no folder,
no repository of the hub and no code. A value that is not understood is not harmless. Reads nothing.
"""

from __future__ import annotations

import re
from datetime import datetime

# Compared with `engines.model_store` by a test; options are below engines, and --help needs no model.
_MODELS = frozenset({"0.6b", "1.7b", "demo"})
_WHISPER_SIZES = frozenset(
    {"tiny", "base", "small", "medium", "turbo", "large", "large-v1", "large-v2", "large-v3"}
    | {"large-v3-turbo"}
)
MODEL_NAMES = _MODELS | _WHISPER_SIZES
AGE = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)([smhdw])", re.ASCII)


def is_model_name(value: str) -> bool:
    """Whether a value is the name of a known model: no folder, and no repository of a stranger."""
    return value == "" or value.lower() in MODEL_NAMES


def is_aligner_name(value: str) -> bool:
    """Whether a value of `--aligner` is a known one."""
    return value.lower() in {"auto", "none"} or is_model_name(value)


def is_own_text(value: str) -> bool:
    """Whether a text is meant as it is written: `@FILE` would be read from a file."""
    return not value.startswith("@")


def is_time(value: str) -> bool:
    """Whether a value of `--newer-than` is a date or an age, and not a file."""
    if not value or AGE.fullmatch(value):
        return True
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
