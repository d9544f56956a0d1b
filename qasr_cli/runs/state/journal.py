"""The journal of a run: the state of earlier runs, and what this one adds to it.

In go plans; out they come with what the ledger holds about them: finished, changed since, or waiting after a
failure. During the run outcomes and recognised chunks are recorded. If the state folder is not writable, the
run goes on without it: the outputs show which sources are done. The same is true of a state folder that does
not count (see `trusted_files`): nothing in it is read, locked or changed.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from qasr_cli.errors import ExitCode, QasrError, printable
from qasr_cli.options import Options
from qasr_cli.records import Outcome, Source, Status
from qasr_cli.runs.files import atomic_write
from qasr_cli.runs.files.file_identity import Identity, foreseen, identify
from qasr_cli.runs.files.name_keys import name_key
from qasr_cli.runs.files.spellings import spelt
from qasr_cli.runs.planning.existing_subtitles import is_minded
from qasr_cli.runs.planning.output_plan import Plan
from qasr_cli.runs.state import checkpoints, ledger, locking, resume_policy, trusted_files
from qasr_cli.runs.state.checkpoints import Checkpoint
from qasr_cli.runs.state.ledger import Ledger, LedgerEntry, LedgerOutput
from qasr_cli.runs.state.roots import (
    OutputRoots,
    StateFolder,
    can_keep_state,
    inner_state_folders,
    root_and_state,
    shard_part,
)
from qasr_cli.timebase import MS_PER_S

logger = logging.getLogger(__name__)

# Exit codes of failures that the file causes; a full disk or a missing model is not the file's fault.
OF_THE_FILE = {ExitCode.DATA, ExitCode.INTERNAL, ExitCode.TRY_AGAIN}


StateFolderOf = Callable[[Source], StateFolder | None]


@dataclass(slots=True)
class Journal:
    """The state of a run's sources.

    Three threads call it in a run: `begin` the prepare workers, `checkpoint` the engine lane, `announce` the
    finish lane, `enter` the last two, one at a time (`Run._close`). Each call is about one source, which only
    one lane holds at a time; what they share, the ledger, is written under a lock.

    Attributes:
        fingerprint: Fingerprint of the options, as the user gave them.
        n_retries: How often a failed source is tried again at once, in the next runs.
        is_minding_subtitles: A source that was skipped for its subtitles stays skipped while those are there.
        place_of: Returns a source's state folder.
        place_beside: Returns the state folder of runs without `-o`, if this run has `-o`.
    """

    fingerprint: str = ""
    n_retries: int = 0
    is_minding_subtitles: bool = True
    place_of: StateFolderOf = lambda source: None
    place_beside: StateFolderOf = lambda source: None
    _read: dict[Path, Identity | None] = field(default_factory=dict)
    _is_broken: bool = False
    _writing: threading.Lock = field(default_factory=threading.Lock)

    # ── before the run ──────────────────────────────────────────────────────────────────────────────────

    def decide(self, plans: Sequence[Plan]) -> list[Plan]:
        """Return the plans as the resume policy changes them."""
        now_s = time.time()
        return [self._decide(plan, now_s) for plan in plans]

    def _decide(self, plan: Plan, now_s: float) -> Plan:
        place = self.place_of(plan.source) if plan.source.is_found and plan.error is None else None
        entry = place.entry(plan.source) if place else None
        if place is None or entry is None:
            return plan
        if entry.subtitles and not (
            self.is_minding_subtitles and place.has_beside(plan.source, entry.subtitles)
        ):
            entry = replace(entry, status=Status.DONE)  # the subtitles that it was skipped for are gone
        return resume_policy.resume_plan(plan, entry, self.fingerprint, place.key, self.n_retries, now_s)

    def is_own(self, source: Source, path: Path) -> bool:
        """Whether qasr wrote a file for a source, according to the ledger."""
        for place in (self.place_of(source), self.place_beside(source)):
            entry = place.entry(source) if place else None
            if place and entry and place.key(path) in {name_key(output.path) for output in entry.outputs}:
                return True
        return False

    # ── during the run ──────────────────────────────────────────────────────────────────────────────────

    def begin(self, source: Source) -> None:
        """Record the media's identity before it is read, so that a change in the meantime is noticed."""
        if self.place_of(source) is not None:
            self._read[source.path] = identify(source.path)

    def begun_elsewhere(self, source: Source, media: Identity | None) -> None:
        """Record the media's identity that another machine found before it read the media."""
        if self.place_of(source) is not None:
            self._read[source.path] = media

    def media_of(self, source: Source) -> Identity | None:
        """Return the media's identity, once it is recorded."""
        return self._read.get(source.path)

    def checkpoint(self, source: Source, fingerprint: str) -> Checkpoint | None:
        """Return a source's checkpoint; None if this run has none for it."""
        place, media = self.place_of(source), self._read.get(source.path)
        if place is None or media is None:
            return None
        return checkpoints.checkpoint(place.folder, place.key(source.path), media, fingerprint)

    def announce(self, source: Source, texts: Mapping[Path, str]) -> None:
        """Record the files before they are written, so that a killed run's files still count as qasr's.

        Until then the earlier entry stays: both states of a file that is replaced are qasr's.
        """
        place = self.place_of(source)
        entry = place.entry(source) if place else None
        if place is None or place.ledger is None or entry is None or not texts:
            return
        outputs = entry.outputs
        for path, text in texts.items():
            key, old, state = place.key(path), spelt(path), foreseen(atomic_write.encoded(text))
            outputs = tuple(
                output for output in outputs if name_key(output.path) != key or output.identity.is_of(old)
            )
            outputs += (LedgerOutput(place.name(path), state),)
        self._add(place.ledger, replace(entry, outputs=outputs))

    def enter(self, outcome: Outcome) -> None:
        """Add an outcome to the ledger; one that was decided before the media was read is already there."""
        source = outcome.source
        place = self.place_of(source)
        if place is None or place.ledger is None or source.path not in self._read:
            return
        if not source.is_found and not os.path.exists(place.folder):
            return  # it held checkpoints only and went with the last one: beside a named file nothing stays
        self._add(place.ledger, self._entry(place, place.ledger, outcome))

    def _add(self, written: Ledger, entry: LedgerEntry) -> None:
        with self._writing:
            try:
                written.add(entry)
            except QasrError as error:
                if not self._is_broken:
                    logger.warning("%s; %s; the ledger of this run is not complete", error, error.hint)
                self._is_broken = True

    def _entry(self, place: StateFolder, earlier: Ledger, outcome: Outcome) -> LedgerEntry:
        name = place.name(outcome.source.path)
        media, before = self._read.pop(outcome.source.path), earlier.entries.get(name_key(name))
        outputs = before.outputs if before else ()
        if before is not None and (before.media != media or before.fingerprint != self.fingerprint):
            # Files from runs with other options, such as another line of a crontab, stay qasr's.
            outputs, before = tuple(_of(before, output) for output in outputs), None
        for path in outcome.outputs:
            state = identify(path)
            if state is not None:
                key = place.key(path)
                others = tuple(output for output in outputs if name_key(output.path) != key)
                outputs = (*others, LedgerOutput(place.name(path), state))
        entry = LedgerEntry(
            file=name,
            at_s=time.time(),
            status=outcome.status,
            media=media,
            fingerprint=self.fingerprint,
            outputs=outputs,
            language=outcome.language,
            audio_s=outcome.audio_ms / MS_PER_S,
            wall_s=round(outcome.wall_s, 3),
            warnings=outcome.warnings,
            reason=outcome.reason,
            subtitles=place.name(outcome.subtitles) if outcome.subtitles else "",
        )
        return _failed(entry, outcome.error, before.n_failures if before else 0) if outcome.error else entry


