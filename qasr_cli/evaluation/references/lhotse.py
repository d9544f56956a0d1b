"""Lhotse's manifests: recordings with supervisions, or cuts; `.jsonl` or `.jsonl.gz`.

    *recordings*.jsonl[.gz] beside *supervisions*.jsonl[.gz]
    *cuts*.jsonl[.gz]       each cut with its recording and supervisions

A source of type `command` is refused, as are addresses. Recordings are held in memory, one path each;
supervisions and cuts are streamed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from qasr_cli.errors import UndecodableError, UsageError
from qasr_cli.evaluation.references.layout import (
    HINT,
    MAX_SECONDS,
    Layout,
    Part,
    code,
    damaged,
    has_name,
    listed,
    span,
)
from qasr_cli.evaluation.references.manifests import has_keys, json_rows, place
from qasr_cli.evaluation.utterances import AudioPart, TimedWord, Utterance
from qasr_cli.options import ReferenceOptions
from qasr_cli.records import Span
from qasr_cli.timebase import seconds_to_ms

_ENDS = (".jsonl", ".jsonl.gz")
_MAX_S = 1e9  # of a recording; keeps out numbers that are no float


def _parts(path: Path) -> list[Part]:
    names = [path.name] if path.name.endswith(_ENDS) else listed(path)
    folder = path.parent if path.name.endswith(_ENDS) else path
    cuts = [folder / name for name in names if name.endswith(_ENDS)]
    found = [Part(_name(file, "cuts"), file) for file in cuts if has_keys(file, "supervisions", "recording")]
    for file in cuts:
        is_table = has_keys(file, "recording_id", "duration", "start") and not has_keys(file, "supervisions")
        if is_table and _recordings_file(file) is not None:
            found.append(Part(_name(file, "supervisions"), file))
    return found


def _name(file: Path, word: str) -> str:
    stem = file.name.split(".jsonl")[0]
    return stem.replace(word, "").strip("_-.") or stem


def _recordings_file(supervisions: Path) -> Path | None:
    """Return the recordings that belong to supervisions, by name, or the only such file beside them."""
    twin = supervisions.with_name(supervisions.name.replace("supervisions", "recordings"))
    if twin != supervisions and has_name(twin):
        return twin
    others = [name for name in listed(supervisions.parent) if "recordings" in name and name.endswith(_ENDS)]
    return supervisions.parent / others[0] if len(others) == 1 else None


def _read(part: Part, _options: ReferenceOptions) -> Iterator[Utterance]:
    if has_keys(part.path, "supervisions"):
        yield from _cuts(part)
        return
    recordings_file = _recordings_file(part.path)
    if recordings_file is None:
        raise UndecodableError.about(part.path, "its recordings are not beside it", HINT)
    recordings = {
        str(row.get("id")): _sound(recordings_file, line, row) for line, row in json_rows(recordings_file)
    }
    for line, row in json_rows(part.path):
        found = recordings.get(str(row.get("recording_id")))
        if found is None:
            raise damaged(
                part.path, line, f"recording {row.get('recording_id')} is not in {recordings_file.name}"
            )
        audio = AudioPart(found.path, _span(part.path, line, row), _channel(found, row))
        yield _utterance(part, line, row, audio, 0)


def _cuts(part: Part) -> Iterator[Utterance]:
    for line, cut in json_rows(part.path):
        recording, supervisions = cut.get("recording"), cut.get("supervisions")
        if not isinstance(recording, dict) or not isinstance(supervisions, list):
            raise damaged(part.path, line, "a cut without a recording of its own; mixed cuts are not read")
        found = _sound(part.path, line, recording)
        cut_span = _span(part.path, line, cut)
        for supervision in supervisions:
            if not isinstance(supervision, dict):
                raise damaged(part.path, line, "a supervision that is no object")
            inner = _span(part.path, line, supervision)  # in the cut's time
            start_ms = cut_span.start_ms + inner.start_ms
            own = Span(start_ms, start_ms + inner.duration_ms)
            is_whole = own.start_ms == 0 and _is_whole(recording, own)
            audio = AudioPart(found.path, None if is_whole else own, _channel(found, supervision))
            yield _utterance(part, line, supervision, audio, 0 if is_whole else start_ms - inner.start_ms)


def _is_whole(recording: Mapping[str, Any], own: Span) -> bool:
    duration = recording.get("duration")
    return _is_seconds(duration) and abs(seconds_to_ms(float(duration)) - own.end_ms) <= 1


def _is_seconds(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and 0 <= value <= MAX_SECONDS


def _utterance(
    part: Part, line: int, supervision: Mapping[str, Any], audio: AudioPart, offset_ms: int
) -> Utterance:
    text = supervision.get("text")
    tongue = supervision.get("language")
    length = _span(part.path, line, supervision)
    return Utterance(
        str(supervision.get("id", "")),
        f"{part.path.absolute().parent.name} {part.name}",
        audio,
        text if isinstance(text, str) else "",
        language=code(tongue) if isinstance(tongue, str) else None,
        speaker=str(supervision.get("speaker") or ""),
        recording=str(supervision.get("recording_id") or "") if audio.span else "",
        duration_ms=length.duration_ms,
        words=_words(supervision, offset_ms),
        labels={"gender": str(supervision["gender"])} if supervision.get("gender") else {},
    )


def _words(supervision: Mapping[str, Any], offset_ms: int) -> tuple[TimedWord, ...]:
    """Return the words of an alignment: rows of symbol, start, duration and score, in seconds."""
    alignment = supervision.get("alignment")
    rows = alignment.get("word") if isinstance(alignment, dict) else None
    words = []
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, list) and len(row) >= 3 and all(map(_is_seconds, row[1:3])):
            start_ms = seconds_to_ms(row[1]) + offset_ms
            words.append(TimedWord(str(row[0]), start_ms, start_ms + seconds_to_ms(row[2])))
    return tuple(words)


@dataclass(frozen=True, slots=True)
class _Sound:
    """The file of a recording; whether it has several channels."""

    path: Path
    has_channels: bool


def _channel(sound: _Sound, supervision: Mapping[str, Any]) -> int | None:
    """Return the channel that is meant; None of a file with one, and of several channels together."""
    channel = supervision.get("channel")
    return channel if sound.has_channels and isinstance(channel, int) else None


def _sound(manifest: Path, line: int, recording: Mapping[str, Any]) -> _Sound:
    """Return the file of a recording.

    Raises:
        UsageError: It is a command or an address.
        UndecodableError: It has several files, or none.
    """
    sources = recording.get("sources")
    source = sources[0] if isinstance(sources, list) and len(sources) == 1 else None
    if not isinstance(source, dict):
        raise damaged(manifest, line, "a recording that is not one file")
    if source.get("type") != "file":
        raise UsageError.about(
            manifest,
            f"line {line}: a source of type {source.get('type')}, which qasr does not start",
            "write its sound to a file",
        )
    channels = source.get("channels")
    has_channels = isinstance(channels, list) and len(channels) > 1
    return _Sound(place(manifest, line, source.get("source")), has_channels)


def _span(path: Path, line: int, row: Mapping[str, Any]) -> Span:
    start, duration = row.get("start"), row.get("duration")
    is_number = all(isinstance(one, int | float) and not isinstance(one, bool) for one in (start, duration))
    if not is_number or start is None or duration is None:
        raise damaged(path, line, "no start and duration in seconds")
    return span(path, line, start, start + duration)


LHOTSE = Layout("lhotse", "*cuts*.jsonl[.gz], or *recordings* with *supervisions*.jsonl[.gz]", _parts, _read)
