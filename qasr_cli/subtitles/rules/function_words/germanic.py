"""Function words of English, German, Dutch, Swedish and Danish: data, no logic."""

from __future__ import annotations

from qasr_cli.subtitles.rules.function_words.kinds import words

WORDS = {
    "en": words(
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
    "de": words(
        leaning="""
            der die das den dem des ein eine einen einem einer eines kein keine keinen keinem keiner mein
            meine meinen meinem meiner dein deine sein seine seinen seinem seiner ihr ihre ihren ihrem ihrer
            unser unsere unseren euer eure dieser diese dieses diesen diesem jeder jede jedes ich du er sie es
            wir man sich mich mir dich dir uns euch ihn ihm ihnen bin bist ist sind war waren habe hast hat
            haben hatte hatten werde wird werden wurde wurden kann können konnte muss müssen soll sollen will
            wollen darf dürfen nicht sehr zu ganz herr herrn frau dr. prof. mehr weniger
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
    "nl": words(
        leaning="""
            de het een 't mijn jouw uw zijn haar ons onze hun deze dit elke elk ieder iedere geen alle ik jij
            je u hij zij ze wij we jullie men er ben bent is was waren heb hebt heeft hebben had hadden word
            wordt worden werd werden zal zult zullen zou zouden kan kunt kunnen kon konden moet moeten moest
            moesten mag mogen mocht wil wilt willen wilde niet zeer heel erg te zo meneer mevrouw dhr. mevr.
            mw. dr. prof. meer meest minder
        """,
        prepositions="""
            aan achter bij binnen boven buiten door in langs met na naar naast om onder ondanks op over per
            rond sinds tegen tegenover tijdens tot tussen uit van vanaf vanuit via volgens voor voorbij wegens
            zonder
        """,
        conjunctions="""
            en of maar want dus omdat doordat als wanneer terwijl hoewel zodat opdat voordat nadat zodra
            totdat indien dan toen die dat wie wat waar waarom hoe welke wiens noch tenzij
        """,
        abbreviations="""
            dhr. mevr. mw. dr. drs. ir. mr. ing. prof. bijv. bv. d.w.z. enz. etc. o.a. m.a.w. n.a.v. i.p.v.
            t.o.v. m.b.t. ca. nr. blz. st. str. resp. evt. incl. excl. max. min. jr. sr. jl. a.s. mln. mld.
        """,
        objects="me mij jou hem haar ons hun hen ze zich",
    ),
    "sv": words(
        leaning="""
            en ett den det de min mitt mina din ditt dina sin sitt sina hans hennes vår vårt våra er ert era
            deras denna detta dessa varje ingen inget inga alla jag du han hon vi ni man är var varit har hade
            haft ska skall skulle kan kunde måste vill ville får fick bör borde blir blev inte aldrig mycket
            väldigt så mer mest herr fru dr dr. prof. fler färre
        """,
        prepositions="""
            av bakom bland bredvid efter enligt framför från för före genom hos i inför inom kring längs med
            mellan mot omkring på runt sedan till trots under ur utanför via vid åt över
        """,
        conjunctions="""
            och eller men utan att som om när då där dit eftersom medan fast fastän innan tills än vad vem
            vilken vilket vilka vars hur varför såväl samt
        """,
        abbreviations="""
            t.ex. bl.a. d.v.s. dvs. osv. o.s.v. m.m. m.fl. etc. ca. kl. nr. s.k. f.d. fr.o.m. t.o.m. dr. prof.
            st. kr. milj. mdr. jfr. ev. resp. mr. mrs. sid. inkl. exkl.
        """,
        objects="mig dig honom henne oss er dem sig",
    ),
    "da": words(
        leaning="""
            en et den det de min mit mine din dit dine sin sit sine hans hendes vores jeres deres denne dette
            disse hver hvert ingen intet alle jeg du han hun vi i man er var været har havde haft skal skulle
            kan kunne må måtte vil ville bør burde bliver blev ikke aldrig meget så mere mest hr. fru dr.
            prof. flere færre
        """,
        prepositions="""
            ad af bag bagved blandt efter for foran fra før gennem hos i ifølge imellem imod inden indtil
            langs med mellem mod nær om omkring over på siden til trods uden under ved via
        """,
        conjunctions="""
            og eller men at som der når da hvor fordi hvis mens selvom skønt inden før indtil end hvad hvem
            hvilken hvilket hvilke hvordan hvorfor samt thi
        """,
        abbreviations="""
            f.eks. bl.a. d.v.s. dvs. osv. m.m. m.fl. etc. ca. kl. nr. s.k. fhv. hr. fr. dr. prof. skt. kr.
            mio. mia. jf. evt. inkl. ekskl. s. bd. tlf. mht. ift. pga.
        """,
        objects="mig dig ham hende os jer dem sig",
    ),
}
