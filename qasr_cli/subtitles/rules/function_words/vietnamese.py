"""Function words of Vietnamese: data, no logic.

Every syllable is written as a word, and most words have two: without a dictionary a break may still part
them. The lists keep it to where a phrase begins as often as they can.
"""

from __future__ import annotations

from qasr_cli.subtitles.rules.function_words.kinds import words

WORDS = {
    "vi": words(
        leaning="""
            một các những mọi mỗi cái con chiếc cuốn bức tấm không chưa chẳng đừng đã đang sẽ vừa mới cũng vẫn
            còn rất quá hơi tôi mình ta chúng nó họ anh chị em ông bà cô bạn có bị được phải cần muốn là hai
            ba bốn năm sáu bảy tám chín mười vài nhiều càng cuối chuyến ngôi hơn
        """,
        prepositions="""
            ở tại trong ngoài trên dưới từ đến tới cho với bằng về của qua theo giữa trước sau như vào bên đối
        """,
        conjunctions="và hoặc hay nhưng mà nếu khi vì bởi do nên thì rằng để tuy dù song",
        abbreviations="ts. ths. gs. pgs. bs. tp. q. p. v.v. tr. tx. ks. đ.",
        trailing="này kia đó ấy nữa rồi lắm nhé ạ nhỉ à ư luôn thôi",
    ),
}
