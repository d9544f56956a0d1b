"""The class behind the Python API: a model that stays in memory between calls.

In go paths and options; out come transcripts and timed scripts, or files. Nothing is printed, and stdout,
stderr, signals and logging handlers are left alone.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self, Unpack, overload

from qasr_cli import engines, formats
from qasr_cli.engines import memory
from qasr_cli.errors import QasrError, UsageError
from qasr_cli.options import DEFAULT_NAME, FindOptions, InputOptions, Options, OutputOptions
from qasr_cli.pipeline.script import AlignedScript
from qasr_cli.records import Outcome, Source, Transcript
from qasr_cli.runs.execution.composing import FinishedSource
from qasr_cli.runs.execution.run import Run
from qasr_cli.runs.planning.output_plan import Plan
from qasr_cli.speech.inference.session import Session
from qasr_cli.tasks import outputs, telling_apart
from qasr_cli.tasks.api_keywords import EngineKeywords, with_keywords
from qasr_cli.tasks.caption_input import Reading, read_script
from qasr_cli.tasks.run_pass import PassSettings, run_pass
from qasr_cli.tasks.transcribe import log_left_out
from qasr_cli.terminal.events import Reporter

# The way for a library: without it, Python would print warnings of a program that configures no logging.
logging.getLogger("qasr_cli").addHandler(logging.NullHandler())

AnyPath = str | os.PathLike[str]  # a `str` is one path, although it is an iterable of `str` as well

_IN_MEMORY = OutputOptions(formats=(), is_stdout=True)  # no files, and no text for stdout either


@dataclass(frozen=True, slots=True)
class TranscriptResult:
    """The result of one of several sources: a transcript, or the error that ended it.

    Attributes:
        path: The media's path, as it was given.
        transcript: None if and only if there is an error.
        warnings: Doubtful passages and defects of the media, one line each.
    """

    path: Path
    transcript: Transcript | None = None
    error: QasrError | None = None
    warnings: tuple[str, ...] = ()


class Transcriber:
    """Transcribes and aligns, with the model kept in memory between calls.

    Any thread may call it; calls wait for each other, since a device computes one at a time; each call uses
    all devices. Use it as a context manager, or call `close`, to free the model's memory.

    Args:
        options: All options, see `qasr_cli.Options`; the keywords below override them. `options.hooks` has no
            effect here: commands and requests belong to the command line.
        model: `0.6b` (default), `1.7b`, `demo`, a folder or a hub id.
        language: Code or English name of the spoken language; None or `auto` detects it.
        languages: Languages that detection may choose from.
        context: Free text or hotwords, given to the model as its prompt.
        device: `auto`, `cpu`, `cuda`, `cuda:1`, `mps`, `all`, or several: `cuda:0,cuda:1`.
        dtype: `auto`, `fp32`, `fp16`, `bf16`.
        aligner: `auto`, a folder or hub id, or `none`: word times are estimated then.
        batch_size: Maximum number of chunks in one forward pass; None derives it from memory.
        offline: Never use the network for a model; `server` is used all the same.
        server: Address of a server that recognises, or several, separated by commas.
        server_key: Key of the servers.
        server_model: Name of the model on the servers; "" is the only one that they have.
        speakers: `auto`, a number or a range such as `2-4` tells speakers apart: words have a `speaker` then.
            Needs the extra `speakers`; `align` has none.

    Raises:
        UsageError: A language or another value is unknown.
    """

    def __init__(self, options: Options | None = None, **keywords: Unpack[EngineKeywords]) -> None:
        self._options = with_keywords(options or Options(), keywords)
        self._lock = threading.Lock()
        self._session: Session | None = None

    def __enter__(self) -> Self:
        """Return itself; the model is loaded by the first call that needs it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Free the model's memory."""
        self.close()

    def close(self) -> None:
        """Free the model's memory; a later call loads it again."""
        with self._lock:
            self._session = None
            memory.reclaim()

    @overload
    def transcribe(self, source: AnyPath) -> Transcript: ...  # type: ignore[overload-overlap]
    @overload
    def transcribe(self, source: Iterable[AnyPath]) -> list[TranscriptResult]: ...
    def transcribe(self, source: AnyPath | Iterable[AnyPath]) -> Transcript | list[TranscriptResult]:
        """Transcribe media files; nothing is written.

        Args:
            source: One path, or several. Chunks of several files share batches, so that one call for many
                short files is much faster than many calls.

        Returns:
            For one path its transcript; for several a list of results, in their order.

        Raises:
            NoInputError: One path: there is no such file.
            UndecodableError: One path: it is not media, or has no audio.
            UnavailableError: ffmpeg, the model or the device is missing.
            QasrError: One path: any other error, see `qasr_cli.errors`.
        """
        if isinstance(source, str | os.PathLike):
            (result,) = self._run(_paths(source))
            if result.transcript is None:
                raise result.error or QasrError(f"{result.path}: no transcript")
            return result.transcript
        return self._run(_paths(source))

    def align(
        self,
        media: AnyPath,
        script: AnyPath | None = None,
        *,
        text: str | None = None,
        encoding: str = "",
    ) -> AlignedScript:
        """Return the words of a script with the times at which they are spoken; nothing is written.

        Args:
            media: The recording.
            script: File with the spoken text: plain text, or subtitles of any format that is read.
            text: The spoken text as a string, in place of a file.
            encoding: Python's name of the file's encoding; "" detects it.

        Returns:
            `transcript` in the script's words, its `cues`, and the `unspoken` and `ad_libs` passages.

        Raises:
            QualityError: The script is of another recording.
            UndecodableError: The script has no words, or there is no speech.
            QasrError: As `transcribe`.
        """
        if (script is None) == (text is None):
            raise UsageError("align needs a script, as a file or as text", "give script=PATH or text=STRING")
        reading = Reading(encoding, self._options.decode.language)
        script_file = (
            read_script(Path(script), reading) if script is not None else formats.parse_script(text or "")
        )
        aligned: list[AlignedScript] = []

        def keep(_: Source, finished: FinishedSource) -> None:
            if finished.aligned is not None:
                aligned.append(finished.aligned)

        path = Path(media)
        with self._lock:
            outcome = self._new_run().execute([_plan(0, path)], {0: script_file}, keep).outcomes[0]
        if outcome.error is not None or not aligned:
            raise _as_qasr_error(outcome, path)
        return aligned[0]

    def transcribe_files(
        self,
        paths: AnyPath | Iterable[AnyPath],
        output: AnyPath | None = None,
        formats: str | Sequence[str] = ("srt",),
        *,
        recursive: bool = False,
        overwrite: bool = False,
        name: str = DEFAULT_NAME,
    ) -> list[Outcome]:
        """Transcribe files and folders to files, as `qasr transcribe` does, with its ledger and checkpoints.

        Args:
            paths: Media files, folders and patterns.
            output: Folder for the results; None writes them beside the media.
            formats: `srt`, `vtt`, `json`, `txt`, `tsv`, or `all`.
            recursive: Search subfolders, too.
            overwrite: Replace existing results; otherwise finished files of folders are skipped.
            name: Template of the results' names, such as `{stem}.{lang}.{ext}`.

        Returns:
            The outcome of each source, in their order: `status`, `outputs`, `error`, `warnings`, `quality`.

        Raises:
            NoInputError: One of the paths does not exist, or there is no media in the folders.
            LockedError: Another run holds the same folder.
            UnavailableError: ffmpeg, the model or the device is missing.
        """
        given = replace(
            self._options.output,
            formats=(formats,) if isinstance(formats, str) else tuple(formats),
            folder=None if output is None else Path(output),
            overwrite=overwrite,
            name=name,
        )
        layout = outputs.resolve(given)
        options = replace(
            self._options,
            output=layout.options,
            find=replace(self._options.find, recursive=recursive or self._options.find.recursive),
        )
        settings = PassSettings(options, layout, self._load, Reporter, lambda text: None)
        with self._lock:
            report = run_pass(InputOptions(_paths(paths)), settings, log_left_out)
        return sorted(report.outcomes, key=lambda outcome: outcome.source.id)

    def _run(self, paths: Sequence[Path]) -> list[TranscriptResult]:
        transcripts: dict[int, Transcript] = {}

        def keep(source: Source, finished: FinishedSource) -> None:
            transcripts[source.id] = finished.transcript

        with self._lock:
            plans = [_plan(number, path) for number, path in enumerate(paths)]
            report = self._new_run().execute(plans, on_finished=keep)
        outcomes = sorted(report.outcomes, key=lambda outcome: outcome.source.id)
        return [
            TranscriptResult(path, transcripts[number], None, outcome.warnings)
            if number in transcripts and outcome.error is None
            else TranscriptResult(path, None, _as_qasr_error(outcome, path), outcome.warnings)
            for number, (path, outcome) in enumerate(zip(paths, outcomes, strict=True))
        ]

    def _new_run(self) -> Run:
        options = replace(self._options, output=_IN_MEMORY, find=FindOptions())
        return Run(options, self._load, Reporter(), lambda text: None)

    def _load(self) -> Session:
        """Return the engines; only called by a thread that holds the lock."""
        if self._session is None:
            engines.refuse_unknown_languages(self._options.engine, self._options.decode)
            telling_apart.refuse_impossible(self._options)
            self._session = engines.load(self._options.engine, self._options.guard.fallback_model)
        return self._session


def _paths(paths: AnyPath | Iterable[AnyPath]) -> list[Path]:
    if isinstance(paths, str | os.PathLike):
        return [Path(paths)]
    return [Path(path) for path in paths]


def _plan(number: int, path: Path) -> Plan:
    return Plan(Source(number, path, Path(path.name)), {})


def _as_qasr_error(outcome: Outcome, path: Path) -> QasrError:
    """Return what ended a source, as an error that has the path as it was given."""
    error = outcome.error
    if not isinstance(error, QasrError):
        return QasrError.about(path, str(error))
    if error.path in {None, outcome.source.relative}:  # a name alone leads a program nowhere
        error.path = path
    return error
