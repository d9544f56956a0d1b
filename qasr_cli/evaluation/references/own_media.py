"""A user's own media beside texts: `talk.mp4` with `talk.srt`, `talk.txt`, `talk.TextGrid` and the like.

All files of a recording's name count together: the words and times of TextGrid, CTM or JSON, the speakers of
STM or RTTM, the captions of SRT, WebVTT or LRC, and the text of the first of them that has one, `.txt` before
all. A language between the dots (`talk.en.srt`) is that of the recording; of several the first is taken.
"""

from __future__ import annotations

import bisect
import functools
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from qasr_cli import languages
from qasr_cli.errors import UndecodableError, from_read_error, printable
from qasr_cli.evaluation.references import time_annotations
from qasr_cli.evaluation.references.layout import Layout, Part, is_file, listed
from qasr_cli.evaluation.utterances import AudioPart, TimedWord, Turn, Utterance, text_of, timed_words
from qasr_cli.formats.readers import captions as caption_reader
from qasr_cli.formats.readers import json_fields
from qasr_cli.formats.readers.caption_file import CaptionFile
from qasr_cli.media.suffixes import MEDIA_SUFFIXES
from qasr_cli.operating_system import files
from qasr_cli.options import ReferenceOptions
from qasr_cli.records import Caption, Segment

logger = logging.getLogger(__name__)

_MAX_DEPTH = 12  # of folders
_MAX_BYTES = caption_reader.MAX_JSON_BYTES
_TRUTH = ".truth.json"


@dataclass(slots=True)
class _Gathered:
    """What the files of one recording say."""

    text: str = ""
    language: str | None = None
    words: tuple[TimedWord, ...] = ()
    captions: tuple[Caption, ...] = ()
    turns: list[Turn] = field(default_factory=list)


def _plain(gathered: _Gathered, path: Path, raw: bytes) -> None:
    decoded = caption_reader.decode(raw, path.name)
    gathered.text = gathered.text or " ".join(decoded.text.split())


def _subtitles(gathered: _Gathered, path: Path, raw: bytes) -> None:
    file = caption_reader.read(raw, path.name)
    if file.transcript is not None and not gathered.text:
        _tell("some references are transcripts by qasr: unless people corrected them, figures mean nothing")
    gathered.captions = gathered.captions or file.captions
    gathered.words = gathered.words or words_of(file)
    gathered.text = gathered.text or spoken_text(file)
    gathered.language = gathered.language or file.language


def _truth(gathered: _Gathered, path: Path, raw: bytes) -> None:
    """Read `{"text", "language", "words": [{"text", "start_ms", "end_ms"}]}`."""
    fields = json_fields.load_object(raw.decode("utf-8", "replace"))
    gathered.text = gathered.text or fields.text("text")
    if "language" in fields.values:
        gathered.language = gathered.language or fields.optional_text("language")
    rows = fields.children("words") if isinstance(fields.values.get("words"), list) else ()
    gathered.words = gathered.words or tuple(
        TimedWord(row.text("text"), row.count("start_ms"), row.count("end_ms")) for row in rows
    )


def _text_grid(gathered: _Gathered, path: Path, raw: bytes) -> None:
    tiers = time_annotations.text_grid(caption_reader.decode(raw, path.name).text)
    gathered.words = gathered.words or time_annotations.words_of(tiers)
    gathered.text = gathered.text or text_of(gathered.words)


def _ctm(gathered: _Gathered, path: Path, raw: bytes) -> None:
    found = time_annotations.ctm(raw.decode("utf-8-sig", "replace"))
    gathered.words = gathered.words or tuple(one.word for one in found)
    gathered.text = gathered.text or text_of(gathered.words)


def _stm(gathered: _Gathered, path: Path, raw: bytes) -> None:
    turns = [one.turn for one in time_annotations.stm(raw.decode("utf-8-sig", "replace"))]
    gathered.turns = gathered.turns or turns
    gathered.text = gathered.text or " ".join(turn.text for turn in turns if turn.text)


def _rttm(gathered: _Gathered, path: Path, raw: bytes) -> None:
    turns = [turn for _, turn in time_annotations.rttm(raw.decode("utf-8-sig", "replace"))]
    gathered.turns = gathered.turns or turns


# In the order in which their texts and times count.
_READERS: tuple[tuple[str, Callable[[_Gathered, Path, bytes], None]], ...] = (
    (".txt", _plain),
    (_TRUTH, _truth),
    (".textgrid", _text_grid),
    (".ctm", _ctm),
    (".stm", _stm),
    (".json", _subtitles),
    (".srt", _subtitles),
    (".vtt", _subtitles),
    (".ass", _subtitles),
    (".lrc", _subtitles),
    (".rttm", _rttm),
)


