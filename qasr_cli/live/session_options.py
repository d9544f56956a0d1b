"""What one live session's events depend on; the same for all of its utterances."""

from __future__ import annotations

from dataclasses import dataclass

from qasr_cli.options import DecodeOptions, StreamOptions, VadOptions
from qasr_cli.speech.streaming.finals import FinalOptions


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """What a session's events depend on.

    Attributes:
        source: Name of the input for people, without credentials.
        is_real_time: Audio comes as it is spoken; otherwise the input waits when the engine is behind.
    """

    stream: StreamOptions
    vad: VadOptions
    final: FinalOptions
    source: str = ""
    is_real_time: bool = True

    @property
    def decode(self) -> DecodeOptions:
        """How its utterances are decoded."""
        return self.final.decode
