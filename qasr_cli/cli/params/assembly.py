"""From parsed values to option groups.

In go a command's flags with their values, and the origin of each; out come checked groups of
`qasr_cli.options`. Most values are converted by their flag's `convert`; this module has the options that
follow from several flags.
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
    RemoteOptions,
)
from qasr_cli.options.flag import flags_of, groups_of
from qasr_cli.options.speech import joined_context
from qasr_cli.options.subtitles import NO_RATE
from qasr_cli.runs.files import typed_paths
from qasr_cli.tasks.text_input import STDIO, read_text

_DEFAULTS = Options()


@dataclass(frozen=True, slots=True)
class Given:
    """The parsed values of a command.

    Attributes:
        values: Values by a flag's key, of its `kind`; only of flags that the command has.
        origin: Returns the origin of a key's value.
    """

    values: Mapping[str, Any]
    origin: Callable[[str], ValueOrigin]

    def get(self, key: str, default: Any) -> Any:
        """Return the value of a flag, or `default` if the command does not have the flag."""
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
        UsageError: A flag's value is invalid, or flags contradict each other.
        QasrError: A file of a flag cannot be read.
    """
    special = _SPECIAL.get(kind)
    if special is not None:
        return special(given)
    inner = {name: assemble(group, given) for name, group in groups_of(kind).items()}
    tree = kind(**given.fields(kind), **inner)
    if isinstance(tree, Options) and tree.engine.aligner.lower() == "none":
        return replace(tree, align=AlignOptions(is_enabled=False))
    return tree


def _chunk(given: Given) -> ChunkOptions:
    """Return the chunks' limits; the target is scaled with the user's limit."""
    default = _DEFAULTS.chunk
    usual_ms = default.multilingual_ms if given.get("multilingual", False) else default.max_ms
    chosen_ms = given.fields(ChunkOptions).get("max_ms")
    max_ms = usual_ms if chosen_ms is None else chosen_ms
    return replace(default, max_ms=max_ms, target_ms=default.target_ms * max_ms // default.max_ms)


def _decode(given: Given) -> DecodeOptions:
    values = given.fields(DecodeOptions)
    languages = values.get("languages", ())
    if len(languages) == 1 and values["language"] is None:
        values["language"] = languages[0]  # a list of one language is no choice
    hotwords = _text_of("--hotwords", given.get("hotwords", "")).splitlines()
    context = _text_of("--context", given.get("context", ""))
    return DecodeOptions(**{**values, "context": joined_context(context, hotwords)})


def _remote(given: Given) -> RemoteOptions:
    values = dict(given.values)
    key = values.get("server_key", "")
    if key.startswith("@"):  # a key in place of a name would be shown in an error
        file = Path(typed_paths.setting(key[1:]))
        values["server_key"] = read_text(file, "--server-key @FILE", "give it the key alone, in plain text")
    options = RemoteOptions(**replace(given, values=values).fields(RemoteOptions))
    is_typed = (
        given.origin("server_key") is ValueOrigin.COMMAND_LINE
    )  # a variable may be there for other runs
    if is_typed and not options.server:
        raise UsageError(
            "--server-key without --server", "give the servers' addresses with --server", flag="--server-key"
        )
    return options


def _text_of(flag: str, value: str) -> str:
    """Return a flag's text; `@FILE` reads it from a file."""
    if not value.startswith("@"):
        return value
    file = Path(typed_paths.setting(value[1:]))
    return read_text(file, f"{flag} {value}", "give it plain text in UTF-8")


def _cue(given: Given) -> CueOptions:
    fps = given.get("fps", "")
    options = CueOptions(**given.fields(CueOptions), is_frame_true=fps.lower() != NO_RATE)
    from qasr_cli.subtitles.rules.limits import resolve  # imports regex, which --help does not need

    # Limits that contradict each other in English are an error before any work is done
    resolve(options, None)
    return options


def _hooks(given: Given) -> HookOptions:
    options = HookOptions(**given.fields(HookOptions))
    if options.exec_after is not None:
        from qasr_cli.hooks import command  # --help does not need these

        command.parse(options.exec_after)
    if options.webhook is not None:
        from qasr_cli.hooks import address

        address.parse(options.webhook)
    return options


def _output(given: Given) -> OutputOptions:
    """Return the output options.

    Raises:
        UsageError: --json-lines, which writes to stdout, together with a folder.
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
    """Return the formats of the origin with the highest priority: flags replace those of a file.

    Raises:
        UsageError: --json-lines together with other formats.
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
    RemoteOptions: _remote,
}
