"""Every default of qasr, in frozen groups; a stage takes its group and never the whole tree.

The command line takes its defaults, flags and help from here, and no other module has any. A new option is a
field of its group with its description (`flag.option`), and a line in the code that uses it.
"""

from __future__ import annotations

from qasr_cli.options.engine import EngineOptions
from qasr_cli.options.evaluation import EvalOptions, HypothesisFiles, ReferenceOptions
from qasr_cli.options.flag import FlagSpec
from qasr_cli.options.live import LiveActionOptions, LiveOptions, StreamOptions
from qasr_cli.options.log import LOG_FORMATS, PROGRESS_STYLES, LogOptions
from qasr_cli.options.output import DEFAULT_NAME, OutputOptions
from qasr_cli.options.remote import RemoteOptions
from qasr_cli.options.runs import (
    ORDERS,
    ClusterOptions,
    FindOptions,
    HookOptions,
    InputOptions,
    RunOptions,
    WatchOptions,
)
from qasr_cli.options.secret import Secret
from qasr_cli.options.serve import ServeOptions
from qasr_cli.options.speakers import MAX_SPEAKERS, SpeakerCount, SpeakerOptions
from qasr_cli.options.speech import (
    EACH,
    MIXED,
    AlignOptions,
    ChunkOptions,
    DecodeOptions,
    GuardOptions,
    MediaOptions,
    VadOptions,
)
from qasr_cli.options.subtitles import CueOptions, PictureOptions, SpeakerStyle
from qasr_cli.options.tree import SCHEMA, Options

__all__ = [
    "DEFAULT_NAME",
    "EACH",
    "LOG_FORMATS",
    "MAX_SPEAKERS",
    "MIXED",
    "ORDERS",
    "PROGRESS_STYLES",
    "SCHEMA",
    "AlignOptions",
    "ChunkOptions",
    "ClusterOptions",
    "CueOptions",
    "DecodeOptions",
    "EngineOptions",
    "EvalOptions",
    "FindOptions",
    "FlagSpec",
    "GuardOptions",
    "HookOptions",
    "HypothesisFiles",
    "InputOptions",
    "LiveActionOptions",
    "LiveOptions",
    "LogOptions",
    "MediaOptions",
    "Options",
    "OutputOptions",
    "PictureOptions",
    "ReferenceOptions",
    "RemoteOptions",
    "RunOptions",
    "Secret",
    "ServeOptions",
    "SpeakerCount",
    "SpeakerOptions",
    "SpeakerStyle",
    "StreamOptions",
    "VadOptions",
    "WatchOptions",
]
