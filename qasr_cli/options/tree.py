"""The whole tree of options, and what a transcript was made with.

`fingerprint` says which settings, model and schema a transcript was made with; it is derived from the fields
themselves, so that a new field cannot be forgotten in it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field

from qasr_cli.options.engine import EngineOptions
from qasr_cli.options.flag import digested
from qasr_cli.options.output import OutputOptions
from qasr_cli.options.runs import FindOptions, HookOptions, RunOptions
from qasr_cli.options.speech import (
    AlignOptions,
    ChunkOptions,
    DecodeOptions,
    GuardOptions,
    MediaOptions,
    VadOptions,
)
from qasr_cli.options.subtitles import CueOptions, PictureOptions

SCHEMA = "qasr.v1"  # of the transcript JSON; part of every fingerprint


@dataclass(frozen=True, slots=True)
class Options:
    """The whole tree, in the order of the help."""

    output: OutputOptions = field(default_factory=OutputOptions)
    engine: EngineOptions = field(default_factory=EngineOptions)
    decode: DecodeOptions = field(default_factory=DecodeOptions)
    guard: GuardOptions = field(default_factory=GuardOptions)
    media: MediaOptions = field(default_factory=MediaOptions)
    chunk: ChunkOptions = field(default_factory=ChunkOptions)
    vad: VadOptions = field(default_factory=VadOptions)
    align: AlignOptions = field(default_factory=AlignOptions)
    cue: CueOptions = field(default_factory=CueOptions)
    picture: PictureOptions = field(default_factory=PictureOptions)
    find: FindOptions = field(default_factory=FindOptions)
    run: RunOptions = field(default_factory=RunOptions)
    hooks: HookOptions = field(default_factory=HookOptions)

    def fingerprint(self, model_id: str, aligner_id: str) -> str:
        """Return 16 hex digits that change with anything that changes a transcript's text or times.

        Cues are made from the transcript, so neither `cue` nor `picture` is part of it, nor is where or how
        fast it ran.
        """
        return _digest([SCHEMA, model_id, aligner_id, self._transcript_groups()])

    def request_fingerprint(self) -> str:
        """Return 16 hex digits that change with any option that changes a result, whatever its format.

        Known before a model is loaded: the model counts by the name that was asked for. What it runs on does
        not count, and neither does the engine: two implementations of a model should agree.
        """
        engine = self.engine
        asked_for = [engine.model, engine.aligner, engine.revision]
        looks = [digested(self.picture), digested(self.cue), self.output.highlight_words]
        return _digest([SCHEMA, asked_for, self._transcript_groups(), looks])

    def _transcript_groups(self) -> list[dict[str, object]]:
        groups = (self.media, self.vad, self.chunk, self.decode, self.guard, self.align)
        return [digested(group) for group in groups]


def _digest(decides: object) -> str:
    canonical = json.dumps(decides, sort_keys=True, default=str)  # a frame rate is a fraction
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]
