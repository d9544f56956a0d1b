"""Every default of qasr, in frozen groups; a stage takes its group and never the whole tree.

The command line reads its defaults from here and nowhere else writes one. `fingerprint` says which
settings, model and schema a transcript was made with; it is derived from the fields themselves, so that a
new field cannot be forgotten in it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

from qasr_cli.errors import UsageError

SCHEMA = "qasr.v1"  # of the transcript JSON; part of every fingerprint


def digested_as(name: str) -> dict[str, str]:
    """Return the metadata of a renamed field that keeps its old name in fingerprints.

    A fingerprint that changed with a name would have every finished file made anew.
    """
    return {"digest": name}


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise UsageError(message)


@dataclass(frozen=True, slots=True)
class MediaOptions:
    """Which audio, and how much of a hostile file qasr is willing to decode."""

    audio_track: int = 0  # counts audio tracks only, from 0, as ffmpeg's 0:a:N does
    max_hours: float = 24.0  # a file that decodes to more is refused: a crafted one could fill the disk

    def __post_init__(self) -> None:
        _require(self.audio_track >= 0, "--audio-track counts from 0")
        _require(self.max_hours > 0, "--max-hours must be above 0")


@dataclass(frozen=True, slots=True)
class VadOptions:
    """silero-vad with hysteresis: speech starts above `onset` and ends below `offset`."""

    onset: float = 0.5  # silero's own default threshold
    offset: float = 0.35  # silero's own default: threshold - 0.15
    min_speech_ms: int = 250  # silero's default; shorter bursts are clicks
    min_silence_ms: int = 100  # silero's default; shorter dips are stop closures inside words
    pad_ms: int = 200  # silero's 30 ms clips soft onsets and final consonants; models like a little air

    def __post_init__(self) -> None:
        _require(0 < self.offset <= self.onset < 1, "VAD needs 0 < offset <= onset < 1")


@dataclass(frozen=True, slots=True)
class ChunkOptions:
    """How speech is cut for the model; 20-30 s is where Qwen3-ASR is fast, exact and does not loop."""

    max_ms: int = 30_000
    target_ms: int = 20_000  # from here on the best silence is taken
    max_gap_ms: int = 2_000  # silence that is carried along inside a chunk; longer silence ends it
    multilingual_ms: ClassVar[int] = 10_000  # the limit where languages change: a chunk has but one

    def __post_init__(self) -> None:
        _require(self.max_ms >= 1_000, "--chunk-seconds must be at least 1")
        _require(0 < self.target_ms <= self.max_ms, "the chunk target must lie within the chunk limit")

    def limited_to(self, max_ms: int) -> ChunkOptions:
        """Return the options with every chunk at most `max_ms` long, for a model with a shorter reach."""
        limit_ms = min(self.max_ms, max_ms)
        return ChunkOptions(limit_ms, min(self.target_ms, limit_ms * 2 // 3), self.max_gap_ms)


@dataclass(frozen=True, slots=True)
class DecodeOptions:
    """What the recognizer is told. `language` is a code or None for detection."""

    language: str | None = None
    context: str = ""  # free text or hotwords, given to the model as its system prompt
    languages: tuple[str, ...] = ()  # codes that detection may choose from; empty: all
    repetition_penalty: float = 1.0  # 1: none; set by the guard for a chunk that loops, never for all

    def __post_init__(self) -> None:
        _require(
            self.language is None or not self.languages or self.language in self.languages,
            "--language must be one of --languages",
        )


@dataclass(frozen=True, slots=True)
class GuardOptions:
    """What is done about text that cannot be right; `speech.recognition.hallucination` says what counts."""

    # A second, better model that redoes what is doubtful; "": the same one does.
    fallback_model: str = field(default="", metadata=digested_as("rescue_model"))
    # Languages change within a file: nothing is redone in the majority's.
    multilingual: bool = field(default=False, metadata=digested_as("is_multilingual"))
    repetition_penalty: float = 1.1  # of the last retry; 1.2 and more begins to cost real repetitions
    max_dissent_ms: int = 8_000  # speech in another language than the file's that passes for a mistake
    min_uncovered_ms: int = 2_000  # speech without words that is worth hearing again and reporting

    def __post_init__(self) -> None:
        _require(self.repetition_penalty >= 1, "the repetition penalty must be at least 1")


@dataclass(frozen=True, slots=True)
class AlignOptions:
    """How words get their times."""

    is_enabled: bool = True  # off: words are spread over their speech spans


@dataclass(frozen=True, slots=True)
class PictureOptions:
    """What is looked for in the picture.

    A group of its own and not part of `MediaOptions`, because it changes neither text nor word times and so
    does not belong to the fingerprint, which takes whole groups.
    """

    shots: bool = field(default=False, metadata=digested_as("is_finding_shots"))


@dataclass(frozen=True, slots=True)
class CueOptions:
    """Limits of a cue; None means the profile's own for the language (`subtitles.rules.profiles`).

    `is_frame_true` without a `frame_rate` means the video's.
    """

    profile: str = "netflix-sdh"
    max_line_width: int | None = field(default=None, metadata=digested_as("max_line_cells"))
    max_lines: int | None = None
    max_words: int | None = None
    max_cps: float | None = None
    min_duration_ms: int | None = None
    max_duration_ms: int | None = None
    min_gap_ms: int | None = None
    frame_rate: Fraction | None = None
    is_frame_true: bool = True

    def __post_init__(self) -> None:
        _require((self.max_line_width or 8) >= 8, "--max-line-width must be at least 8")
        _require(self.max_lines is None or 1 <= self.max_lines <= 4, "--max-lines must be 1 to 4")
        _require(self.max_words is None or self.max_words >= 1, "--max-words must be at least 1")
        _require(self.max_cps is None or self.max_cps > 0, "--max-cps must be above 0")
        _require(self.min_duration_ms is None or self.min_duration_ms > 0, "--min-duration must be above 0")
        _require(self.max_duration_ms is None or self.max_duration_ms > 0, "--max-duration must be above 0")
        _require(self.min_gap_ms is None or self.min_gap_ms >= 0, "--min-gap cannot be negative")
        _require(
            self.frame_rate is None or 1 <= self.frame_rate <= 1_000,
            "--fps must be auto, none or 1 to 1000 frames a second",
        )


DEFAULT_NAME = "{stem}.{ext}"


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """Where results go. `folder` None means beside the media; `name` is a template (`output_names`)."""

    formats: tuple[str, ...] = ("srt",)
    folder: Path | None = None
    is_stdout: bool = False
    json_lines: bool = False
    overwrite: bool = False
    highlight_words: bool = False  # whisper's --highlight_words
    name: str = DEFAULT_NAME
    tag: str = ""
    backup: bool = False  # keep what is replaced


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """Which model runs on what."""

    model: str = "0.6b"
    aligner: str = "auto"  # the one that belongs to the model
    device: str = "auto"
    dtype: str = "auto"
    engine: str = "qwen3"  # or module:factory, the door for other implementations
    batch_size: int | None = None  # chunks in one forward pass at most; None: from memory
    revision: str | None = None  # of the model's hub repository: commit, tag or branch
    offline: bool = False  # never ask the network


@dataclass(frozen=True, slots=True)
class InputOptions:
    """Where media is looked for: paths, folders and patterns, and the name of a list of more.

    Attributes:
        inputs: As typed; `-` is stdin.
        files_from: File with a path a line, `-` for stdin, "" for none.
        null: Paths in that list end with a zero byte.
    """

    inputs: Sequence[Path] = ()
    files_from: str = ""
    null: bool = False


@dataclass(frozen=True, slots=True)
class LogOptions:
    """What a run reports while it works, and where.

    Attributes:
        progress: auto, bar, plain, json or none.
        log_file: Appended to; "" for none.
        log_format: text or json: of the log file; without one, of stderr.
        quiet: Errors only.
        verbose: 1 for more, 2 for tracebacks.
    """

    progress: str = "auto"
    log_file: str = ""
    log_format: str = "text"
    quiet: bool = False
    verbose: int = 0

    @property
    def verbosity(self) -> int:
        """How much is logged, as `terminal.logs.configure` takes it."""
        return -1 if self.quiet else self.verbose


ORDERS = ("name", "newest", "oldest", "largest", "smallest")


@dataclass(frozen=True, slots=True)
class FindOptions:
    """Which files a run is about, and in what order.

    Attributes:
        include: Patterns; with any, only what matches one is taken.
        exclude: Patterns; what matches one is left out.
        newer_than_s: Seconds since 1970; only files that changed after it.
        settle_s: A file that changed within so many seconds is left to a later run. None: named files are
            taken as they are, found ones are looked at twice (`runs.planning.queue`).
        shard: (k, n): the k-th of n parts, counted from 1.
        limit: Files to work on at most; finished ones do not count.
        even_subtitled: Found files that have subtitles from elsewhere are taken too.
    """

    recursive: bool = False
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    newer_than_s: float | None = None
    settle_s: float | None = None
    order: str = "name"
    shard: tuple[int, int] = (1, 1)
    limit: int | None = None
    even_subtitled: bool = False

    def __post_init__(self) -> None:
        _require(self.settle_s is None or 0 <= self.settle_s < float("inf"), "--settle cannot be negative")
        _require(self.order in ORDERS, f"--order {self.order}: say {', '.join(ORDERS)}")
        part, n_parts = self.shard
        _require(1 <= part <= n_parts, f"--shard {part}/{n_parts}: say K/N with K from 1 to N, such as 2/8")
        _require(self.limit is None or self.limit >= 1, "--limit must be at least 1")


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a run behaves; nothing here changes text or times."""

    strict: bool = False
    workers: int = 2  # sources decoded at once; ffmpeg uses further threads of its own
    retries: int = 2  # a source that failed is tried again in so many runs; then ever more rarely
    wait: bool = False  # for another run in the same place, instead of giving up
    state: Path | None = None  # None: `.qasr` in the output root

    def __post_init__(self) -> None:
        _require(self.retries >= 0, "--retries cannot be negative")


