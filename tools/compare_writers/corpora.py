"""Words with times, as an aligner gives them, to make subtitles from.

The demo pair's transcript of samples/talk.mp4, the golden transcripts in nine languages, 45 minutes of talk
made up from a fixed seed, and an example from the BBC Subtitle Guidelines.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from qasr_cli.formats import parse_transcript
from qasr_cli.records import Segment, Track, Transcript, Word

ROOT = Path(__file__).parents[2]
MINUTES = 45
_SEED = 11
_SENTENCE_MARKS = ".!?…。！？؟।"
_CLOSING = "\"'”’»」』)"
_TITLES = {"Dr.", "Mr.", "Mrs.", "Ms."}

# BBC Subtitle Guidelines, on segmentation (bbc.co.uk/accessibility/forproducts/guides/subtitles).
BBC = (
    "When I jumped on the bus, I saw the man who had taken the basket from the old lady. "
    "On two minor occasions immediately following the war, small numbers of people "
    "were seen crossing the border."
)

_OPENINGS = (
    "", "", "", "", "So ", "Well, ", "Of course, ", "And then, ", "To be honest, ", "In those days, ",
    "As far as I know, ", "A few weeks later, ", "For the first time in ten years, ", "Between you and me, ",
    "When the results came back, ", "If you look at the map, ", "Because nobody had asked before, ",
)  # fmt: skip
_WHO = (
    "the engineers", "my grandmother", "a small team from Leeds", "everyone in the room", "Dr. Patel",
    "the people who live near the river", "most of our customers", "one of the older students", "I",
    "the committee that was set up last spring", "she", "the new bridge", "our neighbours", "they",
)  # fmt: skip
_DID = (
    "had to start again from the beginning", "asked for a copy of the report", "was nothing like the drawing",
    "could not explain why the numbers were so different", "took the night train to Vienna", "laughed",
    "decided to sell the house with everything in it", "went on working until half past eleven",
    "found a letter behind the wallpaper", "never told anybody about the second experiment", "agreed",
    "wrote the whole story down in a notebook", "kept looking for a better way to measure the temperature",
)  # fmt: skip
_AND = (
    "", "", "", ", and nobody was surprised", " because there was no money left",
    ", which is what we should have done in the first place", " before the water reached the second floor",
    ", although the instructions were perfectly clear", " and that was the end of it",
    " in a building that used to be a school", ", but it took another three years until anyone believed it",
    " while the rest of the town was still asleep", ", where the old market had been, next to the church",
    " so that the others could hear it, too",
)  # fmt: skip
_SHORT = ("Right.", "I see.", "Why not?", "That is the point.", "Think about it.", "It worked!", "Not yet.")


@dataclass(frozen=True, slots=True)
class Case:
    """A transcript under a name, and the group that it is counted in."""

    name: str
    group: str
    transcript: Transcript

    @property
    def language(self) -> str:
        """Its language's code."""
        return self.transcript.language or "en"

    @property
    def sentences(self) -> list[list[Word]]:
        """Its words, sentence by sentence; a segment's end ends one, too."""
        found: list[list[Word]] = []
        for segment in self.transcript.segments:
            open_one: list[Word] = []
            for word in segment.words:
                open_one.append(word)
                is_marked = word.text.rstrip(_CLOSING)[-1:] in set(_SENTENCE_MARKS)
                is_ordinal = self.language == "de" and word.text[:-1].isdigit()  # am 3. Mai
                if is_marked and not is_ordinal and word.text not in _TITLES:
                    found.append(open_one)
                    open_one = []
            if open_one:
                found.append(open_one)
        return found


def cases() -> list[Case]:
    """Return everything that is compared."""
    goldens = [
        Case(path.stem, "golden transcripts", parse_transcript(path.read_text(encoding="utf-8")))
        for path in sorted((ROOT / "tests" / "golden").glob("*.json"))
    ]
    return [
        Case("talk", "samples/talk.mp4", _transcript_of_talk()),
        *(case for case in goldens if case.transcript.words),
        Case("made-up", f"{MINUTES} minutes made up", made_up_talk(MINUTES)),
        Case("bbc", "BBC's example", _spoken_at(BBC, 15.0)),
    ]


def _transcript_of_talk() -> Transcript:
    with tempfile.TemporaryDirectory() as folder:
        talk = str(ROOT / "samples" / "talk.mp4")
        command = ["-m", "qasr_cli", "transcribe", talk, "--model", "demo", "--json", "-o", folder, "-q"]
        subprocess.run([sys.executable, *command], check=True, cwd=ROOT)
        return parse_transcript((Path(folder) / "talk.json").read_text(encoding="utf-8"))


def _transcript(words: list[Word], name: str) -> Transcript:
    text = "".join(word.lead + word.text for word in words)
    segment = Segment(0, words[-1].end_ms, "en", text, tuple(words))
    return Transcript(name, Track(0, "aac", 1, 48_000), words[-1].end_ms + 2_000, (segment,), "")


def _spoken_at(text: str, characters_a_second: float) -> Transcript:
    """Return a text spoken evenly, without a pause: the words alone say where to break."""
    words, at = [], 0
    for number, token in enumerate(text.split()):
        end = at + len(token) + 1
        first_ms, last_ms = (round(place * 1000 / characters_a_second) for place in (at, end))
        words.append(Word(" " if number else "", token, first_ms, last_ms))
        at = end
    return _transcript(words, "bbc")


def made_up_talk(minutes: float) -> Transcript:
    """Return a talk of unlike sentences at a changing pace.

    A letter takes 50 to 80 ms, changing with each sentence. Pauses: a breath at three commas of four, 0.3 to
    1.3 s between sentences, 1.5 to 4 s after a paragraph, and now and then one while a word is looked for.
    """
    draw = random.Random(_SEED)
    words: list[Word] = []
    now_ms, n_sentences = 800, 0
    while now_ms < minutes * 60_000:
        pace_ms = draw.uniform(50, 80)
        for token in _sentence(draw).split():
            length_ms = round(max(90.0, len(token) * pace_ms * draw.uniform(0.75, 1.25)))
            words.append(Word(" " if words else "", token, now_ms, now_ms + length_ms))
            now_ms += length_ms + _pause_ms(token, draw)
        n_sentences += 1
        now_ms += draw.randint(1_500, 4_000) if n_sentences % 9 == 0 else draw.randint(300, 1_300)
    return _transcript(words, "made-up")


def _sentence(draw: random.Random) -> str:
    if draw.random() < 0.12:
        return draw.choice(_SHORT)
    text = draw.choice(_OPENINGS) + draw.choice(_WHO) + " " + draw.choice(_DID) + draw.choice(_AND)
    return text[0].upper() + text[1:] + draw.choice(("...", "?", *(["."] * 10)))


def _pause_ms(token: str, draw: random.Random) -> int:
    if token.endswith(",") and draw.random() < 0.75:
        return draw.randint(120, 450)
    if draw.random() < 0.03:
        return draw.randint(300, 1_100)
    return draw.choice((0, 0, 0, 20, 40))
