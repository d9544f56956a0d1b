"""Languages, and every spelling of their names.

In goes a code or name in any case; out comes a `Language`. Never depends on models or subtitles: an engine
has its own list of languages that it recognizes.
"""

from __future__ import annotations

import difflib
import functools
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from qasr_cli.errors import UsageError

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Language:
    """One language.

    Attributes:
        code: ISO 639-1 if it exists, else 639-3 (`yue`, `fil`); the code in qasr's outputs.
        code3: ISO 639-2/T, for mp4 and media servers.
        name: The English name, which engines use, too.
        is_spaced: Words are written with spaces between them.
        scripts: Its scripts, by the first word of the letters' Unicode names.
    """

    code: str
    code3: str
    name: str
    is_spaced: bool = True
    scripts: tuple[str, ...] = ("LATIN",)


_KANA = ("HIRAGANA", "KATAKANA")
# The languages that qasr's own rules cover: function words, presets, tests. Names and codes: ISO 639.
LANGUAGES: tuple[Language, ...] = (
    Language("ar", "ara", "Arabic", scripts=("ARABIC",)),
    Language("cs", "ces", "Czech"),
    Language("da", "dan", "Danish"),
    Language("de", "deu", "German"),
    Language("el", "ell", "Greek", scripts=("GREEK",)),
    Language("en", "eng", "English"),
    Language("es", "spa", "Spanish"),
    Language("fa", "fas", "Persian", scripts=("ARABIC",)),
    Language("fi", "fin", "Finnish"),
    Language("fil", "fil", "Filipino"),
    Language("fr", "fra", "French"),
    Language("hi", "hin", "Hindi", scripts=("DEVANAGARI",)),
    Language("hu", "hun", "Hungarian"),
    Language("id", "ind", "Indonesian"),
    Language("it", "ita", "Italian"),
    Language("ja", "jpn", "Japanese", is_spaced=False, scripts=("CJK", *_KANA)),
    Language("ko", "kor", "Korean", scripts=("HANGUL",)),
    Language("mk", "mkd", "Macedonian", scripts=("CYRILLIC",)),
    Language("ms", "msa", "Malay"),
    Language("nl", "nld", "Dutch"),
    Language("pl", "pol", "Polish"),
    Language("pt", "por", "Portuguese"),
    Language("ro", "ron", "Romanian"),
    Language("ru", "rus", "Russian", scripts=("CYRILLIC",)),
    Language("sv", "swe", "Swedish"),
    Language("th", "tha", "Thai", is_spaced=False, scripts=("THAI",)),
    Language("tr", "tur", "Turkish"),
    Language("vi", "vie", "Vietnamese"),
    Language("yue", "yue", "Cantonese", is_spaced=False, scripts=("CJK",)),
    Language("zh", "zho", "Chinese", is_spaced=False, scripts=("CJK",)),
)

