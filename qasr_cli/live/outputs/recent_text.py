"""The newest lines of a session, as on a screen: the text being spoken, and what is final just before it.

In go events; out come the last lines, wrapped to the width of a cue. They go away when nobody has spoken for
some seconds.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from qasr_cli import languages
from qasr_cli.formats.writers.spoken_text import one_line
from qasr_cli.live.outputs.final_text import text_of
from qasr_cli.options import CueOptions
from qasr_cli.records import longest_language
from qasr_cli.speech.streaming.events import Ended, Final, LiveEvent, Partial, Silence
from qasr_cli.subtitles.rules import limits
from qasr_cli.subtitles.rules.limits import Limits
from qasr_cli.subtitles.rules.width import clusters, half_cells

Text = tuple[str, str | None]  # and the code of its language

SHOWN_MS = 4_000  # after speech: half a second longer than two full lines of 42 letters take to read (20 cps)


class RecentText:
    """The last lines of a session.

    Args:
        options: Style of cues: their width, and how many lines are shown.

    Attributes:
        finals: Texts of the last utterances, as many as there may be lines; without control characters.
        partial: The utterance that is being spoken.

    Raises:
        UsageError: The options contradict each other.
    """

    def __init__(self, options: CueOptions) -> None:
        self._options = options
        self._n_lines = limits.resolve(options, None).max_lines
        self._spoken_until_ms = 0
        self.finals: tuple[Text, ...] = ()
        self.partial: Partial | None = None

    def handle(self, event: LiveEvent) -> bool:
        """Take an event; return whether it has changed a text."""
        before = self.finals, self.partial
        match event:
            case Partial():
                self.partial = event
                self._spoken_until_ms = event.end_ms
            case Final():
                self.partial = None
                text = text_of(event)
                if text:
                    added = (text, longest_language(event.segments))
                    self.finals = (*self.finals, added)[-self._n_lines :]
                self._spoken_until_ms = event.end_ms
            case Silence() if event.now_ms >= self._spoken_until_ms + SHOWN_MS:
                self.finals, self.partial = (), None
            case Ended():
                self.finals, self.partial = (), None
            case _:
                pass
        return (self.finals, self.partial) != before

    def lines(self) -> tuple[str, ...]:
        """Return the last lines, the newest at the end."""
        texts = list(self.finals)
        if self.partial is not None:
            texts.append((one_line(self.partial.stable + self.partial.unstable), self.partial.language))
        lines: list[str] = []
        for text, language in texts:
            lines += wrapped(text, limits.resolve(self._options, language, (text,)))
        return tuple(lines[-self._n_lines :])


def wrapped(text: str, of: Limits) -> Iterator[str]:
    """Yield the lines of a text, each as full as it can be: a line stays as it is when text is added."""
    line = ""
    for piece in _pieces(text):
        whole = line + piece
        if half_cells(whole.strip(), of.counting) <= of.max_half_cells:
            line = whole
            continue
        if line.strip():
            yield line.strip()
        line = ""
        for cluster in clusters(piece.strip()):  # usually fits; a piece may be wider than a line
            if half_cells(line + cluster, of.counting) > of.max_half_cells:
                yield line
                line = ""
            line += cluster
    if line.strip():
        yield line.strip()


def _pieces(text: str) -> Iterator[str]:
    """Yield the parts between which a line may break: words with the space before, or single characters."""
    piece = ""
    for cluster in clusters(" ".join(text.split())):
        if piece and _may_break(piece[-1], cluster[0]):
            yield piece
            piece = ""
        piece += cluster
    if piece:
        yield piece


def _may_break(before: str, after: str) -> bool:
    if after == " " or before == " ":
        return after == " "
    # No line of Chinese or Japanese begins with a mark.
    return not languages.joint(before, after) and unicodedata.category(after)[0] not in "PM"
