"""Commands name option groups; Typer gets every flag of them.

In goes a function whose parameters are option groups, single flags and operands; out comes the same with a
parameter for each flag, as Typer reads a command. What was typed goes back into groups before the function
is called, so no command repeats a flag that it shares with others.
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
    """Which flags of a group a command has: `Annotated[Options, Selection(...)]`.

    Attributes:
        only: Groups and keys of flags; empty for all.
        without: Keys of flags that are left out.
        changed: What a flag says of itself in this command: fields of `FlagSpec` by key.
    """

    only: tuple[type | str, ...] = ()
    without: tuple[str, ...] = ()
    changed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def takes(self, group: type, flag: FlagSpec) -> bool:
        """Return whether a flag of a group is one of the command's."""
        is_named = not self.only or group in self.only or flag.key in self.only
        return is_named and flag.key not in self.without


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

    The function gets two attributes: `flags`, all that it has, and `assemble(values, context)`, which turns
    parsed values into the arguments of the function that was given.
    """
    own = inspect.signature(command, eval_str=True)
    flat = [Parameter(_CONTEXT, Parameter.KEYWORD_ONLY, annotation=Context)]
    flags: list[FlagSpec] = []
    groups: dict[str, type] = {}
    for name, one in own.parameters.items():
        bare, described = _described(one.annotation)
        if isinstance(bare, type) and is_dataclass(bare):
            groups[name] = bare
            mine = list(flags_for(bare, described if isinstance(described, Selection) else Selection()))
            flags += mine
            flat += [_parameter(flag.key, flag) for flag in mine]
        elif isinstance(described, FlagSpec):
            flags.append(described)
            flat.append(_parameter(name, described, one.default))
        else:
            described = typer_adapter.argument(described) if isinstance(described, Operand) else described
            flat.append(one.replace(kind=Parameter.KEYWORD_ONLY, annotation=Annotated[bare, described]))

    def assemble_all(values: Mapping[str, Any], context: Context) -> dict[str, Any]:
        given = Given(values, functools.partial(typer_adapter.value_origin, context))
        parts = {name: assemble(kind, given) for name, kind in groups.items()}
        return parts | {name: values[name] for name in own.parameters if name not in groups}

    @functools.wraps(command)
    def called(**values: Any) -> None:
        context = values.pop(_CONTEXT)
        _note_origins(context, flags)
        command(**assemble_all(values, context))

    called.__annotations__ = {one.name: one.annotation for one in flat}
    vars(called).update(__signature__=own.replace(parameters=flat), flags=tuple(flags), assemble=assemble_all)
    return called


def _note_origins(context: Context, flags: Sequence[FlagSpec]) -> None:
    """Note which flags have their value from the settings file, for an error that is about one of them."""
    state = context.find_root().obj
    if isinstance(state, SettingsState):
        origins = {flag.key: typer_adapter.value_origin(context, flag.key) for flag in flags}
        state.note(flag for flag in flags if origins[flag.key] is ValueOrigin.FILE)


def _described(annotation: Any) -> tuple[Any, Any]:
    """Return the type that is annotated and what it is annotated with, if anything."""
    if typing.get_origin(annotation) is Annotated:
        bare, *described = typing.get_args(annotation)
        return bare, described[0]
    return annotation, None


def _parameter(name: str, flag: FlagSpec, default: Any = Parameter.empty) -> Parameter:
    kind: Any = Annotated[typer_adapter.annotation(flag), typer_adapter.option(flag)]
    shown = flag.default if default is Parameter.empty else default
    return Parameter(name, Parameter.KEYWORD_ONLY, default=shown, annotation=kind)


def flags_of_command(command: Any) -> tuple[FlagSpec, ...]:
    """Return the flags of a command that was made by `grouped`; none of another."""
    flags: tuple[FlagSpec, ...] = getattr(typer_adapter.function_of(command), "flags", ())
    return flags


def assembled(context: Context) -> dict[str, Any]:
    """Return the arguments of a command that was parsed and is not run, checked.

    Raises:
        QasrError: As the command itself would.
    """
    function: Any = typer_adapter.function_of(context.command)
    _note_origins(context, function.flags)
    arguments: dict[str, Any] = function.assemble(context.params, context)
    return arguments
