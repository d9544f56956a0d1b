"""The texts of the sample media: written by hand inside the grammar's vocabulary, never trained on.

Pure text; every sentence here counts as held out (see :func:`tools.demo_model.grammar.part_of`).
"""

from __future__ import annotations

import re

# One paragraph per line of thought; the synthesiser pauses longer between paragraphs.
TALK: tuple[str, ...] = (
    "Good morning, everyone, and welcome. My name is Helen, and I am from Dublin. Today I want to talk about "
    "our town and the old harbour. First, I will tell you about the "
    "market. Then we will talk about the river, "
    "and in the end you can ask any questions.",
    "The market opens at half past seven and closes at one o'clock. Every Saturday, the farmers bring bread, "
    "cheese and honey. There are many flowers in front of the bakery. My brother bought twelve green apples "
    "there last week. They were very good, but he forgot his hat.",
    "Now look at this picture. The white house next to the station is the new library. It was built sixteen "
    "years ago, and it has twenty four large windows. In the past, there was only a narrow road here. My "
    "parents often walked to the school, because the bus was always late.",
    "The library is open every day. You can read a book, look at the old "
    "maps, or listen to music. Our teacher "
    "said that the quiet room is the most beautiful. Two students were "
    "working there yesterday. They wanted to "
    "learn a language and visit Rome.",
    "After that, turn left at the museum and go straight on for eighty metres. Can you see the wide bridge? "
    "Behind the bridge there is a small park. In summer, the children swim in the lake and feed the ducks. "
    "In winter it is cold and windy, and the birds are never far from the water.",
    "As you know, the river is long and dark. Last year there was a lot of rain in November. The water came "
    "slowly at first, then quickly. Our neighbour carried nine heavy boxes to the village. Nobody was angry, "
    "but most families were tired and afraid.",
    "However, the workers repaired the wall in forty days. The captain told us that the harbour is ready "
    "again. Next year, a famous ship will arrive from Oslo. It costs "
    "fifteen euros to see it, and the tickets "
    "are yellow. Do you want to take a picture of the ship?",
    "In the evening, we will meet at the theatre. Anna will play the piano, and Martin will sing some old "
    "songs. Please bring a warm coat, because the room is cold at night. There is hot chocolate for the "
    "children, and coffee or tea for you.",
    "Well, that is all for today. I hope that you will visit our town "
    "soon. Thank you very much for your time. "
    "Do you have any questions?",
)

MAIN_TRACK = (
    "Good evening, everyone. This story is about a red boat. Daniel found it near the beach last spring. "
    "The boat was old and broken, but he was very happy. He painted the "
    "door and cleaned the windows. Now you "
    "can see it next to the bridge every Sunday."
)

COMMENTARY_TRACK = (
    "Thank you, Daniel. I have never seen so many visitors at the lake. My sister sold thirty seven tickets "
    "before lunch. Then the wind came from the north, and we had to stay "
    "at home. However, the boat is strong. "
    "In fact, it is more famous than the museum."
)

CLIPS: tuple[str, ...] = (
    "Where is the yellow bicycle?",
    "The train to Vienna leaves at a quarter past nine.",
    "Please bring water and fresh fruit for Lucy.",
    "It is ten past three now.",
    "The doctor was waiting outside the hospital. She was tired, but she was not angry.",
    "Yes, we could walk along the river. It takes about fifty five minutes.",
    "My number is four seven two nine.",
    "In October it is foggy in Boston. Simon believes that the weather will be dry next week.",
    "Good morning, Nina.",
    "Robert and Sarah live behind the school. They have three brown rabbits and a strange cat.",
)


def sentences_of(text: str) -> list[str]:
    """The sentences of a text, each with its own closing mark."""
    return [part for part in re.split(r"(?<=[.?])\s+", text.strip()) if part]


def all_sentences() -> list[str]:
    """Every sentence of every sample text."""
    texts = [*TALK, MAIN_TRACK, COMMENTARY_TRACK, *CLIPS]
    return [sentence for text in texts for sentence in sentences_of(text)]
