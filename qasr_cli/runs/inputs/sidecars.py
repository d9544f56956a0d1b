"""Which subtitles lie beside a media file, by their names, as media servers read them.

In go the names of a folder, and of the folders for subtitles in it; out come sidecars. Pure: touches no file
and uses no option.
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from qasr_cli import formats, languages
from qasr_cli.media.suffixes import MEDIA_SUFFIXES
from qasr_cli.runs.files.name_keys import name_key

# Names after the rules of Jellyfin's ExternalPathParser: `STEM[.part]...SUFFIX`, where a part is a language,
# a flag or else a title.
_PARTIAL = ("forced", "foreign", "signs")  # subtitles only for passages in a foreign language, or for signs
_FLAGS = frozenset({"sdh", "cc", "hi", "default", "full", "dub"})
_HINDI_OR_IMPAIRED = "hi"  # Hindi, unless another language is named too: hearing-impaired then
# Folders beside the media where Plex, Kodi, VLC and mpv look for subtitles
_FOLDERS = frozenset({"sub", "subs", "subtitle", "subtitles"})
_LONGEST_FOLDER = max(map(len, _FOLDERS))
# What lies beside a film and is not the film
_EXTRA = re.compile(r"(?:^|[-._ ])(?:sample|trailer|theme)\d*$")
_BETWEEN_WORDS = re.compile(r"[\s._()\[\],+&]+")
_BETWEEN_PARTS = re.compile(r"[\s_()\[\],+&-]+")
_REGIONS = frozenset(
    (
        "us",
        "gb",
        "uk",
        "ca",
        "mx",
        "la",
        "cn",
        "tw",
        "hk",
        "sg",
        "br",
        "pt",
        "es",
        "fr",
        "be",
        "ch",
        "at",
        "de",
    )
)
_NAME_CHARS = 4  # a word that is so long is a language's name wherever it stands; `no` and `her` hardly are


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A subtitle file beside a media file.

    Attributes:
        name: Of the file: its path from the media's folder.
        language: Code of the language, or "".
        is_partial: Forced, for foreign parts or for signs only: no subtitles of the whole.
    """

    name: str
    language: str = ""
    is_partial: bool = False


def is_subtitle_folder(name: str) -> bool:
    """Whether a folder of this name, beside media, holds subtitles."""
    return len(name) <= _LONGEST_FOLDER and name.casefold() in _FOLDERS


def language_of(word: str) -> str:
    """Return the code of the language that a word of a name stands for, or ""."""
    language = languages.find_in_name(word)
    return "" if language is None else language.code


def parse(name: str, stem: str) -> Sidecar:
    """Parse the name of a subtitle file that begins with a media file's stem."""
    text = os.path.splitext(name_key(name))[0].lower()  # noqa: PTH122 - of many
    parts = text.split(".")[stem.count(".") + 1 :]
    is_partial = any(word in part for part in parts for word in _PARTIAL)
    named = [code for part in reversed(parts) if part not in _FLAGS and (code := _language_of_part(part))]
    if not named and _HINDI_OR_IMPAIRED in parts:
        named = [_HINDI_OR_IMPAIRED]
    return Sidecar(name, named[0] if named else "", is_partial)


def _language_of_part(part: str) -> str:
    """Return the language in `en`, `pt-br`, `chs_en`, `english (sdh)` or `2_english`."""
    code = language_of(part)
    words = [] if code else [word for word in _BETWEEN_PARTS.split(part) if _is_word(word)]
    if len(words) == 1 or (words and not set(part) & set(" ([,")):
        return language_of(words[0])
    return code or next(
        (code for word in words if len(word) >= _NAME_CHARS and (code := language_of(word))), ""
    )


def _is_word(text: str) -> bool:
    return text != "" and not text.isdecimal() and text not in _FLAGS


def _parse_anything(name: str) -> Sidecar:
    """Parse the name of a subtitle file that is not named after its media: `2_English.srt`."""
    text = os.path.splitext(name_key(name))[0].lower()  # noqa: PTH122 - of many
    text = text.replace("latin america", "latam")  # no Latin
    is_partial = any(word in text for word in _PARTIAL)
    all_words = _BETWEEN_WORDS.split(text)
    words = list(filter(_is_word, all_words))
    is_last = True
    for word in reversed(words):
        if (is_last or len(word) >= _NAME_CHARS) and (code := language_of(word)):
            before = words[words.index(word) - 1] if words.index(word) else ""
            is_region = word in _REGIONS and len(before) in {2, 3} and language_of(before)
            return Sidecar(name, language_of(before) if is_region else code, is_partial)
        is_last = is_last and word in _REGIONS
    return Sidecar(name, _HINDI_OR_IMPAIRED if _HINDI_OR_IMPAIRED in all_words else "", is_partial)