# ISO 639-2/B codes, superseded codes, 639-3 codes of the individual languages meant, and other names.
_ALIASES = {
    "cze": "cs", "ger": "de", "gre": "el", "per": "fa", "pes": "fa", "farsi": "fa", "fre": "fr", "in": "id",
    "mac": "mk", "may": "ms", "zsm": "ms", "dut": "nl", "flemish": "nl", "rum": "ro", "moldovan": "ro",
    "chi": "zh", "cmn": "zh", "mandarin": "zh", "castilian": "es", "tl": "fil", "tgl": "fil",
    "tagalog": "fil", "arb": "ar", "cantonese chinese": "yue",
}  # fmt: skip
_OTHER_ALIASES = {
    "alb": "sq", "arm": "hy", "baq": "eu", "bur": "my", "geo": "ka", "ice": "is", "iw": "he", "ji": "yi",
    "jw": "jv", "mao": "mi", "scc": "sr", "scr": "hr", "slo": "sk", "slovene": "sl", "tib": "bo",
    "wel": "cy",
}  # fmt: skip
# The rest of ISO 639-1, for engines that support them, and others that subtitles come in: code, ISO 639-2/T
# code, English name; then, in capitals, the scripts if it is not Latin alone.
_OTHERS = """
aa aar Afar|ab abk Abkhazian CYRILLIC|af afr Afrikaans|ak aka Akan|am amh Amharic ETHIOPIC|an arg Aragonese
as asm Assamese BENGALI|av ava Avaric CYRILLIC|ay aym Aymara|az aze Azerbaijani LATIN CYRILLIC ARABIC
ba bak Bashkir CYRILLIC|be bel Belarusian CYRILLIC|bg bul Bulgarian CYRILLIC|bi bis Bislama|bm bam Bambara
bn ben Bengali BENGALI|bo bod Tibetan TIBETAN|br bre Breton|bs bos Bosnian LATIN CYRILLIC|ca cat Catalan
ce che Chechen CYRILLIC|ch cha Chamorro|co cos Corsican|cr cre Cree LATIN CANADIAN|cv chv Chuvash CYRILLIC
cy cym Welsh|dv div Divehi THAANA|dz dzo Dzongkha TIBETAN|ee ewe Ewe|eo epo Esperanto|et est Estonian
eu eus Basque|ff ful Fulah|fj fij Fijian|fo fao Faroese|fy fry Western Frisian|ga gle Irish
gd gla Scottish Gaelic|gl glg Galician|gn grn Guarani|gu guj Gujarati GUJARATI|gv glv Manx|ha hau Hausa
he heb Hebrew HEBREW|hr hrv Croatian|ht hat Haitian|hy hye Armenian ARMENIAN|ig ibo Igbo|is isl Icelandic
iu iku Inuktitut LATIN CANADIAN|jv jav Javanese|ka kat Georgian GEORGIAN|kg kon Kongo|ki kik Kikuyu
kk kaz Kazakh CYRILLIC LATIN|kl kal Kalaallisut|km khm Khmer KHMER|kn kan Kannada KANNADA|kr kau Kanuri
ks kas Kashmiri ARABIC DEVANAGARI|ku kur Kurdish LATIN ARABIC|kv kom Komi CYRILLIC|kw cor Cornish
ky kir Kyrgyz CYRILLIC|la lat Latin|lb ltz Luxembourgish|lg lug Ganda|li lim Limburgish|ln lin Lingala
lo lao Lao LAO|lt lit Lithuanian|lu lub Luba-Katanga|lv lav Latvian|mg mlg Malagasy|mh mah Marshallese
mi mri Maori|ml mal Malayalam MALAYALAM|mn mon Mongolian CYRILLIC MONGOLIAN|mr mar Marathi DEVANAGARI
mt mlt Maltese|my mya Burmese MYANMAR|na nau Nauru|nb nob Norwegian Bokmål|nd nde North Ndebele
ne nep Nepali DEVANAGARI|ng ndo Ndonga|nn nno Norwegian Nynorsk|no nor Norwegian|nr nbl South Ndebele
nv nav Navajo|ny nya Chichewa|oc oci Occitan|oj oji Ojibwa LATIN CANADIAN|om orm Oromo|or ori Odia ORIYA
os oss Ossetian CYRILLIC|pa pan Punjabi GURMUKHI ARABIC|ps pus Pashto ARABIC|qu que Quechua|rm roh Romansh
rn run Rundi|rw kin Kinyarwanda|sa san Sanskrit DEVANAGARI|sc srd Sardinian|sd snd Sindhi ARABIC DEVANAGARI
se sme Northern Sami|sg sag Sango|si sin Sinhala SINHALA|sk slk Slovak|sl slv Slovenian|sm smo Samoan
sn sna Shona|so som Somali|sq sqi Albanian|sr srp Serbian CYRILLIC LATIN|ss ssw Swati|st sot Southern Sotho
su sun Sundanese|sw swa Swahili|ta tam Tamil TAMIL|te tel Telugu TELUGU|tg tgk Tajik CYRILLIC
ti tir Tigrinya ETHIOPIC|tk tuk Turkmen|tn tsn Tswana|to ton Tongan|ts tso Tsonga|tt tat Tatar CYRILLIC
tw twi Twi|ty tah Tahitian|ug uig Uyghur ARABIC|uk ukr Ukrainian CYRILLIC|ur urd Urdu ARABIC
uz uzb Uzbek LATIN CYRILLIC|ve ven Venda|wa wln Walloon|wo wol Wolof|xh xho Xhosa|yi yid Yiddish HEBREW
yo yor Yoruba|za zha Zhuang|zu zul Zulu
ae ave Avestan|bh bih Bihari DEVANAGARI|cu chu Church Slavic CYRILLIC|ho hmo Hiri Motu|hz her Herero
ia ina Interlingua|ie ile Interlingue|ii iii Sichuan Yi YI|io ido Ido|kj kua Kuanyama
pi pli Pali DEVANAGARI|sh hbs Serbo-Croatian LATIN CYRILLIC|vo vol Volapük
ast ast Asturian|ceb ceb Cebuano|ckb ckb Central Kurdish ARABIC|cnr cnr Montenegrin LATIN CYRILLIC
gsw gsw Swiss German|haw haw Hawaiian|mni mni Manipuri BENGALI|nds nds Low German|prs prs Dari ARABIC
syr syr Syriac SYRIAC|tet tet Tetum
"""
# What names of subtitle files call a language beyond that, as people, media servers and subtitle sites do:
# codes of countries, regions and scripts, of Bazarr and OpenSubtitles, and the languages' own names.
_IN_NAMES = """
ar arabe العربية|cs cz cesky čeština|da dk dansk|de deutsch|el gr ελληνικά|en usa
es ea esp sp spl spn castellano espanol español latino latam|fa far fsi فارسی|fi suomi|fil tag
fr fc frc francais français vf vff vfi vfq vostfr subfrench truefrench|hi हिन्दी|hu magyar|id indo
it italiano
ja jp jap 日本語 日文|ko kr korea 한국어 한글|mk mkd|ms melayu|nl fle nederlands vlaams|pl polski
pt pb pob pom ptbr br brazil brazilian brasil brasileiro portugues português|ro mo romana română|ru русский
sv se sve svenska|th ไทย|tr türkçe turkce|vi vn viet việt|yue 粤语 粵語
zh cn chn chs cht zhs zht zhc zhe zt ze sc tc hans hant simplified traditional big5 jpsc jptc scjp tcjp
zh zhcn zhtw zhhk 中文 中字 简体 简中 简英 简日 繁体 繁體 繁中 繁英 繁日 中英 中日 双语 雙語 简体中文
zh 繁体中文 繁體中文
bg български|bs ba|cnr me mne|et ee eesti|he עברית|hr cro hrvatski|no norsk|sl slovenski|sq al|sr srb srpski
uk ua українська
"""
_UNSPACED_OTHERS = {"bo", "dz", "km", "lo", "my"}


