"""Manifests of toolkits in JSON lines: NeMo, ESPnet and WeNet, Hugging Face's audiofolder.

    NeMo          {"audio_filepath", "text", "duration", "offset", "lang", …}
    ESPnet/WeNet  {"key", "wav", "txt"} and perhaps "start", "end" in seconds; usually `data.list`
    audiofolder   metadata.jsonl or metadata.csv with file_name and a text

Paths are relative to the manifest, or to the folder where qasr is started.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from qasr_cli import bounded_json
from qasr_cli.evaluation.references.layout import (
    Layout,
    Part,
    code,
    damaged,
    first_base,
    first_line,
    is_file,
    listed,
    refuse_remote,
    span,
    spoken,
    text_lines,
)
from qasr_cli.evaluation.utterances import AudioPart, Utterance
from qasr_cli.options import ReferenceOptions
from qasr_cli.records import Span
from qasr_cli.timebase import seconds_to_ms

TEXT_COLUMNS = (
    "text",
    "sentence",
    "normalized_text",
    "transcript",
    "transcription",
)  # the leaderboard's order
_NEMO_LANGUAGES = ("lang", "language", "target_lang", "source_lang")
_NEMO_LABELS = ("gender", "accent", "domain", "source", "dataset")
_SUFFIXES = (".json", ".jsonl", ".list", ".manifest")
_METADATA = ("metadata.jsonl", "metadata.csv")


def json_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the objects of JSON lines with their line numbers.

    Raises:
        QasrError: The file cannot be read, or a line is no object.
    """
    for line, text in text_lines(path):
        try:
            row = bounded_json.loads(text)
        except ValueError as error:
            raise damaged(path, line, f"no JSON: {str(error)[:80]}") from None
        if not isinstance(row, dict):
            raise damaged(path, line, "no JSON object")
        if "\\ud" in text.lower() and not _is_unicode(row):
            raise damaged(path, line, "half a character of UTF-16, which no text has")
        yield line, row


def _is_unicode(row: dict[str, Any]) -> bool:
    try:
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def has_keys(path: Path, *keys: str) -> bool:
    """Whether a file's first line is a JSON object with these keys."""
    text = first_line(path)
    if not text.lstrip().startswith("{"):
        return False
    try:
        row = bounded_json.loads(text)
    except ValueError:
        return False
    return isinstance(row, dict) and set(keys) <= set(row)


def _files(path: Path, *keys: str) -> list[Part]:
    files = [path] if is_file(path) else [path / name for name in listed(path) if name.endswith(_SUFFIXES)]
    return [Part(file.stem, file) for file in files if has_keys(file, *keys)]


def place(manifest: Path, line: int, value: object) -> Path:
    """Return the path that a manifest gives, relative to its folder, or else to the working folder.

    Raises:
        UsageError: It is an address or a command.
        UndecodableError: It is no text.
    """
    if not isinstance(value, str) or not Path(value).name:
        raise damaged(manifest, line, "no path of a sound")
    refuse_remote(manifest, line, value)
    base = first_base((manifest.parent, Path()), value)
    return (manifest.parent if base is None else base) / value


def _nemo(part: Part, _: ReferenceOptions) -> Iterator[Utterance]:
    for line, row in json_rows(part.path):
        path = place(part.path, line, row.get("audio_filepath"))
        cut, length_ms = _nemo_span(part.path, line, row)
        tongue = next((row[key] for key in _NEMO_LANGUAGES if isinstance(row.get(key), str)), "")
        yield Utterance(
            str(row.get("id") or row.get("utt_id") or _place_as_id(row, cut)),
            f"{part.path.absolute().parent.name} {part.name}",
            AudioPart(path, cut),
            spoken(row.get("text")),
            language=code(tongue) if tongue else None,
            speaker=str(row.get("speaker") or row.get("speaker_id") or ""),
            recording=path.stem if cut else "",
            duration_ms=length_ms,
            labels={key: str(row[key]) for key in _NEMO_LABELS if row.get(key)} | _noise(row),
        )


