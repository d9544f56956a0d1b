"""Words that lean on the next one, by language: data, no logic.

A line or cue that ends on "of" or "the" makes the reader wait for the rest; one that begins with "because"
or "in the" reads well (Netflix General Requirements, "line treatment"; BBC Subtitle Guidelines 3.4). A
language that is missing here is broken by punctuation, pauses and balance alone.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FunctionWords:
    """All in lower case.

    Attributes:
        leaning: Must not end a line: articles, possessives, subject pronouns, auxiliaries, negations, titles.
        prepositions: Must not end a line, and are a good beginning of one.
        conjunctions: Must not end a line, and are a better beginning: conjunctions and relatives.
        objects: Object pronouns, which hang on the verb before them.
        abbreviations: With their dot, these end no sentence.
    """

    leaning: frozenset[str]
    prepositions: frozenset[str]
    conjunctions: frozenset[str]
    abbreviations: frozenset[str]
    objects: frozenset[str] = frozenset()


def _words(
    leaning: str, prepositions: str, conjunctions: str, abbreviations: str, objects: str = ""
) -> FunctionWords:
    texts = (leaning, prepositions, conjunctions, abbreviations, objects)
    return FunctionWords(*(frozenset(text.split()) for text in texts))


NONE = _words("", "", "", "")

FUNCTION_WORDS = {
    "en": _words(
        leaning="""
            a an the my your his its our their this these those every each no any some only there i you he
            she we they it i'm you're he's she's it's we're they're i've you've we've they've i'll you'll
            he'll she'll we'll they'll i'd you'd he'd she'd we'd they'd there's that's am is are was were be
            been being have has had do does did will would shall should can could may might must not isn't
            aren't wasn't weren't don't doesn't didn't won't wouldn't can't cannot couldn't haven't hasn't
            hadn't shouldn't very too so far much more most quite mr mrs ms dr prof st mr. mrs.
            ms. dr. prof. st.
        """,
        prepositions="""
            about above across after against along among around at before behind below beneath beside
            between beyond by despite during except for from in inside into like near next of off on onto
            opposite out outside over past since through throughout to toward towards under until up upon
            via with within without
        """,
        conjunctions="""
            and or but nor so yet because although though while whereas if unless when whenever where
            wherever who whom whose which that what why how than as
        """,
        abbreviations="""
            mr. mrs. ms. dr. prof. st. sr. jr. vs. etc. e.g. i.e. vol. fig. inc. ltd. co. corp. dept. gen.
            col. capt. lt. sgt. gov. sen. rep. rev. hon. u.s. u.k. u.n. a.m. p.m. approx. jan. feb. mar.
            apr. aug. sept. sep. oct. nov. dec.
        """,
        objects="me you him her it us them",
    ),
    "de": _words(
        leaning="""
            der die das den dem des ein eine einen einem einer eines kein keine keinen keinem keiner mein
            meine meinen meinem meiner dein deine sein seine seinen seinem seiner ihr ihre ihren ihrem ihrer
            unser unsere unseren euer eure dieser diese dieses diesen diesem jeder jede jedes ich du er sie
            es wir man sich mich mir dich dir uns euch ihn ihm ihnen bin bist ist sind war waren habe hast
            hat haben hatte hatten werde wird werden wurde wurden kann können konnte muss müssen soll sollen
            will wollen darf dürfen nicht sehr zu ganz herr herrn frau dr. prof.
        """,
        prepositions="""
            an auf aus bei bis durch für gegen hinter in im ins mit nach neben ohne seit trotz über um unter
            von vom vor während wegen zu zum zur zwischen am beim gegenüber
        """,
        conjunctions="""
            und oder aber denn sondern weil dass ob wenn als wie während obwohl damit bevor nachdem sobald
            deren dessen wo wer was warum
        """,
        abbreviations="""
            z.b. d.h. u.a. usw. bzw. ca. dr. prof. nr. hr. fr. st. str. evtl. ggf. inkl. sog. vgl. mio. mrd.
            tel. z. b. d. h. u. a.
        """,
        objects="mich mir dich dir sich uns euch ihn ihm ihnen",
    ),
    "fr": _words(
        leaning="""
            le la les l' un une des du de d' mon ma mes ton ta tes son sa ses notre nos votre vos leur leurs
            ce cet cette ces je j' tu il elle on nous vous ils elles me te se m' t' s' ne n' y en lui suis
            es est sommes êtes sont était étaient ai as a avons avez ont avait avaient sera serait peut pas
            très plus m. mme mlle dr chaque quelques aucun aucune
        """,
        prepositions="""
            à au aux avec chez contre dans de depuis derrière dès devant en entre envers hors jusque jusqu'à
            malgré par parmi pendant pour sans sauf selon sous sur vers
        """,
        conjunctions="""
            et ou mais donc or ni car que qu' qui quand lorsque comme si parce puisque quoique dont où afin
            tandis
        """,
        abbreviations="m. mm. mme. dr. prof. etc. p. ex. cf. env. av. bd. st.",
    ),
    "es": _words(
        leaning="""
            el la los las lo un una unos unas mi mis tu tus su sus nuestro nuestra nuestros nuestras este
            esta estos estas ese esa esos esas aquel aquella yo tú él ella usted nosotros ellos ellas
            ustedes me te se nos le les soy es son era eran fue fueron ser está están estaba estaban he ha
            han había habían puede pueden debe no muy más cada sr. sra. dr.
        """,
        prepositions="""
            a al ante bajo con contra de del desde durante en entre hacia hasta mediante para por según sin
            sobre tras
        """,
        conjunctions="""
            y e o u pero sino aunque porque pues que si cuando donde como mientras quien quienes cual cuyo
            cuya ni
        """,
        abbreviations="sr. sra. srta. dr. dra. ud. uds. etc. p.ej. ej. núm. pág. ee.uu. av. prof.",
    ),
    "it": _words(
        leaning="""
            il lo la i gli le l' un uno una un' mio mia miei mie tuo tua suo sua suoi sue nostro nostra
            nostri nostre vostro vostra loro questo questa questi queste quello quella quel quei io tu lui
            lei noi voi mi ti si ci vi ne sono sei è siamo siete era erano essere ho hai ha abbiamo avete
            hanno aveva avevano può possono deve non molto più ogni sig. dott.
        """,
        prepositions="""
            a al allo alla ai agli alle con contro da dal dallo dalla dai dagli dalle di del dello della dei
            degli delle dentro dopo durante fino fra tra in nel nello nella nei negli nelle per presso senza
            sopra sotto su sul sulla sui sulle verso
        """,
        conjunctions="""
            e ed o oppure ma però perché che se quando dove come mentre quindi anche chi cui quale né
        """,
        abbreviations="sig. sig.ra dott. dott.ssa prof. ecc. es. n. pag. avv. ing.",
    ),
    "pt": _words(
        leaning="""
            o a os as um uma uns umas meu minha meus minhas teu tua seu sua seus suas nosso nossa nossos
            nossas este esta estes estas esse essa esses essas aquele aquela eu tu ele ela nós eles elas
            você vocês me te se nos lhe sou é são era eram foi foram ser está estão estava estavam tem têm
            tinha pode podem deve não muito mais cada sr. sra. dr.
        """,
        prepositions="""
            a à ao aos às ante após até com contra de do da dos das desde durante em no na nos nas entre
            para pela pelo pelas pelos perante por sem sob sobre
        """,
        conjunctions="""
            e ou mas porém nem que se quando onde como porque pois enquanto embora quem cujo cuja qual
        """,
        abbreviations="sr. sra. dr. dra. etc. p.ex. ex. pág. núm. av. prof. eng.",
    ),
}
