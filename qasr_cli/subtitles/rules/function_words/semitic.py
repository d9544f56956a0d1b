"""Function words of Arabic: data, no logic.

`و` (and) and short prepositions are written as part of the next word, which only a dictionary could see.
"""

from __future__ import annotations

from qasr_cli.subtitles.rules.function_words.kinds import words

WORDS = {
    "ar": words(
        leaning="""
            هذا هذه هؤلاء ذلك تلك أولئك كل بعض جميع أي أنا أنت أنتم هو هي هم نحن هما لا لم لن ليس ليست ما قد
            لقد سوف كان كانت كانوا يكون تكون إن أن غير سيد د. أ. أكثر أقل
        """,
        prepositions="""
            من إلى على في عن مع بين عند حتى منذ خلال حول ضد بعد قبل فوق تحت أمام وراء خلف دون بدون نحو لدى مثل
            عبر
        """,
        conjunctions="""
            أو أم ثم لكن ولكن بل أن إن لأن الذي التي الذين اللذين اللواتي إذا إذ لو عندما حين حينما بينما كما
            حيث كي لكي حتى وأن وإن لذلك كيف لماذا متى أين هل
        """,
        abbreviations="د. أ. م. ص. ت. هـ. إلخ.",
    ),
}
