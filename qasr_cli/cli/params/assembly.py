"""From what was typed to option groups.

In go a command's flags with their values, and who set each; out come groups of `qasr_cli.options`, checked.
Most values pass through as their flag's `convert` has them. What stands here is what several flags say
together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from qasr_cli.cli.typer_adapter import ValueOrigin
from qasr_cli.errors import UsageError
from qasr_cli.formats import FILE_FORMATS
from qasr_cli.options import (
    AlignOptions,
    ChunkOptions,
    CueOptions,
    DecodeOptions,
    HookOptions,
    Options,
    OutputOptions,
)
from qasr_cli.options.flag import flags_of, groups_of
from qasr_cli.options.subtitles import NO_RATE
from qasr_cli.tasks.text_input import STDIO, read_text

_DEFAULTS = Options()


@dataclass(frozen=True, slots=True)
class Given:
    """What a command was given.

    Attributes:
        values: By a flag's key, as its `kind` has it; only of flags that the command has.
        origin: Returns who set a key's value.
    """

    values: Mapping[str, Any]
    origin: Callable[[str], ValueOrigin]

    def get(self, key: str, default: Any) -> Any:
        """Return the value of a flag, or `default` where the command does not have the flag."""
        return self.values.get(key, default)

    def fields(self, group: type) -> dict[str, Any]:
        """Return a group's fields that the command has flags for."""
        return {
            name: flag.convert(self.values[flag.key]) if flag.convert else self.values[flag.key]
            for name, flag in flags_of(group).items()
            if flag.key in self.values
        }


def assemble(kind: type, given: Given) -> Any:
    """Return an option group, or the whole tree.

    Raises:
        UsageError: A flag's value cannot be, or flags contradict each other.
        QasrError: A file that a flag names cannot be read.
    """
    groups = groups_of(kind)
    if not groups:
        special = _SPECIAL.get(kind)
        return special(given) if special else kind(**given.fields(kind))
    tree = kind(**{name: assemble(group, given) for name, group in groups.items()})
    if isinstance(tree, Options) and tree.engine.aligner.lower() == "none":
        return replace(tree, align=AlignOptions(is_enabled=False))
    return tree


def _chunk(given: Given) -> ChunkOptions:
    """Return the chunks' limits; the target keeps its proportion when the user moves the limit."""
    default = _DEFAULTS.chunk
    usual_ms = default.multilingual_ms if given.get("multilingual", False) else default.max_ms
    chosen_ms = given.fields(ChunkOptions).get("max_ms")
    max_ms = usual_ms if chosen_ms is None else chosen_ms
    return replace(default, max_ms=max_ms, target_ms=default.target_ms * max_ms // default.max_ms)


def _decode(given: Given) -> DecodeOptions:
    values = given.fields(DecodeOptions)
    languages = values.get("languages", ())
    if len(languages) == 1 and values["language"] is None:
        values["language"] = languages[0]  # a choice of one is none
    lines = _text_of("--hotwords", given.get("hotwords", "")).splitlines()
    hotwords = ", ".join(line.strip() for line in lines if line.strip())
    context = _text_of("--context", given.get("context", "")).strip()
    return DecodeOptions(**{**values, "context": ", ".join(filter(None, (context, hotwords)))})


def _text_of(flag: str, value: str) -> str:
    """Return a flag's text; `@FILE` stands for what the file holds."""
    if not value.startswith("@"):
        return value
    return read_text(Path(value[1:]), f"{flag} {value}", "give it plain text in UTF-8")


def _cue(given: Given) -> CueOptions:
    fps = given.get("fps", "")
    options = CueOptions(**given.fields(CueOptions), is_frame_true=fps.lower() != NO_RATE)
    from qasr_cli.subtitles.rules.limits import resolve  # loads regex, which --help does without

    resolve(options, None)  # what contradicts itself in English does so before any work is done
    return options


def _hooks(given: Given) -> HookOptions:
    options = HookOptions(**given.fields(HookOptions))
    if options.exec_after is not None:
        from qasr_cli.hooks import command  # what --help does without

        command.parse(options.exec_after)
    if options.webhook is not None:
        from qasr_cli.hooks import address

        address.parse(options.webhook)
    return options


def _output(given: Given) -> OutputOptions:
    """Return what goes where.

    Raises:
        UsageError: --json-lines goes to stdout, and a folder was named as well.
    """
    values = given.fields(OutputOptions)
    values.update(_formats(given))
    where = given.get("output", "")
    is_stdout = where == STDIO
    if values.get("json_lines") and where and not is_stdout:
        if given.origin("output") >= given.origin("json_lines"):
            raise UsageError(
                f"--json-lines goes to stdout, and -o {where} is a folder",
                "leave one of them out",
                flag="--json-lines",  # the weaker of the two: what a file says is corrected in the file
            )
        where = ""
    return OutputOptions(
        **{
            **values,
            "folder": Path(where) if where and not is_stdout else None,
            "is_stdout": is_stdout or bool(values.get("json_lines")),
            "overwrite": bool(values.get("overwrite") or values.get("backup")),
        }
    )


def _formats(given: Given) -> dict[str, Any]:
    """Return the formats that the strongest place chose: a flag's formats replace those of a file.

    Raises:
        UsageError: It chose --json-lines and other formats.
    """
    keys = [key for key in (*FILE_FORMATS, "output_format", "json_lines") if given.get(key, None)]
    places = {key: given.origin(key) for key in keys}
    strongest = max(places.values(), default=ValueOrigin.DEFAULT)
    chosen = [key for key in keys if places[key] is strongest]
    if "json_lines" in chosen:
        if len(chosen) > 1:
            raise UsageError(
                "--json-lines is a format of its own",
                "leave it or the other formats out",
                flag="--json-lines",
            )
        return {"formats": ("jsonl",), "json_lines": True}
    names = [key for key in chosen if key in FILE_FORMATS]
    if "output_format" in chosen:
        words = cast(str, given.values["output_format"]).split(",")
        names += [name.strip().lower() for name in words if name.strip()]
    formats = tuple(dict.fromkeys(names)) or _DEFAULTS.output.formats
    return {"formats": formats, "json_lines": False}


_SPECIAL: dict[type, Callable[[Given], Any]] = {
    ChunkOptions: _chunk,
    CueOptions: _cue,
    DecodeOptions: _decode,
    HookOptions: _hooks,
    OutputOptions: _output,
}
