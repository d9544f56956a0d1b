"""qasr: media in, subtitles with word-level timings out.

    import qasr_cli as qasr

    transcript = qasr.transcribe("talk.mp4")
    print(qasr.render(transcript, "srt"))

Importing this package costs nothing: a name is loaded when it is first used. `qasr_cli.tasks.api` describes
the functions, docs/how-to/python.md how to use them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from qasr_cli.version import __version__

if TYPE_CHECKING:
    from qasr_cli.errors import (
        CannotCreateError,
        ConfigError,
        DeviceLostError,
        InputOutputError,
        LockedError,
        NoInputError,
        OutOfMemoryError,
        QasrError,
        QualityError,
        UnavailableError,
        UndecodableError,
        UnreachableError,
        UntimedError,
        UsageError,
    )
    from qasr_cli.options import CueOptions, Options
    from qasr_cli.pipeline.script import AlignedScript
    from qasr_cli.records import Cue, Outcome, Segment, Speaker, Status, Transcript, Word
    from qasr_cli.subtitles.qc.findings import Finding
    from qasr_cli.tasks.api import (
        align,
        check,
        lay_out,
        read_transcript,
        render,
        transcribe,
        transcribe_files,
    )
    from qasr_cli.tasks.caption_check import CheckedFile
    from qasr_cli.tasks.transcriber import Transcriber, TranscriptResult

__all__ = [
    "AlignedScript",
    "CannotCreateError",
    "CheckedFile",
    "ConfigError",
    "Cue",
    "CueOptions",
    "DeviceLostError",
    "Finding",
    "InputOutputError",
    "LockedError",
    "NoInputError",
    "Options",
    "OutOfMemoryError",
    "Outcome",
    "QasrError",
    "QualityError",
    "Segment",
    "Speaker",
    "Status",
    "Transcriber",
    "Transcript",
    "TranscriptResult",
    "UnavailableError",
    "UndecodableError",
    "UnreachableError",
    "UntimedError",
    "UsageError",
    "Word",
    "__version__",
    "align",
    "check",
    "lay_out",
    "read_transcript",
    "render",
    "transcribe",
    "transcribe_files",
]

_MODULES = {  # of the names whose module is neither `tasks.api` nor `errors`
    "AlignedScript": "pipeline.script",
    "CheckedFile": "tasks.caption_check",
    "Cue": "records",
    "CueOptions": "options",
    "Finding": "subtitles.qc.findings",
    "Options": "options",
    "Outcome": "records",
    "Segment": "records",
    "Speaker": "records",
    "Status": "records",
    "TranscriptResult": "tasks.transcriber",
    "Transcriber": "tasks.transcriber",
    "Transcript": "records",
    "Word": "records",
}


def __getattr__(name: str) -> object:
    """Load a public name when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = "errors" if name.endswith("Error") else _MODULES.get(name, "tasks.api")
    value: object = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
