"""Every flag of `qasr transcribe` once: its names, its help and its place in the help.

Defaults are not written here; they are read from `qasr_cli.options`. Every long flag is also a QASR_*
variable (`--max-lines`: QASR_MAX_LINES) and a key of qasr.toml, both derived from its name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qasr_cli.cli.flag import UNSET, flag
from qasr_cli.options import Options
from qasr_cli.timebase import MS_PER_S

DEFAULTS = Options()

Inputs = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="INPUT...",
        help="Media files, folders and patterns; [bold]-[/] reads one from stdin.",
        readable=False,  # one that cannot be read fails by itself, and the others go on
        **UNSET,
    ),
]

_WHAT = "What comes out"
Srt = Annotated[bool, flag(_WHAT, "SubRip subtitles (the default).", "--srt")]
Vtt = Annotated[bool, flag(_WHAT, "WebVTT subtitles with a time stamp before every word.", "--vtt")]
Json = Annotated[bool, flag(_WHAT, "Everything: words with times, segments, cues.", "--json")]
Txt = Annotated[bool, flag(_WHAT, "The text alone.", "--txt")]
Tsv = Annotated[bool, flag(_WHAT, "start, end (in ms), text; a row a cue.", "--tsv")]
OutputFormat = Annotated[
    str,
    flag(
        _WHAT,
        "The same as one word: srt,vtt,json,txt,tsv or all.",
        *("--output-format", "-f"),
        metavar="LIST",
        **UNSET,
    ),
]
JsonLines = Annotated[bool, flag(_WHAT, "One JSON transcript a line on stdout.", "--json-lines")]
HighlightWords = Annotated[bool, flag(_WHAT, "Underline each word while it is spoken.", "--highlight-words")]

_WHERE = "Where it goes"
Output = Annotated[
    str,
    flag(
        _WHERE,
        "Folder for the results (a folder's tree is mirrored), or [bold]-[/] for stdout. "
        "Without it: beside the media.",
        *("--output", "-o"),
        metavar="DIR|-",
        **UNSET,
    ),
]
Name = Annotated[
    str,
    flag(
        _WHERE,
        "What results are called, such as '{stem}.{lang}{tag}.{ext}'. {lang} is the language's code "
        "as in ko, {lang3} as in kor.",
        "--name",
        metavar="TEMPLATE",
    ),
]
Tag = Annotated[
    str,
    flag(_WHERE, "A word more in the name, such as sdh or ai.", "--tag", metavar="TEXT", **UNSET),
]
Overwrite = Annotated[
    bool,
    flag(
        _WHERE,
        "Replace results that exist. Without it a file you name is refused, and of a folder only what is not "
        "there yet is made, or comes from other media or options and was not edited.",
        *("--overwrite", "-y"),
    ),
]
Backup = Annotated[
    bool,
    flag(
        _WHERE,
        "Replace results that exist and keep each as NAME.bak; where there is one already, as NAME.bak1 and "
        "so on.",
        "--backup",
    ),
]

_MODEL = "Model and device"
Model = Annotated[
    str,
    flag(
        _MODEL,
        "0.6b, 1.7b, demo (tiny, ships with qasr, to try it), a folder, or a hub id.",
        *("--model", "-m"),
        metavar="NAME",
    ),
]
RescueModel = Annotated[
    str,
    flag(
        _MODEL,
        "A better model, such as 1.7b, that redoes only what is doubtful; loaded when something is.",
        "--rescue-model",
        metavar="NAME",
        **UNSET,
    ),
]
Aligner = Annotated[
    str,
    flag(
        _MODEL,
        "auto (the model's own), none (word times are estimated), a folder, or a hub id.",
        "--aligner",
        metavar="NAME",
    ),
]
Revision = Annotated[
    str,
    flag(
        _MODEL,
        "Commit, tag or branch of the model's hub repository.",
        "--revision",
        metavar="REV",
        **UNSET,
    ),
]
Offline = Annotated[bool, flag(_MODEL, "Never download; a model that is not here is an error.", "--offline")]
Device = Annotated[str, flag(_MODEL, "auto, cpu, cuda, cuda:N or mps.", *("--device", "-d"), metavar="NAME")]
Dtype = Annotated[
    str,
    flag(
        _MODEL, "auto (bf16 on a GPU that has it, else fp32), bf16, fp16 or fp32.", "--dtype", metavar="NAME"
    ),
]
BatchSize = Annotated[
    int | None,
    flag(
        _MODEL,
        "Chunks at once at most. Without it: as many as fit the memory.",
        "--batch-size",
        metavar="N",
        min=1,
        **UNSET,
    ),
]
Engine = Annotated[
    str,
    flag(_MODEL, "qwen3, or module:factory for an implementation of your own.", "--engine", metavar="NAME"),
]

_SPEECH = "Language and audio"
Language = Annotated[
    str,
    flag(
        _SPEECH,
        "en, eng, English, ...; auto finds it out.",
        *("--language", "-l"),
        metavar="CODE",
    ),
]
Languages = Annotated[
    str,
    flag(
        _SPEECH,
        "Let the model choose from these only.",
        "--languages",
        metavar="EN,KO,...",
        **UNSET,
    ),
]
Multilingual = Annotated[
    bool,
    flag(
        _SPEECH,
        "People change languages: hear shorter pieces, and keep each one's own. Without it a few seconds in "
        "another language than the file's are taken for a mistake and heard again.",
        "--multilingual",
    ),
]
Context = Annotated[
    str,
    flag(
        _SPEECH,
        "Names and words to expect, as free text; @FILE reads it from a file.",
        "--context",
        metavar="TEXT",
        **UNSET,
    ),
]
Hotwords = Annotated[
    str,
    flag(
        _SPEECH,
        "The same as a list; @FILE takes one word or phrase a line.",
        "--hotwords",
        metavar="A,B,...",
        **UNSET,
    ),
]
AudioTrack = Annotated[int, flag(_SPEECH, "Which audio track, counted from 0.", "--audio-track", metavar="N")]
ChunkSeconds = Annotated[
    float | None,
    flag(
        _SPEECH,
        "Longest piece the model hears at once; cut at silence, and shorter where a model needs it. "
        f"Default: {DEFAULTS.chunk.max_ms // MS_PER_S}, and {DEFAULTS.chunk.multilingual_ms // MS_PER_S} "
        "with --multilingual.",
        "--chunk-seconds",
        metavar="S",
        **UNSET,
    ),
]
VadOnset = Annotated[
    float, flag(_SPEECH, "Speech begins above this probability ...", "--vad-onset", metavar="P")
]
VadOffset = Annotated[float, flag(_SPEECH, "... and ends below this one.", "--vad-offset", metavar="P")]
MaxHours = Annotated[float, flag(_SPEECH, "Refuse media that decodes to more.", "--max-hours", metavar="H")]

_CUES = "How subtitles look"
Profile = Annotated[
    str,
    flag(
        _CUES,
        "Whose rules: netflix-sdh, netflix (slower, as for translations), bbc, ted, arte, shorts, children "
        "or verbatim. The numbers below change single ones.",
        "--profile",
        metavar="NAME",
    ),
]
MaxLineWidth = Annotated[
    int | None,
    flag(
        _CUES,
        "Characters in a line. Without it: 42; 16 full-width ones in Chinese, Japanese and Korean.",
        "--max-line-width",
        metavar="N",
        **UNSET,
    ),
]
MaxLines = Annotated[
    int | None, flag(_CUES, "Lines in a cue. Without it: 2.", "--max-lines", metavar="N", **UNSET)
]
MaxWords = Annotated[int | None, flag(_CUES, "Words in a cue.", "--max-words", metavar="N", **UNSET)]
MaxCps = Annotated[
    float | None,
    flag(
        _CUES,
        "Reading speed, characters a second. Without it: the language's own, 20 in English.",
        "--max-cps",
        metavar="N",
        **UNSET,
    ),
]
MinDuration = Annotated[
    float | None,
    flag(
        _CUES,
        "Shortest cue in seconds, where there is room. Without it: 5/6.",
        "--min-duration",
        metavar="S",
        **UNSET,
    ),
]
MaxDuration = Annotated[
    float | None, flag(_CUES, "Longest cue. Without it: 7.", "--max-duration", metavar="S", **UNSET)
]
MinGap = Annotated[
    float | None,
    flag(_CUES, "Between two cues. Without it: two frames.", "--min-gap", metavar="S", **UNSET),
]
Fps = Annotated[
    str,
    flag(
        _CUES,
        "Frames a second that cues are true to: auto (the video's), none, 25, 23.976, 24000/1001.",
        "--fps",
        metavar="RATE",
    ),
]

Shots = Annotated[
    bool,
    flag(
        _CUES,
        "Find where the picture changes, so that cues come and go with it. Decodes the picture, which takes "
        "many times as long as its sound.",
        "--shots",
    ),
]

_RUN = "How it runs"
Strict = Annotated[
    bool, flag(_RUN, "Exit 4 when a result is doubtful or its cues break a hard rule.", "--strict")
]
Workers = Annotated[int, flag(_RUN, "Media files decoded at once.", "--workers", metavar="N", min=1)]
Progress = Annotated[
    str, flag(_RUN, "auto, bar, plain (a line a file), json or none.", "--progress", metavar="STYLE")
]
Quiet = Annotated[bool, flag(_RUN, "Errors only.", *("--quiet", "-q"))]
Verbose = Annotated[
    int, flag(_RUN, "Say more; -vv for tracebacks.", *("--verbose", "-v"), count=True, **UNSET)
]
