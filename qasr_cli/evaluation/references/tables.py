"""Corpora whose texts are tables: FLEURS, Common Voice, VoxPopuli.

    FLEURS        CONFIG/{train,dev,test}.tsv without a header, sound in CONFIG/PART/ or CONFIG/audio/PART/
    Common Voice  LANGUAGE/{train,dev,test,…}.tsv with a header, sound in LANGUAGE/clips/
    VoxPopuli     LANGUAGE/asr_PART.tsv with a header, or asr_LANGUAGE.tsv[.gz] with columns separated by |;
                  sound in LANGUAGE/YEAR/ID.ogg, as the corpus's own script cuts it

Columns are read by name where there is a header: releases differ. Quotation marks in Common Voice and FLEURS
are characters of the sentence and quote nothing.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from qasr_cli.evaluation.references.layout import Layout, Part, code, damaged, first_line, listed, text_lines
from qasr_cli.evaluation.utterances import AudioPart, Utterance
from qasr_cli.options import ReferenceOptions

_FLEURS_COLUMNS = 7  # sentence id, file, raw text, text, characters, samples, gender
_FLEURS_HZ = 16_000
_COMMON_VOICE = ("client_id", "path", "sentence")
_LABELS = ("gender", "gender_id", "age", "accents", "accent", "variant", "sentence_domain", "locale")
_VOX_TEXTS = ("normalized_text", "normed_text", "raw_text", "original_text")
_MS_PER_S = 1_000


def _fleurs_parts(path: Path) -> list[Part]:
    files = [path] if path.suffix == ".tsv" else []
    files += [path / name for name in listed(path) if name.endswith(".tsv")]
    files += [
        path / config / name
        for config in listed(path)
        if "_" in config
        for name in listed(path / config)
        if name.endswith(".tsv")
    ]
    return [Part(file.stem, file, code(file.absolute().parent.name)) for file in files if _is_fleurs(file)]


def _first_row(path: Path) -> list[str]:
    """Return the cells of a file's first line; none if it is no text."""
    return first_line(path).split("\t")


def _is_fleurs(path: Path) -> bool:
    row = _first_row(path)
    return (
        len(row) in {_FLEURS_COLUMNS, _FLEURS_COLUMNS - 1}
        and row[0].isdecimal()
        and row[1].lower().endswith(".wav")
        and row[5].isdecimal()
    )


def _fleurs(part: Part, _: ReferenceOptions) -> Iterator[Utterance]:
    base = part.path.parent
    folder = next(
        (one for one in (base / part.name, base / "audio" / part.name) if listed(one)), base / part.name
    )
    for line, text in text_lines(part.path):
        row = text.split("\t")
        if len(row) < _FLEURS_COLUMNS - 1 or not row[5].isdecimal():
            raise damaged(part.path, line, f"{len(row)} columns, not {_FLEURS_COLUMNS}")
        yield Utterance(
            Path(row[1]).stem,  # several speakers share a sentence id
            f"fleurs {part.language or base.name} {part.name}",
            AudioPart(folder / row[1]),
            row[3],
            language=part.language,
            duration_ms=int(row[5]) * _MS_PER_S // _FLEURS_HZ,
            labels=_filled({"gender": row[6].lower()} if len(row) >= _FLEURS_COLUMNS else {}),
        )


def _common_voice_parts(path: Path) -> list[Part]:
    files = [path] if path.suffix == ".tsv" else []
    folders = [path, *(path / name for name in listed(path))]
    files += [folder / name for folder in folders for name in listed(folder) if name.endswith(".tsv")]
    return [
        Part(file.stem, file, _common_voice_language(file.absolute().parent.name))
        for file in files
        if set(_COMMON_VOICE) <= set(_first_row(file))
    ]


def _common_voice_language(locale: str) -> str | None:
    """Return the code of a locale; `zh-HK` is read in Cantonese."""
    return "yue" if locale.lower() == "zh-hk" else code(locale)


