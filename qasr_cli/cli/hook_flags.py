"""The flags that say what is done when a source is over.

In go words of the command line; out comes a group of `qasr_cli.options` that has been looked at, so that what
cannot work is said before any work is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from qasr_cli.cli.flag import UNSET, flag
from qasr_cli.cli.flags import DEFAULTS
from qasr_cli.errors import UsageError
from qasr_cli.options import HookOptions

_AFTER = "What happens after each file"
_MAX_TIMEOUT_S = 86_400.0  # a day; sockets and waits overflow from about 300 years on
ExecAfter = Annotated[
    str | None,
    flag(
        _AFTER,
        "Run a command, without a shell, for each file that is done: 'notify {media} {outputs}'. Also "
        "{language} and {status}. That it fails is a warning.",
        "--exec-after",
        metavar="COMMAND",
        **UNSET,
    ),
]
Webhook = Annotated[
    str | None,
    flag(
        _AFTER,
        "POST JSON there for each file that is done or failed, and at the end of the run.",
        "--webhook",
        metavar="URL",
        **UNSET,
    ),
]
HookTimeout = Annotated[
    float, flag(_AFTER, "Seconds for each of these; then it is ended.", "--hook-timeout", metavar="S")
]


@dataclass(frozen=True, slots=True)
class HookFlags:
    """What is done when a source is over."""

    exec_after: ExecAfter = DEFAULTS.hooks.exec_after
    webhook: Webhook = DEFAULTS.hooks.webhook
    hook_timeout: HookTimeout = DEFAULTS.hooks.timeout_s

    def options(self) -> HookOptions:
        """Return the hooks.

        Raises:
            UsageError: They cannot be what they say.
        """
        options = HookOptions(self.exec_after, self.webhook, self.hook_timeout)
        if options.timeout_s > _MAX_TIMEOUT_S:
            raise UsageError(f"--hook-timeout must be at most {_MAX_TIMEOUT_S:.0f} (a day)")
        if self.exec_after is not None:
            from qasr_cli.hooks import command  # what --help does without

            command.parse(self.exec_after)
        if self.webhook is not None:
            from qasr_cli.hooks import address

            address.parse(self.webhook)
        return options
