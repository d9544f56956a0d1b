"""Why an ffmpeg process failed.

In goes a child with its stderr; out comes one reason in ffmpeg's words, or "". Decides nothing.
"""

from __future__ import annotations

import signal
from pathlib import Path

from qasr_cli.media import ffmpeg_arguments, probe
from qasr_cli.media.process import Child

# Signals that ffmpeg causes itself: the same file would do so again. Others come from outside.
_CRASHES = {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSYS}


def kill_reason(child: Child) -> str:
    """Return how a child was killed from outside, or ""; another attempt may succeed."""
    status = child.finish()
    if child.was_stuck:
        return ""
    if probe.was_interrupted(child.stderr_text):
        return "ffmpeg was interrupted"
    return f"ffmpeg was killed ({_name(-status)})" if status < 0 and -status not in _CRASHES else ""


def failure_reason(path: Path, child: Child, *, is_of_picture: bool = False, is_whole: bool = False) -> str:
    """Return the reason, or "" if ffmpeg decoded the audio, or the picture, without an error.

    With `is_whole` all the sound that was promised is there; then an error in the headers is one of a tag.
    """
    status = child.finish()
    if child.was_stuck:
        return "ffmpeg got stuck"
    if killed := kill_reason(child):
        return killed
    if status < 0:
        return f"ffmpeg crashed ({_name(-status)})"
    complaint = probe.first_complaint(child.stderr_text, is_of_picture=is_of_picture, is_whole=is_whole)
    reason = ffmpeg_arguments.without_names(complaint, path)
    if not reason and status != 0:
        return f"ffmpeg ended with {status}"
    return reason[:1].lower() + reason[1:]


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # most of the real-time signals have none
        return f"signal {number}"
