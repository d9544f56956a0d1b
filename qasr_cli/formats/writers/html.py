"""A transcript as one HTML page, for reading, searching, printing and listening.

In goes a transcript; out comes a page that needs no network: paragraphs by turn with each speaker's name and
colour, every word with its times (`data-start`, `data-end`, in milliseconds). If the media lies beside the
page under its name, a player appears, and a click on a word plays it. Words of low confidence have a dotted
line below them and say how sure they are.

Every text is escaped, and a content security policy lets nothing run but the page's own script.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

from qasr_cli import languages
from qasr_cli.formats.writers.speaker_colours import PALETTE
from qasr_cli.formats.writers.spoken_text import one_line
from qasr_cli.formats.writers.turns import ShownWord, Stretch, is_marked, paragraphs, shown_names
from qasr_cli.options import OutputOptions
from qasr_cli.records import Cue, Transcript
from qasr_cli.timebase import MS_PER_S

_FOLDER = Path(__file__).parent
_RIGHT_TO_LEFT = frozenset({"ar", "fa"})  # of the languages that are recognised


def render(transcript: Transcript, cues: Sequence[Cue], options: OutputOptions) -> str:
    """Return the text of an HTML page."""
    del cues  # a page shows paragraphs
    style, script = _style(), _script()
    title = escape(one_line(transcript.source_name)) or "Transcript"
    language = transcript.language
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "media-src 'self' file:"
    )
    shown = list(_paragraphs(transcript, options))
    lines = [
        "<!DOCTYPE html>",
        f'<html lang="{escape(language or "")}">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{title}</title>",
        f"<style>{style}</style>",
        "</head>",
        "<body>",
        "<header>",
        f'<h1 dir="auto">{title}</h1>',
        f'<p lang="en">{_about(transcript)}</p>',
        *_legend(transcript, options),
        "</header>",
        # A name such as `javascript:x.mp4` would be an address without the ./ before it.
        f'<video controls preload="metadata" hidden src="./{_address(transcript.source_name)}"></video>',
        f'<main dir="{"rtl" if language in _RIGHT_TO_LEFT else "ltr"}">',
        *(shown or ['<p lang="en">No speech.</p>']),
        "</main>",
        f"<script>{script}</script>",
        "</body>",
        "</html>",
    ]
    return "\n".join(lines) + "\n"


def _address(name: str) -> str:
    return quote(name.encode("utf-8", "surrogateescape"), safe="")


@functools.cache
def _style() -> str:
    rules = (_FOLDER / "transcript.css").read_text(encoding="utf-8")
    for number, colours in enumerate(PALETTE):
        rules += f".s{number} {{ --dark: #{colours.dark}; --bright: #{colours.bright}; }}\n"
    return "\n" + rules


@functools.cache
def _script() -> str:
    return "\n" + (_FOLDER / "transcript.js").read_text(encoding="utf-8")


@functools.cache
def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _about(transcript: Transcript) -> str:
    entry = languages.find(transcript.language) if transcript.language else None
    n_speakers = len(transcript.speaker_names)
    facts = [
        entry.name if entry else "",
        _clock(transcript.duration_ms),
        f"{n_speakers} speaker{'s' * (n_speakers > 1)}" if n_speakers else "",
        one_line(transcript.model),
    ]
    return " · ".join(escape(fact) for fact in facts if fact)


def _legend(transcript: Transcript, options: OutputOptions) -> Iterator[str]:
    """Yield what marks of the page mean, if it has any."""
    words = [word for segment in transcript.segments for word in segment.words]
    n_marked = sum(is_marked(word, options) for word in words)
    if n_marked and options.low_confidence is not None:
        yield (
            f'<p lang="en"><mark>Dotted</mark>: confidence below {options.low_confidence * 100:.3g} % '
            f"({n_marked:,} of {len(words):,} words)</p>"
        )


def _paragraphs(transcript: Transcript, options: OutputOptions) -> Iterator[str]:
    names = shown_names(transcript)
    places = {label: place % len(PALETTE) for place, label in enumerate(names)}
    is_open = False
    for paragraph in paragraphs(transcript):
        if not paragraph.text:
            continue
        label = paragraph.speaker
        if paragraph.is_turn or not is_open:
            if is_open:
                yield "</section>"
            kind = f' class="s{places[label]}"' if label in places else ""
            yield f"<section{kind}>"
            if label in names:
                yield f"<h2><bdi>{escape(names[label])}</bdi></h2>"
            is_open = True
        yield _paragraph(paragraph, options)
    if is_open:
        yield "</section>"


def _paragraph(paragraph: Stretch, options: OutputOptions) -> str:
    start_ms = paragraph.words[0].word.start_ms
    words = "".join(_word(word, options, is_first=number == 0) for number, word in enumerate(paragraph.words))
    time = f'<button data-start="{start_ms}">{_clock(start_ms)}</button>'
    return f'<div>{time}<p dir="auto">{words}</p></div>'


def _word(shown: ShownWord, options: OutputOptions, *, is_first: bool) -> str:
    word = shown.word
    times = f'data-start="{word.start_ms}" data-end="{word.end_ms}"'
    space = "" if is_first else escape(shown.space)
    if not is_marked(word, options) or word.confidence is None:
        return f"{space}<span {times}>{escape(shown.text)}</span>"
    title = f"confidence {word.confidence * 100:.0f} %"
    return f'{space}<mark {times} title="{title}">{escape(shown.text)}</mark>'


def _clock(time_ms: int) -> str:
    """Return a time as people write it: 0:05, 1:02:03."""
    minutes, seconds = divmod(time_ms // MS_PER_S, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
