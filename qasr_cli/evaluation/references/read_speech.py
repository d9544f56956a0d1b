"""LibriSpeech and Multilingual LibriSpeech.

    LibriSpeech/PART/SPEAKER/CHAPTER/SPEAKER-CHAPTER.trans.txt    `ID TEXT`, beside ID.flac
    mls_LANGUAGE/PART/transcripts.txt      `ID⇥TEXT`, beside audio/SPEAKER/BOOK/ID.flac or .opus

LibriSpeech's texts are in capitals without punctuation, and stay so.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from qasr_cli.evaluation.references.layout import Layout, Part, code, damaged, is_file, listed, text_lines
from qasr_cli.evaluation.utterances import AudioPart, Utterance
from qasr_cli.options import ReferenceOptions

_TRANS = ".trans.txt"
_MLS_AUDIO = (".flac", ".opus")


def _librispeech_parts(path: Path) -> list[Part]:
    if _chapters(path, 2):
        return [Part(path.absolute().name, path, "en")]
    folders = [path, *(path / name for name in ("LibriSpeech",))]
    return [
        Part(name, folder / name, "en")
        for folder in folders
        for name in listed(folder)
        if _chapters(folder / name, 2)
    ]


def _chapters(part: Path, depth: int) -> bool:
    """Whether a folder's first speaker has a chapter with a transcript."""
    for name in listed(part)[:20]:
        if depth == 0:
            return any(entry.endswith(_TRANS) for entry in listed(part)) and bool(name)
        if _chapters(part / name, depth - 1):
            return True
    return False


def _librispeech(part: Part, _options: ReferenceOptions) -> Iterator[Utterance]:
    for speaker in listed(part.path):
        for chapter in listed(part.path / speaker):
            folder = part.path / speaker / chapter
            for name in listed(folder):
                if not name.endswith(_TRANS):
                    continue
                for line, text in text_lines(folder / name):
                    id_, _, spoken = text.partition(" ")
                    if not id_.startswith(name.removesuffix(_TRANS)):
                        raise damaged(folder / name, line, "not SPEAKER-CHAPTER-NUMBER, a blank and a text")
                    yield Utterance(
                        id_,
                        f"librispeech {part.name}",
                        AudioPart(folder / f"{id_}.flac"),
                        spoken.strip(),
                        language="en",
                        speaker=speaker,
                    )


def _mls_parts(path: Path) -> list[Part]:
    folders = [path, *(path / name for name in listed(path) if name.lower().startswith("mls_"))]
    found = [
        Part(name, folder / name, _mls_language(folder / name))
        for folder in folders
        for name in listed(folder)
        if is_file(folder / name / "transcripts.txt")
    ]
    own = [Part(path.absolute().name, path, _mls_language(path))] if is_file(path / "transcripts.txt") else []
    return [part for part in own + found if listed(part.path / "audio")]


def _mls_language(part: Path) -> str | None:
    name = part.absolute().parent.name.lower().removeprefix("mls_").split("_")[0]
    return code(name)


def _mls(part: Part, _: ReferenceOptions) -> Iterator[Utterance]:
    path = part.path / "transcripts.txt"
    suffix: str | None = None
    for line, text in text_lines(path):
        id_, _tab, spoken = text.partition("\t")
        places = id_.split("_")
        if len(places) != 3 or " " in id_:
            raise damaged(path, line, "not SPEAKER_BOOK_NUMBER, a tab and a text")
        folder = part.path / "audio" / places[0] / places[1]
        if suffix is None:
            suffix = next((one for one in _MLS_AUDIO if is_file(folder / (id_ + one))), _MLS_AUDIO[0])
        yield Utterance(
            id_,
            f"mls {part.language or part.path.parent.name} {part.name}",
            AudioPart(folder / (id_ + suffix)),
            spoken.strip(),
            language=part.language,
            speaker=places[0],
        )


LIBRISPEECH = Layout(
    "librispeech",
    "PART/SPEAKER/CHAPTER/SPEAKER-CHAPTER.trans.txt",
    _librispeech_parts,
    _librispeech,
)
MLS = Layout("mls", "mls_LANGUAGE/PART/transcripts.txt beside audio/", _mls_parts, _mls)
