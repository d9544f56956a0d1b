"""Function words of Finnish and Hungarian: data, no logic.

Both put what English says with prepositions after the noun: it trails.
"""

from __future__ import annotations

from qasr_cli.subtitles.rules.function_words.kinds import words

WORDS = {
    "fi": words(
        leaning="""
            en et ei emme ette eivät älä älkää minä sinä hän se me te he ne tämä tuo nämä nuo minun sinun
            hänen meidän teidän heidän sen tämän tuon on ovat oli olen olet olemme olette olivat olin ole
            ollut olisi voi voin pitää täytyy saa hyvin erittäin todella liian niin kaikki joka jokainen yksi
            herra rouva tri prof. näin yhtä melko enemmän vähemmän
        """,
        prepositions="ilman ennen kohti keskellä lähellä pitkin noin",
        conjunctions="""
            ja tai mutta vaan että jos kun koska kuin vaikka sekä eli sillä joten jotta kunnes jotka jonka
            jossa josta johon jota joille jolla jolta joita mikä mitä missä mistä mihin miten miksi kuka eikä
            enkä
        """,
        abbreviations="""
            esim. ym. yms. jne. mm. ns. n. nro. klo. s. t. v. ko. ks. vrt. eaa. jaa. os. puh. tri. prof.
            maist. dipl.ins. milj. mrd. huom. tms. em. hra. rva. synt.
        """,
        trailing="""
            kanssa jälkeen aikana kautta takia vuoksi mukaan puolesta luona luokse luota alla alle alta päällä
            päälle päältä edessä eteen edestä takana taakse takaa vieressä viereen välillä väliin välistä läpi
            ympärillä ympäri sisällä sisään ulkopuolella lisäksi sijaan avulla kuluttua vastaan varten suhteen
            johdosta perusteella joukossa mielestä ohi
        """,
    ),
    "hu": words(
        leaning="""
            a az egy ez ezek azok én te ő mi ti ők minden egyik másik néhány sok több nem ne se csak nagyon
            túl elég legtöbb ilyen olyan nincs volna dr. prof.
        """,
        conjunctions="""
            és s vagy de hogy ha mert mint mivel amikor mikor ami amely aki ahol ahová ahogy amit amelyet akit
            akik amik amelyek amiért míg amíg tehát ezért hiszen noha bár valamint hanem azonban miután
            mielőtt nehogy sőt
        """,
        abbreviations="""
            dr. prof. ifj. id. kb. pl. stb. ún. vö. ill. ui. br. özv. sz. old. ld. kft. rt. zrt. bt. szt. u.
            ker. tel. max. min. jan. febr. márc. ápr. jún. júl. aug. szept. okt. nov. dec. i.e. i.sz.
        """,
        trailing="""
            is alatt alól alá fölött felett fölé mellett mellé mellől előtt elé elől mögött mögé mögül között
            közé közül után óta szerint miatt helyett nélkül ellen iránt felé felől körül át keresztül kívül
            belül múlva révén által számára részére során kapcsán esetén
        """,
    ),
}
