"""Texts that are never shown: keys.

In go the texts of secret flags; out come values that print as `(hidden)`, and command lines without them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from qasr_cli.options.flag import FlagSpec

HIDDEN = "(hidden)"


class Secret:
    """A text that no message, report or log shows."""

    __slots__ = ("_text",)

    def __init__(self, text: str = "") -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return HIDDEN if self._text else ""


def shown_arguments(arguments: Sequence[str], flags: Iterable[FlagSpec]) -> Iterator[str]:
    """Yield the arguments of a command line, without the values of those of its flags that are secret."""
    secret = {name for flag in flags if flag.is_secret for name in flag.long_names}
    is_value = False
    for argument in arguments:
        name, separator, _ = argument.partition("=")
        is_secret = name.replace("_", "-") in secret
        if is_value:
            yield HIDDEN
        elif is_secret and separator:
            yield f"{name}={HIDDEN}"
        else:
            yield argument
        is_value = is_secret and not separator and not is_value
