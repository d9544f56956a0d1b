"""Told sentences: clauses joined as people join them when they tell something, in each language. Pure data.

The patterns of ``english.py`` and its sisters are single statements; talks are made of these instead. Only
words that those files know, so that neither the tokenizer nor the vocabulary depends on this file.
"""

from __future__ import annotations

from tools.demo_model.texts.language import options

Prose = tuple[dict[str, list[str]], list[str]]

_EN_SLOTS = {
    "event": options(
        "{who} {bought} {thing}|{who} {bought} {things} {where}|we {bought} {things}|they {bought} {thing}|"
        "he {bought} his {object}|she {bought} her {object}|nobody {bought} {thing}|"
        "{who} gave us {food} and {food}|{who} carried {things} to {place}|{who} sang {adverb}|"
        "we counted {number} {animals}|the {animals} were {feeling}|the {animal} ran {adverb} to {place}|"
        "a {adjective} {animal} was {doing} {where}|{group} were {doing} {where}|{who} was {doing} {where}|"
        "we walked {adverb} to {place}|they went home|we had to {to_do}|they wanted to {to_do}|"
        "nobody wanted to {to_do}|everybody wanted to {to_do}|we had to stay {where} for {number} {unit_of}|"
        "the {job} told us how to {to_do}|{name} showed me {thing}|{who} answered all {number} questions|"
        "the {object} of the {object} was broken|{who} lost {thing}, {thing} and {thing}|"
        "the {job} brought {food} and {food}|{who} {said} that {state}|{name} arrived from {country}|"
        "a {object} from {city} arrived|{who} {adverb} forgot {thing}|the {sky} destroyed {thing}|"
        "the {sky} came from the south|{who} looked after {number} {animals}|we never saw {thing} again|"
        "the price went up to {number} dollars|{who} sold {number} {objects}|{who} wrote to {who}"
    ),
    "state": options(
        "it was {weather}|it was {weather} and {weather}|it is {weather}|the {object} was {adjective}|"
        "the {object} is {adjective}|the {objects} were {adjective}|{place} was {adjective}|"
        "{who} was {feeling}|{group} were {feeling}|everybody was {feeling}|nobody was {feeling}|"
        "I was {feeling}|we were {feeling} and {feeling}|there was no {food}|there was not enough {food}|"
        "there were {things} {where}|there were only {number} {objects}|there was a lot of {sky}|"
        "the {job} was {feeling}|there was only a {adjective} {object} here|it was {said_of} to {to_do}|"
        "it is not {said_of} to {to_do}|it takes {number} {unit_of} to {to_do}|we had no {food}|"
        "they had {number} {objects}|it is {clock}|it was never {adjective}|that was enough|"
        "the {object} was like a {object}|the {animals} were never far from {place}|"
        "the water is {adjective}|the answer is {adjective}|the result was {adjective}|I {neg} {to_do}|"
        "you can {to_do}|they {neg} {to_do}|we {aux} {to_do}|{who} is {feeling}|life was {adjective}"
    ),
    "clause": options("{event}|{event}|{state}|{state}|{event} {when}|{event} {when}|{state} {when}"),
    "join": options("and|and|but|so|because|when|while|after|before|until|although|and then"),
    "lead": options(
        "{start}|{when}|{when}|in {year}|in the first {season}|one {day}|one night|every {day}|"
        "after {number} {unit_of}|for {number} {unit_of}|{number} {unit_of} later|in a {adjective} year|"
        "on the left|behind {place}|some people believe that|I think that|you see|at the end|"
        "in the second week|on {day}"
    ),
}
_EN = options(
    "{clause}, {join} {clause}.|{clause}, {join} {clause}.|{clause} {join} {clause}.|{lead}, {clause}.|"
    "{lead}, {clause}, {join} {clause}.|{lead}, {clause}, {join} {clause}.|{lead} {clause}.|"
    "{state}, {state}, and {event}.|{clause}, {event} and {event}.|When {clause}, {clause}.|"
    "Because {state}, {event}.|Although {state}, {event}.|If {state}, you can {to_do}.|{clause}.|"
    "{clause}. {lead}, {event}.|First, {event}. Then {event}.|What did {who} do when {event}?|"
    "Why did {group} {to_do} when {state}?|Look at {thing}, {thing} and {thing}.|"
    "{thing}, {thing} or {thing}, it is all {adjective}.|I want to thank {who}, {who} and my {kin}.|"
    "{name} {family} is a {job} at {place} of {city}, and {state}.|{who}, our {job}, {bought} {thing}.|"
    "You take {number} {objects}, a {object} and a lot of {food}.|Yes, please, the {job} with {thing}.|"
    "So please {to_do}, and {to_do}.|Now {clause}.|Unfortunately, {state}, {join} {event}.|"
    "As you know, {clause}.|Ten years later {state}.|Do you know why {clause}?|"
    "Before we stop, let me tell you about {topic}, {topic} and {topic}.|"
    "It is called {name}, {join} {clause}.|Most {objects} belong to {who}, {join} {clause}."
)

