"""`--report`: the report of a run, for machines (JSON) or for people (HTML), even if the run is interrupted.

In go a run's report, its sources and its options; out comes one file, whole or not at all. The page shows the
values of the JSON, so that the two cannot disagree.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import platform
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from qasr_cli.errors import CannotCreateError, ExitCode, QasrError, UsageError, from_os_error, printable
from qasr_cli.hooks.address import without_secrets
from qasr_cli.media.ffmpeg import find_tools
from qasr_cli.options import Options
from qasr_cli.records import Outcome, Source, Stage, Status
from qasr_cli.runs.files import atomic_write, ownership
from qasr_cli.runs.files.spellings import exists
from qasr_cli.runs.reports import html_page
from qasr_cli.runs.reports.arguments import shown_arguments
from qasr_cli.runs.reports.summary import RunReport
from qasr_cli.timebase import MS_PER_S
from qasr_cli.version import __version__

logger = logging.getLogger(__name__)

SCHEMA = "qasr.report.v1"
_FORMS = (".json", ".html")
_SHORTEST_S = 0.01  # a speed measured over less means nothing
_LIBRARIES = ("torch", "transformers", "onnxruntime", "silero-vad", "numpy")
NOT_REACHED = "not reached"  # a source that an interrupted run did not finish


@dataclass(slots=True)
class ReportedRun:
    """A run in progress, for its report. Only the thread that began the run calls it.

    Attributes:
        options: Options of the run.
        sources: All sources of the run; empty until discovery is done.
        report: Outcomes so far.
        begun: Time of its begin.
    """

    options: Options
    sources: Sequence[Source] = ()
    report: RunReport = field(default_factory=RunReport)
    begun: datetime = field(default_factory=lambda: datetime.now().astimezone())
    begun_s: float = field(default_factory=time.monotonic)


def check_place(path: Path, *, is_overwrite: bool) -> None:
    """Check before any work is done whether a report can be written there.

    Raises:
        UsageError: The name ends in neither .json nor .html.
        CannotCreateError: The file exists, or its folder is not writable.
    """
    if path.suffix.lower() not in _FORMS:
        raise UsageError(
            f"--report {path}: call it FILE.json or FILE.html",
            "the suffix decides the format",
            path=path,
            flag="--report",
        )
    if os.path.isdir(path) or (exists(path) and not is_overwrite):
        raise CannotCreateError(
            f"--report {path} already exists",
            "use --overwrite, or give it another name",
            path=path,
            flag="--report",
        )
    try:
        ownership.make_folder(path.parent)
    except OSError as error:
        raise from_os_error(error, f"--report {path}", path=path, flag="--report") from error
    if not os.access(path.parent, os.W_OK):
        raise CannotCreateError(
            f"--report {path}: its folder is not writable",
            "check its permissions",
            path=path,
            flag="--report",
        )


@contextlib.contextmanager
def reporting(path: Path | None, run: ReportedRun) -> Iterator[None]:
    """Write the report at the end of the block, however it ends, except after a usage error.

    Raises:
        QasrError: The report of a run that was not interrupted cannot be written.
    """
    try:
        yield
    except UsageError:
        raise
    except BaseException as error:
        if path is not None:
            try:
                _write(path, run, error)
            except QasrError as trouble:  # the error that ended the run matters more to the user
                logger.warning("%s", trouble)
        raise
    if path is not None:
        try:
            _write(path, run, None)
        except Exception:
            raise
        except BaseException:  # a signal, which raises only once: the run was complete before
            with contextlib.suppress(QasrError):
                _write(path, run, None)
            raise


def _write(path: Path, run: ReportedRun, error: BaseException | None) -> None:
    payload = describe(run, error)
    is_json = path.suffix.lower() == ".json"
    text = json.dumps(payload, ensure_ascii=False, indent=1) + "\n" if is_json else html_page.render(payload)
    atomic_write.write(path, text, is_overwrite=run.options.output.overwrite)


def describe(run: ReportedRun, error: BaseException | None) -> dict[str, Any]:
    """Return the report's JSON object."""
    wall_s = time.monotonic() - run.begun_s
    report, loaded = run.report, run.report.engines
    over = {outcome.source.id: outcome for outcome in report.outcomes}
    done = [outcome for outcome in report.outcomes if outcome.status is Status.DONE]
    audio_s = sum(outcome.audio_ms for outcome in done) / MS_PER_S
    counts = Counter(
        over[source.id].status.value if source.id in over else NOT_REACHED for source in run.sources
    )
    return {
        "schema": SCHEMA,
        "begun": run.begun.isoformat(timespec="seconds"),
        **ending(error, report),
        "wall_s": round(wall_s, 3),
        "counts": {name: counts[name] for name in (*Status, NOT_REACHED)},
        "audio_s": round(audio_s, 3),
        "rtfx": _rtfx(audio_s, wall_s),
        "rtfx_scope": "media of sources that are done / wall time of the run, loading the model included",
        "engines": asdict(loaded) if loaded else None,
        "stages": _stages(*report.outcomes),
        "passed_over": report.passed_over.fields(),
        "sources": [_source(source, over.get(source.id)) for source in run.sources],
        "versions": _versions(),
        "arguments": [printable(one) for one in shown_arguments(sys.argv[1:])],
        "options": _without_secrets(asdict(run.options)),
    }


