"""SubER: the edit rate of subtitles against a reference, over words, breaks and times.

In go the captions of both; out comes a rate in percent, 0 for equal ones. It is the number of word edits,
break edits and shifts of a run of words that turn one into the other, divided by the reference's words and
breaks. A word only matches a word, and a break a break, of a caption that is shown at the same time; so a
word at the wrong time is two edits. Text is compared in lower case and without ASCII punctuation.

Wilken, Georgakopoulou, Matusov: "SubER: A Metric for Automatic Evaluation of Subtitle Quality" (IWSLT 2022,
arXiv 2205.05805). The search for shifts follows Tercom: at most 10 tokens over at most 50, the best first.
Chinese and Japanese are compared by characters. A constant offset makes every word wrong, as it does for a
viewer: see `comparison` for the offset itself.

The authors' package (`subtitle-edit-rate` 0.4.0) gives the same figures for languages with spaces and takes
twice the time for an hour of cues. It is no dependency: it needs MeCab dictionaries for Japanese and Korean,
counts a Thai line as one word, and depends on sacrebleu, lxml and jiwer.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from qasr_cli.records import Caption
from qasr_cli.subtitles.rules.width import clusters

_MAX_SHIFT_TOKENS, _MAX_SHIFT_DISTANCE = 10, 50
_MAX_CANDIDATES = 1_000  # shifts that are tried in one part, as in Tercom
_LONG_PART = 300  # tokens; longer parts are cut where both agree
_SURE_RUN = 12  # tokens that match in a row: no useful shift crosses them
_MAX_PART = 3_000  # tokens of one side; a stretch without a pause of a quarter of an hour
_NEVER = np.int32(1 << 20)
_PUNCTUATION = str.maketrans("", "", string.punctuation + "…")
_END_OF_LINE, _END_OF_BLOCK = "<eol>", "<eob>"


@dataclass(frozen=True, slots=True)
class SuberToken:
    """A word or a break with the time of its caption."""

    text: str
    start_ms: int
    end_ms: int
    is_break: bool = False


def words_of(line: str, *, is_spaced: bool) -> list[str]:
    """Return the tokens of a line: its words, or its characters in languages without spaces."""
    words = [_normal(word) for word in line.split()]
    if is_spaced:
        return words
    whole = "".join(words)
    return [cluster for cluster in clusters(whole) if cluster[0].isalnum()] or ([whole] if whole else [])


def _normal(word: str) -> str:
    lower = word.lower()
    return lower.translate(_PUNCTUATION) or lower  # what is nothing but punctuation stays what it is


def tokens(captions: Sequence[Caption], *, is_spaced: bool) -> list[SuberToken]:
    """Return the words and breaks of captions, in order."""
    of_captions: list[SuberToken] = []
    for caption in captions:
        lines = [words_of(line, is_spaced=is_spaced) for line in caption.lines]
        lines = [words for words in lines if words]
        for number, words in enumerate(lines, 1):
            of_captions += [SuberToken(word, caption.start_ms, caption.end_ms) for word in words]
            mark = _END_OF_BLOCK if number == len(lines) else _END_OF_LINE
            of_captions.append(SuberToken(mark, caption.start_ms, caption.end_ms, is_break=True))
    return of_captions


def subtitle_edit_rate(
    candidate: Sequence[Caption], reference: Sequence[Caption], *, is_spaced: bool
) -> float:
    """Return SubER in percent; captions may be in any order."""
    n_edits = n_tokens = 0
    for part, reference_captions in _parts(_sorted(candidate), _sorted(reference)):
        reference_tokens = tokens(reference_captions, is_spaced=is_spaced)
        n_edits += _edits(tokens(part, is_spaced=is_spaced), reference_tokens)
        n_tokens += len(reference_tokens)
    if not n_tokens:
        return 100.0 if n_edits else 0.0
    return 100.0 * n_edits / n_tokens


def _sorted(captions: Sequence[Caption]) -> list[Caption]:
    return sorted(captions, key=lambda caption: caption.start_ms)


def _parts(
    candidate: Sequence[Caption], reference: Sequence[Caption]
) -> Iterator[tuple[list[Caption], list[Caption]]]:
    """Yield parts between times at which neither side shows a caption; no edit crosses such a time."""
    events = sorted(
        [(caption.start_ms, 1, caption) for caption in candidate]
        + [(caption.start_ms, 0, caption) for caption in reference],
        key=lambda event: event[:2],
    )
    part: tuple[list[Caption], list[Caption]] = ([], [])
    until_ms: int | None = None
    for start_ms, is_candidate, caption in events:
        if until_ms is not None and start_ms >= until_ms:
            yield part
            part, until_ms = ([], []), None
        part[0 if is_candidate else 1].append(caption)
        until_ms = caption.end_ms if until_ms is None else max(until_ms, caption.end_ms)
    if part[0] or part[1]:
        yield part


def _edits(candidate: list[SuberToken], reference: list[SuberToken]) -> int:
    if not candidate or not reference:
        return len(candidate) + len(reference)
    if max(len(candidate), len(reference)) > _MAX_PART:
        return sum(_edits(*pair) for pair in _halves(candidate, reference))
    costs = _substitution_costs(candidate, reference)
    if max(len(candidate), len(reference)) <= _LONG_PART:
        return _edits_with_shifts(costs)
    edges = _sure_places(costs)
    total = 0
    for (i, j), (next_i, next_j) in pairwise(edges):
        part = costs[i:next_i, j:next_j]
        total += _edits_with_shifts(part) if part.size else sum(part.shape)
    return total


def _halves(
    candidate: list[SuberToken], reference: list[SuberToken]
) -> list[tuple[list[SuberToken], list[SuberToken]]]:
    """Split a part that is too long to be compared at once, at the reference's middle in time."""
    middle_ms = reference[len(reference) // 2].start_ms
    cuts = [
        next((at for at, token in enumerate(side) if token.start_ms >= middle_ms), len(side))
        for side in (candidate, reference)
    ]
    if not 0 < cuts[1] < len(reference):  # one caption holds it all
        cuts = [len(candidate) // 2, len(reference) // 2]
    return [(candidate[: cuts[0]], reference[: cuts[1]]), (candidate[cuts[0] :], reference[cuts[1] :])]


def _substitution_costs(candidate: Sequence[SuberToken], reference: Sequence[SuberToken]) -> np.ndarray:
    """Return `int32[n_candidate, n_reference]`: 0 for equal tokens, 1 for others, `_NEVER` if forbidden."""
    names = {text: number for number, text in enumerate({token.text for token in (*candidate, *reference)})}

    def columns(side: Sequence[SuberToken]) -> np.ndarray:
        rows = [(names[caption.text], caption.start_ms, caption.end_ms, caption.is_break) for caption in side]
        return np.array(rows, dtype=np.int64).T

    candidate_part, reference_tokens = columns(candidate)[:, :, None], columns(reference)[:, None, :]
    is_allowed = (
        (candidate_part[1] < reference_tokens[2])
        & (reference_tokens[1] < candidate_part[2])
        & (candidate_part[3] == reference_tokens[3])
    )
    costs = np.where(candidate_part[0] == reference_tokens[0], 0, 1)
    return np.where(is_allowed, costs, _NEVER).astype(np.int32)


def _distances(costs: np.ndarray) -> np.ndarray:
    """Return `int32[n + 1, m + 1]`: edits between all prefixes of both."""
    n, m = costs.shape
    steps = np.arange(m + 1, dtype=np.int32)
    table = np.empty((n + 1, m + 1), dtype=np.int32)
    table[0] = steps
    for i in range(n):
        above, row = table[i], table[i + 1]
        row[0] = i + 1
        np.minimum(above[:-1] + costs[i], above[1:] + 1, out=row[1:])
        # A row's own insertions: the cheapest place to the left, plus the way from there.
        row -= steps
        np.minimum.accumulate(row, out=row)
        row += steps
    return table


def _trace(costs: np.ndarray, table: np.ndarray) -> list[tuple[int, int]]:
    """Return the matched pairs of one of the cheapest paths, in order."""
    i, j = costs.shape
    pairs = []
    while i and j:
        if table[i, j] == table[i - 1, j - 1] + costs[i - 1, j - 1]:
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif table[i, j] == table[i - 1, j] + 1:
            i -= 1
        else:
            j -= 1
    return pairs[::-1]


def aligned(candidate: Sequence[str], reference: Sequence[str]) -> list[tuple[int, int]]:
    """Return the pairs of words that are equal or substituted, without regard to times."""
    names = {word: number for number, word in enumerate({*candidate, *reference})}
    candidate_part, reference_tokens = (
        np.array([names[word] for word in side]) for side in (candidate, reference)
    )
    costs = (candidate_part[:, None] != reference_tokens[None, :]).astype(np.int32)
    return _trace(costs, _distances(costs))


def _sure_places(costs: np.ndarray) -> list[tuple[int, int]]:
    """Return where a long part may be split: in the middle of matching runs, and at both ends."""
    places, run = [(0, 0)], 0
    before = (-1, -1)
    for i, j in _trace(costs, _distances(costs)):
        is_next = (i, j) == (before[0] + 1, before[1] + 1)
        run = (run + 1 if is_next else 1) if costs[i, j] == 0 else 0
        before = (i, j)
        if run == _SURE_RUN:
            places.append((i - _SURE_RUN // 2, j - _SURE_RUN // 2))
            run = 0
    return [*places, costs.shape]


def _edits_with_shifts(costs: np.ndarray) -> int:
    """Return edits and shifts: the best shift is applied repeatedly, as long as it saves an edit."""
    order = np.arange(len(costs))
    n_shifts = n_tried = 0
    while True:
        now = costs[order]
        table = _distances(now)
        edits = int(table[-1, -1])
        best: tuple[int, int, int, int] | None = None
        best_order = order
        for length, start, target, shifted in _shifts(now, _trace(now, table), order):
            n_tried += 1
            saved = edits - int(_distances(costs[shifted])[-1, -1])
            rank = (saved, length, -start, -target)
            if best is None or rank > best:
                best, best_order = rank, shifted
            if n_tried >= _MAX_CANDIDATES:
                break
        if n_tried >= _MAX_CANDIDATES or best is None or best[0] <= 0:
            return n_shifts + edits
        order, n_shifts = best_order, n_shifts + 1


def _shifts(
    costs: np.ndarray, pairs: Sequence[tuple[int, int]], order: np.ndarray
) -> Iterator[tuple[int, int, int, np.ndarray]]:
    """Yield length, start, target and the new order of each shift that could save an edit."""
    n, m = costs.shape
    is_wrong, is_wrong_in_reference = np.ones(n, dtype=bool), np.ones(m, dtype=bool)
    stands_for = {}
    for i, j in pairs:
        is_wrong[i] = is_wrong_in_reference[j] = costs[i, j] != 0
        stands_for[j] = i
    at = -1
    for j in range(m):  # a missing word has the place of the word before it
        at = stands_for.setdefault(j, at)
    for start in range(n):
        for at_reference in range(
            max(0, start - _MAX_SHIFT_DISTANCE), min(m, start + _MAX_SHIFT_DISTANCE + 1)
        ):
            for length in range(1, min(_MAX_SHIFT_TOKENS, n - start, m - at_reference) + 1):
                if costs[start + length - 1, at_reference + length - 1]:
                    break
                is_useful = is_wrong[start : start + length].any() and (
                    is_wrong_in_reference[at_reference : at_reference + length].any()
                )
                if is_useful and not start <= stands_for[at_reference] < start + length:
                    for target in _targets(stands_for, at_reference, length):
                        yield length, start, target, _moved(order, start, length, target)


def _targets(stands_for: dict[int, int], at_reference: int, length: int) -> list[int]:
    """Return the candidate's tokens before which a run could be moved, each once, in order."""
    targets = [0 if at_reference == 0 else stands_for[at_reference - 1] + 1]
    for offset in range(length):
        target = stands_for[at_reference + offset] + 1
        if target != targets[-1]:
            targets.append(target)
    return targets


def _moved(order: np.ndarray, start: int, length: int, target: int) -> np.ndarray:
    run, rest = order[start : start + length], np.delete(order, np.s_[start : start + length])
    at = target - length if target > start + length else target
    return np.insert(rest, min(at, len(rest)), run)
