"""Flags that belong together, declared once for every command that has them, and turned into options.

In go values that Typer has read; out come groups of `qasr_cli.options`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Self

import typer

from qasr_cli.cli import flags
from qasr_cli.cli.choices import STDIO, read_text
from qasr_cli.cli.flag import weight
from qasr_cli.cli.flags import DEFAULTS
from qasr_cli.errors import UsageError
from qasr_cli.languages import AUTO, find, parse
from qasr_cli.options import (
    AlignOptions,
    ChunkOptions,
    CueOptions,
    DecodeOptions,
    EngineOptions,
    GuardOptions,
    MediaOptions,
    Options,
    OutputOptions,
    PictureOptions,
    VadOptions,
)
from qasr_cli.timebase import broadcast_rate, seconds_to_ms

_NO_FPS = "none"


@dataclass(frozen=True, slots=True)
class FormatFlags:
    """Which formats come out."""

    srt: flags.Srt = False
    vtt: flags.Vtt = False
    json: flags.Json = False
    txt: flags.Txt = False
    tsv: flags.Tsv = False
    output_format: flags.OutputFormat = ""

    def chosen(self, context: typer.Context) -> Self:
        """Return what the strongest place chose: a flag's formats replace those of a file."""
        given = {one.name: weight(context, one.name) for one in fields(self) if getattr(self, one.name)}
        strongest = max(given.values(), default=0)
        return type(self)(**{name: getattr(self, name) for name in given if given[name] == strongest})

    @property
    def names(self) -> tuple[str, ...]:
        """The formats that switches and `--output-format` name together, each once; SRT when none."""
        names = [name for name in ("srt", "vtt", "json", "txt", "tsv") if getattr(self, name)]
        names += [name.strip().lower() for name in self.output_format.split(",") if name.strip()]
        return tuple(dict.fromkeys(names)) or DEFAULTS.output.formats


@dataclass(frozen=True, slots=True)
class PlaceFlags:
    """Where results go."""

    output: flags.Output = ""
    name: flags.Name = DEFAULTS.output.name
    tag: flags.Tag = DEFAULTS.output.tag
    overwrite: flags.Overwrite = DEFAULTS.output.overwrite
    backup: flags.Backup = DEFAULTS.output.backup

    def options(self, formats: tuple[str, ...], *, is_from_stdin: bool = False) -> OutputOptions:
        """Return where results go: what came through stdin goes out through stdout unless told otherwise."""
        is_stdout = self.output == STDIO or (not self.output and is_from_stdin)
        return OutputOptions(
            formats=formats,
            folder=Path(self.output) if self.output and not is_stdout else None,
            is_stdout=is_stdout,
            overwrite=self.overwrite or self.backup,
            backup=self.backup,
            name=self.name,
            tag=self.tag,
        )


@dataclass(frozen=True, slots=True)
class EngineFlags:
    """Which model runs on what."""

    model: flags.Model = DEFAULTS.engine.model
    aligner: flags.Aligner = DEFAULTS.engine.aligner
    revision: flags.Revision = ""
    offline: flags.Offline = DEFAULTS.engine.offline
    device: flags.Device = DEFAULTS.engine.device
    dtype: flags.Dtype = DEFAULTS.engine.dtype
    batch_size: flags.BatchSize = DEFAULTS.engine.batch_size
    engine: flags.Engine = DEFAULTS.engine.engine

    def options(self) -> EngineOptions:
        """Return the engine's options."""
        return EngineOptions(
            model=self.model,
            aligner=self.aligner,
            device=self.device,
            dtype=self.dtype,
            engine=self.engine,
            batch_size=self.batch_size,
            revision=self.revision or None,
            offline=self.offline,
        )


