"""Write the manual page from the help itself: `python -m tools.make_man [docs/qasr.1]`.

In go the commands as Typer knows them; out comes roff for man(7). A test compares the page in the repository
with what this writes, so that neither can go stale.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from qasr_cli import __version__
from qasr_cli.cli.app import app
from qasr_cli.errors import EXIT_CODE_MEANINGS

PAGE = Path("docs/qasr.1")
_BOLD = re.compile(r"\[bold\](.*?)\[/(?:bold)?\]")
_VARIABLES = {
    "QASR_CONFIG": "Settings file, as --config.",
    "QASR_FFMPEG": "An ffmpeg of your own.",
    "QASR_KOREAN_DICT": "The official package's score dictionary for Korean words.",
    "HF_HOME": "Where downloaded models are.",
    "TMPDIR": "Where decoded audio waits.",
}


def page() -> str:
    """Return the whole page."""
    root: Any = typer.main.get_command(app)
    lines = [
        '.\\" Made by python -m tools.make_man; edit the help instead.',
        f'.TH QASR 1 "" "qasr {__version__}" "User Commands"',
        ".SH NAME",
        "qasr \\- turn media into subtitles with word\\-level timings",
        ".SH SYNOPSIS",
        *(line for command, names in _leaves(root) for line in (".br", _synopsis(command, names))),
        ".SH DESCRIPTION",
        *_paragraphs(root.help),
        ".SH GLOBAL OPTIONS",
        *_options(root),
    ]
    for command, names in _leaves(root):
        lines += [f".SH {_plain(' '.join(names)).upper()}", *_paragraphs(command.help)]
        lines += [*_arguments(command), *_options(command), *_paragraphs(command.epilog or "")]
    lines += [".SH FILES", ".TP", r".I ./qasr.toml\fR, \fI~/.config/qasr/qasr.toml"]
    lines += ["Settings, the first that is found; a key is a long flag without its dashes."]
    lines += [".SH ENVIRONMENT", ".TP", ".BI QASR_ FLAG", "Every flag of transcribe, as QASR_MODEL=demo."]
    for name, meaning in _VARIABLES.items():
        lines += [".TP", f".B {name}", _plain(meaning)]
    lines.append(".SH EXIT STATUS")
    for code, meaning in EXIT_CODE_MEANINGS.items():
        lines += [".TP", f".B {int(code)}", _plain(meaning)]
    return "\n".join(lines) + "\n"


def _leaves(group: Any, names: tuple[str, ...] = ("qasr",)) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """Yield every command that does something, with its names from `qasr` on."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _leaves(command, (*names, name))
        else:
            yield command, (*names, name)


def _synopsis(command: Any, names: tuple[str, ...]) -> str:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    wanted = " ".join(_plain(one.metavar if one.required else f"[{one.metavar}]") for one in arguments)
    return rf"\fB{_plain(' '.join(names))}\fR [\fIOPTIONS\fR] \fI{wanted}\fR"


def _arguments(command: Any) -> Iterator[str]:
    for one in command.params:
        if one.param_type_name == "argument":
            yield from (".TP", rf"\fI{_plain(one.metavar)}\fR", _text(one.help or ""))


def _options(command: Any) -> Iterator[str]:
    options = [one for one in command.params if one.param_type_name == "option" and not one.hidden]
    panels = list(dict.fromkeys(one.rich_help_panel or "" for one in options))
    for panel in sorted(panels, key=bool):  # what belongs to no panel cannot follow one
        if panel:
            yield f".SS {_plain(panel)}"
        for one in options:
            if (one.rich_help_panel or "") == panel:
                yield from _option(one)


def _option(one: Any) -> Iterator[str]:
    names = ", ".join(rf"\fB{_plain(name)}\fR" for name in (*one.opts, *one.secondary_opts))
    yield from (".TP", names + (rf" \fI{_plain(one.metavar)}\fR" if one.metavar else ""))
    has_default = one.show_default and one.default not in (None, False, "")
    yield _text((one.help or "") + (f" Default: {one.default}." if has_default else ""))


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        if paragraph:
            yield from (".PP", _text(" ".join(paragraph.split())))


def _text(help_text: str) -> str:
    """Return help as roff; bold stays bold."""
    parts = _BOLD.split(help_text)
    return "".join(rf"\fB{_plain(part)}\fR" if n % 2 else _plain(part) for n, part in enumerate(parts))


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
