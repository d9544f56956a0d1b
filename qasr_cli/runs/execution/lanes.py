"""The lanes before the finish lane, as a run sees them: in go plans, out come sources with their final text.

They are on this machine (`local_lanes`) or on others (`runs.cluster`). They never write an output, a ledger
or a report: that is the run's part, so that nothing is written twice.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from qasr_cli.formats.readers.script_reading import ScriptFile
from qasr_cli.options import Options
from qasr_cli.pipeline.open_source import ChunkStore
from qasr_cli.pipeline.script import AlignedScript
from qasr_cli.pipeline.stage_timer import StageTimes
from qasr_cli.records import Outcome, Transcript
from qasr_cli.runs.execution.composing import ComposedSource
from qasr_cli.runs.planning.existing_subtitles import ExistingSubtitles
from qasr_cli.runs.planning.output_plan import Plan
from qasr_cli.runs.reports.summary import EngineFacts
from qasr_cli.runs.state.journal import Journal
from qasr_cli.terminal.events import Reporter


@dataclass(frozen=True, slots=True)
class FinalSource:
    """A source whose text is final: all that the finish lane needs.

    Attributes:
        text: Returns the transcript, the words of the source's script, or all that is to be written; or
            raises the error that ended the source.
        audio_ms: Length of its audio.
        begun_s: When its preparation began, by this machine's monotonic clock.
        stage_times: Seconds by stage; the finish lane adds its own.
        media_warnings: Defects of the media.
        text_warnings: Retries and alignments that failed.
        store: Its recognised chunks, which are removed once the files are written; None without any.
    """

    plan: Plan
    text: Callable[[], Transcript | AlignedScript | ComposedSource]
    audio_ms: int
    begun_s: float
    stage_times: StageTimes
    media_warnings: tuple[str, ...] = ()
    text_warnings: tuple[str, ...] = ()
    store: ChunkStore | None = None


@dataclass(frozen=True, slots=True)
class LaneSetting:
    """What a run gives to its lanes.

    Attributes:
        options: The whole tree; each stage is given its group.
        reporter: Handles the events of the run.
        journal: State of earlier runs, and of this one.
        subtitles: Finds the subtitles that a source already has.
        close: Called with the outcome of a source that ends before the finish lane.
        note_engines: Called with what is known of the engines, once they are loaded.
        scripts: By source id; the words of a source that has one are the script's.
    """

    options: Options
    reporter: Reporter
    journal: Journal
    subtitles: ExistingSubtitles
    close: Callable[[Outcome], None]
    note_engines: Callable[[EngineFacts], None]
    scripts: Mapping[int, ScriptFile] = field(default_factory=dict)


class Lanes(Protocol):
    """Turns media into final text."""

    def run(self, plans: Sequence[Plan], setting: LaneSetting) -> Generator[FinalSource, None, None]:
        """Yield each source as soon as its text is final; close those that end before.

        Closing the generator ends the work at once.

        Raises:
            UnavailableError: There is no ffmpeg, or the engines cannot be loaded; nothing has been done then.
        """
