"""Which text the bytes of a subtitle file are, how sure that is, and what is refused."""

from __future__ import annotations

import codecs
import random

import pytest

from qasr_cli.errors import UndecodableError, UsageError
from qasr_cli.formats.readers import captions, encodings
from tests import legacy_texts
from tests.bench.encodings import read_by_qasr
from tests.unit.test_formats_captions import SRT


class TestBytes:
    KOREAN = SRT.replace("Good <i>morning</i>.", "안녕하세요. 오늘은 날씨가 좋습니다.")
    FRENCH = SRT.replace("Good <i>morning</i>.", "Ça va très bien, merci à tous.")
    JAPANESE = SRT.replace("Good <i>morning</i>.", "今日はとても天気がいいですね")
    CHINESE = SRT.replace("Good <i>morning</i>.", "我们今天来看一看这个问题")
    RUSSIAN = SRT.replace("Good <i>morning</i>.", "Здравствуйте, как дела?")

    @pytest.mark.parametrize(
        ("raw", "encoding", "is_guess"),
        [
            (KOREAN.encode(), "utf-8", False),
            (codecs.BOM_UTF8 + KOREAN.encode(), "utf-8", False),
            (KOREAN.encode("utf-16"), "utf-16-le", False),
            (codecs.BOM_UTF16_BE + KOREAN.encode("utf-16-be"), "utf-16-be", False),
            (KOREAN.encode("utf-32"), "utf-32-le", False),
            (FRENCH.encode("utf-16-le"), "utf-16-le", True),
            (KOREAN.encode("cp949"), "cp949", True),
            (FRENCH.encode("cp1252"), "cp1252", True),
            (JAPANESE.encode("cp932"), "cp932", True),
            (CHINESE.encode("gb18030"), "gb18030", True),
            (RUSSIAN.encode("cp1251"), "cp1251", True),
            (RUSSIAN.encode("koi8_r"), "koi8_r", True),
            (JAPANESE.encode("euc_jp"), "euc_jp", True),
            (JAPANESE.encode("iso2022_jp"), "iso2022_jp", True),
            (KOREAN.encode("utf-16-be"), "utf-16-be", True),
        ],
    )
    def test_encodings_are_told_and_guesses_are_called_so(
        self, raw: bytes, encoding: str, is_guess: bool
    ) -> None:
        found = captions.read(raw, "x.srt")
        assert (found.encoding, found.is_guess, found.faults) == (encoding, is_guess, ())
        assert any(
            text in found.captions[0].lines[0]
            for text in ("안녕", "Ça va très", "今日は", "我们今天", "Здравствуйте")
        )

    def test_what_cannot_be_told_is_asked_for(self) -> None:
        raw = SRT.replace("Good <i>morning</i>.", "Да").replace("Yes", "Да").encode("cp1251")
        with pytest.raises(UndecodableError, match="neither UTF-8 nor") as raised:
            captions.read(raw, "x.srt")
        assert "--encoding" in raised.value.hint
        assert captions.read(raw, "x.srt", "cp1251").captions[0].lines == ("Да",)
        with pytest.raises(UsageError, match="no such encoding"):
            captions.read(raw, "x.srt", "cp0815")

    @pytest.mark.parametrize(
        ("encoding", "language", "is_likely"),
        [
            ("cp1252", "de", True),
            ("cp1252", "fil", True),
            ("cp1252", "pl", False),
            ("cp1252", "tr", False),
            ("cp1252", None, False),
            ("cp949", None, True),
        ],
    )
    def test_a_guess_of_cp1252_is_one_for_western_languages(
        self, encoding: str, language: str | None, is_likely: bool
    ) -> None:
        assert encodings.is_likely(encoding, language) == is_likely

    def test_what_may_be_another_encoding_is_read_as_each(self) -> None:
        said = encodings.readings("wiêcej þu €", "cp1252")
        assert said == ["wiêcej þu €", "więcej ţu €", "wiêcej şu €"]
        assert encodings.readings("한", "cp949") == ["한"]

    def test_zero_bytes_after_a_text_leave_it_a_text(self) -> None:
        found = captions.read(self.KOREAN.encode() + b"\x00" * 9, "x.srt")
        assert (found.encoding, found.captions[1].lines) == ("utf-8", ("Yes", "\x00" * 9))

    def test_half_a_character_is_no_text(self) -> None:
        with pytest.raises(UndecodableError, match="not a text in unicode_escape"):
            captions.read(SRT.encode() + rb"\ud800", "x.srt", "unicode_escape")

    def test_lines_of_another_encoding_are_counted_as_lost(self) -> None:
        raw = (self.KOREAN * 3).encode() + "\n9\n00:00:09,000 --> 00:00:10,000\nCafé\n".encode("cp1252")
        found = captions.read(raw, "x.srt")
        assert (found.encoding, found.is_guess) == ("utf-8", False)
        assert (found.faults[0].line, found.faults[0].is_fixable) == (0, False)
        assert "1 character is not UTF-8" in found.faults[0].text

    @pytest.mark.parametrize(
        ("raw", "says"),
        [
            (b"", "empty"),
            (b"\xef\xbb\xbf \n", "no subtitles"),
            (b"\n \n\x00", "empty"),
            (b"hello\n", "no subtitles"),
            (b"WEBVTT\n", "no subtitles"),
            (b"1\nsoon --> later\nx\n", "line 2 has no readable times"),
            (bytes(range(256)) * 64, "not a text file"),
            (SRT.encode() + b"more " * 5_000, "line 5: a caption of 25,002 characters"),
            (b"WEBVTT\n\n00:01.000 --> 00:02.000\n" + b"<" * 300_000, "a caption of 300,000 characters"),
            (b"x" * (captions.MAX_TEXT_BYTES + 1), "larger than 10 MB"),
            (b"{" + b" " * captions.MAX_JSON_BYTES, "larger than 64 MB"),
            (b"{}", "no schema"),
        ],
    )
    def test_what_is_no_subtitle_file_is_refused(self, raw: bytes, says: str) -> None:
        with pytest.raises(UndecodableError, match=says):
            captions.read(raw, "x.srt")