@dataclass(frozen=True, slots=True)
class HookOptions:
    """What is done when a source is over; nothing here changes a result.

    Attributes:
        exec_after: A command with fields.
        webhook: An address. All of it but its host may be a secret.
        timeout_s: For each command and each request.
    """

    exec_after: str | None = None
    webhook: str | None = None
    timeout_s: float = 60.0

    def __post_init__(self) -> None:
        _require(0 < self.timeout_s < float("inf"), "--hook-timeout must be above 0")


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """How folders are watched, beside what a run in them is like.

    Attributes:
        status: File that says how the watch is doing.
        idle_unload_min: Without work, engines are released after it; 0 keeps them.
    """

    poll: bool = False
    poll_interval_s: float = 5.0  # a walk over a network's tree of thousands takes a second or so
    rescan_min: float = 10.0
    settle_s: float = 10.0  # a copy over a network may pause for seconds; nobody waits for a service
    idle_unload_min: float = 10.0
    status: Path | None = None

    def __post_init__(self) -> None:
        _require(0.1 <= self.poll_interval_s <= 3600, "--poll-interval must be 0.1 to 3600 seconds")
        _require(0 < self.rescan_min < float("inf"), "--rescan must be above 0")
        _require(0 <= self.idle_unload_min < float("inf"), "--idle-unload cannot be negative")


