"""The finish lane's work on one source: final text to a transcript, cues and file texts.

In go segments, or a transcript; out come cues, their quality and the text of each format. Pure: needs no
engine, takes milliseconds, and never touches a file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from qasr_cli import formats
from qasr_cli.formats.readers.script_reading import ScriptFile
from qasr_cli.options import CueOptions, Options, OutputOptions, SpeakerStyle
from qasr_cli.pipeline.open_source import OpenSource, Owner
from qasr_cli.pipeline.prepare import Prepared
from qasr_cli.pipeline.script import AlignedScript, cue_blocks
from qasr_cli.records import Cue, LineSpeaker, Quality, Segment, Span, Speaker, Transcript
from qasr_cli.speech.inference.protocols import Engines
from qasr_cli.speech.script.align_script import ScriptAlignment
from qasr_cli.subtitles.layout import cues
from qasr_cli.subtitles.qc import check
from qasr_cli.subtitles.rules import limits
from qasr_cli.subtitles.rules.limits import Limits
from qasr_cli.timebase import format_clock

_DASH = re.compile(r"[-‐‑–—]\s?")


def build_transcript(
    prepared: Prepared,
    segments: Sequence[Segment | None],
    engines: Engines,
    options: Options,
    uncovered: tuple[Span, ...] = (),
) -> Transcript:
    """Return the transcript of a source with all chunks recognised (None for a chunk without words).

    `uncovered` are the spans of speech without words.
    """
    transcript = Transcript(
        source_name=prepared.source.relative.name,
        track=prepared.track,
        duration_ms=prepared.duration_ms,
        segments=tuple(segment for segment in segments if segment is not None),
        fingerprint=options.fingerprint(engines.recognizer.model_id, engines.aligner_id),
        model=engines.recognizer.model_id,
        aligner=engines.aligner_id,
        uncovered=uncovered,
        video=prepared.video,
    )
    return named(transcript, options.speakers.names)


def transcribed(opened: OpenSource[Owner], engines: Engines, options: Options) -> Transcript:
    """Return the transcript of a source that has passed the engine lane."""
    text = opened.text
    return build_transcript(opened.prepared, text.segments, engines, options, text.uncovered)


def aligned(opened: OpenSource[Owner], engines: Engines, options: Options) -> AlignedScript | None:
    """Return a source in the words of its script, with the script's cues; None if it has no script."""
    script, alignment = opened.script, opened.alignment
    if script is None or alignment is None:
        return None
    transcript = build_transcript(opened.prepared, alignment.segments, engines, options)
    warnings = (*opened.prepared.warnings, *opened.text.warnings)
    timed = script_cues(transcript, script, alignment, options.cue)
    return AlignedScript(transcript, timed, warnings, alignment, script)


def script_cues(
    transcript: Transcript, script: ScriptFile, alignment: ScriptAlignment, cue_options: CueOptions
) -> tuple[Cue, ...]:
    """Return the cues of a script, timed; if it has none, cues made from the words."""
    cue_limits = limits.of_transcript(transcript, cue_options)
    if not script.is_cued:
        return lay_out(transcript, cue_limits)
    return cues.keep(transcript.words, cue_blocks(script, alignment), transcript.duration_ms, cue_limits)


def lay_out(transcript: Transcript, cue_limits: Limits) -> tuple[Cue, ...]:
    """Return the transcript's cues within `cue_limits`."""
    return cues.build(
        transcript.words,
        transcript.language,
        transcript.duration_ms,
        cue_limits,
        transcript.speaker_names if transcript.is_dialogue else None,
    )


def named(transcript: Transcript, names: Sequence[str]) -> Transcript:
    """Return a transcript with names for its speakers, in the order of their first words; "" keeps a name."""
    if not any(names):
        return transcript
    before = transcript.speaker_names
    given = dict(zip(before, names, strict=False))
    known = {label: given.get(label) or name for label, name in before.items()}
    return replace(
        transcript, speakers=tuple(Speaker(label, name) for label, name in known.items() if name != label)
    )


def with_names(cues: Sequence[Cue], transcript: Transcript, cue_options: CueOptions) -> tuple[Cue, ...]:
    """Return cues of another file with names where speakers begin, if `--speaker-style name` asks for them.

    Without it such cues keep the text that they have. A name stands behind the dash of a cue with two
    speakers.
    """
    if cue_options.speaker_style is not SpeakerStyle.NAME:
        return tuple(cues)
    marks = limits.of_transcript(transcript, cue_options).speakers
    names = transcript.speaker_names
    before = ""
    named: list[Cue] = []
    for cue in cues:
        if len(cue.speakers) != len(cue.lines):
            named.append(cue)
            continue
        is_dialogue = len({speaker.label for speaker in cue.speakers}) > 1
        lines, speakers = [], []
        for line, speaker in zip(cue.lines, cue.speakers, strict=True):
            label = speaker.label
            dash = match[0] if is_dialogue and (match := _DASH.match(line)) else ""
            name = marks.name(names.get(label, label)) if label not in {"", before} else ""
            before = label or before
            lines.append(dash + name + line.removeprefix(dash))
            speakers.append(LineSpeaker(label, dash, name))
        named.append(replace(cue, lines=tuple(lines), speakers=tuple(speakers)))
    return tuple(named)


def assess(transcript: Transcript, laid_out: Sequence[Cue], cue_limits: Limits) -> Quality:
    """Return how well a transcript's cues keep the limits."""
    captions = check.of_cues(laid_out)
    checked = check.check(captions, cue_limits, transcript.language)
    figures = checked.figures
    broken = [
        f"{finding.rule} at {format_clock(max(0, finding.time_ms or 0))} ({finding.comment})"
        for finding in checked.hard
    ]
    n_readable = round(figures.cps_share * figures.n_cues)
    return Quality(figures.n_cues, n_readable, cue_limits.hard_cps, tuple(broken))


def render(
    transcript: Transcript,
    cue_options: CueOptions,
    output: OutputOptions,
    laid_out: Sequence[Cue] | None = None,
) -> dict[str, str]:
    """Return the text of each format in `output`, by its name; `laid_out` are cues to use as they are."""
    if laid_out is None:
        laid_out = lay_out(transcript, limits.of_transcript(transcript, cue_options))
    return {name: formats.FORMATS[name].render(transcript, laid_out, output) for name in output.formats}
