"""The arguments of the command line as logs and reports show them.

In go arguments; out they come without the values of secret flags and without secrets in addresses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qasr_cli.hooks.address import without_secrets
from qasr_cli.options import Options
from qasr_cli.options.flag import walk
from qasr_cli.options.remote import HIDDEN


def shown_arguments(arguments: Sequence[str]) -> Iterator[str]:
    """Yield one text for each argument."""
    secret = {name for flag in walk(Options) if flag.is_secret for name in flag.long_names}
    is_value = False
    for argument in arguments:
        name, separator, _ = argument.partition("=")
        is_secret = not is_value and name.replace("_", "-") in secret
        if is_value:
            yield HIDDEN
        else:
            yield f"{name}={HIDDEN}" if is_secret and separator else without_secrets(argument)
        is_value = is_secret and not separator
