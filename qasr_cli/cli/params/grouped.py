"""Commands with option groups as parameters, expanded to single flags for Typer.

In goes a function whose parameters are option groups, single flags and operands; out comes a function with a
parameter for each flag, as Typer requires. Parsed values are assembled into groups before the command is
called, so no command repeats a flag that it shares with others.
"""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass, replace
from inspect import Parameter
from typing import Annotated, Any

from qasr_cli.cli import typer_adapter
from qasr_cli.cli.params import own_flags
from qasr_cli.cli.params.assembly import Given, assemble
from qasr_cli.cli.settings_file import SettingsState
from qasr_cli.cli.typer_adapter import Context, Operand, ValueOrigin
from qasr_cli.options import DecodeOptions, FlagSpec, OutputOptions
from qasr_cli.options.flag import flags_of, groups_of

_CONTEXT = "typer_context"


@dataclass(frozen=True, slots=True)
class Selection:
    """The flags of a group that a command has: `Annotated[Options, Selection(...)]`.

    Attributes:
        only: Groups and keys of flags; empty for all.
        without: Groups and keys of flags that are left out.
        changed: Changes of a flag's description in this command: fields of `FlagSpec` by key.
    """

    only: tuple[type | str, ...] = ()
    without: tuple[type | str, ...] = ()
    changed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def takes(self, group: type, flag: FlagSpec) -> bool:
        """Whether the command has a flag of a group."""
        is_named = not self.only or group in self.only or flag.key in self.only
        return is_named and group not in self.without and flag.key not in self.without


def _declared(kind: type) -> Iterator[FlagSpec]:
    """Yield the flags of a group, and those beside its fields."""
    if kind is OutputOptions:
        yield from own_flags.format_switches()
    for flag in flags_of(kind).values():
        yield own_flags.named_formats(flag) if flag.key == "output_format" else flag
    if kind is DecodeOptions:
        yield own_flags.HOTWORDS


def flags_for(kind: type, selection: Selection) -> Iterator[FlagSpec]:
    """Yield the flags of a group or tree that a command has."""
    for flag in _declared(kind):
        if selection.takes(kind, flag):
            yield replace(flag, **selection.changed.get(flag.key, {}))
    for group in groups_of(kind).values():
        yield from flags_for(group, selection)


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command that takes the flags of its groups one by one.

    The result has two attributes: `flags`, all its flags, and `assemble(values, context)`, which turns parsed
    values into the arguments of `command`.
    """
    signature = inspect.signature(command, eval_str=True)
    flat = [Parameter(_CONTEXT, Parameter.KEYWORD_ONLY, annotation=Context)]
    flags: list[FlagSpec] = []
    groups: dict[str, type] = {}
    for name, parameter in signature.parameters.items():
        kind, annotation = _described(parameter.annotation)
        if isinstance(kind, type) and is_dataclass(kind):
            groups[name] = kind
            group_flags = list(
                flags_for(kind, annotation if isinstance(annotation, Selection) else Selection())
            )
            flags += group_flags
            flat += [_parameter(flag.key, flag) for flag in group_flags]
        elif isinstance(annotation, FlagSpec):
            flags.append(annotation)
            flat.append(_parameter(name, annotation, parameter.default))
        else:
            annotation = typer_adapter.argument(annotation) if isinstance(annotation, Operand) else annotation
            flat.append(
                parameter.replace(kind=Parameter.KEYWORD_ONLY, annotation=Annotated[kind, annotation])
            )

    def assemble_all(values: Mapping[str, Any], context: Context) -> dict[str, Any]:
        given = Given(values, functools.partial(typer_adapter.value_origin, context))
        groups_given = {name: assemble(kind, given) for name, kind in groups.items()}
        return groups_given | {name: values[name] for name in signature.parameters if name not in groups}

    @functools.wraps(command)
    def called(**values: Any) -> None:
        context = values.pop(_CONTEXT)
        _note_origins(context, flags)
        _warn(context, flags)
        command(**assemble_all(values, context))

    called.__annotations__ = {parameter.name: parameter.annotation for parameter in flat}
    vars(called).update(
        __signature__=signature.replace(parameters=flat), flags=tuple(flags), assemble=assemble_all
    )
    return called


def _note_origins(context: Context, flags: Sequence[FlagSpec]) -> None:
    """Record which flags have their value from the settings file, for error messages."""
    state = context.find_root().obj
    if isinstance(state, SettingsState):
        origins = {flag.key: typer_adapter.value_origin(context, flag.key) for flag in flags}
        state.note(flag for flag in flags if origins[flag.key] is ValueOrigin.FILE)


def _warn(context: Context, flags: Sequence[FlagSpec]) -> None:
    """Warn of settings of a file found by chance that this command would have and that do not count.

    Raises:
        ConfigError: The file is wrong; its error waited in case only the help was wanted.
    """
    state = context.find_root().obj
    if not isinstance(state, SettingsState):
        return
    if state.problem is not None:
        raise state.problem
    if text := state.warning(flags):
        from qasr_cli.terminal import logs

        logs.warn_later(text)


def _described(annotation: Any) -> tuple[Any, Any]:
    """Return an annotation's type and its metadata, if any."""
    if typing.get_origin(annotation) is Annotated:
        kind, *annotation = typing.get_args(annotation)
        return kind, annotation[0]
    return annotation, None


def _parameter(name: str, flag: FlagSpec, default: Any = Parameter.empty) -> Parameter:
    kind: Any = Annotated[typer_adapter.annotation(flag), typer_adapter.option(flag)]
    shown = flag.default if default is Parameter.empty else default
    return Parameter(name, Parameter.KEYWORD_ONLY, default=shown, annotation=kind)


def flags_of_command(command: Any) -> tuple[FlagSpec, ...]:
    """Return the flags of a command that was made by `grouped`; empty for others."""
    flags: tuple[FlagSpec, ...] = getattr(typer_adapter.function_of(command), "flags", ())
    return flags


def assembled(context: Context) -> dict[str, Any]:
    """Return the checked arguments of a parsed command, without running it.

    Raises:
        QasrError: As the command itself.
    """
    function: Any = typer_adapter.function_of(context.command)
    _note_origins(context, function.flags)
    arguments: dict[str, Any] = function.assemble(context.params, context)
    return arguments