@dataclass(frozen=True, slots=True)
class Options:
    """The whole tree."""

    media: MediaOptions = field(default_factory=MediaOptions)
    vad: VadOptions = field(default_factory=VadOptions)
    chunk: ChunkOptions = field(default_factory=ChunkOptions)
    decode: DecodeOptions = field(default_factory=DecodeOptions)
    guard: GuardOptions = field(default_factory=GuardOptions)
    align: AlignOptions = field(default_factory=AlignOptions)
    picture: PictureOptions = field(default_factory=PictureOptions)
    cue: CueOptions = field(default_factory=CueOptions)
    output: OutputOptions = field(default_factory=OutputOptions)
    engine: EngineOptions = field(default_factory=EngineOptions)
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
        looks = [_digested(self.picture), _digested(self.cue), self.output.highlight_words]
        return _digest([SCHEMA, asked_for, self._transcript_groups(), looks])

    def _transcript_groups(self) -> list[dict[str, object]]:
        groups = (self.media, self.vad, self.chunk, self.decode, self.guard, self.align)
        return [_digested(group) for group in groups]


def _digested(group: Any) -> dict[str, object]:
    """Return a group's values by the names that fingerprints know them by."""
    values = asdict(group)
    return {one.metadata.get("digest", one.name): values[one.name] for one in fields(group)}


def _digest(decides: object) -> str:
    canonical = json.dumps(decides, sort_keys=True, default=str)  # a frame rate is a fraction
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]