_ES_SLOTS = {
    "event": options(
        "{who} {bought} {thing}|{who} {bought} {things} {where}|nadie {bought} {thing}|"
        "{who} le dio {food} a {name}|{group} vieron {number} {animals} {where}|"
        "{who} estaba {doing} {where}|{group} estaban {doing} {where}|el {animal} corrió hasta {place}|"
        "un {animal} {am} estaba {doing} {where}|{group} {aux} {to_do}|{group} {neg} {to_do}|"
        "{who} envió {things} a {city}|{who} preparó {food} y {food} para {name}|"
        "{who} dijo que {state}|{who} cree que {state}|el {m} de {name} llegó a {city}|"
        "{who} tiene que {to_do}|todos quieren {to_do}|nadie quiere {to_do}|{who} se fue a {country}|"
        "comimos {food}, {food} y {food}|el precio subió un {number} por ciento"
    ),
    "state": options(
        "hace {weather}|hizo {weather}|el {m} es {am}|la {f} es {af}|los {ms} son de {name}|"
        "{who} estaba {feeling}|{who} está muy {feeling}|la {f} {af} está {where}|el {m} {am} está {where}|"
        "hay {things} {where}|había mucha {sky}|solo había una {f} {af}|es {said_of} {to_do}|"
        "no es {said_of} {to_do}|son {clock}|hacen falta {number} {unit_of} para {to_do}|"
        "{place} abre a {clock}|nunca tienen miedo|no hay {food}|estoy {feeling}|"
        "{who} vive en {city}|{city} está a {number} kilómetros"
    ),
    "clause": options("{event}|{event}|{state}|{event} {when}|{state} {when}"),
    "join": options("y|y|pero|porque|cuando|aunque|y luego|y por eso"),
    "lead": options(
        "{start}|{start}|{when}|{when}|en {year}|en {season}|cada {day}|al lado de la {f}|en {country}|"
        "en {place} de {city}|después de {number} {unit_of}"
    ),
}
_ES = options(
    "{clause}, {join} {clause}.|{clause}, {join} {clause}.|{clause} {join} {clause}.|{lead}, {clause}.|"
    "{lead}, {clause}, {join} {clause}.|{lead}, {clause}, {join} {clause}.|{lead} {clause}.|"
    "{state}, {state} y {event}.|Cuando {clause}, {clause}.|Si {state}, {event}.|{clause}.|"
    "{clause}. {lead}, {event}.|Primero, {event}. Luego {event}.|¿Por qué {clause}?|"
    "¿Quieren ver {thing} y {thing}?|Mira {thing}, {thing} y {thing}.|Ahora {clause}.|"
    "Como saben, {clause}.|Hoy les voy a hablar de {topic}, de {topic} y de {topic}.|"
    "{who}, nuestro {he}, {bought} {thing}.|Por desgracia, {state}, {join} {event}."
)

_KO_SLOTS = {
    "event": options(
        "{who}(이) {thing}(을) {bought}|{who}(은) {where} {thing}(을) {bought}|아무도 {thing}(을) {bought}|"
        "{group}(은) {where} {animal} {count} 마리를 봤어요|{who}(은) {where} {doing} 있었어요|"
        "{group}(은) {where} {doing} 있었어요|{adj} {animal}(이) {place}(으로) 뛰어갔어요|"
        "{group}(은) {to_do}{can}|{who}(이) {object} {count} 개를 {bought}|우리는 {place}까지 걸어갔어요|"
        "{who}(은) {name} 씨에게 {thing}(을) 줬어요|{who}(이) {city}(으로) {thing}(을) 보냈어요|"
        "저녁으로 {food}, {food}, {food}(을) 먹었어요|{who}(은) {city}에서 왔어요|"
        "{who}(은) {object}(이) {adj} 것이라고 {said}|{who}(은) {food}(과) {food}(을) {bought}"
    ),
    "state": options(
        "{city} 날씨는 {weathers}|날씨는 {weather} {weathers}|{object}(이) {pred}|{place}(은) {pred}|"
        "{who}(은) {feeling}|저는 {feeling}|{place} 옆에 {adj} {object}(이) 있어요|"
        "여기에는 {adj} {object}만 있었어요|지금은 {clock}예요|{place}에 {object}(이) 많아요|"
        "{to_do}려면 {digits}분이 걸려요|{topic}(은) 아주 {said_of}|비가 많이 왔어요|바람이 불었어요|"
        "{place}(은) {clock}에 열어요|답은 {digits}이에요"
    ),
    "clause": options("{event}|{event}|{state}|{when} {event}|{when} {state}"),
    "join": options("그리고|그리고|하지만|그래서|그런데|그 후에|그 결과|게다가"),
    "lead": options(
        "{start}|{start}|{when}|{when}|{later}|{season}에|{year}년에|{place} 근처에서|아시다시피"
    ),
}
_KO = options(
    "{clause}, {join} {clause}.|{clause}, {join} {clause}.|{clause}. {join} {clause}.|{lead}, {clause}.|"
    "{lead} {clause}, {join} {clause}.|{lead} {clause}.|{clause}.|{clause}. {lead} {event}.|"
    "먼저 {event}. 그다음에 {event}.|{thing}(과) {thing}(과) {thing}(을) 보세요.|"
    "오늘은 {topic}(과) {topic}에 대해 말씀드릴게요.|{who}(은) 왜 {feeling}?|"
    "{who}, {who}(과) {who}(이) {bought}.|"
    "겨울에는 {state}, 하지만 {event}.|저는 {city}에서 온 {job} {name}입니다.|솔직히 {state}, 그래서 {event}."
)

PROSE: dict[str, Prose] = {"en": (_EN_SLOTS, _EN), "es": (_ES_SLOTS, _ES), "ko": (_KO_SLOTS, _KO)}
