"""Function words of French, Spanish, Italian, Portuguese and Romanian: data, no logic.

Romanian possessives follow their noun, so they trail.
"""

from __future__ import annotations

from qasr_cli.subtitles.rules.function_words.kinds import words

WORDS = {
    "fr": words(
        leaning="""
            le la les l' un une des du de d' mon ma mes ton ta tes son sa ses notre nos votre vos leur leurs
            ce cet cette ces je j' tu il elle on nous vous ils elles me te se m' t' s' ne n' y en lui suis
            es est sommes êtes sont était étaient ai as a avons avez ont avait avaient sera serait peut pas
            très plus m. mme mlle dr chaque quelques aucun aucune
        """,
        prepositions="""
            à au aux avec chez contre dans de depuis derrière dès devant en entre envers hors jusque jusqu'à
            malgré par parmi pendant pour sans sauf selon sous sur vers près loin autour auprès afin
        """,
        conjunctions="""
            et ou mais donc or ni car que qu' qui quand lorsque comme si parce puisque quoique dont où afin
            tandis
        """,
        abbreviations="m. mm. mme. dr. prof. etc. p. ex. cf. env. av. bd. st.",
    ),
    "es": words(
        leaning="""
            el la los las lo un una unos unas mi mis tu tus su sus nuestro nuestra nuestros nuestras este
            esta estos estas ese esa esos esas aquel aquella yo tú él ella usted nosotros ellos ellas
            ustedes me te se nos le les soy es son era eran fue fueron ser está están estaba estaban he ha
            han había habían puede pueden debe no muy más cada sr. sra. dr.
        """,
        prepositions="""
            a al ante bajo con contra de del desde durante en entre hacia hasta mediante para por según sin
            sobre tras cerca lejos dentro fuera encima debajo alrededor antes después junto delante detrás
            además
        """,
        conjunctions="""
            y e o u pero sino aunque porque pues que si cuando donde como mientras quien quienes cual cuyo
            cuya ni
        """,
        abbreviations="sr. sra. srta. dr. dra. ud. uds. etc. p.ej. ej. núm. pág. ee.uu. av. prof.",
    ),
    "it": words(
        leaning="""
            il lo la i gli le l' un uno una un' mio mia miei mie tuo tua suo sua suoi sue nostro nostra
            nostri nostre vostro vostra loro questo questa questi queste quello quella quel quei io tu lui
            lei noi voi mi ti si ci vi ne sono sei è siamo siete era erano essere ho hai ha abbiamo avete
            hanno aveva avevano può possono deve non molto più ogni sig. dott.
        """,
        prepositions="""
            a al allo alla ai agli alle con contro da dal dallo dalla dai dagli dalle di del dello della dei
            degli delle dentro dopo durante fino fra tra in nel nello nella nei negli nelle per presso senza
            sopra sotto su sul sulla sui sulle verso vicino accanto lontano prima davanti dietro fuori oltre
            insieme
        """,
        conjunctions="""
            e ed o oppure ma però perché che se quando dove come mentre quindi anche chi cui quale né
        """,
        abbreviations="sig. sig.ra dott. dott.ssa prof. ecc. es. n. pag. avv. ing.",
    ),
    "pt": words(
        leaning="""
            o a os as um uma uns umas meu minha meus minhas teu tua seu sua seus suas nosso nossa nossos
            nossas este esta estes estas esse essa esses essas aquele aquela eu tu ele ela nós eles elas
            você vocês me te se nos lhe sou é são era eram foi foram ser está estão estava estavam tem têm
            tinha pode podem deve não muito mais cada sr. sra. dr.
        """,
        prepositions="""
            a à ao aos às ante após até com contra de do da dos das desde durante em no na nos nas entre para
            pela pelo pelas pelos perante por sem sob sobre perto longe dentro fora depois antes junto acerca
            além através
        """,
        conjunctions="""
            e ou mas porém nem que se quando onde como porque pois enquanto embora quem cujo cuja qual
        """,
        abbreviations="sr. sra. dr. dra. etc. p.ex. ex. pág. núm. av. prof. eng.",
    ),
    "ro": words(
        leaning="""
            un o unui unei niște cel cea cei cele al ai ale eu tu el ea noi voi ele mă te se ne vă îl îi le mi
            ți îmi îți își sunt ești este e suntem sunteți era erau fost am are avem aveți au aș ar va vor nu
            mai foarte prea tot fiecare acest această acești aceste acel acea orice domnul doamna dl. dna. dr.
            prof.
        """,
        prepositions="""
            în într-un într-o din dintr-un dintr-o la de pe cu fără pentru prin până dintre între sub peste
            după lângă despre spre către contra asupra deasupra printre dinspre conform înainte împreună
            aproape departe jurul
        """,
        conjunctions="""
            și sau ori dar iar însă ci că să dacă când unde cum care ce cine deoarece fiindcă deși încât căci
            precum ca nici căruia cărei cărora
        """,
        abbreviations="""
            dl. dna. dr. prof. ing. str. nr. bd. etc. ș.a. ș.a.m.d. d.hr. î.hr. mil. mld. pag. vol. cca. ex.
            art. av. sf.
        """,
        trailing="""
            meu mea mei mele tău ta tăi tale său sa săi sale nostru noastră noștri noastre vostru voastră
            voștri voastre acesta aceasta acestea aceștia acela aceea aceia
        """,
    ),
}
