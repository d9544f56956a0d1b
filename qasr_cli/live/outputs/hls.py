"""`--hls`: WebVTT segments and their playlist, as subtitles of a live stream (RFC 8216, 3.5 and 6.2).

In go events; out come `subtitles-N.vtt` of equal length and `subtitles.m3u8`, in which the newest ones stand.
A cue stands with the same times and number in each segment that shows it (hls.js knows by the number that it
has it: times that are mapped differ in their last bits), and a segment without cues is published too.
Each segment maps its own begin to the video's clock, which is the session's, shifted by a constant: the clock
of MPEG-TS has 33 bits and starts anew after 26.5 hours.

A segment is published when no later event can add a cue to it, or when three more segments have passed, as
players begin three segments before the end (6.3.3). A cue that comes later than that stands in the next
segment, with its true times.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from qasr_cli.errors import CannotCreateError, from_os_error
from qasr_cli.formats import FORMATS
from qasr_cli.live.outputs import replaced_file
from qasr_cli.live.outputs.live_cues import FOUND_LATE_MS, LiveCues, SettledCue
from qasr_cli.options import CueOptions, OutputOptions
from qasr_cli.records import Cue
from qasr_cli.speech.streaming.events import Ended, Final, Gap, LiveEvent, SpeechStarted, Started
from qasr_cli.timebase import MS_PER_S, format_clock

_FLAG = "--hls"
PLAYLIST = "subtitles.m3u8"
N_LISTED = 10  # a player that begins three segments before the end may pause for a minute at 6 s each
_N_KEPT = 2 * N_LISTED + 1  # on disk: for its own length and that of the longest playlist with it (6.2.2)
_N_HELD = 3
_TICKS_PER_MS = 90
_CLOCK_SIZE = 2**33


@dataclass(frozen=True, slots=True)
class HlsFolder:
    """Where segments go, and how they are cut.

    Attributes:
        path: The folder.
        segment_ms: Length of a segment.
        mpegts: MPEG-TS time of the session's begin.
    """

    path: Path
    segment_ms: int
    mpegts: int

    def segment(self, number: int) -> Path:
        """Return the file of a segment."""
        return self.path / f"subtitles-{number:06d}.vtt"

    def prepare(self, *, is_overwrite: bool) -> None:
        """Create the folder.

        Raises:
            CannotCreateError: It has a playlist that may not be replaced, or cannot be created.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise from_os_error(error, f"--hls {self.path}", path=self.path, flag=_FLAG) from error
        if self._left() and not is_overwrite:
            hint = "use --overwrite to replace them, or another folder"
            raise CannotCreateError(
                f"--hls {self.path}: has segments already", hint, path=self.path, flag=_FLAG
            )

    def clear(self) -> None:
        """Remove what a session before has left.

        Raises:
            QasrError: It cannot be removed.
        """
        for path in self._left():
            _remove(path)

    def _left(self) -> list[Path]:
        return sorted(self.path.glob("subtitles-[0-9]*.vtt")) + sorted(self.path.glob(PLAYLIST))