def test_a_decoded_text_has_no_mark() -> None:
    assert encodings.decode(codecs.BOM_UTF8 + b"a").text == "a"
    assert encodings.decode(codecs.BOM_UTF8 + b"a", "utf-8").text == "a"


class TestLegacyTexts:
    """Files as they were saved before UTF-8; `python -m tests.bench.encodings` compares libraries on them."""

    FILES = tuple(legacy_texts.files())

    def test_the_corpus_is_whole(self) -> None:
        assert len(self.FILES) > 250
        assert len({file.language for file in self.FILES}) >= 35
        assert len({file.encoding for file in self.FILES}) >= 28

    def test_each_file_of_a_few_cues_is_read_as_it_was_saved(self) -> None:
        wrong = [
            (file.language, file.encoding, file.text[30:60])
            for file in self.FILES
            if read_by_qasr(file.raw) != file.text
        ]
        assert wrong == []

    def test_the_right_language_in_the_name_does_no_harm(self) -> None:
        wrong = [file.encoding for file in self.FILES if read_by_qasr(file.raw, file.language) != file.text]
        assert wrong == []

    @pytest.mark.parametrize("known", ["ko", "ja", "zh-hans", "ru", "el", "th", "he", "ar"])
    def test_a_wrong_language_in_the_name_wins_only_where_the_text_could_be_either(self, known: str) -> None:
        short = [file for file in self.FILES if not file.is_long]
        wrong = [file.language for file in short if read_by_qasr(file.raw, known) != file.text]
        assert len(wrong) <= 0.02 * len(short)

    @pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
    def test_wide_text_without_a_mark_is_read(self, encoding: str) -> None:
        texts = {file.text for file in self.FILES}
        assert [text for text in texts if read_by_qasr(text.encode(encoding)) != text] == []
        bare = {"\n".join(talk) for talk in legacy_texts.TALK.values()}
        assert [text for text in bare if read_by_qasr(text.encode(encoding)) != text] == []

    def test_a_language_in_the_name_decides_what_letters_cannot(self) -> None:
        raw = "1\n00:00:01,000 --> 00:00:02,000\n♪♪\n".encode("cp949")
        with pytest.raises(UndecodableError, match="neither UTF-8 nor"):
            captions.read(raw, "film.srt")
        for name, language in (("film.ko.srt", None), ("Film_Korean.srt", None), ("film.srt", "ko")):
            found = captions.read(raw, name, language=language)
            assert (found.captions[0].lines, found.encoding, found.is_guess) == (("♪♪",), "cp949", True)

    @pytest.mark.parametrize(
        ("name", "known"),
        [
            ("film.ko.srt", ("ko",)),
            ("film.chs.srt", ("zh-hans",)),
            ("film.zh-TW.srt", ("zh-hant", "zh", "tw")),
            ("film.cht&eng.ass", ("zh-hant", "en")),
            ("film [kor].smi", ("ko",)),
            ("2_Korean.srt", ("ko",)),
            ("film.pl.forced.srt", ("pl",)),
            ("film.jp.srt", ("ja",)),
            ("film.kr.smi", ("ko",)),
            ("film.pob.srt", ("pt",)),
            ("film_한국어.srt", ("ko",)),
            ("film.srt", ()),
        ],
    )
    def test_what_a_name_says_of_the_language(self, name: str, known: tuple[str, ...]) -> None:
        assert encodings.languages_of(name) == known

    @pytest.mark.parametrize(
        "text", ["naïve résumé, that is all", "“Hello” – it’s", "10 °C", "Café", "Grüß Gott"]
    )
    def test_a_few_accents_are_western(self, text: str) -> None:
        found = encodings.decode(text.encode("cp1252"))
        assert (found.text, found.is_guess) == (text, True)

    @pytest.mark.parametrize(
        ("text", "encoding"),
        [
            ("Πού είναι ο άνθρωπος;\nΔεν ξέρω, Άννα.", "iso8859_7"),
            ("Πού είναι ο άνθρωπος;\nΔεν ξέρω, Άννα.", "cp1253"),
            ("Ma sœur a bon cœur, voilà.", "iso8859_15"),
            ("Une ½ heure, 1½ h, et l´eau est là.", "cp1252"),
        ],
    )
    def test_a_sign_among_letters_tells_encodings_with_the_same_letters_apart(
        self, text: str, encoding: str
    ) -> None:
        assert encodings.decode(text.encode(encoding)).text == text

    @pytest.mark.parametrize(
        ("name", "text", "encoding"),
        [
            ("film.th.srt", "ใช่", "cp874"),
            ("film.gr.srt", "Ναι.", "cp1253"),
            ("film.heb.srt", "כן", "cp1255"),
            ("film.cht.srt", "是", "big5"),
            ("film.jp.srt", "元気？", "cp932"),
            ("film.jp.srt", "ちょっと待って！", "euc_jp"),
            ("film.zh.srt", "是", "big5"),
            ("film.zh.srt", "是", "gb18030"),
        ],
    )
    def test_a_word_in_the_script_of_the_named_language_is_read(
        self, name: str, text: str, encoding: str
    ) -> None:
        raw = legacy_texts.srt(text).encode(encoding)
        assert text in captions.decode(raw, name).text

    @pytest.mark.parametrize("cut", ["lost", "added", "end"])
    def test_a_damaged_text_is_read_but_for_its_damage(self, cut: str) -> None:
        raw = legacy_texts.srt("\n".join(legacy_texts.TALK["ko"])).encode("cp949")
        at = raw.index("뭐라고".encode("cp949")) + 2
        broken = {
            "lost": raw[:at] + raw[at + 1 :],
            "added": raw[:at] + b"\xff" + raw[at:],
            "end": raw + b"\xb0",
        }
        found = encodings.decode(broken[cut])
        assert (found.encoding, found.n_broken, "기다려" in found.text) == ("cp949", 1, True)

    def test_bytes_of_no_encoding_are_refused_rather_than_read_as_letters(self) -> None:
        for seed in range(20):
            noise = random.Random(seed).randbytes(400).replace(b"\x00", b"\x80")
            raw = bytes(byte | 0x80 for byte in noise)
            with pytest.raises(UndecodableError):
                encodings.decode(raw)

    def test_the_encoding_that_a_page_names_is_believed_if_it_can_be_wrong(self) -> None:
        page = "<SAMI><META charset={}><BODY><SYNC Start=1><P Class=KRCC>♪♪</BODY></SAMI>"
        raw = page.format("euc-kr").encode("cp949")
        found = captions.read(raw, "a.smi")
        assert (found.captions[0].lines, found.encoding, found.is_guess) == (("♪♪",), "cp949", False)
        with pytest.raises(UndecodableError):
            captions.read(page.format("iso-8859-1").encode("cp949"), "a.smi")

    @pytest.mark.parametrize(
        "name", ["utf-16", "UTF_16LE", "utf-32", "utf-8-sig", "utf-7", "EUC-KR", "big5", "latin-1"]
    )
    def test_each_encoding_of_text_may_be_named(self, name: str) -> None:
        encodings.require_known(name)
        assert encodings.decode("Hello".encode(name), name).text == "Hello"

    @pytest.mark.parametrize(
        ("name", "near"),
        [
            ("latn1", "latin1"),
            ("cp0815", "cp8"),
            ("euckr2", "euckr"),
            ("rot13", "utf-8"),
            ("base64", "use utf-8"),
            ("\x00", "utf-8"),
        ],
    )
    def test_a_wrong_name_is_a_usage_error_with_the_nearest_ones(self, name: str, near: str) -> None:
        with pytest.raises(UsageError, match="no such encoding") as raised:
            encodings.require_known(name)
        assert near in raised.value.hint
        assert raised.value.flag == "--encoding"

    @pytest.mark.parametrize("name", ["utf-16", "UTF-16LE", "utf-32", "utf-7", "cp949", "utf-8-sig"])
    def test_encodings_of_several_bytes_a_character_are_known(self, name: str) -> None:
        encodings.require_known(name)
