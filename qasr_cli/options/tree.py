"""The whole tree of options, and the fingerprint of a transcript.

In go options and model ids; out come fingerprints. A fingerprint identifies the settings, model and schema of
a transcript; it is derived from the fields themselves, so that no new field is forgotten.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field

from qasr_cli.options.engine import EngineOptions
from qasr_cli.options.flag import digested
from qasr_cli.options.output import OutputOptions
from qasr_cli.options.runs import ClusterOptions, FindOptions, HookOptions, RunOptions
from qasr_cli.options.speakers import SpeakerOptions
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
    speakers: SpeakerOptions = field(default_factory=SpeakerOptions)
    cue: CueOptions = field(default_factory=CueOptions)
    picture: PictureOptions = field(default_factory=PictureOptions)
    find: FindOptions = field(default_factory=FindOptions)
    run: RunOptions = field(default_factory=RunOptions)
    cluster: ClusterOptions = field(default_factory=ClusterOptions)
    hooks: HookOptions = field(default_factory=HookOptions)

    def fingerprint(self, model_id: str, aligner_id: str) -> str:
        """Return 16 hex digits that change with every option that changes a transcript's text or times.

        Cues are made from the transcript, so `cue` and `picture` are not part of it, nor are device and
        speed.
        """
        return _digest([SCHEMA, model_id, aligner_id, self._transcript_groups()])

    def request_fingerprint(self) -> str:
        """Return 16 hex digits that change with every option that changes a result, whatever its format.

        It needs no loaded model: the model counts by its name in the options, and a server's by that of
        `--server-model`. The device does not count, and neither does the engine: two implementations of a
        model should agree.
        """
        engine = self.engine
        asked_for: list[object] = [engine.model, engine.aligner, engine.revision]
        if engine.remote.server:  # not where the servers are: one more changes no text
            asked_for += ["server", engine.remote.server_model, engine.remote.server_api]
        looks: list[object] = [digested(self.picture), digested(self.cue), self.output.highlight_words]
        # Options that are newer than fingerprints: without them those of finished requests stay.
        if self.speakers.names:
            looks.append(["speaker_names", *self.speakers.names])
        if self.output.low_confidence is not None:
            looks.append(["low_confidence", self.output.low_confidence])
        return _digest([SCHEMA, asked_for, self._transcript_groups(), looks])

    def _transcript_groups(self) -> list[dict[str, object]]:
        groups = (self.media, self.vad, self.chunk, self.decode, self.guard, self.align)
        told_apart = [self.speakers.fingerprinted()] if self.speakers.count else []  # newer than fingerprints
        return [digested(group) for group in groups] + told_apart


def _digest(decides: object) -> str:
    canonical = json.dumps(decides, sort_keys=True, default=str)  # a frame rate is a fraction
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]
