"""Media of a folder or list that already has subtitles in its language is skipped.

In go plans, and the streams of opened media; out come plans with the reason, or `AlreadySubtitled`. File
names are checked before any work; subtitle streams are checked when the media is opened. Lists folders, each
once; opens no file. `inspect` is called by the prepare workers' threads: each folder's list is read once
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
from qasr_cli.runs.inputs import sidecars
from qasr_cli.runs.inputs.sidecars import Sidecar, Sidecars
from qasr_cli.runs.planning.output_plan import Plan

_NEXT_STEP = "--even-subtitled transcribes it anyway"
# Codecs that hold text. Players cannot restyle pictures of text (pgs, dvd_subtitle), nor search them.
_TEXT_CODECS = frozenset({"subrip", "srt", "ass", "ssa", "mov_text", "webvtt", "text"})

IsOwn = Callable[[Source, Path], bool]


class AlreadySubtitled(Exception):
    """A source already has subtitles.

    Attributes:
        reason: In a few words, for the user.
        path: The file that holds them: a sidecar, or the media itself.
    """

    def __init__(self, reason: str, path: Path) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = path


def is_minded(options: Options) -> bool:
    """Whether a run skips media with subtitles; it does not if another output, such as JSON, is written."""
    output = options.output
    return (
        not options.find.even_subtitled
        and not output.is_stdout
        and all(formats.FORMATS[name].is_subtitle for name in output.formats)
    )


@dataclass(slots=True)
class ExistingSubtitles:
    """The subtitles that exist before a run.

    Args:
        options: The whole tree; formats must be known.
        is_own: Whether qasr wrote a file for a source.
    """

    options: Options
    is_own: IsOwn
    _folders: dict[str, Sidecars] = field(default_factory=dict)

    def pass_over(self, plans: Sequence[Plan]) -> list[Plan]:
        """Return the plans; media with subtitles beside it, by file name, is skipped.

        Only with `--language`: otherwise the media decides the language of the subtitles that count.
        """
        language = self.options.decode.language
        if language is None or not is_minded(self.options):
            return list(plans)
        return [self._skip_if_subtitled(plan, language) for plan in plans]

    def _skip_if_subtitled(self, plan: Plan, language: str) -> Plan:
        if not plan.source.is_found or plan.error is not None or plan.skip:
            return plan
        reason = self._beside(plan, language)
        return replace(plan, targets={}, skip=reason.reason) if reason else plan

    def inspect(self, plan: Plan, track: Track, streams: Iterable[SubtitleStream]) -> None:
        """Inspect a source that has just been opened.

        Raises:
            AlreadySubtitled: It has subtitles in its language.
        """
        if not plan.source.is_found or not is_minded(self.options):
            return
        language = self.options.decode.language
        if language is None:
            track_language = languages.find_covered(track.language or "")
            language = track_language.code if track_language else ""
            reason = self._beside(plan, language)
            if reason:
                raise reason
        for stream in streams:
            is_whole = stream.codec in _TEXT_CODECS and not stream.is_forced
            named = languages.find(stream.language or "")
            if is_whole and (named.code if named else "") == language:
                stream_name = f"stream {stream.index}, {stream.codec}"
                raise AlreadySubtitled(
                    f"has subtitles{_in(language)} inside: {stream_name} ({_NEXT_STEP})", plan.source.path
                )

    def _beside(self, plan: Plan, language: str) -> AlreadySubtitled | None:
        """Return which file beside the media has its subtitles, if any; "" is an unknown language."""
        for sidecar in self._sidecars_of(plan.source):
            path = plan.source.path.parent / sidecar.name
            is_right = sidecar.language == language and not sidecar.is_partial
            # A folder, a FIFO or a broken link holds no subtitles, whatever it is called.
            if is_right and not self._is_own(path, plan) and os.path.isfile(path):
                name = printable(sidecar.name)
                return AlreadySubtitled(
                    f"has subtitles{_in(language)} beside it: {name} ({_NEXT_STEP})", path
                )
        return None

    def _sidecars_of(self, source: Source) -> list[Sidecar]:
        folder, name = os.path.split(source.path)
        if folder not in self._folders:
            names = _names(folder or ".")
            self._folders[folder] = Sidecars.among(names, _below(folder or ".", names))
        return self._folders[folder].of(name)

    def own_beside(self, plan: Plan) -> frozenset[Path]:
        """Return the sidecars of a source that qasr wrote, for a machine without the ledger."""
        if not plan.source.is_found or not is_minded(self.options):
            return frozenset()
        paths = [plan.source.path.parent / sidecar.name for sidecar in self._sidecars_of(plan.source)]
        return frozenset(_unfixed(path) for path in paths if self._is_own(path, plan))

    def _is_own(self, path: Path, plan: Plan) -> bool:
        targets, path = plan.places.values(), _unfixed(path)
        is_target = any(target.folder == path.parent and target.may_be(path.name) for target in targets)
        return is_target or self.is_own(plan.source, path)


def _unfixed(path: Path) -> Path:
    """Return the file that `qasr check --fix` made one of, which is as much qasr's as the file."""
    return path.with_name(path.stem.removesuffix(".fixed") + path.suffix)


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - names, of many files
    except OSError:  # no folder, or one that cannot be read: reading the media reports what is wrong
        return []


def _below(folder: str, names: Sequence[str]) -> dict[str, list[str]]:
    """Return the names in the folders for subtitles, and in those of films and languages there."""
    below: dict[str, list[str]] = {}
    for outer in filter(sidecars.is_subtitle_folder, names):
        below[outer] = _names(os.path.join(folder, outer))  # noqa: PTH118 - as above
        for inner in sidecars.folders_of_interest(names, below[outer]):
            below[f"{outer}/{inner}"] = _names(os.path.join(folder, outer, inner))  # noqa: PTH118 - as above
    return below


def _in(language: str) -> str:
    return f" in {language}" if language else ""