def _other(row: str) -> Language:
    code, code3, *rest = row.split()
    scripts = tuple(word for word in rest if word.isupper())
    name = " ".join(word for word in rest if not word.isupper())
    return Language(code, code3, name, is_spaced=code not in _UNSPACED_OTHERS, scripts=scripts or ("LATIN",))


def _by_spelling(languages: Iterable[Language], aliases: Mapping[str, str]) -> dict[str, Language]:
    by_spelling = {
        spelling: language
        for language in languages
        for spelling in (language.code, language.code3, language.name.lower())
    }
    return by_spelling | {alias: by_spelling[code] for alias, code in aliases.items()}


_COVERED = _by_spelling(LANGUAGES, _ALIASES)
_BY_SPELLING = _by_spelling(map(_other, _OTHERS.strip().replace("\n", "|").split("|")), _OTHER_ALIASES)
_BY_SPELLING |= _COVERED
_BY_NAME_WORD = _BY_SPELLING | {
    word: _BY_SPELLING[code]
    for code, *words in map(str.split, _IN_NAMES.strip().replace("\n", "|").split("|"))
    for word in words
}


# First words of letters' Unicode names that are not the script's name.
_SCRIPT_OF = {"IDEOGRAPHIC": "CJK", "FULLWIDTH": "LATIN", "HALFWIDTH": "KATAKANA"}
_UNSPACED_SCRIPTS = {"CJK", *_KANA, "THAI"}