@dataclass(slots=True)
class Sidecars:
    """The sidecars of one folder, indexed by the media they belong to."""

    _named: dict[str, list[str]] = field(default_factory=dict)
    _further: dict[str, list[Sidecar]] = field(default_factory=dict)

    @classmethod
    def among(cls, names: Iterable[str], below: Mapping[str, Iterable[str]] | None = None) -> Sidecars:
        """Return the sidecars among a folder's names.

        Each belongs to the media with the longest stem that fits: `talk.part2.srt` is no subtitle of
        `talk.mp4` where there is a `talk.part2.mp4`.

        Args:
            names: Of the folder.
            below: Names in its folders for subtitles and in those below, by the path from the folder.
        """
        split = [(name, *os.path.splitext(name)) for name in sorted(names)]  # noqa: PTH122 - as above
        media = {_key(stem) for _, stem, suffix in split if suffix.lower() in MEDIA_SUFFIXES}
        sidecars = cls()
        for name, keys in _subtitles(split):
            for key in keys:
                sidecars._named.setdefault(key, []).append(name)
                if key in media:
                    break
        films = [stem for stem in media if not _EXTRA.search(stem)]
        only_film = films[0] if len(films) == 1 else ""
        for folder, inner in sorted((below or {}).items()):
            sidecars._add_folder(folder, inner, media, only_film)
        return sidecars

    def _add_folder(self, folder: str, names: Iterable[str], media: set[str], only_film: str) -> None:
        """Add the subtitles of a folder: `Subs`, `Subs/FILM` or `Subs/LANGUAGE`."""
        inner = name_key(folder.partition("/")[2])
        owner = inner.casefold() if inner.casefold() in media else ""
        language = language_of(inner) if inner and not owner else ""
        if inner and not owner and not language:
            return
        split = [(name, *os.path.splitext(name)) for name in sorted(names)]  # noqa: PTH122 - as above
        for name, keys in _subtitles(split):
            stem = next((key for key in keys if key in media), "")
            sidecar = parse(name, stem) if stem else _parse_anything(name)
            for key in filter(None, [stem or owner or only_film]):
                found = Sidecar(f"{folder}/{name}", sidecar.language or language, sidecar.is_partial)
                self._further.setdefault(key, []).append(found)

    def of(self, media_name: str) -> list[Sidecar]:
        """Return the sidecars of a media file, by name; those beside it come first."""
        stem = os.path.splitext(media_name)[0]  # noqa: PTH122 - as above
        key = _key(stem)
        return [*(parse(name, stem) for name in self._named.get(key, ())), *self._further.get(key, ())]


def folders_of_interest(names: Iterable[str], folder_names: Iterable[str]) -> Iterator[str]:
    """Yield the folders inside a folder for subtitles that may hold some: a film's, or a language's.

    Args:
        names: Of the folder with the media.
        folder_names: Of what lies in the folder for subtitles.
    """
    stems = {_key(os.path.splitext(name)[0]) for name in names}  # noqa: PTH122 - as above
    for name in folder_names:
        if os.path.splitext(name)[1].lower() not in formats.SUBTITLE_EXTENSIONS and (  # noqa: PTH122
            _key(name) in stems or language_of(name_key(name))
        ):
            yield name


def _key(text: str) -> str:
    return name_key(text).casefold()


def _subtitles(split: Iterable[tuple[str, str, str]]) -> Iterator[tuple[str, list[str]]]:
    """Yield the subtitle files among names, stems and suffixes, each with the stems that it may belong to."""
    split = list(split)
    pictures = {_key(stem) for _, stem, suffix in split if suffix.lower() == ".idx"}
    for name, stem, suffix in split:
        is_picture = suffix.lower() == ".sub" and _key(stem) in pictures
        if suffix.lower() in formats.SUBTITLE_EXTENSIONS and not is_picture:
            yield name, list(_beginnings(_key(stem)))


def _beginnings(stem: str) -> Iterator[str]:
    """Yield a stem, then the stem without its last part, its last two parts and so on."""
    while stem:
        yield stem
        stem = stem.rpartition(".")[0]
