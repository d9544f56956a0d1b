"""What a client asks for, before anything is computed.

In go the parsed fields of a request; out come frozen values. Knows no protocol: HTTP's forms and Wyoming's
events both become an `Ask`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from qasr_cli.formats.readers.script_reading import ScriptFile
from qasr_cli.options import Options


class Purpose(StrEnum):
    """What is wanted of a recording."""

    TRANSCRIBE = "transcribe"
    ALIGN = "align"  # the words of a given text, timed
    DETECT_LANGUAGE = "detect_language"  # of three chunks


@dataclass(frozen=True, slots=True)
class Upload:
    """A received recording.

    Attributes:
        path: Its file in the server's scratch folder; whoever submits it gives it away.
        n_bytes: Its size.
        digest: SHA-256 of its content, in hex digits.
        name: The client's name for it, a label and never a path.
    """

    path: Path
    n_bytes: int
    digest: str
    name: str


@dataclass(frozen=True, slots=True)
class Ask:
    """What is wanted of one recording.

    Attributes:
        options: The whole tree: the server's, changed by the request. `options.align.is_enabled` says whether
            words need times.
        purpose: What is wanted.
        script: The text to align; None for the other purposes.
        is_kept: The result is kept for its client, who fetches it later, and the work goes on without it.
        is_urgent: A short recording goes before the chunks of long ones.
    """

    options: Options
    purpose: Purpose = Purpose.TRANSCRIBE
    script: ScriptFile | None = None
    is_kept: bool = False
    is_urgent: bool = True
