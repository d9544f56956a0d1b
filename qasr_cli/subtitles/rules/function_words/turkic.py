"""Function words of Turkish: data, no logic.

Postpositions, question particles and the verbs that make one of a noun (`etmek`, `olmak`) trail.
"""

from __future__ import annotations

from qasr_cli.subtitles.rules.function_words.kinds import words

WORDS = {
    "tr": words(
        leaning="""
            bir bu şu o her hiç çok en daha pek ben sen biz siz onlar benim senin onun bizim sizin onların
            bazı birkaç bütün tüm hangi böyle öyle sadece yalnızca tam bay bayan sayın dr. prof. fazla az
        """,
        conjunctions="""
            ve veya ya ama fakat ancak çünkü yoksa eğer hem ne lakin oysa halbuki üstelik ayrıca zira şayet
            yani
        """,
        abbreviations="""
            dr. prof. doç. av. sn. bkz. vb. vs. örn. yy. sok. cad. mah. no. tel. st. alb. bşk. mr. a.ş. ltd.
            şti. m.ö. m.s. s. ss. çev. haz. yrd.
        """,
        trailing="""
            mi mı mu mü misin mısın musun müsün miyim mıyım muyum müyüm miyiz mıyız midir mıdır mudur müdür da
            de ki ile için gibi kadar göre karşı doğru önce sonra beri rağmen dolayı ötürü üzere itibaren
            boyunca diye ise değil var yok olarak olan olduğu olduğunu oldu olur etmek etti ediyor eder edecek
            eden ederek edildi etmeye giden gelen yapan bulunan veren alan çıkan kalan dolu
        """,
    ),
}
