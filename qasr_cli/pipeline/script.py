"""A source in the words of its script: what `qasr align` makes of one that was transcribed.

In go a source's final text and the script's blocks; out come a transcript in the script's words, the script's
cues where it has any, and where script and recording differ. Recognises nothing itself: only the aligner is
asked, for words that the recogniser got differently.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from qasr_cli.formats.readers.script_reading import Origin, ScriptFile
from qasr_cli.options import DecodeOptions
from qasr_cli.records import Cue, Segment, Transcript
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.recognition.passes import RecognizedSource
from qasr_cli.speech.script import align_script
from qasr_cli.speech.script.align_script import ScriptAlignment
from qasr_cli.speech.script.overlay import AdLib
from qasr_cli.subtitles.layout import cues


@dataclass(frozen=True, slots=True)
class AlignedScript:
    """A transcript in the words of a script, and where script and recording differ.

    Attributes:
        transcript: The script's words with the times at which they are spoken.
        cues: The script's own, timed; where it has none, cues made of the words.
        media_warnings: What was wrong with the media, or could not be recognised again.
        alignment: Each word's place in the script.
        script: Its blocks, and where in its file each of them stands.
    """

    transcript: Transcript
    cues: tuple[Cue, ...]
    media_warnings: tuple[str, ...]
    alignment: ScriptAlignment
    script: ScriptFile

    @property
    def n_words(self) -> int:
        """Words of the script."""
        return len(self.alignment.script.words)

    @property
    def n_timed(self) -> int:
        """Words of the script that are spoken."""
        return len(self.alignment.script_indices)

    @property
    def unspoken(self) -> tuple[tuple[Origin, str], ...]:
        """What nobody says: where it stands in the script's file, and its words."""
        text = self.alignment.script
        unspoken_words = [
            (text.line_of[place], text.words[place])
            for first, last in self.alignment.overlay.unspoken
            for place in range(first, last)
        ]
        return tuple(
            (
                self.script.origins[line],
                "".join(word.lead + word.text for _, word in run).strip(),
            )
            for line, run in groupby(unspoken_words, key=lambda item: item[0])
        )

    @property
    def ad_libs(self) -> tuple[AdLib, ...]:
        """What is spoken and not in the script."""
        return self.alignment.overlay.ad_libs

    @property
    def fit(self) -> float:
        """Share of the script's words, 0 to 1, that were recognised as written or nearly so."""
        return self.alignment.overlay.fit

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the user should know, a line each."""
        lines = list(self.media_warnings)
        if self.unspoken:
            origins = [origin for origin, _ in self.unspoken]
            unit = "line" if origins[0].cue is None else "cue"
            numbers = dict.fromkeys(str(one.line if one.cue is None else one.cue) for one in origins)
            where = f"{unit}{'s' if len(numbers) > 1 else ''} {', '.join(numbers)}"
            lines.append(f"{self.n_words - self.n_timed} words of the script are not said, in {where}")
        if self.ad_libs:
            lines.append(f"{len(self.ad_libs)} passages are said that the script does not have")
        return tuple(lines)


def align(
    recording: RecognizedSource,
    segments: Sequence[Segment],
    script: ScriptFile,
    session: Session,
    options: DecodeOptions,
) -> ScriptAlignment:
    """Return the script's words with the times at which they are spoken in a recording.

    `segments` is all that was recognised in it, with times.

    Raises:
        QasrError: The script is empty or of another recording, or nobody speaks.
    """
    lines = [" ".join(block) for block in script.blocks]
    return align_script.align(recording, segments, lines, session, options.language)


def cue_blocks(script: ScriptFile, alignment: ScriptAlignment) -> list[cues.Block]:
    """Return the script's cues of which something is spoken, each with the range of its words."""
    lines = [alignment.script.line_of[place] for place in alignment.script_indices]
    blocks, first = [], 0
    for line, run in groupby(lines):
        last = first + len(list(run))
        blocks.append(cues.Block(script.blocks[line], (first, last)))
        first = last
    return blocks
