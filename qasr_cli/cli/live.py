"""`qasr live`: from flags to options; the work is in `tasks.live`, imported when needed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from qasr_cli.cli import signals, typer_adapter
from qasr_cli.cli.params.grouped import Selection, grouped
from qasr_cli.cli.typer_adapter import Operand
from qasr_cli.errors import ExitCode, UsageError
from qasr_cli.options import (
    AlignOptions,
    CueOptions,
    DecodeOptions,
    EngineOptions,
    GuardOptions,
    LiveActionOptions,
    LiveOptions,
    LogOptions,
    Options,
    RemoteOptions,
    StreamOptions,
    VadOptions,
)

EPILOG = """
The text of an utterance is final at its first pause of --pause seconds, and is what qasr transcribe gives for
the sound of that utterance; a whole file is cut at other places. Until then it may change, but for its begin:
what is stable stays. On a terminal both are shown, the part that may change dimmed; a pipe gets final text
only, or with --json-lines all events.

\b
Examples:
  qasr live                                       captions of the microphone
  qasr live --mic NAME --write talk.srt           subtitles that grow, of a certain one (--list-devices)
  qasr live rtsp://HOST/STREAM --allow-network    a camera
  arecord -f S16_LE -r 16000 | qasr live - --pcm 16000 --json-lines
  qasr live talk.mp4 --realtime                   a file as fast as it is spoken
  qasr live --bench talk.mp4                      latencies and errors of this machine, with a table

Runs until the input ends, Ctrl-C (exit code 130) or SIGTERM (143); the last words become final then. A second
Ctrl-C does not wait for them.
"""

Input = Annotated[
    str | None,
    Operand("INPUT", "A file, an address, or - for stdin. Default: the microphone.", is_path=False),
]
LiveSpeechOptions = Annotated[
    Options,
    Selection(
        only=(
            *(EngineOptions, RemoteOptions, DecodeOptions, GuardOptions, VadOptions, AlignOptions),
            CueOptions,
        )
    ),
]


@grouped
def command(
    where: Input = None,
    *,
    stream: StreamOptions,
    live: LiveOptions,
    options: LiveSpeechOptions,
    action: LiveActionOptions,
    log: LogOptions,
) -> None:
    """Show what is said as text while it is spoken: a microphone, a pipe, a stream.

    Text is on the screen about a second after it is spoken, and final at the next pause.
    """
    if where is not None and not where:  # an unset variable must not open the microphone
        raise UsageError("empty argument", "is a shell variable unset?")
    if action.bench:
        _refuse_outputs(live)
        _bench(where, options, stream, action, log, is_real_time=live.realtime)
        return
    from qasr_cli.tasks import live as task

    if action.list_devices:
        task.list_devices(log)
        return
    run = task.LiveRun(task.LiveRequest(where or "", options, stream, live), log)
    signals.hasten_with(run.hasten)
    try:
        run.run()
    except KeyboardInterrupt:  # the usual way to end, and the same command would not continue
        raise SystemExit(ExitCode.INTERRUPTED) from None


def _refuse_outputs(live: LiveOptions) -> None:
    """A file that is asked for and not written is a mistake; settings for all sessions are none."""
    for name in ("json_lines", "write", "save", "hls", "caption_file", "overlay"):
        if getattr(live, name) != getattr(LiveOptions(), name):
            flag = "--" + name.replace("_", "-")
            raise UsageError(f"--bench has no {flag}", "leave one of them out", flag=flag)


def _bench(
    where: str | None,
    options: Options,
    stream: StreamOptions,
    action: LiveActionOptions,
    log: LogOptions,
    *,
    is_real_time: bool,
) -> None:
    if not where or where == "-" or "://" in where:
        raise UsageError("--bench needs a file", "give a recording of somebody who speaks", flag="--bench")
    from qasr_cli.tasks import live_bench

    request = live_bench.LiveBenchRequest(
        Path(where), options, stream, action.reference, is_real_time=is_real_time, as_json=action.as_json
    )
    live_bench.bench(request, log)


app = typer_adapter.single(command, epilog=EPILOG)
