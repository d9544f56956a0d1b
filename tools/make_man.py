"""Write the manual page from the help itself: `python -m tools.make_man [docs/qasr.1]`.

In go the commands with their flags; out comes roff for man(7). A test compares the page in the repository
with what this writes, so that neither can go stale.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qasr_cli.cli import typer_adapter
from qasr_cli.cli.app import app
from qasr_cli.cli.typer_adapter import Parameter
from qasr_cli.errors import EXIT_CODE_MEANINGS
from qasr_cli.version import __version__

PAGE = Path("docs/qasr.1")
VARIABLES = {
    "QASR_CONFIG": "Settings file, as --config.",
    "QASR_CACHE": "Folder of what qasr can make again, such as packed weights.",
    "QASR_FFMPEG": "An ffmpeg of your own.",
    "QASR_KOREAN_DICT": "The official package's score dictionary for Korean words.",
    "QASR_VLLM_ARGS": "With --engine vllm: arguments of vllm.LLM, as a JSON object.",
    "HF_HOME": "Where downloaded models are.",
    "TMPDIR": "Where decoded audio waits.",
}


def page() -> str:
    """Return the whole page."""
    root = typer_adapter.root_command(app)
    leaves = list(typer_adapter.leaves(root))
    lines = [
        '.\\" Made by python -m tools.make_man; edit the help instead.',
        f'.TH QASR 1 "" "qasr {__version__}" "User Commands"',
        ".SH NAME",
        "qasr \\- turn media into subtitles with word\\-level timings",
        ".SH SYNOPSIS",
        *(line for names, command in leaves for line in (".br", _synopsis(command, names))),
        ".SH DESCRIPTION",
        *_paragraphs(root.help),
        ".SH GLOBAL OPTIONS",
        *_options(root),
    ]
    for names, command in leaves:
        lines += [f".SH {_plain(' '.join(names)).upper()}", *_paragraphs(command.help)]
        lines += [*_arguments(command), *_options(command), *_paragraphs(command.epilog or "")]
    lines += [".SH FILES", ".TP", r".I ./qasr.toml\fR, \fI~/.config/qasr/qasr.toml"]
    lines += ["Settings, the first that is found; a key is a long flag without its dashes."]
    lines += [".SH ENVIRONMENT", ".TP", ".BI QASR_ FLAG", "Every flag of transcribe, as QASR_MODEL=demo."]
    for name, meaning in VARIABLES.items():
        lines += [".TP", f".B {name}", _plain(meaning)]
    lines.append(".SH EXIT STATUS")
    for code, meaning in EXIT_CODE_MEANINGS.items():
        lines += [".TP", f".B {int(code)}", _plain(meaning)]
    return "\n".join(lines) + "\n"


def _synopsis(command: Any, names: tuple[str, ...]) -> str:
    _, *words = typer_adapter.usage(command, "").split()
    return rf"\fB{_plain(' '.join(names))}\fR [\fIOPTIONS\fR] \fI{_plain(' '.join(words))}\fR"


def _arguments(command: Any) -> Iterator[str]:
    for one in typer_adapter.parameters(command):
        if not one.names:
            yield from (".TP", rf"\fI{_plain(one.metavar)}\fR", _plain(one.help))


def _options(command: Any) -> Iterator[str]:
    panels = typer_adapter.panels(command)
    for panel, options in sorted(panels.items(), key=lambda item: item[0] != typer_adapter.NO_PANEL):
        if panel != typer_adapter.NO_PANEL:  # what belongs to no panel cannot follow one
            yield f".SS {_plain(panel)}"
        for one in options:
            yield from _option(one)


def _option(one: Parameter) -> Iterator[str]:
    names = ", ".join(rf"\fB{_plain(name)}\fR" for name in one.names)
    yield from (".TP", names + (rf" \fI{_plain(one.metavar)}\fR" if one.metavar else ""))
    default = typer_adapter.default_text(one)
    yield _plain(one.help + (f" Default: {default}." if default else ""))


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in text.strip().split("\n\n"):
        if paragraph.startswith("\b\n"):  # lines that stay as they are
            yield from (".PP", ".nf", *map(_plain, paragraph.splitlines()[1:]), ".fi")
        elif paragraph:
            yield from (".PP", _plain(" ".join(paragraph.split())))


def _plain(text: str) -> str:
    """Return text in which nothing is a request: roff reads backslashes, dashes and leading dots."""
    safe = text.replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{safe}" if safe.startswith((".", "'")) else safe


def main() -> int:
    """Write the page and say where it is."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else PAGE
    path.write_text(page(), encoding="utf-8")
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
