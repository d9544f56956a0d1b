"""The names in `--device`: one device, several, or a word for a choice.

In goes the option; out come names of single devices. Knows the form of names and not what is in the machine,
so that a slip is an error before anything heavy is imported.
"""

from __future__ import annotations

from qasr_cli.errors import UsageError

ALL = "all"  # every CUDA device of the machine, or as `auto` without any
_CHOICES = ("auto", ALL)
_SEVERAL = "several are cuda:0,cuda:1 or all"


def split(text: str) -> tuple[str, ...]:
    """Return the names of the devices; of several, `cuda` is `cuda:0`; a single one stays as it is.

    Devices of one kind only: two kinds compute different last digits, and a chunk's text must not depend on
    which device was free. `cpu,cpu` is two engines on the CPU, to try several devices without a GPU.

    Raises:
        UsageError: A name is missing, is there twice, or is of another kind than the first.
    """
    names = [name.strip().lower() for name in text.split(",")]
    if len(names) == 1:
        return (ALL if names == [ALL] else text,)
    names = ["cuda:0" if name == "cuda" else name for name in names]
    choice = next((name for name in names if name in _CHOICES), None)
    twice = next((name for name in names if name != "cpu" and names.count(name) > 1), None)
    kinds = list(dict.fromkeys(name.partition(":")[0] for name in names))
    if "" in names:
        raise _refused(text, "has an empty name", _SEVERAL)
    if choice:
        raise _refused(text, f"has {choice} beside other names", f"use {choice} alone; {_SEVERAL}")
    if twice:
        raise _refused(text, f"has {twice} twice", f"name each device once; {_SEVERAL}")
    if len(kinds) > 1:
        raise _refused(
            text,
            f"mixes {' and '.join(kinds)}",
            f"name devices of one kind: each computes other last digits; {_SEVERAL}",
        )
    return tuple(names)


def _refused(text: str, reason: str, hint: str) -> UsageError:
    return UsageError(f"--device {text!r} {reason}", hint, flag="--device")