def _common_voice(part: Part, _options: ReferenceOptions) -> Iterator[Utterance]:
    base = part.path.parent
    for _, row in _rows(part.path):
        yield Utterance(
            Path(row["path"]).stem,
            f"common voice {part.language or base.name} {part.name}",
            AudioPart(base / "clips" / _with_suffix(row["path"], ".mp3")),
            row["sentence"],
            language=part.language,
            speaker=row["client_id"],
            labels=_filled({name: row.get(name, "") for name in _LABELS}),
        )


def _voxpopuli_parts(path: Path) -> list[Part]:
    folders = [path, path / "transcribed_data"]
    folders += [folder / name for folder in folders for name in listed(folder)]
    files = [path] if path.name.startswith("asr_") else []
    files += [
        folder / name
        for folder in folders
        for name in listed(folder)
        if name.startswith("asr_") and ".tsv" in name
    ]
    found = []
    for file in dict.fromkeys(files):
        first = "\t".join(_first_row(file))
        columns = set(first.split(_separator(first)))
        if columns & {"id", "id_"} and columns & set(_VOX_TEXTS):
            language = code(file.absolute().parent.name) or code(_vox_name(file))
            names = dict.fromkeys(row.get("split", "") or _vox_name(file) for _, row in _rows(file))
            found += [Part(name, file, language) for name in names]
    return found


def _vox_name(file: Path) -> str:
    return file.name.removeprefix("asr_").split(".")[0]


def _voxpopuli(part: Part, _options: ReferenceOptions) -> Iterator[Utterance]:
    base, language = part.path.absolute().parent, part.language or ""
    folder = base if base.name == language else base / language
    for line, row in _rows(part.path):
        if (row.get("split", "") or _vox_name(part.path)) != part.name:
            continue
        id_ = row.get("id") or row.get("id_") or ""
        if not id_:
            raise damaged(part.path, line, "no id")
        if row.get("session_id") and not id_.startswith(row["session_id"]):
            id_ = f"{row['session_id']}-{id_}"  # as the corpus's own script names the files
        yield Utterance(
            id_,
            f"voxpopuli {language} {part.name}",
            AudioPart(folder / id_[:4] / f"{id_}.ogg"),
            next((row[name] for name in _VOX_TEXTS if row.get(name)), ""),
            language=part.language,
            speaker=row.get("speaker_id", ""),
            labels=_filled({name: row.get(name, "") for name in ("gender", "accent")}),
        )


def _separator(header: str) -> str:
    return "|" if "|" in header and "\t" not in header else "\t"


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the rows of a table with a header, by column."""
    columns: Sequence[str] = ()
    separator = ""
    for line, text in text_lines(path):
        if not columns:
            separator = _separator(text)
            columns = text.split(separator)
            continue
        cells = _quoted(text) if separator == "|" else text.split(separator)
        if len(cells) > len(columns):
            raise damaged(path, line, f"{len(cells)} columns, and the header has {len(columns)}")
        yield line, dict.fromkeys(columns, "") | dict(zip(columns, cells, strict=False))


def _quoted(text: str) -> list[str]:
    """Return the cells of a row of VoxPopuli's annotations, which quotes texts with quotation marks."""
    return next(csv.reader([text], delimiter="|"), [])


def _with_suffix(name: str, suffix: str) -> str:
    return name if Path(name).suffix else name + suffix


def _filled(labels: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in labels.items() if value}


FLEURS = Layout(
    "fleurs", "CONFIG/{train,dev,test}.tsv with seven columns and no header", _fleurs_parts, _fleurs
)
COMMON_VOICE = Layout(
    "common-voice",
    "LANGUAGE/{train,dev,test}.tsv with columns client_id, path, sentence",
    _common_voice_parts,
    _common_voice,
)
VOXPOPULI = Layout(
    "voxpopuli", "LANGUAGE/asr_PART.tsv with columns id and normalized_text", _voxpopuli_parts, _voxpopuli
)
