"""Which words of an answer are right.

In go a pair and its alignment; out comes a yes or no for each word that the system gave, for the calibration
of confidences.
"""

from __future__ import annotations

from collections.abc import Sequence

from qasr_cli.evaluation.figures import Edit, Operation
from qasr_cli.evaluation.scoring.word_times import folded
from qasr_cli.evaluation.utterances import TimedWord


def right_words(words: Sequence[TimedWord], hypothesis: str, edits: Sequence[Edit]) -> list[bool]:
    """Return for each word whether all of its letters are equal in the alignment.

    Args:
        words: Words of the answer.
        hypothesis: Its normalized text.
        edits: Alignment of the normalized texts, in any unit.

    Returns:
        Empty if the words' letters are not those of the text: a normalizer rewrote some.
    """
    letters = [folded(word.text) for word in words]
    if "".join(letters) != folded(hypothesis):
        return []
    is_equal: list[bool] = []
    for step in edits:
        if step.operation is not Operation.DELETION:
            is_equal += [step.operation is Operation.EQUAL] * len(folded(step.hypothesis))
    rights, at = [], 0
    for word in letters:
        rights.append(bool(word) and all(is_equal[at : at + len(word)]))
        at += len(word)
    return rights
