"""Random English sentences from a small grammar, and the rule that says who may learn which.

In: a seeded ``random.Random``. Out: sentences with capitals and punctuation, numbers in words.
Which part of the data a sentence belongs to ("train", "dev" or "test") follows from its words alone, so a
held-out sentence can never slip into training, whoever generates it and in whichever clip it is spoken.
"""

from __future__ import annotations

import hashlib
import random
import re
from dataclasses import dataclass
from functools import cache

from tools.demo_model import talks

DEV_PERCENT = 3
TEST_PERCENT = 6
SALAD_SHARE = 0.14  # of all sentences: words in random order, which only the sound can tell

_UNITS = "one two three four five six seven eight nine ten eleven twelve"
_TEENS = "thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"


def _options(text: str) -> list[str]:
    return [option.strip() for option in text.split("|")]


# A slot is written {name}; each list below is one choice per "|". Slots may hold slots.
SLOTS: dict[str, list[str]] = {
    "name": _options(
        "Anna|Peter|Maria|David|Sarah|Tom|Lucy|Daniel|Emma|Robert|Julia|Martin|Nina|Oscar|Helen|Simon"
    ),
    "who": _options(
        "my brother|my sister|her mother|his father|our teacher|the doctor|the driver|a farmer|our neighbour"
        "|the baker|an old friend|the captain|a young student|the singer|{name}|{name}|{name}"
    ),
    "group": _options(
        "the children|my parents|two students|many visitors|the farmers|our friends|some people|the workers"
        "|a few players|most families|we|they|you"
    ),
    "place": _options(
        "the river|the market|the library|the garden|the station|the school|the harbour|the museum|the bridge"
        "|the park|the old town|the mountain|the village|the bakery|the hospital|the office|the beach"
        "|the lake|the theatre|the kitchen"
    ),
    "city": _options("London|Paris|Berlin|Madrid|Rome|Vienna|Dublin|Oslo|Boston|Sydney"),
    "colour": _options("red|blue|green|yellow|white|black|brown"),
    "adjective": _options(
        "small|large|old|new|quiet|busy|bright|dark|heavy|light|clean|beautiful|strange|simple|broken|famous"
        "|long|short|strong|warm|cold|wide|narrow"
    ),
    "object": _options(
        "house|boat|book|letter|window|door|table|picture|bicycle|camera|clock|map|bridge|box|lamp|piano|wall"
        "|hat|phone|ticket|coat|chair|road|room|car|ship|machine|guitar"
    ),
    "objects": _options(
        "houses|boats|books|letters|windows|pictures|bicycles|maps|boxes|lamps|tickets|chairs|flowers|apples"
        "|oranges|eggs|stones|trees|songs|stories|cups"
    ),
    "food": _options(
        "bread|cheese|honey|soup|rice|fish|coffee|tea|milk|fresh fruit|hot chocolate|cake|butter|sugar|water"
    ),
    "animal": _options("dog|cat|horse|bird|sheep|cow|rabbit|mouse|goat|duck"),
    "animals": _options("dogs|cats|horses|birds|sheep|cows|rabbits|goats|ducks"),
    "day": _options("Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday"),
    "month": _options(
        "January|February|March|April|May|June|July|August|September|October|November|December"
    ),
    "season": _options("spring|summer|autumn|winter"),
    "when": _options(
        "yesterday|last week|last year|this morning|on {day}|in {month}"
        "|two days ago|after lunch|in the evening"
        "|before dinner|at night|every day|in {season}|last night"
    ),
    "later": _options("tomorrow|next week|on {day}|in {month}|tonight|soon|next year|after the break"),
    "hour": _UNITS.split(),
    "unit": _UNITS.split()[1:9],
    "number": [
        *(_UNITS.split()[1:]),
        *_TEENS.split(),
        *_TENS.split(),
        "{tens} {unit}",
        "{tens} {unit}",
        "a hundred",
    ],
    "tens": _TENS.split(),
    "clock": _options(
        "{hour} o'clock|half past {hour}|a quarter past {hour}"
        "|a quarter to {hour}|ten past {hour}|{hour} thirty"
    ),
    "weather": _options("sunny|cloudy|windy|cold|warm|dry|wet|very hot|foggy"),
    "sky": _options("rain|snow|wind|sunshine|clouds|storms"),
    "bought": _options(
        "bought|found|lost|sold|painted|opened|repaired|carried|cleaned|moved"
        "|showed me|asked for|forgot|built"
    ),
    "to_do": _options(
        "read a book|play the piano|swim in the lake|cook dinner"
        "|clean the kitchen|learn a language|write a letter"
        "|visit {city}|work in the garden|take a picture|buy {food}"
        "|drink {food}|sing a song|walk along the river"
        "|feed the {animals}|build a house|drive to {city}|listen to music|stay at home|go to {place}"
        "|look at the map|call {name}"
    ),
    "doing": _options(
        "reading|sleeping|waiting|working|singing|cooking|walking|talking"
        "|dancing|writing|running|laughing|playing"
    ),
    "adverb": _options("slowly|quickly|quietly|carefully|often|always|never|sometimes|together|again"),
    "feeling": _options("happy|tired|hungry|angry|ready|late|early|busy|sorry|afraid|sure|proud"),
    "where": _options(
        "near {place}|behind {place}|in front of {place}|across from {place}|next to {place}|at {place}"
        "|outside {place}|not far from {place}|on the left|on the right"
    ),
    "unit_of": _options("minutes|hours|days|weeks|months|years|miles|metres"),
    "start": _options(
        "first|then|now|later|at first|after that|in the end|for example|of course|as you know|however|today"
        "|in fact|at last|finally|sadly|in the past"
    ),
    "topic": _options(
        "the river|the weather|our town|old music|the market|good food|the history of {city}|the new library"
        "|the railway|farm animals|the theatre|the harbour"
    ),
    "said": _options("said|thinks|knows|believes|told us|hopes"),
    "thing": _options(
        "the {object}|a {adjective} {object}|the {colour} {object}|the {adjective} {object}|his {object}"
    ),
    "things": _options(
        "{number} {objects}|some {objects}|many {colour} {objects}|the {adjective} {objects}|{objects}"
    ),
    "aux": _options("can|must|will|should|would like to|want to|have to|could"),
    "neg": _options("cannot|don't|won't|didn't"),
}

