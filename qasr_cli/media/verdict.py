"""Why an ffmpeg that has ended, or is about to, was not content.

In goes a child with what it said; out comes one reason in its own words, or none. Decides nothing.
"""

from __future__ import annotations

import signal
from pathlib import Path

from qasr_cli.media import banner, command
from qasr_cli.media.process import Child


def what_went_wrong(path: Path, child: Child, *, is_of_picture: bool = False) -> str:
    """Return the reason, or "" if ffmpeg was content with the sound, or with the picture."""
    status = child.finish()
    if child.was_stuck:
        return "ffmpeg got stuck"
    if status < 0:
        return f"ffmpeg crashed ({signal.Signals(-status).name})"
    said = banner.first_complaint(child.said, is_of_picture=is_of_picture)
    reason = said.replace(command.file_url(path), "").strip(": ")
    if not reason and status != 0:
        return f"ffmpeg ended with {status}"
    return reason[:1].lower() + reason[1:]
