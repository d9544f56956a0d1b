"""The Python API: `import qasr_cli`, for notebooks and scripts.

In go paths and options; out come transcripts, cues, texts and findings. Errors are raised as `QasrError`; for
several sources each error is part of that source's result. Nothing is printed, and stdout, stderr,
signals and logging handlers are left alone: messages go to the logger `qasr_cli`, which is silent until the
program configures logging.

    import qasr_cli as qasr

    transcript = qasr.transcribe("talk.mp4", model="demo")
    print(qasr.render(transcript, "srt"))

    with qasr.Transcriber(model="demo", language="en") as transcriber:   # loads the model once
        for result in transcriber.transcribe(["a.mp3", "b.mp3"]):
            print(result.path, result.error or result.transcript.text)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Unpack, overload

from qasr_cli.errors import UsageError
from qasr_cli.options import CueOptions, Options, OutputOptions
from qasr_cli.pipeline import finish
from qasr_cli.pipeline.script import AlignedScript
from qasr_cli.records import Cue, Outcome, Transcript
from qasr_cli.subtitles.rules import limits
from qasr_cli.tasks import caption_check, outputs
from qasr_cli.tasks import render as render_task
from qasr_cli.tasks.api_keywords import EngineKeywords, language_code
from qasr_cli.tasks.caption_check import CheckedFile, CheckRules
from qasr_cli.tasks.caption_input import Reading
from qasr_cli.tasks.transcriber import AnyPath, Transcriber, TranscriptResult


@overload
def transcribe(  # type: ignore[overload-overlap]
    source: AnyPath, *, options: Options | None = None, **keywords: Unpack[EngineKeywords]
) -> Transcript: ...
@overload
def transcribe(
    source: Iterable[AnyPath], *, options: Options | None = None, **keywords: Unpack[EngineKeywords]
) -> list[TranscriptResult]: ...
def transcribe(
    source: AnyPath | Iterable[AnyPath],
    *,
    options: Options | None = None,
    **keywords: Unpack[EngineKeywords],
) -> Transcript | list[TranscriptResult]:
    """Transcribe one media file, or several, and free the model again; see `Transcriber`.

    Returns:
        For one path its transcript; for several a list of `TranscriptResult`, in their order.

    Raises:
        QasrError: As `Transcriber.transcribe`.
    """
    with Transcriber(options, **keywords) as transcriber:
        return transcriber.transcribe(source)


def transcribe_files(
    paths: AnyPath | Iterable[AnyPath],
    output: AnyPath | None = None,
    formats: str | Sequence[str] = ("srt",),
    *,
    recursive: bool = False,
    overwrite: bool = False,
    options: Options | None = None,
    **keywords: Unpack[EngineKeywords],
) -> list[Outcome]:
    """Transcribe files and folders to files, as `qasr transcribe` does; see `Transcriber.transcribe_files`.

    Raises:
        QasrError: As `Transcriber.transcribe_files`.
    """
    with Transcriber(options, **keywords) as transcriber:
        return transcriber.transcribe_files(paths, output, formats, recursive=recursive, overwrite=overwrite)


def align(
    media: AnyPath,
    script: AnyPath | None = None,
    *,
    text: str | None = None,
    encoding: str = "",
    options: Options | None = None,
    **keywords: Unpack[EngineKeywords],
) -> AlignedScript:
    """Return the words of a script with the times at which they are spoken; see `Transcriber.align`.

    Raises:
        QasrError: As `Transcriber.align`.
    """
    with Transcriber(options, **keywords) as transcriber:
        return transcriber.align(media, script, text=text, encoding=encoding)


def read_transcript(path: AnyPath) -> Transcript:
    """Return the transcript in a file: JSON of qasr or another program, or subtitles.

    Words without times have interpolated ones.

    Raises:
        NoInputError: There is no such file.
        UndecodableError: It is neither a transcript nor subtitles.
    """
    return render_task.read_source(Path(path), Reading()).transcript


def lay_out(transcript: Transcript, options: CueOptions | None = None) -> tuple[Cue, ...]:
    """Return a transcript's cues, in order of time; `options` are the limits of a cue."""
    return finish.lay_out(transcript, limits.of_transcript(transcript, options or CueOptions()))


def render(
    transcript: Transcript,
    format: str = "srt",
    *,
    options: CueOptions | None = None,
    cues: Sequence[Cue] | None = None,
    highlight_words: bool = False,
    low_confidence: float | None = None,
) -> str:
    """Return a transcript as the text of a file; needs no model.

    Args:
        transcript: From `transcribe`, `align` or `read_transcript`.
        format: `srt`, `vtt`, `json`, `jsonl`, `txt`, `tsv`, `ass`, `html`, `textgrid`, `rttm` or `ctm`.
        options: Limits of a cue.
        cues: Cues to use as they are, such as those of `align`; `options` are ignored then.
        highlight_words: In SRT, WebVTT and ASS each word is marked while it is spoken.
        low_confidence: In JSON, HTML and ASS words with a confidence below it are marked.

    Raises:
        UsageError: The format is unknown.
    """
    output = OutputOptions(formats=(format,), highlight_words=highlight_words, low_confidence=low_confidence)
    layout = outputs.resolve(output)
    if len(layout.options.formats) != 1:
        raise UsageError(f"render makes one format, and {format!r} is several", "call it for each format")
    (text,) = finish.render(transcript, options or CueOptions(), layout.options, cues).values()
    return text


def check(
    path: AnyPath,
    *,
    options: CueOptions | None = None,
    language: str | None = None,
    encoding: str = "",
) -> CheckedFile:
    """Check a subtitle file of any format that is read.

    Args:
        path: The subtitle file.
        options: Style guide and limits.
        language: Code or English name; None takes it from the file's name or its text.
        encoding: Python's name of it; "" detects UTF-8 and UTF-16 and guesses others.

    Returns:
        The file's captions, with `findings` and `figures`.

    Raises:
        NoInputError: There is no such file.
        UndecodableError: It is not a subtitle file.
    """
    rules = CheckRules(options or CueOptions(), language_code(language), encoding)
    return caption_check.check(Path(path), caption_check.read(Path(path), rules), rules)