PATTERNS: list[str] = _options(
    "{who} {bought} {thing} {when}.|{who} {bought} {things} {where}.|{start}, {who} {bought} {thing}."
    "|{group} {aux} {to_do} {later}.|{group} {aux} {to_do}.|{start}, {group} {aux} {to_do}."
    "|The {adjective} {object} is {where}."
    "|There is a {adjective} {object} {where}.|There are {things} {where}."
    "|{start}, there was only a {adjective} {object} here.|Is there a {object} {where}?|Where is {thing}?"
    "|What time does the {object} open on {day}?|Who {bought} {thing}?|Why is {who} so {feeling}?"
    "|When will {who} visit {city}?|How many {objects} did {who} buy?|Can you see the {colour} {object}?"
    "|Do you want to {to_do}?|Did {who} {to_do} {when}?|How old is the {object} {where}?"
    "|The train to {city} leaves at {clock}.|The bus from {city} arrives at {clock} on {day}."
    "|It is {clock} now.|We will meet {where} at {clock}.|{place} opens at {clock} and closes at {clock}."
    "|My number is {unit} {unit} {unit} {unit}.|It costs {number} dollars.|The {object} costs {number} euros."
    "|It takes about {number} {unit_of} to {to_do}.|{number} {objects} are enough for {number} {unit_of}."
    "|The answer is {number}, not {number}.|{who} has lived in {city} for {number} {unit_of}."
    "|{city} is {number} miles from {city}.|In {month} it is {weather} in {city}."
    "|The weather will be {weather} {later}."
    "|There was a lot of {sky} {when}.|It was {weather} and {weather} {when}."
    "|{start}, the {sky} came from the north.|{who} was {doing} {where}.|{who} is {doing} {adverb}."
    "|{group} were {doing} {where} {when}.|{start}, {group} were {feeling} and {feeling}."
    "|{who} was very {feeling}, but {who} was {feeling}.|I am {feeling}, thank you.|I'm not {feeling} {when}."
    "|Please bring {food} and {food} for {name}.|Please open the {object}, {name}.|Don't forget {thing}."
    "|Turn left at {place}, then turn right."
    "|Go straight on for {number} metres.|Look at the {colour} {object}."
    "|{who} {said} that {thing} was {adjective}.|{who} {said} that {group} {aux} {to_do}."
    "|I {neg} {to_do} because I am {feeling}.|They {neg} {to_do}, so they {to_do}."
    "|The {colour} {animal} ran {adverb} to {place}.|A {adjective} {animal} was {doing} {where}."
    "|{group} saw {number} {animals} {where}."
    "|{name} and {name} live {where}.|My name is {name}, and I am from {city}."
    "|The {adjective} {object} is {colour} and {colour}."
    "|This {object} is more {adjective} than that {object}."
    "|We had {food}, {food} and {food} for dinner.|{who} likes {food}, but not {food}."
    "|I want to talk about {topic}.|{start}, I will tell you about {topic}.|This story is about {topic}."
    "|Let us talk about {topic} and {topic}.|Good morning, {name}.|Good evening, everyone, and welcome."
    "|Good morning, everyone.|Thank you very much, {name}.|Thank you for your time.|See you {later}, {name}."
    "|Yes, {who} {aux} {to_do}.|No, {group} {neg} {to_do}.|Well, that is a {adjective} {object}."
    "|{start}, everything was {adjective}.|Every {season}, {group} {to_do} and {to_do}."
    "|If it is {weather}, {group} {aux} {to_do}.|When I was young, {who} {adverb} {bought} {thing}."
    "|{who} and {who} {bought} {thing}."
    "|The {object} was built {number} years ago.|Nobody {bought} {thing} {when}."
    "|I have never seen so many {objects}.|{things} were {adjective}, and {things} were {adjective}."
    "|That is all for today.|Do you have any questions?|The {object} and the {object} belong to {who}."
    "|With {food} and a {object}, you can {to_do}.|{who} gave {name} {thing}.|{who} sent {things} to {city}."
    "|I hope that {group} {aux} {to_do}."
    "|He {bought} {thing}, but she {bought} {thing}.|She wanted to {to_do}."
    "|They walked to {place} or {place} {when}.|You can ask {who} {later}."
    "|He was {feeling}, and she is {feeling}."
    "|The {object} will arrive from {city} {later}.|You can {to_do}, {to_do}, or {to_do}."
)

