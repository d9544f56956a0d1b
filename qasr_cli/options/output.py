"""Options of output formats and files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from qasr_cli.options.flag import FILES, FORMATS, option, require

DEFAULT_NAME = "{stem}.{ext}"


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """Formats, folder and names of results. `folder` None means beside the media; `name` is a template."""

    formats: tuple[str, ...] = option(
        ("srt",),
        FORMATS,
        "Formats as one list.",
        "--output-format",
        "-f",
        metavar="LIST",
        kind=str,
        default="",
        harmless=True,
    )
    folder: Path | None = option(
        None,
        FILES,
        "Folder for the results, or - for stdout. The tree of an input folder is mirrored. Default: beside "
        "the media.",
        "--output",
        "-o",
        metavar="DIR|-",
        is_path=True,
        kind=str,
        default="",
    )
    is_stdout: bool = False  # `-o -`, or no -o and input from stdin
    json_lines: bool = option(
        False, FORMATS, "JSON transcripts on stdout, one line per source.", "--json-lines", harmless=True
    )
    overwrite: bool = option(
        False,
        FILES,
        "Replace existing results. Without it, a named file with results is refused. In folders and lists, "
        "missing results are made; results of other media or options are replaced unless they were edited.",
        "--overwrite",
        "-y",
    )
    highlight_words: bool = option(
        False,
        FORMATS,
        "Mark each word while it is spoken: underlined in SRT and WebVTT, coloured in ASS.",
        "--highlight-words",
        harmless=True,
    )
    low_confidence: float | None = option(
        None,
        FORMATS,
        "Mark words whose confidence is below this probability (JSON, HTML and ASS), such as 0.5.",
        "--low-confidence",
        metavar="P",
        harmless=True,
    )
    name: str = option(
        DEFAULT_NAME,
        FILES,
        "File name template. Fields: {stem}, {ext}, {lang} (code such as ko), {lang3} (kor), {tag}.",
        "--name",
        metavar="TEMPLATE",
    )
    tag: str = option("", FILES, "Extra part of the file name, such as sdh or ai.", "--tag", metavar="TEXT")
    backup: bool = option(
        False,
        FILES,
        "Replace existing results and keep each as NAME.bak, or NAME.bak1 and so on.",
        "--backup",
    )

    def __post_init__(self) -> None:
        is_share = self.low_confidence is None or 0 < self.low_confidence <= 1
        require(is_share, "--low-confidence must be above 0 and at most 1", "--low-confidence")

    def beside_stdin(self) -> OutputOptions:
        """Return the options for input from stdin: results go to stdout unless a folder is named."""
        return self if self.folder else replace(self, is_stdout=True)
