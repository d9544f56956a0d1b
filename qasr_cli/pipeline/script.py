"""A source in the words of its script: the result of `qasr align`.

In go a source's final text and the script's blocks; out come a transcript in the script's words, the script's
cues if it has any, and the differences between script and recording. Recognises nothing itself: only the
aligner runs, for words that the recogniser got differently.
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
    """A transcript in the words of a script, and the differences between script and recording.

    Attributes:
        transcript: The script's words with the times at which they are spoken.
        cues: The script's own cues, timed; if it has none, cues made from the words.
        media_warnings: Defects of the media, and chunks that could not be recognised again.
        alignment: Each word's place in the script.
        script: Its blocks, and the place of each in the script's file.
    """

    transcript: Transcript
    cues: tuple[Cue, ...]
    media_warnings: tuple[str, ...]
    alignment: ScriptAlignment
    script: ScriptFile

    @property
    def n_words(self) -> int:
        """Number of words in the script."""
        return len(self.alignment.script.words)

    @property
    def n_timed(self) -> int:
        """Number of the script's words that are spoken."""
        return len(self.alignment.script_indices)

    @property
    def unspoken(self) -> tuple[tuple[Origin, str], ...]:
        """Passages of the script that are not spoken: their places in its file, and their words."""
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
        """Spoken passages that are not in the script."""
        return self.alignment.overlay.ad_libs

    @property
    def fit(self) -> float:
        """Share of the script's words, 0 to 1, that were recognised as written or nearly so."""
        return self.alignment.overlay.fit

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings for the user, one line each."""
        lines = list(self.media_warnings)
        if self.unspoken:
            origins = [origin for origin, _ in self.unspoken]
            noun = "line" if origins[0].cue is None else "cue"
            numbers = dict.fromkeys(
                str(origin.line if origin.cue is None else origin.cue) for origin in origins
            )
            where = f"{noun}{'s' if len(numbers) > 1 else ''} {', '.join(numbers)}"
            lines.append(f"{self.n_words - self.n_timed} words of the script are not spoken, in {where}")
        if self.ad_libs:
            lines.append(f"{len(self.ad_libs)} spoken passages are not in the script")
        return tuple(lines)


def align(
    recording: RecognizedSource,
    segments: Sequence[Segment],
    script: ScriptFile,
    session: Session,
    options: DecodeOptions,
) -> ScriptAlignment:
    """Return the script's words with the times at which they are spoken in a recording.

    `segments` are all recognised segments, with times.

    Raises:
        QasrError: The script is empty or of another recording, or there is no speech.
    """
    lines = [" ".join(block) for block in script.blocks]
    return align_script.align(recording, segments, lines, session, options.language)


def cue_blocks(script: ScriptFile, alignment: ScriptAlignment) -> list[cues.Block]:
    """Return the script's cues that are spoken at least in part, each with the range of its words."""
    lines = [alignment.script.line_of[place] for place in alignment.script_indices]
    blocks, first = [], 0
    for line, run in groupby(lines):
        last = first + len(list(run))
        blocks.append(cues.Block(script.blocks[line], (first, last)))
        first = last
    return blocks
