"""Which subtitles lie beside a media file, by their names, as media servers read them.

In go the names of a folder; out come sidecars. Pure: touches no file and uses no option.
"""

from __future__ import annotations

import os.path
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from qasr_cli import formats, languages
from qasr_cli.runs.inputs import selection

# Names after the rules of Jellyfin's ExternalPathParser: `STEM[.part]...SUFFIX`, where a part is a language,
# a flag or else a title.
_PARTIAL = ("forced", "foreign")  # subtitles only for passages in a foreign language
_FLAGS = frozenset({"sdh", "cc", "hi"})
_HINDI_OR_IMPAIRED = "hi"  # Hindi, unless another language is named too: hearing-impaired then

# Languages that qasr does not recognise. Without this list `film.no.srt` would pass for subtitles without a
# language. ISO 639-1, the usual codes of 639-2 (B and T), English names.
_OTHER_WORDS = """
    aa ab ae af ak am an as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cu cv cy dv dz ee eo et eu
    ff fj fo fy ga gd gl gn gu gv ha he ho hr ht hy hz ia ie ig ii ik io is iu iw ji jv jw ka kg ki kj kk kl
    km kn kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi ml mn mr mt my na nb nd ne ng nn no nr nv ny
    oc oj om or os pa pi ps qu rm rn rw sa sc sd se sg sh si sk sl sm sn so sq sr ss st su sw ta te tg ti tk
    tn to ts tt tw ty ug uk ur uz ve vo wa wo xh yi yo za zu
    afr alb amh arm asm aze baq bel ben bih bos bul bur cat cym eus epo est fao geo gle glg guj hat hau heb
    hrv hye ibo ice isl jav kan kat kaz khm kir kur lao lat lav lit ltz lub mal mao mar mlg mlt mon mri mya
    nep nno nob nor oci ori pan pus roh san scc scr sin slk slo slv smo snd som sqi srp sun swa tam tat tel
    tgk tib ton tsn tuk uig ukr urd uzb wel wol xho yid yor zul
    albanian armenian azerbaijani basque bengali bosnian bulgarian burmese catalan croatian estonian galician
    georgian hebrew icelandic irish kannada kazakh khmer lao latvian lithuanian malayalam marathi mongolian
    nepali norwegian punjabi serbian sinhala slovak slovenian swahili tamil telugu ukrainian urdu uzbek welsh
    """
_OTHERS = frozenset(_OTHER_WORDS.split())


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A subtitle file beside a media file.

    Attributes:
        name: Of the file.
        language: qasr's code of the language, the word in the name if qasr has no code for it, or "".
        is_partial: Forced or for foreign parts only: no subtitles of the whole.
    """

    name: str
    language: str = ""
    is_partial: bool = False


def language_of(word: str) -> str:
    """Return the code of the language that a word stands for, the word for other languages, or ""."""
    language = languages.find_covered(word)
    if language is not None:
        return language.code
    main = word.lower().replace("_", "-").partition("-")[0]
    return main if main in _OTHERS else ""


def parse(name: str, stem: str) -> Sidecar:
    """Parse the name of a subtitle file that begins with a media file's stem."""
    parts = os.path.splitext(name)[0].lower().split(".")[stem.count(".") + 1 :]  # noqa: PTH122 - of many
    is_partial = any(word in part for part in parts for word in _PARTIAL)
    named = [code for part in reversed(parts) if part not in _FLAGS and (code := language_of(part))]
    if not named and _HINDI_OR_IMPAIRED in parts:
        named = [_HINDI_OR_IMPAIRED]
    return Sidecar(name, named[0] if named else "", is_partial)


@dataclass(slots=True)
class Sidecars:
    """The sidecars of one folder, indexed by the media they belong to."""

    _names: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def among(cls, names: Iterable[str]) -> Sidecars:
        """Return the sidecars among a folder's names.

        Each belongs to the media with the longest stem that fits: `talk.part2.srt` is no subtitle of
        `talk.mp4` where there is a `talk.part2.mp4`.
        """
        split = [(name, *os.path.splitext(name)) for name in sorted(names)]  # noqa: PTH122 - as above
        pictures = {stem.casefold() for _, stem, suffix in split if suffix.lower() == ".idx"}
        media = {stem.casefold() for _, stem, suffix in split if suffix.lower() in selection.MEDIA_SUFFIXES}
        sidecars = cls()
        for name, stem, suffix in split:
            is_picture = suffix.lower() == ".sub" and stem.casefold() in pictures
            if suffix.lower() not in formats.SUBTITLE_EXTENSIONS or is_picture:
                continue
            for key in _beginnings(stem.casefold()):
                sidecars._names.setdefault(key, []).append(name)
                if key in media:
                    break
        return sidecars

    def of(self, media_name: str) -> list[Sidecar]:
        """Return the sidecars of a media file, by name."""
        stem = os.path.splitext(media_name)[0]  # noqa: PTH122 - as above
        return [parse(name, stem) for name in self._names.get(stem.casefold(), ())]


def _beginnings(stem: str) -> Iterator[str]:
    """Yield a stem, then the stem without its last part, its last two parts and so on."""
    while stem:
        yield stem
        stem = stem.rpartition(".")[0]
