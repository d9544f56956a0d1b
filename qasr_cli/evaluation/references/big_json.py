"""GigaSpeech and WenetSpeech: one JSON file of gigabytes, read piece by piece.

    {"audios": [{"aid", "path", "segments": [{"sid", "begin_time", "end_time", "text" or "text_tn", …}]}]}

Only one recording's object is in memory at a time. A streaming parser (ijson) would be a dependency for forty
lines: the standard library's decoder already says where an object ends.

GigaSpeech's punctuation tags are no words, and segments of nothing but a garbage tag are left out, as in its
own scoring.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qasr_cli.errors import QasrError, UndecodableError, from_read_error
from qasr_cli.evaluation.references.layout import HINT, Layout, Part, is_file, spoken
from qasr_cli.evaluation.utterances import AudioPart, Utterance
from qasr_cli.operating_system.files import open_regular
from qasr_cli.records import Span
from qasr_cli.timebase import seconds_to_ms

_BLOCK_CHARS = 1 << 20
_MAX_OBJECT_CHARS = 256 << 20  # a recording of ten hours has segments of some MB
_AUDIOS = re.compile(r'"audios"\s*:\s*\[')
_BETWEEN = re.compile(r"[ \t\r\n,]*")
_HEAD_CHARS = 1 << 16
_PUNCTUATION = re.compile(r"<(?:COMMA|PERIOD|QUESTIONMARK|EXCLAMATIONPOINT)>")
_GARBAGE = {"<SIL>", "<MUSIC>", "<NOISE>", "<OTHER>"}
_LABELS = ("source", "category")
_GIGA_PARTS, _WENET_PARTS = ("DEV", "TEST"), ("DEV", "TEST_NET", "TEST_MEETING")
_TRAINING = ("XS", "S", "M", "L", "XL")


def objects(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file's list `audios`, one at a time.

    Raises:
        QasrError: It cannot be read, has no such list, or an object is damaged.
    """
    try:
        with os.fdopen(open_regular(path), encoding="utf-8-sig") as file:
            yield from _scanned(path, file)
    except UnicodeDecodeError:
        raise UndecodableError.about(path, "not UTF-8", HINT) from None
    except OSError as error:
        raise from_read_error(error, path) from error


def _scanned(path: Path, file: Any) -> Iterator[dict[str, Any]]:
    decoder = json.JSONDecoder()
    text = file.read(_BLOCK_CHARS)
    while (begin := _AUDIOS.search(text)) is None:
        more = file.read(_BLOCK_CHARS)
        if not more or len(text) > _MAX_OBJECT_CHARS:
            raise UndecodableError.about(path, "no list of audios in it", HINT)
        text += more
    at = begin.end()
    step = _BLOCK_CHARS
    while True:
        at = _BETWEEN.match(text, at).end()  # type: ignore[union-attr]  # it matches nothing, too
        if text.startswith("]", at):
            return
        found, end = None, 0
        with contextlib.suppress(json.JSONDecodeError, RecursionError):
            found, end = decoder.raw_decode(text, at)
        if end:
            if not isinstance(found, dict):
                raise UndecodableError.about(path, "an audio that is no object", HINT)
            yield found
            at, step = end, _BLOCK_CHARS
            continue
        more = file.read(step)
        step *= 2  # so that a long object is not parsed anew for each block
        if not more or len(text) - at > _MAX_OBJECT_CHARS:
            raise UndecodableError.about(path, f"damaged or cut off near {text[at : at + 40]!r}", HINT)
        text, at = text[at:] + more, 0


def _parts(path: Path, name: str, is_like: str, parts: tuple[str, ...], language: str) -> list[Part]:
    file = path if path.suffix == ".json" else path / name
    if not is_file(file):
        return []
    with os.fdopen(open_regular(file), encoding="utf-8", errors="replace") as head:
        begin = head.read(_HEAD_CHARS)
    if '"audios"' not in begin or is_like not in begin:
        return []
    return [Part(part, file, language) for part in (*parts, *_TRAINING)]


def _read(part: Part, corpus: str, is_giga: bool) -> Iterator[Utterance]:
    for audio in objects(part.path):
        segments = audio.get("segments")
        for segment in segments if isinstance(segments, list) else ():
            if not isinstance(segment, dict) or not _is_in(part.name, segment, audio):
                continue
            text = spoken(segment.get("text_tn" if is_giga else "text"))
            if is_giga and text.strip() in _GARBAGE:
                continue
            span, id_, recording, place = _places(part.path, audio, segment, text)
            speaker = str(segment.get("speaker") or "")
            yield Utterance(
                id_,
                f"{corpus} {part.name}",
                AudioPart(part.path.parent / place, span),
                " ".join(_PUNCTUATION.sub("", text).split()) if is_giga else text,
                language=part.language,
                speaker="" if speaker == "N/A" else speaker,
                recording=recording,
                duration_ms=span.duration_ms,
                labels={key: str(audio[key]) for key in _LABELS if audio.get(key)},
            )


def _places(
    path: Path, audio: dict[str, Any], segment: dict[str, Any], text: str
) -> tuple[Span, str, str, str]:
    """Return span, id, recording and path of a segment.

    Raises:
        UndecodableError: One is missing, or no text.
    """
    try:
        span = Span(*(seconds_to_ms(float(segment[key])) for key in ("begin_time", "end_time")))
        id_, recording, place = str(segment["sid"]), str(audio["aid"]), str(audio["path"])
        f"{id_}{recording}{place}{text}".encode()  # half a character of UTF-16 is none
    except (KeyError, TypeError, ValueError, OverflowError):
        raise _damaged(path, audio, segment) from None
    return span, id_, recording, place


def _is_in(part: str, segment: dict[str, Any], audio: dict[str, Any]) -> bool:
    """Whether a segment belongs to a part; GigaSpeech writes `{TEST}`, WenetSpeech `TEST_NET`."""
    named = segment.get("subsets") or audio.get("subsets")
    return isinstance(named, list) and part in {str(one).strip("{}") for one in named}


def _damaged(path: Path, audio: dict[str, Any], segment: dict[str, Any]) -> QasrError:
    where = str(segment.get("sid") or audio.get("aid") or "a segment")
    return UndecodableError.about(path, f"{where[:80]}: no sid, aid, path or times", HINT)


GIGASPEECH = Layout(
    "gigaspeech",
    "GigaSpeech.json with audios and text_tn",
    lambda path: _parts(path, "GigaSpeech.json", '"text_tn"', _GIGA_PARTS, "en"),
    lambda part, _: _read(part, "gigaspeech", is_giga=True),
)
WENETSPEECH = Layout(
    "wenetspeech",
    "WenetSpeech.json with audios and text",
    lambda path: _parts(path, "WenetSpeech.json", '"begin_time"', _WENET_PARTS, "zh"),
    lambda part, _: _read(part, "wenetspeech", is_giga=False),
)