class HlsSubtitles:
    """Publishes the segments of one session.

    Args:
        folder: Prepared.
        options: Style of cues.
    """

    def __init__(self, folder: HlsFolder, options: CueOptions) -> None:
        self._folder = folder
        self._cues = LiveCues(options)
        self._settled: list[tuple[int, SettledCue]] = []  # those that a segment to come shows, numbered
        self._n_settled = 0
        self._starts_ms: dict[int, int] = {}  # of utterances without final
        self._now_ms = 0
        self._began: datetime | None = None
        self._n_published = 0
        self._last_length_ms = folder.segment_ms
        self._has_begun = self._is_over = False

    def handle(self, event: LiveEvent) -> None:
        """Publish the segments that the event completes.

        Raises:
            QasrError: They cannot be written.
        """
        if not self._has_begun:
            self._has_begun = True
            self._folder.clear()
        self._take(self._cues.handle(event))
        match event:
            case Started():
                self._began = datetime.fromisoformat(event.utc).astimezone(UTC)
            case SpeechStarted():
                self._starts_ms[event.utterance] = event.start_ms
            case Final():
                self._starts_ms.pop(event.utterance, None)
            case Ended():
                self._end(event.duration_ms)
                return
            case _:
                pass
        self._now_ms = max(self._now_ms, _time_ms(event))
        while self._is_complete(self._n_published):
            self._publish(self._folder.segment_ms)

    def close(self) -> None:
        """End the playlist, where a session ends without its last event."""
        if self._has_begun and not self._is_over:
            self._take(self._cues.end())
            self._end(self._now_ms)

    def _take(self, cues: Sequence[SettledCue]) -> None:
        for settled in cues:
            self._n_settled += 1
            self._settled.append((self._n_settled, settled))

    def _is_complete(self, number: int) -> bool:
        end_ms = (number + 1) * self._folder.segment_ms
        if self._now_ms >= end_ms + _N_HELD * self._folder.segment_ms:
            return True
        open_ms = [*self._starts_ms.values()]
        if self._cues.open_start_ms is not None:
            open_ms.append(self._cues.open_start_ms)
        return self._now_ms >= end_ms + FOUND_LATE_MS and min(open_ms, default=end_ms) >= end_ms

    def _end(self, duration_ms: int) -> None:
        """Publish what is left, the last segment as long as the session, and end the playlist."""
        length_ms = self._folder.segment_ms
        rest_ms = duration_ms - self._n_published * length_ms
        while rest_ms > length_ms:
            self._publish(length_ms)
            rest_ms -= length_ms
        if rest_ms > 0 or not self._n_published:
            self._publish(max(rest_ms, 1))
        self._is_over = True
        self._write_playlist()

    def _publish(self, length_ms: int) -> None:
        number = self._n_published
        start_ms = number * self._folder.segment_ms
        end_ms = start_ms + length_ms
        shown = [one for one in self._settled if one[1].cue.start_ms < end_ms]
        replaced_file.replace(self._folder.segment(number), self._text(start_ms, shown), _FLAG)
        self._settled = [one for one in self._settled if one[1].cue.end_ms > end_ms]
        self._n_published += 1
        self._last_length_ms = length_ms
        self._write_playlist()
        if number >= _N_KEPT:
            _remove(self._folder.segment(number - _N_KEPT))

    def _text(self, start_ms: int, shown: Sequence[tuple[int, SettledCue]]) -> str:
        mpegts = (self._folder.mpegts + start_ms * _TICKS_PER_MS) % _CLOCK_SIZE
        form = FORMATS["vtt"]
        text = f"{form.header}X-TIMESTAMP-MAP=MPEGTS:{mpegts},LOCAL:{format_clock(start_ms)}\n"
        for number, settled in shown:
            cue = _without_word_times(settled.cue)
            text += f"\n{number}" + form.append(settled.transcript, (cue,), OutputOptions(), 0)
        return text

    def _write_playlist(self) -> None:
        length_ms = self._folder.segment_ms
        first = max(0, self._n_published - N_LISTED)
        lines = [
            "#EXTM3U",
            "#EXT-X-VERSION:3",
            f"#EXT-X-TARGETDURATION:{math.ceil(length_ms / MS_PER_S)}",
            f"#EXT-X-MEDIA-SEQUENCE:{first}",
        ]
        for number in range(first, self._n_published):
            is_last = number == self._n_published - 1
            if self._began is not None:
                began = self._began + timedelta(milliseconds=number * length_ms)
                shown = began.isoformat(timespec="milliseconds").replace("+00:00", "Z")
                lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{shown}")
            seconds = (self._last_length_ms if is_last else length_ms) / MS_PER_S
            lines += [f"#EXTINF:{seconds:.3f},", self._folder.segment(number).name]
        lines += ["#EXT-X-ENDLIST"] * self._is_over
        replaced_file.replace(self._folder.path / PLAYLIST, "\n".join(lines) + "\n", _FLAG)


def _remove(path: Path) -> None:
    """Remove a segment or playlist.

    Raises:
        QasrError: It cannot be removed.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise from_os_error(error, f"removing {path}", path=path) from error


def _time_ms(event: LiveEvent) -> int:
    """Return the time until which the session's audio is known to be there; 0 if the event has none.

    A gap's end comes at once, before the final of what was said before it.
    """
    if isinstance(event, Gap):
        return event.start_ms
    for name in ("now_ms", "end_ms", "start_ms"):
        time_ms = getattr(event, name, None)
        if time_ms is not None:
            return int(time_ms)
    return 0


def _without_word_times(cue: Cue) -> Cue:
    """Return a cue of no words: players shift a cue to the video's clock, and not the times inside."""
    return replace(cue, word_range=(0, 0))
