"""Function words of Polish, Czech, Russian and Macedonian: data, no logic.

Czech enclitics have the second place in their clause: a line neither ends before nor after them. They are
both leaning and trailing here where they also belong to the verb that follows (`se`, `si`, `by`).
"""

from __future__ import annotations

from qasr_cli.subtitles.rules.function_words.kinds import words

WORDS = {
    "pl": words(
        leaning="""
            nie ja ty on ona ono my wy oni one mój moja moje mojego mojej twój twoja twoje nasz nasza nasze
            wasz wasza wasze jego jej ich swój swoja swoje swoją ten ta to te ci tego tej tych tym tę tamten
            każdy każda każde jestem jesteś jest jesteśmy jesteście są był była było byli były będę będziesz
            będzie będziemy będą bardzo bardziej najbardziej tak pan pani dr prof. św. więcej mniej
        """,
        prepositions="""
            w we na z ze do od ode po o u za pod nad przed przez dla bez przy między wśród wobec według
            podczas oprócz zamiast mimo obok około koło poza wokół wzdłuż dzięki przeciw przeciwko ku spod
            znad
        """,
        conjunctions="""
            i a ale lub albo oraz że żeby aby bo ponieważ gdy kiedy gdzie dokąd skąd jak jako jeśli jeżeli
            choć chociaż który która które którzy którego której których któremu którym którymi którą co kto
            czyj czy więc zatem ani niż zanim dopóki gdyż lecz
        """,
        abbreviations="""
            dr. inż. mgr. prof. doc. ul. al. pl. np. tzn. tj. itd. itp. m.in. ok. tzw. św. nr. godz. min. r.
            w. zł. tys. mln. mld. im. ks. gen. płk. por. str. ww. wg. zob. p.n.e. n.e.
        """,
        trailing="się",
        objects="mnie cię ciebie go ją nas was ich mu jej im mi ci sobie siebie nam wam",
    ),
    "cs": words(
        leaning="""
            ne já ty on ona ono my vy oni ony můj moje má mého tvůj tvoje náš naše váš vaše jeho její jejich
            svůj svoje svou ten ta to ti té tento tato toto tyto této tomto každý každá každé jsem jsi je jsme
            jste jsou není byl byla bylo byli byly budu budeš bude budeme budete budou velmi více nejvíce pan
            paní se si bych by méně
        """,
        prepositions="""
            v ve na s z ze do od ode po o u za pod nad před přes pro bez při mezi kolem podle během kromě
            místo díky kvůli proti vedle k ke ku okolo skrz vůči pomocí
        """,
        conjunctions="""
            a i ale nebo anebo ani že aby když kdy kde kam odkud jak jako jestli jestliže pokud protože neboť
            ačkoli ačkoliv který která které kteří kterého kterou kterých kterým kterému kterém co kdo zatímco
            než takže avšak zda proč
        """,
        abbreviations="""
            p. pí. dr. ing. mgr. bc. prof. doc. mudr. judr. phdr. csc. např. tj. tzn. atd. apod. tzv. č. čl.
            str. ul. nám. sv. r. stol. mj. cca. hod. min. tis. mil. mld. kč. př. n. l. resp.
        """,
        trailing="se si by bych bys bychom byste jsem jsi jsme jste",
        objects="mě mne tě ho ji nás vás mi ti mu jí nám vám jim jej",
    ),
    "ru": words(
        leaning="""
            не ни я ты он она оно мы вы они мой моя моё мое мои моего моей твой твоя твоё твои наш наша наше
            наши ваш ваша ваше ваши его её ее их свой своя своё свое свои своего своей свою этот эта это эти
            этого этой этих этом тот та те того той тех каждый каждая каждое весь вся всё все всех очень самый
            самая самое самые более менее был была было были буду будешь будет будем будете будут есть нет
            господин госпожа г-н г-жа больше меньше
        """,
        prepositions="""
            в во на с со к ко по о об обо от из у за под над для до без при про через перед между среди около
            после против ради кроме вместо вокруг из-за из-под возле мимо согласно благодаря вдоль внутри
        """,
        conjunctions="""
            и а но или либо что чтобы если когда где куда откуда как потому поэтому хотя пока который которая
            которое которые которого которой которых которому которым которыми которую котором кто чей чья чьё
            чьи будто словно нежели зато однако ибо так зачем почему
        """,
        abbreviations="""
            т.е. т.д. т.п. т.к. т.н. др. пр. г. гг. в. вв. им. ул. д. кв. стр. см. ср. руб. коп. тыс. млн.
            млрд. проф. акад. доц. св. напр. и.о. н.э. обл. р. оз. пос. мин. сек. тел.
        """,
        trailing="ли ль же ж бы б",
        objects="меня тебя его её ее нас вас их мне тебе ему ей нам вам им себя себе",
    ),
    "mk": words(
        leaning="""
            не ќе јас ти тој таа тоа ние вие тие мој моја мое мои мојот мојата моето моите твој твоја твое
            твои негов негова негово неговиот неговата нејзин нејзина нејзиниот наш наша наше нашиот нашата
            ваш ваша ваше нивен нивна нивниот нивната овој оваа ова овие еден една едно едни сум си е сме сте
            се беше беа бев бил била биле ми му ѝ нѐ ве им го ја ги ме те многу најмногу секој секоја секое
            сите г. г-ѓа д-р проф. повеќе помалку
        """,
        prepositions="""
            во на со од до за по при пред над под кон без меѓу низ преку покрај околу поради според освен
            против спроти врз зад кај наместо после
        """,
        conjunctions="""
            и а но или ама ако кога каде како дека да што кој која кое кои кого чиј зошто бидејќи затоа додека
            иако ниту туку штом пак
        """,
        abbreviations="""
            г. проф. итн. т.е. т.н. св. бр. стр. ул. др. доц. акад. инж. мин. год. ден. пр.
        """,
        trailing="ли",
    ),
}
