"""Function words of Indonesian, Malay and Filipino: data, no logic.

Demonstratives follow their noun in Indonesian and Malay; Filipino particles and short pronouns follow the
first word of their clause. Of its `na`, a linker or "already", the latter is assumed.
"""

from __future__ import annotations

from qasr_cli.subtitles.rules.function_words.kinds import words

WORDS = {
    "id": words(
        leaning="""
            saya aku kamu anda dia ia beliau kami kita mereka tidak tak bukan belum jangan sudah telah sedang
            akan masih bisa dapat harus boleh ingin mau para sang si sebuah seorang suatu setiap semua seluruh
            banyak beberapa sangat lebih paling terlalu hanya adalah ialah pak bu bapak ibu kereta terima
            tanggung
        """,
        prepositions="""
            di ke dari pada kepada dalam dengan untuk oleh tentang bagi antara tanpa terhadap sejak sampai
            hingga menurut melalui seperti selama sebelum sesudah setelah demi sebagai sekitar mengenai
            daripada
        """,
        conjunctions="""
            dan atau tetapi tapi namun karena sebab jika kalau bila ketika saat sementara meskipun walaupun
            agar supaya bahwa yang sehingga maka lalu kemudian serta melainkan sedangkan apabila padahal
            seolah apakah bagaimana mengapa
        """,
        abbreviations="""
            dr. drs. prof. ir. bpk. sdr. jl. no. dll. dsb. dst. tsb. yth. hlm. rp. a.n. s.d. dkk. tn. ny.
            jend. kol.
        """,
        trailing="ini itu tersebut pun juga lagi saja",
    ),
    "ms": words(
        leaning="""
            saya aku kamu awak anda dia ia beliau kami kita mereka tidak tak bukan belum jangan sudah telah
            sedang akan masih boleh dapat harus perlu mesti ingin mahu para sang si sebuah seorang suatu
            setiap semua seluruh banyak beberapa sangat lebih paling terlalu hanya ialah adalah encik cik puan
            tuan datuk dato kereta terima tanggung
        """,
        prepositions="""
            di ke dari pada kepada dalam dengan untuk oleh tentang bagi antara tanpa terhadap sejak sampai
            hingga mengikut melalui seperti selama sebelum selepas demi sebagai sekitar mengenai daripada
            semasa bersama
        """,
        conjunctions="""
            dan atau tetapi tapi namun kerana sebab jika kalau bila apabila ketika sementara meskipun walaupun
            agar supaya bahawa yang sehingga maka lalu kemudian serta manakala sedangkan padahal seolah
            bagaimana mengapa
        """,
        abbreviations="""
            dr. prof. ir. en. pn. jln. no. dll. dsb. dst. hlm. rm. kol. jen. sdn. bhd. tn. spt.
        """,
        trailing="ini itu tersebut pun juga lagi sahaja saja",
    ),
    "fil": words(
        leaning="""
            ang si sina mga isang bawat hindi wala walang may mayroon mayroong huwag ay ating aming kanyang
            kanilang iyong inyong aking itong mas sobrang dapat puwede pwede gusto gustong lahat dr. g. gng.
            bb. huling unang ibang
        """,
        prepositions="""
            sa ng ni nina kay kina para mula hanggang tungkol ayon laban bilang tulad gaya
        """,
        conjunctions="""
            at o pero ngunit subalit kung kapag pag dahil sapagkat habang nang upang kaya kundi bagaman kahit
            maging saka samantalang bago pagkatapos
        """,
        abbreviations="""
            g. gng. bb. dr. dra. prof. atty. hal. atbp. sta. sto. engr. gov. sen. rep. blg. kgg.
        """,
        trailing="""
            na pa ba po ho din rin daw raw lang lamang naman nga pala yata kasi muna sana ko mo niya namin
            natin ninyo nila ka ako
        """,
    ),
}