@dataclass(frozen=True, slots=True)
class SpeechFlags:
    """What is listened to, and what the model is told."""

    language: flags.Language = AUTO
    languages: flags.Languages = ""
    multilingual: flags.Multilingual = DEFAULTS.guard.multilingual
    context: flags.Context = DEFAULTS.decode.context
    hotwords: flags.Hotwords = ""
    audio_track: flags.AudioTrack = DEFAULTS.media.audio_track
    chunk_seconds: flags.ChunkSeconds = None
    vad_onset: flags.VadOnset = DEFAULTS.vad.onset
    vad_offset: flags.VadOffset = DEFAULTS.vad.offset
    max_hours: flags.MaxHours = DEFAULTS.media.max_hours

    def media(self) -> MediaOptions:
        """Return which audio is decoded, and how much."""
        return MediaOptions(self.audio_track, self.max_hours)

    def vad(self) -> VadOptions:
        """Return when speech begins and ends."""
        return VadOptions(self.vad_onset, self.vad_offset)

    def chunk(self) -> ChunkOptions:
        """Return the chunks' limits; the target keeps its proportion when the user moves the limit."""
        default = DEFAULTS.chunk
        usual_ms = default.multilingual_ms if self.multilingual else default.max_ms
        max_ms = usual_ms if self.chunk_seconds is None else _whole_ms(self.chunk_seconds)
        return replace(default, max_ms=max_ms, target_ms=default.target_ms * max_ms // default.max_ms)

    def guard(self, rescue_model: str) -> GuardOptions:
        """Return what is done about doubtful text."""
        return replace(DEFAULTS.guard, fallback_model=rescue_model, multilingual=self.multilingual)

    def decode(self) -> DecodeOptions:
        """Return what the recognizer is told.

        Raises:
            UsageError: There is no such language.
            QasrError: A file of words cannot be read.
        """
        found = parse(self.language)
        named = [parse(name.strip()) for name in self.languages.split(",") if name.strip()]
        codes = tuple(dict.fromkeys(one.code for one in named if one))
        if len(codes) == 1 and found is None:
            found = find(codes[0])  # a choice of one is none
        lines = _text_of("--hotwords", self.hotwords).splitlines()
        listed = ", ".join(line.strip() for line in lines if line.strip())
        told = [_text_of("--context", self.context).strip(), listed]
        return DecodeOptions(found.code if found else None, ", ".join(filter(None, told)), codes)


def _text_of(name: str, value: str) -> str:
    """Return a flag's text; `@FILE` stands for what the file holds."""
    if not value.startswith("@"):
        return value
    return read_text(Path(value[1:]), f"{name} {value}", "give it plain text in UTF-8")


@dataclass(frozen=True, slots=True)
class LimitFlags:
    """What any cue must keep, whoever made it."""

    profile: flags.Profile = DEFAULTS.cue.profile
    max_line_width: flags.MaxLineWidth = DEFAULTS.cue.max_line_width
    max_lines: flags.MaxLines = DEFAULTS.cue.max_lines
    max_cps: flags.MaxCps = DEFAULTS.cue.max_cps
    min_duration: flags.MinDuration = None
    max_duration: flags.MaxDuration = None
    min_gap: flags.MinGap = None
    fps: flags.Fps = AUTO

    def options(self) -> CueOptions:
        """Return the limits of a cue; the command line speaks in seconds.

        Raises:
            UsageError: There is no such profile, or a limit is impossible.
        """
        limits = CueOptions(
            profile=self.profile,
            max_line_width=self.max_line_width,
            max_lines=self.max_lines,
            max_cps=self.max_cps,
            min_duration_ms=_ms(self.min_duration),
            max_duration_ms=_ms(self.max_duration),
            min_gap_ms=_ms(self.min_gap),
            frame_rate=_frame_rate(self.fps),
            is_frame_true=self.fps.lower() != _NO_FPS,
        )
        from qasr_cli.subtitles.rules.limits import resolve  # loads regex, which --help does without

        resolve(limits, None)  # what contradicts itself in English does so before any work is done
        return limits


@dataclass(frozen=True, slots=True)
class CueFlags(LimitFlags):
    """How cues are made."""

    max_words: flags.MaxWords = DEFAULTS.cue.max_words

    def options(self) -> CueOptions:
        """Return the limits of a cue, as above."""
        return replace(LimitFlags.options(self), max_words=self.max_words)


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else _whole_ms(seconds)


def _whole_ms(seconds: float) -> int:
    if not math.isfinite(seconds):
        raise UsageError(f"{seconds} is no number of seconds", "say 1.5, for example")
    return seconds_to_ms(seconds)


def _frame_rate(text: str) -> Fraction | None:
    if text.lower() in {AUTO, _NO_FPS}:
        return None
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise UsageError(f"--fps {text}: say auto, none or a number such as 25 or 24000/1001") from None
    return broadcast_rate(rate)


def transcript_options(
    engine: EngineFlags, rescue_model: str, speech: SpeechFlags, cue: CueFlags, *, is_finding_shots: bool
) -> Options:
    """Return the whole tree with all that decides a transcript and its cues.

    Raises:
        UsageError: A flag says nothing that can be.
    """
    return Options(
        media=speech.media(),
        vad=speech.vad(),
        chunk=speech.chunk(),
        decode=speech.decode(),
        guard=speech.guard(rescue_model),
        align=AlignOptions(is_enabled=engine.aligner.lower() != "none"),
        picture=PictureOptions(is_finding_shots),
        cue=cue.options(),
        engine=engine.options(),
    )
