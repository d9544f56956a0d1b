"""Media of a folder or list that has subtitles in its language already is passed over.

In go plans, and what opened media says of itself; out come plans with the reason, or `AlreadySubtitled`.
What file names show is decided before any work; what only the media shows, when it is opened. Lists folders,
each once; opens nothing. `inspect` is called by the prepare workers' threads: each folder's list is read once
or, at worst, twice.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from qasr_cli import formats, languages
from qasr_cli.errors import printable
from qasr_cli.media.probe import SubtitleStream
from qasr_cli.options import Options
from qasr_cli.records import Source, Track
from qasr_cli.runs.inputs.sidecars import Sidecar, Sidecars, language_of
from qasr_cli.runs.planning.output_plan import Plan

_NEXT_STEP = "--even-subtitled transcribes it anyway"
# Those that hold text. Pictures of text (pgs, dvd_subtitle) no player can restyle and nobody can search.
_TEXT_CODECS = frozenset({"subrip", "srt", "ass", "ssa", "mov_text", "webvtt", "text"})

IsOwn = Callable[[Source, Path], bool]


class AlreadySubtitled(Exception):
    """A source needs no subtitles.

    Attributes:
        reason: In a few words, for the user.
        path: The file that holds those it has: a sidecar, or the media itself.
    """

    def __init__(self, reason: str, path: Path) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = path


def is_minded(options: Options) -> bool:
    """Whether a run skips what has subtitles: they do not replace a transcript for other use."""
    output = options.output
    return (
        not options.find.even_subtitled
        and not output.is_stdout
        and all(formats.FORMATS[name].is_subtitle for name in output.formats)
    )


@dataclass(slots=True)
class ExistingSubtitles:
    """The subtitles that are there before a run.

    Args:
        options: The whole tree; formats must be known.
        is_own: Whether qasr wrote a file for a source.
    """

    options: Options
    is_own: IsOwn
    _folders: dict[str, Sidecars] = field(default_factory=dict)

    def pass_over(self, plans: Sequence[Plan]) -> list[Plan]:
        """Return the plans; those whose file names show that nothing is needed are skipped.

        Only with `--language`: else what is in the media decides which language's subtitles count.
        """
        language = self.options.decode.language
        if language is None or not is_minded(self.options):
            return list(plans)
        return [self._judge(plan, language) for plan in plans]

    def _judge(self, plan: Plan, language: str) -> Plan:
        if not plan.source.is_found or plan.error is not None or plan.skip:
            return plan
        subtitled = self._beside(plan, language)
        return replace(plan, targets={}, skip=subtitled.reason) if subtitled else plan

    def inspect(self, plan: Plan, track: Track, streams: Iterable[SubtitleStream]) -> None:
        """Inspect a source that has just been opened.

        Raises:
            AlreadySubtitled: It needs none.
        """
        if not plan.source.is_found or not is_minded(self.options):
            return
        language = self.options.decode.language
        if language is None:
            track_language = languages.find_covered(track.language or "")
            language = track_language.code if track_language else ""
            subtitled = self._beside(plan, language)
            if subtitled:
                raise subtitled
        for stream in streams:
            is_whole = stream.codec in _TEXT_CODECS and not stream.is_forced
            if is_whole and language_of(stream.language or "") == language:
                what = f"stream {stream.index}, {stream.codec}"
                raise AlreadySubtitled(
                    f"has subtitles{_in(language)} inside: {what} ({_NEXT_STEP})", plan.source.path
                )

    def _beside(self, plan: Plan, language: str) -> AlreadySubtitled | None:
        """Return why the files beside a source's media are enough, if they are; "" is an unknown language."""
        for sidecar in self._sidecars_of(plan.source):
            path = plan.source.path.with_name(sidecar.name)
            if sidecar.language == language and not sidecar.is_partial and not self._is_own(path, plan):
                name = printable(sidecar.name)
                return AlreadySubtitled(
                    f"has subtitles{_in(language)} beside it: {name} ({_NEXT_STEP})", path
                )
        return None

    def _sidecars_of(self, source: Source) -> list[Sidecar]:
        folder, name = os.path.split(source.path)
        if folder not in self._folders:
            try:
                self._folders[folder] = Sidecars.among(os.listdir(folder or "."))  # noqa: PTH208 - names, of many files
            except OSError:  # reading the media will say what is wrong
                self._folders[folder] = Sidecars()
        return self._folders[folder].of(name)

    def _is_own(self, path: Path, plan: Plan) -> bool:
        targets = plan.places.values()
        # What `qasr check --fix` made of a file is as much qasr's as the file.
        path = path.with_name(path.stem.removesuffix(".fixed") + path.suffix)
        is_target = any(one.folder == path.parent and one.may_be(path.name) for one in targets)
        return is_target or self.is_own(plan.source, path)


def _in(language: str) -> str:
    return f" in {language}" if language else ""
