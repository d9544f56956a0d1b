"""Rules of text: lines, characters, and the breaks of lines and captions.

In go captions in the order of time with their atoms; out come findings. Never uses the speech.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import groupby

from qasr_cli import languages
from qasr_cli.records import Caption
from qasr_cli.subtitles.layout.line_breaking import BAD_BREAK, HALF, STRANDED_SHARE, text_of
from qasr_cli.subtitles.qc.caption_atoms import CaptionText, is_dialogue, is_visible
from qasr_cli.subtitles.qc.findings import Finding
from qasr_cli.subtitles.rules.limits import Limits
from qasr_cli.subtitles.rules.width import HALF_CELLS_PER_CELL, Counting, half_cells

_NEAR_MS = 1_500  # captions further apart than this belong to different sentences
_BAD_UNSPACED_BREAK = 10.0  # above it a phrase is cut; between two words any place may be the best there is
_BAD_KOREAN_BREAK = 6.0  # below it a word has no such ending; above, it needs the next word (새로운, 몇)
_LONGEST_WORD = 40  # characters of a quotation in a comment
_MIN_REPEATS = 3
_MIN_LOOPS = 6
_LOOP = re.compile(rf"(\S.{{0,60}}?)(?:[\s,.]+\1){{{_MIN_LOOPS - 1},}}(?!\w)")
_LOOP_CHARS = 500
_FIRST = re.compile(r"(?<=[\s,.])\S")  # what words begin with
_DOUBLE_SPACE = re.compile(r"\S(?:  +|\t)")
# Joiners and marks of direction are text; other invisible characters show as boxes or as nothing.
_LEGAL_FORMAT = set("\u00ad\u061c\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060")
_LEGAL_FORMAT |= {chr(point) for point in range(0x2066, 0x206A)} | {chr(p) for p in range(0xE0020, 0xE0080)}


def check(captions: Sequence[Caption], text: CaptionText, limits: Limits) -> Iterator[Finding]:
    """Yield findings about the text and its breaks."""
    for index, caption in enumerate(captions):
        if is_visible(caption, limits):
            yield from _sizes(caption, index, limits)
            yield from _characters(caption, index)
            if not is_dialogue(caption):
                yield from _line_breaks(caption, index, text, limits)
            yield from _cue_breaks(captions, index, text, limits)
        else:
            yield Finding("empty", "no visible text", index, caption.start_ms)
    yield from _repeats(captions)


def of_lines(caption: Caption, index: int, text: CaptionText, limits: Limits) -> Iterator[Finding]:
    """Yield findings about a caption that other line breaks may repair.

    Args:
        caption: A caption with at least one line.
        index: Its index in `text`.
        text: Text of this caption and its neighbours.
        limits: Limits of lines.
    """
    yield from _sizes(caption, index, limits)
    yield from _line_breaks(caption, index, text, limits)


def _sizes(caption: Caption, index: int, limits: Limits) -> Iterator[Finding]:
    n_lines = len(caption.lines)
    if n_lines > limits.max_lines:
        comment = f"{n_lines} lines, more than {limits.max_lines}"
        yield Finding("lines", comment, index, caption.start_ms, n_lines, limits.max_lines)
    widest = max(half_cells(line, limits.counting) for line in caption.lines) / HALF_CELLS_PER_CELL
    if widest > limits.max_line_cells:
        comment = f"a line of {widest:g} characters, more than {limits.max_line_cells}"
        yield Finding("cpl", comment, index, caption.start_ms, widest, limits.max_line_cells)


def _line_breaks(caption: Caption, index: int, text: CaptionText, limits: Limits) -> Iterator[Finding]:
    if len(caption.lines) == 1:
        return
    costs = text.break_costs
    places = text.lines[index][1:-1]
    bad = next((place for place in places if _is_bad(costs.cost_before(place), limits)), None)
    if bad is not None:
        comment = f"a line ends on {_quoted(text, bad - 1)}"
        yield Finding("bad_break_line", comment, index, caption.start_ms)
    if len(caption.lines) != 2 or (places and costs.is_clause_end[places[0] - 1]):
        return  # a line that ends with its clause may be short: words go before geometry (BBC 3.4)
    shorter, longer = sorted(half_cells(line, limits.counting) for line in caption.lines)
    if shorter < HALF * longer:
        share = shorter / longer
        comment = f"one line has {share:.0%} of the other"
        yield Finding("orphan_line", comment, index, caption.start_ms, round(share, 2), HALF)


def _is_bad(cost: float, limits: Limits) -> bool:
    if not limits.is_spaced:
        return cost > _BAD_UNSPACED_BREAK
    return cost > (_BAD_KOREAN_BREAK if limits.counting is Counting.KOREAN else BAD_BREAK)


def _characters(caption: Caption, index: int) -> Iterator[Finding]:
    whole = "\n".join(caption.lines)
    illegal = sorted({char for line in caption.lines for char in _illegal(line)})
    if illegal:
        named = ", ".join(f"U+{ord(char):04X}" for char in illegal[:4])
        yield Finding("illegal_chars", f"holds {named}", index, caption.start_ms)
    if _DOUBLE_SPACE.search(whole):
        yield Finding("double_space", "consecutive spaces", index, caption.start_ms)
    if not unicodedata.is_normalized("NFC", whole):
        yield Finding("non_nfc", "letters are not composed (NFC)", index, caption.start_ms)


def _illegal(line: str) -> set[str]:
    # Nearly every line is printable, which Python can say of a whole line at once.
    if line.isprintable() and "\ufffd" not in line:
        return set()
    return {char for char in line if _is_illegal(char)}


def _is_illegal(char: str) -> bool:
    category = unicodedata.category(char)
    is_hidden = category in {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"} and char not in "\t\n"
    return is_hidden or char == "\ufffd" or (category == "Cf" and char not in _LEGAL_FORMAT)


def _cue_breaks(
    captions: Sequence[Caption], index: int, text: CaptionText, limits: Limits
) -> Iterator[Finding]:
    """Find a cue whose edges cut a sentence where the next cue follows at once: the sentence goes on."""
    caption, (first, last) = captions[index], text.edges(index)
    if first == last or is_dialogue(caption) or not _is_followed(captions, index):
        return
    if _ends_badly(text, last, limits):
        yield Finding("bad_break_cue", f"ends on {_quoted(text, last - 1)}", index, caption.start_ms)
    if last - first == 1 and limits.is_spaced:
        if _is_torn_off(text, first):
            comment = f"{_quoted(text, first)} stands alone"
            yield Finding("orphan_word", comment, index, caption.start_ms)
    elif (place := _inner_end(text, first, last)) is not None:
        comment = f"ends one sentence and begins another after {_quoted(text, place)}"
        yield Finding("mixed_sentences", comment, index, caption.start_ms)
    elif stranded := _stranded(text, (first, last), limits):
        yield Finding(
            "stranded_fragment", f"{stranded!r} is cut off from its clause", index, caption.start_ms
        )


def _quoted(text: CaptionText, place: int) -> str:
    word = text.atoms[place].text
    return repr(word if len(word) <= _LONGEST_WORD else word[: _LONGEST_WORD - 1] + "…")


def _is_followed(captions: Sequence[Caption], index: int) -> bool:
    """Whether a caption with text follows soon; empty ones in between are ignored."""
    later = range(index + 1, min(index + 4, len(captions)))
    following = next((captions[place] for place in later if captions[place].lines), None)
    return following is not None and following.start_ms - captions[index].end_ms < _NEAR_MS


def _ends_badly(text: CaptionText, last: int, limits: Limits) -> bool:
    if text.break_costs.is_sentence_end[last - 1]:
        return False
    # Whatever follows, readers take it for the end of a sentence
    is_dotted = text.atoms[last - 1].text[-1] in ".!?…"
    return not is_dotted and _is_bad(text.break_costs.cost_before(last), limits)


def _is_torn_off(text: CaptionText, place: int) -> bool:
    """Whether a cue of one word is part of a sentence, and not a clause."""
    costs = text.break_costs
    is_sentence = costs.is_sentence_end[place] and (place == 0 or costs.is_sentence_end[place - 1])
    return not is_sentence and not costs.is_clause_end[place]


def _inner_end(text: CaptionText, first: int, last: int) -> int | None:
    """Return the last atom inside a caption that ends a sentence, if the caption then ends inside another."""
    ends = text.break_costs.is_sentence_end
    if ends[last - 1]:
        return None
    return next((place for place in range(last - 2, first - 1, -1) if ends[place]), None)


def _stranded(text: CaptionText, edges: tuple[int, int], limits: Limits) -> str:
    """Return one or two words after a caption's last comma, or before its first; "" without any."""
    (first, last), clauses = edges, text.break_costs.is_clause_end
    limit = STRANDED_SHARE * limits.max_half_cells
    ends = [place + 1 for place in range(first, last - 1) if clauses[place]]
    if not ends:
        return ""
    if not clauses[last - 1]:
        tail = text_of(text.atoms[ends[-1] : last])
        if half_cells(tail, limits.counting) <= limit:
            return tail
    if first and not clauses[first - 1]:
        head = text_of(text.atoms[first : ends[0]])
        if half_cells(head, limits.counting) <= limit:
            return head
    return ""


def _repeats(captions: Sequence[Caption]) -> Iterator[Finding]:
    texts = [languages.joined(caption.lines).casefold() for caption in captions]
    at = 0
    for text, run in groupby(texts):
        n_times = len(list(run))
        if n_times >= _MIN_REPEATS and any(char.isalnum() for char in text):
            yield Finding(
                "repeat", f"{n_times} cues have the same text", at, captions[at].start_ms, n_times, 2
            )
        elif _is_loop(text[:_LOOP_CHARS]):
            yield Finding("repeat", "the same words repeat", at, captions[at].start_ms)
        at += n_times


def _is_loop(text: str) -> bool:
    # A repetition follows a space or a stop, with the same letter each time. To count those letters is
    # far quicker than the search, and hardly any text has so many words that begin alike.
    firsts = _FIRST.findall(text)
    n_alike = max(map(firsts.count, set(firsts)), default=0)
    return n_alike >= _MIN_LOOPS - 1 and _LOOP.search(text) is not None
