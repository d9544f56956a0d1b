"""Every flag of `qasr transcribe` once: its names, its variable, its help and its place in the help.

Defaults are not written here; they are read from `qasr_cli.options`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qasr_cli.options import Options

DEFAULTS = Options()

_WHAT = "What comes out"
_WHERE = "Where it goes"
_MODEL = "Model and device"
_SPEECH = "Language and audio"
_CUES = "How subtitles look"
_RUN = "How it runs"

Inputs = Annotated[
    list[Path],
    typer.Argument(
        metavar="INPUT...",
        help="Media files and folders; [bold]-[/] reads one file from stdin.",
        show_default=False,
    ),
]

# What comes out
Srt = Annotated[bool, typer.Option("--srt", help="SubRip subtitles (the default).", rich_help_panel=_WHAT)]
Vtt = Annotated[
    bool,
    typer.Option(
        "--vtt", help="WebVTT subtitles with a time stamp before every word.", rich_help_panel=_WHAT
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="Everything: words with times, segments, cues.", rich_help_panel=_WHAT)
]
Txt = Annotated[bool, typer.Option("--txt", help="The text alone.", rich_help_panel=_WHAT)]
Tsv = Annotated[
    bool, typer.Option("--tsv", help="start, end (ms), text; a row a cue.", rich_help_panel=_WHAT)
]
OutputFormat = Annotated[
    str,
    typer.Option(
        "--output-format",
        "-f",
        envvar="QASR_OUTPUT_FORMAT",
        metavar="LIST",
        help="The same as one word: srt,vtt,json,txt,tsv or all.",
        rich_help_panel=_WHAT,
        show_default=False,
    ),
]
HighlightWords = Annotated[
    bool,
    typer.Option(
        "--highlight-words",
        envvar="QASR_HIGHLIGHT_WORDS",
        help="Underline each word while it is spoken.",
        rich_help_panel=_WHAT,
    ),
]

# Where it goes
Output = Annotated[
    str,
    typer.Option(
        "--output",
        "-o",
        envvar="QASR_OUTPUT",
        metavar="DIR|-",
        help="Folder for the results (a folder's tree is mirrored), or [bold]-[/] for stdout. "
        "Default: beside the media.",
        rich_help_panel=_WHERE,
        show_default=False,
    ),
]
JsonLines = Annotated[
    bool,
    typer.Option("--json-lines", help="One JSON transcript a line on stdout.", rich_help_panel=_WHERE),
]
Overwrite = Annotated[
    bool,
    typer.Option(
        "--overwrite",
        "-y",
        envvar="QASR_OVERWRITE",
        help="Replace results that exist. Without it a file you name is refused and a folder's finished "
        "files are skipped.",
        rich_help_panel=_WHERE,
    ),
]

# Model and device
Model = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        envvar="QASR_MODEL",
        metavar="NAME",
        help="0.6b, 1.7b, demo (tiny, ships with qasr, to try it), a folder, or a hub id.",
        rich_help_panel=_MODEL,
    ),
]
Aligner = Annotated[
    str,
    typer.Option(
        "--aligner",
        envvar="QASR_ALIGNER",
        metavar="NAME",
        help="auto (the model's own), none (word times are estimated), a folder, or a hub id.",
        rich_help_panel=_MODEL,
    ),
]
Device = Annotated[
    str,
    typer.Option(
        "--device",
        "-d",
        envvar="QASR_DEVICE",
        metavar="NAME",
        help="auto, cpu, cuda, cuda:N or mps.",
        rich_help_panel=_MODEL,
    ),
]
Dtype = Annotated[
    str,
    typer.Option(
        "--dtype",
        envvar="QASR_DTYPE",
        metavar="NAME",
        help="auto (bf16 on a GPU that has it, else fp32), bf16, fp16 or fp32.",
        rich_help_panel=_MODEL,
    ),
]
BatchSize = Annotated[
    int | None,
    typer.Option(
        "--batch-size",
        envvar="QASR_BATCH_SIZE",
        min=1,
        metavar="N",
        help="Chunks at once at most. Default: as many as fit the memory.",
        rich_help_panel=_MODEL,
        show_default=False,
    ),
]
Engine = Annotated[
    str,
    typer.Option(
        "--engine",
        envvar="QASR_ENGINE",
        metavar="NAME",
        help="qwen3, or module:factory for an implementation of your own.",
        rich_help_panel=_MODEL,
    ),
]

# Language and audio
Language = Annotated[
    str,
    typer.Option(
        "--language",
        "-l",
        envvar="QASR_LANGUAGE",
        metavar="CODE",
        help="en, eng, English, ...; auto lets the model tell.",
        rich_help_panel=_SPEECH,
    ),
]
Context = Annotated[
    str,
    typer.Option(
        "--context",
        envvar="QASR_CONTEXT",
        metavar="TEXT",
        help="Names and words to expect, as free text.",
        rich_help_panel=_SPEECH,
        show_default=False,
    ),
]
Hotwords = Annotated[
    str,
    typer.Option(
        "--hotwords",
        envvar="QASR_HOTWORDS",
        metavar="A,B,...",
        help="The same as a list.",
        rich_help_panel=_SPEECH,
        show_default=False,
    ),
]
AudioTrack = Annotated[
    int,
    typer.Option(
        "--audio-track",
        envvar="QASR_AUDIO_TRACK",
        metavar="N",
        help="Which audio track, counted from 0.",
        rich_help_panel=_SPEECH,
    ),
]
ChunkSeconds = Annotated[
    float,
    typer.Option(
        "--chunk-seconds",
        envvar="QASR_CHUNK_SECONDS",
        metavar="S",
        help="Longest piece the model hears at once; cut at silence, and shorter where a model needs it.",
        rich_help_panel=_SPEECH,
    ),
]
VadOnset = Annotated[
    float,
    typer.Option(
        "--vad-onset",
        envvar="QASR_VAD_ONSET",
        metavar="P",
        help="Speech begins above this probability.",
        rich_help_panel=_SPEECH,
    ),
]
VadOffset = Annotated[
    float,
    typer.Option(
        "--vad-offset",
        envvar="QASR_VAD_OFFSET",
        metavar="P",
        help="And ends below this.",
        rich_help_panel=_SPEECH,
    ),
]
MaxHours = Annotated[
    float,
    typer.Option(
        "--max-hours",
        envvar="QASR_MAX_HOURS",
        metavar="H",
        help="Refuse media that decodes to more.",
        rich_help_panel=_SPEECH,
    ),
]

# How subtitles look
MaxLineWidth = Annotated[
    int | None,
    typer.Option(
        "--max-line-width",
        envvar="QASR_MAX_LINE_WIDTH",
        metavar="N",
        help="Characters in a line. Default: 42; 16 full-width in Chinese, Japanese and Korean.",
        rich_help_panel=_CUES,
        show_default=False,
    ),
]
MaxLines = Annotated[
    int,
    typer.Option(
        "--max-lines", envvar="QASR_MAX_LINES", metavar="N", help="Lines in a cue.", rich_help_panel=_CUES
    ),
]
MaxCps = Annotated[
    float | None,
    typer.Option(
        "--max-cps",
        envvar="QASR_MAX_CPS",
        metavar="N",
        help="Reading speed, characters a second. Default: the language's, 20 in English.",
        rich_help_panel=_CUES,
        show_default=False,
    ),
]
MinDuration = Annotated[
    float,
    typer.Option(
        "--min-duration",
        envvar="QASR_MIN_DURATION",
        metavar="S",
        help="Shortest cue, in seconds, where there is room.",
        rich_help_panel=_CUES,
    ),
]
MaxDuration = Annotated[
    float,
    typer.Option(
        "--max-duration", envvar="QASR_MAX_DURATION", metavar="S", help="Longest cue.", rich_help_panel=_CUES
    ),
]
MinGap = Annotated[
    float,
    typer.Option(
        "--min-gap", envvar="QASR_MIN_GAP", metavar="S", help="Between two cues.", rich_help_panel=_CUES
    ),
]

# How it runs
Recursive = Annotated[
    bool,
    typer.Option(
        "--recursive", "-r", envvar="QASR_RECURSIVE", help="Look into subfolders too.", rich_help_panel=_RUN
    ),
]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict", envvar="QASR_STRICT", help="Exit 4 when a result is doubtful.", rich_help_panel=_RUN
    ),
]
Workers = Annotated[
    int,
    typer.Option(
        "--workers",
        envvar="QASR_WORKERS",
        min=1,
        metavar="N",
        help="Media files decoded at once.",
        rich_help_panel=_RUN,
    ),
]
Progress = Annotated[
    str,
    typer.Option(
        "--progress",
        envvar="QASR_PROGRESS",
        metavar="STYLE",
        help="auto, bar, plain (a line a file), json or none.",
        rich_help_panel=_RUN,
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Errors only.", rich_help_panel=_RUN)]
Verbose = Annotated[
    int,
    typer.Option(
        "--verbose",
        "-v",
        count=True,
        help="Say more; -vv for tracebacks.",
        rich_help_panel=_RUN,
        show_default=False,
    ),
]
