"""Subtitles as they were saved before UTF-8: sentences of 40 languages in each of their encodings.

The sentences are those of `unit/languages.toml`, and the short ones below, which sound like a film's.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Three cues of everyday talk each; a language's own letters are in them where it has some.
TALK: dict[str, tuple[str, ...]] = {
    "ar": ("لا أعرف ماذا أفعل.\nانتظر لحظة من فضلك.\nحسنا، سنتحدث لاحقا.",),
    "bg": (
        "Когато пристигнахме на гарата,\nни казаха, че последният влак\nза Пловдив вече е тръгнал.",
        "Не знам какво да правя.\nЧакай малко, моля те.\nДобре, ще говорим по-късно.",
    ),
    "cs": ("Nevím, co mám dělat.\nPočkej chvíli, prosím tě.\nDobře, promluvíme si později.",),
    "da": ("Jeg ved ikke, hvad jeg skal gøre.\nVent lidt, vær sød.\nGodt, vi taler om det på søndag.",),
    "de": ("Ich weiß nicht, was ich tun soll.\nWarte bitte, das wäre schön.\nGut, wir reden später.",),
    "el": ("Δεν ξέρω τι να κάνω.\nΠερίμενε λίγο, σε παρακαλώ.\nΕντάξει, θα μιλήσουμε αργότερα.",),
    "es": ("No sé qué hacer.\n¿Puedes esperar un momento?\nEstá bien, hablaremos mañana.",),
    "et": (
        "Kui me jaama jõudsime,\nöeldi meile, et viimane rong\nTartusse oli juba ammu läinud.",
        "Ma ei tea, mida teha.\nOota natuke, palun.\nHästi, räägime hiljem.",
    ),
    "fa": ("نمي‌دانم چه كار كنم.\nيك لحظه صبر كن، لطفا.\nباشه، بعدا حرف مي‌زنيم.",),
    "fi": ("En tiedä, mitä pitäisi tehdä.\nOdota vähän, pyydän.\nHyvä, puhutaan myöhemmin.",),
    "fr": ("Ça va très bien, merci à tous.\nAttends un peu.\nD'accord, on en parlera après le déjeuner.",),
    "he": (
        "כשהגענו לתחנה נאמר לנו\nשהרכבת האחרונה לחיפה\nכבר יצאה לפני עשר דקות.",
        "אני לא יודע מה לעשות.\nתקשיב לי רגע.\nבסדר, נדבר אחר כך.",
    ),
    "hr": (
        "Kad smo stigli na kolodvor,\nrekli su nam da je posljednji vlak\nveć otišao prije deset minuta.",
        "Ne znam što da radim.\nPričekaj malo, molim te.\nSljedeći put ćemo doći ranije.",
    ),
    "hu": ("Nem tudom, mit tegyek.\nVárj egy kicsit, kérlek.\nJól van, később öt perc és hűvösebb lesz.",),
    "it": ("Non so più cosa fare, perché è tardi.\nAspetta, per favore.\nVa bene, ne parliamo lunedì.",),
    "ja": ("何をすればいいかわからない。\nちょっと待ってください。\nわかった、あとで話そう。",),
    "ko": ("뭐라고 했어?\n잠깐만 기다려 주세요.\n알았어, 나중에 얘기하자.",),
    "lt": (
        "Kai atvykome į stotį,\nmums pasakė, kad paskutinis traukinys\njau išvyko prieš dešimt minučių.",
        "Aš nežinau, ką daryti.\nPalauk truputį, prašau.\nGerai, pakalbėsime vėliau.",
    ),
    "lv": (
        "Kad mēs ieradāmies stacijā,\nmums pateica, ka pēdējais vilciens\njau aizbrauca pirms stundas.",
        "Es nezinu, ko darīt.\nPagaidi mazliet, lūdzu.\nLabi, parunāsim vēlāk.",
    ),
    "mk": ("Не знам што да правам.\nПочекај малку, те молам.\nДобро, ќе зборуваме подоцна.",),
    "nl": ("Ik weet niet wat ik moet doen, Zoë.\nWacht even, één minuut.\nGoed, we praten over België.",),
    "no": ("Jeg vet ikke hva jeg skal gjøre.\nVent litt, vær så snill.\nGreit, vi snakker på søndag.",),
    "pl": ("Nie wiem, co robić.\nZaczekaj chwilę, proszę.\nDobrze, porozmawiamy później.",),
    "pt": ("Não sei o que fazer.\nEspera um pouco, está bem?\nCerto, falamos amanhã então.",),
    "ro": ("Nu ştiu ce să fac.\nAşteaptă puţin, te rog.\nBine, vorbim mai târziu.",),
    "ru": ("Я не знаю, что делать.\nПодожди минутку, пожалуйста.\nХорошо, поговорим позже.",),
    "sk": ("Neviem, čo mám robiť.\nPočkaj chvíľu, prosím ťa.\nDobre, porozprávame sa neskôr.",),
    "sr": ("Не знам шта да радим.\nСачекај мало, молим те.\nЂорђе и Љубица ће доћи касније.",),
    "sv": ("Jag vet inte vad jag ska göra.\nVänta lite, är du snäll.\nBra, vi pratar på söndag.",),
    "th": ("ผมไม่รู้จะทำยังไงดี\nรอสักครู่นะครับ\nโอเค ไว้คุยกันทีหลัง",),
    "tr": ("Ne yapacağımı bilmiyorum.\nBiraz bekle, lütfen.\nTamam, sonra konuşuruz, söz.",),
    "uk": ("Я не знаю, що робити.\nПочекай хвилинку, будь ласка.\nЩе є її батько і мій брат.",),
    "vi": ("Tôi không biết phải làm gì.\nLàm ơn đợi một chút.\nĐược rồi, nói chuyện sau nhé.",),
    "yue": ("我唔知點算好。\n等一陣先啦。\n好啦，遲啲再講。",),
    "zh": ("我不知道该怎么办。\n请等一下。\n好吧，我们晚点再说。",),
    "zh-hant": (
        "我們到達車站的時候，\n工作人員告訴我們\n最後一班去高雄的火車已經開走了。",
        "我不知道該怎麼辦。\n請等一下。\n好吧，我們晚一點再說。",
    ),
}
_CENTRAL, _BALTIC = ("cp1250", "iso8859_2"), ("cp1257", "iso8859_13")
ENCODINGS: dict[str, tuple[str, ...]] = {
    "ar": ("cp1256", "iso8859_6"),
    "bg": ("cp1251",),
    "el": ("cp1253", "iso8859_7"),
    "et": ("cp1257", "cp1252"),
    "fa": ("cp1256",),
    "he": ("cp1255", "iso8859_8"),
    "ja": ("cp932", "euc_jp", "iso2022_jp"),
    "ko": ("cp949", "iso2022_kr"),
    "mk": ("cp1251",),
    "ro": _CENTRAL,
    "ru": ("cp1251", "koi8_r", "cp866", "iso8859_5"),
    "sr": ("cp1251",),
    "th": ("cp874", "tis_620"),
    "tr": ("cp1254", "iso8859_9"),
    "uk": ("cp1251", "koi8_u"),
    "vi": ("cp1258",),
    "yue": ("big5hkscs",),
    "zh": ("gb18030", "hz"),
    "zh-hant": ("cp950",),
    **dict.fromkeys(("cs", "hr", "hu", "pl", "sk"), _CENTRAL),
    **dict.fromkeys(("lt", "lv"), _BALTIC),
    **dict.fromkeys(("da", "de", "es", "fi", "fr", "it", "nl", "no", "pt", "sv"), ("cp1252", "iso8859_15")),
}
_TONES = "\u0300\u0301\u0303\u0309\u0323"  # CP1258 has them as characters of their own


@dataclass(frozen=True, slots=True)
class LegacyFile:
    """An SRT file in an old encoding; `text` is what must be read."""

    language: str
    encoding: str
    is_long: bool
    text: str
    raw: bytes


def files() -> Iterator[LegacyFile]:
    """Yield each sentence as a file of a few cues, and all sentences of a language as a longer one."""
    for language, encodings in ENCODINGS.items():
        texts = [*_sentences().get(language, ()), *TALK.get(language, ())]
        for encoding in encodings:
            fitting = [_fitting(text, encoding) for text in texts]
            for is_long, text in [*((False, one) for one in fitting), (True, "\n".join(fitting))]:
                whole = srt(text)
                raw = whole.encode(encoding)
                if not raw.isascii() or b"\x1b" in raw or encoding == "hz":
                    read = unicodedata.normalize("NFC", whole) if encoding == "cp1258" else whole
                    yield LegacyFile(language, encoding, is_long, read, raw)


def _sentences() -> dict[str, list[str]]:
    path = Path(__file__).parent / "unit/languages.toml"
    rows = tomllib.loads(path.read_text("utf-8"))
    return {
        code: [re.sub(r"\s*[|/]\s*", "\n", one["shown"]) for one in shown] for code, shown in rows.items()
    }


def srt(text: str) -> str:
    """Return a text as SRT, one cue a line."""
    cues = (
        f"{number}\n00:00:{3 * number:02d},000 --> 00:00:{3 * number + 2:02d},500\n{line}\n"
        for number, line in enumerate(text.split("\n")[:18], 1)
    )
    return "\n".join(cues)


def _fitting(text: str, encoding: str) -> str:
    """Return a text in the spelling of an encoding, without the characters that it lacks."""
    if encoding == "cp1258":
        text = "".join(map(_apart, text))
    if encoding in {"cp1250", "iso8859_2"}:
        text = text.translate(str.maketrans("șțȘȚ", "şţŞŢ"))
    if encoding == "cp1256":
        text = text.translate(str.maketrans("یک", "يك"))
    return text.encode(encoding, "ignore").decode(encoding)


def _apart(char: str) -> str:
    """Return a Vietnamese letter with its tone apart."""
    marks = unicodedata.normalize("NFD", char)
    tone = next((mark for mark in marks if mark in _TONES), "")
    try:
        char.encode("cp1258")
    except UnicodeEncodeError:
        return unicodedata.normalize("NFC", marks.replace(tone, "")) + tone if tone else char
    return char