def _without_secrets(value: object) -> Any:
    """Return options as JSON values, without secrets and as valid UTF-8."""
    if isinstance(value, Mapping):
        return {key: _without_secrets(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [_without_secrets(member) for member in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return printable(without_secrets(str(value)))


def ending(error: BaseException | None, report: RunReport) -> dict[str, Any]:
    """Return how a run ended: in words, its exit code, and the error."""
    if error is None:
        return {"ended": "complete", "exit_code": int(report.exit_code), "error": None}
    if isinstance(error, QasrError):
        return {"ended": "failed", "exit_code": int(error.exit_code), "error": error_fields(error)}
    is_asked = not isinstance(error, Exception)  # Ctrl-C and SIGTERM are not errors
    code = error.code if isinstance(error, SystemExit) else int(ExitCode.INTERRUPTED) if is_asked else None
    fields = None if is_asked else {"text": f"{type(error).__name__}: {printable(error)}", "next_step": ""}
    return {"ended": "interrupted" if is_asked else "failed", "exit_code": code, "error": fields}


def _source(source: Source, outcome: Outcome | None) -> dict[str, Any]:
    name = {"source": printable(source.relative), "path": printable(source.path)}
    if outcome is None:
        return {**name, "status": NOT_REACHED}
    audio_s, quality = outcome.audio_ms / MS_PER_S, outcome.quality
    work_s = sum(outcome.stage_s.values())  # the wall time includes waiting for other sources
    return {
        **name,
        "status": outcome.status.value,
        "reason": printable(outcome.reason),
        "audio_s": audio_s,
        "wall_s": round(outcome.wall_s, 3),
        "work_s": round(work_s, 3),
        "rtfx": _rtfx(audio_s, work_s),
        "stages": _stages(outcome),
        "outputs": [printable(path) for path in outcome.outputs],
        "error": None if outcome.error is None else error_fields(outcome.error),
        "warnings": [printable(text) for text in outcome.warnings],
        "flags": dict(Counter(flag for span in outcome.flagged_spans for flag in span.flags)),
        "doubts": [asdict(span) for span in outcome.flagged_spans],
        "quality": asdict(quality) if quality else None,
    }


def error_fields(error: Exception) -> dict[str, Any]:
    """Return an error's text and hint."""
    if isinstance(error, QasrError):
        return {"text": error.message, "next_step": error.hint, "exit_code": int(error.exit_code)}
    return {"text": printable(error), "next_step": "", "exit_code": None}


def _stages(*outcomes: Outcome) -> dict[str, Any]:
    """Return each stage's seconds, and how much faster than the media it went."""
    stages = {}
    for stage in Stage:
        through = [outcome for outcome in outcomes if stage in outcome.stage_s]
        spent_s = sum(outcome.stage_s[stage] for outcome in through)
        media_s = sum(outcome.audio_ms for outcome in through) / MS_PER_S
        if through:
            stages[stage.value] = {"s": round(spent_s, 4), "rtfx": _rtfx(media_s, spent_s)}
    return stages


def _rtfx(audio_s: float, wall_s: float) -> float | None:
    return round(audio_s / wall_s, 2) if audio_s and wall_s >= _SHORTEST_S else None


def _versions() -> dict[str, str]:
    versions = {"qasr": __version__, "python": platform.python_version(), "system": platform.platform()}
    for name in _LIBRARIES:
        with contextlib.suppress(PackageNotFoundError):
            versions[name] = version(name)
    with contextlib.suppress(QasrError):
        versions["ffmpeg"] = find_tools().version
    return versions