def _of(entry: LedgerEntry, output: LedgerOutput) -> LedgerOutput:
    """Return an entry's output with its media and fingerprint, for use in another entry."""
    return replace(
        output, media=output.media or entry.media, fingerprint=output.fingerprint or entry.fingerprint
    )


def _failed(entry: LedgerEntry, error: Exception, n_failures: int) -> LedgerEntry:
    """Return the entry of a failure; it is counted if the file caused it."""
    code = error.exit_code if isinstance(error, QasrError) else ExitCode.INTERNAL
    hint = error.hint if isinstance(error, QasrError) else ""
    return replace(
        entry,
        reason=printable(error),
        next_step=hint,
        exit_code=int(code),
        n_failures=n_failures + (code in OF_THE_FILE),
    )


@contextlib.contextmanager
def opened(sources: Sequence[Source], options: Options, notify: Callable[[str], None]) -> Iterator[Journal]:
    """Yield the journal of a run, with its output roots locked for as long as the block runs.

    Args:
        sources: All sources of the run.
        options: The whole tree.
        notify: Called with a line when the run waits for another one.

    Raises:
        LockedError: Another run holds one of the roots, or a folder below.
    """
    roots, part = OutputRoots(sources, options.output.folder), shard_part(options)
    state_folders = {root_and_state(roots.of(source), options) for source in sources if source.is_found}
    with contextlib.ExitStack() as locks:
        places: dict[Path, StateFolder | None] = {}
        for root, folder in sorted(state_folders):
            if can_keep_state(folder):
                locks.enter_context(locking.holding(folder, part, is_waiting=options.run.wait, notify=notify))
                places[folder] = StateFolder(root, folder, ledger.load(folder, part))
        for folder in sorted(inner_state_folders(sources, options)):
            locks.enter_context(
                locking.holding(folder, "", is_waiting=options.run.wait, notify=notify, is_shared=True)
            )
        yield _journal(sources, roots, places, options)


def consulted(sources: Sequence[Source], options: Options) -> Journal:
    """Return a read-only journal: nothing is locked, created or written."""
    return _journal(sources, OutputRoots(sources, options.output.folder), {}, options)


def checkpoints_only(sources: Sequence[Source], options: Options) -> Journal:
    """Return the journal of a run whose results are not transcripts of their media, such as timed scripts.

    Its recognised chunks are saved. Nothing is added to a ledger: a later run would replace such results as
    if they were its own.
    """
    roots = OutputRoots(sources, options.output.folder)

    def place_of(source: Source) -> StateFolder | None:
        root, folder = root_and_state(roots.of(source), options)
        return StateFolder(root, folder, None) if trusted_files.counts(folder) else None

    return Journal(fingerprint=options.request_fingerprint(), place_of=place_of)


def _journal(
    sources: Sequence[Source], roots: OutputRoots, places: dict[Path, StateFolder | None], options: Options
) -> Journal:
    beside = functools.cache(lambda: OutputRoots(sources, None))  # computed on first use

    def place_in(output_root: Path) -> StateFolder | None:
        root, folder = root_and_state(output_root, options)
        if folder not in places and not trusted_files.counts(folder):
            places[folder] = None
        if folder not in places:  # of files that were named: their folder gets no ledger, but checkpoints
            entries = ledger.load(folder, shard_part(options)) if os.path.isdir(folder) else None
            places[folder] = StateFolder(root, folder, entries)
        return places[folder]

    return Journal(
        fingerprint=options.request_fingerprint(),
        n_retries=options.run.retries,
        is_minding_subtitles=is_minded(options),
        place_of=lambda source: place_in(roots.of(source)),
        place_beside=lambda source: place_in(beside().of(source)) if options.output.folder else None,
    )
