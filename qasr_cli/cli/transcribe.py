"""`qasr transcribe`: flags become options; the work itself is in `jobs`, loaded when there is some."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import typer

from qasr_cli.cli import choices, find_flags, flags, telling
from qasr_cli.cli.flags import DEFAULTS
from qasr_cli.languages import AUTO, find, parse
from qasr_cli.options import (
    AlignOptions,
    ChunkOptions,
    DecodeOptions,
    EngineOptions,
    FindOptions,
    MediaOptions,
    Options,
    PictureOptions,
    RunOptions,
    VadOptions,
)
from qasr_cli.timebase import MS_PER_S, seconds_to_ms

EPILOG = (
    "whisper's and whisperX's spellings work too: --output_dir, --output_format, --initial_prompt, "
    "--max_line_width, --max_line_count, --highlight_words True, --model large. "
    'Every flag is also a variable (QASR_MODEL=demo) and a key of qasr.toml (model = "demo").'
)


def command(
    inputs: flags.Inputs = None,
    srt: flags.Srt = False,
    vtt: flags.Vtt = False,
    json: flags.Json = False,
    txt: flags.Txt = False,
    tsv: flags.Tsv = False,
    output_format: flags.OutputFormat = "",
    highlight_words: flags.HighlightWords = DEFAULTS.output.is_highlighting,
    output: flags.Output = "",
    json_lines: flags.JsonLines = DEFAULTS.output.is_json_lines,
    overwrite: flags.Overwrite = DEFAULTS.output.is_overwrite,
    model: flags.Model = DEFAULTS.engine.model,
    rescue_model: flags.RescueModel = DEFAULTS.guard.rescue_model,
    aligner: flags.Aligner = DEFAULTS.engine.aligner,
    revision: flags.Revision = "",
    offline: flags.Offline = DEFAULTS.engine.is_offline,
    device: flags.Device = DEFAULTS.engine.device,
    dtype: flags.Dtype = DEFAULTS.engine.dtype,
    batch_size: flags.BatchSize = DEFAULTS.engine.batch_size,
    engine: flags.Engine = DEFAULTS.engine.engine,
    language: flags.Language = AUTO,
    languages: flags.Languages = "",
    multilingual: flags.Multilingual = DEFAULTS.guard.is_multilingual,
    context: flags.Context = DEFAULTS.decode.context,
    hotwords: flags.Hotwords = "",
    audio_track: flags.AudioTrack = DEFAULTS.media.audio_track,
    chunk_seconds: flags.ChunkSeconds = DEFAULTS.chunk.max_ms / MS_PER_S,
    vad_onset: flags.VadOnset = DEFAULTS.vad.onset,
    vad_offset: flags.VadOffset = DEFAULTS.vad.offset,
    max_hours: flags.MaxHours = DEFAULTS.media.max_hours,
    profile: flags.Profile = DEFAULTS.cue.profile,
    max_line_width: flags.MaxLineWidth = DEFAULTS.cue.max_line_cells,
    max_lines: flags.MaxLines = DEFAULTS.cue.max_lines,
    max_words: flags.MaxWords = DEFAULTS.cue.max_words,
    max_cps: flags.MaxCps = DEFAULTS.cue.max_cps,
    min_duration: flags.MinDuration = None,
    max_duration: flags.MaxDuration = None,
    min_gap: flags.MinGap = None,
    fps: flags.Fps = AUTO,
    shots: flags.Shots = DEFAULTS.picture.is_finding_shots,
    recursive: find_flags.Recursive = DEFAULTS.find.is_recursive,
    files_from: find_flags.FilesFrom = "",
    null: find_flags.Null = False,
    include: find_flags.Include = None,
    exclude: find_flags.Exclude = None,
    newer_than: find_flags.NewerThan = "",
    settle: find_flags.Settle = DEFAULTS.find.settle_s,
    order: find_flags.Order = DEFAULTS.find.order,
    shard: find_flags.Shard = "",
    limit: find_flags.Limit = DEFAULTS.find.limit,
    dry_run: find_flags.DryRun = False,
    strict: flags.Strict = DEFAULTS.run.is_strict,
    workers: flags.Workers = DEFAULTS.run.n_prepare_workers,
    progress: flags.Progress = "auto",
    log_file: telling.LogFile = "",
    log_format: telling.LogFormat = "text",
    report: telling.ReportFile = "",
    quiet: flags.Quiet = False,
    verbose: flags.Verbose = 0,
) -> None:
    """Transcribe media files, folders or stdin to subtitles.

    Existing results are never replaced without --overwrite; a bad file never stops the others.
    """
    names = choices.format_names(output_format, srt=srt, vtt=vtt, json=json, txt=txt, tsv=tsv)
    request = find_flags.request(inputs or [], files_from, is_null_separated=null)
    options = Options(
        media=MediaOptions(audio_track, max_hours),
        vad=VadOptions(vad_onset, vad_offset),
        chunk=_chunk_options(seconds_to_ms(chunk_seconds)),
        decode=_decode_options(language, context, hotwords, languages),
        guard=replace(DEFAULTS.guard, rescue_model=rescue_model, is_multilingual=multilingual),
        align=AlignOptions(is_enabled=aligner.lower() != "none"),
        cue=choices.cue_options(
            profile,
            (max_line_width, max_lines, max_words),
            max_cps,
            (min_duration, max_duration, min_gap),
            fps,
        ),
        picture=PictureOptions(shots),
        output=replace(
            choices.output_options(
                choices.STDIO if json_lines else output,
                ("jsonl",) if json_lines else names,
                is_from_stdin=Path(choices.STDIO) in request.inputs,
                overwrite=overwrite,
            ),
            is_json_lines=json_lines,
            is_highlighting=highlight_words,
        ),
        engine=EngineOptions(model, aligner, device, dtype, engine, batch_size, revision or None, offline),
        find=FindOptions(
            is_recursive=recursive,
            include=tuple(include or ()),
            exclude=tuple(exclude or ()),
            newer_than_s=find_flags.newer_than_s(newer_than),
            settle_s=settle,
            order=order,
            shard=find_flags.shard_parts(shard),
            limit=limit,
        ),
        run=RunOptions(strict, workers),
    )
    from qasr_cli.cli import jobs

    verbosity = -1 if quiet else verbose
    if dry_run:
        raise typer.Exit(jobs.preview(request, options, verbosity=verbosity))
    told = telling.Telling(progress, verbosity, log_file, log_format, report)
    raise typer.Exit(jobs.transcribe(request, options, told))


def _decode_options(language: str, context: str, hotwords: str, allowed: str = "") -> DecodeOptions:
    found = parse(language)
    named = [parse(name) for name in allowed.split(",") if name.strip()]
    codes = tuple(dict.fromkeys(one.code for one in named if one))
    if len(codes) == 1 and found is None:
        found = find(codes[0])  # a choice of one is none
    listed = ", ".join(line.strip() for line in _text_of("--hotwords", hotwords).splitlines() if line.strip())
    told = [_text_of("--context", context).strip(), listed]
    return DecodeOptions(found.code if found else None, ", ".join(filter(None, told)), codes)


def _text_of(flag: str, value: str) -> str:
    """Return a flag's text; `@FILE` stands for what the file holds."""
    if not value.startswith("@"):
        return value
    return choices.read_text(Path(value[1:]), f"{flag} {value}", "give it plain text in UTF-8")


def _chunk_options(max_ms: int) -> ChunkOptions:
    """Keep the target's proportion to the limit when the user moves the limit."""
    default = DEFAULTS.chunk
    return ChunkOptions(max_ms, default.target_ms * max_ms // default.max_ms, default.max_gap_ms)
