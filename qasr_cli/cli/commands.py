"""The commands of qasr, one row each; the root's help lists them without importing a command."""

from __future__ import annotations

from qasr_cli.cli.typer_adapter import CommandRow

COMMANDS = (
    CommandRow(
        "transcribe", "qasr_cli.cli.transcribe", "Transcribe media files, folders or stdin to subtitles."
    ),
    CommandRow("watch", "qasr_cli.cli.watch", "Watch folders and transcribe new media files."),
    CommandRow(
        "serve",
        "qasr_cli.cli.serve",
        "Serve transcription over HTTP: OpenAI's interface, Bazarr, a web page, Home Assistant.",
    ),
    CommandRow(
        "live",
        "qasr_cli.cli.live",
        "Show what is said as text while it is spoken: a microphone, a pipe, a stream.",
    ),
    CommandRow(
        "align",
        "qasr_cli.cli.align",
        "Find when each word of a script is spoken, in recordings of any length.",
    ),
    CommandRow(
        "render",
        "qasr_cli.cli.render",
        "Convert transcripts and subtitles to other formats or styles. No model is needed.",
    ),
    CommandRow(
        "check",
        "qasr_cli.cli.check",
        "Check subtitles of any origin: reading speed, line lengths, gaps, overlaps, breaks, characters.",
    ),
    CommandRow(
        "eval",
        "qasr_cli.cli.eval",
        "Measure how good models and programs are on your own recordings, or on a corpus.",
    ),
    CommandRow("models", "qasr_cli.cli.models", "List, download and check models."),
    CommandRow(
        "bench",
        "qasr_cli.cli.bench",
        "Measure what this machine gives with a model: each stage, batches, memory, and what limits it.",
    ),
    CommandRow("runs", "qasr_cli.cli.runs", "Show the results of earlier runs."),
    CommandRow("config", "qasr_cli.cli.config", "Show settings and where they come from."),
    CommandRow(
        "doctor",
        "qasr_cli.cli.doctor",
        "Check ffmpeg, libraries, device, memory, folders, models and settings.",
    ),
)
