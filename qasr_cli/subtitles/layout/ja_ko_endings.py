"""Break costs from word endings: Japanese and Korean.

In go the texts before and after a break; out come costs on the scale of `break_costs`. In Japanese a phrase
is a content word with its particles, in Korean a word is: the ending before the break shows how closely it
belongs to the next one.
"""

from __future__ import annotations

from qasr_cli.subtitles.rules.function_words import word_set

_BEFORE_BOUND, _ADNOMINAL, _NOUN_BEFORE_NOUN, _AFTER_NO, _AFTER_PARTICLE = 10.0, 4.5, 4.2, 3.8, 2.8
_AFTER_ADVERB = 6.5  # and after a determiner: they belong to the next phrase
_JAPANESE_CLOSING = frozenset("はがをにでともへてばりらし")  # particles and endings that close a phrase
_JAPANESE_JOINING = frozenset("のや")  # particles that join it to the next
_JAPANESE_ADNOMINAL = frozenset("たるいなうくすむぐぶつ")  # a verb or an adjective that describes the next
# Words in kana that hang on the phrase before them: について, という, ている, ことが.
_JAPANESE_BOUND = tuple(
    word_set(
        """
        つい よっ とっ おい いう いっ いる いま いた しま なる なっ なり こと ため よう もの とき ところ ある
        あり ない なく ござ くだ ほし みる みた おく おき おり できる でき すぎ だけ まで から より
        """
    )
)
_JAPANESE_ADVERBS = word_set(
    "とても すごく かなり もっと あまり 少し もう まだ ずっと 最も 一番 この その あの"
)


def japanese_cost(before: str, after: str) -> float:
    """Return the cost of a break between two phrases, or parts of them."""
    last = before[-1]
    if after.startswith(_JAPANESE_BOUND):
        return _BEFORE_BOUND
    if before in _JAPANESE_ADVERBS:
        return _AFTER_ADVERB
    if last in _JAPANESE_CLOSING:
        return _AFTER_PARTICLE
    if last in _JAPANESE_JOINING:
        return _AFTER_NO
    return _ADNOMINAL if last in _JAPANESE_ADNOMINAL else _NOUN_BEFORE_NOUN


# The ending of a Korean word shows how closely it belongs to the next. A connective ending closes a clause, a
# particle a phrase; a word that ends in ㄴ or ㄹ otherwise is an adnominal (새로운, 옮길), and one without an
# ending is a noun before a noun, a number or a determiner (음성 인식, 몇 초).
_KOREAN_CONNECTIVE = tuple(word_set("지만 는데 은데 니까 면서 면 거나 므로 려고 도록 더니 고 서 며"))
_KOREAN_PLACE = ("에서", "께서", "로서")  # particles that only look like a connective
_KOREAN_WHEN = word_set("때 후 뒤 전 동안 이후 다음 경우")  # after an adnominal: "when", a clause of its own
_KOREAN_PARTICLES = frozenset("이가를에로와과도만께나데게요다록려러자지")
_KOREAN_LONG_PARTICLES = tuple(word_set("한테 부터 까지 처럼 보다 마다 조차 마저 랑 밖에"))
_KOREAN_DOUBTFUL = frozenset("은는을")  # particle or adnominal
# Auxiliaries and dependent nouns, which hang on the word before them.
_KOREAN_BOUND = tuple(word_set("있 없 싶 않 버렸 버리 때문 것"))
_KOREAN_BOUND_WORDS = word_set("수 줄 거 게 걸 듯 척 채 뿐 만큼 못했다 합니다 했습니다 됩니다 주세요 보세요")
_KOREAN_CLAUSE, _KOREAN_CLOSED, _KOREAN_MAYBE_CLOSED = 2.2, 3.0, 3.8
_KOREAN_BARE, _KOREAN_ADNOMINAL, _KOREAN_BEFORE_BOUND = 5.5, 7.0, 7.5
_FINAL_N, _FINAL_L = 4, 8  # place of ㄴ and ㄹ among the 28 finals of a Hangul syllable (Unicode 3.12)


def korean_cost(before: str, after: str) -> float:
    """Return the cost of a break between two words."""
    last = before[-1]
    if after.startswith(_KOREAN_BOUND) or after.rstrip(".,?!") in _KOREAN_BOUND_WORDS:
        return _KOREAN_BEFORE_BOUND
    if before in _KOREAN_WHEN:
        return _KOREAN_CLAUSE
    if len(before) > 1 and before.endswith(_KOREAN_CONNECTIVE):
        return _KOREAN_CLOSED if before.endswith(_KOREAN_PLACE) else _KOREAN_CLAUSE
    if len(before) > 1 and (last in _KOREAN_PARTICLES or before.endswith(_KOREAN_LONG_PARTICLES)):
        return _KOREAN_CLOSED
    if len(before) > 1 and last in _KOREAN_DOUBTFUL:
        return _KOREAN_MAYBE_CLOSED
    is_adnominal = (ord(last) - ord("가")) % 28 in {_FINAL_N, _FINAL_L} or last == "의" or len(before) == 1
    return _KOREAN_ADNOMINAL if is_adnominal else _KOREAN_BARE