def _nemo_span(path: Path, line: int, row: Mapping[str, Any]) -> tuple[Span | None, int | None]:
    """Return the part of the file that is meant, None for all of it, and its length in ms if it is known.

    The first segment of a recording has the offset 0.

    Raises:
        UndecodableError: There is an offset without a duration, or one is no number.
    """
    offset_s, length_s = (_seconds(path, line, row, key) for key in ("offset", "duration"))
    length_ms = None if length_s is None else seconds_to_ms(length_s)
    if offset_s and not length_ms:
        raise damaged(path, line, "an offset without a duration")
    if offset_s is None or not length_ms:
        return None, length_ms
    start_ms = seconds_to_ms(offset_s)
    return Span(start_ms, start_ms + length_ms), length_ms


def _place_as_id(row: Mapping[str, Any], cut: Span | None) -> str:
    """Return the path of a row's sound without its suffix, and its start.

    The path, since folders of speakers have files of equal names.
    """
    path = Path(str(row["audio_filepath"])).with_suffix("").as_posix()
    return f"{path}@{cut.start_ms}" if cut and cut.start_ms else path


def _noise(row: Mapping[str, Any]) -> dict[str, str]:
    value = row.get("snr_db", row.get("snr"))
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return {"snr_db": str(value)} if is_number else {}


def _seconds(path: Path, line: int, row: Mapping[str, Any], key: str) -> float | None:
    value = row.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e7:
        raise damaged(path, line, f"{key} is no number of seconds")
    return float(value)


def _espnet(part: Part, _: ReferenceOptions) -> Iterator[Utterance]:
    for line, row in json_rows(part.path):
        start_s, end_s = (_seconds(part.path, line, row, key) for key in ("start", "end"))
        cut = None if start_s is None or end_s is None else span(part.path, line, start_s, end_s)
        path = place(part.path, line, row.get("wav"))
        yield Utterance(
            str(row.get("key", "")),
            f"{part.path.absolute().parent.name} {part.name}",
            AudioPart(path, cut),
            spoken(row.get("txt")),
            language=code(str(row["lang"])) if row.get("lang") else None,
            speaker=str(row.get("speaker") or ""),
            recording=path.stem if cut else "",
            duration_ms=cut.duration_ms if cut else None,
        )


def _audiofolder_parts(path: Path) -> list[Part]:
    folders = [path, *(path / name for name in listed(path))]
    folders += [path / "data" / name for name in listed(path / "data")]
    files = [path] if path.name in _METADATA else []
    files += [folder / name for folder in folders for name in _METADATA if is_file(folder / name)]
    return [
        Part(file.absolute().parent.name, file)
        for file in files
        if _has_column(file) or has_keys(file, "file_name")
    ]


def _has_column(path: Path) -> bool:
    """Whether a table has the column; other corpora call theirs metadata.csv, too."""
    return path.suffix == ".csv" and "file_name" in next(csv.reader([first_line(path)]), [])


def _audiofolder(part: Part, _: ReferenceOptions) -> Iterator[Utterance]:
    rows = _csv_rows(part.path) if part.path.suffix == ".csv" else json_rows(part.path)
    for line, row in rows:
        path = place(part.path, line, row.get("file_name"))
        text = next((row[name] for name in TEXT_COLUMNS if isinstance(row.get(name), str)), None)
        if text is None:
            raise damaged(part.path, line, f"no text: none of {', '.join(TEXT_COLUMNS)}")
        tongue = row.get("language") or row.get("lang")
        yield Utterance(
            str(row["file_name"]),
            f"{part.name}",
            AudioPart(path),
            text,
            language=code(str(tongue)) if tongue else None,
            speaker=str(row.get("speaker_id") or row.get("speaker") or ""),
        )


def _csv_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    lines = (text + "\n" for _, text in text_lines(path))  # a quoted text may go on in the next line
    reader = csv.DictReader(lines)
    try:
        for row in reader:
            yield reader.line_num, {key: value for key, value in row.items() if key is not None}
    except csv.Error as error:
        raise damaged(path, reader.line_num, str(error)) from None


NEMO = Layout(
    "nemo",
    "JSON lines with audio_filepath",
    lambda path: _files(path, "audio_filepath"),
    _nemo,
)
ESPNET = Layout(
    "espnet", "JSON lines with key, wav, txt", lambda path: _files(path, "key", "wav", "txt"), _espnet
)
AUDIOFOLDER = Layout(
    "audiofolder",
    "metadata.csv or metadata.jsonl with file_name and a text",
    _audiofolder_parts,
    _audiofolder,
)
