"""Hugging Face's parquet files: sound and text in columns.

    FOLDER/[data/][CONFIG/]PART-00000-of-00001-HASH.parquet

The text is the first of the columns text, sentence, normalized_text, transcript, transcription (the
leaderboard's order). Sound is a column `audio` of bytes and path. Rows are read in batches; pyarrow reads
them and belongs to the extra eval.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from qasr_cli.errors import UnavailableError, UndecodableError
from qasr_cli.evaluation.references.layout import HINT, Layout, Part, code, is_file, listed
from qasr_cli.evaluation.references.manifests import TEXT_COLUMNS
from qasr_cli.evaluation.utterances import AudioPart, Utterance
from qasr_cli.options import ReferenceOptions

_BATCH_ROWS = 16  # of sound: some MB
_PART = re.compile(r"([A-Za-z_.]+?)(?:-\d+)?(?:-of-\d+)?(?:-[0-9a-f]{16})?\.parquet")
_IDS = ("id", "audio_id", "utt_id", "segment_id", "file")
_SPEAKERS = ("speaker_id", "client_id", "speaker")
_LANGUAGES = ("lang_id", "language", "locale", "lang")
_LABELS = ("gender", "accent", "domain", "dataset")


def _parts(path: Path) -> list[Part]:
    folders = [path, *(path / name for name in listed(path))]
    folders += [folder / name for folder in folders[1:] for name in listed(folder)]
    files = [path] if path.suffix == ".parquet" else []
    files += [folder / name for folder in folders for name in listed(folder) if name.endswith(".parquet")]
    parts = []
    for file in dict.fromkeys(files):
        folder = file.absolute().parent
        match = _PART.fullmatch(file.name)
        name = match[1] if match else folder.name  # PART/0000.parquet, as the hub converts
        if is_file(file):
            parts.append(Part(name, file, code(folder.name)))
    return parts


def _read(part: Part, _options: ReferenceOptions) -> Iterator[Utterance]:
    try:
        import pyarrow.lib as arrow
        from pyarrow import parquet
    except ImportError:
        raise UnavailableError(
            f"{part.path}: parquet is read by pyarrow, which is not installed", "pip install 'qasr[eval]'"
        ) from None
    row_number = 0
    try:
        # By default pyarrow reads ahead: all the sound of a file.
        with parquet.ParquetFile(part.path, pre_buffer=False) as file:
            text = next((name for name in TEXT_COLUMNS if name in file.schema_arrow.names), None)
            if text is None or "audio" not in file.schema_arrow.names:
                raise UndecodableError.about(
                    part.path, f"no column audio, or none of {', '.join(TEXT_COLUMNS)}", HINT
                )
            for group in range(file.num_row_groups):
                for batch in file.iter_batches(_BATCH_ROWS, row_groups=[group]):
                    for row in batch.to_pylist():
                        row_number += 1
                        yield _utterance(part, row, text, row_number)
    except (arrow.ArrowException, OSError) as error:
        raise UndecodableError.about(part.path, f"row {row_number + 1}: {error}", HINT) from error


def _utterance(part: Part, row: Mapping[str, Any], text: str, number: int) -> Utterance:
    audio = row.get("audio")
    sound = audio if isinstance(audio, dict) else {"path": audio}
    name = str(sound.get("path") or f"{part.path.stem}-row-{number}.wav")
    content = sound.get("bytes")
    # FLEURS: several speakers share a number, so that the file's name is the id.
    stem = Path(name).stem
    named = next((str(row[key]) for key in _IDS if isinstance(row.get(key), str) and row[key]), stem)
    tongue = next((row[key] for key in _LANGUAGES if isinstance(row.get(key), str)), None)
    return Utterance(
        named,
        _set_name(part),
        AudioPart(part.path.parent / name, content=content if isinstance(content, bytes) else None),
        str(row.get(text) or ""),
        language=(code(tongue) if tongue else None) or part.language,
        speaker=next((str(row[key]) for key in _SPEAKERS if row.get(key) not in (None, "")), ""),
        labels={key: str(row[key]) for key in _LABELS if isinstance(row.get(key), str) and row[key]},
    )


def _set_name(part: Part) -> str:
    """Return the corpus or configuration and the part; `data` says nothing of either."""
    folder = part.path.absolute().parent
    while folder.name in {"data", part.name} and folder.parent != folder:
        folder = folder.parent
    return f"{folder.name} {part.name}"


PARQUET = Layout("parquet", "*.parquet with columns audio and a text (Hugging Face)", _parts, _read)