def words_of(file: CaptionFile) -> tuple[TimedWord, ...]:
    """Return the words with times of a subtitle file that has some."""
    segments: tuple[Segment, ...] = file.segments
    if file.transcript is not None:
        segments = file.transcript.segments
    return timed_words(segments)


def spoken_text(file: CaptionFile) -> str:
    """Return the text of a subtitle file on one line."""
    if file.transcript is not None:
        return file.transcript.text
    if file.segments:
        return " ".join(segment.text.strip() for segment in file.segments)
    return " ".join(line for caption in file.captions for line in caption.lines)


def _parts(path: Path) -> list[Part]:
    if is_file(path):
        return [Part(path.stem, path)] if _texts(path, listed(path.parent)) else []
    return [Part(path.absolute().name, path)] if any(_recordings(path)) else []


def _recordings(folder: Path, depth: int = 0) -> Iterator[tuple[Path, list[tuple[Path, int, str | None]]]]:
    names = listed(folder)
    for name in names:
        path = folder / name
        if path.suffix.lower() in MEDIA_SUFFIXES and is_file(path):
            texts = _texts(path, names)
            if texts:
                yield path, texts
        elif depth < _MAX_DEPTH and os.path.isdir(path) and not os.path.islink(path):
            yield from _recordings(path, depth + 1)


def _texts(media: Path, names: list[str]) -> list[tuple[Path, int, str | None]]:
    """Return the texts of a recording with the place of their reader and their language, the best first.

    Args:
        media: The recording.
        names: Sorted names of its folder; only those that begin with its own are looked at.
    """
    stem = media.name.removesuffix(media.suffix)
    alike = list(_beginning(f"{stem}.", names))
    recordings = {Path(name).stem for name in alike if Path(name).suffix.lower() in MEDIA_SUFFIXES}
    found = []
    for name in alike:
        rest = name[len(stem) :]
        for rank, (suffix, _) in enumerate(_READERS):
            middle = rest[: -len(suffix)].lower().removeprefix(media.suffix.lower()).strip(".")
            entry = languages.find_in_name(middle) if middle else None
            if rest.lower().endswith(suffix) and (not middle or entry is not None):
                if not middle or name[: -len(suffix)] not in recordings:  # `talk.de.txt` beside `talk.de.wav`
                    found.append((media.parent / name, rank, entry.code if entry else None))
                break
    return sorted(found, key=lambda one: (one[1], one[2] is not None, one[0].name))


def _beginning(start: str, names: list[str]) -> Iterator[str]:
    """Yield the names, which are sorted, that begin so; a folder may have a hundred thousand."""
    for place in range(bisect.bisect_left(names, start), len(names)):
        if not names[place].startswith(start):
            return
        yield names[place]


def _read(part: Part, _options: ReferenceOptions) -> Iterator[Utterance]:
    single = [(part.path, _texts(part.path, listed(part.path.parent)))] if is_file(part.path) else None
    base = part.path.parent if single else part.path
    for media, texts in single or _recordings(part.path):
        gathered = _Gathered()
        for path, rank, language in texts:
            gathered.language = gathered.language or language
            _read_into(gathered, path, _READERS[rank][1])
        if not (gathered.text or gathered.words or gathered.captions or gathered.turns):
            _tell(f"{media}: none of its references can be read; it is left out")
            continue
        language_found = languages.find(gathered.language) if gathered.language else None
        yield Utterance(
            media.relative_to(base).as_posix(),
            part.name,
            AudioPart(media),
            gathered.text,
            language=language_found.code if language_found else None,
            words=gathered.words,
            captions=gathered.captions,
            turns=tuple(gathered.turns),
        )


def _read_into(gathered: _Gathered, path: Path, reader: Callable[[_Gathered, Path, bytes], None]) -> None:
    """Read a file into what is gathered; one that cannot be read is told, and does not stop the others."""
    try:
        reader(gathered, path, files.read_regular(path, _MAX_BYTES))
    except OSError as error:
        _tell(str(from_read_error(error, path)))
    except UndecodableError as error:
        _tell(f"{path}: {error.reason}")


@functools.lru_cache(maxsize=10_000)
def _tell(text: str) -> None:
    """Warn once: references are read for each model, and once more for the scores."""
    logger.warning("%s", printable(text))


OWN = Layout(
    "own",
    "media beside .txt, .TextGrid, .ctm, .stm, .rttm, .json, .srt, .vtt, .ass or .lrc of the same name",
    _parts,
    _read,
    is_long=True,
)