_SLOT = re.compile(r"\{(\w+)\}")
_WORD = re.compile(r"[a-z']+")


def expand(template: str, rng: random.Random) -> str:
    """Fill every slot of a template, deepest last, each by an even draw."""
    while match := _SLOT.search(template):
        template = template[: match.start()] + rng.choice(SLOTS[match.group(1)]) + template[match.end() :]
    return template


def capitalised(text: str) -> str:
    """The text with its first letter in upper case and the rest untouched."""
    return text[:1].upper() + text[1:]


def grammar_sentence(rng: random.Random) -> str:
    """One sentence of the grammar, such as "The train to Oslo leaves at half past two."."""
    return capitalised(expand(rng.choice(PATTERNS), rng))


@cache
def vocabulary() -> tuple[str, ...]:
    """All words of grammar and talks as written inside a sentence (names keep their capital), sorted."""
    texts = [option for options in SLOTS.values() for option in options]
    texts += [pattern[:1].lower() + pattern[1:] for pattern in PATTERNS]
    texts += [text[:1].lower() + text[1:] for text in talks.all_sentences()]
    words = {w.strip(".,?") for text in texts for w in _SLOT.sub(" ", text).split()} - {""}
    proper = {w for w in words if w[0].isupper()}
    lower = {w.lower() for w in proper} - {"may", "march"}
    return tuple(sorted(w for w in words if w[0].isupper() or w not in lower))


def salad(rng: random.Random) -> str:
    """One to nine random words made up as a sentence; only the sound tells what was said."""
    words = [rng.choice(vocabulary()) for _ in range(rng.choice([1, 2, 3, 4, 5, 6, 6, 7, 7, 8, 9]))]
    if len(words) > 4 and rng.random() < 0.3:
        words[rng.randrange(1, len(words) - 1)] += ","
    return capitalised(" ".join(words)) + rng.choice("...?")


def patchwork(rng: random.Random) -> str:
    """Scraps of two to four words from several sentences: real phrases in an order nobody expects."""
    scraps: list[list[str]] = []
    while sum(map(len, scraps)) < rng.randint(4, 10):
        words = grammar_sentence(rng).rstrip(".?").split()
        begin = rng.randrange(max(1, len(words) - 2))
        scraps.append(words[begin : begin + rng.randint(2, 4)])
    words = [_inside(word) for scrap in scraps for word in scrap]
    words[-1] = words[-1].strip(",")
    return capitalised(" ".join(words)) + rng.choice("...?")


def _inside(word: str) -> str:
    """A word as written inside a sentence: small, unless it is a name."""
    small = word[:1].lower() + word[1:]
    return small if small.strip(",") in vocabulary() else word


def words_of(sentence: str) -> str:
    """The sentence's bare lower-case words, one blank between: what makes two sentences the same."""
    return " ".join(_WORD.findall(sentence.lower()))


@cache
def _talk_words() -> frozenset[str]:
    return frozenset(words_of(text) for text in talks.all_sentences())


def part_of(sentence: str) -> str:
    """Which part of the data a sentence belongs to: "train", "dev" or "test".

    The sample talks are always "test"; everything else goes by a hash of its words.
    """
    words = words_of(sentence)
    if words in _talk_words():
        return "test"
    bucket = int.from_bytes(hashlib.sha256(words.encode()).digest()[:4], "big") % 100
    if bucket < TEST_PERCENT:
        return "test"
    return "dev" if bucket < TEST_PERCENT + DEV_PERCENT else "train"


@dataclass(frozen=True)
class Mix:
    """Which share of the sentences is a word salad and which a patchwork; the rest is grammar."""

    salad: float = SALAD_SHARE
    patchwork: float = 0.0


def sentence(rng: random.Random, part: str, mix: Mix | None = None) -> str:
    """A random sentence of one part of the data ("train", "dev" or "test")."""
    mix = mix or Mix()
    while True:
        kind = rng.random()
        if kind < mix.salad:
            text = salad(rng)
        else:
            text = patchwork(rng) if kind < mix.salad + mix.patchwork else grammar_sentence(rng)
        if part_of(text) == part:
            return text
