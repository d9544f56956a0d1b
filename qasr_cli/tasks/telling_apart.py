"""Checks of options that tell speakers apart, before any work.

In go options; nothing comes out. Refuses what contradicts itself, what a command cannot do, and what is not
installed.
"""

from __future__ import annotations

from qasr_cli import engines
from qasr_cli.errors import UsageError
from qasr_cli.options import EACH, Options


def refuse_impossible(options: Options) -> None:
    """Refuse speakers that cannot be told apart.

    Raises:
        UsageError: Both channels and voices are to tell speakers apart.
        UnavailableError: The weights of the speaker encoder are missing.
    """
    if options.speakers.count is None:
        return
    if options.media.channel == EACH:
        raise UsageError(
            "--speakers with --channel each: there is a speaker on each channel already",
            "leave one of them out",
            flag="--speakers",
        )
    engines.refuse_missing_speaker_encoder(options.engine)


def refuse_channels(options: Options, command: str) -> None:
    """Refuse `--channel each` for a command that makes no transcript of several channels.

    Raises:
        UsageError: It is asked for.
    """
    if options.media.channel == EACH:
        raise UsageError(
            f"--channel each does not work with qasr {command}",
            "give the number of one channel, or leave it out for their mix",
            flag="--channel",
        )
