"""From words to cues: one search over every way to split the text.

In go the words of a transcript with their times; out come its cues, laid out and timed. Never uses audio or a
file format, and never drops a word: a rule that cannot be kept (too much speech for its time) becomes a flag
of the cue instead.

The steps: `word_splitting` and `phrases` turn words into text atoms, `break_costs` rates the breaks between
them, `cue_search` finds the best cues with the best lines of `line_breaking`, and `cue_timing` sets their
times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from qasr_cli.records import Cue, LineSpeaker, Word
from qasr_cli.subtitles.layout import cue_timing, word_splitting
from qasr_cli.subtitles.layout.break_costs import BreakCosts
from qasr_cli.subtitles.layout.cue_search import CueSearch
from qasr_cli.subtitles.layout.cue_timing import DraftCue
from qasr_cli.subtitles.layout.line_breaking import LineBreaker, text_of
from qasr_cli.subtitles.layout.text_atom import TextAtom
from qasr_cli.subtitles.rules.limits import Limits
from qasr_cli.subtitles.rules.presets import code_by_script
from qasr_cli.subtitles.rules.width import lines_half_cells


@dataclass(frozen=True, slots=True)
class Block:
    """A cue's text with fixed line breaks, and its words `[first, last)`."""

    lines: tuple[str, ...]
    word_range: tuple[int, int]


def build(
    words: Sequence[Word],
    language: str | None,
    duration_ms: int,
    limits: Limits,
    names: Mapping[str, str] | None = None,
) -> tuple[Cue, ...]:
    """Return the cues of a transcript: ordered, without overlap, every word in exactly one.

    A word too wide for a whole cue is cut at graphemes; its later cues have an empty `word_range`. Words
    without a visible character belong to a neighbour's cue; if no word has one, there are no cues. No line
    holds two speakers, and a cue only where the profile has dashes.

    Args:
        words: Words in order, with any times.
        language: Code; None takes the language of the text's script.
        duration_ms: No cue ends after it (media of length 0 counts as ending with its last word).
        limits: Limits of this text and its video, see `limits.of_transcript`.
        names: What is shown of a speaker, by label; None for nothing.
    """
    end_ms = duration_ms if duration_ms > 0 else max([1, *(word.end_ms for word in words)])
    code = language or code_by_script(word.text for word in words)
    atoms = word_splitting.split(words, end_ms, limits, code, names)
    if not atoms:
        return ()
    break_costs = BreakCosts(atoms, code)
    breaker = LineBreaker(atoms, break_costs, limits)
    edges = CueSearch(atoms, break_costs, breaker, limits, end_ms).run()
    return cue_timing.time_cues(_drafts(atoms, edges, breaker, limits), end_ms, limits)


def keep(
    words: Sequence[Word],
    blocks: Sequence[Block],
    duration_ms: int,
    limits: Limits,
) -> tuple[Cue, ...]:
    """Return cues with given texts and breaks, timed by their words.

    Args:
        words: Words in order.
        blocks: Texts with ordered, non-empty ranges of words.
        duration_ms: No cue ends after it.
        limits: Durations, gaps and reading speeds.
    """
    drafts = [
        DraftCue(
            words[block.word_range[0]].start_ms,
            words[block.word_range[1] - 1].end_ms,
            block.lines,
            block.word_range,
            lines_half_cells(block.lines, limits.counting),
        )
        for block in blocks
    ]
    return cue_timing.time_cues(drafts, duration_ms, limits) if drafts else ()


def _drafts(
    atoms: Sequence[TextAtom], edges: Sequence[int], breaker: LineBreaker, limits: Limits
) -> list[DraftCue]:
    n_words = [0, *accumulate(atom.n_words for atom in atoms)]
    drafts = []
    for first, last in pairwise(edges):
        places = (first, *breaker.breaks(first, last), last)
        speakers = _speakers(atoms, places, limits)
        dashes = [speaker.dash for speaker in speakers] or [""] * (len(places) - 1)
        lines = tuple(
            dash + text_of(atoms[a:b]) for dash, (a, b) in zip(dashes, pairwise(places), strict=True)
        )
        spoken_until_ms = max(atom.end_ms for atom in atoms[first:last])
        drafts.append(
            DraftCue(
                atoms[first].start_ms,
                spoken_until_ms,
                lines,
                (n_words[first], n_words[last]),
                lines_half_cells(lines, limits.counting),
                speakers=speakers,
            )
        )
    return drafts


def _speakers(atoms: Sequence[TextAtom], places: Sequence[int], limits: Limits) -> tuple[LineSpeaker, ...]:
    """Return the speaker of each line of a cue, with the dashes of a cue that holds two."""
    firsts = [atoms[place] for place in places[:-1]]
    labels = [atom.speaker for atom in firsts]
    dashes = (limits.speakers.dashes or ("", "")) if len(set(labels)) > 1 else [""] * len(labels)
    return tuple(
        LineSpeaker(atom.speaker, dash, atom.label)
        for atom, dash in zip(firsts, dashes, strict=True)
        if atom.speaker is not None
    )