@functools.cache
def script(letter: str) -> str:
    """Return the script of a letter (`LATIN`, `HANGUL`, `CJK`), or "" for other characters."""
    if not letter.isalpha():
        return ""
    first = unicodedata.name(letter, "").replace("-", " ").partition(" ")[0]
    return _SCRIPT_OF.get(first, first)


def joint(before: str, after: str) -> str:
    """Return the text between two texts: a space if the scripts of both are written with spaces."""
    return "" if not (before and after) or is_unspaced(before[-1]) or is_unspaced(after[0]) else " "


def joined(texts: Iterable[str]) -> str:
    """Return texts as one, with spaces where the scripts of both neighbours are written with spaces."""
    whole = ""
    for text in texts:
        whole += joint(whole, text) + text
    return whole


def tokens(text: str, is_single: Callable[[str], bool] | None = None) -> list[str]:
    """Return the words of a text between its blanks; characters of scripts without spaces one by one.

    Args:
        text: Blanks are all that is left out.
        is_single: Whether a character stands alone; None asks `is_unspaced`.
    """
    is_alone = is_single or is_unspaced
    found: list[str] = []
    is_open = False
    for char in text:
        if is_open and not char.isspace() and not is_alone(char):
            found[-1] += char
            continue
        is_open = not char.isspace() and not is_alone(char)
        if not char.isspace():
            found.append(char)
    return found


@functools.cache
def is_unspaced(char: str) -> bool:
    """Whether a character belongs to a script that is written without spaces."""
    is_wide_mark = unicodedata.category(char)[0] == "P" and unicodedata.east_asian_width(char) in "WF"
    return is_wide_mark or script(char) in _UNSPACED_SCRIPTS


def find(spelling: str) -> Language | None:
    """Return the language that `spelling` names (ISO 639-1/-2/-3, BCP-47, English name), or None."""
    return _find_in(spelling, _BY_SPELLING)


def find_covered(spelling: str) -> Language | None:
    """Return the same for the languages in `LANGUAGES` only.

    For words that may not be languages: in file names, `is` and `no` hardly ever are.
    """
    return _find_in(spelling, _COVERED)


def find_in_name(word: str) -> Language | None:
    """Return the language that a word in a subtitle file's name stands for, or None.

    `se` is Swedish there, as in most names, and not Northern Sami; `chs` and `zht` are Chinese.
    """
    return _find_in(word, _BY_NAME_WORD)


def _find_in(spelling: str, languages: Mapping[str, Language]) -> Language | None:
    key = spelling.strip().lower()
    return languages.get(key) or languages.get(key.replace("_", "-").split("-")[0])


def parse(spelling: str) -> Language | None:
    """Return the language of a user's spelling, or None for `auto`.

    Raises:
        UsageError: The language is unknown; the hint has the nearest one.
    """
    if spelling.strip().lower() in {AUTO, "", "none"}:
        return None
    language = find(spelling)
    if language is not None:
        return language
    hint = "give an ISO 639 code such as en or an English name"
    nearest = difflib.get_close_matches(spelling.strip().lower(), _COVERED, n=1, cutoff=0.5)
    if nearest:
        guess = _COVERED[nearest[0]]
        hint = f"did you mean {guess.name} ({guess.code})? {hint}"
    raise UsageError(f"no language {spelling!r}", hint, flag="--language")
