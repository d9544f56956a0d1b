"""`qasr render`: makes subtitles from existing transcripts and subtitles, without a model.

In go transcripts or subtitles of any format that is read, and options; out come files, or a text on stdout,
and an exit code. Subtitles keep their cues; transcripts are laid out by the options.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qasr_cli.errors import QasrError, naming
from qasr_cli.operating_system import streams
from qasr_cli.options import CueOptions, OutputOptions
from qasr_cli.pipeline import finish
from qasr_cli.records import Cue, Outcome, Source, Status, Transcript
from qasr_cli.runs.files import atomic_write
from qasr_cli.runs.planning import output_names
from qasr_cli.runs.planning.output_plan import Plan
from qasr_cli.runs.reports.summary import RunReport
from qasr_cli.tasks import caption_check, caption_input, foreign_transcript, outputs
from qasr_cli.tasks.caption_input import Reading
from qasr_cli.terminal import logs, stdio
from qasr_cli.terminal.stdio import DataStream

_WITH_TIMING = frozenset({"json", "jsonl"})  # formats that say which times are interpolated


@dataclass(frozen=True, slots=True)
class Looks:
    """How subtitles look: limits of cues, and names of speakers in the order of their first words."""

    cues: CueOptions
    speaker_names: tuple[str, ...] = ()


def render(
    inputs: Sequence[Path], looks: Looks, output: OutputOptions, reading: Reading, *, verbosity: int
) -> int:
    """Render each input and return the exit code; one that cannot be rendered does not stop the others.

    Raises:
        UsageError: A format is unknown, a stream is named twice, or there are several results for stdout.
    """
    logs.configure(verbosity)
    streams.refuse_twice(inputs)
    layout = outputs.resolve(output)
    stdout = stdio.guard()
    report = RunReport()
    sources = [Source(number, path, relative) for number, (path, relative) in enumerate(_relative(inputs))]
    renderer = _Renderer(looks, layout.options, reading, stdout)
    for plan in outputs.plan(sources, layout, renderer.language_for_name):
        try:
            paths = renderer.render(plan)
            report.add(Outcome(plan.source, Status.DONE, outputs=paths))
        except QasrError as error:
            logs.report_error(error)
            report.add(Outcome(plan.source, Status.FAILED, error=error))
    return report.exit_code


def _relative(inputs: Sequence[Path]) -> Iterator[tuple[Path, Path]]:
    """Yield each input with the name that its results follow from: `-`, `-2` and so on for streams."""
    n_streams = 0
    for path in inputs:
        n_streams += streams.is_stream(path)
        name = f"-{'' if n_streams == 1 else n_streams}" if streams.is_stream(path) else path.name
        yield path, Path(name)


@dataclass(frozen=True, slots=True)
class _Renderer:
    """What all inputs have in common."""

    looks: Looks
    output: OutputOptions
    reading: Reading
    stdout: DataStream

    def render(self, plan: Plan) -> tuple[Path, ...]:
        """Write one input's results and return their paths."""
        if plan.error is not None:
            raise plan.error
        source = read_source(plan.source.path, self.reading)
        if source.guessed:
            caption_input.say_guess(plan.source.path, source.guessed)
        transcript = finish.named(source.transcript, self.looks.speaker_names)
        texts = self._texts(replace(source, transcript=transcript))
        paths = plan.paths(transcript.language)
        for name, path in paths.items():
            is_overwrite, is_backup = self.output.overwrite, self.output.backup
            atomic_write.write(path, texts[name], is_overwrite=is_overwrite, is_backup=is_backup)
        if self.output.is_stdout:
            self.stdout.write("".join(texts.values()))
        return tuple(paths.values())

    def _texts(self, source: RenderSource) -> dict[str, str]:
        """Return the text of each format.

        Subtitles have no times of words. JSON has interpolated ones, which are marked as such; in other
        formats they would look as if they were measured.
        """
        if source.cues is None:
            return finish.render(source.transcript, self.looks.cues, self.output)
        named = finish.with_names(source.cues, source.transcript, self.looks.cues)
        wordless = [replace(cue, word_range=(0, 0)) for cue in named]
        texts = finish.render(source.transcript, self.looks.cues, self.output, wordless)
        marked = tuple(name for name in self.output.formats if name in _WITH_TIMING)
        output = replace(self.output, formats=marked)
        return texts | finish.render(source.transcript, self.looks.cues, output, source.cues)

    def language_for_name(self, source: Source) -> str | None:
        """Return the language of an input, for its results' names; None if it cannot be read (yet)."""
        if streams.is_stream(source.path) or streams.is_pipe(source.path):  # can be read once
            return None
        try:
            return read_source(source.path, self.reading).transcript.language or output_names.UNDETERMINED
        except QasrError:
            return None


@dataclass(frozen=True, slots=True)
class RenderSource:
    """A transcript to render.

    Attributes:
        cues: Cues to keep; None lays the transcript out.
        guessed: The encoding, if it was a guess; else "".
    """

    transcript: Transcript
    cues: tuple[Cue, ...] | None = None
    guessed: str = ""


def read_source(path: Path, reading: Reading) -> RenderSource:
    """Read a transcript or subtitles from a file or stdin.

    Raises:
        NoInputError: There is no such file.
        UndecodableError: It is neither, or a part of it would be lost.
    """
    file = caption_input.read_captions(path, reading)
    if file.transcript is not None:
        return RenderSource(file.transcript)
    language = caption_check.language_of(path, file, reading.language)
    with naming(streams.shown(path)):
        transcript, cues = foreign_transcript.convert(path, file, language)
    return RenderSource(transcript, cues, file.encoding if file.is_guess else "")
