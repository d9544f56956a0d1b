"""The arguments of the command line as logs and reports show them.

In go arguments; out they come without the values of secret flags and without secrets in addresses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qasr_cli.hooks.address import without_secrets
from qasr_cli.options import Options, ServeOptions, secret
from qasr_cli.options.flag import walk


def shown_arguments(arguments: Sequence[str]) -> Iterator[str]:
    """Yield one text for each argument."""
    flags = (*walk(Options), *walk(ServeOptions))
    yield from map(without_secrets, secret.shown_arguments(arguments, flags))
